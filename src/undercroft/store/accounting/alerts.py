"""Alerts: who has used most of a cap, or all of it, is told so, once.

At 75 and at 100 percent, or where the account wants it, there is a row, and a line of the log. Of a cap by the day there is
one alert a day, of those on what is held one each time that it is crossed, up to `CAP_ALERT_OFTEN` times a day; a changed cap
alerts anew. What a cap has refused is an alert at 100 percent too, however much smaller things would still fit.
`store/work/alert_webhook.py` sends all of them to the operator, `store/work/notices.py` those of each account to whom it names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import structlog

from undercroft import limits
from undercroft.catalog import caps
from undercroft.catalog.caps import AlertRow
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.store.accounting.alert_settings import settings_in
from undercroft.store.accounting.caps import caps_of_row, standing_of
from undercroft.store.accounting.model import HELD, Alert, Category, Standing, day_of, described
from undercroft.store.accounting.telling import tell
from undercroft.store.ambient import Ambient
from undercroft.store.gate import Gate

REFUSED_PERCENT = 100
_log = structlog.get_logger(__name__)


class _Findings(NamedTuple):
    """What a look at some accounts found: alerts to raise, accounts that are below an alert now, the last account."""

    due: list[AlertRow]
    fallen: list[
        tuple[Standing, int]
    ]  # What is used, and the percentage of the highest alert that this is still above.
    last: str


class Alerts:
    """Raises alerts and lists them."""

    def __init__(self, catalog: Catalog, gate: Gate, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient

    async def look(self) -> None:
        """Look at all accounts with caps: raise the alerts that are due, and note which are over. The steward's work."""
        now_ms = self._ambient.now_ms()
        after = ""
        while True:
            found = await self._catalog.scan(lambda rows, after=after: _look(rows, after, now_ms))  # type: ignore[misc]
            if found.due or found.fallen:
                await self._raise(found.due, found.fallen)
            if not found.last:
                return
            after = found.last

    async def of_refusals(self, refused: Iterable[tuple[str, Category]]) -> None:
        """Raise the alerts about what caps have refused."""
        now_ms = self._ambient.now_ms()
        day = day_of(now_ms)

        async def query(rows: Rows) -> list[AlertRow]:
            found = []
            for account_id, category in refused:
                of_account = caps_of_row(await caps.find(rows, account_id))
                known = await caps.known_alerts(rows, account_id, day)
                for standing in await standing_of(rows, account_id, of_account, day):
                    is_known = (category, REFUSED_PERCENT, standing.cap, False) in known
                    if standing.category == category and not is_known:
                        found.append(_row(standing, REFUSED_PERCENT, now_ms))
            return found

        due = await self._catalog.scan(query)
        if due:
            await self._raise(due, [])

    async def recent(self, account_id: str | None, *, days: int) -> list[Alert]:
        """The alerts of an account, or of all, of the last so many days, the newest first."""
        since_day = day_of(self._ambient.now_ms()) - days + 1
        found = await self._catalog.scan(
            lambda rows: caps.alerts(rows, account_id, since_day, limits.CAP_ALERTS_SHOWN_MAX)
        )
        return [alert_of(row) for row in found]

    async def _raise(self, due: list[AlertRow], fallen: list[tuple[Standing, int]]) -> None:
        async def change(tx: Transaction) -> list[AlertRow]:
            for now, above_percent in fallen:
                await caps.end_alerts(
                    tx, now.account_id, now.category, above_percent=above_percent, used=now.used, cap=now.cap
                )
            raised = []
            for row in due:
                if await caps.raise_alert(tx, row, once_until_over=row.category in HELD, often=limits.CAP_ALERT_OFTEN):
                    raised.append(row)
                    await _tell_in(tx, row)
            return raised

        for row in await self._gate.write(change):
            _say(alert_of(row))


def alert_of(row: AlertRow) -> Alert:
    """The alert of a catalog row."""
    category: Category = row.category  # type: ignore[assignment]
    return Alert(row.account_id, category, row.percent, row.used, row.cap, row.at_ms)


def _say(alert: Alert) -> None:
    """Say in the log that an alert was raised, in the process that raised it, after its row was committed."""
    _log.warning(
        "cap_alert",
        account_id=alert.account_id,
        category=alert.category,
        percent=alert.percent,
        used=alert.used,
        cap=alert.cap,
    )


async def _tell_in(tx: Transaction, row: AlertRow) -> None:
    """Tell whom the account wants told, unless it has been too much today."""
    if await caps.count_alerts(tx, row.account_id, row.day) <= limits.CAP_ALERTS_TOLD:
        notice_id = f"{row.category} {row.percent} {row.cap}"
        await tell(tx, row.account_id, "cap", described(alert_of(row)), notice_id=notice_id, now_ms=row.at_ms)


async def _look(rows: Rows, after: str, now_ms: int) -> _Findings:
    """A look at some accounts with caps, those whose ids come after this one."""
    findings = _Findings([], [], "")
    day = day_of(now_ms)
    page = await caps.page(rows, after, limits.ACCOUNTING_BATCH)
    for account_id, row in page:
        known = await caps.known_alerts(rows, account_id, day)
        settings = await settings_in(rows, account_id)
        for standing in await standing_of(rows, account_id, caps_of_row(row), day):
            raised = {
                percent
                for category, percent, cap, is_over in known
                if category == standing.category and cap == standing.cap and not is_over
            }
            reached = max(
                (
                    each
                    for each in settings.percentages(standing.category)
                    if standing.used * 100 >= standing.cap * each
                ),
                default=0,
            )
            if reached > max(raised, default=0):
                findings.due.append(_row(standing, reached, now_ms))
            if any(
                category == standing.category and percent > reached and not is_over
                for category, percent, _, is_over in known
            ):
                findings.fallen.append((standing, reached))
    return findings._replace(last=page[-1][0] if page else "")


def _row(standing: Standing, percent: int, now_ms: int) -> AlertRow:
    return AlertRow(
        standing.account_id, standing.category, day_of(now_ms), percent, standing.cap, standing.used, now_ms
    )
