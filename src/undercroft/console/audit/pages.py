"""The audit log's page, with filters, pages and CSV: of one's own account, and for operators of all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

from starlette.responses import Response

from undercroft.console.languages import N_, _
from undercroft.console.page import Page, get
from undercroft.console.tables import CSVFile, Rows, time_of
from undercroft.console.visit import Visit
from undercroft.store.identity.audit import END_OF_TIME_MS, AuditLog, Entry, Filter, Way

_ROWS = 50
_NOT_SET = "not set"
_FIELDS = ("action", "actor", "way", "text", "from", "to", "outcome")
_WAYS: dict[Way, str] = {"console": N_("Console"), "native": N_("Native API"), "s3": "S3 API", "command": N_("Command")}
_COLUMNS = ("time", "account", "actor", "way", "address", "session", "action", "target", "details", "changes", "result")


async def show(visit: Visit) -> Response:
    """What was done to this account."""
    return await _page(visit, visit.store.audit, visit.account.account_id)


async def export(visit: Visit) -> Response:
    """The same, all of it, as CSV."""
    return _export(visit, visit.store.audit, visit.account.account_id)


async def show_all(visit: Visit) -> Response:
    """What was done to all accounts, for an operator."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    return await _page(visit, administration.audit, None)


async def export_all(visit: Visit) -> Response:
    """The same, all of it, as CSV."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    return _export(visit, administration.audit, None)


async def _page(visit: Visit, log: AuditLog, account_id: str | None) -> Response:
    page = await log.page(account_id, _filter(visit), start=visit.query("start"), limit=_ROWS)
    return visit.render(
        "audit/audit.html",
        entries=page.entries,
        next=page.next,
        values={name: visit.query(name) for name in _FIELDS},
        is_filtered=any(visit.query(name) for name in _FIELDS),
        of_all=account_id is None,
        ways={way: _(text) for way, text in _WAYS.items()},
        path=visit.request.url.path,
    )


def _filter(visit: Visit) -> Filter:
    since, until = _day(visit.query("from")), _day(visit.query("to"))
    return Filter(
        action=visit.query("action"),
        actor=visit.query("actor"),
        way=next((way for way in _WAYS if way == visit.query("way")), None),
        text=visit.query("text"),
        failed_only=visit.query("outcome") == "refused",
        since_ms=0 if since is None else _midnight_ms(since),
        until_ms=END_OF_TIME_MS if until is None else _midnight_ms(until + timedelta(days=1)),
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year < 9999 else None


def _midnight_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _export(visit: Visit, log: AuditLog, account_id: str | None) -> Response:
    return CSVFile(_COLUMNS, _rows(log, account_id, _filter(visit)), "audit.csv")


async def _rows(log: AuditLog, account_id: str | None, wanted: Filter) -> AsyncIterator[Rows]:
    async for entries in log.every(account_id, wanted):
        yield [_cells(entry) for entry in entries]


def _cells(entry: Entry) -> tuple[str, ...]:
    details = "; ".join(f"{name}: {value}" for name, value in entry.details.items())
    changes = "; ".join(
        f"{name}: {change.before or _NOT_SET} → {change.after or _NOT_SET}" for name, change in entry.changes.items()
    )
    return (
        time_of(entry.at_ms), entry.account_id, entry.actor, entry.way, entry.address, entry.session_id,
        entry.action, entry.target, details, changes, entry.result or "done",
    )  # fmt: skip


PAGES: tuple[Page, ...] = (
    get("/audit", show),
    get("/audit.csv", export),
    get("/operator/audit", show_all),
    get("/operator/audit.csv", export_all),
)
