"""Statements about groups of accounts, each administered by an account, and their members.

An account is a member of at most one group.
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "group_id, admin_account_id, name, created_ms"


class GroupRow(NamedTuple):
    """A row of `groups`."""

    group_id: str
    admin_account_id: str
    name: str
    created_ms: int


class MemberRow(NamedTuple):
    """A member of a group: its account, and whether that is suspended."""

    account_id: str
    email: str
    suspended: int


class StatsRow(NamedTuple):
    """What accounts have: buckets now, and what they hold as of the last look, `hour` hours after the epoch."""

    buckets: int
    versions: int
    size_bytes: int
    hour: int


async def insert(tx: Transaction, row: GroupRow) -> None:
    """Add a group."""
    await tx.run(f"INSERT INTO groups ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4)", row)


async def find(rows: Rows, group_id: str) -> GroupRow | None:
    """The group of this id."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM groups WHERE group_id = ?1", (group_id,))
    return None if row is None else GroupRow._make(row)


async def every(rows: Rows) -> list[GroupRow]:
    """All groups, oldest first."""
    return [
        GroupRow._make(row) for row in await rows.all(f"SELECT {_COLUMNS} FROM groups ORDER BY created_ms, group_id")
    ]


async def page(rows: Rows, admin_account_id: str, name: str | None, start: str, limit: int) -> list[GroupRow]:
    """The groups that an account administers, of this name where one is given, from this id on."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM groups WHERE admin_account_id = ?1 AND group_id >= ?2 AND (?3 IS NULL OR name = ?3)"
        " ORDER BY group_id LIMIT ?4",
        (admin_account_id, start, name, limit),
    )
    return [GroupRow._make(row) for row in found]


async def administers(rows: Rows, account_id: str) -> bool:
    """Whether the account administers a group."""
    return await rows.one("SELECT 1 FROM groups WHERE admin_account_id = ?1 LIMIT 1", (account_id,)) is not None


async def delete(tx: Transaction, group_id: str) -> None:
    """Remove a group; its members stay accounts."""
    await tx.run("DELETE FROM group_members WHERE group_id = ?1", (group_id,))
    await tx.run("DELETE FROM groups WHERE group_id = ?1", (group_id,))


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Remove the account from its group, and the groups that it administers."""
    await tx.run("DELETE FROM group_members WHERE account_id = ?1", (account_id,))
    await tx.run(
        "DELETE FROM group_members WHERE group_id IN (SELECT group_id FROM groups WHERE admin_account_id = ?1)",
        (account_id,),
    )
    await tx.run("DELETE FROM groups WHERE admin_account_id = ?1", (account_id,))


# -- Members ----------------------------------------------------------------------------------------------------------
async def add_member(tx: Transaction, group_id: str, account_id: str, now_ms: int) -> None:
    """Make an account a member that is of no group."""
    await tx.run(
        "INSERT INTO group_members (account_id, group_id, joined_ms) VALUES (?1, ?2, ?3)",
        (account_id, group_id, now_ms),
    )


async def remove_member(tx: Transaction, group_id: str, account_id: str) -> bool:
    """Take an account out of the group; False where it is no member of it."""
    row = await tx.one(
        "DELETE FROM group_members WHERE group_id = ?1 AND account_id = ?2 RETURNING 1", (group_id, account_id)
    )
    return row is not None


async def count_members(rows: Rows, group_id: str) -> int:
    """How many members the group has."""
    row = await rows.one("SELECT count(*) FROM group_members WHERE group_id = ?1", (group_id,))
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def members(rows: Rows, group_id: str, start_email: str, limit: int) -> list[MemberRow]:
    """The members of a group by e-mail address, from this one on."""
    found = await rows.all(
        "SELECT m.account_id, a.email, a.suspended FROM group_members m JOIN accounts a ON a.account_id = m.account_id"
        " WHERE m.group_id = ?1 AND a.email >= ?2 ORDER BY a.email LIMIT ?3",
        (group_id, start_email, limit),
    )
    return [MemberRow._make(row) for row in found]


async def stats_of_group(rows: Rows, group_id: str) -> StatsRow:
    """What all members of a group have together."""
    return await _stats(rows, "SELECT account_id FROM group_members WHERE group_id = ?1", group_id)


async def stats_of_account(rows: Rows, account_id: str) -> StatsRow:
    """What an account has."""
    return await _stats(rows, "?1", account_id)


async def _stats(rows: Rows, whose: str, subject: str) -> StatsRow:
    row = await rows.one(
        f"SELECT (SELECT count(*) FROM buckets WHERE account_id IN ({whose})), coalesce(sum(s.versions), 0),"
        " coalesce(sum(s.bytes), 0), coalesce(max(s.day * 24 + s.hours - 1), 0) FROM storage_days s"
        f" WHERE s.account_id IN ({whose})"
        " AND s.day = (SELECT max(day) FROM storage_days latest WHERE latest.account_id = s.account_id)",
        (subject,),
    )
    assert row is not None
    return StatsRow._make(row)
