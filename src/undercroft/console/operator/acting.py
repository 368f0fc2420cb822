"""Acting for an account: an operator sees and does what its owner can, for an hour, and every deed is in both their logs.

What would outlive that hour, hand the owner's files to others, or lock the owner out, the guard refuses meanwhile: settings,
members, keys, share links, webhooks, who is told of alerts, replication, and the operator's section.
"""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.problems import Problem, beside
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest, NoSuchSession

_CLOSED = ("/settings", "/keys", "/replication", "/operator", "/members", "/accounts", "/join", "/caps/alerts")
_HANDS_OUT = ("/file/share", "/{name}/events/", "/{name}/replication")
_MAKES_KEY = "/buckets/new", "key"  # A form that makes a key where this field of it says so.
_UNSEEN = ("/settings/two-factor", "/caps/alerts")  # These pages show secrets: of the owner's app, and of a webhook.


def refusal(visit: Visit, path: str) -> Problem | None:
    """Why this page is not shown to somebody who acts for another, or its form not taken; None where it is."""
    if visit.signed_in is None or visit.signed_in.operator is None or not _is_closed(visit, path):
        return None
    return Problem(
        403,
        _("Not while you act for somebody"),
        _("Settings, keys, links, webhooks and replication are the owner's alone. Stop acting first."),
    )


def _is_closed(visit: Visit, path: str) -> bool:
    if visit.request.method != "POST":
        return path.startswith(_UNSEEN)
    if path == _MAKES_KEY[0] and visit.field(_MAKES_KEY[1]):
        return True
    return path.startswith(_CLOSED) or any(part in path for part in _HANDS_OUT)


async def ask(visit: Visit) -> Response:
    """What it means."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    return visit.render("operator/act.html", one=await administration.show(visit.path("account_id")), reason="")


async def begin(visit: Visit) -> Response:
    """Put a session of the account in the place of the operator's own, which is kept aside."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    one = await administration.show(visit.path("account_id"))
    reason = visit.field("reason").strip()
    visit.audit(target=one.account.email, about=one.account.account_id, reason=reason)
    try:
        secret = await administration.act_for(
            one.account.account_id, reason, address=visit.address, user_agent=visit.user_agent
        )
    except InvalidRequest as error:
        errors = beside(error, {"reason": "reason"}, "reason")
        return visit.render("operator/act.html", status=422, one=one, reason=reason, errors=errors)
    visit.cookies |= {visit.console.operator_cookie: visit.session_secret, visit.console.session_cookie: secret}
    return visit.redirect("/buckets")


async def stop(visit: Visit) -> Response:
    """End it, and take the operator's own session up again, where it is not over."""
    assert visit.signed_in is not None
    account_id = visit.account.account_id
    if visit.signed_in.operator is None:
        raise NoSuchSession(_("You act for nobody."))
    await visit.store.identity.sessions.end(account_id, visit.signed_in.session.session_id)
    own = visit.request.cookies.get(visit.console.operator_cookie, "")
    visit.cookies |= {visit.console.operator_cookie: None, visit.console.session_cookie: own or None}
    return visit.redirect(f"/operator/accounts/{account_id}")
