"""The steward: the background process. It only schedules; the work itself is the store's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from undercroft import limits
from undercroft.store import Store
from undercroft.store.errors import StoreError
from undercroft.store.work.lifecycle import DAILY, Schedule

_log = structlog.get_logger()

_PAUSE_S = 0.1  # Between two turns of work that is not done yet, for others that wait to write.
_LIFECYCLE_LOOK_S = 60.0  # How often a new period of the lifecycle's schedule is looked for.


class Job(NamedTuple):
    """Some work and how long to wait between two runs of it. A run that answers True is gone on with at once.

    `lease_s` is how long the lease on it holds. Where `is_wanted` is given and says no, not even the lease is taken: what is
    looked for so often must not cost a write each time.
    """

    name: str
    every_s: float
    run: Callable[[], Awaitable[object]]
    lease_s: float
    is_wanted: Callable[[], Awaitable[bool]] | None = None


def jobs(store: Store, lifecycle: Schedule = DAILY) -> list[Job]:
    """What is done in the background, and how often."""

    async def reclaim() -> bool:
        return await store.work.reclaim.run() == limits.RECLAIM_BATCH  # There may be more than a batch.

    deliveries, notices = store.work.deliveries, store.work.notices
    snapshots, trials = store.work.snapshots, store.identity.trials
    replication, remote = store.work.replication, store.work.remote_replication

    async def prune_events() -> bool:
        dropped = await deliveries.prune()
        if dropped:
            _log.warning("events dropped", events=dropped)
        return dropped > 0  # There may be more.

    return [
        _leased("lifecycle", min(_LIFECYCLE_LOOK_S, lifecycle.every_s), lambda: store.work.lifecycle.run(lifecycle)),
        _leased("reclaim", 5.0, reclaim),
        _leased("sweep", 3600.0, store.work.reclaim.sweep),
        _leased("prune-invalidations", 3600.0, store.work.prune_invalidations),
        Job(
            "deliveries",
            limits.DELIVERY_LOOK_S,
            deliveries.run,
            limits.DELIVERY_LEASE_S,
            is_wanted=deliveries.is_wanted,
        ),
        _leased("prune-events", 60.0, prune_events),
        _leased("prune-audit", 3600.0, store.audit.prune),
        _leased("prune-people", 3600.0, store.identity.prune),
        Job("trials", limits.TRIAL_LOOK_S, trials.run, limits.TRIAL_LOOK_S * 3, is_wanted=trials.have_ended),
        Job("cap-alerts", 5.0, store.accounting.alerts.look, 15.0, is_wanted=store.accounting.caps.are_there),
        Job("alert-webhook", 5.0, store.work.alert_webhook.run, 15.0, is_wanted=store.work.alert_webhook.is_wanted),
        _leased("key-warnings", 600.0, store.work.key_warnings.run),
        Job("notices", limits.NOTICES_LOOK_S, notices.run, 15.0, is_wanted=notices.is_wanted),
        _leased("usage", 60.0, store.work.usage.run),
        Job(
            "replication",
            limits.REPLICATION_LOOK_S,
            replication.run,
            limits.REPLICATION_LEASE_S,
            is_wanted=replication.is_wanted,
        ),
        Job(
            "remote-replication",
            limits.REPLICATION_LOOK_S,
            remote.run,
            limits.REPLICATION_LEASE_S,
            is_wanted=remote.is_wanted,
        ),
        Job("jobs", limits.JOB_LOOK_S, store.work.jobs.run, limits.JOB_LEASE_S, is_wanted=store.work.jobs.is_wanted),
        Job("snapshots", limits.JOB_LOOK_S, snapshots.run, limits.SNAPSHOT_LEASE_S, is_wanted=snapshots.is_wanted),
    ]


def _leased(name: str, every_s: float, run_once: Callable[[], Awaitable[object]]) -> Job:
    return Job(name, every_s, run_once, every_s * 3)


async def run(store: Store, stop: asyncio.Event, lifecycle: Schedule = DAILY) -> None:
    """Run every job at its times until told to stop; each under its lease, so that one process does it."""
    async with asyncio.TaskGroup() as group:
        for job in jobs(store, lifecycle):
            group.create_task(_repeat(store, job, stop))
    await store.work.deliveries.stop()
    await store.work.notices.stop()
    await store.work.remote_replication.stop()
    await store.work.snapshots.stop()


async def _repeat(store: Store, job: Job, stop: asyncio.Event) -> None:
    while not stop.is_set():
        is_more = False
        try:
            if await _is_wanted(job) and await store.work.leases.take(job.name, job.lease_s):
                is_more = await job.run() is True
        except StoreError as error:
            # A full disk or a busy catalog: the next run takes up what this one left.
            _log.warning("job failed", job=job.name, error=str(error))
        except Exception:  # noqa: BLE001 - the fault of one job, which the log has whole, keeps no other from its work.
            _log.exception("job broke", job=job.name)
        try:
            async with asyncio.timeout(_PAUSE_S if is_more else job.every_s):
                await stop.wait()
        except TimeoutError:
            continue


async def _is_wanted(job: Job) -> bool:
    return job.is_wanted is None or await job.is_wanted()
