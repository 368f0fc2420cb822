"""The list of accounts, and making one."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.sign_in.new_person import faults_of_person
from undercroft.console.visit import Visit
from undercroft.store.errors import DuplicateEmail

_ROWS = 50


async def show(visit: Visit) -> Response:
    """Accounts by address, as far as they have the text that is looked for."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    page = await administration.search(visit.query("search"), start_email=visit.query("start"), limit=_ROWS)
    return visit.render(
        "operator/accounts.html", accounts=page.accounts, next_email=page.next_email, search=visit.query("search")
    )


async def show_new(visit: Visit) -> Response:
    """The empty form."""
    await visit.store.administrations.of(visit.account.account_id)
    return visit.render("operator/new_account.html", email="")


async def create(visit: Visit) -> Response:
    """Make the account, and show it."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    email = visit.field("email")
    faults, made = await faults_of_person(email, visit.field("password")), None
    if not faults:
        with faults.gathered(DuplicateEmail):
            made = await administration.create(email, visit.field("password"))
    if made is None:
        return visit.render("operator/new_account.html", status=422, email=email, errors=faults.errors)
    visit.audit(target=made.email, about=made.account_id)
    return visit.redirect(f"/operator/accounts/{made.account_id}", notice="account-created")
