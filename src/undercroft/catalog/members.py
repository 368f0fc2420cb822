"""Statements about members: people who were invited into others' accounts, and what they may do there."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "account_id, email, member_id, role, bucket_ids, key_id, created_ms"


class MemberRow(NamedTuple):
    """A row of `members`. `member_id` is the person's own account, and `key_id` the key in whose name the person acts.

    Both are empty until the invitation to `email` is accepted. `bucket_ids` is a JSON array, or None for all.
    """

    account_id: str
    email: str
    member_id: str
    role: str
    bucket_ids: str | None
    key_id: str
    created_ms: int


async def put(tx: Transaction, row: MemberRow) -> None:
    """Add a member, or replace what is known of the one of this address."""
    await tx.run(
        f"INSERT INTO members ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (account_id, email)"
        " DO UPDATE SET member_id = excluded.member_id, role = excluded.role, bucket_ids = excluded.bucket_ids,"
        " key_id = excluded.key_id",
        row,
    )


async def find(rows: Rows, account_id: str, email: str) -> MemberRow | None:
    """The account's member who was invited at this address."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM members WHERE account_id = ?1 AND email = ?2", (account_id, email))
    return None if row is None else MemberRow._make(row)


async def find_person(rows: Rows, account_id: str, member_id: str) -> MemberRow | None:
    """The account's member who is this person."""
    row = await rows.one(
        f"SELECT {_COLUMNS} FROM members WHERE account_id = ?1 AND member_id = ?2", (account_id, member_id)
    )
    return None if row is None else MemberRow._make(row)


async def has_key(rows: Rows, account_id: str, key_id: str) -> bool:
    """Whether a member of the account acts in the name of this key."""
    found = await rows.one("SELECT 1 FROM members WHERE account_id = ?1 AND key_id = ?2", (account_id, key_id))
    return found is not None


async def is_suspended(rows: Rows, account_id: str, key_id: str) -> bool:
    """Whether a member of the account acts in the name of this key whose own account is suspended."""
    found = await rows.one(
        "SELECT 1 FROM members JOIN accounts ON accounts.account_id = members.member_id"
        " WHERE members.account_id = ?1 AND members.key_id = ?2 AND accounts.suspended <> 0",
        (account_id, key_id),
    )
    return found is not None


async def suspended(rows: Rows, account_id: str) -> set[str]:
    """The own accounts of the account's members that are suspended."""
    found = await rows.all(
        "SELECT members.member_id FROM members JOIN accounts ON accounts.account_id = members.member_id"
        " WHERE members.account_id = ?1 AND accounts.suspended <> 0",
        (account_id,),
    )
    return {row[0] for row in found}  # type: ignore[misc]


async def of_account(rows: Rows, account_id: str, limit: int) -> list[MemberRow]:
    """The account's members by address."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM members WHERE account_id = ?1 ORDER BY email LIMIT ?2", (account_id, limit)
    )
    return [MemberRow._make(row) for row in found]


async def of_person(rows: Rows, member_id: str, limit: int) -> list[MemberRow]:
    """In which accounts this person is a member."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM members WHERE member_id = ?1 ORDER BY account_id LIMIT ?2", (member_id, limit)
    )
    return [MemberRow._make(row) for row in found]


async def delete(tx: Transaction, account_id: str, email: str) -> None:
    """Remove a member."""
    await tx.run("DELETE FROM members WHERE account_id = ?1 AND email = ?2", (account_id, email))


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Remove the account's members, and whatever the account's person was a member of."""
    await tx.run("DELETE FROM members WHERE account_id = ?1 OR member_id = ?1", (account_id,))
