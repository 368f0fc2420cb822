"""Statements about what was done with each application key, by day, and about the names of keys that are gone.

They stand beside those about accounts (`accounting.py`), under the same rules. An empty key id is that of what nobody proved
to do with a key of the account, such as reading what is public. A key that is deleted leaves its days behind, and its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from undercroft import limits
from undercroft.catalog import quotas
from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.day_counts import DayCounts
from undercroft.catalog.request_days import OUTCOMES

OTHER_KEYS = "other"  # No id of a key. Under it counts what was done with keys beyond `ACCOUNTING_KEYS_PER_DAY`.
_COUNTS = ("downloaded", "uploaded", "class_a", "class_b", "class_c", *OUTCOMES)
_SUMS = ", ".join(f"sum({count})" for count in _COUNTS)


class KeyDayRow(NamedTuple):
    """What was done with a key on a day: bytes carried, transactions by class, and requests by what became of them."""

    account_id: str
    day: int
    key_id: str
    downloaded: int
    uploaded: int
    class_a: int
    class_b: int
    class_c: int
    succeeded: int
    redirected: int
    client_errors: int
    throttled: int
    server_errors: int


DONE = DayCounts("key_days", ("key_id",), _COUNTS)


async def add(tx: Transaction, slot: int, rows: Sequence[KeyDayRow]) -> None:
    """Count up. Beyond `ACCOUNTING_KEYS_PER_DAY` keys of an account, day and slot, keys count as one: `OTHER_KEYS`.

    Those with quotas count by themselves whatever their number, or nobody would know what is left of these.
    """
    counted: list[KeyDayRow] = []
    for (account_id, day), of_day in groupby(sorted(rows, key=lambda row: row[:2]), key=lambda row: row[:2]):
        known = {
            row[0]
            for row in await tx.all(
                "SELECT key_id FROM key_days WHERE account_id = ?1 AND day = ?2 AND slot = ?3", (account_id, day, slot)
            )
        }
        with_quotas: set[str] | None = None
        for row in of_day:
            is_one_too_many = row.key_id not in known and len(known) >= limits.ACCOUNTING_KEYS_PER_DAY
            if is_one_too_many and with_quotas is None:
                with_quotas = await quotas.keys_with(tx, account_id)
            if is_one_too_many and row.key_id not in (with_quotas or ()):
                row = row._replace(key_id=OTHER_KEYS)  # noqa: PLW2901 - it goes on as another.
            else:
                known.add(row.key_id)
            counted.append(row)
    await DONE.add(tx, slot, counted)


async def page(rows: Rows, account_id: str, after: tuple[int, str], last_day: int, limit: int) -> list[KeyDayRow]:
    """What was done with the account's keys, by day and key id, from after such a place on."""
    found = await rows.all(
        f"SELECT day, key_id, {_SUMS} FROM key_days WHERE account_id = ?1 AND (day, key_id) > (?2, ?3) AND day <= ?4"
        " GROUP BY day, key_id ORDER BY day, key_id LIMIT ?5",
        (account_id, *after, last_day, limit),
    )
    return [KeyDayRow(account_id, *row) for row in found]  # type: ignore[arg-type]


class KeyTotalRow(NamedTuple):
    """What was done with a key on several days; as `KeyDayRow` otherwise."""

    key_id: str
    downloaded: int
    uploaded: int
    class_a: int
    class_b: int
    class_c: int
    succeeded: int
    redirected: int
    client_errors: int
    throttled: int
    server_errors: int


async def totals(rows: Rows, account_id: str, first_day: int, last_day: int) -> list[KeyTotalRow]:
    """What was done with each of the account's keys from day to day, all days together."""
    found = await rows.all(
        f"SELECT key_id, {_SUMS} FROM key_days WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3 GROUP BY key_id",
        (account_id, first_day, last_day),
    )
    return [KeyTotalRow._make(row) for row in found]


async def names(rows: Rows, account_id: str, key_ids: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """Of each of these keys of the account its name, and whether it is deleted."""
    found = {}
    for key_id in key_ids:
        row = await rows.one(
            "SELECT name, 0 FROM keys WHERE key_id = ?1 AND account_id = ?2"
            " UNION ALL SELECT name, 1 FROM deleted_keys WHERE key_id = ?1 AND account_id = ?2",
            (key_id, account_id),
        )
        if row is not None:
            found[key_id] = str(row[0]), bool(row[1])
    return found


async def keep_name(tx: Transaction, account_id: str, key_id: str, name: str, day: int) -> None:
    """Remember the name of a key that is deleted on this day."""
    await tx.run(
        "INSERT INTO deleted_keys (account_id, key_id, name, day) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (account_id, key_id) DO NOTHING",
        (account_id, key_id, name, day),
    )


async def forget_names(tx: Transaction, account_id: str, before_day: int) -> None:
    """Forget the names of keys deleted before this day of which no day is kept."""
    await tx.run(
        "DELETE FROM deleted_keys WHERE account_id = ?1 AND day < ?2"
        " AND key_id NOT IN (SELECT key_id FROM key_days WHERE account_id = ?1)",
        (account_id, before_day),
    )
