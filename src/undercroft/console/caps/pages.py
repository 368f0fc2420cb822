"""What the account and its buckets may use, how much of that they do, and the alerts about it."""

from __future__ import annotations

from undercroft.console.caps import opting
from undercroft.console.caps.alerts import ask_again, change_alerts, edit_alerts, send_test
from undercroft.console.caps.bucket_caps import change_of_bucket, edit_of_bucket
from undercroft.console.caps.edit import change, edit
from undercroft.console.caps.overview import overview
from undercroft.console.page import Page, Who, get, post

PAGES: tuple[Page, ...] = (
    get("/caps", overview),
    get("/caps/edit", edit),
    post("/caps/edit", change, action="Change caps"),
    get("/caps/alerts", edit_alerts),
    post("/caps/alerts", change_alerts, action="Change alerts"),
    post("/caps/alerts/ask", ask_again, action="Ask address of alerts again"),
    post("/caps/alerts/test", send_test, action="Send test alert"),
    get("/alerts/confirm/{secret}", opting.show_confirm, who=Who.ANYBODY),
    post("/alerts/confirm/{secret}", opting.confirm, who=Who.ANYBODY, action=""),
    get("/alerts/unsubscribe/{secret}", opting.show_unsubscribe, who=Who.ANYBODY),
    post("/alerts/unsubscribe/{secret}", opting.unsubscribe, who=Who.ANYBODY, action=""),
    get("/caps/buckets/{name}", edit_of_bucket),
    post("/caps/buckets/{name}", change_of_bucket, action="Change caps of bucket"),
)
