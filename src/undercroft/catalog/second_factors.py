"""Statements about second factors: the secrets of authenticator apps, recovery codes, and browsers that need neither."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "account_id, wrapped_secret, enabled_ms, last_step"


class SecondFactorRow(NamedTuple):
    """A row of `second_factors`. One that is being set up has no `enabled_ms`; `last_step` is that of the last code used."""

    account_id: str
    wrapped_secret: bytes
    enabled_ms: int | None
    last_step: int


# -- Authenticator apps -----------------------------------------------------------------------------------------------
async def find(rows: Rows, account_id: str) -> SecondFactorRow | None:
    """The account's second factor, enabled or being set up."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM second_factors WHERE account_id = ?1", (account_id,))
    return None if row is None else SecondFactorRow._make(row)


async def every_from(rows: Rows, start_account_id: str, limit: int) -> list[SecondFactorRow]:
    """The second factors of all accounts, by account, from this one on."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM second_factors WHERE account_id >= ?1 ORDER BY account_id LIMIT ?2",
        (start_account_id, limit),
    )
    return [SecondFactorRow._make(row) for row in found]


async def put(tx: Transaction, row: SecondFactorRow) -> None:
    """Set the account's second factor."""
    await tx.run(
        f"INSERT INTO second_factors ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (account_id) DO UPDATE SET wrapped_secret = excluded.wrapped_secret,"
        " enabled_ms = excluded.enabled_ms, last_step = excluded.last_step",
        row,
    )


async def set_secret(tx: Transaction, account_id: str, wrapped_secret: bytes) -> None:
    """Replace the wrapped secret."""
    await tx.run("UPDATE second_factors SET wrapped_secret = ?2 WHERE account_id = ?1", (account_id, wrapped_secret))


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Remove the account's second factor, its recovery codes, and what browsers are trusted."""
    await tx.run("DELETE FROM second_factors WHERE account_id = ?1", (account_id,))
    await tx.run("DELETE FROM recovery_codes WHERE account_id = ?1", (account_id,))
    await forget_browsers(tx, account_id)


async def delete_unfinished(tx: Transaction, account_id: str) -> None:
    """Remove the secret of an app that was never set up to the end."""
    await tx.run("DELETE FROM second_factors WHERE account_id = ?1 AND enabled_ms IS NULL", (account_id,))


# -- Recovery codes ---------------------------------------------------------------------------------------------------
async def put_codes(tx: Transaction, account_id: str, code_hashes: Iterable[bytes]) -> None:
    """Replace the account's recovery codes."""
    await tx.run("DELETE FROM recovery_codes WHERE account_id = ?1", (account_id,))
    await tx.many(
        "INSERT INTO recovery_codes (account_id, code_hash) VALUES (?1, ?2)",
        [(account_id, code_hash) for code_hash in code_hashes],
    )


async def use_code(tx: Transaction, account_id: str, code_hash: bytes, now_ms: int) -> bool:
    """Note that a code is used; False if there is no such code that is unused."""
    row = await tx.one(
        "UPDATE recovery_codes SET used_ms = ?3 WHERE account_id = ?1 AND code_hash = ?2 AND used_ms IS NULL"
        " RETURNING 1",
        (account_id, code_hash, now_ms),
    )
    return row is not None


async def count_codes(rows: Rows, account_id: str) -> int:
    """How many recovery codes are unused."""
    row = await rows.one("SELECT count(*) FROM recovery_codes WHERE account_id = ?1 AND used_ms IS NULL", (account_id,))
    assert row is not None
    return row[0]  # type: ignore[return-value]


# -- Trusted browsers -------------------------------------------------------------------------------------------------
async def trust_browser(tx: Transaction, browser_hash: bytes, account_id: str, now_ms: int, keep: int) -> None:
    """Trust a browser; of the account's, only the newest so many stay so."""
    await tx.run(
        "INSERT INTO trusted_browsers (browser_hash, account_id, trusted_ms) VALUES (?1, ?2, ?3)",
        (browser_hash, account_id, now_ms),
    )
    await tx.run(
        "DELETE FROM trusted_browsers WHERE account_id = ?1 AND browser_hash NOT IN"
        " (SELECT browser_hash FROM trusted_browsers WHERE account_id = ?1 ORDER BY trusted_ms DESC, browser_hash LIMIT ?2)",
        (account_id, keep),
    )


async def is_trusted(rows: Rows, browser_hash: bytes, account_id: str, since_ms: int) -> bool:
    """Whether the account trusts this browser since this time or later."""
    row = await rows.one(
        "SELECT 1 FROM trusted_browsers WHERE browser_hash = ?1 AND account_id = ?2 AND trusted_ms >= ?3",
        (browser_hash, account_id, since_ms),
    )
    return row is not None


async def count_browsers(rows: Rows, account_id: str, since_ms: int) -> int:
    """How many browsers the account trusts since this time or later."""
    row = await rows.one(
        "SELECT count(*) FROM trusted_browsers WHERE account_id = ?1 AND trusted_ms >= ?2", (account_id, since_ms)
    )
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def forget_browsers(tx: Transaction, account_id: str) -> None:
    """Trust no browser of the account any more."""
    await tx.run("DELETE FROM trusted_browsers WHERE account_id = ?1", (account_id,))


async def prune_browsers(tx: Transaction, before_ms: int) -> None:
    """Forget browsers that have been trusted before this time."""
    await tx.run("DELETE FROM trusted_browsers WHERE trusted_ms < ?1", (before_ms,))
