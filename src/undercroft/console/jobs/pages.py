"""Jobs, and what begins them."""

from __future__ import annotations

from undercroft.console.jobs import emptying, export, lately, overview, transferring
from undercroft.console.page import Page, get, post

PAGES: tuple[Page, ...] = (
    get("/jobs", overview.every),
    get("/jobs.csv", export.export),
    get("/jobs.json", lately.lately, is_poll=True),
    get("/jobs/{job_id}", overview.one),
    post("/jobs/{job_id}/pause", overview.pause, action="Pause job"),
    post("/jobs/{job_id}/resume", overview.resume, action="Resume job"),
    post("/jobs/{job_id}/cancel", overview.cancel, action="Cancel job"),
    get("/buckets/{name}/empty", emptying.ask),
    post("/buckets/{name}/empty", emptying.begin, action="Empty bucket"),
    get("/buckets/{name}/transfer", transferring.ask),
    post("/buckets/{name}/transfer", transferring.begin, action="Copy or move folder"),
)
