"""Leases: which process does which background work, so that one node or many run the same code."""

from __future__ import annotations

from undercroft import limits
from undercroft.catalog.contract import Transaction


async def take(tx: Transaction, work: str, owner: str, now_ms: int, until_ms: int) -> int | None:
    """Take or renew the lease of some work until then.

    Returns its fence, a number that grows with every new owner, or None while another owner holds it. A lease that
    reaches further than anybody could ask for now is of a clock that was ahead, and holds up nobody.
    """
    row = await tx.one(
        "INSERT INTO leases (work, owner, until_ms, fence) VALUES (?1, ?2, ?4, 1) ON CONFLICT (work) DO UPDATE SET"
        " fence = leases.fence + CASE WHEN leases.owner = excluded.owner THEN 0 ELSE 1 END,"
        " owner = excluded.owner, until_ms = excluded.until_ms"
        " WHERE leases.owner = excluded.owner OR leases.until_ms <= ?3 OR leases.until_ms > ?5 RETURNING fence",
        (work, owner, now_ms, until_ms, until_ms + limits.CLOCK_SKEW_MAX_S * 1000),
    )
    return None if row is None else row[0]  # type: ignore[return-value]
