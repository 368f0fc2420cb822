"""The account itself: profile, e-mail address, and its end."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.faults import Faults
from undercroft.console.languages import _
from undercroft.console.problems import said
from undercroft.console.visit import Visit
from undercroft.store.errors import BucketNotEmpty, DuplicateEmail, InvalidRequest
from undercroft.store.identity.accounts import checked_email, checked_name, checked_time_zone, time_zones

_PROFILE = {"name": "name", "time_zone": "time_zone"}


async def show(visit: Visit) -> Response:
    """The profile, and the ways to the rest."""
    return await _page(visit, {"name": visit.account.name, "time_zone": visit.account.time_zone})


async def save_profile(visit: Visit) -> Response:
    """Change name and time zone."""
    values = {name: visit.field(name) for name in _PROFILE}
    before = visit.account
    visit.audit(target=before.email)
    faults = Faults(_PROFILE, "name")
    with faults.gathered():
        checked_name(values["name"])
    with faults.gathered():
        checked_time_zone(values["time_zone"])
    if not faults:
        with faults.gathered():
            await visit.store.identity.accounts.set_profile(
                visit.account.account_id, values["name"], values["time_zone"]
            )
    if faults:
        return await _page(visit, values, faults.errors)
    after = await visit.store.identity.accounts.find(before.account_id)
    visit.audit_changes(*({"name": one.name, "time zone": one.time_zone} for one in (before, after)))
    return visit.redirect("/settings", notice="profile-saved")


async def show_email(visit: Visit) -> Response:
    """The form for another address."""
    return _email_form(visit)


async def change_email(visit: Visit) -> Response:
    """Take another address, given twice, for the password; where mail can be sent, once its reader has confirmed it."""
    email, old = visit.field("email").strip(), visit.account.email
    visit.audit(target=old, email=email)
    identity, faults = visit.store.identity, Faults({"email": "email"}, "email")
    is_asked = False
    with faults.gathered():
        checked_email(email)
    if email.lower() != visit.field("again").strip().lower():
        faults.say("again", _("The two addresses differ."))
    with faults.proving("password"):
        proof = await identity.sign_in.confirm_password(visit.account.account_id, visit.field("password"))
    if not faults:
        with faults.gathered(DuplicateEmail), faults.proving("password"):
            is_asked = await identity.emails.change(proof, email)
    if faults:
        return _email_form(visit, faults.errors)
    if is_asked:
        visit.audit(target=old, email=email, awaits="confirmation by mail")
        return visit.redirect("/settings", notice="email-asked")
    visit.audit_changes({"e-mail address": old}, {"e-mail address": email.lower()})
    return visit.redirect("/settings", notice="email-changed")


async def take_back_email(visit: Visit) -> Response:
    """Keep the address: the link that is on its way to another works no more."""
    visit.audit(target=visit.account.email)
    await visit.store.identity.emails.take_back(visit.account.account_id)
    return visit.redirect("/settings", notice="email-taken-back")


async def show_link(visit: Visit) -> Response:
    """What a link that was sent to a new address does. Raises `BadLink`, which is a page of its own."""
    email = await visit.store.identity.emails.look_at_link(visit.account.account_id, visit.path("secret"))
    return visit.render("settings/confirm_email.html", email=email)


async def confirm_email(visit: Visit) -> Response:
    """Take the address that the link was sent to."""
    visit.audit(target=visit.account.email)
    old, new = await visit.store.identity.emails.confirm(visit.account.account_id, visit.path("secret"))
    visit.audit_changes({"e-mail address": old}, {"e-mail address": new})
    return visit.redirect("/settings", notice="email-changed")


async def show_delete(visit: Visit) -> Response:
    """What deleting the account means."""
    return await _delete_form(visit)


async def delete(visit: Visit) -> Response:
    """Delete the account, for its address and the password."""
    visit.audit(target=visit.account.email)
    identity, faults = visit.store.identity, Faults({}, "confirm")
    if visit.field("confirm").strip().lower() != visit.account.email:
        faults.say("confirm", _("Type %(email)s to confirm.", email=visit.account.email))
    with faults.proving("password"):
        proof = await identity.sign_in.confirm_password(visit.account.account_id, visit.field("password"))
    if not faults:
        with faults.proving("password"):
            try:
                await identity.accounts.delete_own(proof)
            except (InvalidRequest, BucketNotEmpty) as error:
                faults.say("confirm", said(error))
    if faults:
        return await _delete_form(visit, faults.errors)
    visit.cookies[visit.console.session_cookie] = None
    return visit.redirect("/sign-in", notice="account-deleted")


async def _page(visit: Visit, values: dict[str, str], errors: dict[str, str] | None = None) -> Response:
    return visit.render(
        "settings/account.html",
        status=422 if errors else 200,
        values=values,
        zones=[(zone, zone.replace("_", " ")) for zone in time_zones()],
        new_email=await visit.store.identity.emails.waiting(visit.account.account_id),
        errors=errors,
    )


def _email_form(visit: Visit, errors: dict[str, str] | None = None) -> Response:
    return visit.render(
        "settings/email.html",
        status=422 if errors else 200,
        email=visit.field("email"),
        again=visit.field("again"),
        is_confirmed=visit.store.identity.letters.can_be_sent,
        errors=errors,
    )


async def _delete_form(visit: Visit, errors: dict[str, str] | None = None) -> Response:
    buckets = await visit.store.buckets.list(visit.principal)
    return visit.render(
        "settings/delete.html",
        status=422 if errors else 200,
        buckets=len(buckets),
        confirm=visit.field("confirm"),
        errors=errors,
    )
