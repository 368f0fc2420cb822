"""What SQLite's errors mean: that there is no room, which is told to the caller, or that the disk failed (P12)."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import apsw

# What says that the engine itself is broken, and not the statement.
FATAL = (apsw.IOError, apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.NoMemError)
# What ends the whole group of changes, and not only the change at which it showed.
GROUP_FAILURES = (*FATAL, apsw.FullError, apsw.BusyError)

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
_SYNCS = frozenset((apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC))


def means_full(raw: apsw.Connection, error: apsw.Error) -> bool:
    """Whether the engine failed for lack of room; a used-up quota comes as an I/O error with its errno, and so may a file
    that could not be made.

    Never where a sync failed, even for lack of room. The log then holds the whole transaction, of which nobody knows what is
    on the disk: the next start may find it there, although its caller was refused and has removed its blobs.
    """
    if isinstance(error, (apsw.IOError, apsw.CantOpenError)):
        return raw.system_errno in _FULL and getattr(error, "extendedresult", 0) not in _SYNCS
    return isinstance(error, apsw.FullError)


def takes_no_file(folder: Path) -> bool:
    """Whether the folder has no room for another file: found out by making one that is gone at once."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="room-"):
            return False
    except OSError as error:
        return error.errno in _FULL
