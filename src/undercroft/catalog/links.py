"""Statements about links that somebody is sent and that work once. Their secrets are not here, only what SHA-256 makes of them."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "link_hash, kind, account_id, email, created_ms, expires_ms"


class LinkRow(NamedTuple):
    """A row of `links`. `account_id` is whose it is; `email`, where it matters, is for whom it is."""

    link_hash: bytes
    kind: str
    account_id: str
    email: str
    created_ms: int
    expires_ms: int


async def insert(tx: Transaction, row: LinkRow) -> None:
    """Add a link."""
    await tx.run(f"INSERT INTO links ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row)


async def find(rows: Rows, link_hash: bytes, kind: str) -> LinkRow | None:
    """The link of this kind whose secret has this hash."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM links WHERE link_hash = ?1 AND kind = ?2", (link_hash, kind))
    return None if row is None else LinkRow._make(row)


async def take(tx: Transaction, link_hash: bytes, kind: str) -> LinkRow | None:
    """The same, and it works no more."""
    row = await tx.one(f"DELETE FROM links WHERE link_hash = ?1 AND kind = ?2 RETURNING {_COLUMNS}", (link_hash, kind))
    return None if row is None else LinkRow._make(row)


async def of_kind(rows: Rows, kind: str, account_id: str, limit: int) -> list[LinkRow]:
    """The links of this kind that are this account's, newest first."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM links WHERE kind = ?1 AND account_id = ?2"
        " ORDER BY created_ms DESC, link_hash LIMIT ?3",
        (kind, account_id, limit),
    )
    return [LinkRow._make(row) for row in found]


async def delete_of_account(tx: Transaction, account_id: str, kind: str | None = None, *, but: str = "") -> None:
    """Remove the account's links, or those of one kind; all but those of the kind `but`."""
    await tx.run(
        "DELETE FROM links WHERE account_id = ?1 AND (?2 IS NULL OR kind = ?2) AND kind <> ?3", (account_id, kind, but)
    )


async def delete_for(tx: Transaction, account_id: str, kind: str, email: str) -> None:
    """Remove the account's links of a kind that are for this address."""
    await tx.run("DELETE FROM links WHERE account_id = ?1 AND kind = ?2 AND email = ?3", (account_id, kind, email))


async def prune(tx: Transaction, now_ms: int) -> None:
    """Remove links that have expired."""
    await tx.run("DELETE FROM links WHERE expires_ms <= ?1", (now_ms,))
