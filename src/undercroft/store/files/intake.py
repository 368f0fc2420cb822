"""The pipeline that every upload runs through: length, digests, and storage, in one pass.

A body up to the inline threshold stays in memory and becomes an inline extent. A longer one streams into blobs, in blocks:
while some are digested and written in threads, the next one arrives. MD5 is what takes longest, so it never waits for the
others; `BLOCKS_UNDER_WAY` and the one that gathers are all that is in memory (P9).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec
from awscrt import checksums as crt

from undercroft import limits
from undercroft.blobs.contract import Blobs, BlobWriter
from undercroft.catalog.extents import ExtentRow
from undercroft.store.errors import DigestMismatch, LengthMismatch, TooLarge
from undercroft.store.files.base import Context, storing
from undercroft.store.files.encryption import Sealing
from undercroft.store.model import UploadBody
from undercroft.threads import Strand, Threads

BLOCK_BYTES = limits.MIB
BLOCKS_UNDER_WAY = 3  # That are digested and written while the next one gathers.
PIECE_MIN_BYTES = 4 * limits.KIB  # What comes in smaller pieces is joined: each costs memory of its own.


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _CRC:
    """A cyclic checksum with the interface of hashlib; the value in big-endian bytes, as S3 writes it."""

    def __init__(self, function: Callable[[Any, int], int], width: int) -> None:
        self._function = function
        self._width = width
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width, "big")


_MAKERS: dict[str, Callable[[], _Digest]] = {
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "crc32": lambda: _CRC(crt.crc32, 4),
    "crc32c": lambda: _CRC(crt.crc32c, 4),
    "crc64nvme": lambda: _CRC(crt.crc64nvme, 8),
}


class Digests:
    """Digests of one run of bytes: MD5, SHA-1 and what else was asked for."""

    def __init__(self, algorithms: Iterable[str], threads: Threads) -> None:
        self._digests = {name: _MAKERS[name]() for name in {"md5", "sha1", *algorithms}}
        self._threads = threads
        self._strands: tuple[Strand, Strand] | None = None  # Most bodies are too small to need them.

    def update(self, data: bytes) -> None:
        """Add bytes on the calling thread; for small amounts."""
        for digest in self._digests.values():
            digest.update(data)

    def begin(self, block: bytes) -> asyncio.Future[tuple[None, None]]:
        """Have a block added in threads, behind those begun before: MD5 beside all others, since it is the slowest."""
        if self._strands is None:
            self._strands = Strand(self._threads), Strand(self._threads)
        of_md5, of_others = self._strands
        others = [digest for name, digest in self._digests.items() if name != "md5"]
        return asyncio.gather(
            of_md5.begin(self._digests["md5"].update, block), of_others.begin(_update_all, others, block)
        )

    def results(self) -> dict[str, bytes]:
        """The raw digests by algorithm."""
        return {name: digest.digest() for name, digest in self._digests.items()}


def _joined(pieces: list[bytes]) -> bytes:
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _update_all(digests: list[_Digest], data: bytes) -> None:
    for digest in digests:
        digest.update(data)


class DataKeys:
    """The data keys of bytes that are being stored, one an extent."""

    __slots__ = ("_keys", "_sealing")

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing
        self._keys: list[bytes] = []

    def next(self) -> bytes:
        """The key of the next extent."""
        self._keys.append(self._sealing.new_key())
        return self._keys[-1]

    def seal(self, data: bytes) -> bytes:
        """The data of the next extent as its row keeps it."""
        sealed, key = self._sealing.seal(data)
        self._keys.append(key)
        return sealed

    def wrapped(self, extents: list[ExtentRow]) -> list[ExtentRow]:
        """The extents with their keys."""
        return [
            ExtentRow(*extent[:-1], self._sealing.wrap(key, extent.blob_id))
            for extent, key in zip(extents, self._keys, strict=True)
        ]


class Stored(msgspec.Struct, frozen=True):
    """Bytes that are safely stored but not named by anything yet. The extents lack their wrapped keys."""

    size: int
    digests: dict[str, bytes]
    extents: list[ExtentRow]
    keys: DataKeys | None = None

    def rows(self) -> list[ExtentRow]:
        """The extents as the transaction that calls this is to store them."""
        return self.extents if self.keys is None else self.keys.wrapped(self.extents)

    @property
    def inline_bytes(self) -> int:
        """How many bytes go into the catalog itself."""
        return self.size if self.extents and self.extents[0].inline is not None else 0


class Intake:
    """Takes one body in. After an error, and when the bytes are not wanted after all, call `discard`."""

    def __init__(
        self, blobs: Blobs, threads: Threads, *, inline_max_bytes: int, sealing: Sealing | None = None
    ) -> None:
        """With `sealing` the bytes are stored encrypted; digests and lengths are those of the bytes as they came."""
        self._keys = None if sealing is None else DataKeys(sealing)
        self._blobs = blobs
        self._threads = threads
        self._inline_max_bytes = inline_max_bytes
        self._writers: list[BlobWriter] = []
        self._extents: list[ExtentRow] = []
        self._size = 0
        self._storing: deque[asyncio.Task[None]] = deque()  # Blocks under way, the oldest first.

    async def take(self, body: UploadBody, algorithms: Iterable[str] = ()) -> Stored:
        """Store the body and compare it with what its sender says of it.

        Raises `TooLarge`, `LengthMismatch`, `DigestMismatch`, `StorageFull` and what the body itself raises.
        """
        declared = body.length
        if declared is not None and declared > limits.UPLOAD_MAX_BYTES:
            raise TooLarge(declared, limits.UPLOAD_MAX_BYTES)
        digests = Digests(body.algorithms.union(algorithms), self._threads)
        try:
            await self._consume(body, digests, declared)
        except asyncio.CancelledError:
            # The server stops. In the commit nobody would know whether it happened, but here nothing names the bytes yet.
            await self.discard()
            raise
        if declared is not None and declared != self._size:
            raise LengthMismatch(declared, self._size)
        calculated = digests.results()
        for algorithm, expected in body.expected().items():
            if not hmac.compare_digest(expected, calculated[algorithm]):
                raise DigestMismatch(algorithm, expected, calculated[algorithm])
        return Stored(self._size, calculated, self._extents, self._keys)

    async def _consume(self, body: UploadBody, digests: Digests, declared: int | None) -> None:
        pending: list[bytes] = []
        pending_bytes = 0
        block_bytes = self._inline_max_bytes + 1  # The first block decides whether the body is inline.
        try:
            async for chunk in body.chunks():
                self._size += len(chunk)
                if self._size > (limits.UPLOAD_MAX_BYTES if declared is None else declared):
                    raise self._too_long(declared)
                if pending and len(pending[-1]) < PIECE_MIN_BYTES:
                    pending[-1] += chunk
                else:
                    pending.append(chunk)
                pending_bytes += len(chunk)
                if pending_bytes >= block_bytes:
                    if len(self._storing) == BLOCKS_UNDER_WAY:
                        await self._oldest_stored()
                    self._begin_block(_joined(pending), digests)
                    pending, pending_bytes, block_bytes = [], 0, BLOCK_BYTES
            if not self._writers and not self._storing:
                self._keep_inline(_joined(pending), digests)
                return
            if pending:
                self._begin_block(_joined(pending), digests)
            while self._storing:
                await self._oldest_stored()
            await self._finish_blob()
            for writer in self._writers[:-1]:  # The last one was finished just now, the others perhaps hours ago.
                await storing(writer.renew())
        finally:
            await self._settle()

    def _too_long(self, declared: int | None) -> TooLarge | LengthMismatch:
        if declared is None:
            return TooLarge(self._size, limits.UPLOAD_MAX_BYTES)
        return LengthMismatch(declared, self._size)

    def _keep_inline(self, data: bytes, digests: Digests) -> None:
        digests.update(data)
        if data:
            stored = data if self._keys is None else self._keys.seal(data)
            self._extents.append(ExtentRow(0, len(data), None, 0, stored, crt.crc32c(stored), None))

    def _begin_block(self, block: bytes, digests: Digests) -> None:
        """Have the block digested, and written behind the one before it."""
        before = self._storing[-1] if self._storing else None
        self._storing.append(asyncio.create_task(self._store_block(block, digests.begin(block), before)))

    async def _store_block(
        self, block: bytes, digesting: asyncio.Future[tuple[None, None]], before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            await before  # If it fails, so do all behind it.
        await self._write(block)
        await digesting

    async def _oldest_stored(self) -> None:
        await self._storing[0]
        self._storing.popleft()

    async def _settle(self) -> None:
        """Wait for the blocks under way, however they end: nothing may write to a blob that is about to be discarded.

        What went wrong first has been raised already.
        """
        if self._storing:
            await asyncio.wait(self._storing)
        for task in self._storing:
            if not task.cancelled():
                task.exception()
        self._storing.clear()

    async def _write(self, block: bytes) -> None:
        rest = memoryview(block)
        while rest:
            if not self._writers or self._writers[-1].size >= self._blobs.max_blob_bytes:
                await self._finish_blob()
                self._writers.append(
                    await storing(self._blobs.create(None if self._keys is None else self._keys.next()))
                )
            writer = self._writers[-1]
            piece = rest[: self._blobs.max_blob_bytes - writer.size]
            await storing(writer.write(piece))
            rest = rest[len(piece) :]

    async def _finish_blob(self) -> None:
        """Make the blob being written durable, and note the extent that it will be."""
        if len(self._writers) == len(self._extents):
            return
        writer = self._writers[-1]
        await storing(writer.finish())
        start = self._extents[-1].start + self._extents[-1].length if self._extents else 0
        self._extents.append(ExtentRow(start, writer.size, writer.blob_id, 0, None, None, None))

    async def discard(self) -> None:
        """Give the bytes back: nothing names them."""
        for writer in self._writers:
            await storing(writer.discard())


def intake_of(context: Context, sealing: Sealing | None) -> Intake:
    """An intake into the engines of the file store."""
    inline_max_bytes = context.catalog.inline_max_bytes
    return Intake(context.blobs, context.hashers, inline_max_bytes=inline_max_bytes, sealing=sealing)
