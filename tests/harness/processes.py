"""What a server's processes hold: memory and open files, read from /proc."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import psutil

from harness.server import Server

T = TypeVar("T")
SAMPLE_S = 0.05
SETTLE_S = 20.0
MIB = 1 << 20


def memory_bytes(server: Server) -> int:
    """The memory of all its processes, what they share counted once (PSS)."""
    total = 0
    for process in [psutil.Process(server.pid), *server.children()]:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total


class Peak:
    """The highest of the samples so far."""

    def __init__(self) -> None:
        self.bytes = 0


@contextmanager
def sampled(server: Server) -> Iterator[Peak]:
    """Samples the server's memory, over and over, for as long as the block runs."""
    peak = Peak()
    over = threading.Event()

    def sample() -> None:
        while not over.is_set():
            peak.bytes = max(peak.bytes, memory_bytes(server))
            over.wait(SAMPLE_S)

    thread = threading.Thread(target=sample, name="memory-sampler")
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def open_blobs(server: Server) -> list[str]:
    """The files under the data directory's blobs that the processes have open, deleted ones included."""
    return [target for target in _open_files(server) if "/data/blobs/" in target and not target.endswith(".lock")]


def open_sockets(server: Server) -> int:
    """How many sockets the processes have open: those they listen on, connections, and a few of their own."""
    return sum(target.startswith("socket:") for target in _open_files(server))


def _open_files(server: Server) -> list[str]:
    found = []
    for process in server.children():
        with suppress(FileNotFoundError, psutil.NoSuchProcess):
            for entry in os.scandir(f"/proc/{process.pid}/fd"):
                with suppress(FileNotFoundError):
                    found.append(os.readlink(entry.path))  # noqa: PTH115 - the link's text, which need not be a path.
    return found


def blob_files(server: Server) -> list[str]:
    """The blob files on the disk."""
    return sorted(path.name for path in (server.data_dir / "blobs").glob("*/*"))


def wait_until(condition: Callable[[], T], what: str, timeout_s: float = SETTLE_S) -> T:
    """Returns what the condition gives when it holds; fails with `what` when it does not come to hold in time."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return value
