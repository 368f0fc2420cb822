"""The session of somebody who is signed in: where it begins, how long it lasts, and its end."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.visit import Visit

FIRST = "/buckets"


async def home(visit: Visit) -> Response:
    """The first page is that of the buckets."""
    return visit.redirect(FIRST)


async def sign_out(visit: Visit) -> Response:
    """End this session."""
    assert visit.signed_in is not None
    session = visit.signed_in.session
    await visit.store.identity.sessions.end(session.account_id, session.session_id)
    visit.cookies |= {visit.console.session_cookie: None, visit.console.operator_cookie: None}
    return visit.redirect("/sign-in", notice="signed-out")


async def show(visit: Visit) -> Response:
    """How long the session lasts now, and the token of its forms: for a page that was opened in an earlier one.

    The page says whose it is and in which account, and gets no token for another: what was begun in one account is sent in no other.
    """
    assert visit.signed_in is not None
    whose = (visit.signed_in.person.account_id, visit.account.account_id)
    if (visit.query("person"), visit.query("account")) != whose:
        return visit.answer_json(
            {
                "title": _("You are in another account now"),
                "text": _("This page was opened in another one, and nothing can be sent from it here."),
            },
            status=409,
        )
    return visit.answer_json({"left_ms": visit.session_left_ms, "csrf_token": visit.csrf_token})


async def extend(visit: Visit) -> Response:
    """Any request keeps the session alive; this one does nothing else."""
    return await show(visit)


def begin(visit: Visit, secret: str) -> None:
    """Give the browser its session, whatever it had before."""
    console = visit.console
    visit.cookies |= {console.session_cookie: secret, console.form_cookie: None, console.pending_cookie: None}
