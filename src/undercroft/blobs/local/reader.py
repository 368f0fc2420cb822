"""Reading a blob from a local disk.

The reader keeps the file open, so that a delete during a download does no harm, and the checksums of all frames, 4 bytes
each. Steps run in threads under the reader's lock, for the reason given in `writer`. What is in memory already is read
on the event loop: handing a call to a thread and back costs more than copying a few frames.
"""

from __future__ import annotations

from contextlib import suppress
from io import FileIO
from threading import Lock
from typing import TypeVar

from undercroft import limits
from undercroft.blobs import framing
from undercroft.blobs.contract import BlobCorrupt, BlobMissing
from undercroft.blobs.local.disk import Disk, blob_errors
from undercroft.blobs.sealing import FrameOpener, room_bytes, spread
from undercroft.threads import Threads

T = TypeVar("T", bytes, bytearray)
# A range may begin and end within frames.
SCRATCH_BYTES = room_bytes(limits.BLOB_INLINE_READ_MAX_BYTES // limits.FRAME_BYTES + 1)


class LocalBlobReader:
    """A blob file to read from. Made by `LocalBlobs.open`; the contract says what it promises."""

    def __init__(
        self,
        blob_id: bytes,
        path: str,
        *,
        disk: Disk,
        threads: Threads,
        scratch: memoryview,
        key: bytes | None = None,
    ) -> None:
        """`scratch`, of `SCRATCH_BYTES`, is shared by the readers of one event loop, and used between two awaits only."""
        self.blob_id = blob_id
        self.is_open = True
        self.waited = True
        self._path = path
        self._disk = disk
        self._threads = threads
        self._scratch = scratch
        self._lock = Lock()
        self._file: FileIO | None = None
        self._footer = framing.Footer(0, b"")
        self._opener = None if key is None else FrameOpener(key)

    @property
    def size(self) -> int:
        """How many bytes the blob holds."""
        return self._footer.size

    async def read(self, offset: int, length: int) -> bytes | bytearray:
        """Verified bytes of the blob; see the contract."""
        assert offset >= 0
        assert 0 <= length <= limits.BLOB_READ_MAX_BYTES
        assert self.is_open, "the reader is closed"
        if offset + length > self.size:
            raise BlobCorrupt(self.blob_id, f"it has {self.size} bytes where {offset + length} should be")
        if length == 0:
            return b""
        if length <= limits.BLOB_INLINE_READ_MAX_BYTES:
            found = self._read_from_memory(offset, length)
            if found is not None:
                self.waited = False
                return found
        self.waited = True
        return await self._threads.run(self._read, offset, length)

    def close(self) -> None:
        """Let go of the blob; see the contract."""
        if self.is_open:
            self.is_open = False
            if not self._close_if_quick():
                self._threads.start(self.close_now)

    async def abandon(self) -> None:
        """Close the reader, whoever still holds it, and wait for that."""
        self.is_open = False
        await self._threads.run_to_end(self.close_now)

    def open_now(self) -> None:
        """Open the file and check its header and footer. Blocks."""
        with self._lock:
            with blob_errors("Opening a blob"):
                try:
                    file = self._disk.open(self._path)
                except FileNotFoundError as error:
                    raise BlobMissing(self.blob_id) from error
            self._file = file  # From here on `close` closes it, whatever is found below.
            with blob_errors("Reading a blob"):
                stored = self._disk.size(file)
                cipher = framing.check_header(self._disk.read(file, framing.HEADER_BYTES, 0), self.blob_id)
                reach = framing.footer_reach(stored, cipher)
                tail = self._disk.read(file, reach, stored - reach)
            self._footer = framing.parse_footer(tail, stored, self.blob_id, cipher)
            if (cipher == framing.CIPHER_NONE) is not (self._opener is None):
                raise BlobCorrupt(self.blob_id, "its key and its cipher do not go together")

    def close_now(self) -> None:
        """Close the file when no step is running any more. Blocks."""
        with self._lock:
            file, self._file = self._file, None
            # A descriptor that was only read from has nothing to lose when closing it fails.
            if file is not None:
                with suppress(OSError):
                    self._disk.close(file)

    def _read(self, offset: int, length: int) -> bytes | bytearray:
        first, end = framing.frame_span(offset, length, self.size)
        with self._lock:
            assert self._file is not None, "the reader is closed"
            with blob_errors("Reading a blob"):
                frames = self._disk.read(self._file, end - first, framing.HEADER_BYTES + first)
        if len(frames) != end - first:
            raise BlobCorrupt(self.blob_id, "it was cut off while it was open")
        framing.verify(frames, first, self._footer, self.blob_id)
        start = offset - first
        if self._opener is None:
            return frames[start : start + length]
        memory = memoryview(bytearray(room_bytes(framing.frames_of(len(frames)))))
        position = 0
        for piece in spread(memory, len(frames)):
            piece[:] = frames[position : position + len(piece)]
            position += len(piece)
        return _cut(self._opener.open(memory, len(frames), first, self._footer, self.blob_id), start, length)

    def _read_from_memory(self, offset: int, length: int) -> bytes | bytearray | None:
        """As `_read`, without waiting for anything. None where not all is in memory, or anything is amiss."""
        first, end = framing.frame_span(offset, length, self.size)
        scratch = self._scratch
        frames = spread(scratch, end - first)
        if not self._lock.acquire(blocking=False):
            return None  # A step that a cancellation left behind is still running.
        try:
            assert self._file is not None
            if self._disk.read_cached(self._file, frames, framing.HEADER_BYTES + first) != end - first:
                return None
        except OSError:
            return None  # The thread will meet the same error, if it is one, and report it.
        finally:
            self._lock.release()
        framing.verify_each(frames, first, self._footer, self.blob_id)
        start = offset - first
        if self._opener is None:
            return _cut(b"".join(frames), start, length)
        return _cut(self._opener.open(scratch, end - first, first, self._footer, self.blob_id), start, length)

    def _close_if_quick(self) -> bool:
        """Close the file on the event loop where that cannot take long. False where it is left to a thread."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._file is not None and not self._disk.is_named(self._file):
                return False
        except OSError:
            return False
        finally:
            self._lock.release()
        self.close_now()
        return True


def _cut(data: T, start: int, length: int) -> T:
    """The bytes [start, start + length), copied only where they are not all."""
    return data if length == len(data) else data[start : start + length]
