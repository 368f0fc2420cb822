"""The days that a report is about, as its address says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from undercroft import limits
from undercroft.console.languages import _
from undercroft.console.visit import Visit
from undercroft.store.accounting.model import date_of, day_of, day_of_date

_LENGTHS = (7, 30, 90)


class Span(NamedTuple):
    """From one day to another, both included, in days since the epoch."""

    first: int
    last: int

    @property
    def days(self) -> range:
        """Every day of it."""
        return range(self.first, self.last + 1)


class Choice(NamedTuple):
    """A span that is one click away."""

    text: str
    first: str
    last: str
    is_chosen: bool


def asked_span(visit: Visit) -> tuple[Span, str]:
    """The span asked for, and what is wrong with what was asked: then it is the running month, as it is by default."""
    today = day_of(visit.store.ambient.now_ms())
    month = Span(day_of_date(date_of(today).replace(day=1)), today)
    texts = visit.query("from"), visit.query("to")
    if not any(texts):
        return month, ""
    try:
        first, last = (day_of_date(date.fromisoformat(text)) for text in texts)
    except ValueError:
        return month, _("A report goes from one day to another, such as 2026-11-01.")
    if last < first:
        return month, _("The report would end before it begins.")
    if last - first >= limits.ACCOUNTING_KEPT_DAYS:
        return month, _(
            "A report has at most %(days)s days, as long as counts are kept.", days=limits.ACCOUNTING_KEPT_DAYS
        )
    return Span(first, last), ""


def choices(visit: Visit, chosen: Span) -> list[Choice]:
    """The spans that people ask for most."""
    today = day_of(visit.store.ambient.now_ms())
    this_month = date_of(today).replace(day=1)
    last_month_end = day_of_date(this_month) - 1
    spans = [
        (_("This month"), Span(day_of_date(this_month), today)),
        (_("Last month"), Span(day_of_date((this_month - timedelta(days=1)).replace(day=1)), last_month_end)),
        *((_("%(number)s days", number=length), Span(today - length + 1, today)) for length in _LENGTHS),
    ]
    first = next((text for text, span in spans if span == chosen), "")  # A month may be its last 30 days as well.
    return [Choice(text, iso(span.first), iso(span.last), text == first) for text, span in spans]


def iso(day: int) -> str:
    """A day as its name in addresses and files."""
    return date_of(day).isoformat()
