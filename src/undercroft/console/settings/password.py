"""Change Password: for the old one, and given twice."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.faults import Faults
from undercroft.console.languages import _
from undercroft.console.visit import Visit
from undercroft.store.identity.password_rules import check_new_password


async def show(visit: Visit) -> Response:
    """The empty form."""
    return visit.render("settings/password.html")


async def change(visit: Visit) -> Response:
    """Take another password; every other session ends."""
    identity, account_id = visit.store.identity, visit.account.account_id
    password = visit.field("password")
    faults = Faults({}, "password")
    with faults.proving("current_password"):
        proof = await identity.sign_in.confirm_password(account_id, visit.field("current_password"))
    with faults.gathered():
        await check_new_password(password, visit.account.email, visit.account.name)
    if password != visit.field("password_again"):
        faults.say("password_again", _("The two differ."))
    if not faults:
        with faults.gathered(), faults.proving("current_password"):
            await identity.passwords.change(proof, password, session=visit.session_secret)
    if faults:
        return visit.render("settings/password.html", status=422, errors=faults.errors)
    return visit.redirect("/settings/security", notice="password-changed")
