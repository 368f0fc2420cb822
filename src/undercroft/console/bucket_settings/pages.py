"""The pages of a bucket's settings."""

from __future__ import annotations

from undercroft.console.bucket_settings import cors, delete, general, lifecycle, lock, logs
from undercroft.console.page import Page, get, post

PAGES: tuple[Page, ...] = (
    get("/buckets/{name}/settings", general.show),
    post("/buckets/{name}/settings", general.save, action="Change bucket settings"),
    get("/buckets/{name}/delete", delete.ask),
    post("/buckets/{name}/delete", delete.delete, action="Delete bucket"),
    get("/buckets/{name}/lifecycle", lifecycle.show),
    post("/buckets/{name}/lifecycle", lifecycle.save, action="Change lifecycle rules"),
    get("/buckets/{name}/cors", cors.show),
    post("/buckets/{name}/cors", cors.save, action="Change CORS rules"),
    get("/buckets/{name}/cors/rules.json", cors.export),
    get("/buckets/{name}/cors/rules.xml", cors.export_xml),
    get("/buckets/{name}/lock", lock.show),
    post("/buckets/{name}/lock", lock.save, action="Change default retention"),
    get("/buckets/{name}/lock/enable", lock.ask),
    post("/buckets/{name}/lock/enable", lock.enable, action="Enable Object Lock"),
    get("/buckets/{name}/logs", logs.show),
    post("/buckets/{name}/logs", logs.save, action="Change access logging"),
)
