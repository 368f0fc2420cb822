"""A spare file: room on the disk that is kept for deletes (P13).

The reserve of free space keeps uploads from filling the disk, but other programs know nothing of it. When the disk is full to
the last byte, the spare is given up, and what it occupied is enough for the log of some thousand deletes. It is made
again when there is room.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path


class Spare:
    """The spare file of one catalog. Processes share the file; whoever holds the writers' lock may call this."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        self._path = path
        self._size_bytes = size_bytes
        self._kept = False  # As far as this process knows; another may have given it up since.

    def keep(self) -> None:
        """Have the file, if the disk has room for it."""
        if self._kept:
            return
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(fd, 0, self._size_bytes)
            finally:
                os.close(fd)
            self._kept = True
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            self._path.unlink(missing_ok=True)  # Where only an inode was missing, there is no file.

    def give_up(self) -> bool:
        """Free the room. False where there is none to free."""
        self._kept = False
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True
