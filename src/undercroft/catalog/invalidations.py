"""The invalidation log: what the caches of every process must forget.

Its highest id rides in the first point read of a request and is checked again in the commit, so that a deleted key or a
changed bucket takes effect at once on every node, at no extra round trip.
"""

from __future__ import annotations

from undercroft.catalog.contract import Rows, Transaction

HIGHEST = "(SELECT coalesce(max(invalidation_id), 0) FROM invalidations)"


async def highest(rows: Rows) -> int:
    """The id of the newest entry; 0 when there is none."""
    row = await rows.one(f"SELECT {HIGHEST}")
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def since(rows: Rows, invalidation_id: int) -> list[tuple[int, str]]:
    """The entries after this id, oldest first: their ids and subjects."""
    return await rows.all(  # type: ignore[return-value]
        "SELECT invalidation_id, subject FROM invalidations WHERE invalidation_id > ?1 ORDER BY invalidation_id",
        (invalidation_id,),
    )


async def add(tx: Transaction, subject: str, now_ms: int) -> None:
    """Tell every process that what it knows of the subject (`key:…`, `bucket:…`, `account:…`) is out of date."""
    await tx.run(
        f"INSERT INTO invalidations (invalidation_id, subject, at_ms) VALUES ({HIGHEST} + 1, ?1, ?2)", (subject, now_ms)
    )


async def prune(tx: Transaction, before_ms: int) -> None:
    """Forget entries older than this, but never the newest, whose id the caches compare with."""
    await tx.run(f"DELETE FROM invalidations WHERE at_ms < ?1 AND invalidation_id < {HIGHEST}", (before_ms,))


async def oldest(rows: Rows) -> int:
    """The id of the oldest entry that is still there; 0 when there is none."""
    row = await rows.one("SELECT coalesce(min(invalidation_id), 0) FROM invalidations")
    assert row is not None
    return row[0]  # type: ignore[return-value]
