"""Statements about the alerts that were raised on the way to caps.

A cap is that of an account (`kind` is then `account`, and the subject's id is empty) or of one of its buckets or keys.
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_ALERTS = "account_id, category, day, percent, cap, used, at_ms, kind, subject_id, subject_name, is_soft"
# What an alert is about, and the parameters for it: `_about`.
_ABOUT = "account_id = ?1 AND kind = ?2 AND subject_id = ?3 AND category = ?4 AND is_soft = ?5"


class AlertRow(NamedTuple):
    """A row of `cap_alerts`, without whether it is over. `day` is a number of days since the epoch.

    The name is that which the subject had: alerts outlive buckets and keys.
    """

    account_id: str
    category: str
    day: int
    percent: int
    cap: int
    used: int
    at_ms: int
    kind: str = "account"
    subject_id: str = ""
    subject_name: str = ""
    is_soft: int = 0


class KnownAlert(NamedTuple):
    """Of an alert what tells whether there has to be another one."""

    kind: str
    subject_id: str
    category: str
    is_soft: int
    percent: int
    cap: int
    is_over: bool


async def raise_alert(tx: Transaction, row: AlertRow, *, once_until_over: bool, often: int) -> bool:
    """Add an alert, and answer whether it is new: none is raised while the same one of this day is not over.

    `once_until_over` is for what does not begin anew each day: nor is it raised while one of another day is not over. What
    was raised `often` times on the day is not new any more: its last alert is then no longer over, and has the new use.
    """
    same = (*_about(row), row.percent, row.cap)
    found = await tx.one(
        "SELECT count(CASE WHEN is_over = 0 AND (day = ?8 OR ?9 = 1) THEN 1 END), count(CASE WHEN day = ?8 THEN 1 END),"
        f" max(at_ms) FROM cap_alerts WHERE {_ABOUT} AND percent = ?6 AND cap = ?7",
        (*same, row.day, int(once_until_over)),
    )
    assert found is not None
    lasting, today, last_ms = found
    if lasting:
        return False
    if today >= often:  # type: ignore[operator]
        await tx.run(
            f"UPDATE cap_alerts SET is_over = 0, used = ?8 WHERE {_ABOUT} AND percent = ?6 AND cap = ?7 AND at_ms = ?9",
            (*same, row.used, last_ms),
        )
        return False
    added = await tx.one(
        f"INSERT INTO cap_alerts ({_ALERTS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        " ON CONFLICT DO NOTHING RETURNING 1",
        row,
    )
    return added is not None


async def end_alerts(tx: Transaction, now: AlertRow) -> None:
    """Note that its subject has fallen below its alerts at more than this percentage: the next crossing is news.

    It has where it uses less than it did then, or has another cap. Something that did not fit is told of at 100 percent, however
    little was used; that alone is no fall.
    """
    await tx.run(
        f"UPDATE cap_alerts SET is_over = 1 WHERE {_ABOUT} AND percent > ?6 AND is_over = 0 AND (used > ?7 OR cap <> ?8)",
        (*_about(now), now.percent, now.used, now.cap),
    )


async def known(rows: Rows, account_id: str, day: int) -> list[KnownAlert]:
    """The alerts of this day and those about what is held that are not over: each by an index of its own."""
    columns = "kind, subject_id, category, is_soft, percent, cap, is_over"
    found = await rows.all(
        f"SELECT {columns} FROM cap_alerts WHERE account_id = ?1 AND day = ?2"
        f" UNION ALL SELECT {columns} FROM cap_alerts"
        " WHERE account_id = ?1 AND category IN ('storage', 'files') AND is_over = 0 AND day <> ?2",
        (account_id, day),
    )
    return [
        KnownAlert(kind, subject_id, category, is_soft, percent, cap, bool(is_over))  # type: ignore[arg-type]
        for kind, subject_id, category, is_soft, percent, cap, is_over in found
    ]


async def are_more(rows: Rows, account_id: str, day: int, than: int) -> bool:
    """Whether there are more alerts of the account on a day than so many. It counts no further."""
    row = await rows.one(
        "SELECT 1 FROM cap_alerts WHERE account_id = ?1 AND day = ?2 LIMIT 1 OFFSET ?3", (account_id, day, than)
    )
    return row is not None


async def since(rows: Rows, account_id: str | None, since_day: int, limit: int) -> list[AlertRow]:
    """The alerts of an account, or of all, from this day on, the newest first."""
    found = await rows.all(
        f"SELECT {_ALERTS} FROM cap_alerts WHERE (?1 IS NULL OR account_id = ?1) AND day >= ?2"
        " ORDER BY at_ms DESC, account_id, kind, subject_id, category, is_soft, percent LIMIT ?3",
        (account_id, since_day, limit),
    )
    return [AlertRow._make(row) for row in found]


async def unsent(rows: Rows, since_ms: int, limit: int) -> list[AlertRow]:
    """The alerts since this time that nobody was sent yet, the oldest first."""
    found = await rows.all(
        f"SELECT {_ALERTS} FROM cap_alerts WHERE sent_ms IS NULL AND at_ms >= ?1"
        " ORDER BY at_ms, account_id, kind, subject_id, category, is_soft, percent, cap LIMIT ?2",
        (since_ms, limit),
    )
    return [AlertRow._make(row) for row in found]


async def note_sent(tx: Transaction, row: AlertRow, now_ms: int) -> None:
    """Note that an alert was sent."""
    await tx.run(
        f"UPDATE cap_alerts SET sent_ms = ?10 WHERE {_ABOUT} AND day = ?6 AND percent = ?7 AND cap = ?8 AND at_ms = ?9",
        (*_about(row), row.day, row.percent, row.cap, row.at_ms, now_ms),
    )


async def prune(tx: Transaction, before_day: int) -> None:
    """Forget the alerts of before this day."""
    await tx.run("DELETE FROM cap_alerts WHERE day < ?1", (before_day,))


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Remove the alerts of an account."""
    await tx.run("DELETE FROM cap_alerts WHERE account_id = ?1", (account_id,))


def _about(row: AlertRow) -> tuple[str, str, str, str, int]:
    return row.account_id, row.kind, row.subject_id, row.category, row.is_soft
