"""Alerts: who has used most of a cap, or all of it, is told so, once.

At 75 and at 100 percent, or where the account wants it, there is a row, and a line of the log; of a bucket's cap as of the
account's own. A soft limit alerts where it is reached, and refuses nothing. Of a cap by the day there is
one alert a day, of those on what is held one each time that it is crossed, up to `CAP_ALERT_OFTEN` times a day; a changed cap
alerts anew. What a cap has refused is an alert at 100 percent too, however much smaller things would still fit.
`store/work/alert_webhook.py` sends all of them to the operator, `store/work/notices.py` those of each account to whom it names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

import structlog

from undercroft import limits
from undercroft.catalog import cap_alerts, caps
from undercroft.catalog.cap_alerts import AlertRow, KnownAlert
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.store.accounting.alert_settings import settings_in
from undercroft.store.accounting.model import (
    HELD,
    THE_ACCOUNT,
    Alert,
    Category,
    Refusal,
    Standing,
    Subject,
    day_of,
    described,
)
from undercroft.store.accounting.standings import of_everything
from undercroft.store.accounting.telling import tell
from undercroft.store.ambient import Ambient
from undercroft.store.gate import Gate

REFUSED_PERCENT = 100
_log = structlog.get_logger(__name__)


class _Findings(NamedTuple):
    """What a look at some accounts found: alerts to raise, what is below an alert now, the last account."""

    due: list[AlertRow]
    fallen: list[AlertRow]  # What is used, and the percentage of the highest alert that this is still above.
    last: str


class Alerts:
    """Raises alerts and lists them."""

    def __init__(self, catalog: Catalog, gate: Gate, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient

    async def look(self) -> None:
        """Look at all accounts with caps, and at their buckets: raise the alerts that are due, and note which are over. The steward's work."""
        now_ms = self._ambient.now_ms()
        after = ""
        while True:
            found = await self._catalog.scan(lambda rows, after=after: _look(rows, after, now_ms))  # type: ignore[misc]
            at_once = limits.CAP_ALERTS_RAISED_AT_ONCE
            for place in range(0, max(len(found.due), len(found.fallen)), at_once):  # Others' writes get in between.
                await self._raise(found.due[place : place + at_once], found.fallen[place : place + at_once])
            if not found.last:
                return
            after = found.last

    async def of_refusals(self, refused: Iterable[Refusal]) -> None:
        """Raise the alerts about what caps have refused."""
        now_ms = self._ambient.now_ms()
        day = day_of(now_ms)

        async def query(rows: Rows) -> list[AlertRow]:
            found = []
            for account_id, of_account in groupby(sorted(refused), key=lambda one: one.account_id):
                about = {(one.kind, one.subject_id, one.category, 0) for one in of_account}
                known = set(await cap_alerts.known(rows, account_id, day))
                for standing in await of_everything(rows, account_id, day):
                    is_known = KnownAlert(*standing.about, REFUSED_PERCENT, standing.cap, False) in known
                    if standing.about in about and not is_known:
                        found.append(_row(standing, REFUSED_PERCENT, now_ms))
            return found

        due = await self._catalog.scan(query)
        if due:
            await self._raise(due, [])

    async def recent(self, account_id: str | None, *, days: int) -> list[Alert]:
        """The alerts of an account, or of all, of the last so many days, the newest first."""
        since_day = day_of(self._ambient.now_ms()) - days + 1
        found = await self._catalog.scan(
            lambda rows: cap_alerts.since(rows, account_id, since_day, limits.CAP_ALERTS_SHOWN_MAX)
        )
        return [alert_of(row) for row in found]

    async def _raise(self, due: list[AlertRow], fallen: list[AlertRow]) -> None:
        async def change(tx: Transaction) -> list[AlertRow]:
            for now in fallen:
                await cap_alerts.end_alerts(tx, now)
            raised = []
            for row in due:
                once_until_over = row.category in HELD
                if await cap_alerts.raise_alert(tx, row, once_until_over=once_until_over, often=limits.CAP_ALERT_OFTEN):
                    raised.append(row)
                    await _tell_in(tx, row)
            return raised

        for row in await self._gate.write(change):
            _say(alert_of(row))


def alert_of(row: AlertRow) -> Alert:
    """The alert of a catalog row."""
    category: Category = row.category  # type: ignore[assignment]
    subject = Subject(row.kind, row.subject_id, row.subject_name)  # type: ignore[arg-type]
    return Alert(row.account_id, category, row.percent, row.used, row.cap, row.at_ms, subject, bool(row.is_soft))


def _say(alert: Alert) -> None:
    """Say in the log that an alert was raised, in the process that raised it, after its row was committed."""
    named = {} if alert.subject == THE_ACCOUNT else {alert.subject.kind: alert.subject.name}
    soft = {"is_soft": True} if alert.is_soft else {}
    _log.warning(
        "cap_alert",
        account_id=alert.account_id,
        **named,
        **soft,
        category=alert.category,
        percent=alert.percent,
        used=alert.used,
        cap=alert.cap,
    )


async def _tell_in(tx: Transaction, row: AlertRow) -> None:
    """Tell whom the account wants told, unless it has been too much today."""
    if not await cap_alerts.are_more(tx, row.account_id, row.day, limits.CAP_ALERTS_TOLD):
        notice_id = f"{row.kind} {row.subject_id} {row.category} {row.percent} {row.cap} {row.is_soft}"
        await tell(tx, row.account_id, "cap", described(alert_of(row)), notice_id=notice_id, now_ms=row.at_ms)


async def _look(rows: Rows, after: str, now_ms: int) -> _Findings:
    """A look at some accounts with caps, those whose ids come after this one."""
    findings = _Findings([], [], "")
    day = day_of(now_ms)
    page = await caps.accounts_page(rows, after, limits.ACCOUNTING_BATCH)
    for account_id in page:
        settings = await settings_in(rows, account_id)
        known: defaultdict[tuple[str, str, str, int], list[KnownAlert]] = defaultdict(list)
        for alert in await cap_alerts.known(rows, account_id, day):
            if not alert.is_over:
                known[alert.kind, alert.subject_id, alert.category, alert.is_soft].append(alert)
        for standing in await of_everything(rows, account_id, day):
            raised = known[standing.about]
            percentages = (100,) if standing.is_soft else settings.percentages(standing.category)
            reached = max((each for each in percentages if standing.used * 100 >= standing.cap * each), default=0)
            if reached > max((alert.percent for alert in raised if alert.cap == standing.cap), default=0):
                findings.due.append(_row(standing, reached, now_ms))
            if any(alert.percent > reached for alert in raised):
                findings.fallen.append(_row(standing, reached, now_ms))
    return findings._replace(last=page[-1] if page else "")


def _row(standing: Standing, percent: int, now_ms: int) -> AlertRow:
    return AlertRow(
        standing.account_id,
        standing.category,
        day_of(now_ms),
        percent,
        standing.cap,
        standing.used,
        now_ms,
        *standing.subject,
        int(standing.is_soft),
    )
