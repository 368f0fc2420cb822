"""P3: one flipped bit, anywhere in a blob or in the catalog: what is found out, and what cannot be.

Blobs and what lives inline are under checksums of ours, and the catalog's pages under those of SQLite's extension, so damage
of them is always told. The frames of the log have checksums too, but SQLite takes the first one that differs for the end of
the log; a test says what that costs.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec
import pytest

from harness.asynchronous import asynchronous
from harness.clients import boto3_client
from harness.processes import wait_until
from harness.server import ServerFailed
from harness.stores import Bench, Bytes, Fatal, open_bench
from undercroft import limits
from undercroft.catalog.sqlite import PAGE_BYTES
from undercroft.store import errors
from undercroft.store.identity.principals import Principal
from undercroft.store.model import SSE_B2, Bucket, ByteRange, FileVersion, NewFile

SIZES = (0, 50, 4096, 9000, limits.INLINE_MAX_BYTES, limits.INLINE_MAX_BYTES + 1000)
NAMES = 90
LOOK_TIMEOUT_S = 30.0
FATAL_EXIT = 74


# -- What is damaged --------------------------------------------------------------------------------------------------
class Scene(NamedTuple):
    """A store at rest, and what it must answer: the content and the description of each name."""

    folder: Path
    principal: Principal
    bucket: Bucket
    contents: dict[str, bytes]
    described: dict[str, FileVersion]


def description(version: FileVersion) -> FileVersion:
    return msgspec.structs.replace(version, first_extent=None)


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Scene:
    folder = tmp_path_factory.mktemp("scene") / "data"

    async def build() -> Scene:
        async with open_bench(folder) as bench:
            files, principal, bucket = bench.store.files, bench.principal, bench.bucket
            contents = {}
            for number in range(NAMES):
                name = f"folder-{number % 3}/{'long-' * (number % 7)}name-{number:03d}"
                contents[name] = random.randbytes(SIZES[number % len(SIZES)])
                await bench.put(name, contents[name], new=NewFile("text/plain", {"number": str(number)}))
            large = await files.start_large_file(principal, bucket, "large", NewFile("a/b"))
            parts = [random.randbytes(limits.S3_PART_MIN_BYTES), random.randbytes(70_000)]
            listed = []
            for number, part in enumerate(parts, 1):
                stored = await files.upload_part(principal, bucket, large, number, Bytes(part))
                listed.append((number, stored.md5))
            await files.finish_s3(principal, bucket, large, listed)
            contents["large"] = b"".join(parts)
            bench.principal, bench.bucket = principal, bucket
            described = {name: description(await files.current(principal, bucket, name)) for name in contents}
        return Scene(folder, principal, bucket, contents, described)

    return asyncio.run(build())


def flip(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


# -- What is answered -------------------------------------------------------------------------------------------------
async def look(scene: Scene) -> Counter[str]:
    """How the store answers for each name: "same", "told", "missing", "described" otherwise, or with "wrong" bytes."""
    outcomes: Counter[str] = Counter()
    async with open_bench(scene.folder, new=False) as bench:
        bench.principal, bench.bucket = scene.principal, scene.bucket
        for name in scene.contents:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                outcomes[await _answer(bench, scene, name)] += 1
        try:
            if await bench.names() != sorted(scene.contents):
                outcomes["missing"] += 1
        except Exception:  # noqa: BLE001 - whatever it is, the caller is told.
            outcomes["told"] += 1
    return outcomes


async def _answer(bench: Bench, scene: Scene, name: str) -> str:
    try:
        version = await bench.store.files.current(bench.principal, bench.bucket, name)
        body = await bench.bytes_of(version)
    except errors.NoSuchFile:
        return "missing"
    except Exception:  # noqa: BLE001 - whatever it is, the caller is told.
        return "told"
    if body != scene.contents[name]:
        return "wrong, but shorter" if scene.contents[name].startswith(body) else "wrong"
    return "same" if description(version) == scene.described[name] else "described"


def outcomes_of(scene: Scene, bits: list[int], note: Callable[[int, Counter[str]], None]) -> None:
    """Flips each of these bits of the catalog alone, and notes how the store then answers."""
    catalog = scene.folder / "catalog.db"
    good = catalog.read_bytes()
    for bit in bits:
        flip(catalog, bit)
        try:
            note(bit, asyncio.run(look(scene)))
        except (Fatal, apsw.Error):
            note(bit, Counter(["told"]))  # It does not open at all.
        finally:
            for leftover in ("catalog.db-wal", "catalog.db-shm"):
                (scene.folder / leftover).unlink(missing_ok=True)
            catalog.write_bytes(good)


def pages(scene: Scene) -> dict[tuple[str, str], list[int]]:
    """The pages in use by what they belong to and what they are: internal, leaf or overflow."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    with closing(apsw.Connection(str(scene.folder / "catalog.db"))) as catalog:
        for name, page, kind in catalog.execute("SELECT name, pageno, pagetype FROM dbstat"):
            found[name, kind].append(page)
    return found


def some_bit(page: int) -> int:
    return ((page - 1) * PAGE_BYTES + random.randrange(PAGE_BYTES)) * 8 + random.randrange(8)


# -- Blobs ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("encryption", [None, SSE_B2])
@asynchronous
async def test_p3_every_flipped_bit_of_a_blob_is_found_before_a_byte_is_answered(tmp_path, full_size, encryption):
    async with open_bench(tmp_path) as bench:
        data = os.urandom(2 * limits.FRAME_BYTES + 5000)
        version = await bench.put("name", data, new=NewFile("a/b", encryption=encryption))
        (path,) = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
        for _ in range(20_000 if full_size else 250):
            bit = random.randrange(path.stat().st_size * 8)
            flip(path, bit)
            with pytest.raises(errors.DataCorrupt):
                await bench.bytes_of(version)
            flip(path, bit)
        assert await bench.bytes_of(version) == data


# -- The catalog's pages ----------------------------------------------------------------------------------------------
def test_p3_every_flipped_bit_of_what_lives_inline_is_told_and_concerns_one_file_alone(scene, full_size):
    overflow = pages(scene)["extents", "overflow"]
    assert len(overflow) > 100

    def note(bit: int, outcomes: Counter[str]) -> None:
        assert outcomes.keys() <= {"same", "told"}, (bit, outcomes)
        assert outcomes["told"] <= 1, (bit, outcomes)

    outcomes_of(scene, [some_bit(random.choice(overflow)) for _ in range(500 if full_size else 15)], note)


def test_p3_a_flipped_bit_in_a_page_of_the_catalog_is_told_wherever_the_page_is_read(scene, full_size, record_property):
    """Some pages lead to no file that is asked for here: then all is as it was."""
    total: Counter[str] = Counter()

    def note(bit: int, outcomes: Counter[str]) -> None:
        total.update(outcomes.keys())
        assert outcomes.keys() <= {"same", "told"}, (bit, outcomes)

    for numbers in pages(scene).values():
        outcomes_of(scene, [some_bit(random.choice(numbers)) for _ in range(30 if full_size else 1)], note)
    record_property("answers", dict(total))
    print(f"flips after which an answer was of this kind: {dict(total)}")  # noqa: T201 - the figure of the note.
    assert total["told"]


ROWS = {
    "a size that is smaller": "UPDATE versions SET size = size & ~16384 WHERE name = ?1 AND ?2",
    "a size that is larger": "UPDATE versions SET size = size | 1073741824 WHERE name = ?1 AND ?2",
    "an extent that is shorter": "UPDATE extents SET length = length & ~4096 WHERE ?1 NOT NULL AND start = 0 AND handle = ?2",
    "an extent that is longer": "UPDATE extents SET length = length | 1073741824 WHERE ?1 NOT NULL AND handle = ?2",
    "an extent that begins earlier": "UPDATE extents SET start = start & ~4096 WHERE ?1 NOT NULL AND start > 0 AND handle = ?2",
    "an extent that begins later": "UPDATE extents SET start = start | 1048576 WHERE ?1 NOT NULL AND handle = ?2",
    "an extent of another file": "UPDATE extents SET handle = (handle | 1 << 40) - (handle & 1 << 40) WHERE ?1 NOT NULL AND handle = ?2",
    "a version of another handle": "UPDATE versions SET handle = (handle | 1 << 40) - (handle & 1 << 40) WHERE name = ?1 AND ?2",
    "a place far off in the blob": "UPDATE extents SET blob_offset = blob_offset | 1 << 25 WHERE ?1 NOT NULL AND blob_id NOT NULL AND handle = ?2",
    "a blob": "UPDATE extents SET blob_id = zeroblob(16) WHERE ?1 NOT NULL AND blob_id NOT NULL AND handle = ?2",
    "a checksum": "UPDATE extents SET inline_crc32c = (inline_crc32c | 1) - (inline_crc32c & 1) WHERE ?1 NOT NULL AND inline NOT NULL AND handle = ?2",
}  # Columns with a bit flipped, of the file of name ?1 and handle ?2; each statement uses both.


async def made(bench: Bench, kind: str) -> bytes:
    """A file of this kind and name, and its bytes. Its lengths and places have the bits set that `ROWS` clears."""
    files, principal, bucket = bench.store.files, bench.principal, bench.bucket
    body = os.urandom({"inline": 0xD000, "blob": 0x35000, "parts": 0x4D5000, "range": 0x60000}[kind])
    if kind == "parts":
        large = await files.start_large_file(principal, bucket, kind, NewFile("a/b"))
        listed = []
        for number, part in enumerate((body[:0x4C5000], body[0x4C5000:]), 1):  # A blob and an inline extent.
            stored = await files.upload_part(principal, bucket, large, number, Bytes(part))
            listed.append((number, stored.md5))
        await files.finish_s3(principal, bucket, large, listed)
    elif kind == "range":
        source = await bench.put("source", body)
        await files.copy(principal, source, bucket, kind, byte_range=ByteRange(50_000, 50_000 + 0x35000 - 1))
        body = body[50_000 : 50_000 + 0x35000]
    else:
        await bench.put(kind, body)
    assert await bench.get(kind) == body
    return body


@pytest.mark.parametrize("what", ROWS)
@asynchronous
async def test_p3_a_row_that_leads_elsewhere_is_found_out(tmp_path, what):
    found_out = 0
    async with open_bench(tmp_path) as bench:
        files, principal, bucket = bench.store.files, bench.principal, bench.bucket
        for kind in ("inline", "blob", "parts", "range"):
            body = await made(bench, kind)
            handle = (await files.current(principal, bucket, kind)).file_id.handle
            with closing(apsw.Connection(str(tmp_path / "catalog.db"))) as catalog:
                catalog.execute(ROWS[what], (kind.encode(), handle))
                if not catalog.changes():
                    continue  # Files of this kind have no such column.
            version = await files.current(principal, bucket, kind)
            sent = b""
            with pytest.raises(errors.DataCorrupt):  # noqa: PT012 - what was sent until then counts.
                answer = await files.read(version, 0, version.size)
                assert not isinstance(answer, bytes), f"{kind} is answered in one piece"
                async for block in answer:
                    sent += block
            assert body.startswith(sent), f"wrong bytes of {kind} left before the damage was found"
            with pytest.raises(errors.StoreError):  # A copy of a range has its extents cut, and finds it out as well.
                await files.copy(principal, version, bucket, "copy", byte_range=ByteRange(0, version.size - 2))
            assert "copy" not in await bench.names()
            found_out += 1
    assert found_out


# -- The catalog's log ------------------------------------------------------------------------------------------------
COMMITS = 30


def test_a_flipped_bit_in_the_log_costs_only_commits_from_it_on_and_none_in_part(tmp_path, full_size):
    """SQLite reads its log up to the first frame that differs from its checksum, and believes that a power cut ended it.

    What was committed behind that place, and not checkpointed, is lost without a word: it cannot be told from a write that
    was never acknowledged. Nothing is served in part, and nothing else is lost.
    """

    async def build() -> tuple[Scene, bytes, bytes]:
        async with open_bench(tmp_path / "data") as bench:
            contents = {}
            for number in range(COMMITS):
                contents[f"name-{number:03d}"] = os.urandom(SIZES[number % 5])
                await bench.put(f"name-{number:03d}", contents[f"name-{number:03d}"])
            database, log = ((tmp_path / "data" / name).read_bytes() for name in ("catalog.db", "catalog.db-wal"))
            return Scene(tmp_path / "data", bench.principal, bench.bucket, contents, {}), database, log

    scene, database, log = asyncio.run(build())
    lost_sometimes = 0

    async def check() -> int:
        async with open_bench(scene.folder, new=False) as bench:
            bench.principal, bench.bucket = scene.principal, scene.bucket
            names = await bench.names()
            assert names == sorted(scene.contents)[: len(names)], "a commit is there without one before it"
            for name in names:
                assert await bench.get(name) == scene.contents[name]
            await bench.put("written after it", b"on it goes")
            return COMMITS - len(names)

    for _ in range(200 if full_size else 15):
        for leftover in scene.folder.glob("catalog.db*"):
            leftover.unlink()
        (scene.folder / "catalog.db").write_bytes(database)
        (scene.folder / "catalog.db-wal").write_bytes(log)
        flip(scene.folder / "catalog.db-wal", random.randrange(len(log) * 8))
        lost_sometimes += asyncio.run(check()) > 0
    assert lost_sometimes


# -- A real server ----------------------------------------------------------------------------------------------------
def damage_magic(folder: Path) -> None:
    flip(folder / "catalog.db", 3)


def damage_root_of(table: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        with closing(apsw.Connection(str(folder / "catalog.db"))) as catalog:
            page = catalog.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).get
        flip(folder / "catalog.db", (page - 1) * PAGE_BYTES * 8 + 6)  # Its first byte says what kind of page it is.

    return damage


def damage_rows_of_files(folder: Path) -> None:
    """The number of cells of a page says more than there is room for."""
    with closing(apsw.Connection(str(folder / "catalog.db"))) as catalog:
        page = catalog.execute("SELECT max(pageno) FROM dbstat WHERE name = 'files' AND pagetype = 'leaf'").get
    with (folder / "catalog.db").open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES + 3)
        cells = struct.unpack(">H", file.read(2))[0] ^ 0x4000
        file.seek((page - 1) * PAGE_BYTES + 3)
        file.write(struct.pack(">H", cells))


DAMAGES = {
    "the header page": damage_magic,
    "the page of accounts": damage_root_of("accounts"),
    "the root of the versions": damage_root_of("versions"),
    "a leaf of the visible names": damage_rows_of_files,
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_server_with_a_broken_catalog_stops_with_the_code_of_storage_and_serves_no_other_bytes(make_server, what):
    server = make_server("--workers", "2").start()
    bodies = {f"name-{number}": os.urandom(3000) for number in range(20)}
    s3 = boto3_client(server)
    s3.create_bucket(Bucket="broken")
    for name, body in bodies.items():
        s3.put_object(Bucket="broken", Key=name, Body=body)
    server.stop()
    DAMAGES[what](server.data_dir)
    try:
        server.start()
    except ServerFailed as refusal:
        assert "storage" in str(refusal) or "could not be prepared" in str(refusal)  # noqa: PT017 - it need not come.
        return
    s3 = boto3_client(server, retries={"total_max_attempts": 1}, read_timeout=20)
    for name, body in bodies.items():
        with suppress(Exception):
            assert s3.get_object(Bucket="broken", Key=name)["Body"].read() == body, "other bytes"
    with suppress(Exception):
        s3.list_objects_v2(Bucket="broken")
    wait_until(lambda: server.exit_code() is not None, "it goes on with a broken catalog")
    assert server.exit_code() == FATAL_EXIT
    assert "storage_failed" in server.log_tail()
