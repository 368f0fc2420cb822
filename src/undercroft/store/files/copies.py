"""Copies, which move no bytes where they can: the new version names the same blobs.

A copy of a whole version inherits its digests. A copy of a range names the same bytes too, but they have to be read for
their digests, unless the range is exactly one stored part. Where source and copy are not encrypted with the same key, the
bytes are read and stored again, as if they were uploaded.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import NamedTuple

from awscrt import checksums as crt

from undercroft import limits
from undercroft.catalog import extents, parts, versions
from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.extents import ExtentRow
from undercroft.catalog.parts import PartRow
from undercroft.catalog.versions import VersionRow
from undercroft.store import ids
from undercroft.store.errors import (
    DataCorrupt,
    InvalidRequest,
    NoSuchVersion,
    RangeNotSatisfiable,
    TooLarge,
    Unauthorized,
)
from undercroft.store.files.base import checksum_text, newborn_in_order, part_of, version_of
from undercroft.store.files.conditions import judge
from undercroft.store.files.encryption import Sealing
from undercroft.store.files.happenings import Happening
from undercroft.store.files.intake import Digests, Stored, intake_of
from undercroft.store.files.large_files import LargeFiles, check_part_number
from undercroft.store.files.lock_rules import with_lock
from undercroft.store.files.locks import check_new_lock
from undercroft.store.files.reads import Reads, check_place, inline_bytes
from undercroft.store.files.uploads import check_new_file
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.model import (
    Action,
    Bucket,
    ByteRange,
    Checksum,
    CustomerKey,
    FileVersion,
    NewFile,
    Part,
    WriteCondition,
)
from undercroft.store.operations import Operation

EXTENTS_MAX = 200_000  # More than the largest file can have.


class Digested(NamedTuple):
    """The digests of copied bytes, as the catalog's columns hold them."""

    content_sha1: str
    md5: str
    checksum: str | None


class Span(NamedTuple):
    """Bytes [first, end) of a source, and how they are opened."""

    source: FileVersion
    first: int
    end: int
    sealing: Sealing | None

    @property
    def is_whole(self) -> bool:
        """Whether these are all of the source's bytes."""
        return (self.first, self.end) == (0, self.source.size)


class _Blocks:
    """Bytes of our own as the body of an upload."""

    algorithms: frozenset[str] = frozenset()

    def __init__(self, blocks: AsyncIterator[bytes | bytearray], length: int) -> None:
        self._blocks = blocks
        self.length: int | None = length

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, once."""
        async for block in self._blocks:
            yield bytes(block)

    def expected(self) -> Mapping[str, bytes]:
        """Nothing: every block was verified when it was read."""
        return {}


class Copies(Reads, LargeFiles):
    """The part of the file store that copies. Sources come from `current` or `version`, which judged the reading."""

    async def copy(
        self,
        principal: Principal,
        source: FileVersion,
        bucket: Bucket,
        name: str,
        new: NewFile | None = None,
        *,
        byte_range: ByteRange | None = None,
        checksum_algorithm: str | None = None,
        condition: WriteCondition | None = None,
        source_key: CustomerKey | None = None,
    ) -> FileVersion:
        """Make a new version of the source's bytes, or of a range of them, under another name.

        Without `new`, content type and info are the source's. `checksum_algorithm` asks for a checksum that the source
        may not have. `source_key` opens a source that needs one. Raises `TooLarge`, `RangeNotSatisfiable`, `NoSuchVersion`,
        what `check_key` raises and what `upload` raises.
        """
        authorize(principal, Operation.WRITE_FILE, bucket, name)
        _check_account(source, bucket)
        described = new or NewFile(source.content_type, source.info)
        sealing = self._sealings.of_new(described.encryption, bucket)
        check_new_file(bucket, name, described, self._ambient.now_ms(), encrypted=sealing is not None)
        check_new_lock(principal, bucket, name, described, self._ambient.now_ms())
        span = Span(source, *_interval(source, byte_range), self._sealings.of_file(source.encryption, source_key))
        whole = span.is_whole and (checksum_algorithm is None or _has_checksum(source, checksum_algorithm))
        now_ms = self._ambient.now_ms()
        row = self._new_row(bucket, name, described, now_ms, kind=ids.SMALL, action=versions.UPLOAD, sealing=sealing)
        row = row._replace(size=span.end - span.first)
        algorithm = checksum_algorithm or (source.checksum.algorithm if source.checksum else None)
        async with self._transfer(span, sealing, algorithm) as stored:
            if whole:
                row = row._replace(
                    kind=source.file_id.kind,
                    content_sha1=source.content_sha1,
                    etag=source.etag,
                    checksum=checksum_text(source.checksum),
                    part_count=source.part_count,
                )
            else:
                digested = await self._digested(span, algorithm, stored)
                row = row._replace(content_sha1=digested.content_sha1, etag=digested.md5, checksum=digested.checksum)

            async def change(tx: Transaction, bucket_now: Bucket) -> VersionRow:
                await tx.lock_name(row.bucket_id, row.name)
                newest = await versions.newest(tx, row.bucket_id, row.name)
                judge(condition, bucket_now, newest, name)
                await self._place_bytes(tx, span, (row.bucket_id, row.handle), stored)
                if whole and source.part_count:
                    await parts.share(tx, (source.bucket_id, source.file_id.handle), (row.bucket_id, row.handle))
                locked = with_lock(row, bucket_now, described)
                placed = newborn_in_order(locked, newest, described.uploaded_ms)
                return await self._place(tx, bucket_now, placed, newest, Happening.COPY)

            size_bytes = stored.inline_bytes if stored is not None else 0
            placed = await self._gate.commit_in(
                principal, Operation.WRITE_FILE, bucket, name, change, size_bytes=size_bytes, grows=True
            )
        return version_of(placed, bucket)

    async def copy_part(
        self,
        principal: Principal,
        bucket: Bucket,
        large: FileVersion,
        part_number: int,
        source: FileVersion,
        *,
        byte_range: ByteRange | None = None,
        source_key: CustomerKey | None = None,
        encryption: CustomerKey | str | None = None,
    ) -> Part:
        """Make the source's bytes, or a range of them, a part of an unfinished large file of this bucket.

        `source_key` opens a source that needs one; `encryption` is as in `upload_part`.
        """
        authorize(principal, Operation.WRITE_FILE, bucket, large.name)
        _check_account(source, bucket)
        check_part_number(part_number)
        sealing = self._sealings.of_part(large.encryption, encryption)
        span = Span(source, *_interval(source, byte_range), self._sealings.of_file(source.encryption, source_key))
        algorithm = large.checksum.algorithm if large.checksum else None
        async with self._transfer(span, sealing, algorithm) as stored:
            digested = await self._digested(span, algorithm, stored)
            row = PartRow(
                part_number=part_number,
                handle=self._ambient.new_handle(),
                size=span.end - span.first,
                start=0,
                content_sha1=digested.content_sha1,
                md5=digested.md5,
                checksum=digested.checksum,
                uploaded_ms=self._ambient.now_ms(),
            )

            async def change(tx: Transaction) -> None:
                await self._place_bytes(tx, span, (large.bucket_id, row.handle), stored)
                await self._put_part(tx, large, row)

            size_bytes = stored.inline_bytes if stored is not None else 0
            await self._gate.commit(
                principal, Operation.WRITE_FILE, bucket, large.name, change, size_bytes=size_bytes, grows=True
            )
        return part_of(row, large.encryption)

    @asynccontextmanager
    async def _transfer(
        self, span: Span, sealing: Sealing | None, algorithm: str | None
    ) -> AsyncIterator[Stored | None]:
        """Store the bytes again where they cannot be shared, and give them back if the block fails. None where they can."""
        if span.sealing is sealing or (sealing is not None and sealing.shares_with(span.sealing)):
            yield None
            return
        intake = intake_of(self._context, sealing)
        try:
            blocks = self._blocks(span.source, span.first, span.end, span.sealing)
            async with aclosing(blocks):
                stored = await intake.take(
                    _Blocks(blocks, span.end - span.first), () if algorithm is None else (algorithm,)
                )
            yield stored
        except Exception:
            # Not on cancellation: see `upload`.
            await intake.discard()
            raise

    async def _place_bytes(self, tx: Transaction, span: Span, target: tuple[str, int], stored: Stored | None) -> None:
        """Give the target its extents: those stored for it, or else the source's, if the source is still there."""
        if stored is not None:
            await extents.insert(tx, *target, stored.rows())
            return
        source = span.source
        if (await versions.by_handle(tx, source.bucket_id, source.file_id.handle)).version is None:
            raise NoSuchVersion(str(source.file_id), source.name)
        if span.is_whole:
            await extents.share(tx, (source.bucket_id, source.file_id.handle), target)
        else:
            await extents.insert(tx, *target, await _sliced(tx, span))
        await self._sealings.renew(tx, *target)

    async def _digested(self, span: Span, algorithm: str | None, stored: Stored | None) -> Digested:
        """The digests of a run of the source's bytes, known already or worked out by reading them."""
        if stored is not None:
            results = stored.digests
        else:
            known = await self._known_digests(span) if algorithm is None else None
            if known is not None:
                return known
            digests = Digests(() if algorithm is None else (algorithm,), self._context.hashers)
            async for block in self._blocks(span.source, span.first, span.end, span.sealing):
                await digests.begin(bytes(block))
            results = digests.results()
        checksum = None
        if algorithm is not None:
            checksum = Checksum(algorithm, base64.b64encode(results[algorithm]).decode(), "FULL_OBJECT")
        return Digested(results["sha1"].hex(), results["md5"].hex(), checksum_text(checksum))

    async def _known_digests(self, span: Span) -> Digested | None:
        source = span.source
        if span.is_whole and source.content_md5 is not None and source.content_sha1 != "none":
            return Digested(source.content_sha1.removeprefix("unverified:"), source.etag, None)
        for part in await self.parts_of(source):
            if (part.start, part.start + part.size) == (span.first, span.end):
                return Digested(part.content_sha1.removeprefix("unverified:"), part.md5, None)
        return None


async def _sliced(rows: Rows, span: Span) -> list[ExtentRow]:
    """The source's extents of the span's bytes, cut to size and counted from 0."""
    source = span.source
    covering = await extents.covering(
        rows, source.bucket_id, source.file_id.handle, first=span.first, end=span.end, limit=EXTENTS_MAX
    )
    sliced = []
    position = span.first
    for extent in covering:
        check_place(extent, position, source.size, is_first=position == span.first)
        start = position
        position = stop = min(span.end, extent.start + extent.length)
        skipped = start - extent.start
        cut = extent._replace(start=start - span.first, length=stop - start)
        if extent.inline is not None:
            inline, wrapped_key = inline_bytes(extent, skipped, skipped + stop - start, span.sealing), None
            if span.sealing is not None:  # A frame opens as a whole alone, so its part becomes one of its own.
                inline, data_key = span.sealing.seal(inline)
                wrapped_key = span.sealing.wrap(data_key, None)
            cut = cut._replace(inline=inline, inline_crc32c=crt.crc32c(inline), wrapped_key=wrapped_key)
        else:
            cut = cut._replace(blob_offset=extent.blob_offset + skipped)
        sliced.append(cut)
    if position != span.end:
        raise DataCorrupt(f"No extent holds byte {position} of {source.file_id}.")
    return sliced


def _check_account(source: FileVersion, bucket: Bucket) -> None:
    """Raise `Unauthorized` for a source of another account, which a public bucket lets anybody read, but not copy."""
    if source.account_id != bucket.account_id:
        raise Unauthorized


def _interval(source: FileVersion, byte_range: ByteRange | None) -> tuple[int, int]:
    if source.action is not Action.UPLOAD:
        raise InvalidRequest("Only an uploaded version can be copied.", "sourceFileId")
    interval = (0, source.size) if byte_range is None else byte_range.resolve(source.size)
    if interval is None:
        raise RangeNotSatisfiable(source.size)
    if interval[1] - interval[0] > limits.COPY_MAX_BYTES:
        raise TooLarge(interval[1] - interval[0], limits.COPY_MAX_BYTES)
    return interval


def _has_checksum(source: FileVersion, algorithm: str) -> bool:
    return source.checksum is not None and source.checksum.algorithm == algorithm
