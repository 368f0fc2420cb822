"""Statements about the parts of large files, unfinished and finished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "part_number, handle, size, start, content_sha1, md5, checksum, uploaded_ms"


class PartRow(NamedTuple):
    """A row of `parts`. While the file is unfinished the part's extents are kept under its own handle."""

    part_number: int
    handle: int
    size: int
    start: int
    content_sha1: str
    md5: str
    checksum: str | None
    uploaded_ms: int


async def put(tx: Transaction, bucket_id: str, large_handle: int, row: PartRow) -> PartRow | None:
    """Set a part; the part of that number that it replaces, if any."""
    replaced = await find(tx, bucket_id, large_handle, row.part_number)
    await tx.run(
        f"INSERT INTO parts (bucket_id, large_handle, {_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        " ON CONFLICT (bucket_id, large_handle, part_number) DO UPDATE SET handle = excluded.handle,"
        " size = excluded.size, start = excluded.start, content_sha1 = excluded.content_sha1, md5 = excluded.md5,"
        " checksum = excluded.checksum, uploaded_ms = excluded.uploaded_ms",
        (bucket_id, large_handle, *row),
    )
    return replaced


async def find(rows: Rows, bucket_id: str, large_handle: int, part_number: int) -> PartRow | None:
    """One part by its number."""
    row = await rows.one(
        f"SELECT {_COLUMNS} FROM parts WHERE bucket_id = ?1 AND large_handle = ?2 AND part_number = ?3",
        (bucket_id, large_handle, part_number),
    )
    return None if row is None else PartRow._make(row)


async def page(rows: Rows, bucket_id: str, large_handle: int, first: int, limit: int) -> list[PartRow]:
    """Parts from this number on, ascending."""
    return [
        PartRow._make(row)
        for row in await rows.all(
            f"SELECT {_COLUMNS} FROM parts WHERE bucket_id = ?1 AND large_handle = ?2 AND part_number >= ?3"
            " ORDER BY part_number LIMIT ?4",
            (bucket_id, large_handle, first, limit),
        )
    ]


async def total_size(rows: Rows, bucket_id: str, large_handle: int) -> int:
    """The bytes of all parts together."""
    row = await rows.one(
        "SELECT coalesce(sum(size), 0) FROM parts WHERE bucket_id = ?1 AND large_handle = ?2", (bucket_id, large_handle)
    )
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def place(tx: Transaction, bucket_id: str, large_handle: int, starts: Sequence[tuple[int, int]]) -> None:
    """Note where parts, listed as (number, offset), begin in the finished file."""
    await tx.many(
        "UPDATE parts SET start = ?4 WHERE bucket_id = ?1 AND large_handle = ?2 AND part_number = ?3",
        [(bucket_id, large_handle, part_number, start) for part_number, start in starts],
    )


async def delete(tx: Transaction, bucket_id: str, large_handle: int, part_number: int) -> None:
    """Remove one part's row."""
    await tx.run(
        "DELETE FROM parts WHERE bucket_id = ?1 AND large_handle = ?2 AND part_number = ?3",
        (bucket_id, large_handle, part_number),
    )


async def delete_all(tx: Transaction, bucket_id: str, large_handle: int) -> None:
    """Remove the rows of all parts of a large file."""
    await tx.run("DELETE FROM parts WHERE bucket_id = ?1 AND large_handle = ?2", (bucket_id, large_handle))


async def share(tx: Transaction, source: tuple[str, int], target: tuple[str, int]) -> None:
    """Give a copy of a finished large file, (bucket id, handle), the same parts."""
    await tx.run(
        f"INSERT INTO parts (bucket_id, large_handle, {_COLUMNS})"
        f" SELECT ?3, ?4, {_COLUMNS} FROM parts WHERE bucket_id = ?1 AND large_handle = ?2",
        (*source, *target),
    )
