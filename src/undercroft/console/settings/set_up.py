"""Finishing a first start: an address and a password of one's own in place of those that were printed."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.problems import beside, said
from undercroft.console.visit import Visit
from undercroft.store.errors import BadCredentials, DuplicateEmail, InvalidRequest, TooManyAttempts

_FIELDS = {"email": "email", "password": "password"}


async def show(visit: Visit) -> Response:
    """The form, with the address as it is."""
    return _form(visit, visit.account.email)


async def finish(visit: Visit) -> Response:
    """Take both for the password that was printed; every other session ends."""
    identity, email, password = visit.store.identity, visit.field("email").strip(), visit.field("password")
    visit.audit(target=visit.account.email)
    if password != visit.field("password_again"):
        return _form(visit, email, {"password_again": _("The two differ.")})
    try:
        proof = await identity.sign_in.confirm_password(visit.account.account_id, visit.field("current_password"))
        await identity.first_run.finish(proof, email, password, session=visit.session_secret)
    except (BadCredentials, TooManyAttempts) as error:
        return _form(visit, email, {"current_password": said(error)})
    except (InvalidRequest, DuplicateEmail) as error:
        return _form(visit, email, beside(error, _FIELDS, "email"))
    visit.audit_changes({"e-mail address": visit.account.email}, {"e-mail address": email.lower()})
    # What comes next is best decided before clients are set up, by whoever may.
    then = "/operator/installation" if visit.account.is_operator else "/buckets"
    return visit.redirect(then, notice="set-up")


async def leave(visit: Visit) -> Response:
    """Ask no more."""
    visit.audit(target=visit.account.email)
    await visit.store.identity.first_run.leave_as_it_is(visit.account.account_id)
    return visit.redirect("/buckets")


def _form(visit: Visit, email: str, errors: dict[str, str] | None = None) -> Response:
    return visit.render("settings/set_up.html", status=422 if errors else 200, email=email, errors=errors)
