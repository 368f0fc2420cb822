"""What pages count: each noun with its number, as translators need it. Languages differ in how many forms there are, and in their order."""

from __future__ import annotations

from datetime import date

from undercroft.console.languages import N_, _

Forms = tuple[str, str]


def _forms(one: str, many: str) -> Forms:
    """The two English forms; those of other languages are found by the first (`tools/make_messages.py` extracts them)."""
    return one, many


def day_in_words(day: date) -> str:
    """A day of this year, or of one that is known: `2 Nov`."""
    return _("%(day)s %(month)s", day=day.day, month=_(MONTHS[day.month - 1]))


# -- By the word that pages use: {{ number | count("file") }} --------------------------------------------------------------
FORMS: dict[str, Forms] = {
    "byte": _forms("%(number)s byte", "%(number)s bytes"),
    "file": _forms("%(number)s file", "%(number)s files"),
    "event": _forms("%(number)s event", "%(number)s events"),
    "file version": _forms("%(number)s file version", "%(number)s file versions"),
    "version": _forms("%(number)s version", "%(number)s versions"),
    "locked version": _forms("%(number)s locked version", "%(number)s locked versions"),
    "single version": _forms("%(number)s single version", "%(number)s single versions"),
    "hide marker": _forms("%(number)s hide marker", "%(number)s hide markers"),
    "unfinished upload": _forms("%(number)s unfinished upload", "%(number)s unfinished uploads"),
    "unfinished large file": _forms("%(number)s unfinished large file", "%(number)s unfinished large files"),
    "upload": _forms("%(number)s upload", "%(number)s uploads"),
    "item": _forms("%(number)s item", "%(number)s items"),
    "bucket": _forms("%(number)s bucket", "%(number)s buckets"),
    "more bucket": _forms("%(number)s more bucket", "%(number)s more buckets"),
    "more key": _forms("%(number)s more key", "%(number)s more keys"),
    "further key": _forms("%(number)s further key", "%(number)s further keys"),
    "further cap": _forms("%(number)s further cap", "%(number)s further caps"),
    "further one": _forms("%(number)s further one", "%(number)s further ones"),
    "name": _forms("%(number)s name", "%(number)s names"),
    "transaction": _forms("%(number)s transaction", "%(number)s transactions"),
    "request": _forms("%(number)s request", "%(number)s requests"),
    "download": _forms("%(number)s download", "%(number)s downloads"),
    "change": _forms("%(number)s change", "%(number)s changes"),
    "session": _forms("%(number)s session", "%(number)s sessions"),
    "browser": _forms("%(number)s browser", "%(number)s browsers"),
    "source": _forms("%(number)s source", "%(number)s sources"),
    "notice": _forms("%(number)s notice", "%(number)s notices"),
    "attempt": _forms("%(number)s attempt", "%(number)s attempts"),
    "job": _forms("%(number)s job", "%(number)s jobs"),
    "more file": _forms("%(number)s more file", "%(number)s more files"),
    "second": _forms("%(number)s second", "%(number)s seconds"),
    "minute": _forms("%(number)s minute", "%(number)s minutes"),
    "hour": _forms("%(number)s hour", "%(number)s hours"),
    "day": _forms("%(number)s day", "%(number)s days"),
    "month": _forms("%(number)s month", "%(number)s months"),
    "year": _forms("%(number)s year", "%(number)s years"),
}

# -- Times from now ----------------------------------------------------------------------------------------------------------
AGO: dict[str, Forms] = {
    "minute": _forms("%(number)s minute ago", "%(number)s minutes ago"),
    "hour": _forms("%(number)s hour ago", "%(number)s hours ago"),
    "day": _forms("%(number)s day ago", "%(number)s days ago"),
    "month": _forms("%(number)s month ago", "%(number)s months ago"),
    "year": _forms("%(number)s year ago", "%(number)s years ago"),
}
AHEAD: dict[str, Forms] = {
    "minute": _forms("in %(number)s minute", "in %(number)s minutes"),
    "hour": _forms("in %(number)s hour", "in %(number)s hours"),
    "day": _forms("in %(number)s day", "in %(number)s days"),
    "month": _forms("in %(number)s month", "in %(number)s months"),
    "year": _forms("in %(number)s year", "in %(number)s years"),
}

# -- Months, as charts and lists of days have them ------------------------------------------------------------------------------
MONTHS = (
    N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun"),
    N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec"),
)  # fmt: skip

# -- What the store's own words are made into on pages ---------------------------------------------------------------------------
WORDS = (
    N_("governance"), N_("compliance"), N_("Governance"), N_("Compliance"),
    N_("Pending"), N_("Completed"), N_("Failed"), N_("Replica"),
    N_("Files"), N_("Locks of files"), N_("Buckets"), N_("Settings of buckets"), N_("Application keys"),
)  # fmt: skip
