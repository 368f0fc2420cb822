"""A clock that jumps under a real server: a library in front of the C library moves the time of day by a chosen offset.

Only the time of day moves; the monotonic clock goes on as it does when somebody sets a machine's clock.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from harness.preload import make_library

_VARIABLE = "UNDERCROFT_TEST_CLOCK"
_OFFSET = struct.Struct("=q")  # Nanoseconds, shared with every process of the server by a mapped file.


class JumpingClock:
    """The library, made for this machine in `folder`, and the offset that it adds."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "offset"
        self._file.write_bytes(_OFFSET.pack(0))
        self._library = make_library("jumping_clock", folder)
        with self._file.open("r+b") as file:
            self._mapped = mmap.mmap(file.fileno(), _OFFSET.size)

    @property
    def environment(self) -> dict[str, str]:
        """What a server must have in its environment."""
        return {"LD_PRELOAD": str(self._library), _VARIABLE: str(self._file)}

    def set(self, ahead_s: float) -> None:
        """From now on, the server's clock is ahead of the real one by so much, or behind it."""
        self._mapped[:] = _OFFSET.pack(int(ahead_s * 1_000_000_000))
