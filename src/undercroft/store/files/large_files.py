"""Large files: start, parts, and the finish that moves no bytes.

A part keeps its extents under its own handle until the finish, which gives them to the file in one transaction. Uploading
a part number again replaces the part; its old bytes go the way of everything that nothing names.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence

from undercroft import limits
from undercroft.catalog import extents, parts, versions
from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.parts import PartRow
from undercroft.catalog.usage import Held
from undercroft.catalog.versions import VersionRow
from undercroft.store import ids
from undercroft.store.dialect import NATIVE, S3, Dialect
from undercroft.store.errors import (
    InvalidFileId,
    InvalidRequest,
    LengthMismatch,
    MissingPart,
    NoSuchBucket,
    NoSuchUpload,
    NoSuchVersion,
    PartMismatch,
    PartOrder,
    PartTooSmall,
    TooFewParts,
    TooLarge,
)
from undercroft.store.files.base import FilesBase, checksum_text, in_order, info_text, part_of, version_of
from undercroft.store.files.conditions import judge
from undercroft.store.files.happenings import Happening
from undercroft.store.files.intake import Stored, intake_of
from undercroft.store.files.lock_rules import with_default, with_own_lock
from undercroft.store.files.locks import check_new_lock
from undercroft.store.files.uploads import WHOLE_SHA1, check_new_file, checksum_kept, sha1_text
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, Checksum, CustomerKey, FileVersion, NewFile, Part, UploadBody, WriteCondition
from undercroft.store.names import check_file_info
from undercroft.store.operations import Operation


class LargeFiles(FilesBase):
    """The part of the file store that puts large files together."""

    async def start_large_file(self, principal: Principal, bucket: Bucket, name: str, new: NewFile) -> FileVersion:
        """Begin a large file: it is listed as unfinished and hides nothing.

        Its time is that of an ordinary upload begun now: a native finish, which keeps it, puts the file above all versions
        that were there before, also after a clock was set back.
        """
        sealing = self._sealings.of_new(new.encryption, bucket)
        check_new_file(bucket, name, new, self._ambient.now_ms(), encrypted=sealing is not None)
        check_new_lock(principal, bucket, name, new, self._ambient.now_ms())
        now_ms = self._ambient.now_ms()
        row = self._new_row(bucket, name, new, now_ms, kind=ids.LARGE, action=versions.START, sealing=sealing)
        if new.checksum_algorithm is not None:
            row = row._replace(checksum=checksum_text(Checksum(new.checksum_algorithm, "", new.checksum_type)))

        async def change(tx: Transaction, _bucket_now: Bucket) -> VersionRow:
            await tx.lock_name(row.bucket_id, row.name)
            newest = await versions.newest(tx, row.bucket_id, row.name)
            placed = await versions.add(tx, in_order(with_own_lock(row, new), newest, new.uploaded_ms))
            await self._count(tx, row.bucket_id, Held(1))
            return placed

        placed = await self._gate.commit_in(principal, Operation.WRITE_FILE, bucket, name, change, grows=True)
        return version_of(placed, bucket, is_latest=False)

    async def unfinished(
        self,
        principal: Principal,
        file_id: str,
        *,
        bucket: Bucket | None = None,
        name: str | None = None,
        operation: Operation = Operation.WRITE_FILE,
    ) -> tuple[Bucket, FileVersion]:
        """The unfinished large file of this id, of this bucket and name where they are given, and its bucket.

        Raises `InvalidFileId` and `NoSuchUpload`.
        """
        try:
            parsed, own_bucket = await self._bucket_of(file_id)
        except NoSuchVersion:
            raise NoSuchUpload(file_id) from None
        found = await versions.by_handle(self._catalog.rows, parsed.bucket_id, parsed.handle)
        row = found.version
        subject = row.name.decode() if row is not None else name
        try:
            await self._gate.met(found.invalidation_id, principal, operation, own_bucket, name=subject)
        except NoSuchBucket:  # It was deleted since this process last heard of it.
            raise NoSuchUpload(file_id) from None
        if (
            row is None
            or row.action != versions.START
            or (bucket is not None and bucket.bucket_id != own_bucket.bucket_id)
            or (name is not None and name != subject)
        ):
            raise NoSuchUpload(file_id)
        version = version_of(row, own_bucket, is_latest=False)
        if version.file_id != parsed:
            raise InvalidFileId(f"Invalid fileId: {file_id}", "fileId")
        return own_bucket, version

    def check_part_key(self, large: FileVersion, customer: CustomerKey | None) -> None:
        """Return if this is the key of the large file's parts, or none was given. Raises `EncryptionMismatch`."""
        if customer is not None:
            self._sealings.of_part(large.encryption, customer)

    async def upload_part(
        self,
        principal: Principal,
        bucket: Bucket,
        large: FileVersion,
        part_number: int,
        body: UploadBody,
        *,
        sha1_unverified: bool = False,
        checksum_algorithm: str | None = None,
        encryption: CustomerKey | str | None = None,
    ) -> Part:
        """Store a part, encrypted as the large file is, whose customer's key has to come along.

        Raises what `upload` raises of the bytes and of caps, `EncryptionMismatch` and `NoSuchUpload`.
        """
        check_part_number(part_number)
        authorize(principal, Operation.WRITE_FILE, bucket, large.name)
        await self._check_room(bucket, large, part_number, body.length or 0)
        key_id = principal.key_of(bucket.account_id)
        self._meter.check_upload(bucket.account_id, body.length or 0, bucket.bucket_id, key_id)
        now_ms = self._ambient.now_ms()
        intake = intake_of(self._context, self._sealings.of_part(large.encryption, encryption))
        try:
            stored = await intake.take(body, () if checksum_algorithm is None else (checksum_algorithm,))
            if body.length is None:
                self._meter.check_upload(bucket.account_id, stored.size, bucket.bucket_id, key_id)
            row = PartRow(
                part_number=part_number,
                handle=self._ambient.new_handle(),
                size=stored.size,
                start=0,
                content_sha1=sha1_text(stored.digests, unverified=sha1_unverified),
                md5=stored.digests["md5"].hex(),
                checksum=checksum_text(checksum_kept(checksum_algorithm, stored.digests, "FULL_OBJECT")),
                uploaded_ms=now_ms,
            )
            await self._commit_part(principal, bucket, large, row, stored)
        except Exception:
            await intake.discard()
            raise
        self._meter.uploaded(bucket.account_id, row.size, bucket.bucket_id, key_id)
        return part_of(row, large.encryption)

    async def _check_room(self, bucket: Bucket, large: FileVersion, part_number: int, size_bytes: int) -> None:
        """Raise `StorageCapExceeded` if bucket or account cannot have a part of this size, also where it replaces one."""
        if bucket.caps is not None or await self._directory.held_caps(bucket.account_id) is not None:
            found = await parts.page(self._catalog.rows, large.bucket_id, large.file_id.handle, part_number, 1)
            replaced = sum(part.size for part in found if part.part_number == part_number)
            await self._gate.check_room(bucket, size_bytes - replaced)

    async def _commit_part(
        self, principal: Principal, bucket: Bucket, large: FileVersion, row: PartRow, stored: Stored
    ) -> None:
        async def change(tx: Transaction) -> None:
            await extents.insert(tx, large.bucket_id, row.handle, stored.rows())
            await self._put_part(tx, large, row)

        await self._gate.commit(
            principal, Operation.WRITE_FILE, bucket, large.name, change, size_bytes=stored.inline_bytes, grows=True
        )

    async def _put_part(self, tx: Transaction, large: FileVersion, row: PartRow) -> None:
        """Set a part whose extents are there, if the file is still unfinished."""
        await self._still_unfinished(tx, large)
        replaced = await parts.put(tx, large.bucket_id, large.file_id.handle, row)
        if replaced is not None:
            await self._drop_extents(tx, large.bucket_id, replaced.handle)
        grown_bytes = row.size - (replaced.size if replaced else 0)
        await self._count(tx, large.bucket_id, Held(size_bytes=grown_bytes, unfinished_bytes=grown_bytes))

    async def _still_unfinished(self, tx: Transaction, large: FileVersion) -> VersionRow:
        await tx.lock_name(large.bucket_id, large.name.encode())
        row = (await versions.by_handle(tx, large.bucket_id, large.file_id.handle)).version
        if row is None or row.action != versions.START:
            raise NoSuchUpload(str(large.file_id))
        return row

    async def list_parts(
        self,
        principal: Principal,
        bucket: Bucket,
        large: FileVersion,
        *,
        start: int = 1,
        limit: int,
        operation: Operation = Operation.WRITE_FILE,
    ) -> tuple[list[Part], int | None]:
        """Parts of an unfinished large file from this number on, and the number that the next page starts with."""
        await self._gate.enter(principal, operation, bucket, large.name)

        async def query(rows: Rows) -> list[PartRow]:
            return await parts.page(rows, large.bucket_id, large.file_id.handle, start, limit + 1)

        found = [part_of(row, large.encryption) for row in await self._catalog.scan(query)]
        return found[:limit], found[limit].part_number if len(found) > limit else None

    async def finish_native(
        self,
        principal: Principal,
        bucket: Bucket,
        large: FileVersion,
        part_sha1s: Sequence[str],
        *,
        whole_sha1: str | None = None,
    ) -> FileVersion:
        """Make the parts one file, in its place by the time it was started (b2_finish_large_file).

        `whole_sha1` is what an uploader that reads the file only once could not say at the start: the SHA-1 of the whole in
        hex, which becomes `large_file_sha1` of its info. No protocol has it; like what protocols say at the start, it is
        the uploader's word.

        Raises `TooFewParts`, `MissingPart`, `PartMismatch`, `PartTooSmall`, `TooLarge`, `MetadataTooLarge`, `NoSuchUpload`, and
        `StorageCapExceeded` where it would be a file more than a cap allows: its bytes are held already.
        """
        if len(part_sha1s) < NATIVE.min_parts:
            raise TooFewParts(f"large files must have at least {NATIVE.min_parts} parts")
        if len(part_sha1s) > limits.PART_NUMBER_MAX:
            raise InvalidRequest("partSha1Array is too long", "partSha1Array")
        now_ms = self._ambient.now_ms()

        def chosen(present: dict[int, PartRow]) -> list[PartRow]:
            rows = []
            for part_number, sha1 in enumerate(part_sha1s, 1):
                row = present.get(part_number)
                if row is None:
                    raise MissingPart(part_number)
                if row.content_sha1.removeprefix("unverified:") != sha1.lower().removeprefix("unverified:"):
                    raise PartMismatch(part_number)
                rows.append(row)
            return rows

        async def change(tx: Transaction, bucket_now: Bucket) -> VersionRow:
            row = await self._still_unfinished(tx, large)
            listed = chosen(await self._all_parts(tx, large))
            await versions.delete(tx, row)
            newest = await versions.newest(tx, row.bucket_id, row.name)
            # Its place is that of its start, but only now does it hide what is older.
            finished = row._replace(received_ms=now_ms)
            if whole_sha1 is not None:
                info = {**json.loads(row.info), WHOLE_SHA1: whole_sha1}
                check_file_info(large.name, info, secured=row.encryption is not None or bucket_now.lock.enabled)
                finished = finished._replace(info=info_text(info))
            return await self._finish(tx, bucket_now, finished, listed, newest, NATIVE, checksum=None)

        placed = await self._gate.commit_in(principal, Operation.WRITE_FILE, bucket, large.name, change, shows=True)
        return version_of(placed, bucket)

    async def finish_s3(
        self,
        principal: Principal,
        bucket: Bucket,
        large: FileVersion,
        listed: Sequence[tuple[int, str]],
        *,
        condition: WriteCondition | None = None,
        checksum: Checksum | None = None,
        size: int | None = None,
    ) -> FileVersion:
        """Make the listed parts, (number, MD5 in hex), one file as of now (S3 CompleteMultipartUpload).

        `checksum` is that of the whole, worked out from the parts' own; `size` must be the sum of the parts if given.
        Raises `PartOrder`, `MissingPart`, `PartMismatch`, `PartTooSmall`, `LengthMismatch`, `PreconditionFailed`,
        `TooLarge` and `NoSuchUpload`.
        """
        numbers = [number for number, _ in listed]
        if any(second <= first for first, second in itertools.pairwise(numbers)):
            raise PartOrder("The part numbers do not ascend.")
        if not listed:
            raise TooFewParts("A multipart upload has at least one part.")
        now_ms = self._ambient.now_ms()

        def chosen(present: dict[int, PartRow]) -> list[PartRow]:
            rows = []
            for number, md5 in listed:
                row = present.get(number)
                if row is None:
                    raise MissingPart(number)
                if row.md5 != md5:
                    raise PartMismatch(number)
                rows.append(row)
            total = sum(row.size for row in rows)
            if size is not None and size != total:
                raise LengthMismatch(size, total)
            return rows

        async def change(tx: Transaction, bucket_now: Bucket) -> VersionRow:
            row = await self._still_unfinished(tx, large)
            newest = await versions.newest(tx, row.bucket_id, row.name)
            judge(condition, bucket, newest, large.name)
            rows = chosen(await self._all_parts(tx, large))
            await versions.delete(tx, row)
            restamped = in_order(row._replace(inverted_ms=-now_ms, received_ms=now_ms), newest, None)
            return await self._finish(tx, bucket_now, restamped, rows, newest, S3, checksum=checksum)

        placed = await self._gate.commit_in(principal, Operation.WRITE_FILE, bucket, large.name, change, shows=True)
        return version_of(placed, bucket)

    async def _all_parts(self, tx: Transaction, large: FileVersion) -> dict[int, PartRow]:
        rows = await parts.page(tx, large.bucket_id, large.file_id.handle, 1, limits.PART_NUMBER_MAX)
        return {row.part_number: row for row in rows}

    async def _finish(
        self,
        tx: Transaction,
        bucket: Bucket,
        row: VersionRow,
        chosen: list[PartRow],
        newest: VersionRow | None,
        dialect: Dialect,
        *,
        checksum: Checksum | None,
    ) -> VersionRow:
        """Turn the unfinished row, already taken out of the order, into an upload made of the chosen parts."""
        total = _check_sizes(chosen, dialect)
        await self._drop_unlisted(tx, row, {part.part_number for part in chosen})
        starts: list[tuple[PartRow, int]] = []
        offset = 0
        for part in chosen:
            starts.append((part, offset))
            offset += part.size
        await parts.place(tx, row.bucket_id, row.handle, [(part.part_number, start) for part, start in starts])
        await extents.adopt(tx, row.bucket_id, row.handle, [(part.handle, start) for part, start in starts])
        await self._sealings.renew(tx, row.bucket_id, row.handle)
        md5s = hashlib.md5(b"".join(bytes.fromhex(part.md5) for part in chosen), usedforsecurity=False)
        finished = row._replace(
            action=versions.UPLOAD,
            size=total,
            etag=f"{md5s.hexdigest()}-{len(chosen)}",
            checksum=checksum_text(checksum),
            part_count=len(chosen),
        )
        placed = with_default(finished, bucket)
        return await self._place(tx, bucket, placed, newest, Happening.MULTIPART_UPLOAD, is_counted=True)

    async def _drop_unlisted(self, tx: Transaction, row: VersionRow, listed: set[int]) -> None:
        for part in await parts.page(tx, row.bucket_id, row.handle, 1, limits.PART_NUMBER_MAX):
            if part.part_number not in listed:
                await parts.delete(tx, row.bucket_id, row.handle, part.part_number)
                await self._drop_extents(tx, row.bucket_id, part.handle)
                await self._count(tx, row.bucket_id, Held(size_bytes=-part.size, unfinished_bytes=-part.size))


def check_part_number(part_number: int) -> None:
    """Raise `InvalidRequest` unless a part may have this number."""
    if not 1 <= part_number <= limits.PART_NUMBER_MAX:
        raise InvalidRequest(f"partNumber out of range: {part_number}", "partNumber")


def _check_sizes(chosen: list[PartRow], dialect: Dialect) -> int:
    """The size of the whole. Raises `PartTooSmall` and `TooLarge`."""
    for part in chosen[:-1]:
        if part.size < dialect.part_min_bytes:
            raise PartTooSmall(part.part_number, part.size, dialect.part_min_bytes)
    total = sum(part.size for part in chosen)
    if total > limits.LARGE_FILE_MAX_BYTES:
        raise TooLarge(total, limits.LARGE_FILE_MAX_BYTES)
    return total
