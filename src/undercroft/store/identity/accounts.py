"""Accounts: making, finding, suspending and deleting them. The operator's work; no principal asks for it."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from undercroft.catalog import accounting, accounts, bucket_days, buckets, caps, groups, invalidations, keys, sessions
from undercroft.catalog.accounts import AccountRow
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.store.accounting.model import day_of
from undercroft.store.ambient import Ambient
from undercroft.store.errors import BucketNotEmpty, DuplicateEmail, InvalidRequest, NoSuchAccount
from undercroft.store.gate import Gate
from undercroft.store.identity.keys import Keys
from undercroft.store.identity.passwords import hash_password
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Account, ApplicationKey
from undercroft.store.operations import ALL_CAPABILITIES

EMAIL_MAX_LENGTH = 254  # RFC 5321, 4.5.3.1.3.
ACCOUNT_ID_BYTES = 6
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\Z")


class NewAccount(msgspec.Struct, frozen=True):
    """A new account with its master key and a first application key that has every capability."""

    account: Account
    master_key: ApplicationKey
    key: ApplicationKey


class Draft(NamedTuple):
    """An account that is not stored yet, with its master key and the secret of its first application key."""

    row: AccountRow
    master_key: ApplicationKey
    secret: str


class Accounts:
    """The accounts of the installation."""

    def __init__(self, catalog: Catalog, gate: Gate, keys_: Keys, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._keys = keys_
        self._ambient = ambient

    async def create(self, email: str, password: str) -> NewAccount:
        """Make an account. Raises `DuplicateEmail` and `InvalidRequest`."""
        draft = await self.draft(email, password)
        return await self._gate.write_up_to_date(lambda tx: self.insert_in(tx, draft))

    async def draft(self, email: str, password: str) -> Draft:
        """What a transaction needs to make an account. Raises `InvalidRequest`."""
        email = email.strip().lower()
        if len(email) > EMAIL_MAX_LENGTH or _EMAIL.match(email) is None:
            raise InvalidRequest("This is not an e-mail address.", "email")
        password_hash = await hash_password(password)
        now_ms = self._ambient.now_ms()
        account_id = self._ambient.random_bytes(ACCOUNT_ID_BYTES).hex()
        row = AccountRow(account_id, email, password_hash, 0, now_ms)
        master = self._keys.draft(account_id, account_id, "Master", ALL_CAPABILITIES, now_ms=now_ms)
        return Draft(row, master, self._keys.new_secret())

    async def insert_in(self, tx: Transaction, draft: Draft) -> NewAccount:
        """Make an account as part of a transaction. Raises `DuplicateEmail`."""
        row = draft.row
        if await accounts.find(tx, row.email) is not None:
            raise DuplicateEmail(f"{row.email} already has an account.")
        await accounts.insert(tx, row)
        await keys.insert(tx, self._keys.row_of(draft.master_key))
        key = await self._keys.insert_next(
            tx, row.account_id, "first-key", ALL_CAPABILITIES, secret=draft.secret, now_ms=row.created_ms
        )
        return NewAccount(account_of_row(row), draft.master_key, key)

    async def list(self) -> list[Account]:
        """Every account, oldest first."""
        return [account_of_row(row) for row in await accounts.every(self._catalog.rows)]

    async def find(self, id_or_email: str) -> Account:
        """The account of this id or e-mail address. Raises `NoSuchAccount`."""
        return await self.find_in(self._catalog.rows, id_or_email)

    async def find_in(self, rows: Rows, id_or_email: str) -> Account:
        """The same as a transaction sees it."""
        row = await accounts.find(rows, id_or_email.strip().lower())
        if row is None:
            raise NoSuchAccount(f"There is no account {id_or_email}.")
        return account_of_row(row)

    async def operator(self, id_or_email: str) -> Principal:
        """The account's own full principal, for the operator's commands. Raises `NoSuchAccount`."""
        account = await self.find(id_or_email)
        row = await keys.find(self._catalog.rows, account.account_id)
        if row is None:
            raise NoSuchAccount(f"The account {account.account_id} has no master key.")
        return Principal.of_key(self._keys.key_of(row))

    async def set_suspended(self, id_or_email: str, suspended: bool) -> Account:
        """Suspend or resume: the keys and tokens of a suspended account stop working at once, everywhere."""
        account = await self.find(id_or_email)

        async def change(tx: Transaction) -> None:
            await accounts.set_suspended(tx, account.account_id, suspended)
            await invalidations.add(tx, f"account:{account.account_id}", self._ambient.now_ms())

        await self._gate.write(change)
        return await self.find(account.account_id)

    async def reset_password(self, id_or_email: str, password: str) -> Account:
        """Replace the password and end every session. Raises `NoSuchAccount` and `InvalidRequest`."""
        account = await self.find(id_or_email)
        password_hash = await hash_password(password)

        async def change(tx: Transaction) -> None:
            await accounts.set_password(tx, account.account_id, password_hash)
            await sessions.delete_of_account(tx, account.account_id)

        await self._gate.write(change)
        return account

    async def delete(self, id_or_email: str) -> Account:
        """Remove an account that has no buckets, its keys, groups and accounting. Raises `BucketNotEmpty`."""
        account = await self.find(id_or_email)
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> None:
            if await buckets.count(tx, account.account_id):
                raise BucketNotEmpty("The account still has buckets.")
            await keys.delete_of_account(tx, account.account_id)
            await sessions.delete_of_account(tx, account.account_id)
            await groups.delete_of_account(tx, account.account_id)
            await caps.delete_of_account(tx, account.account_id)
            await accounting.forget(tx, account.account_id, day_of(now_ms) + 1)
            await bucket_days.forget(tx, account.account_id, day_of(now_ms) + 1)
            await accounts.delete(tx, account.account_id)
            await invalidations.add(tx, f"account:{account.account_id}", self._ambient.now_ms())

        await self._gate.write(change)
        return account


def account_of_row(row: AccountRow) -> Account:
    """The account of a catalog row."""
    return Account(row.account_id, row.email, bool(row.suspended), row.created_ms)
