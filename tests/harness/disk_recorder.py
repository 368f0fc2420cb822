"""A journal of everything that programs do to the files under one directory, in true order, with marks of the test between.

The programs run with a library before the C library (`disk_recorder.c`, LD_PRELOAD). `power_cut.py` makes of the journal what
a disk may hold after a cut. A journal that does not say everything would make the tests that use it worthless, so calls that
the library cannot describe are an error here, and the replayed journal is to be compared with the directory at the end.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL
from pathlib import Path
from typing import Any, NamedTuple

from harness.preload import make_library

_JOURNAL_VARIABLE = "UNDERCROFT_TEST_JOURNAL"
_ROOT_VARIABLE = "UNDERCROFT_TEST_ROOT"
_HEAD = struct.Struct("<IIQqqIIII")

# Shared memory that means nothing after a cut: the index of SQLite's log is made anew, the metrics are emptied at each start.
VOLATILE = ("-shm", "/metrics/")


class UndescribedCall(Exception):
    """A program changed files in a way that the journal cannot hold."""


class Record(NamedTuple):
    """One event. `kind` is a letter:

    C creation of a file, M of a directory; W write, T truncation to `size`, A allocation of `size` bytes from `offset` on;
    S begin of a file's sync, D of a directory's, E the success of either; R rename, L link, U unlink, V removal of a directory;
    K mark. Paths are relative to the recorded directory. A sync is known by its process and `offset`.
    """

    kind: str
    process: int
    inode: int
    offset: int
    size: int
    path: str
    other_path: str
    data: bytes

    @property
    def mark(self) -> dict[str, Any]:
        """What the test said here."""
        said: dict[str, Any] = json.loads(self.data)
        return said


def is_volatile(path: str) -> bool:
    """Whether a file's content after a cut means nothing to anybody."""
    return any(f"/{path}".endswith(end) or end in f"/{path}" for end in VOLATILE)


class DiskRecorder:
    """One recording of what is done under `root`; `folder`, elsewhere, takes the library and the journal."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._journal = folder / "journal"
        self._root = root.resolve()
        self._library = make_library("disk_recorder", folder)
        self._calls = CDLL(str(self._library))
        self._calls.recorder_start(os.fsencode(self._journal), os.fsencode(self._root))

    @property
    def environment(self) -> dict[str, str]:
        """What a program must have in its environment to be recorded; its children inherit it."""
        return {
            "LD_PRELOAD": str(self._library),
            _JOURNAL_VARIABLE: str(self._journal),
            _ROOT_VARIABLE: str(self._root),
        }

    def mark(self, **said: object) -> None:
        """Note here and now, between the events, what the test knows: such as what was acknowledged."""
        _mark(self._calls, said)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold up every recorded call but syncs. A process may be killed meanwhile: the journal then has all it did."""
        self._calls.recorder_pause()
        try:
            yield
        finally:
            self._calls.recorder_resume()

    def records(self) -> list[Record]:
        """Everything so far. Raises `UndescribedCall`."""
        journal = memoryview(self._journal.read_bytes())
        found: list[Record] = []
        at = 0

        def take(size: int) -> bytes:
            nonlocal at
            at += size
            return bytes(journal[at - size : at])

        while at < len(journal):
            kind, process, inode, offset, size, path_bytes, other_bytes, data_bytes, _ = _HEAD.unpack(take(_HEAD.size))
            path, other = os.fsdecode(take(path_bytes)), os.fsdecode(take(other_bytes))
            record = Record(chr(kind), process, inode, offset, size, path, other, take(data_bytes))
            if record.kind != "X":
                found.append(record)
            elif not is_volatile(path):
                raise UndescribedCall(f"{other} of {path}")
        return found


def mark_from_inside(**said: object) -> None:
    """The same as `DiskRecorder.mark`, from a program that is being recorded."""
    _mark(CDLL(os.environ["LD_PRELOAD"]), said)


def _mark(calls: CDLL, said: dict[str, object]) -> None:
    text = json.dumps(said).encode()
    calls.recorder_mark(text, len(text))
