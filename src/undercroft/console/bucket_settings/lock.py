"""Object Lock of a bucket: enabling it, which cannot be undone, and the retention that new files get."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.numbers import whole_number
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.buckets.in_words import of_bucket
from undercroft.store.buckets.lock import LockChange
from undercroft.store.errors import InvalidRequest, ReplicationConflict
from undercroft.store.model import Bucket, DefaultRetention

DEFAULT_RETENTION_MAX_DAYS = (
    3000  # What the page offers (console reference, section 10); other clients may ask for more.
)
_BLANK = {"mode": "none", "days": ""}


async def show(visit: Visit) -> Response:
    """The lock as it is."""
    bucket = await visit.bucket()
    default = bucket.lock.default_retention
    return _page(visit, bucket, _BLANK if default is None else {"mode": default.mode, "days": str(default.duration)})


async def save(visit: Visit) -> Response:
    """Set the retention of new files, or that there is none."""
    bucket = await visit.bucket()
    values = {name: visit.field(name, blank).strip() for name, blank in _BLANK.items()}
    try:
        if values["mode"] == "none":
            change = LockChange(clears_default=True)
        else:
            change = LockChange(default_retention=default_retention_of(values["mode"], values["days"]))
        changed = await visit.store.buckets.update(visit.principal, bucket.bucket_id, lock=change)
    except InvalidRequest as error:
        return _page(visit, bucket, values, status=422, errors=beside(error, {}, "days"))
    visit.audit_changes(of_bucket(bucket), of_bucket(changed))
    return visit.redirect(f"/buckets/{bucket.name}/lock", notice="settings-saved")


async def ask(visit: Visit) -> Response:
    """What enabling means."""
    return visit.render("bucket_settings/enable_lock.html", bucket=await visit.bucket())


async def enable(visit: Visit) -> Response:
    """Enable it for good."""
    bucket = await visit.bucket()
    try:
        changed = await visit.store.buckets.update(visit.principal, bucket.bucket_id, lock=LockChange(enabled=True))
    except ReplicationConflict as error:
        errors = beside(error, {}, "bucket")
        return visit.render("bucket_settings/enable_lock.html", status=409, errors=errors, bucket=bucket)
    visit.audit_changes(of_bucket(bucket), of_bucket(changed))
    return visit.redirect(f"/buckets/{bucket.name}/lock", notice="lock-enabled")


def default_retention_of(mode: str, days_text: str) -> DefaultRetention:
    """What the form says of the retention of new files; the store judges the mode. Raises `InvalidRequest`."""
    days = whole_number(days_text)
    if days is None or not 1 <= days <= DEFAULT_RETENTION_MAX_DAYS:
        raise InvalidRequest(
            _("Enter a whole number of days from 1 to %(days)s.", days=DEFAULT_RETENTION_MAX_DAYS), "defaultRetention"
        )
    return DefaultRetention(mode, days, "days")


def _page(
    visit: Visit,
    bucket: Bucket,
    values: Mapping[str, str],
    *,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
) -> Response:
    return visit.render("bucket_settings/lock.html", status=status, errors=errors, bucket=bucket, values=values)
