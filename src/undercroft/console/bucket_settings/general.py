"""Bucket Settings: who may read, encryption of new files, and the bucket's info."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from undercroft.console.caps.parts import row_of_bucket
from undercroft.console.languages import _
from undercroft.console.members import rights
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.accounting.model import Held
from undercroft.store.buckets.base import EncryptionChange
from undercroft.store.buckets.in_words import of_bucket
from undercroft.store.errors import InvalidRequest, RevisionConflict
from undercroft.store.model import Bucket

SPARE_ROWS = 3  # Empty rows below those that are filled: without script they are all there is to add to.
_FIELDS = {"bucketType": "type", "bucketInfo": "info", "fileInfo": "info", "defaultServerSideEncryption": "encryption"}
Pair = tuple[str, str]


async def show(visit: Visit) -> Response:
    """The settings as they are."""
    bucket = await visit.bucket()
    encryption = "enable" if visit.store.buckets.encryption_of(bucket) else "disable"
    return await _page(visit, bucket, {"type": bucket.type, "encryption": encryption}, list(bucket.info.items()))


async def save(visit: Visit) -> Response:
    """Replace them, unless somebody else has changed the bucket since the page was opened."""
    bucket = await visit.bucket()
    values = {name: visit.field(name) for name in ("type", "encryption")}
    pairs = pairs_of(visit.fields("info_key"), visit.fields("info_value"))
    try:
        changed = await visit.store.buckets.update(
            visit.principal,
            bucket.bucket_id,
            bucket_type=values["type"],
            info=info_of(pairs),
            encryption=EncryptionChange("SSE-B2" if values["encryption"] == "enable" else None),
            if_revision_is=visit.revision,
        )
    except (InvalidRequest, RevisionConflict) as error:
        return await _page(visit, bucket, values, pairs, status=422, errors=beside(error, _FIELDS, "info"))
    visit.audit_changes(of_bucket(bucket), of_bucket(changed))
    return visit.redirect(f"/buckets/{bucket.name}/settings", notice="settings-saved")


def pairs_of(keys: Sequence[str], values: Sequence[str]) -> list[Pair]:
    """The rows of a form that are not empty."""
    return [(key.strip(), value) for key, value in zip(keys, values, strict=False) if key.strip() or value]


def info_of(pairs: Sequence[Pair]) -> dict[str, str]:
    """The pairs as info, with keys in lower case. Raises `InvalidRequest` for a key that is missing or there twice."""
    info: dict[str, str] = {}
    for key, value in pairs:
        if not key:
            raise InvalidRequest(_("The value %(value)s has no name.", value=repr(value[:100])), "bucketInfo")
        if key.lower() in info:
            raise InvalidRequest(_("%(key)s is there twice.", key=repr(key[:100])), "bucketInfo")
        info[key.lower()] = value
    return info


async def _page(
    visit: Visit,
    bucket: Bucket,
    values: Mapping[str, str],
    pairs: Sequence[Pair],
    *,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
) -> Response:
    held = (await visit.store.buckets.usage(visit.principal)).get(bucket.bucket_id, Held())
    quotas = await visit.store.accounting.quotas.of_bucket(bucket.bucket_id)
    soft = await visit.store.accounting.quotas.soft_of("bucket", bucket.bucket_id)
    done = await visit.store.accounting.quotas.done_today("bucket", bucket.account_id, bucket.bucket_id)
    return visit.render(
        "bucket_settings/general.html",
        status=status,
        errors=errors,
        bucket=bucket,
        values=values,
        rows=[*pairs, *[("", "")] * SPARE_ROWS],
        row=row_of_bucket(bucket, held, quotas, soft, done),
        may_cap=rights.refusal(visit.signed_in, "/caps") is None,
    )
