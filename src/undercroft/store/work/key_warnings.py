"""Warnings of application keys that expire: a week before and a day before, each once, to whom the account wants told.

A key that was made to live no longer than that ends as it was meant to, and nobody is warned. That somebody was warned is
written in the transaction that puts the warning on its way, so two processes warn once.
"""

from __future__ import annotations

from undercroft import limits
from undercroft.catalog import keys
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.keys import KeyRow
from undercroft.store.accounting.model import DAY_MS
from undercroft.store.accounting.telling import tell
from undercroft.store.ambient import Ambient
from undercroft.store.gate import Gate

DAYS_BEFORE = (1, 7)  # The last warning first: whoever gets it needs none of the others any more.


class KeyWarnings:
    """Warns of the keys of all accounts."""

    def __init__(self, catalog: Catalog, gate: Gate, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient

    async def run(self) -> None:
        """Warn of what is due."""
        now_ms = self._ambient.now_ms()
        for days in DAYS_BEFORE:

            async def query(rows: Rows, days: int = days) -> list[KeyRow]:
                return await keys.unwarned(rows, now_ms, days, days * DAY_MS, limits.ACCOUNTING_BATCH)

            while found := await self._catalog.scan(query):

                async def warn(tx: Transaction, days: int = days, found: list[KeyRow] = found) -> None:
                    for row in found:
                        await _warn(tx, row, days, now_ms)

                await self._gate.write(warn)


async def _warn(tx: Transaction, row: KeyRow, days: int, now_ms: int) -> None:
    if not await keys.note_warning(tx, row.key_id, days, now_ms):
        return  # Another process was here before, or the key is gone.
    if await keys.warnings_since(tx, row.account_id, now_ms - DAY_MS) > limits.KEY_WARNINGS_TOLD:
        return
    document = {
        "accountId": row.account_id,
        "keyId": row.key_id,
        "keyName": row.name,
        "expirationTimestamp": row.expires_ms,
        "days": days,
        "timestamp": now_ms,
    }
    await tell(tx, row.account_id, "key", document, notice_id=f"{row.key_id} {days}", now_ms=now_ms)
