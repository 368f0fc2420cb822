"""What every part of the file store works with, and how rows of the catalog become file versions."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import TypeVar

import msgspec

from undercroft import limits
from undercroft.blobs.contract import (
    BlobCorrupt,
    BlobError,
    BlobMissing,
    Blobs,
    BlobsBusy,
    BlobTooNew,
    NoSpace,
)
from undercroft.catalog import extents, parts, usage, versions
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.catalog.extents import ExtentRow
from undercroft.catalog.parts import PartRow
from undercroft.catalog.usage import Held
from undercroft.catalog.versions import VersionRow
from undercroft.store.accounting.meter import Meter
from undercroft.store.ambient import Ambient
from undercroft.store.directory import Directory
from undercroft.store.errors import Busy, DataCorrupt, InvalidFileId, NoSuchVersion, StorageFailed, StorageFull
from undercroft.store.files.encryption import Sealing, Sealings, encryption_of, encryption_text
from undercroft.store.files.happenings import Happening, happened
from undercroft.store.files.replicating import marked, queue
from undercroft.store.gate import Gate
from undercroft.store.identity.deeds import Deeds
from undercroft.store.ids import FileId, looks_like_file_id, parse_file_id
from undercroft.store.model import (
    Action,
    Bucket,
    Checksum,
    Encryption,
    FileVersion,
    NewFile,
    Part,
    ReplicationStatus,
    Retention,
)
from undercroft.threads import Threads

T = TypeVar("T")
_checksum_decoder = msgspec.json.Decoder(Checksum)
_ACTIONS = {action.value: action for action in Action}  # Calling the enumeration costs a microsecond.
_REPLICATION_STATUSES = {status.value: status for status in ReplicationStatus}
HIDE_CONTENT_TYPE = "application/x-bz-hide-marker"
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
EMPTY_SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


class Context(msgspec.Struct, frozen=True):
    """The engines and services that the file store stands on. `slot` is the process's own number for its counters."""

    catalog: Catalog
    blobs: Blobs
    directory: Directory
    gate: Gate
    deeds: Deeds
    ambient: Ambient
    meter: Meter
    hashers: Threads
    sealings: Sealings
    slot: int


class FilesBase:
    """The base of the parts of the file store."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._catalog = context.catalog
        self._blobs = context.blobs
        self._directory = context.directory
        self._gate = context.gate
        self._deeds = context.deeds
        self._ambient = context.ambient
        self._meter = context.meter
        self._sealings = context.sealings

    async def _bucket_of(self, file_id: str) -> tuple[FileId, Bucket]:
        """What a file id says, and its bucket. Raises `InvalidFileId` and `NoSuchVersion`."""
        parsed = parse_file_id(file_id)
        if parsed is None:
            # An id of the right look for a bucket that is none of ours is unknown rather than malformed.
            if looks_like_file_id(file_id):
                raise NoSuchVersion(file_id)
            raise InvalidFileId(f"Invalid fileId: {file_id[: limits.FILE_ID_MAX_LENGTH]}", "fileId")
        bucket = await self._directory.bucket_by_id(parsed.bucket_id)
        if bucket is None:
            raise NoSuchVersion(file_id)
        return parsed, bucket

    async def _id_in(self, bucket: Bucket, name: str, file_id: str) -> FileId:
        """What a file id says that is to be of this bucket. Raises `InvalidFileId` and `NoSuchVersion`."""
        parsed, own_bucket = await self._bucket_of(file_id)
        if own_bucket.bucket_id != bucket.bucket_id:
            raise NoSuchVersion(file_id, name)
        return parsed

    async def _row_in(self, tx: Transaction, bucket: Bucket, name: str, file_id: FileId) -> VersionRow:
        """The version of this id and name, for the transaction to change, which has its name. Raises `NoSuchVersion`."""
        await tx.lock_name(bucket.bucket_id, name.encode())
        row = (await versions.by_handle(tx, bucket.bucket_id, file_id.handle)).version
        if row is None or row.name != name.encode() or version_of(row, bucket).file_id != file_id:
            raise NoSuchVersion(str(file_id), name)
        return row

    async def _count(self, tx: Transaction, bucket_id: str, change: Held) -> None:
        await usage.add(tx, bucket_id, self._context.slot, change)

    async def _drop_extents(self, tx: Transaction, bucket_id: str, handle: int) -> None:
        await extents.delete(tx, bucket_id, handle, self._ambient.now_ms() + limits.RECLAIM_GRACE_S * 1000)

    async def _share_bytes(self, tx: Transaction, source: VersionRow, target: VersionRow) -> None:
        """Let a version that is being made have the bytes and the parts of another: it names the same blobs."""
        origin, own = (source.bucket_id, source.handle), (target.bucket_id, target.handle)
        await extents.share(tx, origin, own)
        if source.part_count:
            await parts.share(tx, origin, own)
        await self._sealings.renew(tx, *own)

    async def _place(
        self,
        tx: Transaction,
        bucket: Bucket,
        row: VersionRow,
        newest: VersionRow | None,
        happening: Happening,
        *,
        is_counted: bool = False,
    ) -> VersionRow:
        """Add a finished version in its place in the order, and keep the name's visible file and the counters in step.

        `row.inverted_ms` is final; the sequence is issued here, where nobody else can issue the same, but for replicas, which
        keep that of their source. `bucket` is as it is in this transaction. `is_counted` tells that it has been counted as an
        unfinished large file, with its parts.
        """
        is_replica = row.replication_status == versions.REPLICA
        row = await (versions.add_replica(tx, row) if is_replica else versions.add(tx, marked(row, bucket, happening)))
        now_ms = self._ambient.now_ms()
        await happened(tx, bucket, row, happening, now_ms)
        if row.replication_status == versions.PENDING:
            await queue(tx, bucket, row, now_ms)
        change = Held(unfinished_bytes=-row.size) if is_counted else Held(1, row.size)
        if newest is None or row[2:4] < newest[2:4]:
            change = shown_instead(change, row, newest)
            if row.action == versions.UPLOAD:
                await versions.point(tx, row)
            else:
                await versions.unpoint(tx, row.bucket_id, row.name)
        await self._count(tx, row.bucket_id, change)
        return row

    def _new_row(
        self,
        bucket: Bucket,
        name: str,
        new: NewFile,
        now_ms: int,
        *,
        kind: int,
        action: int,
        sealing: Sealing | None = None,
    ) -> VersionRow:
        """The row of a version of which only the bytes are not known yet."""
        return VersionRow(
            bucket.bucket_id,
            name.encode(),
            -(now_ms if new.uploaded_ms is None else new.uploaded_ms),
            0,  # The sequence is issued in the commit.
            self._ambient.new_handle(),
            kind,
            born_ms=now_ms,
            action=action,
            size=0,
            content_type=new.content_type,
            content_sha1="none",
            etag="",
            checksum=None,
            info=info_text(new.info),
            received_ms=now_ms,
            part_count=0,
            encryption=encryption_text(sealing),
        )


def shown_instead(change: Held, shown: VersionRow | None, before: VersionRow | None) -> Held:
    """The change of the counters with that of visible files, where one newest version of a name takes another's place."""
    files, file_bytes = change.files, change.file_bytes
    if shown is not None and shown.action == versions.UPLOAD:
        files, file_bytes = files + 1, file_bytes + shown.size
    if before is not None and before.action == versions.UPLOAD:
        files, file_bytes = files - 1, file_bytes - before.size
    return change._replace(files=files, file_bytes=file_bytes)


def in_order(row: VersionRow, newest: VersionRow | None, custom_ms: int | None) -> VersionRow:
    """The row with the time of an ordinary upload: now, but never before the newest version of its name."""
    if custom_ms is None and newest is not None and newest.inverted_ms < row.inverted_ms:
        return row._replace(inverted_ms=newest.inverted_ms)
    return row


def newborn_in_order(row: VersionRow, newest: VersionRow | None, custom_ms: int | None) -> VersionRow:
    """As `in_order`, for a row whose id nobody has been told yet.

    The id then says the time of the row, so that a list can go on from there also when the version is gone.
    """
    placed = in_order(row, newest, custom_ms)
    if custom_ms is not None or placed.born_ms == -placed.inverted_ms:
        return placed
    return placed._replace(born_ms=-placed.inverted_ms)


def version_of(
    row: VersionRow, bucket: Bucket, extent: ExtentRow | None = None, *, is_latest: bool = True
) -> FileVersion:
    """The file version of a catalog row.

    Of the longest lists this is half the work, so the row is unpacked at once, and members are given in their order: of as
    many by name Python would make a dictionary first.
    """
    (
        bucket_id, name, inverted_ms, _, handle, kind, born_ms, action, size, content_type, content_sha1, etag, checksum,
        info, received_ms, part_count, retention_mode, retain_until_ms, legal_hold, replication_status, encryption,
    ) = row  # fmt: skip
    return FileVersion(
        bucket_id,
        bucket.account_id,
        name.decode(),
        FileId(bucket_id, kind, handle, born_ms),
        _ACTIONS[action],
        size,
        content_type,
        content_sha1,
        etag,
        None if checksum is None else checksum_of(checksum),
        {} if info == "{}" else json.loads(info),
        -inverted_ms,
        received_ms,
        part_count,
        is_latest,
        None if retention_mode is None else _retention_of(retention_mode, retain_until_ms),
        None if legal_hold is None else bool(legal_hold),
        None if replication_status is None else _REPLICATION_STATUSES[replication_status],
        None if encryption is None else encryption_of(encryption),
        extent,
    )


def _retention_of(mode: str, until_ms: int | None) -> Retention:
    # A mode without an end is a retention without end: see `lock_rules`.
    return Retention(mode, limits.RETAIN_UNTIL_MAX_MS if until_ms is None else until_ms)


def part_of(row: PartRow, encryption: Encryption | None) -> Part:
    """The part of a catalog row; `encryption` is that of the large file."""
    return Part(
        part_number=row.part_number,
        size=row.size,
        content_sha1=row.content_sha1,
        md5=row.md5,
        checksum=None if row.checksum is None else checksum_of(row.checksum),
        uploaded_ms=row.uploaded_ms,
        start=row.start,
        encryption=encryption,
    )


def info_text(info: dict[str, str]) -> str:
    """The catalog column of a file info."""
    return json.dumps(info, separators=(",", ":"), ensure_ascii=False) if info else "{}"


def checksum_of(text: str) -> Checksum:
    """The checksum of a catalog column."""
    return _checksum_decoder.decode(text)


def checksum_text(checksum: Checksum | None) -> str | None:
    """The catalog column of a checksum."""
    return None if checksum is None else msgspec.json.encode(checksum).decode()


async def storing(work: Awaitable[T]) -> T:
    """Await a call to the blobs and turn its errors into the store's."""
    try:
        return await work
    except NoSpace as error:
        raise StorageFull("The storage is full.") from error
    except BlobsBusy as error:
        raise Busy("Too many files are open at once.") from error
    except (BlobMissing, BlobCorrupt, BlobTooNew) as error:
        raise DataCorrupt(str(error)) from error
    except BlobError as error:
        raise StorageFailed(str(error)) from error
