"""Statements about the lifecycle run: how far the one that is under way has come, or what the last one did.

There is one row. It moves on in the transactions that carry out what the rules ask for, and only from where its writer
believes it to be, so that a run is taken up where it stopped and no two processes do the same part of it.
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.versions import FIRST

_NAMES = (
    "period", "began_ms", "ended_ms", "bucket_id", "name", "inverted_ms", "inverted_seq", "looked_at", "hidden",
    "deleted", "canceled", "locked",
)  # fmt: skip
_COLUMNS = ", ".join(_NAMES)
_VALUES = ", ".join(f"?{number}" for number in range(1, len(_NAMES) + 1))
_TAKEN_OVER = ", ".join(f"{name} = excluded.{name}" for name in _NAMES)


class RunRow(NamedTuple):
    """The run of a period of the schedule. It is under way while `ended_ms` is None, and goes on at its place.

    The counts are versions: looked at, hidden, deleted (hide markers too), canceled, and kept because they are locked.
    """

    period: int
    began_ms: int
    ended_ms: int | None
    bucket_id: str = ""
    name: bytes = b""
    inverted_ms: int = FIRST
    inverted_seq: int = FIRST
    looked_at: int = 0
    hidden: int = 0
    deleted: int = 0
    canceled: int = 0
    locked: int = 0

    @property
    def place(self) -> tuple[bytes, int, int]:
        """Where in the order of the bucket's versions the run goes on."""
        return self.name, self.inverted_ms, self.inverted_seq


async def find(rows: Rows) -> RunRow | None:
    """The run that is under way or was the last; None before the first."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM lifecycle_run WHERE only = 1")
    return None if row is None else RunRow._make(row)


async def move(tx: Transaction, before: RunRow | None, after: RunRow) -> bool:
    """Replace the row if it is as it was known before; False, and nothing is changed, where it is not."""
    if await find(tx) != before:
        return False
    await tx.run(
        f"INSERT INTO lifecycle_run (only, {_COLUMNS}) VALUES (1, {_VALUES}) ON CONFLICT (only) DO UPDATE SET {_TAKEN_OVER}",
        after,
    )
    return True
