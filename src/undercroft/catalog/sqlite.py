"""The SQLite driver: one file in WAL mode, one writer thread a process, group commit.

Point reads run on the event loop, where they cost less than handing them to a thread. Scans run in threads on
connections of their own. Writes go to one thread that commits them in groups with a single fsync; a savepoint around
each but the first keeps one's failure from the others. Processes take turns at writing by a file lock, since SQLite's
own waiting is neither fair nor quick.

What makes a commit durable, in order:

1. the file lock is taken, so that no other process writes;
2. before a process's first commit the directory is synced, and with it the name of the WAL: SQLite does so too, but goes on
   when it fails;
3. BEGIN IMMEDIATE; the first change, and each further one between SAVEPOINT and RELEASE;
4. COMMIT, which with `synchronous=FULL` returns after the WAL is fsynced;
5. a checkpoint, when the WAL is long, still under the lock;
6. the lock is released, and only then are the waiting callers told.

An I/O error of the catalog is never retried: `on_fatal` is called, which ends the server (P12).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw
import apsw.sqlite_extra

from undercroft import limits
from undercroft.catalog.contract import (
    CatalogError,
    CatalogFull,
    CatalogUnsafe,
    Change,
    Query,
    Row,
    Rows,
    Value,
)
from undercroft.catalog.spare import Spare
from undercroft.catalog.sqlite_deltas import apply_deltas
from undercroft.catalog.sqlite_errors import FATAL, GROUP_FAILURES, means_full, takes_no_file

T = TypeVar("T")

OLDEST_SAFE_SQLITE = 3051003  # Before 3.51.3, resetting the WAL could race between processes.
PAGE_CHECKSUM_BYTES = 8  # What the checksums of SQLite's own extension need at the end of each page.
PAGE_BYTES = 4096  # A body of 4 KiB then takes one overflow page, and a commit writes little else.
BUSY_TIMEOUT_MS = 10_000
CHECKPOINT_PAGES = 2_000
TRUNCATE_PAGES = 32_000
TURN_PAUSE_S = 0.00005  # Long enough for a process that waits for the file lock to get it.


class _Connection:
    """Rows and Transaction over one apsw connection; nothing in it ever suspends."""

    def __init__(self, connection: apsw.Connection, on_fatal: Callable[[Exception], None]) -> None:
        self.raw = connection
        self._cursor = connection.cursor()  # One for all, since each statement is fetched to its end at once.
        self._on_fatal = on_fatal

    async def one(self, sql: str, params: Sequence[Value] = ()) -> Row | None:
        rows = self._fetch(sql, params)
        return rows[0] if rows else None

    async def all(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        return self._fetch(sql, params)

    def _fetch(self, sql: str, params: Sequence[Value]) -> list[Row]:
        try:
            return self._cursor.execute(sql, params).fetchall()
        except FATAL as error:
            # A failure inside a transaction is judged by whoever began it.
            if not self.raw.in_transaction and not means_full(self.raw, error):
                self._on_fatal(error)
            raise

    async def run(self, sql: str, params: Sequence[Value] = ()) -> None:
        self._cursor.execute(sql, params).fetchall()

    async def many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        self._cursor.executemany(sql, rows).fetchall()

    async def lock_name(self, bucket_id: str, name: bytes) -> None:
        """Nothing to do: there is one writer at a time."""


def _drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that awaits nothing but a `_Connection`, which never suspends it."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast(T, stop.value)
    coroutine.close()
    raise CatalogError("A change awaited something other than its transaction.")


class _Write:
    """A change on its way through the writer thread."""

    __slots__ = ("change", "error", "future", "grows", "result", "size_bytes")

    def __init__(self, change: Change[Any], future: asyncio.Future[Any], size_bytes: int, *, grows: bool) -> None:
        self.change = change
        self.future = future
        self.size_bytes = size_bytes
        self.grows = grows
        self.result: Any = None
        self.error: BaseException | None = None


class SQLiteCatalog:
    """The catalog in one SQLite file. See `contract.Catalog` for what it promises."""

    inline_max_bytes = limits.INLINE_MAX_BYTES
    reads_at_once = True

    def __init__(
        self,
        path: Path,
        *,
        on_fatal: Callable[[Exception], None],
        scan_threads: int = 2,
        reserve_bytes: int = limits.DISK_RESERVE_BYTES,
    ) -> None:
        if apsw.SQLITE_VERSION_NUMBER < OLDEST_SAFE_SQLITE:
            raise CatalogUnsafe(f"SQLite {apsw.sqlite_lib_version()} is too old; 3.51.3 is the oldest that is safe.")
        self._path = path
        self._on_fatal = on_fatal
        self._reserve_bytes = reserve_bytes
        self._spare = Spare(path.with_suffix(".spare"), limits.DISK_SPARE_BYTES)
        self._lock_fd = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._reader: _Connection | None = None
        self._scan_connections: list[_Connection] = []
        self._scans = ThreadPoolExecutor(scan_threads, thread_name_prefix="catalog-scan")
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._wal_pages = 0
        self._is_wal_named = False  # Whether the name of the WAL is durable.

    # -- Reading ------------------------------------------------------------------------------------------------------
    @property
    def rows(self) -> Rows:
        if self._reader is None:
            self._reader = self._connect()
        return self._reader

    async def scan(self, query: Query[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._scans, self._scan, query)

    def _scan(self, query: Query[T]) -> T:
        try:
            connection = self._scan_connections.pop()
        except IndexError:
            connection = self._connect()
        try:
            connection.raw.execute("BEGIN")
            try:
                return _drive(cast("Coroutine[Any, Any, T]", query(connection)))
            finally:
                connection.raw.execute("COMMIT")
        except FATAL as error:
            if not means_full(connection.raw, error):
                self._on_fatal(error)
            raise
        finally:
            self._scan_connections.append(connection)

    async def check(self) -> None:
        try:
            await self.rows.one("SELECT schema_version FROM catalog_schema")
        except apsw.Error as error:
            raise CatalogError(f"The catalog cannot be read: {error}") from error

    # -- Writing ------------------------------------------------------------------------------------------------------
    async def write(self, change: Change[T], *, size_bytes: int = 0, grows: bool = False) -> T:
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_groups, name="catalog-writer", daemon=True)
            self._writer.start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(_Write(change, future, size_bytes, grows=grows))
        try:
            return await future
        finally:
            del future  # An error that it holds has this frame in its traceback: see `_tell`.

    def _write_groups(self) -> None:
        connection: _Connection | None = None
        while (write := self._queue.get()) is not None:
            group = [write]
            try:
                connection = connection or self._connect_writer()
                fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
                try:
                    self._commit_group(connection, group)
                    self._checkpoint_if_due(connection)
                finally:
                    fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
            except CatalogFull as error:  # There is no connection yet: the next write tries again.
                write.error = error
            except (OSError, apsw.Error) as error:
                self._on_fatal(error)
                for failed in group:
                    failed.error = CatalogError(f"The catalog failed: {error}")
            group[0].future.get_loop().call_soon_threadsafe(_tell, group)
            time.sleep(TURN_PAUSE_S)
        if connection is not None:
            connection.raw.close()

    def _connect_writer(self) -> _Connection:
        connection = self._connect()
        connection.raw.set_wal_hook(self._note_wal_pages)
        return connection

    def _commit_group(self, connection: _Connection, group: list[_Write]) -> None:
        """Commit the write that is in the group, and with it those that wait; they are put into the group."""
        raw = connection.raw
        write = group[0]
        if not self._is_wal_named:  # It is there since the connection was made, and stays while this process has one.
            _sync_directory(self._path.parent)
            self._is_wal_named = True
        try:
            raw.execute("BEGIN IMMEDIATE")
            deadline = time.monotonic() + limits.GROUP_COMMIT_MAX_S
            size_bytes = 0
            below_reserve = self._is_below_reserve()
            if not below_reserve:
                self._spare.keep()
            while True:
                if write.grows and below_reserve:
                    write.error = CatalogFull("Less than the reserve is left on the disk of the catalog.")
                else:
                    _apply(connection, write, first=len(group) == 1)
                size_bytes += write.size_bytes
                if (
                    len(group) >= limits.GROUP_COMMIT_MAX_WRITES
                    or size_bytes >= limits.GROUP_COMMIT_MAX_BYTES
                    or time.monotonic() >= deadline
                ):
                    break
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:  # Closing: this group is the last.
                    self._queue.put(None)
                    break
                write = following
                group.append(write)
            raw.execute("COMMIT")
        except (apsw.FullError, apsw.BusyError, apsw.IOError) as error:
            full = means_full(raw, error)
            if not full and not isinstance(error, apsw.BusyError):
                raise
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            for failed in group:
                failed.error = (
                    CatalogFull("The disk of the catalog is full.") if full else CatalogError("The catalog is locked.")
                )
            if full and self._spare.give_up():
                _commit_without_growth(connection, [failed for failed in group if not failed.grows])

    def _is_below_reserve(self) -> bool:
        space = os.statvfs(self._path.parent)
        return space.f_bavail * space.f_frsize < self._reserve_bytes

    def _note_wal_pages(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint_if_due(self, connection: _Connection) -> None:
        if self._wal_pages < CHECKPOINT_PAGES:
            return
        mode = apsw.SQLITE_CHECKPOINT_PASSIVE
        if self._wal_pages >= TRUNCATE_PAGES:
            mode = apsw.SQLITE_CHECKPOINT_TRUNCATE
        try:
            connection.raw.wal_checkpoint(mode=mode)
        except (apsw.BusyError, apsw.LockedError):
            return  # Readers hold the WAL: a later commit tries again, nothing is lost meanwhile.
        except (apsw.FullError, apsw.IOError) as error:
            if not means_full(connection.raw, error):  # Where it is, the WAL stays as it is until there is room.
                raise

    # -- Life ---------------------------------------------------------------------------------------------------------
    def _connect(self, *, may_repeat: bool = True) -> _Connection:
        """A connection of this process. Raises `CatalogFull` where there is no room for the log, which the first one makes."""
        raw: apsw.Connection | None = None
        try:
            raw = opened(self._path)
            return _Connection(_configured(raw), self._on_fatal)
        except apsw.Error as error:
            has_no_room = self._has_no_room(raw, error)
            if raw is not None:
                raw.close()
            if has_no_room:
                raise CatalogFull("The disk of the catalog is full.") from error
            if may_repeat and isinstance(error, apsw.CantOpenError):  # Perhaps there was no room, and now there is.
                return self._connect(may_repeat=False)
            if isinstance(error, FATAL):
                self._on_fatal(error)
            raise

    def _has_no_room(self, raw: apsw.Connection | None, error: apsw.Error) -> bool:
        """Whether a connection failed for lack of room. Of a file that SQLite could not make, it does not tell why."""
        if raw is not None and means_full(raw, error):
            return True
        return isinstance(error, apsw.CantOpenError) and takes_no_file(self._path.parent)

    async def migrate(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._scans, self._migrate)

    def _migrate(self) -> None:
        fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
        try:
            raw: apsw.Connection | None = None
            try:
                raw = opened(self._path)
                apply_deltas(_configured(raw))
            except apsw.Error as error:
                if self._has_no_room(raw, error):
                    raise CatalogFull(
                        f"The disk is full: {self._path.parent} has no room for {self._path.name}"
                    ) from error
                if isinstance(error, FATAL):
                    raise
                raise CatalogError(f"The catalog cannot be opened: {error}") from error
            finally:
                if raw is not None:
                    raw.close()
            _sync_directory(self._path.parent)
        except (OSError, *FATAL) as error:
            self._on_fatal(error)
            raise CatalogError(f"The catalog failed: {error}") from error
        finally:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)

    async def close(self) -> None:
        if self._writer is not None:
            self._queue.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._writer.join)
            self._writer = None
        self._scans.shutdown()
        for connection in [*self._scan_connections, self._reader]:
            if connection is not None:
                connection.raw.close()
        self._scan_connections.clear()
        self._reader = None
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1


def _apply(connection: _Connection, write: _Write, *, first: bool) -> None:
    """Run one change of a group. What it refuses by itself is undone and noted; what breaks the group is raised.

    The first needs no savepoint, which costs a copy of every page that is changed behind it: undoing it undoes everything,
    and the transaction begins anew. So one that comes alone has none.
    """
    raw = connection.raw
    if not first:
        raw.execute("SAVEPOINT change")
    try:
        write.result = _drive(cast("Coroutine[Any, Any, Any]", write.change(connection)))
    except Exception as error:
        if isinstance(error, GROUP_FAILURES) or not raw.in_transaction:
            raise
        write.error = error
    if first:
        if write.error is not None:
            raw.execute("ROLLBACK")
            raw.execute("BEGIN IMMEDIATE")
        return
    if write.error is not None:
        raw.execute("ROLLBACK TO change")
    raw.execute("RELEASE change")


def _commit_without_growth(connection: _Connection, group: list[_Write]) -> None:
    """Run what stores nothing new once more, in the room that the spare has given up."""
    raw = connection.raw
    try:
        raw.execute("BEGIN IMMEDIATE")
        for number, write in enumerate(group):
            write.error = None
            _apply(connection, write, first=number == 0)
        raw.execute("COMMIT")
    except (apsw.FullError, apsw.IOError) as error:
        if not means_full(raw, error):
            raise
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        for write in group:
            write.error = CatalogFull("The disk of the catalog is full.")


def opened(path: Path) -> apsw.Connection:
    """A connection to the file, as whoever writes to it must have one: with checksums of its pages.

    For one thread at a time: SQLite takes no mutex, which it would for every column of every row.
    """
    _keep_page_checksums()
    return apsw.Connection(
        str(path), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_NOMUTEX
    )


@cache
def _keep_page_checksums() -> None:
    """Have every connection of this process check each page that it reads against a checksum at the page's end (P3).

    A page that differs is an I/O error to whoever reads it.
    """
    with closing(apsw.Connection(":memory:")) as loader:
        apsw.sqlite_extra.load(loader, "cksumvfs")


def _configured(connection: apsw.Connection) -> apsw.Connection:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
    connection.reserve_bytes(reserve=PAGE_CHECKSUM_BYTES)  # Of a file that is made now; later it says nothing new.
    # To its end, since its row comes before the mode is written: what fails then would be told to nobody.
    connection.execute("PRAGMA journal_mode=WAL").fetchall()
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-16384")
    connection.wal_autocheckpoint(0)
    # Without this, a table with a partial index has its statements prepared anew at each binding: five times slower.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    return connection


def _tell(group: list[_Write]) -> None:
    for write in group:
        if write.future.done():  # The caller was cancelled; what was committed stays.
            continue
        if write.error is not None:
            write.future.set_exception(write.error)
            # The frames of the error's traceback refer to the write; a circle would keep the caller's request in memory.
            del write.error, write.future
        else:
            write.future.set_result(write.result)


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
