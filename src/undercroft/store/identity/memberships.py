"""Members of accounts: people with accounts of their own whom an owner lets into this one, each with a role.

A member acts in the name of a key that is made for just that, with the capabilities of the role and for its buckets. Nobody is
ever told its secret, and lists of keys leave it out. So what decides about keys decides about members too, on every node, and
whatever was begun in a member's name (uploads, jobs, links) has no more rights than the member, and ends with the membership.
Another role is another secret: nothing that was got under the old one works on.

Whoever could make itself any key manages members: the owner, and administrators of the whole account.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import msgspec

from undercroft import limits
from undercroft.catalog import accounts, invalidations, keys, links, members, products, sessions
from undercroft.catalog.contract import Catalog, Change, Rows, Transaction
from undercroft.catalog.members import MemberRow
from undercroft.catalog.products import ProductRow
from undercroft.store.ambient import Ambient
from undercroft.store.errors import BadLink, InvalidRequest, NoSuchPerson, Unauthorized
from undercroft.store.gate import Gate
from undercroft.store.identity import attempts
from undercroft.store.identity import links as given
from undercroft.store.identity.accounts import Accounts, checked_email, checked_name
from undercroft.store.identity.attempts import Allowance, Attempts
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.keys import Keys, check_buckets
from undercroft.store.identity.letters import Letters
from undercroft.store.identity.links import Invitation
from undercroft.store.identity.password_rules import check_new_password
from undercroft.store.identity.principals import Principal
from undercroft.store.identity.products import GUEST
from undercroft.store.identity.roles import ROLES, WHOLE_ACCOUNT_ONLY, Role, capabilities_of
from undercroft.store.model import Account
from undercroft.store.operations import Operation

_KEY_NAME = "member"
T = TypeVar("T")


class Member(msgspec.Struct, frozen=True):
    """Somebody whom an account has invited: `member_id` is the person's own account, and empty until that is accepted.

    `email` is the address of the invitation. `bucket_ids` is None for the whole account. Lists say who is suspended, and so may do nothing.
    """

    email: str
    member_id: str
    role: Role
    bucket_ids: tuple[str, ...] | None
    created_ms: int
    is_suspended: bool = False


class Membership(msgspec.Struct, frozen=True):
    """An account that somebody is a member of."""

    account_id: str
    owner_email: str
    role: Role
    in_buckets: bool


class Invited(NamedTuple):
    """What an invitation says: whose account, for whom, as what; and whether the person has an account already."""

    owner_email: str
    email: str
    role: Role
    has_account: bool


class Memberships:
    """The members of all accounts."""

    def __init__(
        self,
        catalog: Catalog,
        gate: Gate,
        keys_: Keys,
        accounts_: Accounts,
        attempts_: Attempts,
        letters: Letters,
        ambient: Ambient,
    ) -> None:
        self._catalog = catalog
        self._gate = gate
        self._keys = keys_
        self._accounts = accounts_
        self._attempts = attempts_
        self._letters = letters
        self._ambient = ambient

    # -- The owner's ----------------------------------------------------------------------------------------------------
    async def list(self, principal: Principal) -> list[Member]:
        """The account's members and those who are invited, by address. Raises `Unauthorized`."""
        await self._enter(principal)
        account_id = principal.account_id or ""
        found = await members.of_account(self._catalog.rows, account_id, limits.MEMBERS_PER_ACCOUNT)
        suspended = await members.suspended(self._catalog.rows, account_id)
        return [msgspec.structs.replace(_member(row), is_suspended=row.member_id in suspended) for row in found]

    async def invite(self, principal: Principal, email: str, role: str, bucket_ids: Sequence[str] | None) -> Invitation:
        """Invite an address, and send it the link by which its person joins, where mail can be sent.

        Raises `InvalidRequest`, also for an address that is a member or the owner's, `NoSuchBucket`, and `TooManyAttempts` where
        so many letters were asked for lately, of this account or by anybody to this address.
        """
        await self._enter(principal)
        email, wanted, account_id = checked_email(email), _checked(role, bucket_ids), principal.account_id or ""
        if self._letters.can_be_sent:
            await self._attempts.take(
                attempts.by_email("invite", email, limits.RESETS_OF_ACCOUNT),
                Allowance(f"invitations:{account_id}", limits.MEMBERS_INVITED_OF_ACCOUNT),
            )
        secret, now_ms = given.new_secret(self._ambient), self._ambient.now_ms()

        async def change(tx: Transaction) -> str:
            await check_buckets(tx, account_id, bucket_ids)
            owner = await self._accounts.find_in(tx, account_id)
            known = await members.find(tx, account_id, email)
            if owner.email == email or (known is not None and known.member_id):
                raise InvalidRequest("This address is of this account already.", "email")
            if len(await members.of_account(tx, account_id, limits.MEMBERS_PER_ACCOUNT)) >= limits.MEMBERS_PER_ACCOUNT:
                raise InvalidRequest(f"An account has at most {limits.MEMBERS_PER_ACCOUNT} members.", "email")
            await members.put(tx, MemberRow(account_id, email, "", wanted, _ids_text(bucket_ids), "", now_ms))
            await links.delete_for(tx, account_id, "member", email)
            await given.give_out(
                tx,
                self._ambient,
                secret,
                "member",
                account_id=account_id,
                email=email,
                valid_s=limits.INVITATION_VALID_S,
            )
            return owner.email

        owner_email = await self._commit(principal, change)
        return Invitation(secret, await self._letters.membership(email, owner_email, secret))

    async def change(self, principal: Principal, email: str, role: str, bucket_ids: Sequence[str] | None) -> Member:
        """Give a member another role or other buckets, at once. Raises `NoSuchPerson`, `InvalidRequest`, `NoSuchBucket`."""
        await self._enter(principal)
        wanted, account_id = _checked(role, bucket_ids), principal.account_id or ""
        secret, now_ms = self._keys.new_secret(), self._ambient.now_ms()

        async def change(tx: Transaction) -> Member:
            await check_buckets(tx, account_id, bucket_ids)
            row = (await _found(tx, account_id, email))._replace(role=wanted, bucket_ids=_ids_text(bucket_ids))
            await members.put(tx, row)
            if row.key_id:
                await keys.delete(tx, row.key_id)
                await self._insert_key(tx, row, secret, now_ms)
                await invalidations.add(tx, f"key:{row.key_id}", now_ms)
            return _member(row)

        return await self._commit(principal, change)

    async def remove(self, principal: Principal, email: str) -> Member:
        """Let a member go, or take an invitation back: sessions and whatever was got in them stop working at once.

        Raises `NoSuchPerson`.
        """
        await self._enter(principal)
        account_id, now_ms = principal.account_id or "", self._ambient.now_ms()

        async def change(tx: Transaction) -> Member:
            row = await _found(tx, account_id, email)
            await members.delete(tx, account_id, row.email)
            await links.delete_for(tx, account_id, "member", row.email)
            if row.member_id:
                await keys.delete(tx, row.key_id)
                await sessions.delete_in_account(tx, row.member_id, account_id)
                await invalidations.add(tx, f"key:{row.key_id}", now_ms)
            return _member(row)

        return await self._commit(principal, change)

    # -- The member's ---------------------------------------------------------------------------------------------------
    async def look_at(self, secret: str) -> Invited:
        """What the invitation with this secret says. Raises `BadLink`."""
        rows = self._catalog.rows
        link = await given.look_at(rows, self._ambient, secret, "member")
        row = await members.find(rows, link.account_id, link.email)
        owner = await accounts.find(rows, link.account_id)
        if row is None or owner is None:
            raise BadLink
        has_account = await accounts.find(rows, link.email) is not None
        return Invited(owner.email, link.email, _role(row.role), has_account)

    async def accept(self, secret: str, person: Account) -> str:
        """Make a person who has the invited address a member; the account's id. Raises `BadLink` and `InvalidRequest`."""
        key_secret = self._keys.new_secret()
        return await self._gate.write_up_to_date(lambda tx: self._join(tx, secret, person, key_secret))

    async def sign_up(self, secret: str, password: str, name: str) -> tuple[Account, str]:
        """Make an account of the invited address, and it a member, in one; the account, and the id of the other.

        Raises `BadLink`, `DuplicateEmail`, `WeakPassword` and `InvalidRequest`.
        """
        email, name = (await self.look_at(secret)).email, checked_name(name)
        await check_new_password(password, email, name)
        draft = await self._accounts.draft(email, password)
        draft = draft._replace(row=draft.row._replace(name=name))
        key_secret = self._keys.new_secret()

        async def change(tx: Transaction) -> tuple[Account, str]:
            person = await self._accounts.insert_bare_in(tx, draft)
            await products.put(tx, ProductRow(person.account_id, GUEST, 1, None, None))
            return person, await self._join(tx, secret, person, key_secret)

        return await self._gate.write_up_to_date(change)

    async def of_person(self, member_id: str) -> Sequence[Membership]:
        """The accounts that somebody is a member of."""

        async def query(rows: Rows) -> Sequence[Membership]:
            found = []
            for row in await members.of_person(rows, member_id, limits.MEMBERSHIPS_PER_PERSON):
                owner = await accounts.find(rows, row.account_id)
                if owner is not None:
                    in_buckets = row.bucket_ids is not None
                    found.append(Membership(row.account_id, owner.email, _role(row.role), in_buckets))
            return found

        return await self._catalog.scan(query)

    async def _join(self, tx: Transaction, secret: str, person: Account, key_secret: str) -> str:
        link = await given.use(tx, self._ambient, secret, "member")
        row = await members.find(tx, link.account_id, link.email)
        if row is None:
            raise BadLink
        if person.email != link.email:
            raise InvalidRequest(f"This invitation is for {link.email}.", "email")
        is_in = await members.find_person(tx, row.account_id, person.account_id) is not None
        if is_in or person.account_id == row.account_id:  # By another address: one person has one role.
            raise InvalidRequest("You are of this account already.", "email")
        most = limits.MEMBERSHIPS_PER_PERSON
        if len(await members.of_person(tx, person.account_id, most)) >= most:
            raise InvalidRequest(f"A person is a member of at most {most} accounts.", "email")
        key_id = await self._keys.next_id(tx, row.account_id)
        row = row._replace(member_id=person.account_id, key_id=key_id)
        await self._insert_key(tx, row, key_secret, self._ambient.now_ms())
        await members.put(tx, row)
        return row.account_id

    async def _insert_key(self, tx: Transaction, row: MemberRow, secret: str, now_ms: int) -> None:
        """Store the key in whose name a member acts."""
        bucket_ids = _ids(row.bucket_ids)
        granted = capabilities_of(_role(row.role), in_buckets=bucket_ids is not None)
        await self._keys.insert(
            tx,
            row.key_id,
            row.account_id,
            _KEY_NAME,
            granted,
            secret=secret,
            now_ms=now_ms,
            bucket_ids=bucket_ids,
        )

    async def _enter(self, principal: Principal) -> None:
        """Raise `Unauthorized` unless the principal may manage the members of its account."""
        authorize(principal, Operation.ADMINISTER_MEMBERS, None)
        if not principal.is_of_whole_account:
            raise Unauthorized
        await self._gate.enter(principal, Operation.ADMINISTER_MEMBERS, None)

    async def _commit(self, principal: Principal, change: Change[T]) -> T:
        return await self._gate.commit(principal, Operation.ADMINISTER_MEMBERS, None, None, change)


async def _found(tx: Transaction, account_id: str, email: str) -> MemberRow:
    row = await members.find(tx, account_id, email)
    if row is None:
        raise NoSuchPerson(f"Nobody was invited at {email[: limits.AUDIT_TEXT_MAX_LENGTH]}.")
    return row


def _checked(role: str, bucket_ids: Sequence[str] | None) -> Role:
    """The role, if there is such a one and it can have these buckets. Raises `InvalidRequest`."""
    wanted = next((each for each in ROLES if each == role), None)
    if wanted is None:
        raise InvalidRequest("There is no such role.", "role")
    if bucket_ids is not None:
        if wanted in WHOLE_ACCOUNT_ONLY:
            raise InvalidRequest("Whoever makes buckets does so in the whole account.", "buckets")
        if not 1 <= len(bucket_ids) <= limits.BUCKETS_PER_KEY:
            raise InvalidRequest(f"Choose 1 to {limits.BUCKETS_PER_KEY} buckets, or the whole account.", "buckets")
    return wanted


def _role(text: str) -> Role:
    return next(each for each in ROLES if each == text)


def _ids_text(bucket_ids: Sequence[str] | None) -> str | None:
    return None if bucket_ids is None else json.dumps(list(bucket_ids))


def _ids(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(json.loads(text))


def _member(row: MemberRow) -> Member:
    return Member(row.email, row.member_id, _role(row.role), _ids(row.bucket_ids), row.created_ms)
