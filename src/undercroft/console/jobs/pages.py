"""Jobs, and what begins them."""

from __future__ import annotations

from undercroft.console.jobs import emptying, overview, transferring
from undercroft.console.page import Page, get, post

PAGES: tuple[Page, ...] = (
    get("/jobs", overview.every),
    get("/jobs/{job_id}", overview.one),
    post("/jobs/{job_id}/pause", overview.pause),
    post("/jobs/{job_id}/resume", overview.resume),
    post("/jobs/{job_id}/cancel", overview.cancel),
    get("/buckets/{name}/empty", emptying.ask),
    post("/buckets/{name}/empty", emptying.begin),
    get("/buckets/{name}/transfer", transferring.ask),
    post("/buckets/{name}/transfer", transferring.begin),
)
