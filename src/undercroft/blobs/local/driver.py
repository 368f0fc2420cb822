"""The driver of blobs on a local disk: where the files are, and who makes, opens, removes and finds them."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from weakref import WeakSet

from undercroft import limits
from undercroft.blobs import framing
from undercroft.blobs.contract import BLOB_ID_BYTES, BlobIOError, BlobsBusy, WalkedBlob
from undercroft.blobs.local.disk import Disk, blob_errors
from undercroft.blobs.local.reader import SCRATCH_BYTES, LocalBlobReader
from undercroft.blobs.local.space import SpaceReserve
from undercroft.blobs.local.staging import StagingBuffers
from undercroft.blobs.local.writer import LocalBlobWriter
from undercroft.threads import Threads

_NAME = re.compile(r"[0-9a-f]{32}")
_FOLDER_MODE = 0o700
_FOLDERS = tuple(f"{first:02x}" for first in range(256))  # By the first byte of the id, which is random.


class LocalBlobs:
    """Blobs as files `root/ab/abcd…` (the id in hex), in folders that are made once.

    Several processes share one root without knowing of one another: ids are random and files are created exclusively.
    """

    def __init__(
        self,
        root: Path,
        *,
        on_fatal: Callable[[Exception], None],
        random_bytes: Callable[[int], bytes] = os.urandom,
        monotonic: Callable[[], float] = time.monotonic,
        disk: Disk | None = None,
        max_blob_bytes: int = limits.BLOB_MAX_BYTES,
        reserve_bytes: int = limits.DISK_RESERVE_BYTES,
        open_max: int = limits.OPEN_BLOBS_MAX,
        thread_count: int = limits.BLOB_THREADS,
    ) -> None:
        """Use the folder `root`, made here if need be; the folder that holds it must be there. Blocks for a moment.

        `on_fatal` is called, from any thread, when a sync failed: it ends the server (P12). Threads start with the first
        call, so the process may fork after this. Raises `BlobError`.
        """
        assert max_blob_bytes <= framing.MAX_BYTES
        self.max_blob_bytes = max_blob_bytes
        self._root = str(root)
        self._on_fatal = on_fatal
        self._random_bytes = random_bytes
        self._disk = disk or Disk()
        self._threads = Threads(thread_count, "blobs")
        self._space = SpaceReserve(self._root, disk=self._disk, reserve_bytes=reserve_bytes, monotonic=monotonic)
        self._staging = StagingBuffers()
        self._scratch = memoryview(bytearray(SCRATCH_BYTES))
        self._open_max = open_max
        self._open: WeakSet[LocalBlobWriter | LocalBlobReader] = WeakSet()
        self._make_folders()

    async def create(self, key: bytes | None = None) -> LocalBlobWriter:
        """Begin a new blob; see the contract."""
        if self._space.is_fresh:
            self._space.require(0)
        else:
            await self._threads.run(self._space.require, 0)
        blob_id = self._random_bytes(BLOB_ID_BYTES)
        writer = LocalBlobWriter(
            blob_id,
            self._folder(blob_id),
            disk=self._disk,
            threads=self._threads,
            space=self._space,
            staging=self._staging,
            max_bytes=self.max_blob_bytes,
            on_fatal=self._on_fatal,
            key=key,
        )
        self._count_in(writer)
        return writer

    async def open(self, blob_id: bytes, key: bytes | None = None) -> LocalBlobReader:
        """Open a finished blob; see the contract."""
        reader = LocalBlobReader(
            blob_id, self._path(blob_id), disk=self._disk, threads=self._threads, scratch=self._scratch, key=key
        )
        self._count_in(reader)
        with ExitStack() as undo:
            undo.callback(reader.close)
            await self._threads.run(reader.open_now)
            undo.pop_all()
        return reader

    async def delete(self, blob_id: bytes) -> None:
        """Remove the blob if it is there; see the contract."""
        await self._threads.run(self._delete, self._path(blob_id))

    def walk(self) -> Iterator[WalkedBlob]:
        """Every blob, folder by folder; see the contract. What is no blob's name, and no plain file, is passed over."""
        for folder in _FOLDERS:
            with blob_errors("Walking the blobs"), os.scandir(f"{self._root}/{folder}") as entries:
                for entry in entries:
                    status = _status(entry)
                    if status is not None and _NAME.fullmatch(entry.name) and entry.name.startswith(folder):
                        yield WalkedBlob(bytes.fromhex(entry.name), status.st_mtime, status.st_size)

    def check(self) -> None:
        """Return if every folder can be read and written; see the contract."""
        for folder in _FOLDERS:
            path = f"{self._root}/{folder}"
            if not os.access(path, os.R_OK | os.W_OK | os.X_OK):  # Also refuses what is mounted read-only.
                raise BlobIOError(f"{path} is missing or cannot be read and written.")

    async def close(self) -> None:
        """Discard unfinished writers and close readers; see the contract."""
        for handle in list(self._open):
            await handle.abandon()
        await self._threads.close()

    def _folder(self, blob_id: bytes) -> str:
        assert len(blob_id) == BLOB_ID_BYTES
        return f"{self._root}/{_FOLDERS[blob_id[0]]}"

    def _path(self, blob_id: bytes) -> str:
        return f"{self._folder(blob_id)}/{blob_id.hex()}"

    def _count_in(self, handle: LocalBlobWriter | LocalBlobReader) -> None:
        """Remember what may hold a descriptor, and refuse it where too many are held."""
        if len(self._open) >= self._open_max:
            # Handles leave by themselves when nobody knows them any more; the used up ones that somebody keeps go here.
            self._open = WeakSet(other for other in self._open if other.is_open)
            if len(self._open) >= self._open_max:
                raise BlobsBusy(f"{self._open_max} blobs are open already.")
        self._open.add(handle)

    def _delete(self, path: str) -> None:
        with blob_errors("Removing a blob"), suppress(FileNotFoundError):
            self._disk.unlink(path)

    def _make_folders(self) -> None:
        """Make the root and its folders, and make them durable, whoever made them: another process may be about to."""
        with blob_errors(f"Making the folders of blobs in {self._root}", fatal=True):
            root = Path(self._root)
            for path in (root, *(root / folder for folder in _FOLDERS)):
                path.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            self._disk.sync_directory(str(root))
            self._disk.sync_directory(str(root.parent))


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """What is known of a plain file; None for anything else, and for what was deleted a moment ago."""
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None
