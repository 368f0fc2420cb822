"""Create a Bucket: the dialog of the founding document, and beside it what a new bucket is often given next."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from undercroft.console.bucket_settings import cors_presets
from undercroft.console.bucket_settings.lifecycle import KEEP_ALL, preset_rules
from undercroft.console.bucket_settings.lock import default_retention_of
from undercroft.console.faults import Faults
from undercroft.console.keys.new_key import show_once
from undercroft.console.languages import _
from undercroft.console.problems import problem_of
from undercroft.console.visit import Visit
from undercroft.store.buckets import cors, lifecycle_rules
from undercroft.store.buckets.base import EncryptionChange
from undercroft.store.buckets.lock import NO_LOCK_CHANGE, LockChange
from undercroft.store.errors import DuplicateBucketName, InvalidRequest, TooManyBuckets
from undercroft.store.identity.access_types import capabilities_of
from undercroft.store.model import Bucket, Document

_FIELDS = {
    "bucketName": "name",
    "bucketType": "type",
    "lifecycleRules": "days",
    "days": "days",
    "corsRules": "origin",
    "defaultRetention": "retention_days",
}
_BLANK = {
    "name": "", "type": "allPrivate", "encryption": "enable", "lock": "disable", "lifecycle": KEEP_ALL, "days": "",
    "origin": "", "mode": "none", "retention_days": "", "key": "",
}  # fmt: skip
SUGGESTIONS = 3


async def new(visit: Visit) -> Response:
    """The empty form."""
    return visit.render("buckets/new.html", values=_BLANK)


async def available(visit: Visit) -> Response:
    """Whether a bucket may have this name, for the script of the form: why not, and which ones it may have instead."""
    name = visit.query("name").strip()
    try:
        await visit.store.buckets.check_new_name(name)
    except (InvalidRequest, DuplicateBucketName) as error:
        taken = isinstance(error, DuplicateBucketName)
        suggestions = await visit.store.buckets.free_names_like(name, SUGGESTIONS) if taken else []
        return visit.answer_json({"isFree": False, "text": problem_of(error).text, "suggestions": suggestions})
    return visit.answer_json({"isFree": True, "text": _("%(name)s is free.", name=name), "suggestions": []})


async def create(visit: Visit) -> Response:
    """Make the bucket, and show it among the others, or the key that was asked for with it."""
    values = {name: visit.field(name, blank).strip() for name, blank in _BLANK.items()}
    faults = Faults(_FIELDS, "name")
    lock, rules, cors_rules, bucket = NO_LOCK_CHANGE, list[Document](), list[Document](), None
    with faults.gathered(DuplicateBucketName):
        await visit.store.buckets.check_new_name(values["name"])
    with faults.gathered(field="days"):
        rules = preset_rules(values["lifecycle"], values["days"])
        lifecycle_rules.check_rules(rules)
    with faults.gathered(field="retention_days"):
        lock = _lock(values)
    with faults.gathered(field="origin"):
        cors_rules = _cors_rules(values)
        cors.check_rules(cors_rules)
    if not faults:
        with faults.gathered(DuplicateBucketName, TooManyBuckets):
            bucket = await visit.store.buckets.create(
                visit.principal,
                values["name"],
                values["type"],
                encryption=EncryptionChange("SSE-B2" if values["encryption"] == "enable" else None),
                lock=lock,
                lifecycle_rules=rules,
                cors_rules=cors_rules,
            )
    if bucket is None:
        return visit.render("buckets/new.html", status=422, values=values, errors=faults.errors)
    if values["key"]:
        return await _make_key(visit, bucket)
    return visit.redirect("/buckets", notice="bucket-created", made=bucket.name)


def _lock(values: Mapping[str, str]) -> LockChange:
    if values["lock"] != "enable":
        return NO_LOCK_CHANGE
    if values["mode"] == "none":
        return LockChange(enabled=True)
    return LockChange(enabled=True, default_retention=default_retention_of(values["mode"], values["retention_days"]))


def _cors_rules(values: Mapping[str, str]) -> list[Document]:
    if not values["origin"]:
        return []
    return list(cors_presets.rules_of(cors_presets.Preset(cors_presets.UPLOADS, origin=values["origin"])))


async def _make_key(visit: Visit, bucket: Bucket) -> Response:
    """A key that reads and writes in the bucket alone."""
    key = await visit.store.identity.keys.create(
        visit.principal,
        bucket.name.replace(".", "-"),
        list(capabilities_of("readWrite", list_all_bucket_names=False)),
        bucket_ids=[bucket.bucket_id],
    )
    return await show_once(visit, key)
