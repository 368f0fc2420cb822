"""Replication of one bucket: its rules, what failed and why, and trying again."""

from __future__ import annotations

from starlette.responses import Response

from undercroft import limits
from undercroft.console.replication.overview import rows_of
from undercroft.console.visit import Visit
from undercroft.store.buckets.replication_setup import configured


async def show(visit: Visit) -> Response:
    """The rules and the failures."""
    bucket = await visit.bucket()
    failures = await visit.store.work.replication_reports.failures(bucket, limits.REPLICATION_SHOWN_MAX)
    return visit.render(
        "replication/of_bucket.html", bucket=bucket, rows=await rows_of(visit, bucket), failures=failures
    )


async def retry(visit: Visit) -> Response:
    """Try again now what failed or was put off."""
    bucket = await visit.bucket()
    await visit.store.work.replication_reports.retry(bucket)
    return visit.redirect(f"/buckets/{bucket.name}/replication", notice="tried-again")


async def pause(visit: Visit) -> Response:
    """Pause a rule."""
    return await _set_enabled(visit, enabled=False)


async def resume(visit: Visit) -> Response:
    """Let a rule go on."""
    return await _set_enabled(visit, enabled=True)


async def ask(visit: Visit) -> Response:
    """What goes with a rule."""
    bucket, rule = await visit.bucket(), visit.path("rule")
    configured(bucket, rule)
    return visit.render("replication/remove_rule.html", bucket=bucket, rule=rule)


async def remove(visit: Visit) -> Response:
    """Remove a rule."""
    bucket = await visit.bucket()
    await visit.store.replication_setup.remove(visit.principal, bucket, visit.path("rule"))
    return visit.redirect(f"/buckets/{bucket.name}/replication", notice="rule-removed")


async def _set_enabled(visit: Visit, *, enabled: bool) -> Response:
    bucket = await visit.bucket()
    await visit.store.replication_setup.set_enabled(visit.principal, bucket, visit.path("rule"), enabled=enabled)
    return visit.redirect(f"/buckets/{bucket.name}/replication", notice="rule-saved")
