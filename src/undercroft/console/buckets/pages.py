"""The account's buckets, and making one."""

from __future__ import annotations

from undercroft.console.buckets.new_bucket import available, create, new
from undercroft.console.buckets.overview import export, overview
from undercroft.console.page import Page, get, post

PAGES: tuple[Page, ...] = (
    get("/buckets", overview),
    get("/buckets/all.csv", export),
    get("/buckets/new", new),
    get("/buckets/new/available", available),
    post("/buckets/new", create, action="Create bucket"),
)
