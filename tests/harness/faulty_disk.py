"""A disk that fails, stalls or runs full at a chosen call, for tests of local blobs."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Sequence
from io import FileIO

from undercroft.blobs.local import Disk

_PATIENCE_S = 30


class Hold:
    """A call that is stopped in its tracks until `release`."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self._released = threading.Event()

    def release(self) -> None:
        self._released.set()

    def stop(self) -> None:
        self.entered.set()
        assert self._released.wait(_PATIENCE_S), "nobody released the call"


class FaultyDisk(Disk):
    """The real disk, with faults. `calls` lists the names of the calls in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.writes_at_most: int | None = None
        self.free: int | None = None
        self._errors: dict[str, list[int]] = {}
        self._holds: dict[str, Hold] = {}

    def fail(self, call: str, *error_numbers: int) -> None:
        """Let the next calls of this name fail, one for each number; 0 lets one pass."""
        self._errors[call] = list(error_numbers)

    def hold(self, call: str) -> Hold:
        """Let the next call of this name stop before it does anything."""
        self._holds[call] = hold = Hold()
        return hold

    def count(self, call: str) -> int:
        return Counter(self.calls)[call]

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        if call in self._holds:
            self._holds.pop(call).stop()
        errors = self._errors.get(call)
        if errors and (number := errors.pop(0)):
            raise OSError(number, os.strerror(number))

    def create(self, path: str) -> FileIO:
        self._enter("create")
        return super().create(path)

    def begin_direct(self, file: FileIO) -> None:
        self._enter("begin_direct")
        super().begin_direct(file)

    def end_direct(self, file: FileIO) -> None:
        self._enter("end_direct")
        super().end_direct(file)

    def open(self, path: str) -> FileIO:
        self._enter("open")
        return super().open(path)

    def size(self, file: FileIO) -> int:
        self._enter("size")
        return super().size(file)

    def write(self, file: FileIO, buffers: Sequence[bytes | memoryview]) -> int:
        self._enter("write")
        if self.writes_at_most is None:
            return super().write(file, buffers)
        first = memoryview(buffers[0])  # Not a copy: a direct write needs the memory as it is.
        return super().write(file, [first[: self.writes_at_most]])

    def read(self, file: FileIO, length: int, offset: int) -> bytes:
        self._enter("read")
        return super().read(file, length, offset)

    def read_cached(self, file: FileIO, buffers: Sequence[memoryview], offset: int) -> int:
        self._enter("read_cached")
        return super().read_cached(file, buffers, offset)

    def is_named(self, file: FileIO) -> bool:
        self._enter("is_named")
        return super().is_named(file)

    def sync_file(self, file: FileIO) -> None:
        self._enter("sync_file")
        super().sync_file(file)

    def sync_directory(self, path: str) -> None:
        self._enter("sync_directory")
        super().sync_directory(path)

    def close(self, file: FileIO) -> None:
        super().close(file)  # As close(2) does: the descriptor is gone even where the call fails.
        self._enter("close")

    def touch(self, path: str) -> None:
        self._enter("touch")
        super().touch(path)

    def unlink(self, path: str) -> None:
        self._enter("unlink")
        super().unlink(path)

    def free_bytes(self, path: str) -> int:
        self._enter("free_bytes")
        return super().free_bytes(path) if self.free is None else self.free
