"""Death at a chosen call: a library in front of the C library kills its process, as kill -9 does, before the n-th call.

The calls that count are those that change files or take locks on them, of whatever in the process makes them, SQLite too.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from harness import preload


def make_library(folder: Path) -> Path:
    """The library, made for this machine in `folder`: what LD_PRELOAD must name."""
    return preload.make_library("kill_at", folder)


def arm(at: int) -> None:
    """From now on, count the calls of this process, and die before the one of this number; 0 only counts."""
    ctypes.CDLL(None).undercroft_test_arm(at)


def calls() -> int:
    """How many calls there were since `arm`."""
    return int(ctypes.CDLL(None).undercroft_test_calls())
