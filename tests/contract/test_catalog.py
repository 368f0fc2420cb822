"""What every catalog promises (`undercroft.catalog.contract`), asked of every driver."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from harness.asynchronous import asynchronous
from undercroft.catalog import extents, invalidations, leases, schema, versions
from undercroft.catalog.contract import Catalog, CatalogTooNew
from undercroft.catalog.extents import ExtentRow
from undercroft.catalog.sqlite import SQLiteCatalog

BUCKET = "0" * 24


class _Fatal(Exception):
    pass


def _raise(error: Exception) -> None:
    raise _Fatal(str(error)) from error


def open_sqlite(folder: Path) -> Catalog:
    return SQLiteCatalog(folder / "catalog.sqlite3", on_fatal=_raise)


DRIVERS = {"sqlite": open_sqlite}


@pytest.fixture(params=DRIVERS)
def opened(request, tmp_path):
    """Opens the same catalog again and again, as many processes would."""
    return lambda: DRIVERS[request.param](tmp_path)


class _Opened:
    """A migrated catalog that is closed at the end."""

    def __init__(self, opened):
        self._catalog = opened()

    async def __aenter__(self):
        await self._catalog.migrate()
        return self._catalog

    async def __aexit__(self, *_):
        await self._catalog.close()


async def _note(tx, subject="x"):
    await invalidations.add(tx, subject, 0)


@asynchronous
async def test_a_write_is_seen_by_every_reader_when_it_returns(opened):
    async with _Opened(opened) as first, _Opened(opened) as second:
        for count in range(1, 6):
            await first.write(_note)
            assert await invalidations.highest(first.rows) == count
            assert await invalidations.highest(second.rows) == count
            assert await second.scan(invalidations.highest) == count


@asynchronous
async def test_a_change_that_raises_leaves_nothing_and_its_error_comes_back(opened):
    async def change(tx):
        await _note(tx)
        raise KeyError("mine")

    async with _Opened(opened) as catalog:
        with pytest.raises(KeyError, match="mine"):
            await catalog.write(change)
        assert await invalidations.highest(catalog.rows) == 0


@asynchronous
async def test_one_failing_change_of_a_group_does_not_take_the_others_along(opened):
    async def failing(tx):
        await _note(tx)
        raise ValueError

    async with _Opened(opened) as catalog:
        writes = [catalog.write(failing if number % 3 == 0 else _note) for number in range(60)]
        results = await asyncio.gather(*writes, return_exceptions=True)
        assert sum(isinstance(result, ValueError) for result in results) == 20
        assert await invalidations.highest(catalog.rows) == 40


@asynchronous
async def test_a_change_reads_what_it_wrote_and_nobody_else_does_before_the_commit(opened):
    async def change(tx):
        await _note(tx)
        return await invalidations.highest(tx)

    async with _Opened(opened) as catalog:
        assert await catalog.write(change) == 1


@asynchronous
async def test_changes_of_several_processes_are_serializable(opened):
    """Each reads the highest number and adds one: a lost update would leave a gap or a duplicate."""

    async def change(tx):
        seen = await invalidations.highest(tx)
        await _note(tx, str(seen))

    async with _Opened(opened) as first, _Opened(opened) as second:
        await asyncio.gather(*((first, second)[number % 2].write(change) for number in range(200)))
        entries = await invalidations.since(first.rows, 0)
        assert entries == [(number + 1, str(number)) for number in range(200)]


@asynchronous
async def test_a_scan_sees_one_snapshot(opened):
    async with _Opened(opened) as catalog:
        loop = asyncio.get_running_loop()

        async def scan(rows):
            before = await invalidations.highest(rows)
            asyncio.run_coroutine_threadsafe(catalog.write(_note), loop).result(10)
            return before, await invalidations.highest(rows)

        assert await catalog.scan(scan) == (0, 0)
        assert await invalidations.highest(catalog.rows) == 1


@asynchronous
async def test_close_finishes_the_writes_that_were_begun(opened):
    async with _Opened(opened) as catalog:
        writes = [asyncio.ensure_future(catalog.write(_note)) for _ in range(10)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*writes) == [None] * 10


@asynchronous
async def test_a_cancelled_caller_does_not_disturb_the_others(opened):
    async with _Opened(opened) as catalog:
        cancelled = asyncio.ensure_future(catalog.write(_note))
        await asyncio.sleep(0)
        cancelled.cancel()
        await catalog.write(_note)
        with pytest.raises(asyncio.CancelledError):
            await cancelled


@asynchronous
async def test_migrating_twice_changes_nothing(opened):
    async with _Opened(opened) as catalog:
        await catalog.write(_note)
        await catalog.migrate()
        assert await invalidations.highest(catalog.rows) == 1


@asynchronous
async def test_data_of_a_newer_incompatible_release_is_refused(opened):
    async with _Opened(opened) as catalog:

        async def age(tx):
            await tx.run("UPDATE catalog_schema SET schema_version = 99, compatible = ?1", (schema.SCHEMA_VERSION + 1,))

        await catalog.write(age)
        with pytest.raises(CatalogTooNew, match="newer release"):
            await catalog.migrate()


@asynchronous
async def test_data_of_a_newer_compatible_release_is_opened(opened):
    async with _Opened(opened) as catalog:

        async def age(tx):
            await tx.run("UPDATE catalog_schema SET schema_version = 99, compatible = ?1", (schema.SCHEMA_VERSION,))

        await catalog.write(age)
        await catalog.migrate()
        await catalog.check()


@asynchronous
async def test_names_are_ordered_by_their_bytes(opened):
    names = ["Z", "a", "a/", "a0", "é", "\ue000", "\U0001f600"]

    async def change(tx):
        for number, name in enumerate(reversed(names), 1):
            row = versions.VersionRow(BUCKET, name.encode(), -1, -1, number, 1, 1, 1, 0, "", "", "", None, "{}", 1, 0)
            await versions.point(tx, await versions.add(tx, row))

    async with _Opened(opened) as catalog:
        await catalog.write(change)
        rows = await versions.visible(catalog.rows, BUCKET, b"", versions.AFTER_EVERY_NAME, 100)
        assert [row.name.decode() for row in rows] == names


@asynchronous
async def test_a_lease_is_held_by_one_owner_until_it_ends_and_its_fence_grows(opened):
    async with _Opened(opened) as catalog:

        async def take(owner, now_ms):
            return await catalog.write(lambda tx: leases.take(tx, "work", owner, now_ms, now_ms + 100))

        assert await take("first", 0) == 1
        assert await take("second", 99) is None
        assert await take("first", 99) == 1
        assert await take("second", 199) == 2
        assert await take("first", 200) is None


@asynchronous
async def test_the_extents_covering_a_range_are_found_from_any_offset(opened):
    rows = [ExtentRow(start, 10, bytes(16), start, None, None, None) for start in (0, 10, 20)]

    async with _Opened(opened) as catalog:
        await catalog.write(lambda tx: extents.insert(tx, BUCKET, 7, rows))
        for first, end, wanted in (
            (0, 30, [0, 10, 20]),
            (9, 10, [0]),
            (9, 11, [0, 10]),
            (25, 30, [20]),
            (10, 20, [10]),
        ):
            found = await extents.covering(catalog.rows, BUCKET, 7, first=first, end=end, limit=10)
            assert [extent.start for extent in found] == wanted


def _write_until_killed(folder: Path, driver: str, ready) -> None:
    """A process that writes one row after the other and says each number when it is acknowledged."""

    async def run():
        async with _Opened(lambda: DRIVERS[driver](folder)) as catalog:
            number = 0
            while True:
                number += 1
                await catalog.write(_note)
                ready.send(number)

    asyncio.run(run())


@pytest.mark.skipif(sys.platform != "linux", reason="sends SIGKILL to a forked process")
@pytest.mark.parametrize("driver", DRIVERS)
def test_every_acknowledged_write_survives_kill_9(tmp_path, driver):
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_write_until_killed, args=(tmp_path, driver, theirs))
        before = asyncio.run(_highest(tmp_path, driver))
        child.start()
        theirs.close()
        acknowledged = 0
        deadline = time.monotonic() + 20
        while acknowledged < 50 and time.monotonic() < deadline:
            acknowledged = ours.recv()
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        try:
            while True:
                acknowledged = ours.recv()
        except EOFError:
            pass
        assert acknowledged >= 50
        assert asyncio.run(_highest(tmp_path, driver)) - before in (acknowledged, acknowledged + 1)


async def _highest(folder, driver):
    async with _Opened(lambda: DRIVERS[driver](folder)) as catalog:
        return await invalidations.highest(catalog.rows)
