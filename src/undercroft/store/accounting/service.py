"""Accounting as a whole: counts that become rows, and caps that workers learn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from undercroft import limits
from undercroft.catalog import accounting, bucket_days, caps, key_days, key_uses, request_days
from undercroft.catalog import quotas as quotas_of
from undercroft.catalog.accounting import SpentRow
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.keyring import Keyring
from undercroft.store.accounting.alert_settings import AlertSettingsOfAccounts
from undercroft.store.accounting.alerts import Alerts
from undercroft.store.accounting.caps import CapsOfAccounts
from undercroft.store.accounting.key_uses import KeyUses
from undercroft.store.accounting.meter import Meter, QuotasToday
from undercroft.store.accounting.model import Caps, Done, Quotas, Subject, day_of
from undercroft.store.accounting.quotas import QuotasOfAccounts, standing_in
from undercroft.store.accounting.reports import Reports
from undercroft.store.accounting.splits import Splits
from undercroft.store.accounting.standings import caps_of_row
from undercroft.store.ambient import Ambient
from undercroft.store.errors import StoreError
from undercroft.store.gate import Gate


class Accounting:
    """One process's part in the accounting of all. `meter` is what faces and store count with."""

    def __init__(
        self, catalog: Catalog, gate: Gate, meter: Meter, keyring: Keyring, ambient: Ambient, *, slot: int
    ) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient
        self._slot = slot
        self.meter = meter
        self.charge = meter.charge  # The way to it that costs least.
        self.answered = meter.answered
        self._key_uses = KeyUses(ambient.now_ms)
        self.key_used = self._key_uses.note
        self.caps = CapsOfAccounts(catalog, gate, ambient)
        self.quotas = QuotasOfAccounts(catalog, gate, ambient)
        self.alerts = Alerts(catalog, gate, ambient)
        self.alert_settings = AlertSettingsOfAccounts(catalog, gate, keyring)
        self.reports = Reports(catalog, ambient)
        self.splits = Splits(catalog)

    async def flush(self) -> None:
        """Write down what this process has counted. Raises `StorageFull` and `Busy`; nothing is lost then."""
        batch = self.meter.take()
        uses = self._key_uses.take()
        if not any(batch) and not uses:
            return

        async def change(tx: Transaction) -> None:
            await accounting.CALLS.add(tx, self._slot, batch.calls)
            await accounting.TRANSFERS.add(tx, self._slot, batch.transfers)
            await bucket_days.DONE.add(tx, self._slot, batch.buckets)
            await request_days.STATUSES.add(tx, self._slot, batch.statuses)
            await request_days.BUCKET_CALLS.add(tx, self._slot, batch.bucket_calls)
            await key_days.add(tx, self._slot, batch.keys)
            await key_uses.put(tx, uses)

        try:
            # Not undone when it is cancelled: then it may be committed all the same.
            await self._gate.write(change, grows=True)
        except StoreError:
            self.meter.put_back(batch)
            self._key_uses.put_back(uses)
            raise

    async def learn(self) -> None:
        """Read all daily caps and quotas, and what has been spent of them today, by all workers that have flushed."""
        day = day_of(self._ambient.now_ms())
        quotas = await self._quotas_today(day)

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
            quotas,
        )

    async def _quotas_today(self, day: int) -> QuotasToday:
        found: dict[str, Mapping[Subject, tuple[Quotas, Done]]] = {}
        after = ""

        async def query(rows: Rows, after: str) -> dict[str, Mapping[Subject, tuple[Quotas, Done]]]:
            page = await quotas_of.accounts_page(rows, after, limits.ACCOUNTING_BATCH)
            return {account_id: await standing_in(rows, account_id, day) for account_id in page}

        while page := await self._catalog.scan(lambda rows, after=after: query(rows, after)):  # type: ignore[misc]
            found |= page
            after = max(page)
        return found

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
