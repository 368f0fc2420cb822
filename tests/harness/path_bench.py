"""The bench on which the write paths of the store are tried: what a path is, its data directory, and its opening.

A path is tried on a copy of a prepared data directory, which is laid out as a server's. Whatever happens to the operation,
the store must afterwards be as before it or as after it, as `picture_of` tells: after it where it was acknowledged, before
it where it was refused, and either where nobody knows.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager, nullcontext
from enum import Enum
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from argon2 import PasswordHasher

from harness.promises import BUCKET, OWNER, Picture, picture_of
from harness.stores import Bench, SetClock, open_as_it_is, open_bench, raise_fatal
from undercroft import limits
from undercroft.catalog import sqlite, sqlite_deltas
from undercroft.store.identity import accounts

BLOB_MAX_BYTES = 512 * limits.KIB
NEWER_DELTA = (
    "CREATE TABLE of_tomorrow (handle {BIG} PRIMARY KEY, name {BYTES} NOT NULL) {CLUSTERED}",
    "INSERT INTO of_tomorrow SELECT handle, name FROM versions",
    "ALTER TABLE buckets ADD COLUMN shade TEXT NOT NULL DEFAULT 'none'",
    "UPDATE buckets SET shade = 'blue'",
)


class Phase(Enum):
    """What of a path writes: opening the store, the operation, or closing it."""

    OPENING = "opening"
    RUNNING = "running"
    CLOSING = "closing"


Watch = Callable[[Phase], AbstractContextManager[object]]


async def nothing(_bench: Bench) -> None:
    """What a path does that needs no preparation, or writes as it is opened."""


class WritePath(NamedTuple):
    """One way of writing. `prepare` makes the state that it needs; that `run` returns is the acknowledgement.

    `phase` is where the writing happens that is to be broken. `checkpoints` are the pages of the log from which on the
    catalog copies it to the database and cuts it. `is_new` begins with an empty directory, `is_newer` opens with a program
    that knows one more delta of the schema. One that `may_stop_midway` takes several steps, so that an error does not say
    how far it came. One that `writes_keys` changes the file of the master key.
    """

    name: str
    run: Callable[[Bench], Awaitable[object]]
    prepare: Callable[[Bench], Awaitable[object]] = nothing
    phase: Phase = Phase.RUNNING
    checkpoints: tuple[int, int] = (sqlite.CHECKPOINT_PAGES, sqlite.TRUNCATE_PAGES)
    is_new: bool = False
    is_newer: bool = False
    may_stop_midway: bool = False
    writes_keys: bool = False


async def prepare(path: WritePath, folder: Path) -> None:
    """Make the data directory with which a path begins, in a folder that is not there yet. `clone` copies it."""
    if path.is_new:
        await asyncio.to_thread(folder.mkdir)
        return
    with _as_configured(path._replace(is_newer=False)):
        await _prepare(path, folder)


async def _prepare(path: WritePath, folder: Path) -> None:
    async with open_bench(folder, clock=SetClock()) as bench:
        await bench.put("kept", b"an older version")
        await bench.put("kept-blob", bytes(range(256)) * 800)
        bench.clock.ms += 1000
        await path.prepare(bench)


def clone(prepared: Path, folder: Path) -> None:
    """Make the folder a copy of a data directory; quickest where it was one. Blobs, which never change, are linked."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for entry in folder.iterdir():
        if entry.is_file():
            entry.unlink()
        elif not (prepared / entry.name).exists():
            shutil.rmtree(entry)
    for entry in prepared.iterdir():
        if entry.is_file():
            shutil.copy2(entry, folder)
    wanted, found = ({str(blob.relative_to(top)) for blob in top.glob("blobs/*/*")} for top in (prepared, folder))
    for name in found - wanted:
        (folder / name).unlink()
    for name in wanted - found:
        (folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / name).hardlink_to(prepared / name)


@asynccontextmanager
async def opened(
    path: WritePath,
    folder: Path,
    *,
    on_fatal: Callable[[Exception], None] = raise_fatal,
    watched: Watch = lambda _phase: nullcontext(),
) -> AsyncIterator[Bench]:
    """The store of a path's data directory; `watched(phase)` is entered around opening and closing.

    The bench has a principal and a bucket, unless the directory is new.
    """
    with _as_configured(path), ExitStack() as watch:
        watch.enter_context(watched(Phase.OPENING))
        clock = SetClock()
        clock.ms += 2000
        async with open_as_it_is(
            folder, clock, on_fatal=on_fatal, max_blob_bytes=BLOB_MAX_BYTES, thread_count=2
        ) as bench:
            watch.close()
            if not path.is_new:
                await find_owner(bench)
            yield bench
            watch.enter_context(watched(Phase.CLOSING))


async def find_owner(bench: Bench) -> None:
    """Give the bench the principal and the bucket that every prepared directory has."""
    bench.principal = await bench.store.identity.accounts.operator(OWNER)
    bench.bucket = await bench.store.buckets.find(name=BUCKET)


async def pictures(
    path: WritePath, prepared: Path, work: Path, *, watched: Watch = lambda _phase: nullcontext()
) -> tuple[Picture, Picture]:
    """What the store holds before and after the operation when nothing fails. `work` is a folder to use.

    Where the opening makes everything there is nothing before. `watched(phase)` is entered around each phase of the operation.
    """
    clone(prepared, work)
    before: Picture = {}
    if not (path.is_new and path.phase is Phase.OPENING):
        async with opened(path._replace(is_newer=False), work) as bench:
            before = await picture_of(bench)
    async with opened(path, work, watched=watched) as bench:
        with watched(Phase.RUNNING):
            await path.run(bench)
        after = await picture_of(bench)
    return before, after


@contextmanager
def _as_configured(path: WritePath) -> Iterator[None]:
    checkpoint, truncate = path.checkpoints
    with ExitStack() as stack:
        set_ = lambda module, name, value: stack.enter_context(patch.object(module, name, value))
        set_(sqlite, "CHECKPOINT_PAGES", checkpoint)
        set_(sqlite, "TRUNCATE_PAGES", truncate)
        set_(accounts, "hash_password", _hash_password)
        if path.is_newer:
            set_(sqlite_deltas, "DELTAS", (*sqlite_deltas.DELTAS, NEWER_DELTA))
            set_(sqlite_deltas, "SCHEMA_VERSION", sqlite_deltas.SCHEMA_VERSION + 1)
        yield


async def _hash_password(password: str) -> str:
    """As the real one, which is slow on purpose and writes nothing."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)
