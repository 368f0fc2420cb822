"""The steward: the background process. It only schedules; the work itself is the store's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from undercroft.store import Store
from undercroft.store.errors import StoreError

_log = structlog.get_logger()


class Job(NamedTuple):
    """Some work and how long to wait between two runs of it."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[object]]


def jobs(store: Store) -> list[Job]:
    """What is done in the background, and how often."""
    return [
        Job("reclaim", 5.0, store.work.reclaim.run),
        Job("sweep", 3600.0, store.work.reclaim.sweep),
        Job("prune-invalidations", 3600.0, store.work.prune_invalidations),
    ]


async def run(store: Store, stop: asyncio.Event) -> None:
    """Run every job at its times until told to stop; each under its lease, so that one process does it."""
    async with asyncio.TaskGroup() as group:
        for job in jobs(store):
            group.create_task(_repeat(store, job, stop))


async def _repeat(store: Store, job: Job, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            if await store.work.leases.take(job.name, job.every_s * 3):
                await job.run()
        except StoreError as error:
            # A full disk or a busy catalog: the next run takes up what this one left.
            _log.warning("job failed", job=job.name, error=str(error))
        try:
            async with asyncio.timeout(job.every_s):
                await stop.wait()
        except TimeoutError:
            continue
