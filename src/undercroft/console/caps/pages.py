"""What the account and its buckets may use, how much of that they do, and the alerts about it."""

from __future__ import annotations

from undercroft.console.caps.alerts import change_alerts, edit_alerts
from undercroft.console.caps.bucket_caps import change_of_bucket, edit_of_bucket
from undercroft.console.caps.edit import change, edit
from undercroft.console.caps.overview import overview
from undercroft.console.page import Page, get, post

PAGES: tuple[Page, ...] = (
    get("/caps", overview),
    get("/caps/edit", edit),
    post("/caps/edit", change, action="Change caps"),
    get("/caps/alerts", edit_alerts),
    post("/caps/alerts", change_alerts, action="Change alerts"),
    get("/caps/buckets/{name}", edit_of_bucket),
    post("/caps/buckets/{name}", change_of_bucket, action="Change caps of bucket"),
)
