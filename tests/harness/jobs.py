"""Jobs for tests: short ways to begin them and to carry them out as the steward does, and what a moment looks like."""

from __future__ import annotations

from collections.abc import Iterable

from harness.stores import Bench
from undercroft.store.model import Action, FileVersion, Folder
from undercroft.store.work.jobs.model import Job, Parameters, State, Tally


async def begin(bench: Bench, parameters: Parameters) -> Job:
    """Make a job of the bench's bucket, a moment after whatever was there."""
    bench.clock.ms += 1
    job = await bench.store.jobs.begin(bench.principal, bench.bucket, parameters)
    bench.clock.ms += 1
    return job


async def run_to_end(bench: Bench, parameters: Parameters) -> Job:
    """Begin a job and let the steward take turns until nothing is left to do."""
    job = await begin(bench, parameters)
    return await go_on(bench, job)


async def go_on(bench: Bench, job: Job) -> Job:
    """Let the steward take turns until nothing is left to do."""
    while await bench.store.work.jobs.run():
        pass
    return await look(bench, job)


async def look(bench: Bench, job: Job) -> Job:
    """The job as it is now."""
    return await bench.store.jobs.find(bench.principal, job.job_id)


def done(job: Job) -> Tally:
    """What a job did that must have come to its end."""
    assert job.state is State.DONE, (job.state, job.reason)
    return job.tally


async def list_at(bench: Bench, at_ms: int, *, limit: int = 1000, prefix: str = "", delimiter: str = "") -> list[str]:
    """All names of a list of the past, page by page."""
    listed: list[str] = []
    start = None
    while True:
        page = await bench.store.files.list_at(
            bench.principal, bench.bucket, at_ms, prefix=prefix, delimiter=delimiter, start=start, limit=limit
        )
        assert len(page.rows) <= limit
        listed += [row.name for row in page.rows]
        start = page.following
        if start is None:
            return listed


def as_it_was(listed: Iterable[FileVersion], at_ms: int) -> dict[str, FileVersion]:
    """What the visible files were at a moment, by what a list of all versions, in its order, remembers."""
    newest: dict[str, FileVersion] = {}
    for one in listed:
        if one.action is not Action.START and one.received_ms <= at_ms:
            newest.setdefault(one.name, one)
    return {name: one for name, one in newest.items() if one.action is Action.UPLOAD}


def folded(names: Iterable[str], prefix: str, delimiter: str) -> list[str]:
    """Names under a prefix, with those that have a delimiter after it folded into folders."""
    shown: dict[str, None] = {}
    for name in sorted(names, key=str.encode):
        if name.startswith(prefix):
            cut = name.find(delimiter, len(prefix)) if delimiter else -1
            shown[name if cut < 0 else name[: cut + len(delimiter)]] = None
    return list(shown)


async def visible(bench: Bench) -> dict[str, tuple[object, ...]]:
    """What the visible files of the bench's bucket are to whoever reads them."""
    page = await bench.store.files.list_names(bench.principal, bench.bucket, limit=10_000)
    assert not page.more
    assert not any(isinstance(row, Folder) for row in page.rows)
    return {row.name: described(row) for row in page.rows if isinstance(row, FileVersion)}


def described(version: FileVersion) -> tuple[object, ...]:
    """What a file is to whoever reads it."""
    return (
        version.size,
        version.content_type,
        version.content_sha1,
        version.etag,
        version.checksum,
        version.info,
        version.encryption,
    )
