"""Create a Bucket: the dialog of the founding document."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.buckets.lock import NO_LOCK_CHANGE, LockChange
from undercroft.store.buckets.service import EncryptionChange
from undercroft.store.errors import DuplicateBucketName, InvalidRequest, TooManyBuckets

_FIELDS = {"bucketName": "name", "bucketType": "type"}
_BLANK = {"name": "", "type": "allPrivate", "encryption": "enable", "lock": "disable"}


async def new(visit: Visit) -> Response:
    """The empty form."""
    return visit.render("buckets/new.html", values=_BLANK)


async def create(visit: Visit) -> Response:
    """Make the bucket, and show it among the others."""
    values = {name: visit.field(name, blank).strip() for name, blank in _BLANK.items()}
    try:
        bucket = await visit.store.buckets.create(
            visit.principal,
            values["name"],
            values["type"],
            encryption=EncryptionChange("SSE-B2" if values["encryption"] == "enable" else None),
            lock=LockChange(enabled=True) if values["lock"] == "enable" else NO_LOCK_CHANGE,
        )
    except (InvalidRequest, DuplicateBucketName, TooManyBuckets) as error:
        return visit.render("buckets/new.html", status=422, values=values, errors=beside(error, _FIELDS, "name"))
    return visit.redirect("/buckets", notice="bucket-created", made=bucket.name)
