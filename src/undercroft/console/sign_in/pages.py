"""Signing in, in two steps as B2 does: first the address, then the password; and signing out."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.page import Page, Who, get, post
from undercroft.console.preferences import is_own_path
from undercroft.console.visit import Visit
from undercroft.store.errors import BadCredentials

_FIRST = "/buckets"


async def show(visit: Visit) -> Response:
    """The first step, or the way on for those who are signed in."""
    if visit.signed_in is not None:
        return visit.redirect(_next(visit.query("next")))
    return visit.render("sign_in/email.html", email="", next=_next(visit.query("next")))


async def take_email(visit: Visit) -> Response:
    """The second step, whoever it is: nobody learns here who has an account."""
    email, following = visit.field("email").strip(), _next(visit.field("next"))
    if "@" not in email:
        errors = {"email": "Enter the e-mail address of your account."}
        return visit.render("sign_in/email.html", status=422, email=email, next=following, errors=errors)
    return visit.render("sign_in/password.html", email=email, next=following)


async def take_password(visit: Visit) -> Response:
    """Sign in, with a new session whatever the browser had before."""
    email, following = visit.field("email").strip(), _next(visit.field("next"))
    sessions = visit.store.identity.sessions
    try:
        account = await sessions.check_password(email, visit.field("password"))
    except BadCredentials as error:
        errors = {"password": str(error)}
        return visit.render("sign_in/password.html", status=422, email=email, next=following, errors=errors)
    secret = await sessions.begin(account.account_id, address=visit.address, user_agent=visit.user_agent)
    visit.cookies = {visit.console.session_cookie: secret, visit.console.form_cookie: None}
    return visit.redirect(following)


async def sign_out(visit: Visit) -> Response:
    """End this session."""
    assert visit.signed_in is not None
    await visit.store.identity.sessions.end(visit.account.account_id, visit.signed_in.session.session_id)
    visit.cookies[visit.console.session_cookie] = None
    return visit.redirect("/sign-in", notice="signed-out")


async def home(visit: Visit) -> Response:
    """The first page is that of the buckets."""
    return visit.redirect(_FIRST)


def _next(path: str) -> str:
    return path if is_own_path(path) else _FIRST


PAGES: tuple[Page, ...] = (
    get("/", home),
    get("/sign-in", show, who=Who.ANYBODY),
    post("/sign-in", take_email, who=Who.ANYBODY),
    post("/sign-in/password", take_password, who=Who.ANYBODY),
    post("/sign-out", sign_out),
)
