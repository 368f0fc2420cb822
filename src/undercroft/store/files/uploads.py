"""Uploads in one piece, and hiding."""

from __future__ import annotations

import base64

from undercroft import limits
from undercroft.catalog import extents, versions
from undercroft.catalog.contract import Transaction
from undercroft.catalog.versions import VersionRow
from undercroft.store import ids, names
from undercroft.store.dialect import Dialect
from undercroft.store.errors import AlreadyHidden, InvalidRequest, NoSuchFile
from undercroft.store.files.base import (
    EMPTY_MD5,
    EMPTY_SHA1,
    HIDE_CONTENT_TYPE,
    FilesBase,
    checksum_text,
    newborn_in_order,
    version_of,
)
from undercroft.store.files.conditions import judge
from undercroft.store.files.happenings import Happening
from undercroft.store.files.intake import Stored, intake_of
from undercroft.store.files.lock_rules import with_lock
from undercroft.store.files.locks import check_new_lock
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, Checksum, FileVersion, NewFile, UploadBody, WriteCondition
from undercroft.store.operations import Operation

WHOLE_SHA1 = "large_file_sha1"  # The info in which B2's clients keep the SHA-1 of a large file.
SHA1_CHARACTERS = 40


class Uploads(FilesBase):
    """The part of the file store that takes files in."""

    async def upload(
        self,
        principal: Principal,
        bucket: Bucket,
        name: str,
        new: NewFile,
        body: UploadBody,
        *,
        condition: WriteCondition | None = None,
    ) -> FileVersion:
        """Store a new version. When this returns, it is durable and visible; when it raises, nothing is (P1, P2).

        Raises the errors of names and of locks, `TooLarge`, `LengthMismatch`, `DigestMismatch`, `PreconditionFailed`,
        `StorageCapExceeded`, `UploadCapExceeded`, `StorageFull`.
        """
        authorize(principal, Operation.WRITE_FILE, bucket, name)
        sealing = self._sealings.of_new(new.encryption, bucket)
        now_ms = self._ambient.now_ms()
        check_new_file(bucket, name, new, now_ms, encrypted=sealing is not None)
        check_new_lock(principal, bucket, name, new, now_ms)
        await self._gate.check_room(bucket, body.length or 0)
        key_id = principal.key_of(bucket.account_id)
        self._meter.check_upload(bucket.account_id, body.length or 0, bucket.bucket_id, key_id)
        row = self._new_row(bucket, name, new, now_ms, kind=ids.SMALL, action=versions.UPLOAD, sealing=sealing)
        intake = intake_of(self._context, sealing)
        try:
            stored = await intake.take(body, () if new.checksum_algorithm is None else (new.checksum_algorithm,))
            row = _described(row, new, stored)
            if body.length is None:
                self._meter.check_upload(bucket.account_id, stored.size, bucket.bucket_id, key_id)

            async def change(tx: Transaction, bucket_now: Bucket) -> VersionRow:
                await tx.lock_name(row.bucket_id, row.name)
                newest = await versions.newest(tx, row.bucket_id, row.name)
                judge(condition, bucket_now, newest, name)
                await extents.insert(tx, row.bucket_id, row.handle, stored.rows())
                locked = with_lock(row, bucket_now, new)
                placed = newborn_in_order(locked, newest, new.uploaded_ms)
                return await self._place(tx, bucket_now, placed, newest, Happening.UPLOAD)

            placed = await self._gate.commit_in(
                principal, Operation.WRITE_FILE, bucket, name, change, size_bytes=stored.inline_bytes, grows=True
            )
        except Exception:
            # Not on cancellation: then nobody knows whether the commit happened, and a walk finds what is left.
            await intake.discard()
            raise
        self._meter.uploaded(bucket.account_id, stored.size, bucket.bucket_id, key_id)
        return version_of(placed, bucket)

    async def may_upload(self, principal: Principal, bucket: Bucket) -> None:
        """Return if the principal may upload to the bucket under some name (b2_get_upload_url).

        Raises `Unauthorized` and `StorageCapExceeded`.
        """
        await self._gate.enter(principal, Operation.WRITE_FILE, bucket)
        await self._gate.check_room(bucket, 0)

    async def hide(self, principal: Principal, bucket: Bucket, name: str, dialect: Dialect) -> FileVersion:
        """Add a hide marker. In the native dialect, raises `AlreadyHidden` and `NoSuchFile` where there is nothing to hide."""
        authorize(principal, Operation.WRITE_FILE, bucket, name)
        names.check_file_name(name, controls_allowed=True)
        row = self.new_hide_marker(bucket, name)

        async def change(tx: Transaction, bucket_now: Bucket) -> VersionRow:
            await tx.lock_name(row.bucket_id, row.name)
            newest = await versions.newest(tx, row.bucket_id, row.name)
            if dialect.hide_needs_visible_file:
                if newest is None:
                    raise NoSuchFile(bucket.name, name)
                if newest.action == versions.HIDE:
                    raise AlreadyHidden(f"{name} is hidden already")
            return await self.hide_in(tx, bucket_now, row, newest, Happening.HIDE)

        return version_of(await self._gate.commit_in(principal, Operation.WRITE_FILE, bucket, name, change), bucket)

    def new_hide_marker(self, bucket: Bucket, name: str) -> VersionRow:
        """The row of a hide marker for `hide_in`, made outside of the transaction that places it."""
        now_ms = self._ambient.now_ms()
        row = self._new_row(bucket, name, NewFile(HIDE_CONTENT_TYPE), now_ms, kind=ids.SMALL, action=versions.HIDE)
        return row._replace(content_sha1=EMPTY_SHA1, etag=EMPTY_MD5)

    async def hide_in(
        self, tx: Transaction, bucket: Bucket, marker: VersionRow, newest: VersionRow | None, happening: Happening
    ) -> VersionRow:
        """Place a hide marker as part of a transaction that holds the name and has read bucket and newest version."""
        return await self._place(tx, bucket, newborn_in_order(marker, newest, None), newest, happening)


def check_new_file(bucket: Bucket, name: str, new: NewFile, now_ms: int, *, encrypted: bool) -> None:
    """Raise unless a file of this name, type and info may be made."""
    names.check_file_name(name, controls_allowed=True)
    info = {WHOLE_SHA1: "0" * SHA1_CHARACTERS, **new.info} if new.sha1_follows else new.info
    names.check_file_info(name, info, secured=encrypted or bucket.lock.enabled)
    if len(new.content_type) > limits.CONTENT_TYPE_MAX_BYTES:
        raise InvalidRequest("The content type is too long.", "contentType")
    if new.uploaded_ms is not None and not 0 <= new.uploaded_ms <= now_ms:
        raise InvalidRequest("The custom upload timestamp must not be in the future.", "customUploadTimestamp")


def sha1_text(digests: dict[str, bytes], *, unverified: bool) -> str:
    """The content SHA-1 as the native face shows it."""
    return ("unverified:" if unverified else "") + digests["sha1"].hex()


def checksum_kept(algorithm: str | None, digests: dict[str, bytes], checksum_type: str) -> Checksum | None:
    """The S3 checksum to keep with a file or part."""
    if algorithm is None:
        return None
    return Checksum(algorithm, base64.b64encode(digests[algorithm]).decode(), checksum_type)


def _described(row: VersionRow, new: NewFile, stored: Stored) -> VersionRow:
    return row._replace(
        size=stored.size,
        content_sha1=sha1_text(stored.digests, unverified=new.sha1_unverified),
        etag=stored.digests["md5"].hex(),
        checksum=checksum_text(checksum_kept(new.checksum_algorithm, stored.digests, "FULL_OBJECT")),
    )
