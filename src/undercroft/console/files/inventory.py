"""What is in a folder, and below it, as a table to keep: one row a visible file."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response

from undercroft import limits
from undercroft.console.files.details import sha1_of
from undercroft.console.tables import CSVFile, Rows, time_of
from undercroft.console.visit import Visit
from undercroft.store.model import Bucket, FileVersion, Page

_COLUMNS = ("name", "size", "uploaded", "content_type", "sha1", "file_id")


async def export(visit: Visit) -> Response:
    """The files under a prefix, by name, as CSV."""
    bucket, prefix = await visit.bucket(), visit.query("prefix")
    first = await _page(visit, bucket, prefix, "")
    return CSVFile(_COLUMNS, _rows(visit, bucket, prefix, first), f"{bucket.name}.csv")


async def _page(visit: Visit, bucket: Bucket, prefix: str, start: str) -> Page:
    return await visit.store.files.list_names(
        visit.principal, bucket, prefix=prefix, start=start, limit=limits.EXPORT_PAGE
    )


async def _rows(visit: Visit, bucket: Bucket, prefix: str, page: Page) -> AsyncIterator[Rows]:
    while True:
        yield [_cells(version) for version in page.rows if isinstance(version, FileVersion)]
        if page.following is None:
            return
        page = await _page(visit, bucket, prefix, page.following.name)


def _cells(version: FileVersion) -> tuple[str | int, ...]:
    return (
        version.name, version.size, time_of(version.uploaded_ms), version.content_type, sha1_of(version), str(version.file_id),
    )  # fmt: skip
