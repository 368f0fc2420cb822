"""Memory that is free goes back to the system.

The C library keeps what a burst of large bodies needed, in case of another: hundreds of megabytes may stay that nobody uses
(P9 speaks of what a process has, not of what it uses). So every process asks it, every few seconds, to give that back, in a
thread: it takes a quarter of a millisecond where there is nothing, and 40 for 250 MiB.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
from collections.abc import AsyncIterator, Callable

from undercroft import limits


def _find_trim() -> Callable[[int], int] | None:
    """`malloc_trim` of the C library that this process runs on; other libraries than glibc have none."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    return trim


TRIM = _find_trim()


@contextlib.asynccontextmanager
async def given_back(trim: Callable[[int], int] | None = TRIM) -> AsyncIterator[None]:
    """Calls `trim` every `MEMORY_TRIM_S` for as long as the block runs; nothing, where there is none."""
    trimming = None if trim is None else asyncio.create_task(_keep_trimming(trim))
    try:
        yield
    finally:
        if trimming is not None:
            trimming.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await trimming


async def _keep_trimming(trim: Callable[[int], int]) -> None:
    while True:
        await asyncio.sleep(limits.MEMORY_TRIM_S)
        await asyncio.to_thread(trim, 0)
