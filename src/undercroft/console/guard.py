"""What stands before every page: who asks, whether a form is ours, what the browser may do with the answer.

Cookies ignore ports, and two ports of a host are one site. So a form counts only if the browser says that it comes from a
page of the console's own origin, and if it brings the token that only such a page could read.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

import msgspec
import structlog
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from undercroft import limits
from undercroft.console import navigation
from undercroft.console.auditing import action_of, write_down
from undercroft.console.cap_banner import what_is_reached
from undercroft.console.crowd import Crowd
from undercroft.console.languages import _, in_english, speak
from undercroft.console.members import rights
from undercroft.console.operator import acting
from undercroft.console.page import Page, Who
from undercroft.console.problems import Problem, problem_of
from undercroft.console.templates import count
from undercroft.console.visit import Console, Visit
from undercroft.http.errors import BodyBroken, BodyTooLarge
from undercroft.store.errors import ProductNotEnabled, StoreError
from undercroft.store.identity.sessions import SignedIn

CSRF_FIELD = "csrf_token"
CSRF_HEADER = "x-csrf-token"
_FORM_TYPE = "application/x-www-form-urlencoded"
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

_log = structlog.get_logger(__name__)


class Guard:
    """Answers requests with the console's pages."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._crowd = Crowd()

    def endpoint(self, pages: Mapping[str, Page]) -> Callable[[Request], Awaitable[Response]]:
        """What answers a path that has these pages, by method."""

        async def answer(request: Request) -> Response:
            page = pages["GET" if request.method == "HEAD" else request.method]
            request.scope["operation"] = f"{page.method} {page.path}"
            return await self._answer(request, page)

        return answer

    async def nothing_here(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a path that has no page."""
        request = Request(scope, receive)
        visit = await self._visit(request)
        response = _refuse(
            visit,
            Problem(404, _("There is no such page"), _("The address may be misspelt, or what it showed is gone.")),
        )
        await self._dressed(visit, response)(scope, receive, send)

    async def _answer(self, request: Request, page: Page) -> Response:
        visit = await self._visit(request, is_use=not page.is_poll)
        try:
            response = await self._handle(visit, page)
        except BodyBroken:
            raise
        except Exception:  # noqa: BLE001 - the outermost handler of a request.
            request_id, operation = visit.request_id, request.scope["operation"]
            _log.exception("unexpected_error", error_id=request_id, face="console", operation=operation)
            response = _refuse(
                visit,
                Problem(
                    500,
                    _("Something went wrong here"),
                    _("It was not your doing. The log has it as %(request_id)s.", request_id=request_id),
                ),
            )
        return self._dressed(visit, response)

    async def _handle(self, visit: Visit, page: Page) -> Response:
        if page.method == "POST":
            problem = await _read(visit)
            if problem is not None:
                return _refuse(visit, problem)
            if visit.signed_in is not None:  # A body comes as slowly as its sender likes, and the session may be over.
                await self._recognize(visit, visit.session_secret)
        who = visit.signed_in
        problem = acting.refusal(visit, page.path) or rights.refusal(who, page.path)
        if problem is not None:
            response = _refuse(visit, problem)
            if page.method == "POST" and who is not None and action_of(page):
                await write_down(visit, page, who, response)
            return response
        if page.who is not Who.ANYBODY and who is None:
            return _send_to_sign_in(visit, page)
        if page.method == "GET" and visit.signed_in is not None and not visit.wants_json:
            visit.reached = await what_is_reached(visit.store, visit.principal)
            visit.has_jobs = visit.can("listFiles") and await visit.store.jobs.is_moving(visit.account.account_id)
        if who is not None and not visit.has_b2 and navigation.is_of_b2(page.path):
            return await _send_to_products(visit, who)
        response = await self._answered(visit, page)
        if page.method == "POST" and who is not None and action_of(page):
            await write_down(visit, page, who, response)
        return response

    async def _answered(self, visit: Visit, page: Page) -> Response:
        try:
            if visit.signed_in is None:
                return await page.handler(visit)
            async with self._crowd.turn(visit.account.account_id):
                return await page.handler(visit)
        except StoreError as error:
            return _refuse(visit, problem_of(error))
        except (msgspec.DecodeError, ValueError) as error:
            if not isinstance(error, msgspec.MsgspecError):
                raise
            return _refuse(visit, Problem(400, _("This request cannot be read"), str(error)))

    async def _visit(self, request: Request, *, is_use: bool = True) -> Visit:
        console = self._console
        speak(
            console.choice.of(request.cookies.get(console.language_cookie), request.headers.get("accept-language", ""))
        )
        secret = request.cookies.get(console.session_cookie, "")
        visit = Visit(request, console, None, "")
        if secret:
            await self._recognize(visit, secret, is_use=is_use)
        if visit.signed_in is None:
            # Forms of those who are not signed in have a secret of their own.
            secret = request.cookies.get(console.form_cookie, "")
            if not secret:
                secret = visit.cookies[console.form_cookie] = secrets.token_urlsafe(32)
        who = visit.signed_in
        # A form is for the account that it was opened in, whatever account its person has gone to since, in another tab.
        visit.csrf_token = _token(secret if who is None or who.member is None else f"{secret} {who.account.account_id}")
        return visit

    async def _recognize(self, visit: Visit, secret: str, *, is_use: bool = True) -> None:
        """Find out who is signed in with this secret now."""
        store = self._console.store
        visit.signed_in = await store.identity.sessions.find(secret, address=visit.address, is_use=is_use)
        if visit.signed_in is not None:
            product = await store.identity.products.of(visit.signed_in.account.account_id)
            visit.has_b2 = product.is_enabled

    def _dressed(self, visit: Visit, response: Response) -> Response:
        """The answer with what browsers are told about it."""
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("x-request-id", visit.request_id)
        response.headers.setdefault("cache-control", "no-store")
        response.headers.setdefault("content-security-policy", _policy(visit.api_origin))
        is_secure = visit.own_origin.startswith("https://")
        if is_secure:
            response.headers.setdefault("strict-transport-security", "max-age=31536000")
        for name, cookie in visit.cookies.items():
            if cookie is None:
                response.delete_cookie(name, path="/", secure=is_secure, httponly=True, samesite="strict")
            else:
                age = limits.SESSION_MAX_S if name != self._console.form_cookie else None
                response.set_cookie(
                    name, cookie, max_age=age, path="/", secure=is_secure, httponly=True, samesite="strict"
                )
        return response


def _policy(api_origin: str) -> str:
    """What pages may load and run: what comes from the console itself, and stored files from the API's address as data."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; manifest-src 'self'; "
        f"img-src 'self' data: blob: {api_origin}; media-src {api_origin}; frame-src {api_origin}; worker-src 'self'; "
        f"connect-src 'self' {api_origin}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _token(secret: str) -> str:
    return hmac.digest(secret.encode(), b"csrf", hashlib.sha256).hex()


async def _read(visit: Visit) -> Problem | None:
    """Read what was sent, if a page of ours sent it; else what is wrong with it."""
    request = visit.request
    if request.headers.get("origin") != visit.own_origin:
        return Problem(
            403,
            _("This form was not sent from the console"),
            _("Its Origin is another. Open the page again, and send it from there."),
        )
    try:
        most = limits.CONSOLE_OPEN_FORM_MAX_BYTES if visit.signed_in is None else limits.CONSOLE_FORM_MAX_BYTES
        visit.raw_body = await visit.plain.read(most)
        if request.headers.get("content-type", "").partition(";")[0].strip() == _FORM_TYPE:
            visit.form = _fields(visit.raw_body)
    except BodyTooLarge as error:
        shown = count(error.limit_bytes, "byte")
        return Problem(413, _("This form is too large"), _("A form has at most %(bytes)s.", bytes=shown))
    except ValueError:
        return Problem(400, _("This form cannot be read"), _("It is not encoded as forms are, or has too many fields."))
    given = request.headers.get(CSRF_HEADER) or visit.field(CSRF_FIELD)
    if not hmac.compare_digest(given.encode(), visit.csrf_token.encode()):
        return Problem(
            403,
            _("This page is too old"),
            _(
                "You have signed in or out, or gone to another account, since it was opened. Open it again, and send it once more."
            ),
        )
    return None


def _fields(body: bytes) -> FormData:
    """The fields of a form in their order (HTML, "application/x-www-form-urlencoded"). Raises `ValueError`."""
    fields = parse_qsl(
        body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=limits.CONSOLE_FORM_FIELDS_MAX
    )
    return FormData([(name, value) for name, value in fields])


def _send_to_sign_in(visit: Visit, page: Page) -> Response:
    if visit.wants_json:
        return _refuse(visit, Problem(401, _("You are not signed in"), _("Your session is over. Sign in again.")))
    url = visit.request.url
    wanted = url.path + (f"?{url.query}" if url.query else "")
    return visit.redirect("/sign-in", **({"next": wanted} if page.method == "GET" and wanted != "/" else {}))


async def _send_to_products(visit: Visit, who: SignedIn) -> Response:
    """Where an account without B2 has its way on: to the accounts of others, if its person is a member of any."""
    if visit.wants_json:
        return _refuse(visit, problem_of(ProductNotEnabled()))
    if who.member is None and await visit.store.identity.memberships.of_person(who.person.account_id):
        return visit.redirect("/accounts")
    return visit.redirect("/settings/products")


def _refuse(visit: Visit, problem: Problem) -> Response:
    if visit.wants_json:
        said = {"title": problem.title, "text": problem.text, "request_id": visit.request_id}
        response = visit.answer_json(said, status=problem.status)
    else:
        response = visit.render("error.html", status=problem.status, problem=problem)
    visit.refusal = f"{in_english(problem.title)}. {in_english(problem.text)}"
    return response
