"""What a process knows of keys and buckets: how often it looks whether that is still true."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

from harness.asynchronous import asynchronous
from harness.stores import open_bench
from undercroft.http import eager
from undercroft.store import Store


@contextmanager
def looks(bench):
    """How often the log's end was read, one entry a time."""
    told = []
    raw = bench.catalog.rows.raw

    def note(_cursor, sql, _bindings):
        if sql.startswith("SELECT (SELECT coalesce(max(invalidation_id)"):
            told.append(sql)
        return True

    raw.exec_trace = note
    try:
        yield told
    finally:
        raw.exec_trace = None


@asynchronous
async def test_tasks_that_were_woken_together_look_once_and_those_after_them_again(tmp_path):
    async with open_bench(tmp_path) as bench:
        find = bench.store.buckets.find
        await find(name=bench.bucket.name)  # The first time reads more.
        with looks(bench) as told:
            await asyncio.gather(*(find(name=bench.bucket.name) for _ in range(8)))
            assert len(told) == 1
            await asyncio.gather(*(find(name=bench.bucket.name) for _ in range(8)))
            assert len(told) == 2


@asynchronous
async def test_what_runs_outside_of_a_task_looks_for_itself(tmp_path):
    async with open_bench(tmp_path) as bench:
        loop = asyncio.get_running_loop()
        find = bench.store.buckets.find
        await find(name=bench.bucket.name)
        with looks(bench) as told:

            async def look():
                await find(name=bench.bucket.name)

            first = loop.create_task(look())
            for _ in range(2):
                loop.call_soon(lambda: eager.start(look(), loop))
            await first
            await asyncio.sleep(0)
            assert len(told) == 3


@asynchronous
async def test_a_task_woken_by_a_change_sees_it_whatever_others_read_in_its_turn(tmp_path):
    async with open_bench(tmp_path) as bench:
        other = Store(bench.catalog, bench.blobs, bench.store.identity.keys._keyring, slot=3, ambient=bench.clock)
        is_busy = True

        async def keep_looking():
            while is_busy:
                await other.buckets.find(bucket_id=bench.bucket.bucket_id)
                await asyncio.sleep(0)

        busy = [asyncio.create_task(keep_looking()) for _ in range(4)]
        for number in range(50):
            await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, info={"n": str(number)})
            seen = await other.buckets.find(bucket_id=bench.bucket.bucket_id)
            assert seen.info == {"n": str(number)}
        is_busy = False
        await asyncio.gather(*busy)
