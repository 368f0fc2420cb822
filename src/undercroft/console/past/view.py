"""A folder of a bucket as it was at a moment: to look at, and never to change."""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.past.moments import day_name, end_of, for_field, moment_of
from undercroft.console.visit import Visit

PAGE_ROWS = 100
_DAYS_SHOWN = 10


class DayLink(NamedTuple):
    """A day on which something came, and its last moment."""

    name: str
    at_ms: int
    versions: int


async def at(visit: Visit) -> Response:
    """The page. Without a moment in its address, it is that of now."""
    bucket = await visit.bucket()
    now_ms = visit.store.ambient.now_ms()
    prefix, text = visit.query("prefix"), visit.query("at")
    at_ms = moment_of(text) if text else now_ms
    wrong = ""
    if at_ms is None:
        wrong = _("This is not a date and a time.")
    elif at_ms > now_ms:
        wrong = _("This moment has not come yet.")
    shown_ms = now_ms if at_ms is None or wrong else at_ms
    page = await visit.store.files.list_at(
        visit.principal,
        bucket,
        shown_ms,
        prefix=prefix,
        delimiter="/",
        start=visit.query("start") or None,
        limit=PAGE_ROWS,
    )
    days = await visit.store.files.days_of_change(visit.principal, bucket, prefix=prefix)
    return visit.render(
        "past/view.html",
        status=422 if wrong else 200,
        errors={"at": wrong},
        bucket=bucket,
        prefix=prefix,
        crumbs=_crumbs(prefix),
        is_past=bool(text) and not wrong,
        at_ms=shown_ms,
        at_text=for_field(shown_ms),
        rows=page.rows,
        following=page.following,
        days=[DayLink(day_name(day), end_of(day, now_ms), count) for day, count in days.days[:_DAYS_SHOWN]],
        days_are_whole=days.is_whole,
    )


def _crumbs(prefix: str) -> list[tuple[str, str]]:
    """The folders on the way to this one: name and prefix."""
    parts = prefix.split("/")[:-1]
    return [(part, "/".join(parts[: number + 1]) + "/") for number, part in enumerate(parts)]
