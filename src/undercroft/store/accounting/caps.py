"""Caps: what accounts may use, as the operator sets it, and as they bound themselves.

Those on storage and files are judged by the gate, inside the transaction that would pass them. They cost accounts without
one nothing: whether there is one is remembered, and forgotten by the same log as keys and buckets, whose id every commit
checks. Caps by the day are judged by the meter, on what workers have told one another.
"""

from __future__ import annotations

from collections.abc import Mapping

from undercroft import limits
from undercroft.catalog import accounting, accounts, caps, invalidations, usage
from undercroft.catalog.caps import CapsRow, Whose
from undercroft.catalog.contract import Catalog, Change, Rows, Transaction
from undercroft.store.accounting.model import CATEGORIES, HELD, Caps, Category, Standing, day_of
from undercroft.store.ambient import Ambient
from undercroft.store.errors import NoSuchAccount, OutOfRange
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
        """Whether any account has a cap."""
        return bool(await caps.page(self._catalog.rows, "", 1))

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

    async def change(self, account_id: str, asked: Mapping[Category, int | None]) -> None:
        """Set those caps of the operator that are named, None for no cap; the account's own stay as they are.

        Those on storage and files hold at once, others once workers learn of them. Raises `OutOfRange` and `NoSuchAccount`.
        """
        await self._gate.write(self._changing("caps", account_id, asked))

    async def change_own(self, principal: Principal, asked: Mapping[Category, int | None]) -> None:
        """Set those of the account's own caps that are named, as `change` does those of the operator. Raises `OutOfRange`."""
        authorize(principal, Operation.ADMINISTER_CAPS, None)
        change = self._changing("own_caps", principal.account_id or "", asked)
        await self._gate.commit(principal, Operation.ADMINISTER_CAPS, None, None, change)

    def _changing(self, whose: Whose, account_id: str, asked: Mapping[Category, int | None]) -> Change[None]:
        """What sets these caps in a transaction. Raises `OutOfRange`."""
        for category, cap in asked.items():
            if cap is not None and not 0 <= cap <= limits.CAP_MAX:
                raise OutOfRange(f"A cap is a number from 0 to {limits.CAP_MAX}, not {cap}.", category)
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> None:
            if await accounts.find(tx, account_id) is None:
                raise NoSuchAccount(f"There is no account {account_id}.")
            before = await caps.find_of(tx, whose, account_id)
            changed = before._replace(**{str(category): cap for category, cap in asked.items()})
            await caps.put(tx, whose, account_id, changed)
            await invalidations.add(tx, f"account:{account_id}", now_ms)

        return change

    async def blocking(self, account_id: str) -> list[Standing]:
        """Those caps that refuse things now: they are used up, or what was asked for today did not fit any more."""
        of_account = await self.of(account_id)
        if of_account == Caps():
            return []
        day = day_of(self._ambient.now_ms())

        async def query(rows: Rows) -> list[Standing]:
            refused = {
                (category, cap)
                for category, percent, cap, is_over in await caps.known_alerts(rows, account_id, day)
                if percent == 100 and not is_over
            }
            return [
                one
                for one in await standing_of(rows, account_id, of_account, day)
                if one.used >= one.cap or (one.category, one.cap) in refused
            ]

        return await self._catalog.scan(query)

    async def standing(self, account_id: str) -> list[Standing]:
        """How much of each of its caps an account uses, as far as workers have written it down."""
        day = day_of(self._ambient.now_ms())

        async def query(rows: Rows) -> list[Standing]:
            return await standing_of(rows, account_id, caps_of_row(await caps.find(rows, account_id)), day)

        return await self._catalog.scan(query)

    async def every_standing(self) -> list[Standing]:
        """The same for all accounts that have caps, by account."""
        day = day_of(self._ambient.now_ms())
        found: list[Standing] = []
        after = ""

        async def query(rows: Rows, after: str) -> tuple[list[Standing], str]:
            page = await caps.page(rows, after, limits.ACCOUNTING_BATCH)
            listed = [await standing_of(rows, account_id, caps_of_row(row), day) for account_id, row in page]
            return [one for of_account in listed for one in of_account], page[-1][0] if page else ""

        while True:
            standings, after = await self._catalog.scan(lambda rows, after=after: query(rows, after))  # type: ignore[misc]
            found += standings
            if not after:
                return found


def caps_of_row(row: CapsRow) -> Caps:
    """The caps of a catalog row."""
    return Caps(*row)


async def standing_of(rows: Rows, account_id: str, of_account: Caps, day: int) -> list[Standing]:
    """How much of each of these caps the account uses, the daily ones on this day."""
    found = []
    if of_account.storage is not None or of_account.files is not None:
        held = await usage.of_account(rows, account_id)
        if of_account.storage is not None:
            found.append(Standing(account_id, "storage", held.size_bytes, of_account.storage))
        if of_account.files is not None:
            found.append(Standing(account_id, "files", held.files, of_account.files))
    if of_account.any_daily:
        spent = await accounting.spent(rows, account_id, day)
        for category in CATEGORIES:
            cap = getattr(of_account, category)
            if category not in HELD and cap is not None:
                found.append(Standing(account_id, category, getattr(spent, category), cap))
    return found
