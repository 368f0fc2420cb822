"""Whoever reads an address that is to be told of alerts says that it wants to be, or no more. No account is needed for that."""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.responses import Response

from undercroft.console.problems import problem_of, said
from undercroft.console.visit import Visit
from undercroft.store.accounting.alert_recipients import Recipient
from undercroft.store.errors import BadLink
from undercroft.store.identity.audit import Actor


async def show_confirm(visit: Visit) -> Response:
    """What the link does. It does it when asked to, since programs open the links of letters as well."""
    return await _page(visit, "confirm", visit.store.alert_recipients.look_at(visit.path("secret")))


async def confirm(visit: Visit) -> Response:
    """Have the address told from now on."""
    asked = visit.store.alert_recipients.confirm(visit.path("secret"))
    return await _page(visit, "confirm", asked, done="Confirm address of alerts")


async def show_unsubscribe(visit: Visit) -> Response:
    """What the link does."""
    return await _page(visit, "unsubscribe", visit.store.alert_recipients.look_at_way_out(visit.path("secret")))


async def unsubscribe(visit: Visit) -> Response:
    """Have the address told no more."""
    asked = visit.store.alert_recipients.unsubscribe(visit.path("secret"))
    return await _page(visit, "unsubscribe", asked, done="Unsubscribe address from alerts")


async def _page(visit: Visit, what: str, asked: Awaitable[Recipient], *, done: str = "") -> Response:
    """The page about an address, with the button or, where it is done, without; the account's log has what was done."""
    try:
        one = await asked
    except BadLink as error:
        return visit.render("sign_in/dead_link.html", status=problem_of(error).status, reason=said(error))
    if done:
        actor = Actor(one.address, address=visit.address)
        await visit.store.audit.record(one.account_id, actor, done, target=one.address, details={"by": "mail"})
    return visit.render("caps/opting.html", what=what, one=one, is_done=bool(done))
