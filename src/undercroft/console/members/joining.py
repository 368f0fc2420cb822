"""An invitation into an account, as the person who was sent it opens it; and going from one account to another."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.members.rights import MEANINGS, NAMES
from undercroft.console.problems import beside, problem_of, said
from undercroft.console.sign_in.session import begin
from undercroft.console.sign_in.steps import browser_of
from undercroft.console.visit import Visit
from undercroft.store.errors import BadLink, DuplicateEmail, InvalidRequest
from undercroft.store.identity.audit import Actor

_FIELDS = {"email": "email", "password": "password", "name": "name"}


async def show(visit: Visit) -> Response:
    """What the invitation says, and the way to accept it."""
    return await _page(visit)


async def accept(visit: Visit) -> Response:
    """Become a member, with the account that the person has or makes now, and go there."""
    memberships, secret = visit.store.identity.memberships, visit.path("secret")
    try:
        if visit.signed_in is not None:
            person, session = visit.signed_in.person, visit.session_secret
            visit.audit(target=person.email)  # And not the path, in which the secret is.
            account_id = await memberships.accept(secret, person)
            visit.audit(about=account_id)
        else:
            person, account_id = await memberships.sign_up(secret, visit.field("password"), visit.field("name"))
            session = await visit.store.identity.sign_in.after_sign_up(person, browser_of(visit))
            begin(visit, session)
            actor = Actor(person.email, address=visit.address)
            await visit.store.audit.record(account_id, actor, "Accept invitation", target=person.email)
    except BadLink:
        return await _page(visit)
    except (InvalidRequest, DuplicateEmail) as error:
        return await _page(visit, beside(error, _FIELDS, "password"))
    await visit.store.identity.sessions.enter(session, person.account_id, account_id)
    return visit.redirect("/buckets", notice="joined")


async def show_accounts(visit: Visit) -> Response:
    """The accounts in which this person can be at work."""
    assert visit.signed_in is not None
    found = await visit.store.identity.memberships.of_person(visit.signed_in.person.account_id)
    return visit.render(
        "members/accounts.html", person=visit.signed_in.person, memberships=[(one, _(NAMES[one.role])) for one in found]
    )


async def switch(visit: Visit) -> Response:
    """Go to work in one of them."""
    assert visit.signed_in is not None
    person = visit.signed_in.person
    account_id = visit.field("account")
    own = "" if account_id == person.account_id else account_id
    visit.audit(
        target=person.email, to="another account" if own else "their own"
    )  # The log is read by the owner of the one left.
    await visit.store.identity.sessions.enter(visit.session_secret, person.account_id, own)
    return visit.redirect("/buckets")


async def _page(visit: Visit, errors: dict[str, str] | None = None) -> Response:
    try:
        invited = await visit.store.identity.memberships.look_at(visit.path("secret"))
    except BadLink as error:
        return visit.render("sign_in/dead_link.html", status=problem_of(error).status, reason=said(error))
    signed_in = visit.signed_in
    return visit.render(
        "members/join.html",
        status=422 if errors else 200,
        invited=invited,
        role=_(NAMES[invited.role]),
        meaning=_(MEANINGS[invited.role]),
        is_own=signed_in is not None and signed_in.person.email == invited.email,
        name=visit.field("name"),
        errors=errors,
    )
