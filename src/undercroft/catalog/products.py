"""Statements about the products that accounts have enabled, and the terms that they accepted for it."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction


class ProductRow(NamedTuple):
    """A row of `products`. Where the operator enabled it, nobody accepted terms: both are None."""

    account_id: str
    product: str
    enabled: int
    terms_version: str | None
    accepted_ms: int | None


async def find(rows: Rows, account_id: str, product: str) -> ProductRow | None:
    """What is known of an account's product; None if it never had it."""
    row = await rows.one(
        "SELECT account_id, product, enabled, terms_version, accepted_ms FROM products"
        " WHERE account_id = ?1 AND product = ?2",
        (account_id, product),
    )
    return None if row is None else ProductRow._make(row)


async def put(tx: Transaction, row: ProductRow) -> None:
    """Set what is known of an account's product."""
    await tx.run(
        "INSERT INTO products (account_id, product, enabled, terms_version, accepted_ms) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (account_id, product) DO UPDATE SET enabled = excluded.enabled,"
        " terms_version = excluded.terms_version, accepted_ms = excluded.accepted_ms",
        row,
    )


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Remove what is known of an account's products."""
    await tx.run("DELETE FROM products WHERE account_id = ?1", (account_id,))
