"""Statements about settings that an operator chose in the console, by the names they have as options of the server."""

from __future__ import annotations

from undercroft.catalog.contract import Rows, Transaction


async def all_of(rows: Rows) -> dict[str, str]:
    """The settings that are kept."""
    return {str(name): str(value) for name, value in await rows.all("SELECT name, value FROM kept_settings")}


async def put(tx: Transaction, name: str, value: str) -> None:
    """Keep a setting, in place of what is kept of it."""
    await tx.run(
        "INSERT INTO kept_settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


async def delete(tx: Transaction, name: str) -> None:
    """Keep a setting no longer."""
    await tx.run("DELETE FROM kept_settings WHERE name = ?1", (name,))
