"""S3's conditional writes, judged inside the committing transaction."""

from __future__ import annotations

from undercroft.catalog.versions import UPLOAD, VersionRow
from undercroft.store.errors import NoSuchFile, PreconditionFailed
from undercroft.store.model import Bucket, WriteCondition


def judge(condition: WriteCondition | None, bucket: Bucket, newest: VersionRow | None, name: str) -> None:
    """Return if the newest version of the name meets the condition.

    Raises `PreconditionFailed`, or `NoSuchFile` for If-Match where no file is visible (S3 PutObject).
    """
    if condition is None:
        return
    etag = newest.etag if newest is not None and newest.action == UPLOAD else None
    if condition.if_none_match is not None and etag is not None and condition.if_none_match in ("*", etag):
        raise PreconditionFailed("If-None-Match")
    if condition.if_match is not None:
        if etag is None:
            raise NoSuchFile(bucket.name, name)
        if condition.if_match not in ("*", etag):
            raise PreconditionFailed("If-Match")
