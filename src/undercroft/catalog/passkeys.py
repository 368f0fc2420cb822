"""Statements about passkeys: public keys of authenticators, by which people sign in. There is nothing secret in them."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "credential_id, account_id, public_key, sign_count, name, created_ms, used_ms"


class PasskeyRow(NamedTuple):
    """A row of `passkeys`. `credential_id` is what the authenticator calls it, `sign_count` how often it says that it has signed."""

    credential_id: bytes
    account_id: str
    public_key: bytes
    sign_count: int
    name: str
    created_ms: int
    used_ms: int | None


async def insert(tx: Transaction, row: PasskeyRow) -> None:
    """Add a passkey."""
    await tx.run(f"INSERT INTO passkeys ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", row)


async def find(rows: Rows, credential_id: bytes) -> PasskeyRow | None:
    """The passkey of this id."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM passkeys WHERE credential_id = ?1", (credential_id,))
    return None if row is None else PasskeyRow._make(row)


async def of_account(rows: Rows, account_id: str) -> list[PasskeyRow]:
    """The account's passkeys, oldest first."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM passkeys WHERE account_id = ?1 ORDER BY created_ms, credential_id", (account_id,)
    )
    return [PasskeyRow._make(row) for row in found]


async def use(tx: Transaction, before: PasskeyRow, sign_count: int, now_ms: int) -> bool:
    """Note that a passkey was used; False where it is not as it was before."""
    row = await tx.one(
        "UPDATE passkeys SET sign_count = ?3, used_ms = ?4 WHERE credential_id = ?1 AND sign_count = ?2 RETURNING 1",
        (before.credential_id, before.sign_count, sign_count, now_ms),
    )
    return row is not None


async def delete(tx: Transaction, account_id: str, credential_id: bytes) -> None:
    """Remove a passkey of the account."""
    await tx.run("DELETE FROM passkeys WHERE credential_id = ?1 AND account_id = ?2", (credential_id, account_id))


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Remove the account's passkeys."""
    await tx.run("DELETE FROM passkeys WHERE account_id = ?1", (account_id,))
