"""Uploading to a bucket: the dialog, and what its scripts ask for."""

from __future__ import annotations

from undercroft.console.page import Page, get, post
from undercroft.console.uploads.dialog import dialog
from undercroft.console.uploads.large import cancel, finish, new_part_address, parts, start
from undercroft.console.uploads.small import look, new_address

PAGES: tuple[Page, ...] = (
    get("/buckets/{name}/upload", dialog),
    post("/buckets/{name}/uploads/look", look, action="Begin upload"),
    post("/buckets/{name}/uploads/address", new_address, action=""),
    post("/buckets/{name}/uploads/start", start, action="Begin upload of a large file"),
    post("/buckets/{name}/uploads/part-address", new_part_address, action=""),
    post("/buckets/{name}/uploads/parts", parts, action=""),
    post("/buckets/{name}/uploads/finish", finish, action="Finish upload of a large file"),
    post("/buckets/{name}/uploads/cancel", cancel, action="Cancel upload"),
)
