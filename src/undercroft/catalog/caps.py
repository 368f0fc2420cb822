"""Statements about caps of accounts, and about the alerts that were raised on the way to them.

A cap is a number of bytes stored, files shown, bytes downloaded a day, or transactions of a class a day; NULL is no cap. The
operator sets some, and the account itself others; the lower one counts.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_CAPS = "storage, download, class_b, class_c, files"
_LOWEST = ", ".join(f"min({column})" for column in _CAPS.split(", "))
Whose = Literal["caps", "own_caps"]  # The tables: the operator's, and those of accounts themselves.
_ALERTS = "account_id, category, day, percent, cap, used, at_ms"


class CapsRow(NamedTuple):
    """The caps of an account, from its row of `caps`."""

    storage: int | None = None
    download: int | None = None
    class_b: int | None = None
    class_c: int | None = None
    files: int | None = None


class AlertRow(NamedTuple):
    """A row of `cap_alerts`, without whether it is over. `day` is a number of days since the epoch."""

    account_id: str
    category: str
    day: int
    percent: int
    cap: int
    used: int
    at_ms: int


async def find(rows: Rows, account_id: str) -> CapsRow:
    """The caps that count for an account."""
    row = await rows.one(
        f"SELECT {_LOWEST} FROM (SELECT {_CAPS} FROM caps WHERE account_id = ?1"
        f" UNION ALL SELECT {_CAPS} FROM own_caps WHERE account_id = ?1) AS both",
        (account_id,),
    )
    assert row is not None
    return CapsRow._make(row)


async def find_of(rows: Rows, whose: Whose, account_id: str) -> CapsRow:
    """The caps of an account that the operator, or the account itself, has set."""
    row = await rows.one(f"SELECT {_CAPS} FROM {whose} WHERE account_id = ?1", (account_id,))
    return CapsRow() if row is None else CapsRow._make(row)


async def page(rows: Rows, after: str, limit: int) -> list[tuple[str, CapsRow]]:
    """Accounts with a cap whose ids come after this one, in order, and the caps that count."""
    found = await rows.all(
        f"SELECT account_id, {_LOWEST} FROM (SELECT account_id, {_CAPS} FROM caps WHERE account_id > ?1"
        f" UNION ALL SELECT account_id, {_CAPS} FROM own_caps WHERE account_id > ?1) AS both"
        " GROUP BY account_id ORDER BY account_id LIMIT ?2",
        (after, limit),
    )
    return [(str(row[0]), CapsRow._make(row[1:])) for row in found]


async def put(tx: Transaction, whose: Whose, account_id: str, row: CapsRow) -> None:
    """Set the caps of an account."""
    await tx.run(f"DELETE FROM {whose} WHERE account_id = ?1", (account_id,))
    if any(cap is not None for cap in row):
        await tx.run(f"INSERT INTO {whose} (account_id, {_CAPS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", (account_id, *row))


async def raise_alert(tx: Transaction, row: AlertRow, *, once_until_over: bool, often: int) -> bool:
    """Add an alert, and answer whether it is new: none is raised while the same one of this day is not over.

    `once_until_over` is for what does not begin anew each day: nor is it raised while one of another day is not over. What
    was raised `often` times on the day is not new any more: its last alert is then no longer over, and has the new use.
    """
    same = (row.account_id, row.category, row.percent, row.cap)
    found = await tx.one(
        "SELECT count(CASE WHEN is_over = 0 AND (day = ?5 OR ?6 = 1) THEN 1 END), count(CASE WHEN day = ?5 THEN 1 END),"
        " max(at_ms) FROM cap_alerts WHERE account_id = ?1 AND category = ?2 AND percent = ?3 AND cap = ?4",
        (*same, row.day, int(once_until_over)),
    )
    assert found is not None
    lasting, today, last_ms = found
    if lasting:
        return False
    if today >= often:  # type: ignore[operator]
        await tx.run(
            "UPDATE cap_alerts SET is_over = 0, used = ?5 WHERE account_id = ?1 AND category = ?2 AND percent = ?3"
            " AND cap = ?4 AND at_ms = ?6",
            (*same, row.used, last_ms),
        )
        return False
    added = await tx.one(
        f"INSERT INTO cap_alerts ({_ALERTS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING RETURNING 1",
        row,
    )
    return added is not None


async def end_alerts(
    tx: Transaction, account_id: str, category: str, *, above_percent: int, used: int, cap: int
) -> None:
    """Note that the account has fallen below its alerts at more than this percentage: the next crossing is news.

    It has where it uses less than it did then, or has another cap. Something that did not fit is told of at 100 percent, however
    little was used; that alone is no fall.
    """
    await tx.run(
        "UPDATE cap_alerts SET is_over = 1 WHERE account_id = ?1 AND category = ?2 AND percent > ?3 AND is_over = 0"
        " AND (used > ?4 OR cap <> ?5)",
        (account_id, category, above_percent, used, cap),
    )


async def known_alerts(rows: Rows, account_id: str, day: int) -> list[tuple[str, int, int, bool]]:
    """The alerts of this day and those about what is held that are not over: category, percentage, cap, whether it is over."""
    found = await rows.all(
        "SELECT category, percent, cap, is_over FROM cap_alerts"
        " WHERE account_id = ?1 AND (day = ?2 OR (category IN ('storage', 'files') AND is_over = 0))",
        (account_id, day),
    )
    return [(category, percent, cap, bool(is_over)) for category, percent, cap, is_over in found]  # type: ignore[misc]


async def count_alerts(rows: Rows, account_id: str, day: int) -> int:
    """How many alerts of the account there are on a day."""
    row = await rows.one("SELECT count(*) FROM cap_alerts WHERE account_id = ?1 AND day = ?2", (account_id, day))
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def alerts(rows: Rows, account_id: str | None, since_day: int, limit: int) -> list[AlertRow]:
    """The alerts of an account, or of all, from this day on, the newest first."""
    found = await rows.all(
        f"SELECT {_ALERTS} FROM cap_alerts WHERE (?1 IS NULL OR account_id = ?1) AND day >= ?2"
        " ORDER BY at_ms DESC, account_id, category, percent LIMIT ?3",
        (account_id, since_day, limit),
    )
    return [AlertRow._make(row) for row in found]


async def unsent_alerts(rows: Rows, since_ms: int, limit: int) -> list[AlertRow]:
    """The alerts since this time that nobody was sent yet, the oldest first."""
    found = await rows.all(
        f"SELECT {_ALERTS} FROM cap_alerts WHERE sent_ms IS NULL AND at_ms >= ?1"
        " ORDER BY at_ms, account_id, category, percent, cap LIMIT ?2",
        (since_ms, limit),
    )
    return [AlertRow._make(row) for row in found]


async def note_sent(tx: Transaction, row: AlertRow, now_ms: int) -> None:
    """Note that an alert was sent."""
    await tx.run(
        "UPDATE cap_alerts SET sent_ms = ?6"
        " WHERE account_id = ?1 AND category = ?2 AND day = ?3 AND percent = ?4 AND cap = ?5 AND at_ms = ?7",
        (row.account_id, row.category, row.day, row.percent, row.cap, now_ms, row.at_ms),
    )


async def prune_alerts(tx: Transaction, before_day: int) -> None:
    """Forget the alerts of before this day."""
    await tx.run("DELETE FROM cap_alerts WHERE day < ?1", (before_day,))


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Remove caps and alerts of an account."""
    for table in ("caps", "own_caps", "cap_alerts"):
        await tx.run(f"DELETE FROM {table} WHERE account_id = ?1", (account_id,))
