"""Statements about what accounts did, by day: transactions by class and call, bytes carried, bytes stored.

How transactions and bytes carried are counted is in `day_counts.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.day_counts import DayCounts


class CallRow(NamedTuple):
    """Transactions of a class by one call, such as `b2_list_buckets` or `GetObject`, on a day."""

    account_id: str
    day: int
    transaction_class: str
    call: str
    transactions: int


class TransferRow(NamedTuple):
    """Bytes downloaded and uploaded on a day."""

    account_id: str
    day: int
    downloaded: int
    uploaded: int


class StorageRow(NamedTuple):
    """What an account held when it was last looked at on a day, and its bytes times hours until then.

    `hours` is how many hours of the day had begun by then.
    """

    account_id: str
    day: int
    hours: int
    versions: int
    size_bytes: int
    byte_hours: int


class SpentRow(NamedTuple):
    """What an account with a cap on it spent on a day."""

    download: int
    class_b: int
    class_c: int


CALLS = DayCounts("call_days", ("class", "call"), ("transactions",))
TRANSFERS = DayCounts("transfer_days", (), ("downloaded", "uploaded"))


async def spent(rows: Rows, account_id: str, day: int) -> SpentRow:
    """What the account spent on a day of what can have a daily cap, as far as it is written down."""
    row = await rows.one(
        "SELECT (SELECT coalesce(sum(downloaded), 0) FROM transfer_days WHERE account_id = ?1 AND day = ?2),"
        " (SELECT coalesce(sum(transactions), 0) FROM call_days WHERE account_id = ?1 AND day = ?2 AND class = 'B'),"
        " (SELECT coalesce(sum(transactions), 0) FROM call_days WHERE account_id = ?1 AND day = ?2 AND class = 'C')",
        (account_id, day),
    )
    assert row is not None
    return SpentRow._make(row)


async def calls(rows: Rows, account_id: str, first_day: int, last_day: int) -> list[CallRow]:
    """The account's transactions from day to day, by day, class and call."""
    found = await rows.all(
        "SELECT account_id, day, class, call, sum(transactions) FROM call_days"
        " WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3 GROUP BY account_id, day, class, call ORDER BY day, class, call",
        (account_id, first_day, last_day),
    )
    return [CallRow._make(row) for row in found]


async def class_sums(rows: Rows, account_id: str, first_day: int, last_day: int) -> dict[tuple[int, str], int]:
    """The account's transactions, by day and class."""
    found = await rows.all(
        "SELECT day, class, sum(transactions) FROM call_days WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3"
        " GROUP BY day, class",
        (account_id, first_day, last_day),
    )
    return {(row[0], row[1]): row[2] for row in found}  # type: ignore[misc]


async def call_sums(rows: Rows, account_id: str, first_day: int, last_day: int) -> list[tuple[str, str, int]]:
    """Every call with its class and its transactions on all these days, those with the most first."""
    found = await rows.all(
        "SELECT class, call, sum(transactions) AS number FROM call_days WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3"
        " GROUP BY class, call ORDER BY number DESC, class, call",
        (account_id, first_day, last_day),
    )
    return [(row[0], row[1], row[2]) for row in found]  # type: ignore[misc]


async def transfers(rows: Rows, account_id: str, first_day: int, last_day: int) -> list[TransferRow]:
    """The bytes that the account carried from day to day."""
    found = await rows.all(
        "SELECT account_id, day, sum(downloaded), sum(uploaded) FROM transfer_days"
        " WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3 GROUP BY account_id, day ORDER BY day",
        (account_id, first_day, last_day),
    )
    return [TransferRow._make(row) for row in found]


async def sample_storage(tx: Transaction, account_ids: Sequence[str], day: int, hours: int) -> None:
    """Note what each account holds now, `hours` hours of the day having begun; once an hour, later ones do nothing."""
    await tx.many(
        "INSERT INTO storage_days (account_id, day, hours, versions, bytes, byte_hours)"
        " SELECT ?1, ?2, ?3, held.versions, held.bytes, held.bytes * ?3 FROM ("
        "SELECT coalesce(sum(versions), 0) AS versions, coalesce(sum(bytes), 0) AS bytes FROM usage_deltas"
        " WHERE bucket_id IN (SELECT bucket_id FROM buckets WHERE account_id = ?1)) AS held WHERE true"
        " ON CONFLICT (account_id, day) DO UPDATE SET"
        " byte_hours = storage_days.byte_hours + excluded.bytes * (excluded.hours - storage_days.hours),"
        " versions = excluded.versions, bytes = excluded.bytes, hours = excluded.hours"
        " WHERE storage_days.hours < excluded.hours",
        [(account_id, day, hours) for account_id in account_ids],
    )


async def storage(rows: Rows, account_id: str, first_day: int, last_day: int) -> list[StorageRow]:
    """What the account held from day to day."""
    found = await rows.all(
        "SELECT account_id, day, hours, versions, bytes, byte_hours FROM storage_days"
        " WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY day",
        (account_id, first_day, last_day),
    )
    return [StorageRow._make(row) for row in found]


async def forget_storage(tx: Transaction, account_id: str, before_day: int) -> None:
    """Forget what the account held before this day."""
    await tx.run("DELETE FROM storage_days WHERE account_id = ?1 AND day < ?2", (account_id, before_day))
