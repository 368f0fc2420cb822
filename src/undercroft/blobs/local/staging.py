"""Memory that bytes gather in on their way to the disk: page-aligned, as direct writing needs it, and used again.

Memory that is new costs more than the copy into it, so what a writer gives back the next one takes.
"""

from __future__ import annotations

import mmap
from collections import deque

from undercroft import limits


class StagingBuffers:
    """Buffers of `limits.BLOB_STAGING_BYTES`. Safe for many threads."""

    def __init__(self, keep_at_most: int = limits.BLOB_STAGING_KEPT) -> None:
        self._free: deque[memoryview] = deque(maxlen=keep_at_most)  # One more pushes another out, which frees it.

    def take(self) -> memoryview:
        """A buffer for one writer, with whatever is in it."""
        try:
            return self._free.pop()
        except IndexError:
            return memoryview(mmap.mmap(-1, limits.BLOB_STAGING_BYTES))

    def give(self, buffer: memoryview) -> None:
        """Let others use the buffer, which nothing reads or writes any more."""
        self._free.append(buffer)
