"""Writing a blob to a local disk.

Bytes gather in a buffer of 1 MiB and are written past the page cache (O_DIRECT): the cache would cost a second copy, push
out what is read often, and leave the work to the sync at the end. A blob that ends before the first buffer is full is
written in one piece, the ordinary way, and so is what a longer one has left over.

Each step runs in a thread, under the writer's lock. A task that is cancelled leaves its step
running in the thread; the lock makes the discard that follows wait for it, so that a descriptor is never closed, and its
number never used again, under a running write.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from enum import Enum
from io import FileIO
from threading import Lock

from undercroft.blobs import framing
from undercroft.blobs.contract import BlobError, BlobIOError, BlobTooLarge
from undercroft.blobs.local.disk import Disk, blob_errors
from undercroft.blobs.local.space import SpaceReserve
from undercroft.blobs.local.staging import StagingBuffers
from undercroft.blobs.sealing import FrameSealer
from undercroft.threads import Threads


class _State(Enum):
    NEW = "new"  # There is no file yet: it is created when there is something to write.
    OPEN = "open"
    FINISHED = "finished"
    GONE = "gone"


class LocalBlobWriter:
    """A blob file in the making. Made by `LocalBlobs.create`; the contract says what it promises."""

    def __init__(
        self,
        blob_id: bytes,
        folder: str,
        *,
        disk: Disk,
        threads: Threads,
        space: SpaceReserve,
        staging: StagingBuffers,
        max_bytes: int,
        on_fatal: Callable[[Exception], None],
        key: bytes | None = None,
    ) -> None:
        self.blob_id = blob_id
        self._folder = folder
        self._path = f"{folder}/{blob_id.hex()}"
        self._disk = disk
        self._threads = threads
        self._space = space
        self._buffers = staging
        self._max_bytes = max_bytes
        self._on_fatal = on_fatal
        self._lock = Lock()
        self._state = _State.NEW
        self._file: FileIO | None = None
        self._checksums = framing.FrameChecksums()
        self._sealer = None if key is None else FrameSealer(key)
        self._staging: memoryview | None = None
        self._staged = 0  # So many bytes of it are to be written.

    @property
    def size(self) -> int:
        """How many bytes were written so far."""
        return self._checksums.size if self._sealer is None else self._checksums.size + self._sealer.held

    @property
    def is_open(self) -> bool:
        """Whether the writer has neither finished nor gone: it holds a descriptor, or will."""
        return self._state in (_State.NEW, _State.OPEN)

    async def write(self, data: bytes | memoryview) -> None:
        """Append the data; see the contract."""
        await self._threads.run(self._write, memoryview(data).cast("B"))

    async def finish(self) -> None:
        """Make the blob durable; see the contract."""
        await self._threads.run(self._finish)

    async def renew(self) -> None:
        """Make the finished blob young again; see the contract."""
        await self._threads.run(self._renew)

    async def discard(self) -> None:
        """Remove the blob; see the contract."""
        if self._state is not _State.GONE:
            await self._threads.run_to_end(self._discard)

    async def abandon(self) -> None:
        """Discard the blob, whoever still holds the writer, unless it is finished."""
        if self.is_open:
            await self.discard()

    def _write(self, data: memoryview) -> None:
        with self._lock, self._gone_on_error():
            if self.size + len(data) > self._max_bytes:
                raise BlobTooLarge(f"A blob holds at most {self._max_bytes} bytes.")
            # The footer is not counted: a blob that was let in may end.
            self._space.require(len(data) if self._staging else framing.HEADER_BYTES + len(data))
            if self._sealer is None:
                self._store(data)
            else:
                for frame in self._sealer.update(data):
                    self._store(frame)

    def _finish(self) -> None:
        # The order is what makes the blob durable:
        # 1. the footer is written, without which the file is no blob;
        # 2. the file is synced: header, frames and footer are on the disk;
        # 3. its directory is synced: the name is on the disk;
        # 4. it still has that name: a sweep may have taken it for an orphan, if the clock has jumped ahead meanwhile.
        # Only after that may the caller commit an extent that names the blob. A sync that failed is not tried again.
        with self._lock, self._gone_on_error():
            file = self._write_rest()
            with self._syncing("a blob"):
                self._disk.sync_file(file)
            with self._syncing("a directory of blobs"):
                self._disk.sync_directory(self._folder)
            with blob_errors("Finishing a blob"):
                is_named = self._disk.is_named(file)
            if not is_named:
                raise BlobIOError("A blob was removed while it was being written.")
            self._close()
            self._give_back_staging()
            self._state = _State.FINISHED

    def _renew(self) -> None:
        with self._lock, blob_errors("Renewing a blob"):
            assert self._state is _State.FINISHED, f"a blob that is {self._state.value} has no age"
            self._disk.touch(self._path)

    def _discard(self) -> None:
        with self._lock:
            self._remove()

    @contextmanager
    def _syncing(self, what: str) -> Iterator[None]:
        """Let the block sync. If that fails, say so here and now: the task that waits may have been cancelled."""
        try:
            with blob_errors(f"Syncing {what}", fatal=True):
                yield
        except BlobIOError as error:
            self._on_fatal(error)
            raise

    @contextmanager
    def _gone_on_error(self) -> Iterator[None]:
        """Let the block add to the blob; if it fails in any way, the blob goes."""
        assert self.is_open, f"a blob that is {self._state.value} takes no more bytes"
        with ExitStack() as undo:
            undo.callback(self._remove_if_possible)
            yield
            undo.pop_all()

    def _store(self, data: memoryview) -> None:
        """Take bytes as they are to be on the disk."""
        self._checksums.update(data)
        self._stage(data)

    def _stage(self, data: memoryview) -> None:
        """Put the data behind what is there, and write whenever the buffer is full."""
        buffer = self._buffer()
        while len(data):
            piece = data[: len(buffer) - self._staged]
            buffer[self._staged : self._staged + len(piece)] = piece
            self._staged += len(piece)
            data = data[len(piece) :]
            if self._staged == len(buffer):
                file = self._file or self._create(direct=True)
                with blob_errors("Writing a blob"):
                    _write_all(self._disk, file, [buffer])
                self._staged = 0

    def _buffer(self) -> memoryview:
        """The buffer of this blob, which begins with the header."""
        if self._staging is None:
            self._staging = self._buffers.take()
            cipher = framing.CIPHER_NONE if self._sealer is None else framing.CIPHER_AES_256_GCM
            self._staging[: framing.HEADER_BYTES] = framing.pack_header(self.blob_id, cipher)
            self._staged = framing.HEADER_BYTES
        return self._staging

    def _write_rest(self) -> FileIO:
        """Write what is left in the buffer, and the footer behind it."""
        tags = None
        if self._sealer is not None:
            self._store(self._sealer.finish())
            tags = self._sealer.tags()
        footer = framing.pack_footer(self.blob_id, self.size, self._checksums.table(), tags)
        buffer = self._buffer()
        file = self._file or self._create(direct=False)
        with blob_errors("Writing a blob"):
            self._disk.end_direct(file)
            _write_all(self._disk, file, [buffer[: self._staged], memoryview(footer)])
        return file

    def _create(self, *, direct: bool) -> FileIO:
        with blob_errors("Creating a blob"):
            self._file = self._disk.create(self._path)
            self._state = _State.OPEN
            if direct:
                self._disk.begin_direct(self._file)
        return self._file

    def _give_back_staging(self) -> None:
        buffer, self._staging = self._staging, None
        if buffer is not None:
            self._buffers.give(buffer)

    def _remove_if_possible(self) -> None:
        # An error is on its way already and tells more. A file that could not be removed is an orphan, which walks find.
        with suppress(BlobError):
            self._remove()

    def _remove(self) -> None:
        # A file that was there before belongs to another blob: only what this writer created is removed.
        is_ours = self._state in (_State.OPEN, _State.FINISHED)
        self._state = _State.GONE
        self._give_back_staging()
        try:
            self._close()
        finally:
            if is_ours:
                with blob_errors("Removing a blob"), suppress(FileNotFoundError):
                    self._disk.unlink(self._path)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with blob_errors("Closing a blob"):
                self._disk.close(file)


def _write_all(disk: Disk, file: FileIO, buffers: list[memoryview]) -> None:
    """Write every byte of the buffers. A disk may take fewer than it is given, but each time at least one.

    What is then left need not be aligned, so it goes the ordinary way.
    """
    left = [buffer for buffer in buffers if len(buffer)]
    while left:
        written = disk.write(file, left)
        if written == 0:
            raise OSError(errno.EIO, "the disk takes no bytes")
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left:
            disk.end_direct(file)
            left[0] = left[0][written:]
