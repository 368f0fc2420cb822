"""Reading blob files: from memory and from the disk, and letting go of them in every case."""

from __future__ import annotations

import asyncio
import errno
import os

import pytest

from harness.asynchronous import asynchronous
from undercroft import limits
from undercroft.blobs.contract import BlobCorrupt, BlobIOError, BlobMissing, BlobsBusy

INLINE = limits.BLOB_INLINE_READ_MAX_BYTES


async def store(blobs, data):
    writer = await blobs.create()
    await writer.write(data)
    await writer.finish()
    return writer.blob_id


@pytest.mark.parametrize(("length", "calls"), [(INLINE - 1, 1), (INLINE, 1), (INLINE + 1, 0)])
@asynchronous
async def test_short_reads_are_served_from_memory_up_to_the_limit(running, disk, length, calls):
    data = os.urandom(2 * INLINE)
    async with running() as blobs:
        reader = await blobs.open(await store(blobs, data))
        disk.calls.clear()
        assert await reader.read(1, length) == data[1 : length + 1]
        assert (disk.count("read_cached"), disk.count("read")) == (calls, 1 - calls)
        reader.close()


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EOPNOTSUPP, errno.EIO])
@asynchronous
async def test_what_is_not_in_memory_is_read_by_a_thread(running, disk, number):
    async with running() as blobs:
        reader = await blobs.open(await store(blobs, b"cold"))
        disk.calls.clear()
        disk.fail("read_cached", number)
        assert await reader.read(0, 4) == b"cold"
        assert disk.calls == ["read_cached", "read"]
        reader.close()


@asynchronous
async def test_a_reader_tells_whether_it_waited(running, disk):
    async with running() as blobs:
        reader = await blobs.open(await store(blobs, bytes(2 * INLINE)))
        assert reader.waited
        await reader.read(0, INLINE)
        assert not reader.waited
        disk.fail("read_cached", errno.EAGAIN)
        await reader.read(0, INLINE)
        assert reader.waited
        reader.close()


@pytest.mark.parametrize(
    ("offset", "length"), [(0, INLINE), (1, INLINE), (5, 10), (INLINE - 5, 10), (2 * INLINE - 9, 13)]
)
@pytest.mark.parametrize("cold", [False, True])
@asynchronous
async def test_what_is_encrypted_opens_from_memory_as_from_the_disk(running, disk, cold, offset, length):
    key, data = os.urandom(32), os.urandom(2 * INLINE + 4)
    async with running() as blobs:
        writer = await blobs.create(key)
        await writer.write(data)
        await writer.finish()
        reader = await blobs.open(writer.blob_id, key)
        disk.calls.clear()
        if cold:
            disk.fail("read_cached", errno.EAGAIN)
        assert await reader.read(offset, length) == data[offset : offset + length]
        assert disk.calls == ["read_cached", "read"][: 1 + cold]
        reader.close()


@asynchronous
async def test_a_failing_read_is_an_error_that_is_not_fatal(running, disk):
    async with running() as blobs:
        reader = await blobs.open(await store(blobs, b"x"))
        disk.fail("read_cached", errno.EIO)
        disk.fail("read", errno.EIO)
        with pytest.raises(BlobIOError) as caught:
            await reader.read(0, 1)
        assert not caught.value.fatal
        reader.close()


@pytest.mark.parametrize(
    ("call", "number", "expected"),
    [
        ("open", errno.ENOENT, BlobMissing),
        ("open", errno.EMFILE, BlobsBusy),
        ("open", errno.EACCES, BlobIOError),
        ("size", errno.EIO, BlobIOError),
        ("read", errno.EIO, BlobIOError),
    ],
)
@asynchronous
async def test_an_open_that_fails_says_why_and_holds_nothing(running, disk, call, number, expected):
    async with running(open_max=1) as blobs:
        blob_id = await store(blobs, b"x")
        disk.fail(call, number)
        for _ in range(2):
            disk.fail(call, number)
            with pytest.raises(expected):
                await blobs.open(blob_id)
        (await blobs.open(blob_id)).close()


@asynchronous
async def test_a_link_or_a_directory_in_place_of_a_blob_is_refused(running, root, files):
    async with running() as blobs:
        blob_id = await store(blobs, b"x")
        path = files()[0]
        path.rename(root / "elsewhere")
        path.symlink_to(root / "elsewhere")
        with pytest.raises(BlobIOError, match="ELOOP"):
            await blobs.open(blob_id)
        path.unlink()
        path.mkdir()
        with pytest.raises(BlobIOError, match="EISDIR"):
            await blobs.open(blob_id)


@pytest.mark.parametrize("length", [1, INLINE + 1])
@asynchronous
async def test_a_blob_that_is_cut_off_while_it_is_open_is_corrupt(running, files, length):
    async with running() as blobs:
        reader = await blobs.open(await store(blobs, bytes(2 * INLINE)))
        os.truncate(files()[0], 5000)
        with pytest.raises(BlobCorrupt, match="cut off"):
            await reader.read(0, length)
        reader.close()


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1)])
@asynchronous
async def test_a_negative_range_is_a_mistake_of_the_caller(running, offset, length):
    async with running() as blobs:
        reader = await blobs.open(await store(blobs, b"xyz"))
        with pytest.raises(AssertionError):
            await reader.read(offset, length)
        reader.close()


# -- Closing ----------------------------------------------------------------------------------------------------------


async def until_closed(blobs, disk):
    """Threads take their work in order: with one thread, a call that returns comes after all earlier ones."""
    await blobs.delete(bytes(16))
    return disk.count("close")


@asynchronous
async def test_a_reader_closes_at_once_while_the_file_has_a_name(running, disk):
    async with running(thread_count=1) as blobs:
        reader = await blobs.open(await store(blobs, b"x"))
        disk.calls.clear()
        reader.close()
        reader.close()
        assert disk.calls == ["is_named", "close"]


@asynchronous
async def test_closing_a_deleted_blob_is_left_to_a_thread_since_its_blocks_are_freed_then(running, disk):
    async with running(thread_count=1) as blobs:
        blob_id = await store(blobs, b"x")
        reader = await blobs.open(blob_id)
        await blobs.delete(blob_id)
        disk.calls.clear()
        reader.close()
        assert disk.calls == ["is_named"]
        assert await until_closed(blobs, disk) == 1


@asynchronous
async def test_closing_never_fails(running, disk):
    async with running(thread_count=1) as blobs:
        reader = await blobs.open(await store(blobs, b"x"))
        disk.calls.clear()
        disk.fail("is_named", errno.EIO)
        disk.fail("close", errno.EIO)
        reader.close()
        assert await until_closed(blobs, disk) == 1


@asynchronous
async def test_a_reader_closes_after_the_read_that_a_cancellation_left_running(running, disk):
    async with running(thread_count=2) as blobs:
        reader = await blobs.open(await store(blobs, bytes(2 * INLINE)))
        hold = disk.hold("read")
        disk.calls.clear()
        task = asyncio.ensure_future(reader.read(0, 2 * INLINE))
        await asyncio.to_thread(hold.entered.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        reader.close()
        assert disk.count("close") == 0
        hold.release()
        await reader.abandon()
        assert disk.calls == ["read", "close"]


@asynchronous
async def test_a_read_after_a_cancelled_one_waits_for_it_in_a_thread(running, disk):
    async with running() as blobs:
        reader = await blobs.open(await store(blobs, bytes(2 * INLINE)))
        hold = disk.hold("read")
        task = asyncio.ensure_future(reader.read(0, 2 * INLINE))
        await asyncio.to_thread(hold.entered.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        disk.calls.clear()
        again = asyncio.ensure_future(reader.read(0, 10))
        await asyncio.sleep(0)
        assert disk.calls == []
        hold.release()
        assert await again == bytes(10)
        reader.close()


@asynchronous
async def test_an_open_that_is_cancelled_leaves_no_file_open(running, disk):
    async with running(thread_count=2) as blobs:
        blob_id = await store(blobs, b"x")
        disk.calls.clear()
        hold = disk.hold("size")
        task = asyncio.ensure_future(blobs.open(blob_id))
        await asyncio.to_thread(hold.entered.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        hold.release()
    assert disk.count("close") == 1


@asynchronous
async def test_an_open_that_is_cancelled_before_it_began_opens_nothing(running, disk):
    async with running() as blobs:
        blob_id = await store(blobs, b"x")
        disk.calls.clear()
        task = asyncio.ensure_future(blobs.open(blob_id))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert disk.calls == []
