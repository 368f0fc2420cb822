"""The clock and the dice, as parameters, so that tests decide both."""

from __future__ import annotations

import os
import time

from undercroft.store import ids


class Ambient:
    """What the machine provides: time and randomness."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def random_bytes(self, count: int) -> bytes:
        """Bytes nobody can guess."""
        return os.urandom(count)

    def new_handle(self) -> int:
        """A handle for a new version or part: 60 random bits, never 0."""
        return (int.from_bytes(self.random_bytes(8), "big") >> (64 - ids.HANDLE_BITS)) or 1
