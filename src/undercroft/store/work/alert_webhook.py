"""Alerts about caps, sent to the webhook of the operator: at least once, and in the order in which they were raised.

An alert that was not sent is a row that says so, whichever process raised it. So nothing is lost with a process, and one that
dies between sending and noting it sends again. Nobody wants to hear today of last week: what is too old is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from undercroft import limits
from undercroft.catalog import cap_alerts
from undercroft.catalog.cap_alerts import AlertRow
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.outgoing.contract import Visit
from undercroft.store.accounting.alerts import alert_of
from undercroft.store.accounting.model import described
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.gate import Gate
from undercroft.store.work.event_messages import headers_of
from undercroft.store.work.sending import backoff_s, send

_log = structlog.get_logger(__name__)


class AlertWebhook:
    """Sends what is new to one URL; without one, nothing. The URL is a secret, as there may be a token in it (P8)."""

    def __init__(self, catalog: Catalog, gate: Gate, ambient: Ambient, visit: Visit, url: str | None) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient
        self._visit = visit
        self._url = url
        self._attempts = 0  # That failed in a row, …
        self._failed_ms = 0  # … the last one then.

    async def is_wanted(self) -> bool:
        """Whether there is anything to send now: a point read, if there is a webhook."""
        return self._url is not None and not self._is_waiting() and bool(await self._waiting(1))

    async def run(self) -> bool:
        """Send what waits, in one request. True where there may be more."""
        if self._url is None:
            return False
        found = await self._waiting(limits.CAP_ALERTS_SENT_AT_ONCE)
        if not found or not await self._sent(self._url, found):
            return False
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> None:
            for row in found:
                await cap_alerts.note_sent(tx, row, now_ms)

        await self._gate.write(change)
        return True

    async def _sent(self, url: str, found: Sequence[AlertRow]) -> bool:
        visitor = self._visit(url)
        body = _document(found)
        try:
            outcome = await send(visitor, headers_of(Target(url), body), body, self._ambient)
        finally:
            await visitor.close()
        if outcome.error is None:
            self._attempts = 0
            return True
        self._attempts += 1
        self._failed_ms = self._ambient.now_ms()
        _log.warning("cap_alerts_not_sent", alerts=len(found), attempts=self._attempts, error=outcome.error)
        return False

    def _is_waiting(self) -> bool:
        passed_ms = self._ambient.now_ms() - self._failed_ms
        return self._attempts > 0 and 0 <= passed_ms < backoff_s(self._attempts) * 1000  # A clock may be set back.

    async def _waiting(self, limit: int) -> list[AlertRow]:
        since_ms = self._ambient.now_ms() - limits.CAP_ALERT_NEWS_S * 1000
        return await cap_alerts.unsent(self._catalog.rows, since_ms, limit)


def _document(found: Sequence[AlertRow]) -> bytes:
    """The body: the alerts as `undercroft account alerts --json` shows them."""
    return msgspec.json.encode({"alerts": [described(alert_of(row)) for row in found]})
