"""Making a version anew from the bytes of another: to restore it, to give it another name, to describe it otherwise.

Versions never change, so each of these makes a new one that names the same stored bytes under the same keys. No bytes move,
whatever the size, and a file that is encrypted with a customer's key needs no key for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from undercroft import limits
from undercroft.catalog import buckets, versions
from undercroft.catalog.contract import Transaction
from undercroft.catalog.versions import VersionRow
from undercroft.store import names
from undercroft.store.directory import bucket_of_row
from undercroft.store.errors import InvalidRequest, NoSuchBucket, NoSuchFile, PreconditionFailed
from undercroft.store.files.base import info_text, version_of
from undercroft.store.files.clones import Clones, clone_of
from undercroft.store.files.happenings import Happening
from undercroft.store.files.lock_rules import is_locked
from undercroft.store.files.removals import Removals
from undercroft.store.files.uploads import Uploads, check_new_file
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, FileVersion, NewFile
from undercroft.store.operations import Operation


class Moves(Uploads, Removals, Clones):
    """The part of the file store that makes versions anew."""

    async def restore(self, principal: Principal, bucket: Bucket, name: str, file_id: str) -> FileVersion:
        """Make an older version the newest of its name, as a new version with the same content, type and info.

        What came after it stays beneath. Raises `NoSuchVersion`, and `InvalidRequest` for what is the newest already or has no bytes.
        """
        authorize(principal, Operation.READ_FILE, bucket, name)
        parsed = await self._id_in(bucket, name, file_id)
        handle, now_ms = self._ambient.new_handle(), self._ambient.now_ms()

        async def change(tx: Transaction, bucket_now: Bucket) -> VersionRow:
            source = await self._row_in(tx, bucket, name, parsed)
            newest = await versions.newest(tx, bucket.bucket_id, source.name)
            if newest is not None and newest.handle == source.handle:
                raise InvalidRequest("This is the newest version already.", "fileId")
            return await self._again(
                tx, bucket_now, source, clone_of(source, bucket_now.bucket_id, name.encode(), handle, now_ms), newest
            )

        return await self._commit_new(principal, bucket, name, change)

    async def describe(
        self, principal: Principal, bucket: Bucket, name: str, file_id: str, content_type: str, info: dict[str, str]
    ) -> FileVersion:
        """A new version like the newest one but for content type and file info; that one stays beneath.

        Raises the errors of `upload` for both, and `InvalidRequest` where the version is not the newest any more.
        """
        authorize(principal, Operation.READ_FILE, bucket, name)
        parsed = await self._id_in(bucket, name, file_id)
        handle, now_ms = self._ambient.new_handle(), self._ambient.now_ms()

        async def change(tx: Transaction, bucket_now: Bucket) -> VersionRow:
            source = await self._row_in(tx, bucket, name, parsed)
            newest = await _newest_is(tx, source)
            check_new_file(
                bucket_now, name, NewFile(content_type, info), now_ms, encrypted=source.encryption is not None
            )
            row = clone_of(source, bucket_now.bucket_id, name.encode(), handle, now_ms)
            row = row._replace(content_type=content_type, info=info_text(info))
            return await self._again(tx, bucket_now, source, row, newest)

        return await self._commit_new(principal, bucket, name, change)

    async def move(
        self,
        principal: Principal,
        bucket: Bucket,
        name: str,
        file_id: str,
        target: Bucket,
        new_name: str,
        *,
        keep: bool = False,
        replace: bool = False,
    ) -> FileVersion:
        """Give the newest version of a name another name, in this bucket or another of the account, in one transaction.

        The old name is deleted if this was its only version and nothing locks it; else it is hidden, and its versions stay.
        With `keep` it is a copy, and the old name stays as it is. Raises `PreconditionFailed` where a file of the new name is
        visible, unless `replace`, which makes the file its next version; `InvalidFileName`, `NoSuchVersion` and `InvalidRequest`.
        """
        authorize(principal, Operation.READ_FILE, bucket, name)
        if not keep:
            authorize(principal, Operation.DELETE_FILE, bucket, name)
            authorize(principal, Operation.WRITE_FILE, bucket, name)
        if target.account_id != bucket.account_id:
            raise InvalidRequest("Files move within one account.", "destinationBucketId")
        if (target.bucket_id, new_name) == (bucket.bucket_id, name):
            raise InvalidRequest("This is its name already.", "fileName")
        names.check_file_name(new_name)
        parsed = await self._id_in(bucket, name, file_id)
        handle, now_ms = self._ambient.new_handle(), self._ambient.now_ms()
        marker = self.new_hide_marker(bucket, name)

        async def change(tx: Transaction, target_now: Bucket) -> VersionRow:
            await tx.lock_name(target.bucket_id, new_name.encode())
            source = await self._row_in(tx, bucket, name, parsed)
            source_newest = await _newest_is(tx, source)
            newest = await versions.newest(tx, target.bucket_id, new_name.encode())
            if newest is not None and newest.action == versions.UPLOAD and not replace:
                raise PreconditionFailed("If-None-Match")
            row = clone_of(source, target_now.bucket_id, new_name.encode(), handle, now_ms)
            described = version_of(source, bucket)
            check_new_file(
                target_now,
                new_name,
                NewFile(source.content_type, described.info),
                now_ms,
                encrypted=source.encryption is not None,
            )
            made = await self._again(tx, target_now, source, row, newest)
            if not keep:
                source_bucket = target_now if target.bucket_id == bucket.bucket_id else await _now(tx, bucket)
                if is_locked(source, now_ms) or await _has_older(tx, source):
                    await self.hide_in(tx, source_bucket, marker, source_newest, Happening.HIDE)
                else:
                    await self._remove(tx, source_bucket, source, Happening.DELETE)
            return made

        return await self._commit_new(principal, target, new_name, change)

    async def unhide(self, principal: Principal, bucket: Bucket, name: str) -> FileVersion:
        """Delete the hide markers above the newest upload of a name, and answer that upload, which is visible then.

        Raises `InvalidRequest` where nothing hides the name, and `NoSuchFile` where there is nothing beneath the markers.
        """
        authorize(principal, Operation.DELETE_FILE, bucket, name)
        raw_name = name.encode()

        async def change(tx: Transaction, bucket_now: Bucket) -> VersionRow:
            await tx.lock_name(bucket.bucket_id, raw_name)
            found = await versions.every_from(
                tx,
                bucket.bucket_id,
                (raw_name, versions.FIRST, versions.FIRST),
                raw_name + b"\x00",
                limits.UNHIDE_MARKERS_MAX + 1,
                unfinished=False,
            )
            if found and found[0].action != versions.HIDE:
                raise InvalidRequest("The file is not hidden.", "fileName")
            upload = next((row for row in found if row.action == versions.UPLOAD), None)
            if upload is None:
                raise NoSuchFile(bucket.name, name)
            for row in found[: found.index(upload)]:
                await self._remove(tx, bucket_now, row, Happening.DELETE)
            return upload

        return version_of(await self._gate.commit_in(principal, Operation.DELETE_FILE, bucket, name, change), bucket)

    async def _commit_new(
        self,
        principal: Principal,
        bucket: Bucket,
        name: str,
        change: Callable[[Transaction, Bucket], Awaitable[VersionRow]],
    ) -> FileVersion:
        await self._gate.check_room(bucket, 0)
        made = await self._gate.commit_in(principal, Operation.WRITE_FILE, bucket, name, change, grows=True)
        return version_of(made, bucket)

    async def _again(
        self, tx: Transaction, bucket: Bucket, source: VersionRow, row: VersionRow, newest: VersionRow | None
    ) -> VersionRow:
        """Place a new version that has the bytes of the source. `newest` is that of the new one's name."""
        if source.action != versions.UPLOAD:
            raise InvalidRequest("Only an uploaded version has bytes.", "fileId")
        return await self.clone_in(tx, bucket, source, row, newest)


async def _now(tx: Transaction, bucket: Bucket) -> Bucket:
    """The bucket as it is in this transaction. Raises `NoSuchBucket`."""
    row = await buckets.by_id(tx, bucket.bucket_id)
    if row is None:
        raise NoSuchBucket(bucket.name)
    return await bucket_of_row(tx, row)


async def _newest_is(tx: Transaction, row: VersionRow) -> VersionRow:
    """The newest version of the row's name, which is the row. Raises `InvalidRequest` where another has come."""
    newest = await versions.newest(tx, row.bucket_id, row.name)
    if newest is None or newest.handle != row.handle:
        raise InvalidRequest("This is not the newest version of the file any more.", "fileId")
    return newest


async def _has_older(tx: Transaction, row: VersionRow) -> bool:
    end = row.name + b"\x00"
    return bool(await versions.every_from(tx, row.bucket_id, row.place_after, end, 1, unfinished=False))
