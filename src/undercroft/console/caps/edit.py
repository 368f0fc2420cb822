"""Edit Caps: what the account wants to be held to. The operator's caps hold besides, and are not changed here."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.caps.amounts import IN_BYTES, NAMES, in_field, parse
from undercroft.console.caps.soft import asked_soft, soft_in_fields
from undercroft.console.languages import N_, _
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.accounting.model import CATEGORIES, Caps, Category
from undercroft.store.errors import InvalidRequest
from undercroft.store.identity.audit_words import of_caps, of_soft_limits

_HELP: dict[Category, str] = {
    "storage": N_("All versions and parts together, at any time, such as 500 GB."),
    "files": N_("Files of all buckets that are visible, such as 100,000. Overwriting one is always possible."),
    "download": N_("Bytes downloaded a day, such as 20 GB."),
    "class_b": N_("Downloads and reads a day, such as 2,500."),
    "class_c": N_("Lists and everything else a day, such as 2,500."),
}


async def edit(visit: Visit) -> Response:
    """The form, as the caps are."""
    own = await visit.store.accounting.caps.own(visit.principal)
    values = {category: _in_field(own, category) for category in CATEGORIES}
    soft = soft_in_fields("account", await visit.store.accounting.quotas.soft_of("account", visit.account.account_id))
    return _form(visit, values, soft, await visit.store.accounting.caps.of_operator(visit.account.account_id))


async def change(visit: Visit) -> Response:
    """Set the caps, all at once."""
    visit.audit(target=visit.account.email)
    asked: dict[Category, int | None] = {}
    soft, soft_values, errors = asked_soft(visit, "account")
    for category in CATEGORIES:
        asked[category] = None
        if not visit.field(f"no_{category}"):
            asked[category] = parse(category, visit.field(category))
            if asked[category] is None:
                errors[category] = (
                    _("Type a number of bytes such as 10 GB, or tick No Cap.")
                    if category in IN_BYTES
                    else _("Type a number such as 2,500, or tick No Cap.")
                )
    if not errors:
        try:
            before = of_caps(await visit.store.accounting.caps.own(visit.principal))
            before |= of_soft_limits(await visit.store.accounting.quotas.soft_of("account", visit.account.account_id))
            await visit.store.accounting.caps.change_own(visit.principal, asked, soft)
            visit.audit_changes(before, of_caps(Caps(**asked)) | of_soft_limits(soft))
        except InvalidRequest as error:
            errors = beside(error, {str(category): str(category) for category in CATEGORIES}, "storage")
    if errors:
        values = {category: None if visit.field(f"no_{category}") else visit.field(category) for category in CATEGORIES}
        operators = await visit.store.accounting.caps.of_operator(visit.account.account_id)
        return _form(visit, values, soft_values, operators, errors)
    return visit.redirect("/caps", notice="caps-updated")


def _in_field(own: Caps, category: Category) -> str | None:
    amount = getattr(own, category)
    return None if amount is None else in_field(category, amount)


def _form(
    visit: Visit,
    values: dict[Category, str | None],
    soft: dict[str, str],
    operators: Caps,
    errors: dict[str, str] | None = None,
) -> Response:
    rows = [
        (category, _(NAMES[category]), values[category], _(_HELP[category]), _in_field(operators, category))
        for category in CATEGORIES
    ]
    return visit.render("caps/edit.html", status=422 if errors else 200, rows=rows, soft=soft, errors=errors)
