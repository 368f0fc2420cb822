"""The events of a delivery, and sending them again; and all that were given up."""

from __future__ import annotations

from starlette.responses import Response

from undercroft import limits
from undercroft.console.events.rules import path_of
from undercroft.console.languages import _
from undercroft.console.numbers import whole_number
from undercroft.console.problems import said
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest


async def show(visit: Visit) -> Response:
    """A page of the events of an entry of the log that can be sent again."""
    return await _page(visit)


async def send(visit: Visit) -> Response:
    """Send the chosen events of an entry again, or all of them."""
    chosen = None
    if not visit.field("all"):
        chosen = [number for number in map(whole_number, visit.fields("event")) if number is not None]
        if not chosen:
            return await _page(visit, refusal=_("Select the events that are to be sent again."))
    return await _send(visit, _number(visit), chosen)


async def send_given_up(visit: Visit) -> Response:
    """Send all that was given up again."""
    return await _send(visit, None, None)


async def _send(visit: Visit, number: int | None, chosen: list[int] | None) -> Response:
    bucket = await visit.bucket()
    rule = visit.path("rule")
    try:
        count = await visit.store.past_events.send_again(visit.principal, bucket, rule, number, chosen)
    except InvalidRequest as error:
        if number is None:
            raise
        return await _page(visit, refusal=said(error))
    visit.audit(events=f"{count:,}")
    return visit.redirect(f"{path_of(bucket.name)}/{rule}/log", notice="sent-again")


async def _page(visit: Visit, *, refusal: str = "") -> Response:
    bucket = await visit.bucket()
    past = visit.store.past_events
    rule, number = visit.path("rule"), _number(visit)
    after = whole_number(visit.query("after")) or 0
    shown = await past.of_entry(visit.principal, bucket, rule, number, after)
    return visit.render(
        "events/past.html",
        status=422 if refusal else 200,
        bucket=bucket,
        rule=rule,
        number=number,
        shown=shown,
        following=shown[-1].past.sequence if len(shown) == limits.EVENTS_PAGE_MAX else None,
        after=after,
        refusal=refusal,
    )


def _number(visit: Visit) -> int:
    return whole_number(visit.path("number")) or 0  # No entry has the number 0.
