"""Statements about notices: what is on its way to those who are told of an account's alerts, a row for each of them.

A channel is a way to somebody, and all that goes one way goes in order. What arrived has no row any more.
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "account_id, channel, at_ms, notice_id, kind, document"


class NoticeRow(NamedTuple):
    """A row of `notices`. `document` is JSON; the id tells it from what else is told at that time."""

    account_id: str
    channel: str
    at_ms: int
    notice_id: str
    kind: str
    document: str
    attempts: int = 0


class Undelivered(NamedTuple):
    """What has not arrived by a channel: how many, after how many attempts, and why the last one failed."""

    channel: str
    notices: int
    attempts: int
    since_ms: int
    error: str


async def add(tx: Transaction, row: NoticeRow) -> None:
    """Put a notice on its way, due at once; one that is on it already stays as it is."""
    await tx.run(
        f"INSERT INTO notices ({_COLUMNS}, attempts, due_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?3)"
        " ON CONFLICT DO NOTHING",
        row,
    )


async def due(rows: Rows, now_ms: int, latest_ms: int, limit: int) -> list[tuple[str, str]]:
    """Accounts and channels by which something is to leave now, those that wait longest first.

    What is put off beyond `latest_ms` is due too: the clock was set back.
    """
    found = await rows.all(
        "SELECT account_id, channel FROM notices GROUP BY account_id, channel"
        " HAVING max(due_ms) <= ?1 OR max(due_ms) > ?2 ORDER BY min(at_ms), account_id, channel LIMIT ?3",
        (now_ms, latest_ms, limit),
    )
    return [(account_id, channel) for account_id, channel in found]  # type: ignore[misc]


async def waiting(rows: Rows, account_id: str, channel: str, limit: int) -> list[NoticeRow]:
    """What waits for a channel, the oldest first."""
    found = await rows.all(
        f"SELECT {_COLUMNS}, attempts FROM notices WHERE account_id = ?1 AND channel = ?2"
        " ORDER BY at_ms, notice_id LIMIT ?3",
        (account_id, channel, limit),
    )
    return [NoticeRow._make(row) for row in found]


async def undelivered(rows: Rows, account_id: str) -> list[Undelivered]:
    """What an account's channels have refused, by channel."""
    found = await rows.all(
        "SELECT channel, count(*), max(attempts), min(at_ms), max(error) FROM notices"
        " WHERE account_id = ?1 AND error IS NOT NULL GROUP BY channel ORDER BY channel",
        (account_id,),
    )
    return [Undelivered._make(row) for row in found]


async def remove(tx: Transaction, row: NoticeRow) -> None:
    """Forget a notice: it arrived, or is none any more."""
    await tx.run(
        "DELETE FROM notices WHERE account_id = ?1 AND channel = ?2 AND at_ms = ?3 AND notice_id = ?4",
        (row.account_id, row.channel, row.at_ms, row.notice_id),
    )


async def put_off(tx: Transaction, row: NoticeRow, attempts: int, due_ms: int, error: str) -> None:
    """Note that a notice did not arrive, and when to try again."""
    await tx.run(
        "UPDATE notices SET attempts = ?5, due_ms = ?6, error = ?7"
        " WHERE account_id = ?1 AND channel = ?2 AND at_ms = ?3 AND notice_id = ?4",
        (row.account_id, row.channel, row.at_ms, row.notice_id, attempts, due_ms, error),
    )


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Forget what was to be told about an account."""
    await tx.run("DELETE FROM notices WHERE account_id = ?1", (account_id,))
