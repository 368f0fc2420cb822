"""The system calls that local blobs make, in one place, and how their failures become blob errors.

The driver is given a `Disk`, so that a test can give it one that is full, slow or broken at a chosen call.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO

from undercroft.blobs.contract import BlobIOError, BlobsBusy, NoSpace

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
_NO_DESCRIPTOR = frozenset((errno.EMFILE, errno.ENFILE))
_NEW_FILE_MODE = 0o600


class Disk:
    """The real disk. Every method is one system call, or the few of one purpose; all raise OSError and all may block.

    Paths are strings: pathlib costs as much as the calls. Files are `FileIO`, only as an owner of the descriptor: one that is forgotten is closed, with a ResourceWarning.
    """

    def create(self, path: str) -> FileIO:
        """Open a file that did not exist, for writing. Never follows or overwrites anything."""
        return FileIO(path, "wb", opener=_open_new)

    def begin_direct(self, file: FileIO) -> None:
        """From now on, write whole aligned blocks past the page cache, where the file system has such a thing.

        Not asked for when the file is created: a file system that refuses it has made the file by then.
        """
        try:
            fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_DIRECT)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise

    def end_direct(self, file: FileIO) -> None:
        """From now on, write any number of bytes from anywhere in memory."""
        fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) & ~os.O_DIRECT)

    def open(self, path: str) -> FileIO:
        """Open a file for reading; a symbolic link is refused."""
        return FileIO(path, "rb", opener=_open_existing)

    def size(self, file: FileIO) -> int:
        """The file's length in bytes."""
        return os.fstat(file.fileno()).st_size

    def write(self, file: FileIO, buffers: Sequence[bytes | memoryview]) -> int:
        """Append the buffers; how many bytes were taken, which may be fewer than given."""
        return os.writev(file.fileno(), buffers)

    def read(self, file: FileIO, length: int, offset: int) -> bytes:
        """The bytes from `offset` on; fewer than `length` only where the file ends."""
        return os.pread(file.fileno(), length, offset)

    def read_cached(self, file: FileIO, buffers: Sequence[memoryview], offset: int) -> int:
        """Fill the buffers, as far as it goes without waiting for the disk: from memory. How many bytes they got.

        Raises BlockingIOError where nothing is in memory, and other OSErrors where the file system cannot tell.
        """
        return os.preadv(file.fileno(), buffers, offset, os.RWF_NOWAIT)

    def is_named(self, file: FileIO) -> bool:
        """Whether the file still has a name. To close one that has none may take long: its blocks are freed then."""
        return os.fstat(file.fileno()).st_nlink > 0

    def sync_file(self, file: FileIO) -> None:
        """Make the file's bytes and its length durable.

        fdatasync is enough: it may leave out the times, but it writes all metadata without which the bytes would not be
        found again, which for a new file are its inode, its length and the map of its blocks.
        """
        os.fdatasync(file.fileno())

    def sync_directory(self, path: str) -> None:
        """Make the directory's names durable."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self, file: FileIO) -> None:
        """Let go of the descriptor."""
        file.close()

    def touch(self, path: str) -> None:
        """Let the time of the file's last write be now."""
        os.utime(path)

    def unlink(self, path: str) -> None:
        """Remove a file's name."""
        os.unlink(path)  # noqa: PTH108

    def free_bytes(self, path: str) -> int:
        """How many bytes an ordinary user may still write to the file system that holds the path."""
        space = os.statvfs(path)
        return space.f_bavail * space.f_frsize


def _open_new(path: str, _flags: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _NEW_FILE_MODE)


def _open_existing(path: str, _flags: int) -> int:
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)


@contextmanager
def blob_errors(doing: str, *, fatal: bool = False) -> Iterator[None]:
    """Turn an OSError of the block into the blob error that callers know. `doing` completes "… failed".

    A full disk is never fatal, not even where a sync reports it, as quotas and network file systems do: what was
    to become durable is then removed, and nothing relies on it.
    """
    try:
        yield
    except OSError as error:
        message = f"{doing} failed: {error.strerror} ({errno.errorcode.get(error.errno or 0, 'unknown')})."
        if error.errno in _FULL:
            raise NoSpace(message) from error
        if error.errno in _NO_DESCRIPTOR:
            raise BlobsBusy(message) from error
        raise BlobIOError(message, fatal=fatal) from error
