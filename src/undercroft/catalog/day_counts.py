"""Tables of counts by day: one row for each thing that is counted, day and worker slot, so that no row is hot.

They are summed on read. Once a day is over, its rows are folded into those of slot 0. A day is a number of days since the
epoch, in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from undercroft.catalog.contract import Rows, Transaction


class DayCounts:
    """The statements of one such table.

    Its rows are those of an account and a day, told apart by the columns `keys`; `counts` are what is added up. A row is
    given as a tuple of them all in this order, without the slot.
    """

    def __init__(self, table: str, keys: Sequence[str], counts: Sequence[str]) -> None:
        self._table = table
        named = ("account_id", "day", *keys)
        columns = (*named, "slot", *counts)
        self._names = len(named)
        self._columns = ", ".join((*named, *counts, "slot"))
        values = ", ".join(f"?{number}" for number in range(1, len(columns) + 1))
        grown = ", ".join(f"{count} = {table}.{count} + excluded.{count}" for count in counts)
        self._add = (
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values}"
            " WHERE EXISTS (SELECT 1 FROM accounts WHERE account_id = ?1)"
            f" ON CONFLICT ({', '.join(named)}, slot) DO UPDATE SET {grown}"
        )
        places = " AND ".join(f"{name} = ?{number}" for number, name in enumerate((*named, "slot"), 1))
        self._delete = f"DELETE FROM {table} WHERE {places}"

    async def add(self, tx: Transaction, slot: int, rows: Sequence[tuple[Any, ...]]) -> None:
        """Count up. What an account did that has been deleted meanwhile is nobody's, and left out."""
        names = self._names
        await tx.many(self._add, [(*row[:names], slot, *row[names:]) for row in rows])

    async def any_unfolded(self, rows: Rows, before_day: int) -> bool:
        """Whether `fold` has anything to do."""
        query = f"SELECT 1 FROM {self._table} WHERE slot <> 0 AND day < ?1 LIMIT 1"
        return await rows.one(query, (before_day,)) is not None

    async def fold(self, tx: Transaction, before_day: int, limit: int) -> int:
        """Fold rows of days before this one into slot 0, at most so many. Returns how many were folded."""
        found = await tx.all(
            f"SELECT {self._columns} FROM {self._table} WHERE slot <> 0 AND day < ?1 ORDER BY day LIMIT ?2",
            (before_day, limit),
        )
        await self.add(tx, 0, [tuple(row[:-1]) for row in found])
        await tx.many(self._delete, [(*row[: self._names], row[-1]) for row in found])
        return len(found)

    async def forget(self, tx: Transaction, account_id: str, before_day: int) -> None:
        """Forget what the account did before this day."""
        await tx.run(f"DELETE FROM {self._table} WHERE account_id = ?1 AND day < ?2", (account_id, before_day))
