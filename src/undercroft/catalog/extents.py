"""Statements about extents: where runs of a version's bytes live, and the blobs that nothing needs any more.

The extent rows are the only references to blobs. A blob is given back by proof: whoever removes extents leaves a row in
`reclaims`, and the blob goes when, later, the transaction that removes that row still finds no extent of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

COLUMNS = "start, length, blob_id, blob_offset, inline, inline_crc32c, wrapped_key"


class ExtentRow(NamedTuple):
    """A run of `length` bytes at offset `start` of a version or part: in a blob from `blob_offset`, or inline."""

    start: int
    length: int
    blob_id: bytes | None
    blob_offset: int
    inline: bytes | None
    inline_crc32c: int | None
    wrapped_key: bytes | None


async def insert(tx: Transaction, bucket_id: str, handle: int, extents: Sequence[ExtentRow]) -> None:
    """Add the extents of a version or part."""
    for extent in extents:
        await tx.run(
            f"INSERT INTO extents (bucket_id, handle, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            (bucket_id, handle, *extent),
        )


async def covering(rows: Rows, bucket_id: str, handle: int, *, first: int, end: int, limit: int) -> list[ExtentRow]:
    """The extents that hold bytes [first, end), in order; at most `limit`."""
    return [
        ExtentRow._make(row)
        for row in await rows.all(
            f"SELECT {COLUMNS} FROM extents WHERE bucket_id = ?1 AND handle = ?2 AND start < ?4 AND start >= coalesce("
            "(SELECT max(start) FROM extents WHERE bucket_id = ?1 AND handle = ?2 AND start <= ?3), 0)"
            " ORDER BY start LIMIT ?5",
            (bucket_id, handle, first, end, limit),
        )
    ]


async def adopt(tx: Transaction, bucket_id: str, handle: int, parts: Sequence[tuple[int, int]]) -> None:
    """Give the extents of parts, listed as (their handle, their offset in the whole), to a finished large file."""
    await tx.many(
        "UPDATE extents SET handle = ?2, start = start + ?4 WHERE bucket_id = ?1 AND handle = ?3",
        [(bucket_id, handle, part_handle, offset) for part_handle, offset in parts],
    )


async def share(tx: Transaction, source: tuple[str, int], target: tuple[str, int]) -> None:
    """Make a second version or part, (bucket id, handle), of the same bytes: its extents name the same blobs."""
    await tx.run(
        f"INSERT INTO extents (bucket_id, handle, {COLUMNS})"
        f" SELECT ?3, ?4, {COLUMNS} FROM extents WHERE bucket_id = ?1 AND handle = ?2",
        (*source, *target),
    )


async def are_same(rows: Rows, bucket_id: str, handle: int, other_handle: int) -> bool:
    """Whether two versions of a bucket have the same bytes because they name the same blobs, or hold the same in their rows."""
    row = await rows.one(
        "SELECT count(*), count(o.start), (SELECT count(*) FROM extents WHERE bucket_id = ?1 AND handle = ?3)"
        " FROM extents e LEFT JOIN extents o ON o.bucket_id = e.bucket_id AND o.handle = ?3 AND o.start = e.start"
        " AND o.length = e.length AND coalesce(o.blob_id, x'') = coalesce(e.blob_id, x'')"
        " AND o.blob_offset = e.blob_offset AND coalesce(o.inline, x'') = coalesce(e.inline, x'')"
        " WHERE e.bucket_id = ?1 AND e.handle = ?2",
        (bucket_id, handle, other_handle),
    )
    assert row is not None
    return row[0] == row[1] == row[2]


class WrappedKey(NamedTuple):
    """The wrapped data key of an extent, and which extent that is."""

    bucket_id: str
    handle: int
    start: int
    blob_id: bytes | None
    wrapped_key: bytes


_WRAPPED = "SELECT bucket_id, handle, start, blob_id, wrapped_key FROM extents WHERE wrapped_key IS NOT NULL"


async def wrapped_keys(rows: Rows, after: tuple[str, int, int], limit: int) -> list[WrappedKey]:
    """The data keys of the extents behind the place (bucket id, handle, start), in that order."""
    found = await rows.all(
        f"{_WRAPPED} AND (bucket_id, handle, start) > (?1, ?2, ?3) ORDER BY 1, 2, 3 LIMIT ?4", (*after, limit)
    )
    return [WrappedKey._make(row) for row in found]


async def wrapped_keys_of(rows: Rows, bucket_id: str, handle: int) -> list[WrappedKey]:
    """The data keys of one version or part."""
    found = await rows.all(f"{_WRAPPED} AND bucket_id = ?1 AND handle = ?2", (bucket_id, handle))
    return [WrappedKey._make(row) for row in found]


async def set_wrapped_keys(tx: Transaction, keys: Sequence[WrappedKey]) -> None:
    """Let extents have these wrapped keys."""
    await tx.many(
        "UPDATE extents SET wrapped_key = ?4 WHERE bucket_id = ?1 AND handle = ?2 AND start = ?3",
        [(*key[:3], key.wrapped_key) for key in keys],
    )


async def delete(tx: Transaction, bucket_id: str, handle: int, reclaim_after_ms: int) -> None:
    """Remove the extents of a version or part, and leave a word for the reclaim of their blobs."""
    await tx.run(
        "INSERT INTO reclaims (blob_id, after_ms) SELECT DISTINCT blob_id, ?3 FROM extents"
        " WHERE bucket_id = ?1 AND handle = ?2 AND blob_id IS NOT NULL"
        " ON CONFLICT (blob_id) DO UPDATE SET after_ms = excluded.after_ms",
        (bucket_id, handle, reclaim_after_ms),
    )
    await tx.run("DELETE FROM extents WHERE bucket_id = ?1 AND handle = ?2", (bucket_id, handle))


async def delete_of_parts(tx: Transaction, bucket_id: str, large_handle: int, reclaim_after_ms: int) -> None:
    """As `delete`, for all parts of an unfinished large file at once."""
    of_parts = (
        "bucket_id = ?1 AND handle IN (SELECT p.handle FROM parts p WHERE p.bucket_id = ?1 AND p.large_handle = ?2)"
    )
    await tx.run(
        f"INSERT INTO reclaims (blob_id, after_ms) SELECT DISTINCT blob_id, ?3 FROM extents WHERE {of_parts}"
        " AND blob_id IS NOT NULL ON CONFLICT (blob_id) DO UPDATE SET after_ms = excluded.after_ms",
        (bucket_id, large_handle, reclaim_after_ms),
    )
    await tx.run(f"DELETE FROM extents WHERE {of_parts}", (bucket_id, large_handle))


async def reclaims_due(rows: Rows, now_ms: int, limit: int) -> list[bytes]:
    """Blobs that may have become free by now."""
    due = await rows.all(
        "SELECT blob_id FROM reclaims WHERE after_ms <= ?1 ORDER BY after_ms LIMIT ?2", (now_ms, limit)
    )
    return [row[0] for row in due]  # type: ignore[misc]


async def end_reclaim(tx: Transaction, blob_id: bytes) -> bool:
    """Remove the reclaim row; True where no extent names the blob, which may then be deleted."""
    await tx.run("DELETE FROM reclaims WHERE blob_id = ?1", (blob_id,))
    return not await is_referenced(tx, blob_id)


async def is_referenced(rows: Rows, blob_id: bytes) -> bool:
    """Whether any extent names the blob."""
    return await rows.one("SELECT 1 FROM extents WHERE blob_id = ?1 LIMIT 1", (blob_id,)) is not None
