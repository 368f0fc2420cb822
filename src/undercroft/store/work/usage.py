"""What the steward does for accounting: folds the counts of days that are over, looks at storage once an hour, forgets.

Whoever raises alerts is `accounting.alerts`; the steward only says when.
"""

from __future__ import annotations

from functools import partial

from undercroft import limits
from undercroft.catalog import accounting, accounts, bucket_days, cap_alerts, key_days
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.store.accounting.model import DAY_MS, HOUR_MS, day_of
from undercroft.store.accounting.tables import COUNTED, forget_days
from undercroft.store.ambient import Ambient
from undercroft.store.gate import Gate


class UsageWork:
    """The background's part of accounting. Each method may be run again at any time, and then does what is left."""

    def __init__(self, catalog: Catalog, gate: Gate, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient
        self._sampled_hour = -1
        self._forgot_day = -1

    async def run(self) -> bool:
        """Do whatever is due. True where there may be more to do now."""
        await self.sample_storage()
        await self.forget()
        return await self.fold()

    async def fold(self) -> bool:
        """Fold a batch of the rows of days that are over. True where there may be more."""
        today = day_of(self._ambient.now_ms())
        may_be_more = False
        for table in COUNTED:
            if await self._catalog.scan(partial(table.any_unfolded, before_day=today)):
                fold = partial(table.fold, before_day=today, limit=limits.ACCOUNTING_BATCH)
                may_be_more |= await self._gate.write(fold) == limits.ACCOUNTING_BATCH
        return may_be_more

    async def sample_storage(self) -> None:
        """Note what every account and each of its buckets holds, once in each hour that has begun."""
        now_ms = self._ambient.now_ms()
        hour = now_ms // HOUR_MS
        if hour == self._sampled_hour:
            return
        day, hours = day_of(now_ms), now_ms % DAY_MS // HOUR_MS + 1
        for account_ids in await self._account_ids():

            async def change(tx: Transaction, account_ids: list[str] = account_ids) -> None:
                await accounting.sample_storage(tx, account_ids, day, hours)
                await bucket_days.sample_storage(tx, account_ids, day)

            await self._gate.write(change)
        self._sampled_hour = hour

    async def forget(self) -> None:
        """Forget what is older than `ACCOUNTING_KEPT_DAYS`, once in each day that has begun."""
        today = day_of(self._ambient.now_ms())
        if today == self._forgot_day:
            return
        before_day = today - limits.ACCOUNTING_KEPT_DAYS

        async def change(tx: Transaction) -> None:
            await cap_alerts.prune(tx, before_day)

        await self._gate.write(change)
        for account_ids in await self._account_ids():

            async def forget(tx: Transaction, account_ids: list[str] = account_ids) -> None:
                for account_id in account_ids:
                    await forget_days(tx, account_id, before_day)
                    await key_days.forget_names(tx, account_id, today - 1)

            await self._gate.write(forget)
        self._forgot_day = today

    async def _account_ids(self) -> list[list[str]]:
        """The ids of all accounts, in batches."""
        ids = [row.account_id for row in await self._catalog.scan(accounts.every)]
        return [ids[start : start + limits.ACCOUNTING_BATCH] for start in range(0, len(ids), limits.ACCOUNTING_BATCH)]
