"""What can be done with a key that is there: rotating it, deleting it, and generating the master key anew."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.keys.new_key import bucket_names, show_once
from undercroft.console.keys.overview import access_of
from undercroft.console.languages import N_, in_words
from undercroft.console.visit import Visit
from undercroft.store.identity.audit_words import of_key

# After how many seconds the key that is rotated is retired: value and text of the choices.
_RETIRE = (
    ("", N_("I delete it myself")),
    ("3600", N_("In one hour")),
    ("86400", N_("In one day")),
    ("604800", N_("In 7 days")),
    ("2592000", N_("In 30 days")),
)
_RETIRE_DEFAULT = "86400"


async def confirm_rotate(visit: Visit) -> Response:
    """Ask when the old key is to end."""
    key = await visit.store.identity.keys.find(visit.principal, visit.path("key_id"))
    return visit.render("keys/rotate.html", key=key, choices=in_words(_RETIRE), chosen=_RETIRE_DEFAULT)


async def rotate(visit: Visit) -> Response:
    """Make the twin, and show it this once."""
    known = {value: int(value) for value in dict(_RETIRE) if value}
    keys, key_id, retire = visit.store.identity.keys, visit.path("key_id"), visit.field("retire")
    key = await keys.rotate(visit.principal, key_id, retire_after_s=known.get(retire))
    visit.audit(target=f"{key.name} ({key_id})", retired=dict(_RETIRE).get(retire, _RETIRE[0][1]))
    visit.audit_changes({"key ID": key_id}, {"key ID": key.key_id})
    return await show_once(visit, key)


async def confirm_delete(visit: Visit) -> Response:
    """Ask once more, saying what stops working."""
    keys = visit.store.identity.keys
    key = await keys.find(visit.principal, visit.path("key_id"))
    uses = await keys.last_uses(visit.principal, [key])
    return visit.render("keys/delete.html", key=key, access=access_of(key), last_use=uses.get(key.key_id))


async def delete(visit: Visit) -> Response:
    """Delete the key."""
    keys, key_id = visit.store.identity.keys, visit.path("key_id")
    key = await keys.find(visit.principal, key_id)
    visit.audit(target=f"{key.name} ({key_id})")
    await keys.delete(visit.principal, key_id)
    visit.audit_changes(of_key(key, await bucket_names(visit)), {})
    return visit.redirect("/keys", notice="key-deleted")


async def confirm_master(visit: Visit) -> Response:
    """Ask once more, saying what stops working."""
    return visit.render("keys/master.html")


async def regenerate(visit: Visit) -> Response:
    """Generate the master key anew, and show it this once."""
    key = await visit.store.identity.keys.regenerate_master(visit.principal)
    visit.audit(target=key.key_id)
    return await show_once(visit, key)
