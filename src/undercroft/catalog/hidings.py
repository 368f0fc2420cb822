"""Statements about hidings: which hide markers were made at once, so that what was done can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack, unpack

from undercroft.catalog.contract import Rows, Transaction

_HANDLE_BYTES = 8


async def insert(tx: Transaction, bucket_id: str, hiding_id: str, handles: Sequence[int], made_ms: int) -> None:
    """Add one, of the markers with these handles."""
    packed = pack(f">{len(handles)}Q", *handles)
    await tx.run(
        "INSERT INTO hidings (bucket_id, hiding_id, made_ms, handles) VALUES (?1, ?2, ?3, ?4)",
        (bucket_id, hiding_id, made_ms, packed),
    )


async def handles_of(rows: Rows, bucket_id: str, hiding_id: str, since_ms: int) -> Sequence[int] | None:
    """The handles of the markers of this one, if it was made since then; None else."""
    row = await rows.one(
        "SELECT handles FROM hidings WHERE bucket_id = ?1 AND hiding_id = ?2 AND made_ms >= ?3",
        (bucket_id, hiding_id, since_ms),
    )
    if row is None:
        return None
    packed = row[0]
    assert isinstance(packed, bytes)
    return unpack(f">{len(packed) // _HANDLE_BYTES}Q", packed)


async def delete(tx: Transaction, bucket_id: str, hiding_id: str) -> None:
    """Remove one."""
    await tx.run("DELETE FROM hidings WHERE bucket_id = ?1 AND hiding_id = ?2", (bucket_id, hiding_id))


async def forget_old(tx: Transaction, bucket_id: str, since_ms: int, kept: int) -> None:
    """Remove those of the bucket that were made before then, and all but so many of the newest."""
    await tx.run(
        "DELETE FROM hidings WHERE bucket_id = ?1 AND (made_ms < ?2 OR hiding_id NOT IN (SELECT hiding_id FROM hidings"
        " WHERE bucket_id = ?1 ORDER BY made_ms DESC, hiding_id LIMIT ?3))",
        (bucket_id, since_ms, kept),
    )
