"""Signing in step by step, as B2 does: the address, the password, and a code where the account wants one."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.preferences import is_own_path
from undercroft.console.problems import problem_of, said
from undercroft.console.settings.passkeys import site_of
from undercroft.console.sign_in.session import FIRST, begin
from undercroft.console.visit import Visit
from undercroft.store.errors import BadCredentials, BadLink, TooManyAttempts, WrongCode
from undercroft.store.identity.sign_in import Browser


async def show(visit: Visit) -> Response:
    """The first step, or the way on for those who are signed in."""
    if visit.signed_in is not None:
        return visit.redirect(next_of(visit.query("next")))
    return await _first(visit, "", next_of(visit.query("next")))


async def take_email(visit: Visit) -> Response:
    """The second step, whoever it is: nobody learns here who has an account."""
    email, following = visit.field("email").strip(), next_of(visit.field("next"))
    if "@" not in email:
        return await _first(visit, email, following, {"email": _("Enter the e-mail address of your account.")})
    return _second(visit, email, following)


async def take_password(visit: Visit) -> Response:
    """Sign in, with a new session whatever the browser had before; or ask for a code."""
    email, following = visit.field("email").strip(), next_of(visit.field("next"))
    try:
        step = await visit.store.identity.sign_in.with_password(email, visit.field("password"), browser_of(visit))
    except (BadCredentials, TooManyAttempts) as error:
        return _second(visit, email, following, {"password": said(error)}, _status(error))
    if step.pending:
        visit.cookies[visit.console.pending_cookie] = step.pending
        return visit.redirect("/sign-in/code", next=following)
    begin(visit, step.session)
    visit.cookies[visit.console.known_cookie] = step.known
    return visit.redirect(following)


async def show_code(visit: Visit) -> Response:
    """The step of the code, for those who have given their password."""
    if not _pending(visit):
        return visit.redirect("/sign-in")
    return _third(visit, next_of(visit.query("next")))


async def take_code(visit: Visit) -> Response:
    """Sign in with a code of the app, or a recovery code."""
    following, trust = next_of(visit.field("next")), visit.field("trust") == "on"
    sign_in = visit.store.identity.sign_in
    try:
        step = await sign_in.with_code(_pending(visit), visit.field("code"), browser_of(visit), trust=trust)
    except (WrongCode, TooManyAttempts) as error:
        return _third(visit, following, {"code": said(error)}, _status(error))
    except BadLink:
        visit.cookies[visit.console.pending_cookie] = None
        return visit.redirect("/sign-in", notice="too-slow", next=following)
    begin(visit, step.session)
    visit.cookies[visit.console.known_cookie] = step.known
    if step.trust:
        visit.cookies[visit.console.trust_cookie] = step.trust
    return visit.redirect(following)


def browser_of(visit: Visit) -> Browser:
    """Who is at the other end."""
    cookies, console = visit.request.cookies, visit.console
    trust, known = cookies.get(console.trust_cookie, ""), cookies.get(console.known_cookie, "")
    return Browser(visit.address, visit.user_agent, trust, known)


def next_of(path: str) -> str:
    """Where to go afterwards: a path of our own, or the first page."""
    return path if is_own_path(path) else FIRST


def _pending(visit: Visit) -> str:
    return visit.request.cookies.get(visit.console.pending_cookie, "")


def _status(error: Exception) -> int:
    return problem_of(error).status if isinstance(error, TooManyAttempts) else 422


async def _first(visit: Visit, email: str, following: str, errors: dict[str, str] | None = None) -> Response:
    identity = visit.store.identity
    return visit.render(
        "sign_in/email.html",
        status=422 if errors else 200,
        email=email,
        next=following,
        has_passkeys=site_of(visit) is not None,
        is_first_run=await identity.first_run.is_waiting(),
        may_sign_up=identity.sign_up.mode == "open",
        errors=errors,
    )


def _second(
    visit: Visit, email: str, following: str, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    return visit.render("sign_in/password.html", status=status, email=email, next=following, errors=errors)


def _third(visit: Visit, following: str, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    return visit.render("sign_in/code.html", status=status, next=following, errors=errors)
