"""The SQLite driver: one file in WAL mode, one writer thread a process, group commit.

Point reads run on the event loop, where they cost less than handing them to a thread. Scans run in threads on
connections of their own. Writes go to one thread that commits them in groups with a single fsync; a savepoint around
each keeps one's failure from the others. Processes take turns at writing by a file lock, since SQLite's own waiting is
neither fair nor quick.

What makes a commit durable, in order:

1. the file lock is taken, so that no other process writes;
2. BEGIN IMMEDIATE; each change between SAVEPOINT and RELEASE;
3. COMMIT, which with `synchronous=FULL` returns after the WAL is fsynced;
4. a checkpoint, when the WAL is long, still under the lock;
5. the lock is released, and only then are the waiting callers told.

An I/O error of the catalog is never retried: `on_fatal` is called, which ends the server (P12).
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw

from undercroft import limits
from undercroft.catalog.contract import (
    CatalogError,
    CatalogFull,
    CatalogTooNew,
    CatalogUnsafe,
    Change,
    Query,
    Row,
    Rows,
    Value,
)
from undercroft.catalog.schema import COMPATIBLE_VERSION, DELTAS, SCHEMA_VERSION
from undercroft.catalog.spare import Spare

T = TypeVar("T")

OLDEST_SAFE_SQLITE = 3051003  # Before 3.51.3, resetting the WAL could race between processes.
PAGE_BYTES = 4096  # A body of 4 KiB then takes one overflow page, and a commit writes little else.
BUSY_TIMEOUT_MS = 10_000
CHECKPOINT_PAGES = 2_000
TRUNCATE_PAGES = 32_000
TURN_PAUSE_S = 0.00005  # Long enough for a process that waits for the file lock to get it.

# What says that the engine itself is broken, and not the statement.
_FATAL = (apsw.IOError, apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.NoMemError)
# What ends the whole group, and not only the change at which it showed.
_GROUP_FAILURES = (*_FATAL, apsw.FullError, apsw.BusyError)

_TYPES = {"BYTES": "BLOB", "BIG": "INTEGER", "CLUSTERED": "WITHOUT ROWID"}


class _Connection:
    """Rows and Transaction over one apsw connection; nothing in it ever suspends."""

    def __init__(self, connection: apsw.Connection, on_fatal: Callable[[Exception], None]) -> None:
        self.raw = connection
        self._on_fatal = on_fatal

    async def one(self, sql: str, params: Sequence[Value] = ()) -> Row | None:
        rows = self._fetch(sql, params)
        return rows[0] if rows else None

    async def all(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        return self._fetch(sql, params)

    def _fetch(self, sql: str, params: Sequence[Value]) -> list[Row]:
        try:
            return self.raw.execute(sql, params).fetchall()
        except _FATAL as error:
            # A failure inside a transaction is judged by whoever began it.
            if not self.raw.in_transaction and not _means_full(self.raw, error):
                self._on_fatal(error)
            raise

    async def run(self, sql: str, params: Sequence[Value] = ()) -> None:
        self.raw.execute(sql, params).fetchall()

    async def many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        self.raw.executemany(sql, rows).fetchall()

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
        except _FATAL as error:
            if not _means_full(connection.raw, error):
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
        return await future

    def _write_groups(self) -> None:
        connection = self._connect()
        connection.raw.set_wal_hook(self._note_wal_pages)
        while (write := self._queue.get()) is not None:
            group: list[_Write] = []
            try:
                fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
                try:
                    self._commit_group(connection, write, group)
                    self._checkpoint_if_due(connection)
                finally:
                    fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
            except (OSError, apsw.Error) as error:
                self._on_fatal(error)
                for failed in group:
                    failed.error = CatalogError(f"The catalog failed: {error}")
            group[0].future.get_loop().call_soon_threadsafe(_tell, group)
            time.sleep(TURN_PAUSE_S)
        connection.raw.close()

    def _commit_group(self, connection: _Connection, write: _Write, group: list[_Write]) -> None:
        raw = connection.raw
        group.append(write)
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
                    _apply(connection, write)
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
            full = _means_full(raw, error)
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
        except (apsw.BusyError, apsw.LockedError, apsw.FullError):
            return  # Readers hold the WAL, or the disk is full: a later commit tries again, nothing is lost meanwhile.

    # -- Life ---------------------------------------------------------------------------------------------------------
    def _connect(self) -> _Connection:
        try:
            return _Connection(_opened(self._path), self._on_fatal)
        except _FATAL as error:
            self._on_fatal(error)
            raise

    async def migrate(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._scans, self._migrate)

    def _migrate(self) -> None:
        fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
        try:
            raw = self._connect().raw
            raw.execute(
                "CREATE TABLE IF NOT EXISTS catalog_schema (schema_version INTEGER NOT NULL, compatible INTEGER NOT NULL)"
            )
            found = raw.execute("SELECT schema_version, compatible FROM catalog_schema").fetchall()
            version, compatible = cast("tuple[int, int]", found[0]) if found else (0, 0)
            if compatible > SCHEMA_VERSION:
                raise CatalogTooNew(
                    f"This data was written by a newer release (schema {version}); this one knows schema {SCHEMA_VERSION}."
                )
            for number in range(version + 1, SCHEMA_VERSION + 1):
                with raw:
                    for statement in DELTAS[number - 1]:
                        raw.execute(statement.format(**_TYPES))
                    raw.execute("DELETE FROM catalog_schema")
                    raw.execute("INSERT INTO catalog_schema VALUES (?1, ?2)", (number, COMPATIBLE_VERSION))
            raw.close()
            _sync_directory(self._path.parent)
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


def _apply(connection: _Connection, write: _Write) -> None:
    """Run one change of a group. What it refuses by itself is undone and noted; what breaks the group is raised."""
    raw = connection.raw
    raw.execute("SAVEPOINT change")
    try:
        write.result = _drive(cast("Coroutine[Any, Any, Any]", write.change(connection)))
    except Exception as error:
        if isinstance(error, _GROUP_FAILURES) or not raw.in_transaction:
            raise
        write.error = error
    if write.error is not None:
        raw.execute("ROLLBACK TO change")
    raw.execute("RELEASE change")


def _commit_without_growth(connection: _Connection, group: list[_Write]) -> None:
    """Run what stores nothing new once more, in the room that the spare has given up."""
    raw = connection.raw
    try:
        raw.execute("BEGIN IMMEDIATE")
        for write in group:
            write.error = None
            _apply(connection, write)
        raw.execute("COMMIT")
    except apsw.FullError:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        for write in group:
            write.error = CatalogFull("The disk of the catalog is full.")


def _opened(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode=WAL")
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
        else:
            write.future.set_result(write.result)


def _means_full(raw: apsw.Connection, error: apsw.Error) -> bool:
    """Whether the engine failed for lack of room; a used-up quota comes as an I/O error with its errno."""
    return isinstance(error, apsw.FullError) or (
        isinstance(error, apsw.IOError) and raw.system_errno in (errno.ENOSPC, errno.EDQUOT)
    )


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
