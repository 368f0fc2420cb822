"""Copies, which move no bytes: the new version names the same blobs.

A copy of a whole version inherits its digests. A copy of a range names the same bytes too, but they have to be read for
their digests, unless the range is exactly one stored part.
"""

from __future__ import annotations

import base64
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
from undercroft.store.files.happenings import Happening
from undercroft.store.files.intake import Digests
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
    ) -> FileVersion:
        """Make a new version of the source's bytes, or of a range of them, under another name.

        Without `new`, content type and info are the source's. `checksum_algorithm` asks for a checksum that the source
        may not have. Raises `TooLarge`, `RangeNotSatisfiable`, `NoSuchVersion` and what `upload` raises.
        """
        authorize(principal, Operation.WRITE_FILE, bucket, name)
        _check_account(source, bucket)
        described = new or NewFile(source.content_type, source.info)
        check_new_file(name, described, self._ambient.now_ms())
        check_new_lock(principal, bucket, name, described, self._ambient.now_ms())
        first, end = _interval(source, byte_range)
        whole = (first, end) == (0, source.size)
        row = self._new_row(bucket, name, described, self._ambient.now_ms(), kind=ids.SMALL, action=versions.UPLOAD)
        row = row._replace(size=end - first)
        if whole and (checksum_algorithm is None or _has_checksum(source, checksum_algorithm)):
            row = row._replace(
                kind=source.file_id.kind,
                content_sha1=source.content_sha1,
                etag=source.etag,
                checksum=checksum_text(source.checksum),
                part_count=source.part_count,
            )
        else:
            whole = False
            algorithm = checksum_algorithm or (source.checksum.algorithm if source.checksum else None)
            digested = await self._digested(source, first, end, algorithm)
            row = row._replace(content_sha1=digested.content_sha1, etag=digested.md5, checksum=digested.checksum)

        async def change(tx: Transaction, bucket_now: Bucket) -> VersionRow:
            await tx.lock_name(row.bucket_id, row.name)
            newest = await versions.newest(tx, row.bucket_id, row.name)
            judge(condition, bucket_now, newest, name)
            await self._share(tx, source, (row.bucket_id, row.handle), first, end)
            if whole and source.part_count:
                await parts.share(tx, (source.bucket_id, source.file_id.handle), (row.bucket_id, row.handle))
            await self._count(tx, row.bucket_id, 1, row.size)
            locked = with_lock(row, bucket_now, described)
            placed = newborn_in_order(locked, newest, described.uploaded_ms)
            return await self._place(tx, bucket_now, placed, newest, Happening.COPY)

        placed = await self._gate.commit_in(principal, Operation.WRITE_FILE, bucket, name, change, grows=True)
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
    ) -> Part:
        """Make the source's bytes, or a range of them, a part of an unfinished large file of this bucket."""
        authorize(principal, Operation.WRITE_FILE, bucket, large.name)
        _check_account(source, bucket)
        check_part_number(part_number)
        first, end = _interval(source, byte_range)
        digested = await self._digested(source, first, end, large.checksum.algorithm if large.checksum else None)
        row = PartRow(
            part_number=part_number,
            handle=self._ambient.new_handle(),
            size=end - first,
            start=0,
            content_sha1=digested.content_sha1,
            md5=digested.md5,
            checksum=digested.checksum,
            uploaded_ms=self._ambient.now_ms(),
        )

        async def change(tx: Transaction) -> None:
            await self._share(tx, source, (large.bucket_id, row.handle), first, end)
            await self._put_part(tx, large, row)

        await self._gate.commit(principal, Operation.WRITE_FILE, bucket, large.name, change, grows=True)
        return part_of(row)

    async def _digested(self, source: FileVersion, first: int, end: int, algorithm: str | None) -> Digested:
        """The digests of a run of the source's bytes, known already or worked out by reading them."""
        if algorithm is None:
            known = await self._known_digests(source, first, end)
            if known is not None:
                return known
        digests = Digests(() if algorithm is None else (algorithm,), self._context.hashers)
        async for block in self._blocks(source, first, end):
            await digests.begin(block)
        results = digests.results()
        checksum = None
        if algorithm is not None:
            checksum = Checksum(algorithm, base64.b64encode(results[algorithm]).decode(), "FULL_OBJECT")
        return Digested(results["sha1"].hex(), results["md5"].hex(), checksum_text(checksum))

    async def _known_digests(self, source: FileVersion, first: int, end: int) -> Digested | None:
        if (first, end) == (0, source.size) and source.content_md5 is not None and source.content_sha1 != "none":
            return Digested(source.content_sha1.removeprefix("unverified:"), source.etag, None)
        for part in await self.parts_of(source):
            if (part.start, part.start + part.size) == (first, end):
                return Digested(part.content_sha1.removeprefix("unverified:"), part.md5, None)
        return None

    async def _share(self, tx: Transaction, source: FileVersion, target: tuple[str, int], first: int, end: int) -> None:
        """Let the target have extents of the same bytes, if the source is still there."""
        row = (await versions.by_handle(tx, source.bucket_id, source.file_id.handle)).version
        if row is None:
            raise NoSuchVersion(str(source.file_id), source.name)
        if (first, end) == (0, source.size):
            await extents.share(tx, (source.bucket_id, source.file_id.handle), target)
            return
        await extents.insert(tx, *target, await _sliced(tx, source, first, end))


async def _sliced(rows: Rows, source: FileVersion, first: int, end: int) -> list[ExtentRow]:
    """The extents of bytes [first, end) of the source, cut to size and counted from 0."""
    covering = await extents.covering(
        rows, source.bucket_id, source.file_id.handle, first=first, end=end, limit=EXTENTS_MAX
    )
    sliced = []
    position = first
    for extent in covering:
        check_place(extent, position, source.size, is_first=position == first)
        start = position
        position = stop = min(end, extent.start + extent.length)
        skipped = start - extent.start
        cut = extent._replace(start=start - first, length=stop - start)
        if extent.inline is not None:
            inline = inline_bytes(extent, skipped, skipped + stop - start)
            cut = cut._replace(inline=inline, inline_crc32c=crt.crc32c(inline))
        else:
            cut = cut._replace(blob_offset=extent.blob_offset + skipped)
        sliced.append(cut)
    if position != end:
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
