"""The snapshots that are kept as a table to keep."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response

from undercroft.console.snapshots.kept import is_wanted
from undercroft.console.tables import CSVFile, Rows, time_of
from undercroft.console.visit import Visit
from undercroft.store.buckets.snapshots import Kept

_COLUMNS = ("snapshot", "of", "size", "made", "expires", "file", "file_id")


async def export(visit: Visit) -> Response:
    """The snapshots that the page shows, by the names of their files."""
    return CSVFile(_COLUMNS, _rows(visit), "snapshots.csv")


async def _rows(visit: Visit) -> AsyncIterator[Rows]:
    text = visit.filter
    async for page in visit.store.snapshots.pages(visit.principal):
        yield [_cells(one) for one in page if is_wanted(one, text)]


def _cells(one: Kept) -> tuple[str | int, ...]:
    version = one.version
    return (
        one.label, one.source, version.size, time_of(version.uploaded_ms),
        "" if one.expires_ms is None else time_of(one.expires_ms), version.name, str(version.file_id),
    )  # fmt: skip
