"""One account, as an operator sees it, and what may be done to it."""

from __future__ import annotations

from contextlib import suppress

from starlette.responses import Response

from undercroft import limits
from undercroft.console.languages import N_, _, in_words
from undercroft.console.problems import beside, said
from undercroft.console.visit import Visit
from undercroft.store.accounting.model import CATEGORIES, Caps, Category
from undercroft.store.errors import BucketNotEmpty, InvalidRequest
from undercroft.store.identity.administration import Administration, Summary
from undercroft.store.identity.audit_words import of_caps

_CAPS = (
    ("storage", N_("Storage, in bytes")),
    ("files", N_("Files")),
    ("download", N_("Downloads a day, in bytes")),
    ("class_b", N_("Transactions of class B a day")),
    ("class_c", N_("Transactions of class C a day")),
)


async def show(visit: Visit) -> Response:
    """What it is and has."""
    administration, summary = await _found(visit)
    caps, standing = await administration.caps(summary.account.account_id)
    return visit.render(
        "operator/account.html",
        one=summary,
        caps=[(_(label), getattr(caps, category)) for category, label in _CAPS],
        used={of.category: of.used for of in standing},
        categories=CATEGORIES,
        is_own=summary.account.account_id == visit.account.account_id,
    )


async def show_suspend(visit: Visit) -> Response:
    """What suspending means."""
    _, summary = await _found(visit)
    return visit.render("operator/suspend.html", one=summary)


async def suspend(visit: Visit) -> Response:
    """Have nothing of it work."""
    administration, summary = await _found(visit)
    await administration.set_suspended(summary.account.account_id, suspended=True)
    return _done(visit, summary, "account-suspended")


async def resume(visit: Visit) -> Response:
    """Have it work again."""
    administration, summary = await _found(visit)
    await administration.set_suspended(summary.account.account_id, suspended=False)
    return _done(visit, summary, "account-resumed")


async def lift_trial(visit: Visit) -> Response:
    """Have it go on without an end."""
    administration, summary = await _found(visit)
    with suppress(InvalidRequest):  # Somebody else was faster.
        await administration.lift_trial(summary.account.account_id)
    return _done(visit, summary, "trial-lifted")


async def set_operator(visit: Visit) -> Response:
    """Make it an operator's, or no longer."""
    administration, summary = await _found(visit)
    grant = visit.field("grant") == "yes"
    visit.audit("Grant operator" if grant else "Revoke operator")
    await administration.set_operator(summary.account.account_id, is_operator=grant)
    return _done(visit, summary, "operator-granted" if grant else "operator-revoked")


async def show_second_factor(visit: Visit) -> Response:
    """What resetting means."""
    _, summary = await _found(visit)
    return visit.render("operator/second_factor.html", one=summary)


async def reset_second_factor(visit: Visit) -> Response:
    """Let it sign in without a code."""
    administration, summary = await _found(visit)
    await administration.reset_second_factor(summary.account.account_id)
    visit.store.identity.letters.second_factor_changed(summary.account.email, enabled=False)
    return _done(visit, summary, "second-factor-reset")


async def show_caps(visit: Visit) -> Response:
    """The caps, to be changed."""
    administration, summary = await _found(visit)
    caps, _ = await administration.caps(summary.account.account_id)
    values = {category: _text(getattr(caps, category)) for category in CATEGORIES}
    return visit.render("operator/caps.html", one=summary, caps=in_words(_CAPS), values=values)


async def set_caps(visit: Visit) -> Response:
    """Change them; an empty field is no cap."""
    administration, summary = await _found(visit)
    values = {category: visit.field(category).strip() for category in CATEGORIES}
    errors = {str(category): _("A whole number, or nothing.") for category, text in values.items() if not _is_cap(text)}
    if not errors:
        asked: dict[Category, int | None] = {category: int(text) if text else None for category, text in values.items()}
        try:
            before = (await administration.caps(summary.account.account_id))[0]
            await administration.set_caps(summary.account.account_id, asked)
            visit.audit_changes(of_caps(before), of_caps(Caps(**asked)))
        except InvalidRequest as error:
            errors = beside(error, {str(category): str(category) for category in CATEGORIES}, "storage")
    if errors:
        return visit.render(
            "operator/caps.html", status=422, one=summary, caps=in_words(_CAPS), values=values, errors=errors
        )
    return _done(visit, summary, "caps-saved")


async def show_delete(visit: Visit) -> Response:
    """What deleting means."""
    _, summary = await _found(visit)
    return visit.render("operator/delete.html", one=summary, confirm="")


async def delete(visit: Visit) -> Response:
    """Delete it, for its address."""
    administration, summary = await _found(visit)
    confirm, errors = visit.field("confirm").strip(), {}
    if confirm.lower() != summary.account.email:
        errors = {"confirm": _("Type %(email)s to confirm.", email=summary.account.email)}
    else:
        try:
            await administration.delete(summary.account.account_id)
        except (InvalidRequest, BucketNotEmpty) as error:
            errors = {"confirm": said(error)}
    if errors:
        return visit.render("operator/delete.html", status=422, one=summary, confirm=confirm, errors=errors)
    return visit.redirect("/operator/accounts", notice="account-removed")


async def _found(visit: Visit) -> tuple[Administration, Summary]:
    """What the operator may do, and the account that the address names, in whose log it goes as well."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    summary = await administration.show(visit.path("account_id"))
    visit.audit(target=summary.account.email, about=summary.account.account_id)
    return administration, summary


def _done(visit: Visit, summary: Summary, notice: str) -> Response:
    return visit.redirect(f"/operator/accounts/{summary.account.account_id}", notice=notice)


def _is_cap(text: str) -> bool:
    return text == "" or (text.isascii() and text.isdigit() and len(text) <= len(str(limits.CAP_MAX)))


def _text(cap: int | None) -> str:
    return "" if cap is None else str(cap)
