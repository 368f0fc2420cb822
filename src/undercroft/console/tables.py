"""Tables as files that are sent while they are read: CSV and JSON, a bounded number of rows in memory."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from undercroft.console.streamed import Streamed

# What makes a spreadsheet take a cell for a formula, or leads up to what does (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Rows = Sequence[Sequence[Any]]


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    """The rows as CSV (RFC 4180). A text that a spreadsheet would run as a formula is made plain by an apostrophe."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([_plain(cell) for cell in row] for row in rows)
    return written.getvalue()


def time_of(at_ms: int) -> str:
    """A time, in milliseconds since the epoch, as a cell has it: ISO 8601, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


class TableFile(Streamed):
    """A file that the browser keeps, made of blocks that come one after another."""

    def __init__(self, blocks: AsyncIterator[str], content_type: str, name: str) -> None:
        headers = {"content-disposition": f'attachment; filename="{name}"', "transfer-encoding": "chunked"}
        super().__init__(blocks, content_type, headers)


class CSVFile(TableFile):
    """A table as CSV, from pages of its rows."""

    def __init__(self, columns: Sequence[str], pages: AsyncIterator[Rows], name: str) -> None:
        super().__init__(_csv(columns, pages), "text/csv; charset=utf-8", name)


async def _csv(columns: Sequence[str], pages: AsyncIterator[Rows]) -> AsyncIterator[str]:
    yield csv_lines([columns])
    async for page in pages:
        yield csv_lines(page)
