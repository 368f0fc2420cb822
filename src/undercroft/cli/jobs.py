"""`undercroft rewind` and `undercroft jobs`: buckets made to look as they did, and the long work of all accounts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from undercroft import limits
from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.cli.output import day_and_time, print_fields, print_json, print_table
from undercroft.cli.session import fail, with_store
from undercroft.serve.exits import USAGE
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.work.jobs.model import Job, Remark, Rewind, State, Tally

app = typer.Typer(help="Long work on buckets: list it, look at it, cancel it.", no_args_is_help=True)

_AGO = re.compile(r"([0-9]{1,9})([smhd])\Z")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LABELS = {
    "looked_at": "Looked at",
    "copied": "Copied",
    "copied_bytes": "Copied bytes",
    "hidden": "Hidden",
    "deleted": "Deleted",
    "deleted_bytes": "Deleted bytes",
    "hide_markers_deleted": "Deleted hide markers",
    "canceled": "Canceled",
    "locked": "Locked",
    "newer": "Newer, left alone",
    "skipped": "Skipped",
}
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]


@on_data
def rewind(
    settings: Settings,
    bucket: Annotated[str, typer.Argument(metavar="BUCKET", help="The bucket's name.")],
    to: Annotated[
        str,
        typer.Option(metavar="TIME", help="2026-11-30T12:00:00Z, a date, milliseconds since 1970, or 90m, 2h, 3d ago."),
    ],
    prefix: Annotated[str, typer.Option(metavar="PREFIX", help="Only names that begin so, such as a folder/.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what a rewind would do now.")] = False,
    json: JSON = False,
) -> None:
    """Make a bucket look as it did at a moment, as far as its versions remember. Nothing is deleted."""
    to_ms = moment(to, datetime.now(UTC))

    async def work(store: Store) -> tuple[Tally, Job | None]:
        found = await store.buckets.find(name=bucket)
        principal = await store.identity.accounts.operator(found.account_id)
        asked = Rewind(to_ms, prefix)
        if dry_run:
            return (await store.jobs.survey(principal, found, asked, limit=None)).tally, None
        job = await store.jobs.begin(principal, found, asked)
        await store.work.jobs.finish(job.job_id)
        job = await store.jobs.find(principal, job.job_id)
        return job.tally, job

    tally, job = with_store(settings, work)
    if json:
        described = {"jobId": None, "state": None, "reason": None} if job is None else _describe(job)
        print_json(
            {
                **described,
                "bucketName": bucket,
                "to": to_ms,
                "prefix": prefix,
                "dryRun": dry_run,
                "tally": _counts(tally),
            }
        )
    else:
        print_fields(
            {
                "To": day_and_time(to_ms),
                "Looked at": tally.looked_at,
                "Would be brought back" if dry_run else "Brought back": f"{tally.copied} ({tally.copied_bytes} bytes)",
                "Would be hidden" if dry_run else "Hidden": tally.hidden,
                _LABELS["newer"]: tally.newer,
            }
        )
    if job is not None and job.state is not State.DONE:
        fail(f"the job {job.job_id} is {job.state.value}" + (f": {job.reason}" if job.reason else ""))


@app.command("list")
@on_data
def list_(
    settings: Settings,
    account: Annotated[str | None, typer.Option(metavar="ACCOUNT", help="Of one account: its id or e-mail.")] = None,
    json: JSON = False,
) -> None:
    """List jobs, of each account the newest first."""

    async def work(store: Store) -> list[tuple[Job, str]]:
        accounts = store.identity.accounts
        whose = await accounts.list() if account is None else [await accounts.find(account)]
        limit = limits.JOBS_UNENDED_PER_ACCOUNT + limits.JOBS_KEPT_PER_ACCOUNT + 1
        return [
            (job, (await store.buckets.find(bucket_id=job.bucket_id)).name)
            for each in whose
            for job in await store.jobs.of_account(await accounts.operator(each.account_id), limit=limit)
        ]

    found = with_store(settings, work)
    if json:
        print_json({"jobs": [_describe(job) for job, _ in found]})
        return
    print_table(
        [
            {
                "job": job.job_id,
                "kind": job.kind,
                "state": job.state.value,
                "changes": job.tally.changes,
                "bucket": bucket_name,
            }
            for job, bucket_name in found
        ],
        "There are no jobs.",
    )


@app.command()
@on_data
def show(
    settings: Settings,
    job_id: JobId,
    json: JSON = False,
) -> None:
    """Show a job, what it did, and what it has to say of single versions."""

    async def work(store: Store) -> tuple[Job, list[Remark]]:
        principal = await store.identity.accounts.operator(await store.jobs.account_of(job_id))
        job = await store.jobs.find(principal, job_id)
        return job, await store.jobs.remarks(principal, job_id, limit=limits.JOB_REMARKS_MAX)

    job, remarks = with_store(settings, work)
    if json:
        print_json(
            {
                **_describe(job),
                "remarks": [
                    {"what": each.what.value, "fileName": each.name, "fileId": each.file_id} for each in remarks
                ],
            }
        )
        return
    _print(job)
    if remarks:
        print_table([{"what": each.what.value, "name": each.name, "file id": each.file_id} for each in remarks], "")


@app.command()
@on_data
def cancel(
    settings: Settings,
    job_id: JobId,
    json: JSON = False,
) -> None:
    """End a job for good. What it has done stays done."""

    async def work(store: Store) -> Job:
        principal = await store.identity.accounts.operator(await store.jobs.account_of(job_id))
        return await store.jobs.cancel(principal, job_id)

    job = with_store(settings, work)
    if json:
        print_json(_describe(job))
    else:
        _print(job)


def moment(text: str, now: datetime) -> int:
    """The milliseconds since the epoch of a time that a command was given. Ends the command where it is none."""
    ago = _AGO.match(text)
    if ago is not None:
        return _milliseconds(now - timedelta(seconds=int(ago[1]) * _UNITS_S[ago[2]])) if int(ago[1]) < 10**8 else 0
    if text.isascii() and text.isdigit() and len(text) > 8:
        return min(int(text), 1 << 60)
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is not a time; write it as 2026-11-30T12:00:00Z or as 2h", USAGE)
    return _milliseconds(named if named.tzinfo is not None else named.replace(tzinfo=UTC))


def _milliseconds(named: datetime) -> int:
    return int((named - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _counts(tally: Tally) -> dict[str, int]:
    """All counts by the names that JSON has."""
    fields = zip(tally.__struct_fields__, tally.__struct_encode_fields__, strict=True)
    return {encoded: getattr(tally, name) for name, encoded in fields}


def _describe(job: Job) -> dict[str, object]:
    return {
        "jobId": job.job_id,
        "accountId": job.account_id,
        "bucketId": job.bucket_id,
        "parameters": job.parameters,
        "state": job.state.value,
        "reason": job.reason,
        "createdTimestamp": job.created_ms,
        "updatedTimestamp": job.updated_ms,
        "endedTimestamp": job.ended_ms,
        "total": job.total,
        "tally": _counts(job.tally),
    }


def _print(job: Job) -> None:
    counts = {label: getattr(job.tally, name) for name, label in _LABELS.items() if getattr(job.tally, name)}
    print_fields(
        {
            "Job": job.job_id,
            "Kind": job.kind,
            "Bucket": job.bucket_id,
            "Prefix": job.parameters.prefix,
            "State": job.state.value,
            "Reason": job.reason,
            "Created": day_and_time(job.created_ms),
            "Ended": day_and_time(job.ended_ms),
            **counts,
        }
    )
