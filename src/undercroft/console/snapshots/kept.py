"""The snapshots that are kept, and those under way."""

from __future__ import annotations

from starlette.responses import Response

from undercroft import limits
from undercroft.console.jobs.words import shown
from undercroft.console.narrowing import has_text
from undercroft.console.visit import Visit
from undercroft.store.buckets.snapshots import Kept
from undercroft.store.work.jobs.model import Snapshot


async def every(visit: Visit) -> Response:
    """The snapshots of the account, newest first, and the jobs that have not ended in one."""
    store, principal = visit.store, visit.principal
    names = {bucket.bucket_id: bucket.name for bucket in await store.buckets.list(principal)}
    most = limits.JOBS_UNENDED_PER_ACCOUNT + limits.JOBS_KEPT_PER_ACCOUNT
    jobs = await store.jobs.of_account(principal, limit=most)
    under_way = [shown(job, names) for job in jobs if isinstance(job.parameters, Snapshot) and not job.state.is_ended]
    bucket = await store.snapshots.bucket(principal)
    text, kept = visit.filter, await store.snapshots.list(principal)
    found = [one for one in kept if is_wanted(one, text)]
    return visit.render(
        "snapshots/every.html",
        bucket=bucket,
        has_any=bool(kept),
        found=len(found),
        snapshots=found[: limits.SNAPSHOTS_SHOWN],
        under_way=under_way,
    )


def is_wanted(kept: Kept, text: str) -> bool:
    """Whether a snapshot has the text in what it is called, or in what it is of."""
    return has_text(text, kept.label, kept.source)


async def ask(visit: Visit) -> Response:
    """Whether it is to be removed."""
    _, kept = await visit.store.snapshots.find(visit.principal, visit.path("snapshot_id"))
    return visit.render("snapshots/delete.html", kept=kept)


async def delete(visit: Visit) -> Response:
    """Remove it."""
    kept = await visit.store.snapshots.delete(visit.principal, visit.path("snapshot_id"))
    visit.audit(target=kept.label)
    return visit.redirect("/snapshots", notice="snapshot-deleted")
