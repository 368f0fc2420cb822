"""Statements about attempts: how often somebody has tried something that may not be tried without end."""

from __future__ import annotations

from undercroft.catalog.contract import Transaction


async def take(tx: Transaction, subject: str, now_ms: int, until_ms: int) -> tuple[int, int]:
    """Count one more attempt; how many there are, and until when they count.

    The first one's time decides how long; what is older than that counts no more.
    """
    row = await tx.one(
        "INSERT INTO attempts (subject, count, until_ms) VALUES (?1, 1, ?3)"
        " ON CONFLICT (subject) DO UPDATE SET"
        " count = CASE WHEN attempts.until_ms <= ?2 THEN 1 ELSE attempts.count + 1 END,"
        " until_ms = CASE WHEN attempts.until_ms <= ?2 THEN excluded.until_ms ELSE attempts.until_ms END"
        " RETURNING count, until_ms",
        (subject, now_ms, until_ms),
    )
    assert row is not None
    return row[0], row[1]  # type: ignore[return-value]


async def give_back(tx: Transaction, subject: str) -> None:
    """Count one attempt less."""
    await tx.run("UPDATE attempts SET count = count - 1 WHERE subject = ?1 AND count > 0", (subject,))


async def forget(tx: Transaction, subject: str) -> None:
    """Count none."""
    await tx.run("DELETE FROM attempts WHERE subject = ?1", (subject,))


async def prune(tx: Transaction, now_ms: int) -> None:
    """Forget what counts no more."""
    await tx.run("DELETE FROM attempts WHERE until_ms <= ?1", (now_ms,))
