"""What one bucket may hold, and what may be done in it a day."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.caps.amounts import exact, parse_bytes, parse_count
from undercroft.console.caps.by_day import NOT_A_COUNT, NOT_BYTES, asked, in_fields
from undercroft.console.caps.soft import asked_soft, soft_in_fields
from undercroft.console.files.places import go_to, way_back
from undercroft.console.languages import _
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.accounting.model import QUOTA_CATEGORIES
from undercroft.store.buckets.in_words import of_bucket
from undercroft.store.errors import InvalidRequest
from undercroft.store.identity.audit_words import of_quotas, of_soft_limits
from undercroft.store.model import Bucket, BucketCaps

_FIELDS = {"sizeBytes": "size", "files": "files", **{str(category): str(category) for category in QUOTA_CATEGORIES}}


async def edit_of_bucket(visit: Visit) -> Response:
    """The form, as the caps are. It leads back to the page that it was opened from."""
    bucket = await visit.store.buckets.read(visit.principal, visit.path("name"))
    caps = bucket.caps or BucketCaps()
    values = {
        "size": "" if caps.size_bytes is None else exact(caps.size_bytes),
        "files": "" if caps.files is None else f"{caps.files}",
        **in_fields(await visit.store.accounting.quotas.of_bucket(bucket.bucket_id)),
        **soft_in_fields("bucket", await visit.store.accounting.quotas.soft_of("bucket", bucket.bucket_id)),
    }
    return _form(visit, bucket, values)


async def change_of_bucket(visit: Visit) -> Response:
    """Set the caps."""
    bucket = await visit.store.buckets.read(visit.principal, visit.path("name"))
    by_day, values, errors = asked(visit)
    soft, soft_values, soft_errors = asked_soft(visit, "bucket")
    values |= soft_values
    errors |= soft_errors
    values |= {"size": visit.field("size").strip(), "files": visit.field("files").strip()}
    caps = BucketCaps(parse_bytes(values["size"]), parse_count(values["files"]))
    if values["size"] and caps.size_bytes is None:
        errors["size"] = _(NOT_BYTES)
    if values["files"] and caps.files is None:
        errors["files"] = _(NOT_A_COUNT)
    if not errors:
        quotas = visit.store.accounting.quotas
        before = of_quotas(await quotas.of_bucket(bucket.bucket_id))
        before |= of_soft_limits(await quotas.soft_of("bucket", bucket.bucket_id))
        try:
            changed = await visit.store.buckets.set_caps(visit.principal, bucket.bucket_id, caps, by_day, soft)
            after = of_bucket(changed) | of_quotas(by_day) | of_soft_limits(soft)
            visit.audit_changes(of_bucket(bucket) | before, after)
        except InvalidRequest as error:
            errors = beside(error, _FIELDS, "size")
    if errors:
        return _form(visit, bucket, values, errors)
    return go_to(way_back(visit, "/caps"), "caps-updated")


def _form(visit: Visit, bucket: Bucket, values: dict[str, str], errors: dict[str, str] | None = None) -> Response:
    return visit.render(
        "caps/bucket.html",
        status=422 if errors else 200,
        bucket=bucket,
        values=values,
        back=way_back(visit, "/caps"),
        errors=errors,
    )
