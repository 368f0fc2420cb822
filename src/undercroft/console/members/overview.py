"""The members of an account: who they are, what they may do, and letting more in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.members.rights import MEANINGS, NAMES
from undercroft.console.narrowing import has_text
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest, NoSuchPerson
from undercroft.store.identity.memberships import Member
from undercroft.store.identity.roles import ROLES, Role

_FIELDS = {"email": "email", "role": "role", "buckets": "bucket"}


class Row(NamedTuple):
    """A member as the page shows them. Without `buckets` it is the whole account."""

    member: Member
    role: str
    buckets: list[str] | None


async def show(visit: Visit) -> Response:
    """Members and open invitations, by address."""
    return visit.render("members/overview.html", rows=await wanted_members(visit))


async def wanted_members(visit: Visit) -> list[Row]:
    """Those that have the text that is typed above the list in their address, their role or the name of one of their buckets."""
    text = visit.filter
    found = await visit.store.identity.memberships.list(visit.principal)
    names = {bucket.bucket_id: bucket.name for bucket in await visit.own_buckets()}
    rows = [
        Row(
            one,
            _(NAMES[one.role]),
            None if one.bucket_ids is None else [names.get(each, f"{each} (deleted)") for each in one.bucket_ids],
        )
        for one in found
    ]
    return [row for row in rows if has_text(text, row.member.email, row.role, *(row.buckets or ()))]


async def show_invite(visit: Visit) -> Response:
    """The empty form."""
    return await _form(visit, "members/invite.html", "objectViewer", ())


async def invite(visit: Visit) -> Response:
    """Make the invitation; its link is shown, this once, only where it was not mailed: who holds it joins as that address."""
    memberships, email = visit.store.identity.memberships, visit.field("email").strip()
    try:
        made = await memberships.invite(visit.principal, email, visit.field("role"), _buckets(visit))
    except InvalidRequest as error:
        return await _refused(visit, "members/invite.html", error)
    visit.audit(target=email, role=visit.field("role"), buckets=", ".join(_buckets(visit) or ["all"]))
    link = "" if made.is_mailed else f"{visit.own_origin}/join/{made.secret}"
    return visit.render(
        "members/invited.html", link=link, email=email, can_mail=visit.store.identity.letters.can_be_sent
    )


async def show_one(visit: Visit) -> Response:
    """What a member may do, to be changed."""
    one = await _member(visit)
    return await _form(visit, "members/change.html", one.role, one.bucket_ids)


async def change(visit: Visit) -> Response:
    """Give a member another role or other buckets."""
    before = await _member(visit)
    try:
        after = await visit.store.identity.memberships.change(
            visit.principal, before.email, visit.field("role"), _buckets(visit)
        )
    except InvalidRequest as error:
        return await _refused(visit, "members/change.html", error)
    visit.audit_changes(_words(before), _words(after))
    return visit.redirect("/members", notice="member-changed")


async def show_remove(visit: Visit) -> Response:
    """What removing them means."""
    return visit.render("members/remove.html", one=await _member(visit))


async def remove(visit: Visit) -> Response:
    """Remove a member, or take an invitation back."""
    gone = await visit.store.identity.memberships.remove(visit.principal, visit.path("email"))
    visit.audit_changes(_words(gone), {})
    return visit.redirect("/members", notice="member-removed")


async def _member(visit: Visit) -> Member:
    email = visit.path("email")
    for one in await visit.store.identity.memberships.list(visit.principal):
        if one.email == email:
            return one
    raise NoSuchPerson(_("Nobody was invited at this address."))


def _words(one: Member) -> dict[str, str]:
    return {"role": NAMES[one.role], "buckets": "all" if one.bucket_ids is None else ", ".join(one.bucket_ids)}


def _buckets(visit: Visit) -> list[str] | None:
    """The buckets that the form chooses; None for the whole account."""
    return visit.fields("bucket") if visit.field("scope") == "buckets" else None


async def _refused(visit: Visit, template: str, error: InvalidRequest) -> Response:
    role: Role = next((each for each in ROLES if each == visit.field("role")), "objectViewer")
    return await _form(visit, template, role, _buckets(visit), beside(error, _FIELDS, "email"))


async def _form(
    visit: Visit,
    template: str,
    role: Role,
    bucket_ids: Sequence[str] | None,
    errors: dict[str, str] | None = None,
) -> Response:
    return visit.render(
        template,
        status=422 if errors else 200,
        email=visit.field("email") or visit.request.path_params.get("email", ""),
        roles=[(each, _(NAMES[each]), _(MEANINGS[each])) for each in ROLES],
        role=role,
        in_buckets=bool(bucket_ids),
        chosen=bucket_ids or (),
        buckets=await visit.own_buckets(),
        errors=errors,
    )
