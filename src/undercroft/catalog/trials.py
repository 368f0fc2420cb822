"""Statements about accounts on trial: when each trial ends, and which account asked for it."""

from __future__ import annotations

from undercroft.catalog.contract import Rows, Transaction


async def begin(tx: Transaction, account_id: str, ends_ms: int, asked_by: str) -> None:
    """Put an account on trial until then, as another account asked for it."""
    await tx.run(
        "UPDATE accounts SET trial_ends_ms = ?2, trial_of = ?3 WHERE account_id = ?1", (account_id, ends_ms, asked_by)
    )


async def count(rows: Rows, asked_by: str) -> int:
    """How many accounts are on trial because this one asked, whether their trials have ended or not."""
    row = await rows.one("SELECT count(*) FROM accounts WHERE trial_of = ?1", (asked_by,))
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def ended(rows: Rows, now_ms: int, limit: int) -> list[str]:
    """The ids of accounts whose trials have ended by now and that are not suspended, those first that ended first."""
    found = await rows.all(
        "SELECT account_id FROM accounts WHERE trial_ends_ms <= ?1 AND suspended = 0 ORDER BY trial_ends_ms LIMIT ?2",
        (now_ms, limit),
    )
    return [str(account_id) for (account_id,) in found]


async def lift(tx: Transaction, account_id: str) -> None:
    """Make an account one like any other, without an end."""
    await tx.run("UPDATE accounts SET trial_ends_ms = NULL, trial_of = NULL WHERE account_id = ?1", (account_id,))


async def lift_ended(tx: Transaction, account_id: str, now_ms: int) -> None:
    """The same if its trial has ended by now."""
    await tx.run(
        "UPDATE accounts SET trial_ends_ms = NULL, trial_of = NULL WHERE account_id = ?1 AND trial_ends_ms <= ?2",
        (account_id, now_ms),
    )


async def forget_asker(tx: Transaction, account_id: str) -> None:
    """Forget who asked for the trials that this account, which is being deleted, asked for. They go on."""
    await tx.run("UPDATE accounts SET trial_of = NULL WHERE trial_of = ?1", (account_id,))
