"""Statements about console sessions. Their secrets are not here, only what SHA-256 makes of them."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "session_hash, account_id, created_ms, seen_ms, address, user_agent, operator_id, in_account"


class SessionRow(NamedTuple):
    """A row of `sessions`. `operator_id` is empty, or the operator's account that acts for this one.

    `in_account` is empty, or the account that the session's person is at work in as a member.
    """

    session_hash: bytes
    account_id: str
    created_ms: int
    seen_ms: int
    address: str
    user_agent: str
    operator_id: str = ""
    in_account: str = ""


async def insert(tx: Transaction, row: SessionRow) -> None:
    """Add a session."""
    await tx.run(f"INSERT INTO sessions ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", row)


async def find(rows: Rows, session_hash: bytes) -> SessionRow | None:
    """The session whose secret has this hash."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM sessions WHERE session_hash = ?1", (session_hash,))
    return None if row is None else SessionRow._make(row)


async def of_account(rows: Rows, account_id: str, limit: int) -> list[SessionRow]:
    """The account's sessions, last seen first."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM sessions WHERE account_id = ?1 ORDER BY seen_ms DESC, session_hash LIMIT ?2",
        (account_id, limit),
    )
    return [SessionRow._make(row) for row in found]


async def set_seen(tx: Transaction, session_hash: bytes, seen_ms: int, address: str) -> None:
    """Note when and from where a session was last used."""
    await tx.run(
        "UPDATE sessions SET seen_ms = ?2, address = ?3 WHERE session_hash = ?1", (session_hash, seen_ms, address)
    )


async def set_account(tx: Transaction, session_hash: bytes, in_account: str) -> None:
    """Note in which account a session's person is at work; in their own, where it is empty."""
    await tx.run("UPDATE sessions SET in_account = ?2 WHERE session_hash = ?1", (session_hash, in_account))


async def delete_in_account(tx: Transaction, account_id: str, in_account: str) -> None:
    """Remove the sessions in which somebody is at work in another account."""
    await tx.run("DELETE FROM sessions WHERE account_id = ?1 AND in_account = ?2", (account_id, in_account))


async def delete(tx: Transaction, session_hash: bytes) -> None:
    """Remove a session."""
    await tx.run("DELETE FROM sessions WHERE session_hash = ?1", (session_hash,))


async def delete_of_account(tx: Transaction, account_id: str, but: bytes = b"") -> None:
    """Remove the account's sessions, all but the one of this hash, and those in which it acts for others."""
    await tx.run(
        "DELETE FROM sessions WHERE (account_id = ?1 OR operator_id = ?1) AND session_hash <> ?2", (account_id, but)
    )


async def delete_oldest(tx: Transaction, account_id: str, keep: int) -> None:
    """Remove the account's sessions that were not seen for longest, so that so many are left."""
    await tx.run(
        "DELETE FROM sessions WHERE account_id = ?1 AND session_hash NOT IN"
        " (SELECT session_hash FROM sessions WHERE account_id = ?1 ORDER BY seen_ms DESC, session_hash LIMIT ?2)",
        (account_id, keep),
    )


async def prune(tx: Transaction, seen_before_ms: int, created_before_ms: int) -> None:
    """Remove sessions that were not used since, and those that are older than that."""
    await tx.run("DELETE FROM sessions WHERE seen_ms < ?1 OR created_ms < ?2", (seen_before_ms, created_before_ms))
