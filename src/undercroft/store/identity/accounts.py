"""Accounts: making, finding, suspending and deleting them. The operator's work; no principal asks for it."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import msgspec

from undercroft import limits
from undercroft.catalog import (
    accounts,
    alert_settings,
    buckets,
    cap_alerts,
    caps,
    first_runs,
    groups,
    invalidations,
    key_days,
    keys,
    links,
    members,
    notices,
    orphaned_rules,
    passkeys,
    products,
    quotas,
    second_factors,
    sessions,
    trials,
)  # fmt: skip
from undercroft.catalog.accounts import AccountRow
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.products import ProductRow
from undercroft.store.accounting.model import day_of
from undercroft.store.accounting.tables import forget_days
from undercroft.store.ambient import Ambient
from undercroft.store.errors import BucketNotEmpty, DuplicateEmail, InvalidRequest, NoSuchAccount
from undercroft.store.gate import Gate
from undercroft.store.identity.keys import Keys
from undercroft.store.identity.passwords import hash_password
from undercroft.store.identity.principals import Principal
from undercroft.store.identity.products import B2, drop_empty_snapshots
from undercroft.store.identity.proofs import Proof
from undercroft.store.identity.replaced_passwords import replace_password
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
        [draft] = await self.drafts([email], password)
        return draft

    async def drafts(self, emails: Sequence[str], password: str) -> Sequence[Draft]:
        """The same of several accounts with one password, which is hashed but once. Raises `InvalidRequest`."""
        checked = [checked_email(email) for email in emails]
        password_hash = await hash_password(password)
        return [self._drafted(email, password_hash) for email in checked]

    def _drafted(self, email: str, password_hash: str) -> Draft:
        now_ms = self._ambient.now_ms()
        account_id = self._ambient.random_bytes(ACCOUNT_ID_BYTES).hex()
        row = AccountRow(account_id, email, password_hash, 0, now_ms)
        master = self._keys.draft(account_id, account_id, "Master", ALL_CAPABILITIES, now_ms=now_ms)
        return Draft(row, master, self._keys.new_secret())

    async def insert_in(self, tx: Transaction, draft: Draft) -> NewAccount:
        """Make an account as part of a transaction, with B2 enabled and a first key. Raises `DuplicateEmail`."""
        account = await self.insert_bare_in(tx, draft)
        await products.put(tx, ProductRow(account.account_id, B2, 1, None, None))
        account_id = account.account_id
        key_id = await self._keys.next_id(tx, account_id)
        key = await self._keys.insert(
            tx, key_id, account_id, "first-key", ALL_CAPABILITIES, secret=draft.secret, now_ms=account.created_ms
        )
        return NewAccount(account, draft.master_key, key)

    async def insert_bare_in(self, tx: Transaction, draft: Draft) -> Account:
        """The same without a product and without a first key, as somebody who signs up has it.

        The first account of all is an operator's. Raises `DuplicateEmail`.
        """
        row = draft.row._replace(is_operator=int(not await accounts.any_account(tx)))
        if await accounts.find(tx, row.email) is not None:
            raise DuplicateEmail(f"{row.email} already has an account.")
        await accounts.insert(tx, row)
        await keys.insert(tx, self._keys.row_of(draft.master_key))
        return account_of_row(row)

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
        """Suspend or resume: the keys, tokens and sessions of a suspended account stop working at once, everywhere.

        To resume an account whose trial has ended is to lift the trial: its end would suspend it again. Raises `NoSuchAccount`.
        """
        account = await self.find(id_or_email)
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> None:
            await accounts.set_suspended(tx, account.account_id, suspended)
            if not suspended:
                await trials.lift_ended(tx, account.account_id, now_ms)
            await announce(tx, account.account_id, now_ms)

        await self._gate.write(change)
        return await self.find(account.account_id)

    async def reset_password(self, id_or_email: str, password: str) -> Account:
        """Replace the password and end every session, also one that only lacks its code. Raises `NoSuchAccount` and `InvalidRequest`."""
        account = await self.find(id_or_email)
        password_hash = await hash_password(password)

        await self._gate.write(lambda tx: replace_password(tx, account.account_id, password_hash))
        return account

    async def set_operator(self, id_or_email: str, is_operator: bool) -> Account:
        """Make an account an operator's, or no longer. Raises `NoSuchAccount`."""
        account = await self.find(id_or_email)

        async def change(tx: Transaction) -> None:
            await accounts.set_operator(tx, account.account_id, is_operator)

        await self._gate.write(change)
        return await self.find(account.account_id)

    async def set_profile(self, account_id: str, name: str, time_zone: str) -> None:
        """Replace the name, which may be empty, and the time zone, an IANA name. Raises `InvalidRequest`."""
        name, time_zone = checked_name(name), checked_time_zone(time_zone)
        await self._gate.write(lambda tx: accounts.set_profile(tx, account_id, name, time_zone))

    async def set_email(self, proof: Proof, email: str) -> None:
        """Replace the e-mail address. Raises `BadCredentials`, `InvalidRequest` and `DuplicateEmail`."""
        email, account_id = checked_email(email), proof.account.account_id

        async def change(tx: Transaction) -> None:
            await proof.check(tx)
            await self.set_email_in(tx, account_id, email)

        await self._gate.write(change)

    async def is_known_in(self, tx: Transaction, email: str) -> bool:
        """Whether an account has this address, a checked one, as this transaction sees it."""
        return await accounts.find(tx, email) is not None

    async def set_email_in(self, tx: Transaction, account_id: str, email: str) -> None:
        """Replace the e-mail address, a checked one, as part of a transaction. Raises `DuplicateEmail`."""
        found = await accounts.find(tx, email)
        if found is not None and found.account_id != account_id:
            raise DuplicateEmail(f"{email} already has an account.")
        await accounts.set_email(tx, account_id, email)
        await links.delete_of_account(tx, account_id, "reset")
        await links.delete_of_account(tx, account_id, "email")

    async def delete_own(self, proof: Proof) -> None:
        """As `delete`, by the account itself. An operator's goes only once another operator has taken that from it, so that
        there is always one. Raises `BadCredentials`, `BucketNotEmpty` and `InvalidRequest`.
        """

        async def change(tx: Transaction) -> None:
            if (await proof.check(tx)).is_operator:
                raise InvalidRequest(
                    "This is an operator's account. Another operator has to take that from it first.", "account"
                )
            await self._delete_in(tx, proof.account.account_id)

        await self._gate.write(change)

    async def delete(self, id_or_email: str) -> Account:
        """Remove an account that has no buckets, its keys, groups, accounting, and all that lets somebody sign in.

        Events of buckets that it had go with it, also those that were not delivered yet. What the audit log has of it stays
        until it is old. Raises `BucketNotEmpty`.
        """
        account = await self.find(id_or_email)
        await self._gate.write(lambda tx: self._delete_in(tx, account.account_id))
        return account

    async def _delete_in(self, tx: Transaction, account_id: str) -> None:
        now_ms = self._ambient.now_ms()
        await drop_empty_snapshots(tx, account_id, now_ms)
        if await buckets.count(tx, account_id):
            raise BucketNotEmpty("The account still has buckets.")
        await keys.delete_of_account(tx, account_id)
        await sessions.delete_of_account(tx, account_id)
        await second_factors.delete_of_account(tx, account_id)
        await passkeys.delete_of_account(tx, account_id)
        await links.delete_of_account(tx, account_id)
        await products.delete_of_account(tx, account_id)
        await first_runs.delete(tx, account_id)
        await orphaned_rules.delete_of_account(tx, account_id)
        await announce(tx, account_id, now_ms)
        for membership in await members.of_person(tx, account_id, limits.MEMBERSHIPS_PER_PERSON):
            await keys.delete(tx, membership.key_id)
        await members.delete_of_account(tx, account_id)
        await groups.delete_of_account(tx, account_id)
        await trials.forget_asker(tx, account_id)
        await caps.delete_of_account(tx, account_id)
        await cap_alerts.delete_of_account(tx, account_id)
        await quotas.delete_of_account(tx, account_id)
        await alert_settings.delete_of_account(tx, account_id)
        await notices.delete_of_account(tx, account_id)
        await forget_days(tx, account_id, day_of(now_ms) + 1)
        await key_days.forget_names(tx, account_id, day_of(now_ms) + 1)
        await accounts.delete(tx, account_id)


async def announce(tx: Transaction, account_id: str, now_ms: int) -> None:
    """Have every process judge anew what the account and its person do, in the accounts of others too."""
    await invalidations.add(tx, f"account:{account_id}", now_ms)
    for membership in await members.of_person(tx, account_id, limits.MEMBERSHIPS_PER_PERSON):
        await invalidations.add(tx, f"key:{membership.key_id}", now_ms)


def checked_email(email: str) -> str:
    """An e-mail address as accounts have it. Raises `InvalidRequest`."""
    email = email.strip().lower()
    if len(email) > EMAIL_MAX_LENGTH or _EMAIL.match(email) is None:
        raise InvalidRequest("This is not an e-mail address.", "email")
    return email


def checked_name(name: str) -> str:
    """The name of a person or team, which may be empty. Raises `InvalidRequest`."""
    name = name.strip()
    if len(name) > limits.ACCOUNT_NAME_MAX_LENGTH or not name.isprintable():
        raise InvalidRequest(f"A name has at most {limits.ACCOUNT_NAME_MAX_LENGTH} characters, all printable.", "name")
    return name


def checked_time_zone(time_zone: str) -> str:
    """The name of a time zone. Raises `InvalidRequest`."""
    if time_zone not in time_zones():
        raise InvalidRequest("There is no such time zone.", "time_zone")
    return time_zone


@cache
def time_zones() -> tuple[str, ...]:
    """The names of time zones that this machine knows, UTC first."""
    return ("UTC", *sorted(name for name in zoneinfo.available_timezones() if "/" in name))


def account_of_row(row: AccountRow) -> Account:
    """The account of a catalog row."""
    return Account(
        row.account_id,
        row.email,
        bool(row.suspended),
        row.created_ms,
        name=row.name,
        time_zone=row.time_zone,
        is_operator=bool(row.is_operator),
        trial_ends_ms=row.trial_ends_ms,
    )
