"""The conformance suite of blobs: what every driver must do, whatever it keeps the bytes on.

Long, because a seam has one suite: a driver passes this file or is none.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness.asynchronous import asynchronous
from harness.faulty_disk import FaultyDisk
from undercroft import limits
from undercroft.blobs import framing
from undercroft.blobs.contract import (
    BLOB_ID_BYTES,
    BlobCorrupt,
    BlobIOError,
    BlobMissing,
    Blobs,
    BlobsBusy,
    BlobTooLarge,
    BlobWriter,
    NoSpace,
)
from undercroft.blobs.local import LocalBlobs

FRAME = limits.FRAME_BYTES
MIB = limits.MIB
MAX_BLOB_BYTES = 4 * MIB
KEY = bytes(range(32))
KEYS = (None, KEY)


class LocalDriver:
    """Blobs on a local disk, and the way to them behind the driver's back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk = FaultyDisk()

    def make(self, *, open_max: int = limits.OPEN_BLOBS_MAX, max_blob_bytes: int = MAX_BLOB_BYTES) -> Blobs:
        return LocalBlobs(
            self.folder / "blobs", on_fatal=print, disk=self.disk, max_blob_bytes=max_blob_bytes, open_max=open_max
        )

    def read_stored(self, blob_id: bytes) -> bytes:
        return self._path(blob_id).read_bytes()

    def write_stored(self, blob_id: bytes, stored: bytes) -> None:
        self._path(blob_id).write_bytes(stored)

    def fill(self) -> None:
        """Leave no room on the medium."""
        self.disk.free = 0

    def age(self, blob_id: bytes, by_s: float) -> None:
        """Make a blob older than it is."""
        written_s = self._path(blob_id).stat().st_mtime - by_s
        os.utime(self._path(blob_id), (written_s, written_s))

    def count_stored(self) -> int:
        return sum(1 for path in self.folder.rglob("*") if path.is_file())

    def _path(self, blob_id: bytes) -> Path:
        return self.folder / "blobs" / blob_id.hex()[:2] / blob_id.hex()


DRIVERS: dict[str, Callable[[Path], LocalDriver]] = {"local": LocalDriver}


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> LocalDriver:
    return DRIVERS[request.param](tmp_path)


@asynccontextmanager
async def running(driver: LocalDriver, **options: int) -> AsyncIterator[Blobs]:
    blobs = driver.make(**options)
    try:
        yield blobs
    finally:
        await blobs.close()


def sample(size: int) -> bytes:
    return hashlib.shake_128(size.to_bytes(8, "big")).digest(size)


async def store(blobs: Blobs, data: bytes, block: int = MIB, key: bytes | None = None) -> bytes:
    writer = await blobs.create(key)
    for start in range(0, len(data), block):
        await writer.write(memoryview(data)[start : start + block])
    await writer.finish()
    return writer.blob_id


async def load(blobs: Blobs, blob_id: bytes, block: int = MIB, key: bytes | None = None) -> bytes:
    reader = await blobs.open(blob_id, key)
    try:
        steps = range(0, reader.size, block)
        return b"".join([await reader.read(start, min(block, reader.size - start)) for start in steps])
    finally:
        reader.close()


def walked(blobs: Blobs) -> set[bytes]:
    found = [blob.blob_id for blob in blobs.walk()]
    assert len(found) == len(set(found))
    return set(found)


# -- Writing and reading ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, MIB, 3 * MIB + 12_345])
@asynchronous
async def test_a_finished_blob_has_the_bytes_that_were_written(driver, size, key):
    async with running(driver) as blobs:
        blob_id = await store(blobs, sample(size), key=key)
        assert len(blob_id) == BLOB_ID_BYTES
        assert await load(blobs, blob_id, key=key) == sample(size)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("block", [777, FRAME - 1, FRAME + 1, 300_000])
@asynchronous
async def test_the_blocks_of_writes_and_reads_do_not_matter(driver, block, key):
    data = sample(2 * FRAME + 54_321)
    async with running(driver) as blobs:
        blob_id = await store(blobs, data, block, key)
        assert await load(blobs, blob_id, block, key) == data


@asynchronous
async def test_a_writer_counts_the_bytes_that_it_was_given_whatever_it_has_written_of_them(driver):
    async with running(driver) as blobs:
        for key in KEYS:
            writer = await blobs.create(key)
            for size in (10, FRAME, 100):
                before = writer.size
                await writer.write(bytes(size))
                assert writer.size == before + size
            await writer.finish()
            assert writer.size == FRAME + 110


@asynchronous
async def test_a_blob_with_a_key_opens_with_that_key_alone(driver):
    data = b"in the clear " * 9000
    async with running(driver) as blobs:
        plain, secret = await store(blobs, data), await store(blobs, data, key=KEY)
        assert data[:100] not in driver.read_stored(secret)
        for blob_id, key in ((plain, KEY), (secret, None), (secret, bytes(32))):
            with pytest.raises(BlobCorrupt):
                await load(blobs, blob_id, key=key)


@asynchronous
async def test_what_is_stored_of_the_same_bytes_under_another_key_is_other(driver):
    async with running(driver) as blobs:
        one, other = [await store(blobs, bytes(FRAME), key=key) for key in (KEY, bytes(32))]
        start, end = 4096, 4096 + FRAME
        frames = [driver.read_stored(blob_id)[start:end] for blob_id in (one, other)]
        assert frames[0] != frames[1]


@asynchronous
async def test_a_bit_that_flips_in_an_encrypted_blob_is_found_without_and_with_the_checksum(driver):
    data = sample(2 * FRAME + 10)
    async with running(driver) as blobs:
        blob_id = await store(blobs, data, key=KEY)
        stored = driver.read_stored(blob_id)
        for at in (4096, 4096 + FRAME, 4096 + len(data) - 1, 4096 + len(data), 4096 + len(data) + 12, len(stored) - 64):
            driver.write_stored(blob_id, stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :])
            with pytest.raises(BlobCorrupt):
                await load(blobs, blob_id, key=KEY)
        # Somebody who makes the checksums right again cannot do so for the tags.
        frames = bytearray(stored[4096 : 4096 + len(data)])
        frames[5] ^= 1
        checksums = framing.FrameChecksums()
        checksums.update(memoryview(frames))
        tags = stored[4096 + len(data) + 12 : -64]
        forged = framing.pack_footer(blob_id, len(data), checksums.table(), tags)
        driver.write_stored(blob_id, stored[:4096] + bytes(frames) + forged)
        with pytest.raises(BlobCorrupt, match="does not open"):
            await load(blobs, blob_id, key=KEY)
        driver.write_stored(blob_id, stored)
        assert await load(blobs, blob_id, key=KEY) == data


@asynchronous
async def test_an_empty_write_changes_nothing(driver):
    async with running(driver) as blobs:
        writer = await blobs.create()
        for block in (b"", b"one", b"", b"two"):
            await writer.write(block)
        assert writer.size == 6
        await writer.finish()
        assert await load(blobs, writer.blob_id) == b"onetwo"


@asynchronous
async def test_a_view_of_wider_items_counts_in_bytes(driver):
    async with running(driver) as blobs:
        writer = await blobs.create()
        await writer.write(memoryview(b"12345678").cast("Q"))
        assert writer.size == 8
        await writer.discard()


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (0, 1),
        (0, FRAME),
        (FRAME - 1, 2),
        (FRAME, FRAME),
        (FRAME + 1, 3 * FRAME),
        (2 * MIB, MIB),
        (MIB - 7, MIB),
        (3 * MIB + 999, 1),
        (2 * MIB + 1000, MIB),
        (3 * MIB + 1000, 0),
        (5, 0),
    ],
)
@asynchronous
async def test_a_range_is_read_from_any_offset_to_any_end(driver, offset, length):
    data = sample(3 * MIB + 1000)
    async with running(driver) as blobs:
        for key in KEYS:
            reader = await blobs.open(await store(blobs, data, key=key), key)
            assert await reader.read(offset, length) == data[offset : offset + length]
            reader.close()


@pytest.mark.parametrize("key", KEYS)
@asynchronous
async def test_a_range_is_read_without_the_frames_around_it(driver, key):
    data = sample(3 * FRAME)
    async with running(driver) as blobs:
        blob_id = await store(blobs, data, key=key)
        stored = driver.read_stored(blob_id)
        driver.write_stored(blob_id, stored[:4096] + bytes(FRAME) + stored[4096 + FRAME :])
        reader = await blobs.open(blob_id, key)
        assert await reader.read(FRAME, FRAME + 100) == data[FRAME : 2 * FRAME + 100]
        with pytest.raises(BlobCorrupt):
            await reader.read(FRAME - 1, 2)
        reader.close()


@asynchronous
async def test_a_reader_knows_id_and_size(driver):
    async with running(driver) as blobs:
        blob_id = await store(blobs, b"12345")
        reader = await blobs.open(blob_id)
        assert (reader.blob_id, reader.size) == (blob_id, 5)
        reader.close()


@asynchronous
async def test_one_read_is_as_long_as_the_limit_and_no_longer(driver):
    data = sample(2 * MIB)
    async with running(driver) as blobs:
        reader = await blobs.open(await store(blobs, data))
        for length in (limits.BLOB_READ_MAX_BYTES - 1, limits.BLOB_READ_MAX_BYTES):
            assert await reader.read(1, length) == data[1 : 1 + length]
        with pytest.raises(AssertionError):
            await reader.read(0, limits.BLOB_READ_MAX_BYTES + 1)
        reader.close()


@asynchronous
async def test_a_blob_is_as_long_as_the_limit_and_no_longer(driver):
    async with running(driver) as blobs:
        assert blobs.max_blob_bytes == MAX_BLOB_BYTES
        for size in (MAX_BLOB_BYTES - 1, MAX_BLOB_BYTES):
            assert await load(blobs, await store(blobs, bytes(size))) == bytes(size)
        kept = walked(blobs)
        with pytest.raises(BlobTooLarge):
            await store(blobs, bytes(MAX_BLOB_BYTES + 1))
        assert walked(blobs) == kept


@asynchronous
async def test_ids_are_fresh(driver):
    async with running(driver) as blobs:
        assert len({await store(blobs, b"same") for _ in range(20)}) == 20


@asynchronous
async def test_many_blobs_are_written_and_read_at_once(driver):
    async with running(driver) as blobs:
        sizes = [1000 * n + n for n in range(1, 40)]
        ids = await asyncio.gather(*(store(blobs, sample(size), 5000) for size in sizes))
        assert await asyncio.gather(*(load(blobs, blob_id) for blob_id in ids)) == [sample(size) for size in sizes]


@asynchronous
async def test_another_driver_on_the_same_place_reads_what_one_finished(driver):
    async with running(driver) as ours, running(driver) as theirs:
        blob_id = await store(ours, b"shared")
        assert await load(theirs, blob_id) == b"shared"
        await theirs.delete(blob_id)
        with pytest.raises(BlobMissing):
            await ours.open(blob_id)


@asynchronous
async def test_a_blob_outlives_its_driver(driver):
    async with running(driver) as blobs:
        blob_id = await store(blobs, b"kept")
    async with running(driver) as blobs:
        assert await load(blobs, blob_id) == b"kept"


@asynchronous
async def test_writing_and_reading_take_no_memory_that_grows_with_the_blob(driver):
    block = bytes(MIB)
    async with running(driver, max_blob_bytes=32 * MIB) as blobs:
        tracemalloc.start()
        try:
            writer = await blobs.create()
            for _ in range(32):
                await writer.write(block)
            await writer.finish()
            reader = await blobs.open(writer.blob_id)
            for start in range(32):
                await reader.read(start * MIB, MIB)
            reader.close()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        # A thread that is not scheduled may hold its block for a moment longer.
        assert peak < (limits.BLOB_THREADS + 2.5) * MIB


# -- Unfinished blobs -------------------------------------------------------------------------------------------------
@asynchronous
async def test_a_blob_that_was_not_finished_cannot_be_opened(driver):
    async with running(driver) as blobs:
        writer = await blobs.create()
        await writer.write(sample(FRAME + 1))
        with pytest.raises((BlobMissing, BlobCorrupt)):
            await blobs.open(writer.blob_id)
        await writer.discard()


@pytest.mark.parametrize("blocks", [[], [b"x"], [b"x", b"y"]])
@asynchronous
async def test_discard_leaves_nothing_behind(driver, blocks):
    async with running(driver) as blobs:
        writer = await blobs.create()
        for block in blocks:
            await writer.write(block)
        await writer.discard()
        await writer.discard()
        with pytest.raises(BlobMissing):
            await blobs.open(writer.blob_id)
        assert driver.count_stored() == 0


@asynchronous
async def test_discard_removes_a_finished_blob_too(driver):
    async with running(driver) as blobs:
        writer = await blobs.create()
        await writer.finish()
        await writer.discard()
        await writer.discard()
        with pytest.raises(BlobMissing):
            await blobs.open(writer.blob_id)


@asynchronous
async def test_a_finished_blob_takes_no_more_bytes_and_stays_whole(driver):
    async with running(driver) as blobs:
        writer = await blobs.create()
        await writer.write(b"whole")
        await writer.finish()
        with pytest.raises(AssertionError):
            await writer.write(b"more")
        with pytest.raises(AssertionError):
            await writer.finish()
        assert await load(blobs, writer.blob_id) == b"whole"


@asynchronous
async def test_a_discarded_blob_takes_no_more_bytes(driver):
    async with running(driver) as blobs:
        writer = await blobs.create()
        await writer.discard()
        with pytest.raises(AssertionError):
            await writer.write(b"more")
        assert driver.count_stored() == 0


@pytest.mark.parametrize("step", ["write", "finish"])
@asynchronous
async def test_a_blob_whose_writer_was_cancelled_can_be_discarded(driver, step):
    async with running(driver) as blobs:
        writer = await blobs.create()
        await writer.write(sample(MIB))
        action = writer.write(sample(MIB)) if step == "write" else writer.finish()
        task = asyncio.ensure_future(action)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await writer.discard()
        assert driver.count_stored() == 0


@asynchronous
async def test_close_discards_what_was_not_finished_and_keeps_what_was(driver):
    async with running(driver) as blobs:
        done, left = await blobs.create(), await blobs.create()
        for writer in (done, left):
            await writer.write(b"x")
        await done.finish()
        reader = await blobs.open(done.blob_id)
    reader.close()
    with pytest.raises(AssertionError):
        await reader.read(0, 1)
    async with running(driver) as blobs:
        assert walked(blobs) == {done.blob_id}


# -- Deleting and walking ---------------------------------------------------------------------------------------------
@asynchronous
async def test_a_deleted_blob_is_gone_and_deleting_it_again_is_no_error(driver):
    async with running(driver) as blobs:
        kept, gone = await store(blobs, b"kept"), await store(blobs, b"gone")
        await blobs.delete(gone)
        await blobs.delete(gone)
        with pytest.raises(BlobMissing) as caught:
            await blobs.open(gone)
        assert caught.value.blob_id == gone
        assert await load(blobs, kept) == b"kept"


@asynchronous
async def test_an_open_reader_goes_on_reading_after_a_delete(driver):
    data = sample(2 * MIB)
    async with running(driver) as blobs:
        blob_id = await store(blobs, data)
        reader = await blobs.open(blob_id)
        await reader.read(0, 10)
        await blobs.delete(blob_id)
        assert await reader.read(0, MIB) + await reader.read(MIB, MIB) == data
        reader.close()
        reader.close()


@asynchronous
async def test_an_unknown_id_is_missing(driver):
    async with running(driver) as blobs:
        with pytest.raises(BlobMissing):
            await blobs.open(os.urandom(BLOB_ID_BYTES))
        await blobs.delete(os.urandom(BLOB_ID_BYTES))


@asynchronous
async def test_a_walk_finds_every_blob_once_with_its_age_and_size(driver):
    async with running(driver) as blobs:
        assert list(blobs.walk()) == []
        sizes = {await store(blobs, bytes(size)): size for size in (0, 5, FRAME, 3 * FRAME + 1)}
        found = {blob.blob_id: blob for blob in blobs.walk()}
        assert found.keys() == sizes.keys()
        ages = [blob.mtime_s for blob in found.values()]
        assert max(ages) - min(ages) < 3600
        for blob_id, size in sizes.items():
            assert size < found[blob_id].stored_bytes <= size + 8192


@asynchronous
async def test_a_renewed_blob_is_young_to_a_walk_and_one_that_is_gone_is_told_of(driver):
    async with running(driver) as blobs:
        writer = await blobs.create()
        await writer.write(b"data")
        with pytest.raises(AssertionError):
            await writer.renew()
        await writer.finish()
        (blob,) = blobs.walk()
        driver.age(writer.blob_id, 3600)
        await writer.renew()
        assert [renewed.mtime_s >= blob.mtime_s for renewed in blobs.walk()] == [True]
        assert await load(blobs, writer.blob_id) == b"data"
        await blobs.delete(writer.blob_id)
        with pytest.raises(BlobIOError):
            await writer.renew()


@asynchronous
async def test_a_walk_may_delete_what_it_finds(driver):
    async with running(driver) as blobs:
        for _ in range(30):
            await store(blobs, b"orphan")
        for blob in blobs.walk():
            await blobs.delete(blob.blob_id)
        assert walked(blobs) == set()


@asynchronous
async def test_a_walk_that_is_given_up_lets_go_of_everything(driver):
    async with running(driver) as blobs:
        await store(blobs, b"x")
        walk = blobs.walk()
        next(walk)
        del walk
        gc.collect()  # A descriptor left open would warn here, and warnings are errors.


# -- Damage -----------------------------------------------------------------------------------------------------------
@asynchronous
async def test_a_damaged_frame_is_never_served_and_the_others_are(driver):
    data = sample(4 * FRAME)
    async with running(driver) as blobs:
        blob_id = await store(blobs, data)
        stored = bytearray(driver.read_stored(blob_id))
        at = stored.index(data[2 * FRAME : 2 * FRAME + 64])
        stored[at + 100] ^= 0x10
        driver.write_stored(blob_id, bytes(stored))
        reader = await blobs.open(blob_id)
        assert await reader.read(0, 2 * FRAME) == data[: 2 * FRAME]
        assert await reader.read(3 * FRAME, FRAME) == data[3 * FRAME :]
        for offset, length in ((2 * FRAME, 1), (3 * FRAME - 1, 2), (0, 4 * FRAME)):
            with pytest.raises(BlobCorrupt) as caught:
                await reader.read(offset, length)
            assert caught.value.blob_id == blob_id
        reader.close()


@asynchronous
async def test_long_reads_find_damage_as_short_ones_do(driver):
    data = sample(2 * MIB)
    async with running(driver) as blobs:
        blob_id = await store(blobs, data)
        stored = bytearray(driver.read_stored(blob_id))
        stored[stored.index(data[-64:])] ^= 1
        driver.write_stored(blob_id, bytes(stored))
        reader = await blobs.open(blob_id)
        assert await reader.read(0, MIB) == data[:MIB]
        with pytest.raises(BlobCorrupt):
            await reader.read(MIB, MIB)
        reader.close()


@pytest.mark.parametrize("damage", ["first byte", "last byte", "emptied", "cut", "longer", "another blob"])
@asynchronous
async def test_a_blob_that_is_not_what_was_stored_cannot_be_opened(driver, damage):
    async with running(driver) as blobs:
        blob_id = await store(blobs, sample(FRAME + 1))
        stored = driver.read_stored(blob_id)
        driver.write_stored(
            blob_id,
            {
                "first byte": bytes([stored[0] ^ 1]) + stored[1:],
                "last byte": stored[:-1] + bytes([stored[-1] ^ 1]),
                "emptied": b"",
                "cut": stored[:-1000],
                "longer": stored + b"\0",
                "another blob": driver.read_stored(await store(blobs, sample(FRAME + 1))),
            }[damage],
        )
        with pytest.raises(BlobCorrupt):
            await blobs.open(blob_id)


@pytest.mark.parametrize(("offset", "length"), [(0, 101), (100, 1), (101, 0), (5000, 5)])
@asynchronous
async def test_a_range_that_the_blob_does_not_have_is_corruption(driver, offset, length):
    async with running(driver) as blobs:
        reader = await blobs.open(await store(blobs, bytes(100)))
        with pytest.raises(BlobCorrupt):
            await reader.read(offset, length)
        reader.close()


# -- Room and readiness -----------------------------------------------------------------------------------------------
@asynchronous
async def test_no_blob_is_begun_on_a_full_medium_and_deletes_still_work(driver):
    async with running(driver) as blobs:
        blob_id = await store(blobs, b"x")
    driver.fill()
    async with running(driver) as blobs:
        with pytest.raises(NoSpace) as caught:
            await blobs.create()
        assert not caught.value.fatal
        assert await load(blobs, blob_id) == b"x"
        blobs.check()
        await blobs.delete(blob_id)
        assert driver.count_stored() == 0


async def _hold_writers(blobs: Blobs, count: int) -> list[BlobWriter]:
    return [await blobs.create() for _ in range(count)]


@asynchronous
async def test_so_many_blobs_are_open_at_once_as_the_limit_says_and_no_more(driver):
    async with running(driver, open_max=3) as blobs:
        blob_id = await store(blobs, b"x")
        writers = await _hold_writers(blobs, 2)
        reader = await blobs.open(blob_id)
        with pytest.raises(BlobsBusy):
            await blobs.create()
        with pytest.raises(BlobsBusy):
            await blobs.open(blob_id)
        reader.close()
        (await blobs.open(blob_id)).close()
        await writers[0].discard()
        await writers[1].finish()
        writers += await _hold_writers(blobs, 3)
        for writer in writers:
            await writer.discard()


@asynchronous
async def test_check_passes_where_blobs_can_be_stored(driver):
    async with running(driver) as blobs:
        blobs.check()
