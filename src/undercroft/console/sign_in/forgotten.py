"""Forgotten passwords: a link by mail, good once."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.problems import problem_of
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
        return _form(visit, email, {"email": "Enter the e-mail address of your account."})
    passwords = visit.store.identity.passwords
    if not passwords.can_be_reset_by_mail:
        return _form(visit, email)
    try:
        await passwords.request_reset(email, visit.address)
    except TooManyAttempts as error:
        return _form(visit, email, {"email": str(error)}, problem_of(error).status)
    return visit.render("sign_in/sent.html", email=email, title="Look into your mail")


async def show_link(visit: Visit) -> Response:
    """The form for a new password. Raises `BadLink`, which is a page of its own."""
    try:
        email = await visit.store.identity.passwords.look_at_link(visit.path("secret"))
    except BadLink as error:
        return _dead(visit, error)
    return visit.render("sign_in/reset.html", email=email)


async def reset(visit: Visit) -> Response:
    """Set the password; then it is time to sign in with it."""
    passwords, secret = visit.store.identity.passwords, visit.path("secret")
    try:
        email = await passwords.look_at_link(secret)
    except BadLink as error:
        return _dead(visit, error)
    if visit.field("password") != visit.field("password_again"):
        return visit.render("sign_in/reset.html", status=422, email=email, errors={"password_again": "The two differ."})
    try:
        account = await passwords.reset(secret, visit.field("password"))
    except BadLink as error:
        return _dead(visit, error)
    except WeakPassword as error:
        return visit.render("sign_in/reset.html", status=422, email=email, errors={"password": str(error)})
    await visit.store.audit.record(
        account.account_id, Actor(account.email, address=visit.address), "Reset password", details={"by": "mail"}
    )
    return visit.redirect("/sign-in", notice="password-changed")


def _form(visit: Visit, email: str, errors: dict[str, str] | None = None, status: int = 422) -> Response:
    return visit.render(
        "sign_in/forgot.html",
        status=status if errors else 200,
        email=email,
        has_mail=visit.store.identity.passwords.can_be_reset_by_mail,
        errors=errors,
    )


def _dead(visit: Visit, error: BadLink) -> Response:
    return visit.render("sign_in/dead_link.html", status=problem_of(error).status, reason=str(error))
