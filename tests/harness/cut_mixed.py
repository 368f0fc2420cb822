"""Several writers on one store, in a process that is recorded: `python -m harness.cut_mixed FOLDER OPERATIONS FIRST_WRITER`.

They work at the same time, so their commits go in groups. The log is copied to the database and cut far more often than in
a real server, and the store is closed and opened again in between, which begins a new log.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from unittest.mock import patch

from harness.cut_load import Expected, StoreTarget, Writer, found_in
from harness.disk_recorder import mark_from_inside
from harness.path_bench import find_owner
from harness.promises import check_that_it_goes_on, picture_of
from harness.stores import Bench, SetClock, open_as_it_is
from undercroft import limits
from undercroft.catalog import sqlite

WRITERS = 6
CHECKPOINT_PAGES, TRUNCATE_PAGES = 20, 32
GENERATIONS = 2
RECLAIM_EVERY_S = 0.01
AHEAD_MS = 24 * 3600 * 1000  # Behind everything that the recorded process does.


class MixedExpected(Expected):
    """What the writers' marks up to a cut allow the store to hold."""

    async def judge(self, folder: Path) -> None:
        """Open what the cut left; raise unless every promise is kept and the store goes on from there."""
        clock = SetClock()
        clock.ms += AHEAD_MS
        async with open_as_it_is(folder, clock) as bench:
            await find_owner(bench)
            await picture_of(bench)
            self.check(await found_in(bench))
            await check_that_it_goes_on(bench)
            self.check(await found_in(bench))


async def _work(bench: Bench, writers: list[Writer], operations: int, *, in_step: bool) -> None:
    """Each writer does so much; in step, so that their commits meet in groups, or each as fast as it can."""
    at_once = 1 if in_step else operations
    for _ in range(operations // at_once):
        working = [asyncio.create_task(writer.work(at_once)) for writer in writers]
        while (await asyncio.wait(working, timeout=RECLAIM_EVERY_S))[1]:
            await _reclaim(bench)
        await asyncio.gather(*working)
        await _reclaim(bench)


async def _reclaim(bench: Bench) -> None:
    bench.clock.ms += limits.RECLAIM_GRACE_S * 1000 + 1
    await bench.store.work.reclaim.run()


async def _main(folder: Path, operations: int, first_writer: int) -> None:
    clock = SetClock()
    for generation in range(GENERATIONS):
        async with open_as_it_is(folder, clock) as bench:
            await find_owner(bench)
            target = StoreTarget(bench)
            first = first_writer + generation * WRITERS
            writers = [
                Writer(number, target, mark_from_inside, random.Random(number))
                for number in range(first, first + WRITERS)
            ]
            await _work(bench, writers, operations // (WRITERS * GENERATIONS), in_step=generation == 0)


if __name__ == "__main__":
    with (
        patch.object(sqlite, "CHECKPOINT_PAGES", CHECKPOINT_PAGES),
        patch.object(sqlite, "TRUNCATE_PAGES", TRUNCATE_PAGES),
    ):
        asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
