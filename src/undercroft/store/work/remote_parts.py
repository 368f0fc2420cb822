"""The parts in which large files go to another installation, each read while it is sent: they may have a gigabyte."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

from undercroft import limits
from undercroft.store.files.service import Files
from undercroft.store.model import FileVersion

_DIGITS = 40  # Of a SHA-1.


def part_bytes_of(size_bytes: int) -> int:
    """How large the parts of a file are: small, since an interruption costs one, but no more than a file may have.

    Whole MiB, so that no part begins within a frame. A file of the largest size there is has parts of 954 MiB.
    """
    least = -(-size_bytes // limits.PART_NUMBER_MAX)
    return max(limits.REPLICATION_REMOTE_PART_BYTES, -(-least // limits.MIB) * limits.MIB)


class Part:
    """Bytes [first, end) of a version, and the hex digits of their SHA-1 behind them, as `hex_digits_at_end` wants it.

    `sha1` is known once `chunks` or `digest` has come to its end. Both raise what `Files.read` raises.
    """

    def __init__(self, files: Files, version: FileVersion, first: int, end: int) -> None:
        self._files = files
        self._version = version
        self._first = first
        self.size = end - first
        self.sha1 = ""

    @property
    def length(self) -> int:
        """How many bytes `chunks` gives."""
        return self.size + _DIGITS

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes and then the digits."""
        digest = hashlib.sha1(usedforsecurity=False)
        body = await self._files.read(self._version, self._first, self._first + self.size)
        if isinstance(body, bytes):
            digest.update(body)
            yield body
        else:
            async with aclosing(body):
                async for block in body:
                    digest.update(block)
                    yield bytes(block)
        self.sha1 = digest.hexdigest()
        yield self.sha1.encode()

    async def digest(self) -> str:
        """The SHA-1, for which all is read."""
        async with aclosing(self.chunks()) as chunks:
            async for _ in chunks:
                pass
        return self.sha1
