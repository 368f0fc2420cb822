"""Invitations: links by which somebody signs up."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest


async def show(visit: Visit) -> Response:
    """Those that still work."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    people = administration.invitations
    return visit.render("operator/invitations.html", invitations=await people.invitations(), mode=people.mode)


async def show_new(visit: Visit) -> Response:
    """The empty form."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    return visit.render("operator/invite.html", email="", sends=administration.invitations.sends_link)


async def invite(visit: Visit) -> Response:
    """Make a link, and show it this once."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    people, email = administration.invitations, visit.field("email").strip()
    try:
        secret = await people.invite(email)
    except InvalidRequest as error:
        errors = beside(error, {"email": "email"}, "email")
        return visit.render("operator/invite.html", status=422, email=email, sends=people.sends_link, errors=errors)
    visit.audit(target=email or "anybody")
    link = f"{visit.own_origin}/sign-up/{secret}"
    return visit.render("operator/invited.html", link=link, email=email, sent=bool(email) and people.sends_link)


async def take_back(visit: Visit) -> Response:
    """Have one work no more."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    await administration.invitations.take_back(visit.path("invitation_id"))
    return visit.redirect("/operator/invitations", notice="invitation-taken-back")
