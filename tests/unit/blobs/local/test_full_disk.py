"""A real file system that is really full (P12, P13).

Each scenario runs in a process with mounts of its own, so that nothing stays mounted whatever becomes of it. This needs
no root where the kernel lets users make namespaces; elsewhere the tests are skipped.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from undercroft import limits
from undercroft.blobs.contract import BlobIOError, NoSpace
from undercroft.blobs.local import LocalBlobs

BLOCK = os.urandom(256 * 1024)
OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")
MOUNT_THEN_RUN = 'mount -t tmpfs -o size=4m undercroft-test "$0" && exec "$@"'


@pytest.fixture(scope="module")
def may_mount(tmp_path_factory) -> None:
    place = str(tmp_path_factory.mktemp("probe"))
    try:
        probe = subprocess.run(
            [*OWN_MOUNTS, "sh", "-c", MOUNT_THEN_RUN, place, "true"], capture_output=True, check=False, text=True
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare(1) here")
    if probe.returncode:
        pytest.skip(f"no file system may be mounted here: {probe.stderr.strip()}")


async def fill_the_disk(place: Path) -> None:
    blobs = LocalBlobs(place / "blobs", on_fatal=print, reserve_bytes=0)
    kept = await blobs.create()
    for _ in range(8):
        await kept.write(BLOCK)
    await kept.finish()
    free = os.statvfs(place).f_bavail

    writer = await blobs.create()
    with pytest.raises(NoSpace) as caught:
        await write_blocks(writer, 16)
    assert not caught.value.fatal
    assert os.statvfs(place).f_bavail == free
    assert [blob.blob_id for blob in blobs.walk()] == [kept.blob_id]

    (place / "ballast").write_bytes(bytes(free * os.statvfs(place).f_frsize))
    assert os.statvfs(place).f_bavail == 0
    await blobs.delete(kept.blob_id)
    assert os.statvfs(place).f_bavail > 0
    await blobs.close()


async def reach_the_reserve(place: Path) -> None:
    reserve = 1024 * 1024
    blobs = LocalBlobs(place / "blobs", on_fatal=print, reserve_bytes=reserve)
    with pytest.raises(NoSpace):
        await store_blobs(blobs, 16)
    space = os.statvfs(place)
    footers = 4096 * sum(1 for _ in blobs.walk())  # A blob that was let in may end.
    assert reserve - footers <= space.f_bavail * space.f_frsize < reserve + 2 * len(BLOCK)
    await blobs.close()


async def lose_the_right_to_write(place: Path) -> None:
    blobs = LocalBlobs(place / "blobs", on_fatal=print, reserve_bytes=0)
    blobs.check()
    await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,ro", str(place)], check=True)
    with pytest.raises(BlobIOError, match="cannot be read and written"):
        blobs.check()
    writer = await blobs.create()
    await writer.write(b"x")
    with pytest.raises(BlobIOError, match="EROFS"):
        await writer.finish()
    await blobs.close()


async def write_without_direct_writing(place: Path) -> None:
    await asyncio.to_thread(subprocess.run, ["mount", "-t", "ramfs", "undercroft-test", str(place)], check=True)
    blobs = LocalBlobs(place / "blobs", on_fatal=print, reserve_bytes=-limits.BLOB_MAX_BYTES)  # It has no size to tell.
    writer = await blobs.create()
    await writer.write(bytes(2 * limits.BLOB_STAGING_BYTES) + b"x")
    await writer.finish()
    reader = await blobs.open(writer.blob_id)
    assert await reader.read(writer.size - 2, 2) == b"\0x"
    reader.close()
    await blobs.close()


async def write_blocks(writer, count):
    for _ in range(count):
        await writer.write(BLOCK)


async def store_blobs(blobs, count):
    for _ in range(count):
        writer = await blobs.create()
        await writer.write(BLOCK)
        await writer.finish()


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (fill_the_disk, reach_the_reserve, lose_the_right_to_write, write_without_direct_writing)
}


def run_on_a_small_disk(scenario, place: Path) -> None:
    """Run the scenario in a process that alone sees a file system of 4 MiB at the place."""
    command = [sys.executable, __file__, scenario.__name__, str(place)]
    ran = subprocess.run(
        [*OWN_MOUNTS, "sh", "-c", MOUNT_THEN_RUN, str(place), *command],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr


def test_a_blob_that_fills_the_disk_is_rolled_back_and_deletes_make_room(may_mount, tmp_path):
    run_on_a_small_disk(fill_the_disk, tmp_path)


def test_uploads_stop_at_the_reserve_and_leave_it_free(may_mount, tmp_path):
    run_on_a_small_disk(reach_the_reserve, tmp_path)


def test_check_fails_on_a_disk_that_was_mounted_read_only(may_mount, tmp_path):
    run_on_a_small_disk(lose_the_right_to_write, tmp_path)


def test_a_file_system_without_direct_writing_is_written_to_the_ordinary_way(may_mount, tmp_path):
    run_on_a_small_disk(write_without_direct_writing, tmp_path)


if __name__ == "__main__":
    asyncio.run(SCENARIOS[sys.argv[1]](Path(sys.argv[2])))
