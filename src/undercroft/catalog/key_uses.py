"""Statements about the last use of application keys: one row a key that was ever used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction


class KeyUseRow(NamedTuple):
    """A row of `key_uses`: when, from which address, through which face (native, s3) and with which call."""

    key_id: str
    at_ms: int
    address: str
    face: str
    call: str


async def put(tx: Transaction, rows: Sequence[KeyUseRow]) -> None:
    """Note uses, unless a later one of the key is known. Those of keys that are gone are left out."""
    await tx.many(
        "INSERT INTO key_uses (key_id, at_ms, address, face, call) SELECT ?1, ?2, ?3, ?4, ?5"
        " WHERE EXISTS (SELECT 1 FROM keys WHERE key_id = ?1)"
        " ON CONFLICT (key_id) DO UPDATE SET at_ms = excluded.at_ms, address = excluded.address,"
        " face = excluded.face, call = excluded.call WHERE excluded.at_ms >= key_uses.at_ms",
        rows,
    )


async def of_keys(rows: Rows, account_id: str, first_key_id: str, last_key_id: str) -> list[KeyUseRow]:
    """The last uses of the account's keys with ids from one to another."""
    found = await rows.all(
        "SELECT u.key_id, u.at_ms, u.address, u.face, u.call FROM keys k JOIN key_uses u ON u.key_id = k.key_id"
        " WHERE k.account_id = ?1 AND k.key_id BETWEEN ?2 AND ?3",
        (account_id, first_key_id, last_key_id),
    )
    return [KeyUseRow._make(row) for row in found]
