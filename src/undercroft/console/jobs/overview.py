"""The list of jobs, one job, and what can be done with it."""

from __future__ import annotations

from starlette.responses import Response

from undercroft import limits
from undercroft.console.jobs.words import REMARKS, shown
from undercroft.console.numbers import whole_number
from undercroft.console.visit import Visit
from undercroft.store.work.jobs.model import Rewind, Snapshot

_MOST = limits.JOBS_UNENDED_PER_ACCOUNT + limits.JOBS_KEPT_PER_ACCOUNT + 1


async def every(visit: Visit) -> Response:
    """All jobs of the account that are remembered, newest first."""
    jobs = await visit.store.jobs.of_account(visit.principal, limit=_MOST)
    names = await bucket_names(visit)
    return visit.render("jobs/every.html", jobs=[shown(job, names) for job in jobs])


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
        remark_words=REMARKS,
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
