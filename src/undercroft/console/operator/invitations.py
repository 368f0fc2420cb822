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
    """Make a link; it is shown, this once, only where it was not mailed: who holds it signs up as that address."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    people, email = administration.invitations, visit.field("email").strip()
    try:
        made = await people.invite(email)
    except InvalidRequest as error:
        errors = beside(error, {"email": "email"}, "email")
        return visit.render("operator/invite.html", status=422, email=email, sends=people.sends_link, errors=errors)
    visit.audit(target=email or "anybody")
    link = "" if made.is_mailed else f"{visit.own_origin}/sign-up/{made.secret}"
    return visit.render("operator/invited.html", link=link, email=email, can_mail=people.sends_link)


async def take_back(visit: Visit) -> Response:
    """Have one work no more."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    await administration.invitations.take_back(visit.path("invitation_id"))
    return visit.redirect("/operator/invitations", notice="invitation-taken-back")
