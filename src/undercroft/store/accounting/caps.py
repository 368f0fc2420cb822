"""Caps: what accounts may use, as the operator sets it, and as they bound themselves. What buckets may hold is a setting of theirs,
what buckets and keys may do a day is in `quotas.py`.

Those on storage and files are judged by the gate, inside the transaction that would pass them. They cost accounts without
one nothing: whether there is one is remembered, and forgotten by the same log as keys and buckets, whose id every commit
checks. Caps by the day are judged by the meter, on what workers have told one another.
"""

from __future__ import annotations

from collections.abc import Mapping

from undercroft import limits
from undercroft.catalog import accounts, cap_alerts, caps, invalidations
from undercroft.catalog.caps import Whose
from undercroft.catalog.contract import Catalog, Change, Rows, Transaction
from undercroft.store.accounting.model import Caps, Category, SoftLimits, Standing, day_of
from undercroft.store.accounting.quotas import check_amounts, put_soft, soft_in
from undercroft.store.accounting.standings import caps_of_row, of_account_itself, of_everything
from undercroft.store.ambient import Ambient
from undercroft.store.errors import NoSuchAccount
from undercroft.store.gate import Gate
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.operations import Operation


class CapsOfAccounts:
    """The caps of all accounts."""

    def __init__(self, catalog: Catalog, gate: Gate, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient

    async def are_there(self) -> bool:
        """Whether there is a cap or a soft limit on any account, bucket or key."""
        return bool(await caps.accounts_page(self._catalog.rows, "", 1))

    async def of(self, account_id: str) -> Caps:
        """The caps that count for an account: of those of the operator and its own, the lower ones."""
        return caps_of_row(await caps.find(self._catalog.rows, account_id))

    async def own(self, principal: Principal) -> Caps:
        """The caps that the account has set itself."""
        authorize(principal, Operation.ADMINISTER_CAPS, None)
        return caps_of_row(await caps.find_of(self._catalog.rows, "own_caps", principal.account_id or ""))

    async def of_operator(self, account_id: str) -> Caps:
        """The caps that the operator has set an account."""
        return caps_of_row(await caps.find_of(self._catalog.rows, "caps", account_id))

    async def change(
        self, account_id: str, asked: Mapping[Category, int | None], soft: SoftLimits | None = None
    ) -> None:
        """Set those caps of the operator that are named, None for no cap; the account's own stay as they are.

        Those on storage and files hold at once, others once workers learn of them. `soft` replaces the soft limits of the
        account. Raises `OutOfRange` and `NoSuchAccount`.
        """
        await self._gate.write(self._changing("caps", account_id, asked, soft))

    async def change_own(
        self, principal: Principal, asked: Mapping[Category, int | None], soft: SoftLimits | None = None
    ) -> None:
        """Set those of the account's own caps that are named, as `change` does those of the operator. Raises `OutOfRange`."""
        authorize(principal, Operation.ADMINISTER_CAPS, None)
        change = self._changing("own_caps", principal.account_id or "", asked, soft)
        await self._gate.commit(principal, Operation.ADMINISTER_CAPS, None, None, change)

    def _changing(
        self, whose: Whose, account_id: str, asked: Mapping[Category, int | None], soft: SoftLimits | None
    ) -> Change[None]:
        """What sets these caps in a transaction. Raises `OutOfRange`."""
        check_amounts({category: cap for category, cap in asked.items() if cap is not None})
        check_amounts(soft or {})
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> None:
            if await accounts.find(tx, account_id) is None:
                raise NoSuchAccount(f"There is no account {account_id}.")
            before = await caps.find_of(tx, whose, account_id)
            changed = before._replace(**{str(category): cap for category, cap in asked.items()})
            await caps.put(tx, whose, account_id, changed)
            if soft is not None:
                await put_soft(tx, account_id, "account", account_id, soft)
            await invalidations.add(tx, f"account:{account_id}", now_ms)

        return change

    async def blocking(self, account_id: str) -> list[Standing]:
        """Those caps of the account, its buckets and keys that refuse things now."""
        return [one for one in await self.reached(account_id) if not one.is_soft]

    async def reached(self, account_id: str) -> list[Standing]:
        """Those caps that refuse things now, and those soft limits that are reached.

        Such a cap is used up, or what was asked for today did not fit any more.
        """
        if not await caps.is_capped(self._catalog.rows, account_id):
            return []
        day = day_of(self._ambient.now_ms())

        async def query(rows: Rows) -> list[Standing]:
            refused = {
                (one.kind, one.subject_id, one.category, one.is_soft, one.cap)
                for one in await cap_alerts.known(rows, account_id, day)
                if one.percent == 100 and not one.is_over
            }
            return [
                one
                for one in await of_everything(rows, account_id, day)
                if one.used >= one.cap or (*one.about, one.cap) in refused
            ]

        return await self._catalog.scan(query)

    async def standing(self, account_id: str) -> list[Standing]:
        """How much of each of its own caps an account uses, as far as workers have written it down."""
        day = day_of(self._ambient.now_ms())

        async def query(rows: Rows) -> list[Standing]:
            return await of_account_itself(rows, account_id, caps_of_row(await caps.find(rows, account_id)), day)

        return await self._catalog.scan(query)

    async def soft_standing(self, account_id: str) -> list[Standing]:
        """How much of each of its own soft limits an account uses, as far as workers have written it down."""
        day = day_of(self._ambient.now_ms())

        async def query(rows: Rows) -> list[Standing]:
            soft = await soft_in(rows, "account", account_id)
            return await of_account_itself(rows, account_id, Caps(**dict(soft)), day)

        return await self._catalog.scan(query)

    async def every_standing(self) -> list[Standing]:
        """How much is used of all caps and soft limits of accounts, buckets and keys, by account."""
        day = day_of(self._ambient.now_ms())
        found: list[Standing] = []
        after = ""

        async def query(rows: Rows, after: str) -> tuple[list[Standing], str]:
            page = await caps.accounts_page(rows, after, limits.ACCOUNTING_BATCH)
            listed = [await of_everything(rows, account_id, day) for account_id in page]
            return [one for of_account in listed for one in of_account], page[-1] if page else ""

        while True:
            standings, after = await self._catalog.scan(lambda rows, after=after: query(rows, after))  # type: ignore[misc]
            found += standings
            if not after:
                return found
