"""Accounting as a whole: counts that become rows, caps that workers learn, reports."""

from __future__ import annotations

import asyncio

from undercroft import limits
from undercroft.catalog import accounting, bucket_days, caps, key_uses, usage
from undercroft.catalog.accounting import SpentRow, StorageRow
from undercroft.catalog.bucket_days import BucketDayRow
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.store.accounting.alerts import Alerts
from undercroft.store.accounting.caps import CapsOfAccounts, caps_of_row
from undercroft.store.accounting.key_uses import KeyUses
from undercroft.store.accounting.meter import Meter
from undercroft.store.accounting.model import BucketDay, BucketTotal, CallCount, Caps, DayOfUsage, Held, day_of
from undercroft.store.ambient import Ambient
from undercroft.store.errors import OutOfRange, StoreError
from undercroft.store.gate import Gate


class Accounting:
    """One process's part in the accounting of all. `meter` is what faces and store count with."""

    def __init__(self, catalog: Catalog, gate: Gate, meter: Meter, ambient: Ambient, *, slot: int) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient
        self._slot = slot
        self.meter = meter
        self.charge = meter.charge  # The way to it that costs least.
        self._key_uses = KeyUses(ambient.now_ms)
        self.key_used = self._key_uses.note
        self.caps = CapsOfAccounts(catalog, gate, ambient)
        self.alerts = Alerts(catalog, gate, ambient)

    async def flush(self) -> None:
        """Write down what this process has counted. Raises `StorageFull` and `Busy`; nothing is lost then."""
        batch = self.meter.take()
        uses = self._key_uses.take()
        if not any(batch) and not uses:
            return

        async def change(tx: Transaction) -> None:
            await accounting.add(tx, self._slot, batch.calls, batch.transfers)
            await bucket_days.add(tx, self._slot, batch.buckets)
            await key_uses.put(tx, uses)

        try:
            # Not undone when it is cancelled: then it may be committed all the same.
            await self._gate.write(change, grows=True)
        except StoreError:
            self.meter.put_back(batch)
            self._key_uses.put_back(uses)
            raise

    async def learn(self) -> None:
        """Read all daily caps and what has been spent of them today, by all workers that have flushed."""
        day = day_of(self._ambient.now_ms())

        async def query(rows: Rows, after: str) -> dict[str, tuple[Caps, SpentRow | None]]:
            page = await caps.page(rows, after, limits.ACCOUNTING_BATCH)
            return {
                account_id: (
                    caps_of_row(row),
                    await accounting.spent(rows, account_id, day) if caps_of_row(row).any_daily else None,
                )
                for account_id, row in page
            }

        found: dict[str, tuple[Caps, SpentRow | None]] = {}
        after = ""
        while page := await self._catalog.scan(lambda rows, after=after: query(rows, after)):  # type: ignore[misc]
            found |= page
            after = max(page)
        daily = {account_id: (of, spent) for account_id, (of, spent) in found.items() if spent is not None}
        self.meter.learn(
            {account_id: of for account_id, (of, _) in daily.items()},
            day,
            {account_id: spent for account_id, (_, spent) in daily.items()},
        )

    async def settle(self) -> None:
        """Flush, tell whom caps have refused something, and learn. Where the catalog takes no writes, another time."""
        try:
            await self.flush()
            refused = self.meter.take_refused()
            if refused:
                await self.alerts.of_refusals(refused)
        except StoreError:
            return  # What is left of caps is still being taken off; nothing could be learnt that is truer.
        await self.learn()

    async def keep_settling(self) -> None:
        """Settle every `ACCOUNTING_FLUSH_S` until cancelled, and flush once more then."""
        try:
            while True:
                await asyncio.sleep(limits.ACCOUNTING_FLUSH_S)
                await self.settle()
        finally:
            await self._flush_last()

    async def _flush_last(self) -> None:
        try:
            await self.flush()
        except StoreError:
            return  # A full disk at the end: what the last seconds counted is lost, as by a kill.

    async def usage(self, account_id: str, first_day: int, last_day: int) -> list[DayOfUsage]:
        """What an account did from day to day, as far as workers have written it down; days without anything are left out.

        What is stored is as of the last look on the day, and of today as of now.
        Raises `OutOfRange`.
        """
        _check_days(first_day, last_day)
        today = day_of(self._ambient.now_ms())

        async def query(rows: Rows) -> list[DayOfUsage]:
            called: dict[int, list[CallCount]] = {}
            for call in await accounting.calls(rows, account_id, first_day, last_day):
                count = CallCount(call.transaction_class, call.call, call.transactions)  # type: ignore[arg-type]
                called.setdefault(call.day, []).append(count)
            carried = {row.day: row for row in await accounting.transfers(rows, account_id, first_day, last_day)}
            held = {row.day: row for row in await accounting.storage(rows, account_id, first_day, last_day)}
            if first_day <= today <= last_day:
                versions, size_bytes = await usage.of_account(rows, account_id)
                looked_at = held.get(today, StorageRow(account_id, today, 0, 0, 0, 0))
                held[today] = looked_at._replace(versions=versions, size_bytes=size_bytes)
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

    async def usage_by_bucket(self, account_id: str, first_day: int, last_day: int) -> list[BucketDay]:
        """What was done in each bucket of an account, and what it held, from day to day; as `usage` otherwise.

        Buckets that are gone have their days too. Raises `OutOfRange`.
        """
        _check_days(first_day, last_day)
        today = day_of(self._ambient.now_ms())

        async def query(rows: Rows) -> list[BucketDay]:
            done = {
                (row.day, row.bucket_id): row
                for row in await bucket_days.of_account(rows, account_id, first_day, last_day)
            }
            held = await bucket_days.storage(rows, account_id, first_day, last_day)
            if first_day <= today <= last_day:
                held |= {
                    (today, bucket_id): now for bucket_id, now in (await usage.by_bucket(rows, account_id)).items()
                }
            nothing = BucketDayRow(account_id, 0, "", 0, 0, 0, 0, 0)
            return [
                BucketDay(*place, held.get(place), *done.get(place, nothing)[3:]) for place in sorted({*done, *held})
            ]

        return await self._catalog.scan(query)

    async def sizes_of_buckets(self, account_id: str, days: int) -> dict[str, list[int | None]]:
        """How many bytes each bucket held on the last so many days, up to today, by bucket id; None where nobody looked."""
        today = day_of(self._ambient.now_ms())
        first = today - days + 1

        async def query(rows: Rows) -> dict[str, list[int | None]]:
            held = await bucket_days.storage(rows, account_id, first, today)
            held |= {(today, bucket_id): now for bucket_id, now in (await usage.by_bucket(rows, account_id)).items()}
            sizes: dict[str, list[int | None]] = {}
            for (day, bucket_id), one in held.items():
                sizes.setdefault(bucket_id, [None] * days)[day - first] = one.size_bytes
            return sizes

        return await self._catalog.scan(query)

    async def totals_of_buckets(
        self, account_id: str, first_day: int, last_day: int
    ) -> tuple[dict[int, Held], list[BucketTotal]]:
        """What all buckets together held, by day, and of each bucket all days together. As `usage_by_bucket` otherwise."""
        _check_days(first_day, last_day)
        today = day_of(self._ambient.now_ms())
        looked_to = min(last_day, today - 1)

        async def query(rows: Rows) -> tuple[dict[int, Held], list[BucketTotal]]:
            by_day = await bucket_days.held_by_day(rows, account_id, first_day, looked_to)
            by_bucket = await bucket_days.held_by_bucket(rows, account_id, first_day, looked_to)
            if first_day <= today <= last_day:
                now = await usage.by_bucket(rows, account_id)
                by_day[today] = Held(*(sum(column) for column in zip(Held(), *now.values(), strict=True)))
                for bucket_id, (byte_days, _) in by_bucket.items():
                    by_bucket[bucket_id] = byte_days, Held()  # Unless it is still there.
                for bucket_id, held in now.items():
                    before, _ = by_bucket.get(bucket_id, (0, held))
                    by_bucket[bucket_id] = before + held.size_bytes, held
            done = {row.bucket_id: row[1:] for row in await bucket_days.totals(rows, account_id, first_day, last_day)}
            found = [
                BucketTotal(bucket_id, held, byte_days, *done.pop(bucket_id, ()))
                for bucket_id, (byte_days, held) in by_bucket.items()
            ]
            return by_day, [*found, *(BucketTotal(bucket_id, Held(), 0, *sums) for bucket_id, sums in done.items())]

        return await self._catalog.scan(query)


def _check_days(first_day: int, last_day: int) -> None:
    if not 0 <= last_day - first_day < limits.ACCOUNTING_REPORT_MAX_DAYS:
        raise OutOfRange(f"A report has 1 to {limits.ACCOUNTING_REPORT_MAX_DAYS} days.", "to")
