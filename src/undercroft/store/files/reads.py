"""Reading: finding a version by name or id, and its bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from awscrt import checksums as crt

from undercroft import limits
from undercroft.blobs.contract import BlobReader
from undercroft.blobs.sealing import NotSealed
from undercroft.catalog import extents, parts, versions
from undercroft.catalog.extents import ExtentRow
from undercroft.store.errors import Busy, DataCorrupt, NoSuchBucket, NoSuchFile, NoSuchVersion
from undercroft.store.files.base import FilesBase, part_of, storing, version_of
from undercroft.store.files.encryption import Sealing
from undercroft.store.gate import TRIES
from undercroft.store.identity.authorize import NO_FACTS, Facts
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, CustomerKey, FileVersion, Part
from undercroft.store.operations import Operation

READ_BLOCK_BYTES = 4 * limits.FRAME_BYTES
assert READ_BLOCK_BYTES <= limits.BLOB_INLINE_READ_MAX_BYTES, "what is in memory already must not go through a thread"
WHOLE_MAX_BYTES = 2 * READ_BLOCK_BYTES  # Up to here a body is handed over in one piece.
EXTENTS_AT_ONCE = 256


class Reads(FilesBase):
    """The part of the file store that reads."""

    async def current(
        self,
        principal: Principal,
        bucket: Bucket,
        name: str,
        *,
        operation: Operation = Operation.READ_FILE,
        facts: Facts = NO_FACTS,
        data: bool = True,
    ) -> FileVersion:
        """The visible file of this name; `data=False` when its bytes will not be read. Raises `NoSuchFile`."""
        raw_name = name.encode()
        for _ in range(TRIES):
            found = await versions.current(self._catalog.rows, bucket.bucket_id, raw_name, data=data)
            try:
                await self._gate.met(found.invalidation_id, principal, operation, bucket, name=name, facts=facts)
            except NoSuchBucket:
                renewed = await self._directory.bucket_by_name(bucket.name)
                if renewed is None:
                    raise
                # The bucket was deleted and made anew since this process last heard of it.
                return await self.current(principal, renewed, name, operation=operation, facts=facts, data=data)
            if found.version is not None:
                return version_of(found.version, bucket, found.extent)
            newest = await versions.newest(self._catalog.rows, bucket.bucket_id, raw_name)
            if newest is None:
                raise NoSuchFile(bucket.name, name)
            if newest.action == versions.HIDE:
                raise NoSuchFile(bucket.name, name, str(version_of(newest, bucket).file_id))
            # It became visible between the two reads, so that neither "hidden" nor "never there" was ever true.
        raise Busy("The file changes too fast; try again.")

    async def version(
        self,
        principal: Principal,
        file_id: str,
        *,
        bucket: Bucket | None = None,
        name: str | None = None,
        operation: Operation = Operation.READ_FILE,
        facts: Facts = NO_FACTS,
    ) -> FileVersion:
        """The version of this id, whatever it is; of this bucket and name, where they are given.

        Raises `InvalidFileId`, `NoSuchVersion`.
        """
        parsed, own_bucket = await self._bucket_of(file_id)
        found = await versions.by_handle(self._catalog.rows, parsed.bucket_id, parsed.handle)
        row = found.version
        subject = row.name.decode() if row is not None else name
        try:
            await self._gate.met(found.invalidation_id, principal, operation, own_bucket, name=subject, facts=facts)
        except NoSuchBucket:  # It was deleted since this process last heard of it.
            raise NoSuchVersion(file_id, name or "") from None
        if row is None or (bucket is not None and bucket.bucket_id != own_bucket.bucket_id):
            raise NoSuchVersion(file_id, name or "")
        version = version_of(row, own_bucket, found.extent)
        if version.file_id != parsed or (name is not None and name != version.name):
            raise NoSuchVersion(file_id, name or "")
        return version

    async def parts_of(self, version: FileVersion) -> list[Part]:
        """The parts of a finished large file with their offsets, by number; none for what was uploaded in one piece."""
        if not version.part_count:
            return []
        rows = await self._catalog.scan(
            lambda rows: parts.page(rows, version.bucket_id, version.file_id.handle, 1, limits.PART_NUMBER_MAX)
        )
        return [part_of(row, version.encryption) for row in rows]

    def check_key(self, version: FileVersion, customer: CustomerKey | None) -> None:
        """Return if this is the key with which the version opens, None where it needs none of a customer.

        For whoever asks for a version without reading it. Raises `MissingCustomerKey`, `WrongCustomerKey` and
        `NeedlessCustomerKey`.
        """
        self._sealings.of_file(version.encryption, customer)

    async def read(
        self, version: FileVersion, first: int, end: int, customer: CustomerKey | None = None, key_id: str = ""
    ) -> bytes | _Begun:
        """Bytes [first, end) of a version that `current` or `version` gave; raises what `check_key` raises.

        What is short comes as bytes. For the rest the first block is read and verified before this returns, and the
        iterator yields verified blocks; `DataCorrupt` in the middle of it means that the reader must be cut off (P3). The
        bytes count as downloaded by the account whose version it is, under the key of this id if it is one of the account's;
        those that an iterator still has when it is closed do not. Raises `DownloadCapExceeded`.
        """
        sealing = self._sealings.of_file(version.encryption, customer)
        if first >= end:
            return b""
        day = self._meter.downloads(version.account_id, end - first, version.bucket_id, key_id)
        try:
            extent = version.first_extent
            if extent is not None and extent.inline is not None and end <= extent.length <= version.size:
                return inline_bytes(extent, first, end, sealing)
            blocks = self._blocks(version, first, end, sealing)
            if end - first <= WHOLE_MAX_BYTES:
                return b"".join([block async for block in blocks])
            return _Begun(
                await anext(blocks),
                blocks,
                end - first,
                lambda left: self._meter.kept_back(version.account_id, left, day, version.bucket_id, key_id),
            )
        except BaseException:
            self._meter.kept_back(version.account_id, end - first, day, version.bucket_id, key_id)
            raise

    async def _blocks(
        self, version: FileVersion, first: int, end: int, sealing: Sealing | None
    ) -> AsyncGenerator[bytes | bytearray, None]:
        position = first
        # The first extent came with the version, in one statement. So a delete meanwhile is nothing to a reader of a
        # file in one blob, which stays on the disk for longer than a read begins; only what lies further on may be
        # gone.
        known = version.first_extent
        while position < end:
            if known is not None and position < known.length:
                covering = [known]
            else:
                covering = await self._covering(version, position, end)
            if not covering:
                raise DataCorrupt(f"No extent holds byte {position} of {version.file_id}.")
            for extent in covering:
                check_place(extent, position, version.size, is_first=position == first)
                stop = min(end, extent.start + extent.length)
                if extent.inline is not None:
                    yield inline_bytes(extent, position - extent.start, stop - extent.start, sealing)
                else:
                    blocks = self._blob_blocks(extent, position - extent.start, stop - extent.start, sealing)
                    async with aclosing(blocks):  # A reader that leaves early lets go of the blob at once.
                        async for block in blocks:
                            yield block
                position = stop

    async def _covering(self, version: FileVersion, first: int, end: int) -> list[ExtentRow]:
        """The next extents with bytes of [first, end). Raises `NoSuchVersion` where the version was deleted
        meanwhile.
        """
        rows, handle = self._catalog.rows, version.file_id.handle
        found = await extents.covering(rows, version.bucket_id, handle, first=first, end=end, limit=EXTENTS_AT_ONCE)
        if not found and (await versions.by_handle(rows, version.bucket_id, handle)).version is None:
            raise NoSuchVersion(str(version.file_id), version.name)
        return found

    async def _blob_blocks(
        self, extent: ExtentRow, first: int, end: int, sealing: Sealing | None
    ) -> AsyncGenerator[bytes | bytearray, None]:
        """Bytes [first, end) of an extent in a blob.

        Where reading has to wait for the disk, the next block is read while one is being sent. Where it has not, the way
        through a thread would cost more than the reading, so a block is read when the one before it is sent.
        """
        assert extent.blob_id is not None
        reader = await storing(self._blobs.open(extent.blob_id, None if sealing is None else sealing.data_key(extent)))
        ahead: asyncio.Task[bytes | bytearray] | None = None
        try:
            offset, stop = extent.blob_offset + first, extent.blob_offset + end
            block = await _read_block(reader, offset, stop)
            offset += len(block)
            while offset < stop:
                ahead = asyncio.create_task(_read_block(reader, offset, stop)) if reader.waited else None
                yield block
                if ahead is None:
                    # Neither the disk nor, perhaps, the client makes this wait, and others want a turn of the event loop.
                    await asyncio.sleep(0)
                    block = await _read_block(reader, offset, stop)
                else:
                    block = await ahead
                offset += len(block)
            yield block
        finally:
            if ahead is not None and not ahead.done():
                ahead.cancel()
                await asyncio.wait([ahead])
            reader.close()


async def _read_block(reader: BlobReader, offset: int, stop: int) -> bytes | bytearray:
    """Up to one block from `offset`, ending at a block's boundary so that the following reads copy nothing."""
    boundary = (offset // READ_BLOCK_BYTES + 1) * READ_BLOCK_BYTES
    return await storing(reader.read(offset, min(boundary, stop) - offset))


class _Begun:
    """Blocks of which the first one is read already. No generator: closing one that was never begun closes nothing.

    `kept_back` is told how many of the `size` bytes nobody took.
    """

    def __init__(
        self,
        first: bytes | bytearray,
        rest: AsyncGenerator[bytes | bytearray, None],
        size: int,
        kept_back: Callable[[int], None],
    ) -> None:
        self._first: bytes | bytearray | None = first
        self._rest = rest
        self._left = size
        self._kept_back = kept_back

    def __aiter__(self) -> _Begun:
        return self

    async def __anext__(self) -> bytes | bytearray:
        first, self._first = self._first, None
        block = await anext(self._rest) if first is None else first
        self._left -= len(block)
        return block

    async def aclose(self) -> None:
        """Let go of the blob, also where nobody came to read."""
        if self._left:
            self._kept_back(self._left)
            self._left = 0
        await self._rest.aclose()


def check_place(extent: ExtentRow, position: int, size: int, *, is_first: bool) -> None:
    """Raise `DataCorrupt` unless this extent of a body of `size` bytes goes on where the ones before it ended.

    The first may have begun earlier. Rows are under no checksum, and this finds out most damage of their lengths and
    places.
    """
    if not extent.start <= position < extent.start + extent.length <= size or (
        extent.start != position and not is_first
    ):
        raise DataCorrupt(f"The extent at {extent.start} is not the one that holds byte {position}.")


def inline_bytes(extent: ExtentRow, first: int, end: int, sealing: Sealing | None) -> bytes:
    """Bytes [first, end) of an inline extent, verified and in the clear. Raises `DataCorrupt`, `WrongCustomerKey`."""
    data = extent.inline or b""
    if crt.crc32c(data) != extent.inline_crc32c:
        raise DataCorrupt("An inline extent differs from its checksum.")
    if sealing is not None:
        try:
            data = sealing.unseal(extent)
        except NotSealed as error:
            raise DataCorrupt("An inline extent does not open with its key.") from error
    if len(data) != extent.length:
        raise DataCorrupt("An inline extent has not the length that it should have.")
    return data if first == 0 and end == len(data) else data[first:end]
