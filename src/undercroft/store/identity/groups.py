"""Groups: an account administers others, makes them, sees what they hold, and lets them go (the Partner API).

The operator makes groups. Whoever holds an unrestricted key of the administering account with writeKeys may administer its
groups: such a key can make itself any other. A member is an account like any other; to be ejected changes nothing about it
but that.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from undercroft import limits
from undercroft.catalog import groups
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.groups import GroupRow, MemberRow, StatsRow
from undercroft.store.accounting.model import HOUR_MS
from undercroft.store.ambient import Ambient
from undercroft.store.errors import InvalidRequest, NoSuchGroup, NoSuchMember, TooManyMembers, Unauthorized
from undercroft.store.gate import Gate
from undercroft.store.identity.accounts import Accounts, NewAccount
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.deeds import Deeds
from undercroft.store.identity.principals import Principal
from undercroft.store.operations import Operation

GROUP_ID_BYTES = 6
# Of accounts that an API makes. Nobody is told this password: the operator sets another, or none is needed.
UNTOLD_PASSWORD_BYTES = 24


class Group(msgspec.Struct, frozen=True):
    """A group of accounts. `group_id` is a number in digits; times are milliseconds since the epoch."""

    group_id: str
    admin_account_id: str
    name: str
    created_ms: int


class Stats(msgspec.Struct, frozen=True):
    """What accounts have: their buckets now, and versions and bytes as of a time, when they were last looked at."""

    buckets: int
    versions: int
    size_bytes: int
    as_of_ms: int


class Member(msgspec.Struct, frozen=True):
    """An account in a group."""

    account_id: str
    email: str
    suspended: bool


class GroupPage(NamedTuple):
    """Some groups with the number of their members and what those have, and the id that the next page starts with."""

    groups: list[tuple[Group, int, Stats]]
    next_group_id: str | None


class MemberPage(NamedTuple):
    """Some members of a group with what they have, and the address that the next page starts with."""

    group: Group
    members: list[tuple[Member, Stats]]
    next_email: str | None


class Groups:
    """The groups of all accounts."""

    def __init__(self, catalog: Catalog, gate: Gate, deeds: Deeds, accounts_: Accounts, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._deeds = deeds
        self._accounts = accounts_
        self._ambient = ambient

    # -- The operator's -------------------------------------------------------------------------------------------------
    async def create(self, admin: str, name: str) -> Group:
        """Make a group that the account of this id or e-mail address administers. Raises `NoSuchAccount`, `InvalidRequest`."""
        account = await self._accounts.find(admin)
        if not name.strip() or len(name) > limits.GROUP_NAME_MAX_LENGTH or not name.isprintable():
            raise InvalidRequest(f"A group's name has 1 to {limits.GROUP_NAME_MAX_LENGTH} characters.", "groupName")
        group_id = str(int.from_bytes(self._ambient.random_bytes(GROUP_ID_BYTES), "big"))
        row = GroupRow(group_id, account.account_id, name, self._ambient.now_ms())
        await self._gate.write(lambda tx: groups.insert(tx, row))
        return Group(*row)

    async def every(self) -> list[tuple[Group, int]]:
        """All groups, oldest first, with the number of their members."""

        async def query(rows: Rows) -> list[tuple[Group, int]]:
            return [(Group(*row), await groups.count_members(rows, row.group_id)) for row in await groups.every(rows)]

        return await self._catalog.scan(query)

    async def members_of(self, group_id: str) -> list[Member]:
        """The members of a group by e-mail address. Raises `NoSuchGroup`."""

        async def query(rows: Rows) -> list[Member]:
            await _group(rows, group_id)
            return [_member(row) for row in await groups.members(rows, group_id, "", limits.GROUP_MEMBERS_MAX)]

        return await self._catalog.scan(query)

    async def delete(self, group_id: str) -> Group:
        """Remove a group; its members stay accounts. Raises `NoSuchGroup`."""

        async def change(tx: Transaction) -> Group:
            group = await _group(tx, group_id)
            await groups.delete(tx, group_id)
            return group

        return await self._gate.write(change)

    # -- The administrator's --------------------------------------------------------------------------------------------
    async def may_administer(self, principal: Principal) -> bool:
        """Whether the principal may administer groups, and there is one."""
        return _is_unrestricted(principal) and await groups.administers(self._catalog.rows, principal.account_id or "")

    async def list(self, principal: Principal, *, name: str | None, start_group_id: str, limit: int) -> GroupPage:
        """A page of the groups that the principal's account administers, by id."""
        await self.enter(principal)

        async def query(rows: Rows) -> GroupPage:
            found = await groups.page(rows, principal.account_id or "", name, start_group_id, limit + 1)
            listed = [
                (
                    Group(*row),
                    await groups.count_members(rows, row.group_id),
                    _stats(await groups.stats_of_group(rows, row.group_id)),
                )
                for row in found[:limit]
            ]
            return GroupPage(listed, found[limit].group_id if len(found) > limit else None)

        return await self._catalog.scan(query)

    async def list_members(self, principal: Principal, group_id: str, *, start_email: str, limit: int) -> MemberPage:
        """A page of a group's members, by e-mail address. Raises `NoSuchGroup`."""
        await self.enter(principal)

        async def query(rows: Rows) -> MemberPage:
            group = await _own_group(rows, principal, group_id)
            found = await groups.members(rows, group_id, start_email, limit + 1)
            listed = [
                (_member(row), _stats(await groups.stats_of_account(rows, row.account_id))) for row in found[:limit]
            ]
            return MemberPage(group, listed, found[limit].email if len(found) > limit else None)

        return await self._catalog.scan(query)

    async def create_member(self, principal: Principal, group_id: str, email: str) -> tuple[Group, NewAccount]:
        """Make an account in a group. Raises `NoSuchGroup`, `TooManyMembers`, `DuplicateEmail` and `InvalidRequest`."""
        async with self._deeds.of(principal, "Create group member", email) as deed:
            await self.enter(principal)
            await _own_group(self._catalog.rows, principal, group_id)
            draft = await self._accounts.draft(email, self._ambient.random_bytes(UNTOLD_PASSWORD_BYTES).hex())

            async def change(tx: Transaction) -> tuple[Group, NewAccount]:
                group = await _own_group(tx, principal, group_id)
                if await groups.count_members(tx, group_id) >= limits.GROUP_MEMBERS_MAX:
                    raise TooManyMembers(f"A group has at most {limits.GROUP_MEMBERS_MAX} members.")
                made = await self._accounts.insert_in(tx, draft)
                await groups.add_member(tx, group_id, made.account.account_id, made.account.created_ms)
                await deed.done(tx, details={"group": group.name, "account": made.account.account_id})
                return group, made

            return await self._gate.commit(principal, Operation.ADMINISTER_GROUPS, None, None, change)

    async def eject_member(self, principal: Principal, group_id: str, account_id: str) -> tuple[Group, Member]:
        """Take an account out of a group; the account stays as it is. Raises `NoSuchGroup` and `NoSuchMember`."""
        async with self._deeds.of(principal, "Eject group member", account_id) as deed:
            await self.enter(principal)

            async def change(tx: Transaction) -> tuple[Group, Member]:
                group = await _own_group(tx, principal, group_id)
                if not await groups.remove_member(tx, group_id, account_id):
                    raise NoSuchMember(f"The group has no member {account_id}.")
                account = await self._accounts.find_in(tx, account_id)
                deed.target = account.email
                await deed.done(tx, details={"group": group.name, "account": account_id})
                return group, Member(account.account_id, account.email, account.suspended)

            return await self._gate.commit(principal, Operation.ADMINISTER_GROUPS, None, None, change)

    async def enter(self, principal: Principal) -> None:
        """Raise `Unauthorized` unless the principal may administer the groups of its account."""
        authorize(principal, Operation.ADMINISTER_GROUPS, None)
        if not _is_unrestricted(principal):
            raise Unauthorized
        await self._gate.enter(principal, Operation.ADMINISTER_GROUPS, None)


def _is_unrestricted(principal: Principal) -> bool:
    return principal.is_of_whole_account and principal.can(Operation.ADMINISTER_GROUPS.value)


async def _group(rows: Rows, group_id: str) -> Group:
    row = await groups.find(rows, group_id)
    if row is None:
        raise NoSuchGroup(f"There is no group {group_id}.")
    return Group(*row)


async def _own_group(rows: Rows, principal: Principal, group_id: str) -> Group:
    """The group, if the principal's account administers it: nobody learns of other groups. Raises `NoSuchGroup`."""
    group = await _group(rows, group_id)
    if group.admin_account_id != principal.account_id:
        raise NoSuchGroup(f"There is no group {group_id}.")
    return group


def _member(row: MemberRow) -> Member:
    return Member(row.account_id, row.email, bool(row.suspended))


def _stats(row: StatsRow) -> Stats:
    return Stats(row.buckets, row.versions, row.size_bytes, row.hour * HOUR_MS)
