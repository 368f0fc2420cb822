"""Signing up: at once, by a link that proves the address, or by the operator's invitation."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.problems import beside, problem_of, said
from undercroft.console.sign_in.new_person import faults_of_person
from undercroft.console.sign_in.session import begin
from undercroft.console.sign_in.steps import browser_of
from undercroft.console.visit import Visit
from undercroft.store.errors import BadLink, DuplicateEmail, InvalidRequest, SignUpClosed, TooManyAttempts
from undercroft.store.model import Account

_FIELDS = {"email": "email", "password": "password", "name": "name"}


async def show(visit: Visit) -> Response:
    """The form, or word that it is closed."""
    return _form(visit)


async def take(visit: Visit) -> Response:
    """Make the account, or send the link where mail can be sent."""
    people = visit.store.identity.sign_up
    try:
        if people.mode == "open" and people.sends_link:
            await people.request(visit.field("email"), visit.address)
            return visit.render("sign_in/sent.html", email=visit.field("email"), title=_("Look into your mail"))
        person = visit.field("email"), visit.field("password"), visit.field("name")
        if people.mode == "open" and (faults := await faults_of_person(*person)):
            return _form(visit, errors=faults.errors, status=422)
        account = await people.sign_up(*person, visit.address)
    except SignUpClosed as error:
        return _form(visit, status=problem_of(error).status)
    except (InvalidRequest, DuplicateEmail, TooManyAttempts) as error:
        return _form(visit, errors=beside(error, _FIELDS, "email"), status=422)
    return await _welcome(visit, account)


async def show_invited(visit: Visit) -> Response:
    """The form for somebody who has a link."""
    try:
        fixed = await visit.store.identity.sign_up.look_at_link(visit.path("secret"))
    except BadLink as error:
        return _dead(visit, error)
    return visit.render("sign_in/invited.html", fixed=fixed, values={"email": fixed, "name": ""})


async def take_invited(visit: Visit) -> Response:
    """Make the account of somebody who has a link."""
    people, secret = visit.store.identity.sign_up, visit.path("secret")
    try:
        fixed = await people.look_at_link(secret)
    except BadLink as error:
        return _dead(visit, error)
    values = {"email": fixed or visit.field("email"), "name": visit.field("name")}
    faults = await faults_of_person(values["email"], visit.field("password"), values["name"])
    account = None
    try:
        if not faults:
            with faults.gathered(DuplicateEmail):
                account = await people.sign_up_invited(secret, values["email"], visit.field("password"), values["name"])
    except BadLink as error:
        return _dead(visit, error)
    if account is None:
        return visit.render("sign_in/invited.html", status=422, fixed=fixed, values=values, errors=faults.errors)
    return await _welcome(visit, account)


async def _welcome(visit: Visit, account: Account) -> Response:
    begin(visit, await visit.store.identity.sign_in.after_sign_up(account, browser_of(visit)))
    return visit.redirect("/settings/products", notice="welcome")


def _form(visit: Visit, *, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    people = visit.store.identity.sign_up
    return visit.render(
        "sign_in/sign_up.html",
        status=status,
        is_open=people.mode == "open",
        sends_link=people.sends_link,
        values={"email": visit.field("email"), "name": visit.field("name")},
        errors=errors,
    )


def _dead(visit: Visit, error: BadLink) -> Response:
    return visit.render("sign_in/dead_link.html", status=problem_of(error).status, reason=said(error))
