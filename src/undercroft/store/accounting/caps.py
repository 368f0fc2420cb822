"""Caps: what accounts may use, as the operator sets it.

The cap on storage is judged by the gate, inside the transaction that would pass it. It costs accounts without one nothing:
whether there is one is remembered, and forgotten by the same log as keys and buckets, whose id every commit checks. Caps by
the day are judged by the meter, on what workers have told one another.
"""

from __future__ import annotations

from collections.abc import Mapping

from undercroft import limits
from undercroft.catalog import accounting, accounts, caps, invalidations, usage
from undercroft.catalog.caps import CapsRow
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.store.accounting.model import CATEGORIES, Caps, Category, Standing, day_of
from undercroft.store.ambient import Ambient
from undercroft.store.errors import NoSuchAccount, OutOfRange
from undercroft.store.gate import Gate


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
        """The caps of an account."""
        return caps_of_row(await caps.find(self._catalog.rows, account_id))

    async def change(self, account_id: str, asked: Mapping[Category, int | None]) -> None:
        """Set the caps that are named, None for no cap. That on storage holds at once, others once workers learn of them.

        Raises `OutOfRange` and `NoSuchAccount`.
        """
        for category, cap in asked.items():
            if cap is not None and not 0 <= cap <= limits.CAP_MAX:
                raise OutOfRange(f"A cap is a number from 0 to {limits.CAP_MAX}, not {cap}.", category)
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> None:
            if await accounts.find(tx, account_id) is None:
                raise NoSuchAccount(f"There is no account {account_id}.")
            before = await caps.find(tx, account_id)
            await caps.put(tx, account_id, before._replace(**{str(category): cap for category, cap in asked.items()}))
            await invalidations.add(tx, f"account:{account_id}", now_ms)

        await self._gate.write(change)

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
    if of_account.storage is not None:
        _, held = await usage.of_account(rows, account_id)
        found.append(Standing(account_id, "storage", held, of_account.storage))
    if of_account.any_daily:
        spent = await accounting.spent(rows, account_id, day)
        for category in CATEGORIES[1:]:
            cap = getattr(of_account, category)
            if cap is not None:
                found.append(Standing(account_id, category, getattr(spent, category), cap))
    return found
