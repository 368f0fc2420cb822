"""The two ids that every answer carries, by which a client and a log speak of the same request.

They must be cheap and distinct, not secret: a counter that starts at a random place and walks by an odd constant through
all 64-bit numbers, so that the ids of one process never repeat and those of two processes hardly ever meet.
"""

from __future__ import annotations

import base64
import secrets

_STEP = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


class RequestIds:
    """The ids of one process. `host_id` is the same for all its requests."""

    __slots__ = ("_last", "host_id")

    def __init__(self) -> None:
        # The supervisor forks its workers, so this must run in the worker: each face makes its own.
        self._last = secrets.randbits(64)
        self.host_id = base64.b64encode(secrets.token_bytes(36)).decode("ascii")

    def next(self) -> str:
        """A new request id: 16 upper-case hex digits."""
        self._last = (self._last + _STEP) & _MASK
        return f"{self._last:016X}"
