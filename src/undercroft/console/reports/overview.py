"""The Reports page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple

from starlette.responses import Response

from undercroft import limits
from undercroft.console.charts import Chart, Kind, Series, chart
from undercroft.console.languages import N_, _
from undercroft.console.nouns import day_in_words
from undercroft.console.reports.report import Day, report_of
from undercroft.console.reports.span import asked_span, choices, iso
from undercroft.console.templates import count, size
from undercroft.console.visit import Visit
from undercroft.prices import amount
from undercroft.store.accounting.model import OTHER_KEYS, KeyTotal, date_of

_DAYS_SHOWN = 92  # Of more days, a chart shows weeks.
_KEYS_SHOWN = 100  # Those with the most transactions.
_BUCKETS_SHOWN = limits.BUCKETS_PER_ACCOUNT  # Those that hold most; deleted ones may be many more.


class Panel(NamedTuple):
    """A chart, and the table that says the same: a row a day, the newest first, with the exact value beside the short one."""

    word: str
    chart: Chart
    rows: list[tuple[str, list[tuple[str, str]]]]


class Quantity(NamedTuple):
    """What a line or a piece of bars is about, and the tone that it has in the chart."""

    name: str
    tone: int
    value: Callable[[Day], int | None]


_STORED = (
    Quantity(N_("Files"), 1, lambda day: None if day.held is None else day.held.file_bytes),
    Quantity(N_("Older versions"), 2, lambda day: None if day.held is None else day.held.older_bytes),
    Quantity(N_("Unfinished uploads"), 3, lambda day: None if day.held is None else day.held.unfinished_bytes),
)
_FILES = (
    Quantity(N_("Files"), 1, lambda day: None if day.held is None else day.held.files),
    Quantity(N_("All versions"), 2, lambda day: None if day.held is None else day.held.versions),
)
_CARRIED = (
    Quantity(N_("Downloaded"), 1, lambda day: day.downloaded),
    Quantity(N_("Uploaded"), 2, lambda day: day.uploaded),
)
_CALLS = (
    Quantity(N_("Class A"), 1, lambda day: day.class_a),
    Quantity(N_("Class B"), 2, lambda day: day.class_b),
    Quantity(N_("Class C"), 3, lambda day: day.class_c),
)
_REQUESTS = (
    Quantity(N_("Succeeded"), 1, lambda day: day.succeeded),
    Quantity(N_("Redirected"), 3, lambda day: day.redirected),
    Quantity(N_("Client errors"), 2, lambda day: day.client_errors),
    Quantity(N_("Throttled"), 4, lambda day: day.throttled),
    Quantity(N_("Server errors"), 5, lambda day: day.server_errors),
)
_OUTCOME_NAMES = tuple(one.name for one in _REQUESTS)
# Tables as files, their names, and whether they are about a whole account, and about prices.
_FILES_TO_TAKE = (
    ("days", N_("Days"), False, False),
    ("buckets", N_("Days of buckets"), False, False),
    ("calls", N_("Operations"), False, False),
    ("operations", N_("Operations by bucket"), False, False),
    ("statuses", N_("Statuses"), True, False),
    ("keys", N_("Days of keys"), True, False),
    ("costs", N_("Costs by bucket"), False, True),
    ("key_costs", N_("Costs by key"), True, True),
)
# What HTTP has no phrase for: a client that went away before the end of the answer.
_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {499: "Client went away"}


async def overview(visit: Visit) -> Response:
    """Charts and tables about the days and the bucket that the address asks for."""
    span, wrong = asked_span(visit)
    buckets = await visit.store.buckets.list(visit.principal)
    asked = visit.query("bucket")
    bucket = next((one for one in buckets if one.name == asked), None)
    names = {one.bucket_id: one.name for one in buckets}
    report = await report_of(visit, span, names, "" if bucket is None else bucket.bucket_id)
    days = report.days if len(report.days) <= _DAYS_SHOWN else _weeks(report.days)
    return visit.render(
        "reports/overview.html",
        first=iso(span.first),
        last=iso(span.last),
        choices=choices(visit, span),
        errors={"from": wrong} if wrong else None,
        buckets=[("", _("All buckets")), *((one.name, one.name) for one in buckets)],
        bucket="" if bucket is None else bucket.name,
        panels=[
            _panel("stored", _("Stored bytes"), days, _STORED, "bars", _bytes),
            _panel("files", _("Files and versions"), days, _FILES, "lines", _number),
            _panel("carried", _("Bytes carried"), days, _CARRIED, "lines", _bytes),
            _panel("calls", _("Transactions by class"), days, _CALLS, "bars", _number),
            _panel("requests", _("Requests by status"), days, _REQUESTS, "bars", _number),
        ],
        report=report,
        rows=report.buckets[:_BUCKETS_SHOWN],
        more=max(len(report.buckets) - _BUCKETS_SHOWN, 0),
        keys=[(_name_of_key(one.total), one) for one in report.keys[:_KEYS_SHOWN]],
        more_keys=max(len(report.keys) - _KEYS_SHOWN, 0),
        statuses=[(status, _PHRASES.get(status, ""), requests) for status, requests in report.statuses],
        outcomes=[_(name) for name in _OUTCOME_NAMES],
        files=[
            (table, _(text))
            for table, text, is_of_account, is_of_prices in _FILES_TO_TAKE
            if (not is_of_account or bucket is None) and (not is_of_prices or visit.settings.prices is not None)
        ],
        by_week=days is not report.days,
        stored=next((day.held.size_bytes for day in reversed(days) if day.held is not None), 0),
        downloaded=sum(day.downloaded for day in days),
        uploaded=sum(day.uploaded for day in days),
        transactions=sum(day.class_a + day.class_b + day.class_c for day in days),
        currency=visit.settings.prices.currency if visit.settings.prices else "",
        amount=amount,
    )


def _name_of_key(total: KeyTotal) -> str:
    """What a key is called; empty where nobody knows any more."""
    if not total.key_id:
        return _("Without a key")
    return _("Other keys") if total.key_id == OTHER_KEYS else total.name or ""


def _weeks(days: Sequence[Day]) -> list[Day]:
    """The days in sevens, each under its first day: what was held at its end, and the sums of the rest."""
    weeks = []
    for start in range(0, len(days), 7):
        week = days[start : start + 7]
        held = next((day.held for day in reversed(week) if day.held is not None), None)
        sums = (sum(column) for column in zip(*(day[2:] for day in week), strict=True))
        weeks.append(Day(week[0].day, held, *sums))
    return weeks


def _panel(
    word: str, title: str, days: Sequence[Day], quantities: Sequence[Quantity], kind: Kind, show: Callable[[float], str]
) -> Panel:
    series = [Series(_(one.name), one.tone, [one.value(day) for day in days]) for one in quantities]
    spans_years = date_of(days[0].day).year != date_of(days[-1].day).year
    names = [_name(day.day, with_year=spans_years) for day in days]
    rows = [
        (iso(day.day), [_cell(one.value(day), show) for one in quantities])
        for day in reversed(days)
        if any(one.value(day) for one in quantities)
    ]
    return Panel(word, chart(title, names, series, kind, show), rows)


def _cell(value: int | None, show: Callable[[float], str]) -> tuple[str, str]:
    return ("-", _("nobody looked")) if value is None else (show(value), count(value))


def _name(day: int, *, with_year: bool) -> str:
    when = date_of(day)
    return f"{day_in_words(when)} {when.year}" if with_year else day_in_words(when)


def _bytes(value: float) -> str:
    return size(round(value))


def _number(value: float) -> str:
    return count(round(value))
