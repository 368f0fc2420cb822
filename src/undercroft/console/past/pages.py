"""A bucket as it was, and restoring it."""

from __future__ import annotations

from undercroft.console.page import Page, get, post
from undercroft.console.past import restoring, view

PAGES: tuple[Page, ...] = (
    get("/buckets/{name}/at", view.at),
    get("/buckets/{name}/rewind", restoring.ask),
    post("/buckets/{name}/rewind", restoring.begin, action="Restore to a moment"),
)
