"""The first run: an account with a password that was printed, until its owner has chosen address and password.

Nobody else can take it: who wants in has to have what the first start printed. Where the operator gave a password to the
first start, there is nothing to choose, and no first run.
"""

from __future__ import annotations

from undercroft.catalog import first_runs
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.store.gate import Gate
from undercroft.store.identity.accounts import Accounts, NewAccount, checked_email
from undercroft.store.identity.password_rules import check_new_password
from undercroft.store.identity.passwords import hash_password
from undercroft.store.identity.proofs import Proof
from undercroft.store.identity.replaced_passwords import replace_password


class FirstRun:
    """Knows whether the account of the first start has been taken over."""

    def __init__(self, catalog: Catalog, gate: Gate, accounts: Accounts) -> None:
        self._catalog = catalog
        self._gate = gate
        self._accounts = accounts

    async def create(self, email: str, password: str) -> NewAccount:
        """Make the account of a first start, with a password that will be printed. Raises `DuplicateEmail`, `InvalidRequest`."""
        draft = await self._accounts.draft(email, password)

        async def change(tx: Transaction) -> NewAccount:
            made = await self._accounts.insert_in(tx, draft)
            await first_runs.add(tx, made.account.account_id)
            return made

        return await self._gate.write_up_to_date(change)

    async def is_waiting(self) -> bool:
        """Whether whoever comes may still need what was printed."""
        return await first_runs.any_account(self._catalog.rows)

    async def concerns(self, account_id: str) -> bool:
        """Whether this account's owner has not chosen yet."""
        return await first_runs.has(self._catalog.rows, account_id)

    async def finish(self, proof: Proof, email: str, password: str, *, session: str) -> None:
        """Set address and password in one; every session but the one of this secret ends. The proof is of the printed password.

        Raises `BadCredentials`, `InvalidRequest`, `WeakPassword` and `DuplicateEmail`.
        """
        email, account = checked_email(email), proof.account
        await check_new_password(password, email, account.name)
        password_hash = await hash_password(password)

        async def change(tx: Transaction) -> None:
            await proof.check(tx)
            await self._accounts.set_email_in(tx, account.account_id, email)
            await replace_password(tx, account.account_id, password_hash, session)
            await first_runs.delete(tx, account.account_id)

        await self._gate.write(change)

    async def leave_as_it_is(self, account_id: str) -> None:
        """Keep address and password, and ask no more."""
        await self._gate.write(lambda tx: first_runs.delete(tx, account_id))
