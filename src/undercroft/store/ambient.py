"""The clock and the dice, as parameters, so that tests decide both."""

from __future__ import annotations

import itertools
import os
import time

from undercroft.store import ids


class Ambient:
    """What the machine provides: time and randomness. One a process, made after the fork.

    Handles count up from a place that is random in each process, so that two processes practically never meet, and yet the
    rows of one process's uploads lie side by side in the catalog's indexes: a commit then writes half as many pages.
    """

    def __init__(self) -> None:
        self._handles = itertools.count(int.from_bytes(os.urandom(8), "big"))

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def random_bytes(self, count: int) -> bytes:
        """Bytes nobody can guess."""
        return os.urandom(count)

    def new_handle(self) -> int:
        """A handle for a new version or part: 60 bits that are never given again."""
        return next(self._handles) & ((1 << ids.HANDLE_BITS) - 1)
