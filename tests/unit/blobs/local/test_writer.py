"""Writing blob files: the order of steps, and what is left when one of them fails."""

from __future__ import annotations

import asyncio
import errno

import pytest

from harness.asynchronous import asynchronous
from undercroft import limits
from undercroft.blobs import framing
from undercroft.blobs.contract import BlobIOError, BlobsBusy, NoSpace

ID = bytes(range(16))
ENOUGH = bytes(limits.BLOB_STAGING_BYTES)  # Less than this is written at the end.


@asynchronous
async def test_a_blob_is_written_then_its_file_synced_then_its_directory_synced(running, disk):
    async with running() as blobs:
        writer = await blobs.create()
        await writer.write(b"x")
        await writer.finish()
    wanted = ["free_bytes", "create", "end_direct", "write", "sync_file", "sync_directory", "is_named", "close"]
    assert disk.calls == wanted


@asynchronous
async def test_nothing_is_written_behind_a_sync(running, disk, files):
    async with running() as blobs:
        writer = await blobs.create()
        await writer.write(b"x")
        hold = disk.hold("sync_file")
        finish = asyncio.ensure_future(writer.finish())
        await asyncio.to_thread(hold.entered.wait)
        assert files()[0].stat().st_size == framing.stored_bytes(1)
        assert not finish.done()
        hold.release()
        await finish


@asynchronous
async def test_a_file_is_for_its_owner_alone_and_lies_in_the_folder_of_its_first_byte(running, root):
    async with running(random_bytes=lambda length: ID[:length]) as blobs:
        await (await blobs.create()).finish()
        path = root / "00" / ID.hex()
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == root.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("at_most", [1000, 4096, 4097, 70_000])
@asynchronous
async def test_a_disk_that_takes_only_some_bytes_is_given_the_rest(running, disk, at_most):
    data = bytes(range(256)) * 512
    disk.writes_at_most = at_most
    async with running() as blobs:
        writer = await blobs.create()
        await writer.write(data)
        await writer.finish()
        reader = await blobs.open(writer.blob_id)
        assert await reader.read(0, len(data)) == data
        reader.close()


@asynchronous
async def test_a_disk_that_takes_no_bytes_is_an_error_and_no_endless_loop(running, disk, files):
    disk.writes_at_most = 0
    async with running() as blobs:
        with pytest.raises(BlobIOError):
            await (await blobs.create()).write(ENOUGH)
    assert files() == []


@asynchronous
async def test_bytes_gather_until_a_buffer_is_full_and_the_rest_is_written_at_the_end(running, disk):
    first = limits.BLOB_STAGING_BYTES - framing.HEADER_BYTES
    async with running() as blobs:
        writer = await blobs.create()
        await writer.write(bytes(first - 1))
        assert disk.count("write") == 0
        await writer.write(b"x" + bytes(2 * limits.BLOB_STAGING_BYTES))
        assert disk.count("write") == 3
        await writer.write(b"y")
        assert disk.count("write") == 3
        await writer.finish()
        assert disk.count("write") == 4
        reader = await blobs.open(writer.blob_id)
        assert await reader.read(first - 1, 2) == b"x\0"
        assert await reader.read(writer.size - 2, 2) == b"\0y"
        reader.close()


@asynchronous
async def test_a_direct_write_that_is_cut_short_is_completed_the_ordinary_way(running, disk):
    data = bytes(range(256)) * (2 * limits.BLOB_STAGING_BYTES // 256)
    disk.writes_at_most = 75 * 4096
    async with running() as blobs:
        writer = await blobs.create()
        await writer.write(data)
        await writer.finish()
        reader = await blobs.open(writer.blob_id)
        for offset in range(0, len(data), limits.BLOB_READ_MAX_BYTES):
            expected = data[offset : offset + limits.BLOB_READ_MAX_BYTES]
            assert await reader.read(offset, len(expected)) == expected
        reader.close()


# -- Failures ---------------------------------------------------------------------------------------------------------
FAILURES = [
    ("create", errno.ENOSPC, NoSpace),
    ("create", errno.EDQUOT, NoSpace),
    ("create", errno.EMFILE, BlobsBusy),
    ("create", errno.ENFILE, BlobsBusy),
    ("create", errno.EROFS, BlobIOError),
    ("write", errno.ENOSPC, NoSpace),
    ("write", errno.EDQUOT, NoSpace),
    ("write", errno.EIO, BlobIOError),
    ("sync_file", errno.ENOSPC, NoSpace),
    ("sync_file", errno.EIO, BlobIOError),
    ("sync_directory", errno.EIO, BlobIOError),
    ("close", errno.EIO, BlobIOError),
]


@pytest.mark.parametrize(("call", "number", "expected"), FAILURES)
@asynchronous
async def test_a_blob_is_gone_after_any_failure_and_the_error_says_which(running, disk, files, call, number, expected):
    async with running() as blobs:
        writer = await blobs.create()
        disk.fail(call, number)
        with pytest.raises(expected) as caught:
            await _write_and_finish(writer)
        assert files() == []
        assert errno.errorcode[number] in str(caught.value)
        await writer.discard()
        with pytest.raises(AssertionError):
            await writer.write(b"more")


async def _write_and_finish(writer):
    await writer.write(b"x")
    await writer.finish()


@pytest.mark.parametrize("call", ["sync_file", "sync_directory"])
@asynchronous
async def test_a_failed_sync_stops_the_server_and_is_never_tried_again(running, disk, fatal, call):
    async with running() as blobs:
        writer = await blobs.create()
        disk.fail(call, errno.EIO)
        with pytest.raises(BlobIOError) as caught:
            await _write_and_finish(writer)
        assert caught.value.fatal
        assert fatal == [caught.value]
        assert disk.count(call) == 1


@asynchronous
async def test_a_failed_sync_stops_the_server_even_when_nobody_waits_for_it_any_more(running, disk, fatal):
    async with running() as blobs:
        writer = await blobs.create()
        hold = disk.hold("sync_file")
        disk.fail("sync_file", errno.EIO)
        task = asyncio.ensure_future(_write_and_finish(writer))
        await asyncio.to_thread(hold.entered.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        hold.release()
        await writer.discard()
        assert [error.fatal for error in fatal] == [True]


@pytest.mark.parametrize(
    ("call", "number"),
    [("write", errno.EIO), ("sync_file", errno.ENOSPC), ("create", errno.EMFILE), ("close", errno.EIO)],
)
@asynchronous
async def test_other_failures_are_not_fatal(running, disk, fatal, call, number):
    async with running() as blobs:
        writer = await blobs.create()
        disk.fail(call, number)
        with pytest.raises((BlobIOError, NoSpace, BlobsBusy)) as caught:
            await _write_and_finish(writer)
        assert not caught.value.fatal
        assert fatal == []


@asynchronous
async def test_a_disk_that_fills_up_in_the_middle_of_a_blob_gets_its_room_back(running, disk, files):
    async with running() as blobs:
        writer = await blobs.create()
        await writer.write(ENOUGH)
        disk.fail("write", errno.ENOSPC)
        with pytest.raises(NoSpace):
            await writer.write(ENOUGH)
        assert files() == []


@asynchronous
async def test_a_blob_is_gone_when_the_reserve_is_reached_in_its_middle(running, disk, files):
    disk.free = 1_000_000 + framing.HEADER_BYTES
    async with running(reserve_bytes=500_000) as blobs:
        writer = await blobs.create()
        await writer.write(bytes(500_000))
        with pytest.raises(NoSpace, match="are kept free"):
            await writer.write(b"x")
        assert files() == []


@asynchronous
async def test_a_blob_that_is_there_already_is_never_touched(running, disk):
    async with running(random_bytes=lambda length: ID[:length]) as blobs:
        first, second = await blobs.create(), await blobs.create()
        await first.write(b"first")
        await first.finish()
        await second.write(b"second")
        with pytest.raises(BlobIOError, match="EEXIST"):
            await second.finish()
        await second.discard()
        reader = await blobs.open(ID)
        assert await reader.read(0, 5) == b"first"
        reader.close()


@asynchronous
async def test_the_first_error_is_told_even_when_the_blob_cannot_be_removed(running, disk, files):
    async with running() as blobs:
        writer = await blobs.create()
        disk.fail("write", errno.ENOSPC)
        disk.fail("unlink", errno.EIO)
        with pytest.raises(NoSpace):
            await writer.write(ENOUGH)
        assert len(files()) == 1
        assert [blob.blob_id for blob in blobs.walk()] == [writer.blob_id]


@asynchronous
async def test_a_discard_that_fails_says_so(running, disk):
    async with running() as blobs:
        writer = await blobs.create()
        await writer.write(ENOUGH)
        disk.fail("unlink", errno.EIO)
        with pytest.raises(BlobIOError, match="Removing a blob failed"):
            await writer.discard()


@asynchronous
async def test_a_discard_removes_the_file_even_when_closing_it_fails(running, disk, files):
    async with running() as blobs:
        writer = await blobs.create()
        await writer.write(ENOUGH)
        disk.fail("close", errno.EIO)
        with pytest.raises(BlobIOError, match="Closing a blob failed"):
            await writer.discard()
        assert files() == []


@asynchronous
async def test_a_discard_of_what_somebody_removed_is_no_error(running, files):
    async with running() as blobs:
        writer = await blobs.create()
        await writer.write(ENOUGH)
        files()[0].unlink()
        await writer.discard()


# -- Cancellation -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("call", ["create", "write", "sync_file", "sync_directory"])
@asynchronous
async def test_a_discard_waits_for_the_step_that_a_cancellation_left_running(running, disk, files, call):
    async with running() as blobs:
        writer = await blobs.create()
        hold = disk.hold(call)
        task = asyncio.ensure_future(_write_and_finish(writer))
        await asyncio.to_thread(hold.entered.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        discard = asyncio.ensure_future(writer.discard())
        await asyncio.sleep(0)
        assert "close" not in disk.calls
        hold.release()
        await discard
        assert files() == []
        assert disk.count("close") == 1


@asynchronous
async def test_a_discard_is_carried_out_when_its_caller_is_cancelled(running, disk, files):
    async with running(thread_count=1) as blobs:
        blocker, writer = await blobs.create(), await blobs.create()
        await writer.write(ENOUGH)
        hold = disk.hold("create")
        blocking = asyncio.ensure_future(blocker.write(ENOUGH))
        await asyncio.to_thread(hold.entered.wait)
        discard = asyncio.ensure_future(writer.discard())
        await asyncio.sleep(0)
        discard.cancel()
        with pytest.raises(asyncio.CancelledError):
            await discard
        hold.release()
        await blocking
        await blocker.discard()
        assert files() == []


@asynchronous
async def test_a_write_that_was_cancelled_before_it_began_never_happens(running, disk):
    async with running(thread_count=1) as blobs:
        blocker, writer = await blobs.create(), await blobs.create()
        hold = disk.hold("create")
        blocking = asyncio.ensure_future(blocker.write(ENOUGH))
        await asyncio.to_thread(hold.entered.wait)
        task = asyncio.ensure_future(writer.write(ENOUGH))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        hold.release()
        await blocking
        await blocker.discard()
        assert writer.size == 0
        assert disk.count("create") == 1
        await writer.discard()


@asynchronous
async def test_a_blob_whose_name_was_removed_while_it_was_written_is_not_finished(running, files):
    async with running() as blobs:
        writer = await blobs.create()
        await writer.write(ENOUGH)
        (path,) = files()
        path.unlink()
        with pytest.raises(BlobIOError, match="removed") as caught:
            await writer.finish()
        assert not caught.value.fatal
