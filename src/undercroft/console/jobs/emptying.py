"""Empty bucket: what it would remove, and the name typed to confirm it."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.visit import Visit
from undercroft.store.model import Bucket
from undercroft.store.work.jobs.model import Empty


async def ask(visit: Visit) -> Response:
    """The dialog."""
    bucket = await visit.bucket()
    return await _dialog(visit, bucket, visit.query("prefix"))


async def begin(visit: Visit) -> Response:
    """Begin the job, if the bucket's name was typed, and show it."""
    bucket = await visit.bucket()
    prefix = visit.field("prefix")
    if visit.field("confirm").strip() != bucket.name:
        return await _dialog(visit, bucket, prefix, wrong=_("Type %(name)s to confirm.", name=bucket.name))
    job = await visit.store.jobs.begin(visit.principal, bucket, Empty(prefix))
    return visit.redirect(f"/jobs/{job.job_id}", notice="job-begun")


async def _dialog(visit: Visit, bucket: Bucket, prefix: str, *, wrong: str = "") -> Response:
    survey = await visit.store.jobs.survey(visit.principal, bucket, Empty(prefix))
    return visit.render(
        "jobs/empty.html",
        status=422 if wrong else 200,
        bucket=bucket,
        prefix=prefix,
        survey=survey,
        typed=visit.field("confirm"),
        errors={"confirm": wrong},
    )
