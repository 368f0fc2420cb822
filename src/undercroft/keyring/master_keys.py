"""Where the master keys are kept: in a file of their own, or in a variable that the operator sets."""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from undercroft import limits
from undercroft.keyring.ring import KEY_BYTES, Keyring, KeyringError

_COMING = ">"  # Begins the line of a key that is to become current. No letter of base64.


class KeySource(Protocol):
    """Where master keys are kept, and how they are changed there."""

    def read(self) -> list[bytes]:
        """The keys as they are now: the first one wraps. Raises `KeyringError`."""

    def changing(self) -> AbstractContextManager[None]:
        """Let the block change the keys, and nobody else meanwhile.

        Raises `KeyringError` where somebody else does, and where that cannot be found out.
        """

    def begin_change(self) -> None:
        """Put a new key before the current one, unless that has been done and not been ended. Raises `KeyringError`."""

    def end_change(self) -> None:
        """Drop every key but the current one: nothing is wrapped under the others any more."""


class MasterKeyFile:
    """A file with mode 0600: the base64 of 32 bytes a line, the current key first. One behind a `>` is to become current.

    It is only ever replaced as a whole: by a file that was synced before, under its name. A new key first comes with
    that mark: so it is on the disk before anybody can wrap a secret with it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the file, with a new key."""
        self._write([os.urandom(KEY_BYTES)])

    def read(self) -> list[bytes]:
        """See `KeySource`."""
        current, coming = self._read()
        return current + coming

    @contextmanager
    def changing(self) -> Iterator[None]:
        """See `KeySource`."""
        try:
            directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise KeyringError(f"{self.path.parent} cannot be opened: {error.strerror}.") from error
        try:
            try:
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise KeyringError("The master key is being changed by another command.") from None
            except OSError as error:
                raise KeyringError(f"{self.path.parent} cannot be locked: {error.strerror}.") from error
            yield
        finally:
            os.close(directory)

    def begin_change(self) -> None:
        """See `KeySource`. When this returns, the new key is on the disk."""
        # 1. the new key comes to the disk, and wraps nothing yet; 2. it becomes the current one.
        keys, coming = self._read()
        if len(keys) == 1:
            if not coming:
                coming = [os.urandom(KEY_BYTES)]
                self._write(keys, coming)
            self._write(coming + keys)

    def end_change(self) -> None:
        """See `KeySource`."""
        self._write(self.read()[:1])

    def _read(self) -> tuple[list[bytes], list[bytes]]:
        """The keys that are or were current, and those that are to become it."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            with os.fdopen(fd, "rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                lines = file.read(limits.MASTER_KEYS_MAX_BYTES).decode("ascii", "replace").split()
        except FileNotFoundError:
            raise KeyringError(f"The master key file {self.path} is missing.") from None
        except OSError as error:
            raise KeyringError(f"The master key file {self.path} cannot be read: {error.strerror}.") from error
        if mode & 0o077:
            raise KeyringError(f"The master key file {self.path} must not be readable by others (chmod 600).")
        coming = [line.removeprefix(_COMING) for line in lines if line.startswith(_COMING)]
        return _decoded([line for line in lines if not line.startswith(_COMING)]), _decoded(coming)

    def _write(self, keys: Sequence[bytes], coming: Sequence[bytes] = ()) -> None:
        # 1. a new file, for its owner alone, has the keys; 2. it is synced; 3. it takes the name; 4. the name is synced.
        lines = [base64.b64encode(key).decode() for key in keys]
        lines += [_COMING + base64.b64encode(key).decode() for key in coming]
        temporary = self.path.with_suffix(".new")
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write("".join(f"{line}\n" for line in lines).encode())
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(self.path)
            directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise KeyringError(f"The master key file {self.path} cannot be written: {error.strerror}.") from error


class MasterKeyVariable:
    """A variable with the base64 of 32 bytes, or of several keys with commas between them, the current one first."""

    def __init__(self, encoded: str) -> None:
        self._encoded = encoded

    def read(self) -> list[bytes]:
        """The keys."""
        return _decoded(self._encoded.split(","))

    @contextmanager
    def changing(self) -> Iterator[None]:
        """The operator sees to it that one change goes on at a time."""
        yield

    def begin_change(self) -> None:
        """Only the operator can bring a new key. Raises `KeyringError` where that has not been done."""
        if len(self.read()) == 1:
            raise KeyringError(
                "The master key comes from a variable: set it to a new key, a comma and the key it has now, for the"
                " server too, start the server anew, and try again."
            )

    def end_change(self) -> None:
        """Nothing to do: the operator may take the old key out of the variable."""


def load_or_create(path: Path, *, encoded: str | None = None, may_create: bool = True) -> Keyring:
    """The keyring of a data directory.

    `encoded` (`UNDERCROFT_MASTER_KEY`) wins over the file at `path`. A missing file is made, unless `may_create` is off:
    a new key would not open what was wrapped under the one that is missing. Raises `KeyringError`.
    """
    if encoded is not None:
        return _opened(MasterKeyVariable(encoded))
    file = MasterKeyFile(path)
    if may_create and not path.exists():
        file.create()
    return _opened(file)


def _opened(source: KeySource) -> Keyring:
    return Keyring(*source.read(), source=source)


def _decoded(lines: Sequence[str]) -> list[bytes]:
    """The keys that these texts are. Raises `KeyringError`."""
    try:
        return [base64.b64decode(line.strip(), validate=True) for line in lines]
    except (binascii.Error, ValueError) as error:
        raise KeyringError("The master key is not base64.") from error
