"""The folders of local blobs, and finding what lies in them."""

from __future__ import annotations

import asyncio
import errno
import threading
from pathlib import Path

import pytest

from harness.asynchronous import asynchronous
from undercroft import limits
from undercroft.blobs import framing
from undercroft.blobs.contract import BlobIOError, NoSpace
from undercroft.blobs.local import LocalBlobs


def test_the_folders_are_made_once_and_made_durable(root, disk):
    LocalBlobs(root, on_fatal=print, disk=disk)
    LocalBlobs(root, on_fatal=print, disk=disk)
    assert sorted(path.name for path in root.iterdir()) == [f"{n:02x}" for n in range(256)]
    # Also when they were there: the process that made them may not have come so far.
    assert disk.calls == ["sync_directory"] * 4


def test_a_root_without_its_parent_is_refused_since_a_disk_may_be_missing(tmp_path):
    with pytest.raises(BlobIOError, match="ENOENT"):
        LocalBlobs(tmp_path / "not-mounted" / "blobs", on_fatal=print)
    assert list(tmp_path.iterdir()) == []


def test_folders_that_cannot_be_made_durable_are_fatal(root, disk):
    disk.fail("sync_directory", errno.EIO)
    with pytest.raises(BlobIOError) as caught:
        LocalBlobs(root, on_fatal=print, disk=disk)
    assert caught.value.fatal


def test_making_a_driver_starts_no_thread_so_the_process_may_fork(root):
    before = threading.active_count()
    LocalBlobs(root, on_fatal=print)
    assert threading.active_count() == before


def test_a_blob_may_not_be_longer_than_the_format_can_say(root):
    LocalBlobs(root, on_fatal=print, max_blob_bytes=framing.MAX_BYTES)
    with pytest.raises(AssertionError):
        LocalBlobs(root, on_fatal=print, max_blob_bytes=framing.MAX_BYTES + 1)


@pytest.mark.parametrize("length", [15, 17])
@asynchronous
async def test_an_id_of_another_length_is_a_mistake_of_the_caller(running, length):
    async with running() as blobs:
        with pytest.raises(AssertionError):
            await blobs.open(bytes(length))
        with pytest.raises(AssertionError):
            await blobs.delete(bytes(length))


@asynchronous
async def test_a_walk_passes_over_what_is_no_blob(running, root):
    async with running() as blobs:
        for name in ("00/note.txt", "00/" + "1" * 32, "01/" + "01" * 15, "0A" * 16, "lost", "02/" + "0G" * 16):
            (root / name).write_bytes(b"")
        (root / "03" / ("03" * 16)).mkdir()
        (root / "04" / ("04" * 16)).symlink_to(root / "lost")
        (root / "05" / ("05" * 16)).write_bytes(b"12345")
        found = list(blobs.walk())
        assert [(blob.blob_id, blob.stored_bytes) for blob in found] == [(bytes([5]) * 16, 5)]
        assert found[0].mtime_s == (root / "05" / ("05" * 16)).stat().st_mtime


@asynchronous
async def test_a_walk_passes_over_what_is_deleted_under_it(running):
    ids = [bytes(15) + bytes([n]) for n in range(20)]
    unused = iter(ids)
    async with running(random_bytes=lambda _length: next(unused)) as blobs:
        for _ in ids:
            await (await blobs.create()).finish()
        walk = blobs.walk()
        first = next(walk)
        for blob_id in ids:
            await blobs.delete(blob_id)
        assert first.blob_id in ids
        assert list(walk) == []


@asynchronous
async def test_a_walk_fails_rather_than_leave_a_folder_out(running, root):
    async with running() as blobs:
        (root / "7f").rmdir()
        with pytest.raises(BlobIOError, match="Walking the blobs failed"):
            list(blobs.walk())


@asynchronous
async def test_check_fails_where_a_folder_is_missing(running, root):
    async with running() as blobs:
        blobs.check()
        (root / "ff").rmdir()
        with pytest.raises(BlobIOError, match="ff is missing"):
            blobs.check()


@asynchronous
async def test_a_delete_that_fails_says_so(running, disk):
    async with running() as blobs:
        disk.fail("unlink", errno.EIO)
        with pytest.raises(BlobIOError) as caught:
            await blobs.delete(bytes(16))
        assert not caught.value.fatal


@asynchronous
async def test_the_free_space_is_asked_for_off_the_loop_and_only_now_and_then(running, disk):
    now_s = [100.0]
    loop_thread = threading.get_ident()
    asked_by = []
    original = disk.free_bytes
    disk.free_bytes = lambda path: asked_by.append(threading.get_ident()) or original(path)
    async with running(monotonic=lambda: now_s[0], reserve_bytes=0) as blobs:
        for _ in range(3):
            await (await blobs.create()).discard()
        assert len(asked_by) == 1
        now_s[0] += limits.DISK_SPACE_TRUSTED_S
        await (await blobs.create()).discard()
        assert len(asked_by) == 2
        assert loop_thread not in asked_by


@asynchronous
async def test_the_reserve_is_kept_to_the_byte(running, disk):
    disk.free = 1000
    for reserve, allowed in ((999, True), (1000, True), (1001, False)):
        async with running(reserve_bytes=reserve) as blobs:
            if allowed:
                await (await blobs.create()).discard()
            else:
                with pytest.raises(NoSpace):
                    await blobs.create()


@asynchronous
async def test_a_writer_that_nobody_knows_any_more_frees_its_place_and_warns(running):
    async with running(open_max=1, thread_count=1) as blobs:
        writer = await blobs.create()
        await writer.write(bytes(limits.BLOB_STAGING_BYTES))
        await blobs.delete(bytes(16))  # Now the thread has forgotten the write.
        with pytest.warns(ResourceWarning):
            del writer
        await (await blobs.create()).discard()


@asynchronous
async def test_closing_discards_writers_and_closes_readers_that_are_still_held(running, disk, files):
    async with running() as blobs:
        done, unborn, half = [await blobs.create() for _ in range(3)]
        await done.finish()
        await half.write(bytes(limits.BLOB_STAGING_BYTES))
        reader = await blobs.open(done.blob_id)
        disk.calls.clear()
    assert disk.count("close") == 2
    assert [path.name for path in files()] == [done.blob_id.hex()]
    assert not any(handle.is_open for handle in (unborn, half, reader))


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


@asynchronous
async def test_no_descriptor_stays_open(running):
    async with running() as blobs:
        before = open_descriptors()
        for _ in range(5):
            writer, dropped = await blobs.create(), await blobs.create()
            await writer.write(b"x")
            await dropped.write(b"x")
            await writer.finish()
            await dropped.discard()
            reader = await blobs.open(writer.blob_id)
            await reader.read(0, 1)
            reader.close()
            list(blobs.walk())
        assert open_descriptors() == before


def test_a_relative_root_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def scenario():
        blobs = LocalBlobs(Path("blobs"), on_fatal=print)
        await (await blobs.create()).finish()
        assert len(list(blobs.walk())) == 1
        await blobs.close()

    asyncio.run(scenario())
