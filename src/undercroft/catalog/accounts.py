"""Statements about accounts."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "account_id, email, password_hash, suspended, created_ms"


class AccountRow(NamedTuple):
    """A row of `accounts`."""

    account_id: str
    email: str
    password_hash: str
    suspended: int
    created_ms: int


async def insert(tx: Transaction, row: AccountRow) -> None:
    """Add an account."""
    await tx.run(f"INSERT INTO accounts ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5)", row)


async def find(rows: Rows, id_or_email: str) -> AccountRow | None:
    """The account of this id or this e-mail address."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM accounts WHERE account_id = ?1 OR email = ?1", (id_or_email,))
    return None if row is None else AccountRow._make(row)


async def every(rows: Rows) -> list[AccountRow]:
    """All accounts, oldest first."""
    return [
        AccountRow._make(row)
        for row in await rows.all(f"SELECT {_COLUMNS} FROM accounts ORDER BY created_ms, account_id")
    ]


async def set_suspended(tx: Transaction, account_id: str, suspended: bool) -> None:
    """Suspend or resume."""
    await tx.run("UPDATE accounts SET suspended = ?2 WHERE account_id = ?1", (account_id, int(suspended)))


async def set_password(tx: Transaction, account_id: str, password_hash: str) -> None:
    """Replace the password's hash."""
    await tx.run("UPDATE accounts SET password_hash = ?2 WHERE account_id = ?1", (account_id, password_hash))


async def delete(tx: Transaction, account_id: str) -> None:
    """Remove the account's own row."""
    await tx.run("DELETE FROM accounts WHERE account_id = ?1", (account_id,))


async def take_key_counter(tx: Transaction, account_id: str) -> int:
    """The number of the account's next application key; each is given once."""
    row = await tx.one(
        "UPDATE accounts SET next_key_counter = next_key_counter + 1 WHERE account_id = ?1 RETURNING next_key_counter - 1",
        (account_id,),
    )
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def take_bucket_ms(tx: Transaction, account_id: str, now_ms: int) -> int:
    """A time of making for the account's next bucket: now, or a millisecond after the last one's."""
    row = await tx.one(
        "UPDATE accounts SET last_bucket_ms = CASE WHEN last_bucket_ms < ?2 THEN ?2 ELSE last_bucket_ms + 1 END"
        " WHERE account_id = ?1 RETURNING last_bucket_ms",
        (account_id, now_ms),
    )
    assert row is not None
    return row[0]  # type: ignore[return-value]
