"""The jobs as a table to keep."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response

from undercroft.console.jobs.overview import wanted_jobs
from undercroft.console.jobs.words import Shown
from undercroft.console.tables import CSVFile, Rows, time_of
from undercroft.console.visit import Visit

_COLUMNS = ("job_id", "job", "bucket", "state", "reason", "percent", "did", "began", "last_moved", "ended")


async def export(visit: Visit) -> Response:
    """The jobs that the page shows, newest first."""
    rows = [_cells(one) for one in await wanted_jobs(visit)]

    async def pages() -> AsyncIterator[Rows]:
        yield rows

    return CSVFile(_COLUMNS, pages(), "jobs.csv")


def _cells(one: Shown) -> tuple[str | int, ...]:
    job = one.job
    return (
        job.job_id, one.title, one.bucket_name, one.state, job.reason or "",
        "" if job.progress is None else int(job.progress * 100), ", ".join(one.did), time_of(job.created_ms),
        time_of(job.updated_ms), time_of(job.ended_ms) if job.ended_ms else "",
    )  # fmt: skip
