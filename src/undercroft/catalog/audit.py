"""Statements about the audit log: who did what, when, from where, and what came of it."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "account_id, at_ms, entry, actor, way, address, session_id, action, target, details, result"


class AuditRow(NamedTuple):
    """A row of `audit`. `account_id` is whose it is, or empty; `entry` tells rows of one moment apart.

    `result` is empty where it was done, and else why not.
    """

    account_id: str
    at_ms: int
    entry: int
    actor: str
    way: str
    address: str
    session_id: str
    action: str
    target: str
    details: str
    result: str


class Wanted(NamedTuple):
    """Which rows: of an account or, for None, of all; texts are patterns of LIKE with `~` as escape, `%` being any."""

    account_id: str | None
    action: str
    actor: str
    text: str
    way: str  # Empty for all.
    failed_only: bool
    since_ms: int
    until_ms: int  # The rows are older than this.


async def insert(tx: Transaction, row: AuditRow) -> None:
    """Add a row."""
    await tx.run(f"INSERT INTO audit ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)", row)


async def page(rows: Rows, wanted: Wanted, before: tuple[int, int], limit: int) -> list[AuditRow]:
    """Rows, newest first, that come before this time and entry."""
    of_account = "" if wanted.account_id is None else " AND account_id = ?11"
    params = (
        wanted.action,
        wanted.actor,
        wanted.text,
        int(wanted.failed_only),
        wanted.since_ms,
        wanted.until_ms,
        *before,
        limit,
        wanted.way,
    )
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM audit WHERE (at_ms, entry) < (?7, ?8) AND at_ms >= ?5 AND at_ms < ?6"
        " AND lower(action) LIKE ?1 ESCAPE '~' AND lower(actor) LIKE ?2 ESCAPE '~'"
        " AND (lower(target) LIKE ?3 ESCAPE '~' OR lower(details) LIKE ?3 ESCAPE '~' OR address LIKE ?3 ESCAPE '~')"
        f" AND (?4 = 0 OR result <> '') AND (?10 = '' OR way = ?10){of_account} ORDER BY at_ms DESC, entry DESC LIMIT ?9",
        params if wanted.account_id is None else (*params, wanted.account_id),
    )
    return [AuditRow._make(row) for row in found]


async def longest(rows: Rows, more_than: int, *, refused_only: bool) -> list[str]:
    """The accounts of which there are more rows than this, or with `refused_only` more of what was refused."""
    found = await rows.all(
        "SELECT account_id FROM audit WHERE ?2 = 0 OR result <> '' GROUP BY account_id HAVING count(*) > ?1",
        (more_than, int(refused_only)),
    )
    return [str(row[0]) for row in found]


async def prune(tx: Transaction, before_ms: int, limit: int) -> int:
    """Remove rows older than this, the oldest first; how many were removed, at most `limit`."""
    found = await tx.all(
        "DELETE FROM audit WHERE (account_id, at_ms, entry) IN (SELECT account_id, at_ms, entry FROM audit"
        " WHERE at_ms < ?1 ORDER BY at_ms, entry LIMIT ?2) RETURNING 1",
        (before_ms, limit),
    )
    return len(found)


async def shorten(tx: Transaction, account_id: str, keep: int, limit: int, *, refused_only: bool) -> int:
    """Remove an account's rows, or those of what was refused, but the newest so many; how many, at most `limit`."""
    found = await tx.all(
        "DELETE FROM audit WHERE (account_id, at_ms, entry) IN (SELECT account_id, at_ms, entry FROM audit"
        " WHERE account_id = ?1 AND (?4 = 0 OR result <> '') ORDER BY at_ms DESC, entry DESC LIMIT ?3 OFFSET ?2)"
        " RETURNING 1",
        (account_id, keep, limit, int(refused_only)),
    )
    return len(found)
