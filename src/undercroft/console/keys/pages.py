"""The account's application keys: its master key, the others, and making, rotating and deleting them."""

from __future__ import annotations

from undercroft.console.caps.key_caps import change_of_key, edit_of_key
from undercroft.console.keys.changes import confirm_delete, confirm_master, confirm_rotate, delete, regenerate, rotate
from undercroft.console.keys.export import export
from undercroft.console.keys.new_key import create, new
from undercroft.console.keys.overview import overview
from undercroft.console.page import Page, get, post

PAGES: tuple[Page, ...] = (
    get("/keys", overview),
    get("/keys.csv", export),
    get("/keys/new", new),
    post("/keys/new", create, action="Create key"),
    get("/keys/master", confirm_master),
    post("/keys/master", regenerate, action="Regenerate master key"),
    get("/keys/{key_id}/rotate", confirm_rotate),
    post("/keys/{key_id}/rotate", rotate, action="Rotate key"),
    get("/keys/{key_id}/caps", edit_of_key),
    post("/keys/{key_id}/caps", change_of_key, action="Change caps of key"),
    get("/keys/{key_id}/delete", confirm_delete),
    post("/keys/{key_id}/delete", delete, action="Delete key"),
)
