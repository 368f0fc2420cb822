"""Statements about what was done with buckets, and what they held, by day.

They stand beside those about accounts (`accounting.py`), under the same rules. A bucket that is deleted leaves its days
behind: they are the account's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.day_counts import DayCounts
from undercroft.catalog.usage import HELD_COLUMNS, HELD_SUMS, Held

_COUNTS = "downloaded, uploaded, class_a, class_b, class_c"
_MANY_DAYS = 100  # From so many on, sums by bucket are read in the order of the index by bucket: see `_day`.
_SUMS = ", ".join(f"sum({column})" for column in _COUNTS.split(", "))


class BucketDayRow(NamedTuple):
    """Bytes carried and transactions by class in a bucket on a day."""

    account_id: str
    day: int
    bucket_id: str
    downloaded: int
    uploaded: int
    class_a: int
    class_b: int
    class_c: int


DONE = DayCounts("bucket_days", ("bucket_id",), _COUNTS.split(", "))


async def page(
    rows: Rows, account_id: str, after: tuple[int, str], last_day: int, bucket_id: str, limit: int
) -> list[BucketDayRow]:
    """What was done in the account's buckets, or (unless it is empty) in one, by day and bucket id, from after such a place on."""
    found = await rows.all(
        # Grouped just as it is ordered, which is the order of the table: so that it ends with the limit.
        f"SELECT day, bucket_id, {_SUMS} FROM bucket_days"
        " WHERE account_id = ?1 AND (day, bucket_id) > (?2, ?3) AND day <= ?4 AND (?5 = '' OR bucket_id = ?5)"
        " GROUP BY day, bucket_id ORDER BY day, bucket_id LIMIT ?6",
        (account_id, *after, last_day, bucket_id, limit),
    )
    return [BucketDayRow(account_id, *row) for row in found]  # type: ignore[arg-type]


async def sample_storage(tx: Transaction, account_ids: Sequence[str], day: int) -> None:
    """Note what each bucket of these accounts holds now."""
    renewed = ", ".join(f"{column} = excluded.{column}" for column in HELD_COLUMNS.split(", "))
    await tx.many(
        f"INSERT INTO bucket_storage_days (account_id, day, bucket_id, {HELD_COLUMNS})"
        f" SELECT ?1, ?2, bucket_id, {HELD_SUMS} FROM usage_deltas"
        " WHERE bucket_id IN (SELECT bucket_id FROM buckets WHERE account_id = ?1) GROUP BY bucket_id"
        f" ON CONFLICT (account_id, day, bucket_id) DO UPDATE SET {renewed}",
        [(account_id, day) for account_id in account_ids],
    )


async def storage_page(
    rows: Rows, account_id: str, after: tuple[int, str], last_day: int, bucket_id: str, limit: int
) -> dict[tuple[int, str], Held]:
    """What each bucket, or one of them, held when it was last looked at, by day and bucket id; otherwise as `page`."""
    found = await rows.all(
        f"SELECT day, bucket_id, {HELD_COLUMNS} FROM bucket_storage_days"
        " WHERE account_id = ?1 AND (day, bucket_id) > (?2, ?3) AND day <= ?4 AND (?5 = '' OR bucket_id = ?5)"
        " ORDER BY day, bucket_id LIMIT ?6",
        (account_id, *after, last_day, bucket_id, limit),
    )
    return {(row[0], row[1]): Held._make(row[2:]) for row in found}  # type: ignore[misc]


async def sizes(rows: Rows, account_id: str, first_day: int, last_day: int) -> list[tuple[int, str, int]]:
    """How many bytes each bucket held when it was last looked at: day, bucket id, bytes."""
    return await rows.all(  # type: ignore[return-value]
        "SELECT day, bucket_id, bytes FROM bucket_storage_days WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3",
        (account_id, first_day, last_day),
    )


def _day(first_day: int, last_day: int) -> str:
    """The day, as the condition of a sum by bucket names it.

    Of few days, rows are found by their days and sorted by bucket. Of many, sorting would cost several times what it costs
    to read all days in the order of the index by bucket; with the sign, a day is nothing to find rows by.
    """
    return "+day" if last_day - first_day >= _MANY_DAYS else "day"


class BucketTotalRow(NamedTuple):
    """What was done in a bucket on several days, all together."""

    bucket_id: str
    downloaded: int
    uploaded: int
    class_a: int
    class_b: int
    class_c: int


async def totals(rows: Rows, account_id: str, first_day: int, last_day: int, bucket_id: str) -> list[BucketTotalRow]:
    """What was done in each of the account's buckets, or (unless it is empty) in one, from day to day, all days together."""
    found = await rows.all(
        f"SELECT bucket_id, {_SUMS} FROM bucket_days WHERE account_id = ?1 AND {_day(first_day, last_day)} BETWEEN ?2 AND ?3"
        " AND (?4 = '' OR bucket_id = ?4) GROUP BY bucket_id",
        (account_id, first_day, last_day, bucket_id),
    )
    return [BucketTotalRow._make(row) for row in found]


async def held_by_day(rows: Rows, account_id: str, first_day: int, last_day: int) -> dict[int, Held]:
    """What all buckets of the account held, by day."""
    found = await rows.all(
        f"SELECT day, {HELD_SUMS} FROM bucket_storage_days WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3 GROUP BY day",
        (account_id, first_day, last_day),
    )
    return {row[0]: Held._make(row[1:]) for row in found}  # type: ignore[misc]


async def held_by_bucket(
    rows: Rows, account_id: str, first_day: int, last_day: int, bucket_id: str
) -> dict[str, tuple[int, Held]]:
    """Of each bucket, or of one, the sum of its bytes over the days, and what it held on the last of them that was looked at."""
    held = ", ".join(f"s.{column}" for column in HELD_COLUMNS.split(", "))
    found = await rows.all(
        # CROSS JOIN has SQLite go from the few buckets to their last days, each by its key, and not over all days again.
        f"SELECT s.bucket_id, l.byte_days, {held} FROM ("
        "SELECT bucket_id, max(day) AS day, sum(bytes) AS byte_days FROM bucket_storage_days"
        f" WHERE account_id = ?1 AND {_day(first_day, last_day)} BETWEEN ?2 AND ?3 AND (?4 = '' OR bucket_id = ?4)"
        " GROUP BY bucket_id) AS l"
        " CROSS JOIN bucket_storage_days s WHERE s.account_id = ?1 AND s.day = l.day AND s.bucket_id = l.bucket_id",
        (account_id, first_day, last_day, bucket_id),
    )
    return {row[0]: (row[1], Held._make(row[2:])) for row in found}  # type: ignore[misc]


async def forget_storage(tx: Transaction, account_id: str, before_day: int) -> None:
    """Forget what was held before this day."""
    await tx.run("DELETE FROM bucket_storage_days WHERE account_id = ?1 AND day < ?2", (account_id, before_day))
