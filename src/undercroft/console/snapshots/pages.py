"""Snapshots, what makes one, and what removes one."""

from __future__ import annotations

from undercroft.console.page import Page, get, post
from undercroft.console.snapshots import export, kept, making

PAGES: tuple[Page, ...] = (
    get("/snapshots", kept.every),
    get("/snapshots.csv", export.export),
    get("/snapshots/new", making.choose),
    get("/snapshots/{snapshot_id}/delete", kept.ask),
    post("/snapshots/{snapshot_id}/delete", kept.delete, action="Delete snapshot"),
    get("/buckets/{name}/snapshot", making.ask),
    post("/buckets/{name}/snapshot", making.begin, action="Make snapshot"),
    post("/buckets/{name}/selection/snapshot", making.ask_for_selection, action=""),
)
