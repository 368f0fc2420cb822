"""Statements about replication targets: buckets of other installations, of B2 or of whoever speaks its native protocol."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "target_id, account_id, name, endpoint, key_id, wrapped_key, bucket_name, created_ms"


class TargetRow(NamedTuple):
    """A row of `replication_targets`. Rules name the target by its id, which looks like that of a bucket."""

    target_id: str
    account_id: str
    name: str
    endpoint: str
    key_id: str
    wrapped_key: bytes
    bucket_name: str
    created_ms: int


async def insert(tx: Transaction, row: TargetRow) -> None:
    """Add a target. The engine refuses a name that the account has already."""
    await tx.run(f"INSERT INTO replication_targets ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", row)


async def find(rows: Rows, target_id: str) -> TargetRow | None:
    """The target of this id."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM replication_targets WHERE target_id = ?1", (target_id,))
    return None if row is None else TargetRow._make(row)


async def of_account(rows: Rows, account_id: str) -> list[TargetRow]:
    """The account's targets, by name."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM replication_targets WHERE account_id = ?1 ORDER BY name", (account_id,)
    )
    return [TargetRow._make(row) for row in found]


async def every_from(rows: Rows, target_id: str, limit: int) -> list[TargetRow]:
    """The targets of all accounts from this id on, in the order of their ids."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM replication_targets WHERE target_id >= ?1 ORDER BY target_id LIMIT ?2",
        (target_id, limit),
    )
    return [TargetRow._make(row) for row in found]


async def set_key(tx: Transaction, target_id: str, wrapped_key: bytes) -> None:
    """Replace the wrapped key of a target."""
    await tx.run("UPDATE replication_targets SET wrapped_key = ?2 WHERE target_id = ?1", (target_id, wrapped_key))


async def delete(tx: Transaction, target_id: str) -> None:
    """Remove a target. Rules that name it lead nowhere then."""
    await tx.run("DELETE FROM replication_targets WHERE target_id = ?1", (target_id,))
