"""Snapshots for tests: made as the steward makes them, and opened."""

from __future__ import annotations

import io
import zipfile

from harness.jobs import look
from harness.stores import Bench
from undercroft.store.buckets.snapshots import Kept
from undercroft.store.work.jobs.model import Job


async def work(bench: Bench, job: Job) -> Job:
    """Let the steward make what is wanted; the job as it is then."""
    await bench.store.work.snapshots.run()
    await bench.store.work.snapshots.finish_turns()
    return await look(bench, job)


async def opened(bench: Bench, one: Kept) -> zipfile.ZipFile:
    """The zip of a snapshot."""
    return zipfile.ZipFile(io.BytesIO(await bench.bytes_of(one.version)))
