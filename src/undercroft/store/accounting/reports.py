"""What was counted, by day: of an account, of its buckets, and sums of both that cost no more than their rows."""

from __future__ import annotations

from collections.abc import AsyncIterator

from undercroft import limits
from undercroft.catalog import accounting, bucket_days, usage
from undercroft.catalog.accounting import StorageRow
from undercroft.catalog.bucket_days import BucketDayRow
from undercroft.catalog.contract import Catalog, Rows
from undercroft.store.accounting.model import BucketDay, BucketTotal, CallCount, DayOfUsage, DaySums, Held, day_of
from undercroft.store.ambient import Ambient
from undercroft.store.errors import OutOfRange

_Place = tuple[int, str]  # A day and a bucket's id.


class Reports:
    """Reads what workers have written down. What is stored is as of the last look on a day, and of today as of now.

    Every report has a first and a last day, at most `ACCOUNTING_REPORT_MAX_DAYS`, and raises `OutOfRange` for others.
    """

    def __init__(self, catalog: Catalog, ambient: Ambient) -> None:
        self._catalog = catalog
        self._ambient = ambient

    async def of_account(self, account_id: str, first_day: int, last_day: int) -> list[DayOfUsage]:
        """What an account did from day to day, call by call; days without anything are left out."""
        check_days(first_day, last_day)
        today = self._today()

        async def query(rows: Rows) -> list[DayOfUsage]:
            called: dict[int, list[CallCount]] = {}
            for call in await accounting.calls(rows, account_id, first_day, last_day):
                count = CallCount(call.transaction_class, call.call, call.transactions)  # type: ignore[arg-type]
                called.setdefault(call.day, []).append(count)
            carried = {row.day: row for row in await accounting.transfers(rows, account_id, first_day, last_day)}
            held = await _storage(rows, account_id, first_day, last_day, today)
            return [
                DayOfUsage(
                    day,
                    called.get(day, []),
                    carried[day].downloaded if day in carried else 0,
                    carried[day].uploaded if day in carried else 0,
                    held[day].size_bytes if day in held else None,
                    held[day].versions if day in held else None,
                    held[day].byte_hours if day in held else None,
                )
                for day in sorted({*called, *carried, *held})
            ]

        return await self._catalog.scan(query)

    async def sums(self, account_id: str, first_day: int, last_day: int) -> list[DaySums]:
        """What an account did, summed up by day; days without anything are left out."""
        check_days(first_day, last_day)
        today = self._today()

        async def query(rows: Rows) -> list[DaySums]:
            called = await accounting.class_sums(rows, account_id, first_day, last_day)
            carried = {row.day: row for row in await accounting.transfers(rows, account_id, first_day, last_day)}
            held = await _storage(rows, account_id, first_day, last_day, today)
            return [
                DaySums(
                    day,
                    called.get((day, "A"), 0),
                    called.get((day, "B"), 0),
                    called.get((day, "C"), 0),
                    carried[day].downloaded if day in carried else 0,
                    carried[day].uploaded if day in carried else 0,
                    held[day].size_bytes if day in held else None,
                    held[day].byte_hours if day in held else None,
                )
                for day in sorted({*(day for day, _ in called), *carried, *held})
            ]

        return await self._catalog.scan(query)

    async def of_buckets(
        self, account_id: str, first_day: int, last_day: int, bucket_id: str = ""
    ) -> AsyncIterator[list[BucketDay]]:
        """What was done in each bucket of an account, or in one, and what it held, from day to day, some rows at a time.

        Buckets that are gone have their days too. No snapshot is held between the pages: days that are over do not change.
        """
        check_days(first_day, last_day)
        today = self._today()
        after: _Place | None = (first_day, "")
        while after is not None:
            page, after = await self._page_of_buckets(account_id, after, last_day, bucket_id, today)
            if page:
                yield page

    async def totals_of_buckets(
        self, account_id: str, first_day: int, last_day: int, bucket_id: str = ""
    ) -> list[BucketTotal]:
        """What was done in each bucket of an account, or in one, on all days together. As `of_buckets` otherwise."""
        check_days(first_day, last_day)
        today = self._today()
        looked_to = min(last_day, today - 1)

        async def query(rows: Rows) -> list[BucketTotal]:
            by_bucket = await bucket_days.held_by_bucket(rows, account_id, first_day, looked_to, bucket_id)
            if first_day <= today <= last_day:
                now = await _held_now(rows, account_id, bucket_id)
                for one, (byte_days, _) in by_bucket.items():
                    by_bucket[one] = byte_days, Held()  # Unless it is still there.
                for one, held in now.items():
                    before, _ = by_bucket.get(one, (0, held))
                    by_bucket[one] = before + held.size_bytes, held
            sums = await bucket_days.totals(rows, account_id, first_day, last_day, bucket_id)
            done = {row.bucket_id: row[1:] for row in sums}
            found = [
                BucketTotal(one, held, byte_days, *done.pop(one, ())) for one, (byte_days, held) in by_bucket.items()
            ]
            return [*found, *(BucketTotal(one, Held(), 0, *counts) for one, counts in done.items())]

        return await self._catalog.scan(query)

    async def held_by_day(self, account_id: str, first_day: int, last_day: int) -> dict[int, Held]:
        """What all buckets of an account together held, by day; days on which nobody looked are left out."""
        check_days(first_day, last_day)
        today = self._today()

        async def query(rows: Rows) -> dict[int, Held]:
            by_day = await bucket_days.held_by_day(rows, account_id, first_day, min(last_day, today - 1))
            if first_day <= today <= last_day:
                now = await _held_now(rows, account_id, "")
                by_day[today] = Held(*(sum(column) for column in zip(Held(), *now.values(), strict=True)))
            return by_day

        return await self._catalog.scan(query)

    def _today(self) -> int:
        return day_of(self._ambient.now_ms())

    async def sizes_of_buckets(self, account_id: str, days: int) -> dict[str, list[int | None]]:
        """How many bytes each bucket held on the last so many days, up to today, by bucket id; None where nobody looked."""
        today = day_of(self._ambient.now_ms())
        first = today - days + 1

        async def query(rows: Rows) -> dict[str, list[int | None]]:
            sizes: dict[str, list[int | None]] = {}
            for day, bucket_id, size_bytes in await bucket_days.sizes(rows, account_id, first, today):
                sizes.setdefault(bucket_id, [None] * days)[day - first] = size_bytes
            for bucket_id, now in (await usage.by_bucket(rows, account_id)).items():
                sizes.setdefault(bucket_id, [None] * days)[-1] = now.size_bytes
            return sizes

        return await self._catalog.scan(query)

    async def _page_of_buckets(
        self, account_id: str, after: _Place, last_day: int, bucket_id: str, today: int
    ) -> tuple[list[BucketDay], _Place | None]:
        """Rows of places after this one, and where to go on: at the end of whichever table has more."""
        at_once = limits.REPORT_PAGE_ROWS

        async def query(rows: Rows) -> tuple[list[BucketDay], _Place | None]:
            counted = await bucket_days.page(rows, account_id, after, last_day, bucket_id, at_once)
            done = {(row.day, row.bucket_id): row for row in counted}
            looked_to = min(last_day, today - 1)
            held = await bucket_days.storage_page(rows, account_id, after, looked_to, bucket_id, at_once)
            end = min((max(places) for places in (done, held) if len(places) == at_once), default=None)
            if after[0] <= today <= last_day and (end is None or end[0] >= today):
                now = await _held_now(rows, account_id, bucket_id)
                held |= {(today, one): of_it for one, of_it in now.items() if (today, one) > after}
            nothing = BucketDayRow(account_id, 0, "", 0, 0, 0, 0, 0)
            places = sorted(place for place in {*done, *held} if end is None or place <= end)
            return [BucketDay(*place, held.get(place), *done.get(place, nothing)[3:]) for place in places], end

        return await self._catalog.scan(query)


async def _storage(rows: Rows, account_id: str, first_day: int, last_day: int, today: int) -> dict[int, StorageRow]:
    held = {row.day: row for row in await accounting.storage(rows, account_id, first_day, last_day)}
    if first_day <= today <= last_day:
        now = await usage.of_account(rows, account_id)
        looked_at = held.get(today, StorageRow(account_id, today, 0, 0, 0, 0))
        held[today] = looked_at._replace(versions=now.versions, size_bytes=now.size_bytes)
    return held


async def _held_now(rows: Rows, account_id: str, bucket_id: str) -> dict[str, Held]:
    now = await usage.by_bucket(rows, account_id)
    return {one: held for one, held in now.items() if bucket_id in ("", one)}


def check_days(first_day: int, last_day: int) -> None:
    """Raise `OutOfRange` unless a report may have all the days from the first to the last."""
    if not 0 <= last_day - first_day < limits.ACCOUNTING_REPORT_MAX_DAYS:
        raise OutOfRange(f"A report has 1 to {limits.ACCOUNTING_REPORT_MAX_DAYS} days.", "to")
