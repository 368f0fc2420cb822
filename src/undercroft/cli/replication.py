"""`undercroft replication …`: how far the replication of a bucket has come, and trying again what failed."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
import typer

from undercroft import limits
from undercroft.cli import replication_targets
from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.cli.output import day_and_time, print_fields, print_json, print_table
from undercroft.cli.session import with_store
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.model import Bucket
from undercroft.store.work.replication_reports import Failure, RuleReport

app = typer.Typer(help="Replication.", no_args_is_help=True)
app.add_typer(replication_targets.app, name="target")

BucketName = Annotated[str, typer.Argument(metavar="BUCKET", help="The name of the bucket that is replicated.")]


class _Described(msgspec.Struct, rename="camel"):
    """One rule, as the JSON has it."""

    replication_rule_name: str
    destination_bucket_id: str | None
    is_enabled: bool
    is_looking_for_existing_files: bool
    pending: int
    lag_seconds: float
    failed: int
    refused_because: str | None
    next_try_timestamp: int | None


class _DescribedFailure(msgspec.Struct, rename="camel"):
    """A failure, as the JSON has it."""

    replication_rule_name: str
    file_name: str
    file_id: str
    failed_timestamp: int
    retry_timestamp: int
    reason: str


def _described(report: RuleReport) -> _Described:
    waiting_s = 0.0 if report.waiting_since_ms is None else time.time() - report.waiting_since_ms / 1000
    return _Described(
        replication_rule_name=report.rule,
        destination_bucket_id=report.destination_bucket_id,
        is_enabled=report.is_enabled,
        is_looking_for_existing_files=report.is_walking,
        pending=report.pending,
        lag_seconds=round(max(waiting_s, 0.0), 1),
        failed=report.failed,
        refused_because=report.reason,
        next_try_timestamp=report.next_try_ms,
    )


@app.command()
@on_data
def status(
    settings: Settings,
    bucket: BucketName,
    json: JSON = False,
) -> None:
    """Say of each rule what waits, since when, and what failed and why. Changes nothing."""

    async def work(store: Store) -> tuple[Bucket, list[RuleReport], list[Failure]]:
        found = await store.buckets.find(name=bucket)
        reports = store.work.replication_reports
        return found, await reports.of_bucket(found), await reports.failures(found, limits.REPLICATION_SHOWN_MAX)

    found, reports, failures = with_store(settings, work)
    described = [_described(report) for report in reports]
    if json:
        shown = [_DescribedFailure(*msgspec.structs.astuple(failure)) for failure in failures]
        failed = sum(report.failed for report in reports)
        print_json(
            {
                "bucketName": found.name,
                "bucketId": found.bucket_id,
                "rules": described,
                "failures": shown,
                "failuresComplete": failed == len(shown),
            }
        )
        return
    print_table(
        [
            {
                "rule": one.replication_rule_name,
                "destination": one.destination_bucket_id or "rule is gone",
                "enabled": one.is_enabled,
                "existing files": "looking" if one.is_looking_for_existing_files else None,
                "pending": one.pending,
                "lag (s)": one.lag_seconds,
                "failed": one.failed,
                "next try": day_and_time(one.next_try_timestamp),
                "refused because": one.refused_because,
            }
            for one in described
        ],
        "The bucket is not replicated.",
    )
    if failures:
        print()
        print_table(
            [
                {
                    "rule": failure.rule,
                    "name": failure.name,
                    "failed": day_and_time(failure.failed_ms),
                    "next try": day_and_time(failure.retry_ms),
                    "reason": failure.reason,
                    "file id": failure.file_id,
                }
                for failure in failures
            ],
            "",
        )


@app.command()
@on_data
def retry(
    settings: Settings,
    bucket: BucketName,
    rule: Annotated[str | None, typer.Option(metavar="RULE", help="Only what failed under this rule.")] = None,
    json: JSON = False,
) -> None:
    """Try again now what failed or was put off. The server does it, which need not run at the moment."""

    async def work(store: Store) -> tuple[Bucket, int]:
        found = await store.buckets.find(name=bucket)
        return found, await store.work.replication_reports.retry(found, rule)

    found, count = with_store(settings, work)
    if json:
        print_json({"bucketName": found.name, "bucketId": found.bucket_id, "retried": count})
        return
    print_fields({"Tried again": count})
