"""The machine: what it is, and its own ceilings, measured in the same run as the servers."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from pathlib import Path
from typing import Any

import psutil
from work import BLOCK_BYTES, MEGABYTE, SMALL_BYTES, Work


def facts(folder: Path) -> dict[str, Any]:
    """What somebody has to know who compares two results."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / (1 << 30)),
        "system": f"{platform.system()} {platform.release()}",
        "file_system": file_system(folder),
        "python": platform.python_version(),
    }


def file_system(folder: Path) -> str:
    """The type of the file system that the folder is on."""
    best = max(
        (part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)),
        key=lambda part: len(part.mountpoint),
        default=None,
    )
    return "unknown" if best is None else best.fstype


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def ceilings(work: Work) -> dict[str, float]:
    """What one loop without a server does: MD5 on one core, small writes each synced, and one large write synced."""
    return {
        "md5_mb_s": _md5(work),
        "synced_writes_s": _synced_writes(work),
        "large_write_mb_s": _large_write(work),
    }


def _md5(work: Work) -> float:
    digest, began = hashlib.md5(usedforsecurity=False), time.monotonic()
    for _ in range(work.sizes.md5_bytes // BLOCK_BYTES):
        digest.update(work.block)
    return work.sizes.md5_bytes / MEGABYTE / (time.monotonic() - began)


def _synced_writes(work: Work) -> float:
    path, block, count = work.folder / "synced", work.block[:SMALL_BYTES], 0
    with path.open("wb", buffering=0) as file:
        began = time.monotonic()
        while (passed := time.monotonic() - began) < work.sizes.seconds:
            file.write(block)
            os.fdatasync(file.fileno())
            count += 1
    path.unlink()
    return count / passed


def _large_write(work: Work) -> float:
    work.warm(work.sizes.large_bytes)
    path = work.folder / "synced"
    with path.open("wb", buffering=0) as file:
        began = time.monotonic()
        for _ in range(work.sizes.large_bytes // BLOCK_BYTES):
            file.write(work.block)
        os.fdatasync(file.fileno())
        seconds = time.monotonic() - began
    path.unlink()
    return work.sizes.large_bytes / MEGABYTE / seconds
