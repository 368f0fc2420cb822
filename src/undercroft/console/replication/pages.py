"""The pages of replication."""

from __future__ import annotations

from undercroft.console.page import Page, get, post
from undercroft.console.replication import of_bucket, overview, rule_form, targets

PAGES: tuple[Page, ...] = (
    get("/replication", overview.show),
    get("/replication/new", rule_form.new),
    post("/replication/new", rule_form.add, action="Create replication rule"),
    get("/replication/targets/new", targets.new),
    post("/replication/targets/new", targets.add, action="Add replication target"),
    get("/replication/targets/{target}/remove", targets.ask),
    post("/replication/targets/{target}/remove", targets.remove, action="Remove replication target"),
    get("/buckets/{name}/replication", of_bucket.show),
    post("/buckets/{name}/replication/retry", of_bucket.retry, action="Retry replication"),
    post("/buckets/{name}/replication/{rule}/pause", of_bucket.pause, action="Pause replication rule"),
    post("/buckets/{name}/replication/{rule}/resume", of_bucket.resume, action="Resume replication rule"),
    get("/buckets/{name}/replication/{rule}/remove", of_bucket.ask),
    post("/buckets/{name}/replication/{rule}/remove", of_bucket.remove, action="Delete replication rule"),
)
