"""Add a New Application Key: the dialog of the founding document, and the one time that a secret is shown."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any, cast

from starlette.responses import Response

from undercroft import limits
from undercroft.console.client_settings import ClientTarget, client_settings
from undercroft.console.faults import Faults
from undercroft.console.languages import N_, _
from undercroft.console.templates import count, zone_of
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest, NoSuchBucket
from undercroft.store.identity.access_types import (
    ACCESS_TYPES,
    CAPABILITY_GROUPS,
    PRESETS,
    AccessType,
    capabilities_of,
)
from undercroft.store.identity.audit_words import of_key
from undercroft.store.model import ApplicationKey
from undercroft.store.names import check_key_name

SOME_BUCKETS = "some"
CUSTOM = "custom"
_FIELDS = {
    "keyName": "name",
    "capabilities": "access",
    "bucketIds": "bucket",
    "namePrefix": "prefix",
    "validDurationInSeconds": "duration",
    "expiresOn": "expires_on",
}
_PRESET_NAMES = {
    "immutableBackup": N_("Immutable backup"),
    "browserUpload": N_("Browser upload"),
    "cdnOrigin": N_("Public CDN origin"),
}
_DURATION = N_("A duration is a whole number of seconds from 1 to %(most)s, or of days, which is less than 1000 days.")
_DURATION_TEXT = re.compile(r"([0-9]{1,8})(?:\s*(d|days?))?\Z", re.ASCII)
_DATE = N_("A date from today on, less than 1000 days away.")
_DAY_S = 86_400


async def new(visit: Visit) -> Response:
    """The empty form; for one bucket where a bucket's page leads here."""
    values = {"name": "", "bucket": visit.query("bucket"), "access": "readWrite", "prefix": ""}
    values |= {"duration": "", "expires_on": ""}
    return await _form(visit, {**values, "bucket_ids": [], "capabilities": [], "all_names": False})


async def create(visit: Visit) -> Response:
    """Make the key, and show it this once."""
    values: dict[str, Any] = {
        name: visit.field(name).strip() for name in ("name", "bucket", "access", "prefix", "duration", "expires_on")
    }
    values |= {"bucket_ids": visit.fields("bucket_ids"), "capabilities": visit.fields("capabilities")}
    values["all_names"] = bool(visit.field("all_names"))
    faults = Faults(_FIELDS, "name")
    capabilities, bucket_ids, valid_s, key = list[str](), None, None, None
    with faults.gathered():
        check_key_name(values["name"])
    with faults.gathered():
        capabilities = _capabilities(values)
    with faults.gathered():
        bucket_ids = _bucket_ids(values)
    with faults.gathered():
        valid_s = _valid_s(visit, values)
    if not faults:
        try:
            with faults.gathered():
                key = await visit.store.identity.keys.create(
                    visit.principal,
                    values["name"],
                    capabilities,
                    bucket_ids=bucket_ids,
                    name_prefix=visit.field("prefix") or None,  # Spaces may be meant.
                    valid_s=valid_s,
                )
        except NoSuchBucket as error:
            faults.add([error], field="bucket")
    if key is None:
        if "duration" in faults.errors:
            faults.errors["duration"] = _not_a_duration()
        return await _form(visit, values, status=422, errors=faults.errors)
    visit.audit_changes({}, of_key(key, await bucket_names(visit)))
    return await show_once(visit, key)


async def bucket_names(visit: Visit) -> dict[str, str]:
    """The names of the account's buckets, by id."""
    return {bucket.bucket_id: bucket.name for bucket in await visit.store.buckets.list(visit.principal)}


async def show_once(visit: Visit, key: ApplicationKey) -> Response:
    """The one page that has the secret of a key. It is the answer to the form: no address leads here again."""
    target = ClientTarget(visit.api_origin, visit.settings.region, key_id=key.key_id, application_key=key.secret)
    if key.is_master:
        # S3 refuses it; and this visit's principal has just lost its secret, so it can ask for no bucket.
        snippets = tuple(snippet for snippet in client_settings(target) if snippet.client == "b2")
        return visit.render("keys/made.html", key=key, snippets=snippets)
    for bucket in await visit.store.buckets.list(visit.principal):
        if key.bucket_ids is None or bucket.bucket_id in key.bucket_ids:
            target = target._replace(bucket=bucket.name)
            break
    return visit.render("keys/made.html", key=key, snippets=client_settings(target))


async def _form(visit: Visit, values: dict[str, Any], **answer: Any) -> Response:
    buckets = await visit.store.buckets.list(visit.principal)
    return visit.render(
        "keys/new.html",
        values=values,
        buckets=[(bucket.bucket_id, bucket.name) for bucket in buckets],
        time_zone=visit.account.time_zone,
        capability_groups=CAPABILITY_GROUPS,
        presets=[(_(_PRESET_NAMES[preset]), " ".join(granted)) for preset, granted in PRESETS.items()],
        **answer,
    )


def _capabilities(values: dict[str, Any]) -> list[str]:
    access = values["access"]
    if access in ACCESS_TYPES:
        return list(capabilities_of(cast(AccessType, access), list_all_bucket_names=values["all_names"]))
    if access != CUSTOM:
        raise InvalidRequest(_("Choose a type of access."), "capabilities")
    chosen = dict.fromkeys(values["capabilities"])
    if values["all_names"]:
        chosen |= {"listAllBucketNames": None}
    if not chosen:
        raise InvalidRequest(_("Tick at least one capability."), "capabilities")
    return list(chosen)


def _bucket_ids(values: dict[str, Any]) -> list[str] | None:
    if values["bucket"] == "":
        return None
    if values["bucket"] != SOME_BUCKETS:
        return [values["bucket"]]
    if not values["bucket_ids"]:
        raise InvalidRequest(_("Tick at least one bucket, or allow access to all."), "bucketIds")
    return list(dict.fromkeys(values["bucket_ids"]))


def _valid_s(visit: Visit, values: dict[str, Any]) -> int | None:
    """How long the key lives, by its duration or by its last day in the account's time zone; None is for ever."""
    if values["expires_on"] and values["duration"]:
        raise InvalidRequest(_("Give a duration or a date, not both."), "expiresOn")
    if not values["expires_on"]:
        return _duration(values["duration"])
    try:
        after = date.fromisoformat(values["expires_on"]) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise InvalidRequest(_(_DATE), "expiresOn") from None
    ends = datetime(after.year, after.month, after.day, tzinfo=zone_of(visit.account.time_zone))
    left_s = (ends.timestamp() * 1000 - visit.store.ambient.now_ms()) // 1000
    if not 1 <= left_s <= limits.KEY_VALID_MAX_S:
        raise InvalidRequest(_(_DATE), "expiresOn")
    return int(left_s)


def _duration(text: str) -> int | None:
    if not text:
        return None
    match = _DURATION_TEXT.match(text)
    if match is None:
        raise InvalidRequest(_not_a_duration(), "validDurationInSeconds")
    return int(match[1]) * (_DAY_S if match[2] else 1)


def _not_a_duration() -> str:
    return _(_DURATION, most=count(limits.KEY_VALID_MAX_S))
