"""Security: the password, two-factor verification, and who is signed in where."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.settings.devices import device_of
from undercroft.console.visit import Visit


async def show(visit: Visit) -> Response:
    """All of it on one page."""
    identity, account_id = visit.store.identity, visit.account.account_id
    assert visit.signed_in is not None
    sessions = await identity.sessions.of_account(account_id)
    own = visit.signed_in.session.session_id
    return visit.render(
        "settings/security.html",
        passkeys=await identity.passkeys.of_account(account_id),
        factor=await identity.second_factors.of(account_id),
        sessions=[(session, device_of(session.user_agent)) for session in sessions],
        own=own,
        others=sum(session.session_id != own for session in sessions),
    )


async def end(visit: Visit) -> Response:
    """End one session, which may be this one."""
    assert visit.signed_in is not None
    session_id = visit.path("session_id")
    await visit.store.identity.sessions.end(visit.account.account_id, session_id)
    if session_id == visit.signed_in.session.session_id:
        visit.cookies[visit.console.session_cookie] = None
        return visit.redirect("/sign-in", notice="signed-out")
    return visit.redirect("/settings/security", notice="session-ended")


async def end_others(visit: Visit) -> Response:
    """End every session but this one."""
    await visit.store.identity.sessions.end_others(visit.session_secret, visit.account.account_id)
    return visit.redirect("/settings/security", notice="sessions-ended")
