"""A real file system that is really full (P12, P13)."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from harness.asynchronous import asynchronous
from undercroft.blobs.contract import BlobIOError, NoSpace
from undercroft.blobs.local import LocalBlobs

BLOCK = os.urandom(256 * 1024)


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 4 MiB in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "undercroft-test", str(place)],
        capture_output=True,
        check=False,
        text=True,
    )
    if mount.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mount.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


async def write_blocks(writer, count):
    for _ in range(count):
        await writer.write(BLOCK)


async def store_blobs(blobs, count):
    for _ in range(count):
        writer = await blobs.create()
        await writer.write(BLOCK)
        await writer.finish()


@asynchronous
async def test_a_blob_that_fills_the_disk_is_rolled_back_and_deletes_make_room(small_disk):
    blobs = LocalBlobs(small_disk / "blobs", reserve_bytes=0)
    kept = await blobs.create()
    for _ in range(8):
        await kept.write(BLOCK)
    await kept.finish()
    free = os.statvfs(small_disk).f_bavail

    writer = await blobs.create()
    with pytest.raises(NoSpace) as caught:
        await write_blocks(writer, 16)
    assert not caught.value.fatal
    assert os.statvfs(small_disk).f_bavail == free
    assert [blob.blob_id for blob in blobs.walk()] == [kept.blob_id]

    (small_disk / "ballast").write_bytes(bytes(free * os.statvfs(small_disk).f_frsize))
    assert os.statvfs(small_disk).f_bavail == 0
    await blobs.delete(kept.blob_id)
    assert os.statvfs(small_disk).f_bavail > 0
    await blobs.close()


@asynchronous
async def test_uploads_stop_at_the_reserve_and_leave_it_free(small_disk):
    reserve = 1024 * 1024
    blobs = LocalBlobs(small_disk / "blobs", reserve_bytes=reserve)
    with pytest.raises(NoSpace):
        await store_blobs(blobs, 16)
    space = os.statvfs(small_disk)
    footers = 4096 * sum(1 for _ in blobs.walk())  # A blob that was let in may end.
    assert reserve - footers <= space.f_bavail * space.f_frsize < reserve + 2 * len(BLOCK)
    await blobs.close()


@asynchronous
async def test_check_fails_on_a_disk_that_was_mounted_read_only(small_disk):
    blobs = LocalBlobs(small_disk / "blobs", reserve_bytes=0)
    blobs.check()
    await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(BlobIOError, match="cannot be read and written"):
        blobs.check()
    with pytest.raises(BlobIOError, match="EROFS"):
        await (await blobs.create()).write(b"x")
    await blobs.close()
