"""Which upload tokens have an upload in flight: one at a time each (reference, section 9.6).

The workers of a server tell one another by locks on bytes of one file, since the uploads of one client reach any of them.
Such a lock costs a system call, needs no place in the file, and goes with the process that holds it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from undercroft.native.errors import NativeError

LOCK_FILE = "upload-slots.lock"
_SHOWN_CHARACTERS = 12  # A token is a secret: the message names enough of it to tell it from others.
_OFFSET_BITS = 62  # Where in the file a token has its byte: as far as a lock can be.


class UploadSlots:
    """The tokens in use. Memory is bounded by the number of connections."""

    def __init__(self, shared: Path | None = None) -> None:
        """`shared` is the file by which processes tell one another; without it this process stands alone."""
        self._taken: set[str] = set()
        self._file = None if shared is None else os.open(shared, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def take(self, token: str) -> Iterator[None]:
        """Hold the token's slot inside the `with`, however that ends.

        Raises 400 `auth_token_limit` where another upload holds it. Clients match the text of the message.
        """
        offset = 0 if self._file is None else _offset(token)
        if token in self._taken or not self._lock(offset):
            shown = f"{token[:_SHOWN_CHARACTERS]}..."
            raise NativeError(400, "auth_token_limit", f"more than one upload using auth token {shown}")
        self._taken.add(token)
        try:
            yield
        finally:
            self._taken.discard(token)
            if self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, offset)

    def _lock(self, offset: int) -> bool:
        """Whether no other process holds the byte, which this one then does."""
        if self._file is None:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
        except (BlockingIOError, PermissionError):
            return False
        return True


def _offset(token: str) -> int:
    digest = hashlib.blake2b(token.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - _OFFSET_BITS)
