"""The jobs that the tray of every page shows: those that run or have just ended, as data for its script."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from starlette.responses import Response

from undercroft import limits
from undercroft.console.jobs.overview import bucket_names
from undercroft.console.jobs.words import Shown, shown
from undercroft.console.languages import _
from undercroft.console.visit import Visit
from undercroft.store.errors import NoSuchJob
from undercroft.store.work.jobs.model import Snapshot, State


async def lately(visit: Visit) -> Response:
    """Those of the last minutes, and those that the page has followed (`id`), since it may have been away for long."""
    jobs = {job.job_id: job for job in await visit.store.jobs.lately(visit.principal)}
    for job_id in visit.request.query_params.getlist("id")[: limits.JOBS_UNENDED_PER_ACCOUNT]:
        if job_id not in jobs:
            with suppress(NoSuchJob):  # It was forgotten, or has gone with its bucket.
                jobs[job_id] = await visit.store.jobs.find(visit.principal, job_id)
    names = await bucket_names(visit) if jobs else {}
    return visit.answer_json({"jobs": [_told(shown(job, names)) for job in jobs.values()]})


def _told(one: Shown) -> dict[str, Any]:
    job = one.job
    has_snapshot = isinstance(job.parameters, Snapshot) and job.state is State.DONE
    return {
        "id": job.job_id,
        "title": one.title,
        "state": job.state.value,
        "label": _(one.state),
        "percent": None if job.progress is None else int(job.progress * 100),
        "did": "; ".join(filter(None, (job.reason, ", ".join(one.did)))),
        "href": f"/jobs/{job.job_id}",
        "follow": {"label": _("Snapshots"), "href": "/snapshots"} if has_snapshot else None,
    }
