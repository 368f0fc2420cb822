"""When the steward runs its jobs."""

from __future__ import annotations

import asyncio
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.lifecycle import DAY_MS, days, set_rules
from harness.stores import open_bench
from undercroft import limits, steward
from undercroft.store.work.lifecycle import DAILY, Schedule

PATIENCE_S = 30.0  # Far below the minute after which the steward would look again.


@asynchronous
async def test_work_that_is_not_done_after_a_turn_is_gone_on_with_at_once(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.store.work.lifecycle.run(DAILY)
        await set_rules(bench, days(hide=1))
        for name in "abc":
            await bench.put(name)
        bench.clock.ms += DAY_MS
        genuine, turns = bench.store.work.lifecycle.run, []
        done, stop = asyncio.Event(), asyncio.Event()

        async def run(schedule):
            more = await genuine(schedule)
            turns.append(more)
            if not more:
                done.set()
            return more

        with (
            mock.patch.object(bench.store.work.lifecycle, "run", run),
            mock.patch.multiple(limits, LIFECYCLE_PAGE=1, LIFECYCLE_TURN_PAGES=1),
        ):
            running = asyncio.create_task(steward.run(bench.store, stop))
            async with asyncio.timeout(PATIENCE_S):
                await done.wait()
            stop.set()
            await running
        assert turns == [True] * (len(turns) - 1) + [False]
        assert len(turns) > 3
        assert await bench.names() == []


@asynchronous
async def test_giving_back_more_free_blobs_than_a_batch_is_gone_on_with_at_once(tmp_path):
    async with open_bench(tmp_path) as bench:
        for number in range(5):
            made = await bench.put(f"n{number}", bytes(limits.INLINE_MAX_BYTES + 1))
            await bench.store.files.delete_version(bench.principal, bench.bucket, made.name, str(made.file_id))
        bench.clock.ms += limits.RECLAIM_GRACE_S * 1000
        reclaim = next(job for job in steward.jobs(bench.store) if job.name == "reclaim")
        with mock.patch.object(limits, "RECLAIM_BATCH", 2):
            assert [await reclaim.run() for _ in range(4)] == [True, True, False, False]
        assert bench.blob_count() == 0


@pytest.mark.parametrize(("interval_s", "looks_every_s"), [(1, 1), (59, 59), (60, 60), (86_400, 60)])
@asynchronous
async def test_a_new_period_is_looked_for_every_minute_or_as_often_as_there_is_one(tmp_path, interval_s, looks_every_s):
    async with open_bench(tmp_path) as bench:
        jobs = {job.name: job for job in steward.jobs(bench.store, Schedule(interval_s))}
        assert jobs["lifecycle"].every_s == looks_every_s


@asynchronous
async def test_a_job_that_breaks_keeps_no_other_from_its_work_and_runs_again(tmp_path):
    async with open_bench(tmp_path) as bench:
        ran, stop = [], asyncio.Event()

        async def broken():
            ran.append("broken")
            raise ValueError("a fault of the program")

        async def whole():
            ran.append("whole")
            if ran.count("whole") > 2 and ran.count("broken") > 2:
                stop.set()

        made = [steward.Job(run.__name__, 0.01, run, 10.0) for run in (broken, whole)]
        with mock.patch.object(steward, "jobs", return_value=made):
            async with asyncio.timeout(PATIENCE_S):
                await steward.run(bench.store, stop)
