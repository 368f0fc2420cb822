"""A real file system that is small enough to fill, seen by one process and its children alone.

The process gets mounts of its own, so nothing stays mounted whatever becomes of it. A tmpfs needs no root where the kernel
lets users make namespaces; ext4, which reserves space ahead and frees it late as real disks do, needs root and a loop device.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

KINDS = ("tmpfs", "ext4")
_AS_ANYBODY = ("unshare", "--user", "--map-root-user", "--mount")
_AS_ROOT = ("unshare", "--mount")
_MOUNT_TMPFS = 'mount -t tmpfs -o "$1" small-disk "$0" && shift && exec "$@"'
_MOUNT_EXT4 = 'mount -o loop "$1" "$0" && shift && exec "$@"'
_TIMEOUT_S = 600  # On a machine that does much else.


def run_on_small_disk(
    kind: str, size_bytes: int, place: Path, program: Path, *arguments: str, files_max: int = 0
) -> str:
    """Runs a Python program that alone sees a new file system at `place`, and gives back what it printed.

    A tmpfs may be limited to so many files and folders; 0 is no limit. Skips the test where such a thing may not be mounted; fails with the
    program's own words.
    """
    place.mkdir()
    mount = _mount(kind, size_bytes, place, files_max)
    probe = subprocess.run([*mount, "true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"no {kind} may be mounted here: {probe.stderr.strip()}")
    ran = subprocess.run(
        [*mount, sys.executable, str(program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.returncode == 0, f"{ran.stdout[-4000:]}\n{ran.stderr[-8000:]}"
    return ran.stdout


def free_bytes(place: Path) -> int:
    """How much may still be written to the file system."""
    space = os.statvfs(place)
    return space.f_bavail * space.f_frsize


def fill(place: Path, leave_bytes: int) -> Path:
    """Lets somebody else take all but so much of the file system; the file that does."""
    ballast = place / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for piece in (1 << 20, 4096):
            while free_bytes(place) - piece >= leave_bytes:
                try:
                    file.write(bytes(piece))
                except OSError:  # ext4 keeps some blocks for itself that it counts as free.
                    break
            os.fsync(file.fileno())
    return ballast


def _mount(kind: str, size_bytes: int, place: Path, files_max: int) -> list[str]:
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare(1) here")
    if kind == "tmpfs":
        return [*_AS_ANYBODY, "sh", "-c", _MOUNT_TMPFS, str(place), f"size={size_bytes},nr_inodes={files_max}"]
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("to make and mount an ext4 needs root and mkfs.ext4(8)")
    image = place.with_suffix(".ext4")
    with image.open("wb") as file:
        file.truncate(size_bytes)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(image)], check=True, capture_output=True)
    return [*_AS_ROOT, "sh", "-c", _MOUNT_EXT4, str(place), str(image)]
