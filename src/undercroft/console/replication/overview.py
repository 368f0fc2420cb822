"""Cloud Replication: every rule of the account with what waits under it, and the targets elsewhere."""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.visit import Visit
from undercroft.store.model import Bucket, ReplicationRule
from undercroft.store.work.replication_reports import RuleReport


class Row(NamedTuple):
    """A rule, where it leads, and how far it has come. A rule that is gone while something waits has no `rule`."""

    source: Bucket
    rule: ReplicationRule | None
    destination: str
    report: RuleReport


async def show(visit: Visit) -> Response:
    """All of it."""
    buckets = await visit.own_buckets()
    rows = [row for bucket in buckets for row in await rows_of(visit, bucket)]
    targets = await visit.store.replication_targets.list(visit.account)
    return visit.render("replication/overview.html", rows=rows, targets=targets, has_buckets=bool(buckets))


async def rows_of(visit: Visit, bucket: Bucket) -> list[Row]:
    """The rules of one bucket."""
    reports = await visit.store.work.replication_reports.of_bucket(bucket)
    if not reports:
        return []
    names = await destination_names(visit)
    source = bucket.replication.as_replication_source
    return [
        Row(
            bucket,
            None if source is None else source.rule(report.rule),
            names.get(report.destination_bucket_id or "", report.destination_bucket_id or ""),
            report,
        )
        for report in reports
        if report.destination_bucket_id is not None or report.pending or report.failed
    ]


async def destination_names(visit: Visit) -> dict[str, str]:
    """What the destinations of rules are called, by id: buckets by their name, targets with where they are."""
    buckets = await visit.own_buckets()
    targets = await visit.store.replication_targets.list(visit.account)
    return {bucket.bucket_id: bucket.name for bucket in buckets} | {
        target.target_id: _(
            "%(name)s (%(bucket)s at %(host)s)",
            name=target.name,
            bucket=target.bucket_name,
            host=target.endpoint.removeprefix("https://"),
        )
        for target in targets
    }
