"""Change Password: for the old one, and given twice."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.problems import said
from undercroft.console.visit import Visit
from undercroft.store.errors import BadCredentials, TooManyAttempts, WeakPassword


async def show(visit: Visit) -> Response:
    """The empty form."""
    return visit.render("settings/password.html")


async def change(visit: Visit) -> Response:
    """Take another password; every other session ends."""
    identity, account_id = visit.store.identity, visit.account.account_id
    password = visit.field("password")
    if password != visit.field("password_again"):
        return _refused(visit, {"password_again": _("The two differ.")})
    try:
        proof = await identity.sign_in.confirm_password(account_id, visit.field("current_password"))
        await identity.passwords.change(proof, password, session=visit.session_secret)
    except (BadCredentials, TooManyAttempts) as error:
        return _refused(visit, {"current_password": said(error)})
    except WeakPassword as error:
        return _refused(visit, {"password": said(error)})
    return visit.redirect("/settings/security", notice="password-changed")


def _refused(visit: Visit, errors: dict[str, str]) -> Response:
    return visit.render("settings/password.html", status=422, errors=errors)
