"""Forgotten passwords: a link by mail, good once."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.problems import problem_of, said
from undercroft.console.settings.devices import device_of
from undercroft.console.visit import Visit
from undercroft.store.errors import BadLink, TooManyAttempts, WeakPassword
from undercroft.store.identity.audit import Actor


async def show(visit: Visit) -> Response:
    """The form that asks for a link, with the address if one was typed already."""
    return _form(visit, visit.query("email"))


async def take_email(visit: Visit) -> Response:
    """Send a link to the account of the address, if there is one, and say the same if there is none."""
    email = visit.field("email").strip()
    if "@" not in email:
        return _form(visit, email, {"email": _("Enter the e-mail address of your account.")})
    passwords = visit.store.identity.passwords
    if not passwords.can_be_reset_by_mail:
        return _form(visit, email)
    try:
        await passwords.request_reset(email, visit.address)
    except TooManyAttempts as error:
        return _form(visit, email, {"email": said(error)}, problem_of(error).status)
    return visit.render("sign_in/sent.html", email=email, title=_("Look into your mail"))


async def show_link(visit: Visit) -> Response:
    """The form for a new password. Raises `BadLink`, which is a page of its own."""
    try:
        return await _reset_form(visit)
    except BadLink as error:
        return _dead(visit, error)


async def reset(visit: Visit) -> Response:
    """Set the password; then it is time to sign in with it."""
    try:
        if visit.field("password") != visit.field("password_again"):
            return await _reset_form(visit, {"password_again": _("The two differ.")})
        try:
            done = await visit.store.identity.passwords.reset(
                visit.path("secret"), visit.field("password"), without_passkeys=visit.fields("remove")
            )
        except WeakPassword as error:
            return await _reset_form(visit, {"password": said(error)})
    except BadLink as error:
        return _dead(visit, error)
    account, details = done.account, {"by": "mail"}
    if done.gone:
        details["passkeys removed"] = ", ".join(done.gone)
    if done.stay:
        details["passkeys that stay"] = ", ".join(done.stay)
    await visit.store.audit.record(
        account.account_id, Actor(account.email, address=visit.address), "Reset password", details=details
    )
    return visit.redirect("/sign-in", notice="password-reset")


async def _reset_form(visit: Visit, errors: dict[str, str] | None = None) -> Response:
    """The form, with what the new password ends and what stays. Raises `BadLink`.

    Whoever has the link can read the account's mail, and need not be its owner: so it has no addresses of browsers.
    """
    identity = visit.store.identity
    account_id, email = await identity.passwords.look_at_link(visit.path("secret"))
    sessions = await identity.sessions.of_account(account_id)
    return visit.render(
        "sign_in/reset.html",
        status=422 if errors else 200,
        email=email,
        sessions=[(session, device_of(session.user_agent)) for session in sessions],
        passkeys=await identity.passkeys.of_account(account_id),
        remove=visit.fields("remove"),
        errors=errors,
    )


def _form(visit: Visit, email: str, errors: dict[str, str] | None = None, status: int = 422) -> Response:
    return visit.render(
        "sign_in/forgot.html",
        status=status if errors else 200,
        email=email,
        has_mail=visit.store.identity.passwords.can_be_reset_by_mail,
        errors=errors,
    )


def _dead(visit: Visit, error: BadLink) -> Response:
    return visit.render("sign_in/dead_link.html", status=problem_of(error).status, reason=said(error))
