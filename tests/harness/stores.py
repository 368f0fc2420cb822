"""A real store over real engines in a temporary directory, with a clock that tests set."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from undercroft import keyring
from undercroft.blobs.local import LocalBlobs
from undercroft.catalog.sqlite import SQLiteCatalog
from undercroft.outgoing.contract import Visit
from undercroft.store import Store
from undercroft.store.ambient import Ambient
from undercroft.store.identity.people import NOBODY_SIGNS_UP, People
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, FileVersion, NewFile

START_MS = 1_800_000_000_000


class SetClock(Ambient):
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms


class Bytes:
    """An upload body of known bytes, in chunks of a chosen size."""

    algorithms: frozenset[str] = frozenset()

    def __init__(
        self, data: bytes, *, chunk: int = 65_536, length: int | None = -1, expected: Mapping[str, bytes] | None = None
    ) -> None:
        self.data = data
        self.length = len(data) if length == -1 else length
        self._chunk = chunk
        self._expected = expected or {}
        self.algorithms = frozenset(self._expected) - {"md5", "sha1"}

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.data), self._chunk):
            yield self.data[start : start + self._chunk]

    def expected(self) -> Mapping[str, bytes]:
        return self._expected


class Fatal(Exception):
    """What the engine calls a failure that must end the server."""


def raise_fatal(error: Exception) -> None:
    """What a store of a test does of a failure that must end the server."""
    raise Fatal(str(error)) from error


class Bench:
    """A store with an account, its principal and a bucket, and short ways to say what tests say often."""

    def __init__(self, store: Store, catalog: SQLiteCatalog, blobs: LocalBlobs, clock: SetClock) -> None:
        self.store = store
        self.catalog = catalog
        self.blobs = blobs
        self.clock = clock
        self.keyring: keyring.Keyring
        self.principal: Principal
        self.bucket: Bucket

    async def put(self, name: str, data: bytes = b"data", *, new: NewFile | None = None, **body: object) -> FileVersion:
        return await self.store.files.upload(
            self.principal, self.bucket, name, new or NewFile("text/plain"), Bytes(data, **body)
        )

    async def get(self, name: str, first: int = 0, end: int | None = None) -> bytes:
        version = await self.store.files.current(self.principal, self.bucket, name)
        return await self.bytes_of(version, first, end)

    async def bytes_of(self, version: FileVersion, first: int = 0, end: int | None = None) -> bytes:
        body = await self.store.files.read(version, first, version.size if end is None else end)
        return body if isinstance(body, bytes) else b"".join([block async for block in body])

    async def names(self, **options: object) -> list[str]:
        page = await self.store.files.list_names(self.principal, self.bucket, **{"limit": 1000, **options})
        return [row.name for row in page.rows]

    async def versions(self, **options: object) -> list[tuple[str, str]]:
        page = await self.store.files.list_versions(self.principal, self.bucket, **{"limit": 1000, **options})
        return [(row.name, row.action.name if isinstance(row, FileVersion) else "FOLDER") for row in page.rows]

    def blob_count(self) -> int:
        return sum(1 for _ in self.blobs.walk())


@asynccontextmanager
async def open_bench(
    folder: Path,
    *,
    clock: SetClock | None = None,
    new: bool = True,
    visit: Visit | None = None,
    people: People = NOBODY_SIGNS_UP,
) -> AsyncIterator[Bench]:
    """A store in the folder; `new=False` opens a second process's view of one that is there already.

    A new one is a copy of one that was made once for this test process: hashing a password is slow on purpose.
    """
    if new:
        template = await _template()
        shutil.copytree(template.folder, folder, dirs_exist_ok=True)
    async with open_as_it_is(folder, clock or SetClock(), visit=visit, people=people) as bench:
        if new:
            bench.principal, bench.bucket = template.principal, template.bucket
        yield bench


@asynccontextmanager
async def open_as_it_is(
    folder: Path,
    clock: SetClock,
    *,
    on_fatal: Callable[[Exception], None] = raise_fatal,
    visit: Visit | None = None,
    people: People = NOBODY_SIGNS_UP,
    **of_blobs: int,
) -> AsyncIterator[Bench]:
    """A store on the files of the folder, which are named as a server's are; an empty one gets an empty store.

    `visit` is its way to targets outside; it has none else. `of_blobs` are parameters of `LocalBlobs`. The bench has no principal and no bucket yet.
    """
    catalog = SQLiteCatalog(folder / "catalog.db", on_fatal=on_fatal)
    await catalog.migrate()
    blobs = LocalBlobs(folder / "blobs", on_fatal=on_fatal, **of_blobs)
    ring = keyring.load_or_create(folder / "master.key")
    store = Store(catalog, blobs, ring, ambient=clock, visit=visit, people=people)
    try:
        bench = Bench(store, catalog, blobs, clock)
        bench.keyring = ring
        yield bench
    finally:
        await store.close()


class _Template(NamedTuple):
    folder: Path
    principal: Principal
    bucket: Bucket


_made: list[_Template] = []


async def _template() -> _Template:
    if not _made:
        folder = Path(tempfile.mkdtemp(prefix="undercroft-template-"))
        atexit.register(shutil.rmtree, folder)
        async with open_as_it_is(folder, SetClock()) as bench:
            account = await bench.store.identity.accounts.create("owner@example.com", "a long password")
            principal = Principal.of_key(account.key)
            bucket = await bench.store.buckets.create(principal, "bench-bucket", "allPrivate")
        _made.append(_Template(folder, principal, bucket))
    return _made[0]


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
