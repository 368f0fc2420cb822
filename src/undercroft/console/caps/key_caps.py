"""What may be done with one application key a day."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.caps.by_day import asked, in_fields
from undercroft.console.caps.soft import asked_soft, soft_in_fields
from undercroft.console.files.places import go_to, way_back
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.accounting.model import QUOTA_CATEGORIES
from undercroft.store.errors import InvalidRequest
from undercroft.store.identity.audit_words import of_quotas, of_soft_limits


async def edit_of_key(visit: Visit) -> Response:
    """The form, as the caps are. It leads back to the page that it was opened from."""
    key = await visit.store.identity.keys.find(visit.principal, visit.path("key_id"))
    quotas = visit.store.accounting.quotas
    values = in_fields(await quotas.of_key(key.key_id))
    values |= soft_in_fields("key", await quotas.soft_of("key", key.key_id))
    return visit.render("caps/key.html", key=key, values=values, back=way_back(visit, "/caps"))


async def change_of_key(visit: Visit) -> Response:
    """Set the caps."""
    key = await visit.store.identity.keys.find(visit.principal, visit.path("key_id"))
    visit.audit(target=f"{key.name} ({key.key_id})")
    wanted, values, errors = asked(visit)
    soft, soft_values, soft_errors = asked_soft(visit, "key")
    values |= soft_values
    errors |= soft_errors
    if not errors:
        quotas = visit.store.accounting.quotas
        before = of_quotas(await quotas.of_key(key.key_id))
        before |= of_soft_limits(await quotas.soft_of("key", key.key_id))
        try:
            await quotas.change_key(visit.principal, key.key_id, wanted, soft)
            visit.audit_changes(before, of_quotas(wanted) | of_soft_limits(soft))
        except InvalidRequest as error:
            errors = beside(error, {str(category): str(category) for category in QUOTA_CATEGORIES}, "requests")
    back = way_back(visit, "/caps")
    if errors:
        return visit.render("caps/key.html", status=422, key=key, values=values, back=back, errors=errors)
    return go_to(back, "caps-updated")
