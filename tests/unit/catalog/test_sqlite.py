"""What is the SQLite driver's own: groups, full disks, fatal errors, and the checkpoint."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import apsw
import pytest

from harness.asynchronous import asynchronous
from undercroft.catalog import invalidations, sqlite
from undercroft.catalog.contract import CatalogError, CatalogFull, CatalogUnsafe
from undercroft.catalog.sqlite import SQLiteCatalog
from undercroft.catalog.sqlite_errors import means_full


class _Driver:
    """An open driver that notes what it calls fatal."""

    def __init__(self, folder):
        self.fatal: list[Exception] = []
        self.catalog = SQLiteCatalog(folder / "catalog.sqlite3", on_fatal=self.fatal.append)

    async def __aenter__(self):
        await self.catalog.migrate()
        return self

    async def __aexit__(self, *_):
        await self.catalog.close()


async def _note(tx):
    await invalidations.add(tx, "x" * 500, 0)


@asynchronous
async def test_writes_that_come_together_share_commits(tmp_path):
    async with _Driver(tmp_path) as driver:
        commits = 0

        def count():
            nonlocal commits
            commits += 1
            return False

        async def hook(tx):
            tx.raw.set_commit_hook(count)

        await driver.catalog.write(hook)
        commits = 0
        await asyncio.gather(*(driver.catalog.write(_note) for _ in range(200)))
        assert 200 // 64 <= commits < 100


@asynchronous
async def test_a_full_database_is_an_error_to_the_callers_and_nothing_else(tmp_path):
    async with _Driver(tmp_path) as driver:

        async def limit(tx):
            pages = (await tx.one("PRAGMA page_count"))[0]
            await tx.one(f"PRAGMA max_page_count={pages + 2}")

        await driver.catalog.write(limit)
        results = await asyncio.gather(*(driver.catalog.write(_note) for _ in range(100)), return_exceptions=True)
        assert any(isinstance(result, CatalogFull) for result in results)
        acknowledged = sum(result is None for result in results)
        assert await invalidations.highest(driver.catalog.rows) == acknowledged
        assert driver.fatal == []

        async def relax(tx):
            await tx.one("PRAGMA max_page_count=1000000")

        await driver.catalog.write(relax)
        await driver.catalog.write(_note)
        assert await invalidations.highest(driver.catalog.rows) == acknowledged + 1


@asynchronous
async def test_a_catalog_that_is_locked_from_outside_is_an_error_and_not_fatal(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    async with _Driver(tmp_path) as driver:
        outside = apsw.Connection(str(tmp_path / "catalog.sqlite3"))
        outside.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogError):
            await driver.catalog.write(_note)
        outside.execute("ROLLBACK")
        await driver.catalog.write(_note)
        assert driver.fatal == []


@asynchronous
async def test_a_change_that_grows_is_refused_below_the_reserve_and_every_other_is_not(tmp_path):
    catalog = SQLiteCatalog(tmp_path / "catalog.sqlite3", on_fatal=pytest.fail, reserve_bytes=1 << 62)
    await catalog.migrate()
    growing = [catalog.write(_note, grows=True) for _ in range(3)]
    others = [catalog.write(_note) for _ in range(3)]
    results = await asyncio.gather(*growing, *others, return_exceptions=True)
    assert [type(result) for result in results] == [CatalogFull] * 3 + [type(None)] * 3
    assert await invalidations.highest(catalog.rows) == 3
    await catalog.close()


@asynchronous
async def test_an_io_error_of_a_scan_is_fatal_too(tmp_path):
    async with _Driver(tmp_path) as driver:

        async def broken(_rows):
            raise apsw.IOError("disk I/O error")

        with pytest.raises(apsw.IOError):
            await driver.catalog.scan(broken)
        assert [type(error) for error in driver.fatal] == [apsw.IOError]


@asynchronous
async def test_a_corrupt_page_is_fatal_to_readers(tmp_path):
    async with _Driver(tmp_path) as driver:
        for _ in range(40):
            await driver.catalog.write(_note)
    path = tmp_path / "catalog.sqlite3"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    driver = _Driver(tmp_path)
    with pytest.raises(apsw.Error):
        await driver.catalog.rows.all("SELECT subject FROM invalidations")
    assert driver.fatal
    await driver.catalog.close()


@asynchronous
async def test_an_io_error_of_a_write_is_fatal_and_told_to_the_callers(tmp_path):
    async with _Driver(tmp_path) as driver:

        async def broken(_tx):
            raise apsw.IOError("disk I/O error")

        with pytest.raises(CatalogError):
            await driver.catalog.write(broken)
        assert [type(error) for error in driver.fatal] == [apsw.IOError]


def test_a_used_up_quota_counts_as_full():
    class Quota:
        system_errno = errno.EDQUOT

    assert means_full(Quota(), apsw.IOError())
    Quota.system_errno = errno.EIO
    assert not means_full(Quota(), apsw.IOError())


def test_a_sync_that_fails_for_lack_of_room_does_not_count_as_full():
    class Quota:
        system_errno = errno.EDQUOT

    error = apsw.IOError()
    error.extendedresult = apsw.SQLITE_IOERR_FSYNC
    assert not means_full(Quota(), error)


@asynchronous
async def test_a_change_that_finds_no_room_even_in_that_of_the_spare_is_refused_and_nothing_is_fatal(
    tmp_path, monkeypatch
):
    async with _Driver(tmp_path) as driver:
        await driver.catalog.write(_note)  # Makes the spare.
        monkeypatch.setattr(sqlite, "means_full", lambda *_: True)

        async def over_quota(_tx):
            raise apsw.IOError("disk I/O error")

        with pytest.raises(CatalogFull):
            await driver.catalog.write(over_quota)
        assert not (tmp_path / "catalog.spare").exists()
        assert driver.fatal == []
        await driver.catalog.write(_note)


@asynchronous
async def test_another_error_in_the_room_of_the_spare_is_fatal(tmp_path, monkeypatch):
    async with _Driver(tmp_path) as driver:
        await driver.catalog.write(_note)
        errors = iter([apsw.FullError("full"), apsw.IOError("disk I/O error")])

        async def worse_and_worse(_tx):
            raise next(errors)

        with pytest.raises(CatalogError):
            await driver.catalog.write(worse_and_worse)
        assert [type(error) for error in driver.fatal] == [apsw.IOError]


@asynchronous
async def test_the_name_of_the_log_is_durable_before_the_first_commit(tmp_path, monkeypatch):
    async with _Driver(tmp_path) as driver:
        synced = []

        def fail(fd):
            synced.append(((tmp_path / "catalog.sqlite3-wal").stat().st_size, Path(f"/proc/self/fd/{fd}").readlink()))
            raise OSError(errno.EIO, "broken")

        monkeypatch.setattr(os, "fsync", fail)  # SQLite has its own way to the system call.
        with pytest.raises(CatalogError):
            await driver.catalog.write(_note)
        assert synced == [(0, tmp_path)]
        assert [type(error) for error in driver.fatal] == [OSError]
        monkeypatch.undo()
        assert await invalidations.highest(driver.catalog.rows) == 0


class _NoCheckpoint:
    """A connection whose checkpoints fail."""

    def __init__(self, error: Exception, system_errno: int) -> None:
        self.raw = self
        self.system_errno = system_errno
        self._error = error

    def wal_checkpoint(self, mode: int) -> None:
        raise self._error


def test_a_checkpoint_without_room_waits_and_one_that_fails_otherwise_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "CHECKPOINT_PAGES", 0)
    catalog = _Driver(tmp_path).catalog
    for error in (apsw.FullError(), apsw.IOError(), apsw.BusyError()):
        catalog._checkpoint_if_due(_NoCheckpoint(error, errno.EDQUOT))
    with pytest.raises(apsw.IOError):
        catalog._checkpoint_if_due(_NoCheckpoint(apsw.IOError(), errno.EIO))
    asyncio.run(catalog.close())


@asynchronous
async def test_a_schema_that_finds_no_room_is_an_error_and_one_that_meets_a_broken_disk_is_fatal(tmp_path, monkeypatch):
    errors = iter([apsw.FullError("full"), apsw.BusyError("locked"), apsw.IOError("disk I/O error")])

    def fail(_raw):
        raise next(errors)

    monkeypatch.setattr(sqlite, "apply_deltas", fail)
    driver = _Driver(tmp_path)
    with pytest.raises(CatalogFull):
        await driver.catalog.migrate()
    with pytest.raises(CatalogError, match="locked"):
        await driver.catalog.migrate()
    assert driver.fatal == []
    with pytest.raises(CatalogError):
        await driver.catalog.migrate()
    assert [type(error) for error in driver.fatal] == [apsw.IOError]
    monkeypatch.undo()
    await driver.catalog.migrate()
    await driver.catalog.close()


@asynchronous
async def test_of_writes_that_share_a_commit_those_that_fail_leave_nothing_also_the_first(tmp_path):
    async with _Driver(tmp_path) as driver:

        async def refused(tx):
            await _note(tx)
            raise ValueError("refused")

        changes = [refused, _note, _note, refused, _note]
        results = await asyncio.gather(*(driver.catalog.write(change) for change in changes), return_exceptions=True)
        assert [type(result) for result in results] == [
            ValueError if change is refused else type(None) for change in changes
        ]
        assert await invalidations.highest(driver.catalog.rows) == 3
        assert driver.fatal == []


@asynchronous
async def test_a_connection_that_finds_no_room_is_an_error_and_the_next_one_is_tried(tmp_path, monkeypatch):
    async with _Driver(tmp_path) as driver:

        def fail(_raw):
            raise apsw.FullError("full")

        async def count(rows):
            return await invalidations.highest(rows)

        monkeypatch.setattr(sqlite, "_configured", fail)
        for attempt in (driver.catalog.write(_note), driver.catalog.scan(count), driver.catalog.check()):
            with pytest.raises(CatalogFull):
                await attempt
        assert driver.fatal == []
        monkeypatch.undo()
        await driver.catalog.write(_note)
        assert await driver.catalog.scan(count) == await invalidations.highest(driver.catalog.rows) == 1


@asynchronous
async def test_a_change_that_awaits_something_else_is_refused(tmp_path):
    async def change(_tx):
        await asyncio.sleep(0)

    async with _Driver(tmp_path) as driver:
        with pytest.raises(CatalogError, match="other than its transaction"):
            await driver.catalog.write(change)
        await driver.catalog.write(_note)


@asynchronous
async def test_the_wal_is_checkpointed_before_it_grows_without_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "CHECKPOINT_PAGES", 50)
    async with _Driver(tmp_path) as driver:
        for _ in range(300):
            await driver.catalog.write(_note)
        assert (tmp_path / "catalog.sqlite3-wal").stat().st_size < 150 * 4200


@asynchronous
async def test_a_long_wal_is_cut_back(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "CHECKPOINT_PAGES", 20)
    monkeypatch.setattr(sqlite, "TRUNCATE_PAGES", 20)
    async with _Driver(tmp_path) as driver:
        sizes = set()
        for _ in range(100):
            await driver.catalog.write(_note)
            sizes.add((tmp_path / "catalog.sqlite3-wal").stat().st_size)
        assert 0 in sizes


def test_a_sqlite_with_the_wal_reset_race_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(apsw, "SQLITE_VERSION_NUMBER", sqlite.OLDEST_SAFE_SQLITE - 1)
    with pytest.raises(CatalogUnsafe):
        SQLiteCatalog(tmp_path / "catalog.sqlite3", on_fatal=print)


@asynchronous
async def test_commits_are_synced_in_full(tmp_path):
    async with _Driver(tmp_path) as driver:
        assert await driver.catalog.rows.one("PRAGMA synchronous") == (2,)
        assert await driver.catalog.rows.one("PRAGMA journal_mode") == ("wal",)
    assert list(tmp_path.glob("*-wal")) == [], "closing folds the log in"
