"""Statements about accounts."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "account_id, email, password_hash, suspended, created_ms, name, time_zone, is_operator, trial_ends_ms"


class AccountRow(NamedTuple):
    """A row of `accounts`."""

    account_id: str
    email: str
    password_hash: str
    suspended: int
    created_ms: int
    name: str = ""
    time_zone: str = "UTC"
    is_operator: int = 0
    trial_ends_ms: int | None = None


async def insert(tx: Transaction, row: AccountRow) -> None:
    """Add an account."""
    await tx.run(f"INSERT INTO accounts ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", row)


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


async def page(rows: Rows, pattern: str, start_email: str, limit: int) -> list[AccountRow]:
    """Accounts whose id, address or name is like the pattern (of LIKE, with `~` as escape), by address from this one on."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM accounts WHERE email >= ?2"
        " AND (email LIKE ?1 ESCAPE '~' OR account_id LIKE ?1 ESCAPE '~' OR lower(name) LIKE ?1 ESCAPE '~')"
        " ORDER BY email LIMIT ?3",
        (pattern, start_email, limit),
    )
    return [AccountRow._make(row) for row in found]


async def any_account(rows: Rows) -> bool:
    """Whether there is any account."""
    return await rows.one("SELECT 1 FROM accounts LIMIT 1") is not None


async def set_suspended(tx: Transaction, account_id: str, suspended: bool) -> None:
    """Suspend or resume."""
    await tx.run("UPDATE accounts SET suspended = ?2 WHERE account_id = ?1", (account_id, int(suspended)))


async def set_operator(tx: Transaction, account_id: str, is_operator: bool) -> None:
    """Make an account an operator's, or no longer."""
    await tx.run("UPDATE accounts SET is_operator = ?2 WHERE account_id = ?1", (account_id, int(is_operator)))


async def set_password(tx: Transaction, account_id: str, password_hash: str) -> None:
    """Replace the password's hash."""
    await tx.run("UPDATE accounts SET password_hash = ?2 WHERE account_id = ?1", (account_id, password_hash))


async def set_email(tx: Transaction, account_id: str, email: str) -> None:
    """Replace the e-mail address."""
    await tx.run("UPDATE accounts SET email = ?2 WHERE account_id = ?1", (account_id, email))


async def set_profile(tx: Transaction, account_id: str, name: str, time_zone: str) -> None:
    """Replace the name and the time zone."""
    await tx.run("UPDATE accounts SET name = ?2, time_zone = ?3 WHERE account_id = ?1", (account_id, name, time_zone))


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
