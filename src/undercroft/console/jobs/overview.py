"""The list of jobs, one job, and what can be done with it."""

from __future__ import annotations

from starlette.responses import Response

from undercroft import limits
from undercroft.console.jobs.words import REMARKS, Shown, shown
from undercroft.console.languages import _
from undercroft.console.narrowing import has_text
from undercroft.console.numbers import whole_number
from undercroft.console.visit import Visit
from undercroft.store.work.jobs.model import Rewind, Snapshot

_MOST = limits.JOBS_UNENDED_PER_ACCOUNT + limits.JOBS_KEPT_PER_ACCOUNT + 1


async def every(visit: Visit) -> Response:
    """The jobs of the account that are remembered, newest first."""
    return visit.render("jobs/every.html", jobs=await wanted_jobs(visit))


async def wanted_jobs(visit: Visit) -> list[Shown]:
    """Those that have the text that is typed above the list in what they are called, or in what has become of them."""
    text, names = visit.filter, await bucket_names(visit)
    jobs = [shown(job, names) for job in await visit.store.jobs.of_account(visit.principal, limit=_MOST)]
    return [one for one in jobs if has_text(text, one.title, one.state)]


async def one(visit: Visit) -> Response:
    """A job: how far it is, what it did, and what it has to say of single versions, a page at a time."""
    job = await visit.store.jobs.find(visit.principal, visit.path("job_id"))
    remarks = await visit.store.jobs.remarks(
        visit.principal,
        job.job_id,
        after=whole_number(visit.query("after")) or 0,
        limit=limits.JOB_REMARKS_SHOWN + 1,
    )
    return visit.render(
        "jobs/one.html",
        shown=shown(job, await bucket_names(visit)),
        remarks=remarks[: limits.JOB_REMARKS_SHOWN],
        remark_words={what: _(text) for what, text in REMARKS.items()},
        following=remarks[limits.JOB_REMARKS_SHOWN - 1].number if len(remarks) > limits.JOB_REMARKS_SHOWN else None,
        is_rewind=isinstance(job.parameters, Rewind),
        is_snapshot=isinstance(job.parameters, Snapshot),
    )


async def pause(visit: Visit) -> Response:
    """Let the job rest."""
    job = await visit.store.jobs.pause(visit.principal, visit.path("job_id"))
    return visit.redirect(f"/jobs/{job.job_id}", notice="job-paused")


async def resume(visit: Visit) -> Response:
    """Let the job go on."""
    job = await visit.store.jobs.resume(visit.principal, visit.path("job_id"))
    return visit.redirect(f"/jobs/{job.job_id}", notice="job-resumed")


async def cancel(visit: Visit) -> Response:
    """End the job."""
    job = await visit.store.jobs.cancel(visit.principal, visit.path("job_id"))
    return visit.redirect(f"/jobs/{job.job_id}", notice="job-canceled")


async def bucket_names(visit: Visit) -> dict[str, str]:
    """The names of the account's buckets by their ids."""
    return {bucket.bucket_id: bucket.name for bucket in await visit.store.buckets.list(visit.principal, lenient=True)}
