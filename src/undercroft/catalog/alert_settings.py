"""Statements about who is told of an account's alerts. An account that was never asked has no row."""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

_COLUMNS = "account_id, document, wrapped_webhook"


class AlertSettingsRow(NamedTuple):
    """A row of `alert_settings`: a JSON object, and where the account's webhook is, wrapped."""

    account_id: str
    document: str
    wrapped_webhook: bytes | None


async def find(rows: Rows, account_id: str) -> AlertSettingsRow | None:
    """The settings of an account."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM alert_settings WHERE account_id = ?1", (account_id,))
    return None if row is None else AlertSettingsRow._make(row)


async def put(tx: Transaction, row: AlertSettingsRow) -> None:
    """Set those of an account."""
    await tx.run(
        f"INSERT INTO alert_settings ({_COLUMNS}) VALUES (?1, ?2, ?3) ON CONFLICT (account_id)"
        " DO UPDATE SET document = excluded.document, wrapped_webhook = excluded.wrapped_webhook",
        row,
    )


async def webhooks_from(rows: Rows, account_id: str, limit: int) -> list[AlertSettingsRow]:
    """Those with a webhook, of accounts from this id on, in the order of their ids."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM alert_settings WHERE account_id >= ?1 AND wrapped_webhook IS NOT NULL"
        " ORDER BY account_id LIMIT ?2",
        (account_id, limit),
    )
    return [AlertSettingsRow._make(row) for row in found]


async def delete_of_account(tx: Transaction, account_id: str) -> None:
    """Remove those of an account."""
    await tx.run("DELETE FROM alert_settings WHERE account_id = ?1", (account_id,))
