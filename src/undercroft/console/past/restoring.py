"""Restore to here: what it would change, and the job that does it."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.jobs.words import exactly
from undercroft.console.languages import _
from undercroft.console.past.moments import moment_of
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest
from undercroft.store.work.jobs.model import Rewind


async def ask(visit: Visit) -> Response:
    """The dialog, with what a restore would do now."""
    bucket = await visit.bucket()
    asked = _asked(visit.query("at"), visit.query("prefix"))
    survey = await visit.store.jobs.survey(visit.principal, bucket, asked)
    return visit.render("past/rewind.html", bucket=bucket, asked=asked, survey=survey, moment=exactly(asked.to_ms))


async def begin(visit: Visit) -> Response:
    """Begin the job, and show it."""
    bucket = await visit.bucket()
    job = await visit.store.jobs.begin(visit.principal, bucket, _asked(visit.field("at"), visit.field("prefix")))
    return visit.redirect(f"/jobs/{job.job_id}", notice="job-begun")


def _asked(text: str, prefix: str) -> Rewind:
    at_ms = moment_of(text)
    if at_ms is None:
        raise InvalidRequest(_("This is not a date and a time."), "at")
    return Rewind(at_ms, prefix)
