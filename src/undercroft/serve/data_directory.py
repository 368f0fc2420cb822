"""The data directory of a server, and the locks that let one server at a time have it.

The catalog and the blobs may be elsewhere and have locks of their own: a server that took another's blobs for its own would
remove them all, since its catalog names none of them.

A lock is an flock on an open file that all processes of the server inherit, so it ends when the last of them does, however
they end. The commands of the operator do not take it: they share the catalog with the server under the catalog's own lock.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path

import msgspec

from undercroft import limits
from undercroft.serve.exits import StartError
from undercroft.settings import Address, Settings

_LOCK = "server.lock"
_LOCK_BESIDE = ".server-lock"  # Behind the name of what is locked.
_ADDRESSES = "server.json"
_METRICS = "metrics"
_PID_WIDTH = 20
_POLL_S = 0.02
_NOT_OURS_TO_SYNC = frozenset((errno.EACCES, errno.EPERM, errno.EINVAL, errno.EROFS))


class ServedAt(msgspec.Struct, frozen=True):
    """Where the server of a data directory is reached, for commands that tell users of it."""

    listen: str
    console_listen: str
    scheme: str
    region: str
    public_url: str | None
    console_url: str | None


def create(path: Path, option: str = "--data") -> None:
    """Make the directory, for its owner alone, if it is not there; when this returns, it is durable. Raises `StartError`."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"{option}: {path} cannot be made: {error.strerror}") from None
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise StartError(f"{option}: {path} cannot be read and written")
    if not any(path.iterdir()):
        _make_durable(path, option)


def _make_durable(path: Path, option: str) -> None:
    """Sync the names that lead to the directory: nothing in it is durable before they are (P1).

    As long as it is empty, since a start before this one may have made it and got no further. A directory above that may
    not be opened, or is of a file system that does not change, holds no name that we made.
    """
    for holder in path.absolute().parents:
        try:
            fd = os.open(holder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError as error:
            if error.errno not in _NOT_OURS_TO_SYNC:
                raise StartError(f"{option}: {holder} cannot be synced: {error.strerror}") from None


def lock(settings: Settings) -> list[int]:
    """Take all that one server at a time may have: file descriptors to keep open.

    Each lock is in the directory that it is about, so that it is the same one however that is mounted. Raises
    `StartError` where another server has any of them.
    """
    catalog, blobs = settings.catalog.resolve(), settings.blobs.resolve()
    taken: list[int] = []
    try:
        taken.append(_lock("--data", settings.data, settings.data / _LOCK))
        taken.append(_lock("--catalog", catalog, catalog.with_name(catalog.name + _LOCK_BESIDE)))
        create(blobs, "--blobs")
        taken.append(_lock("--blobs", blobs, blobs / _LOCK))
    except StartError:
        for fd in taken:
            os.close(fd)
        raise
    return taken


def _lock(option: str, path: Path, file: Path) -> int:
    try:
        fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"{option}: {file} cannot be opened: {error.strerror}") from None
    deadline = time.monotonic() + limits.DATA_LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError as error:
            if error.errno != errno.EWOULDBLOCK:
                raise StartError(f"{option}: {file} cannot be locked: {error.strerror}") from None
            if time.monotonic() >= deadline:
                owner = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
                os.close(fd)
                raise StartError(f"{option}: {path} is being served already, by process {owner or 'unknown'}") from None
            time.sleep(_POLL_S)
    try:  # In the place of the last one, also on a full disk.
        os.pwrite(fd, f"{os.getpid():<{_PID_WIDTH}}\n".encode(), 0)
    except OSError as error:
        os.close(fd)
        raise StartError(f"{option}: {file} cannot be written: {error.strerror}") from None
    return fd


def metrics_directory(path: Path) -> Path:
    """Where the processes share their metrics."""
    return path / _METRICS


def write_addresses(settings: Settings) -> None:
    """Leave word of where the server is reached. Raises `StartError` where there is no room for it."""
    served_at = ServedAt(
        listen=str(settings.listen),
        console_listen=str(settings.console_listen),
        scheme=settings.scheme,
        region=settings.region,
        public_url=settings.public_url,
        console_url=settings.console_url,
    )
    if read_addresses(settings.data) == served_at:
        return  # A server that starts anew where it was before needs no room on the disk.
    temporary = settings.data / (_ADDRESSES + ".new")
    try:
        temporary.write_bytes(msgspec.json.encode(served_at) + b"\n")
        temporary.rename(settings.data / _ADDRESSES)
    except OSError as error:
        raise StartError(f"--data: {temporary} cannot be written: {error.strerror}") from None


def read_addresses(path: Path) -> ServedAt | None:
    """What the latest server of this directory left; None where none has, or where it was damaged."""
    try:
        return msgspec.json.decode((path / _ADDRESSES).read_bytes(), type=ServedAt)
    except (FileNotFoundError, ValueError):  # Damaged: msgspec's own errors, and those of bytes that are no text.
        return None


def bound(settings: Settings, port: int, console_port: int) -> Settings:
    """The settings with the ports that were really bound, where the system chose them."""
    return msgspec.structs.replace(
        settings,
        listen=Address(settings.listen.host, port),
        console_listen=Address(settings.console_listen.host, console_port),
    )
