"""Statements about accounts that a first start has made, and whose owners have not chosen address and password yet."""

from __future__ import annotations

from undercroft.catalog.contract import Rows, Transaction


async def add(tx: Transaction, account_id: str) -> None:
    """Note that the account was made by a first start."""
    await tx.run("INSERT INTO first_runs (account_id) VALUES (?1)", (account_id,))


async def any_account(rows: Rows) -> bool:
    """Whether there is such an account."""
    return await rows.one("SELECT 1 FROM first_runs LIMIT 1", ()) is not None


async def has(rows: Rows, account_id: str) -> bool:
    """Whether this is such an account."""
    return await rows.one("SELECT 1 FROM first_runs WHERE account_id = ?1", (account_id,)) is not None


async def delete(tx: Transaction, account_id: str) -> None:
    """Forget that it was: its owner has chosen, or it is gone."""
    await tx.run("DELETE FROM first_runs WHERE account_id = ?1", (account_id,))
