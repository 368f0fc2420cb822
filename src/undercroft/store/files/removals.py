"""Deleting one version: an upload, a hide marker, or a large file that was never finished."""

from __future__ import annotations

from undercroft import limits
from undercroft.catalog import extents, parts, versions
from undercroft.catalog.contract import Transaction
from undercroft.catalog.usage import Held
from undercroft.catalog.versions import VersionRow
from undercroft.store.buckets.in_words import of_lock
from undercroft.store.errors import NoSuchUpload
from undercroft.store.files import replicating
from undercroft.store.files.base import FilesBase, shown_instead, version_of
from undercroft.store.files.happenings import Happening, happened
from undercroft.store.files.lock_rules import check_removable, is_retained
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.deeds import Deed, name_of_file
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, FileVersion
from undercroft.store.operations import Operation


class Removals(FilesBase):
    """The part of the file store that deletes. It needs no room on the disk beyond the catalog's reserve (P13)."""

    async def delete_version(
        self, principal: Principal, bucket: Bucket, name: str, file_id: str, *, bypass_governance: bool = False
    ) -> FileVersion:
        """Remove one version for good, and answer what it was.

        `bypass_governance` asks to remove it though governance retains it, which takes a capability of its own, and is what
        the audit log has of deletions. Raises `InvalidFileId`, `NoSuchVersion` and `VersionLocked`.
        """
        if not bypass_governance:
            return await self._delete(principal, bucket, name, file_id, None)
        target = name_of_file(principal, bucket, name)
        async with self._deeds.of(principal, "Delete retained version", target) as deed:
            authorize(principal, Operation.DELETE_FILE, bucket, name)
            authorize(principal, Operation.BYPASS_GOVERNANCE, bucket, name)
            return await self._delete(principal, bucket, name, file_id, deed)

    async def _delete(
        self, principal: Principal, bucket: Bucket, name: str, file_id: str, bypassing: Deed | None
    ) -> FileVersion:
        """Remove a version, with a deed past governance: it is told where governance would have kept the version."""
        authorize(principal, Operation.DELETE_FILE, bucket, name)
        parsed = await self._id_in(bucket, name, file_id)

        async def change(tx: Transaction, bucket_now: Bucket) -> VersionRow:
            row = await self._row_in(tx, bucket, name, parsed)
            await self._remove(tx, bucket_now, row, Happening.DELETE, bypass=bypassing is not None)
            if bypassing is not None and is_retained(row, self._ambient.now_ms()):
                before = of_lock(version_of(row, bucket))
                await bypassing.done(tx, before=before, details={"version": file_id})
            return row

        return version_of(await self._gate.commit_in(principal, Operation.DELETE_FILE, bucket, name, change), bucket)

    async def cancel(self, principal: Principal, bucket: Bucket, large: FileVersion) -> None:
        """Give up an unfinished large file and its parts. Raises `NoSuchUpload` when it is not unfinished any more."""

        async def change(tx: Transaction, bucket_now: Bucket) -> None:
            await self._cancel_in(tx, bucket_now, large)

        await self._gate.commit_in(principal, Operation.WRITE_FILE, bucket, large.name, change)

    async def give_up(self, bucket: Bucket, large: FileVersion) -> None:
        """The same by the background that began it, whatever has become of the rights that it had. Raises `NoSuchUpload`."""
        await self._gate.write(lambda tx: self._cancel_in(tx, bucket, large))

    async def _cancel_in(self, tx: Transaction, bucket: Bucket, large: FileVersion) -> None:
        await tx.lock_name(large.bucket_id, large.name.encode())
        row = (await versions.by_handle(tx, large.bucket_id, large.file_id.handle)).version
        if row is None or row.action != versions.START:
            raise NoSuchUpload(str(large.file_id))
        await self._remove(tx, bucket, row, Happening.DELETE)

    async def remove_in(self, tx: Transaction, bucket: Bucket, row: VersionRow, happening: Happening) -> None:
        """Remove a version as part of a transaction of the background's own, which has judged that it may go.

        `bucket` is as that transaction has read it. Raises `VersionLocked`: nobody in the background bypasses a lock.
        """
        await self._remove(tx, bucket, row, happening)

    async def _remove(
        self, tx: Transaction, bucket: Bucket, row: VersionRow, happening: Happening, *, bypass: bool = False
    ) -> None:
        """Remove a version with all that belongs to it, and show the next one of its name.

        Every removal of a finished version comes through here, and none gets past its lock (P7): raises `VersionLocked`.
        """
        now_ms = self._ambient.now_ms()
        check_removable(row, now_ms, bypass=bypass)
        reclaim_after_ms = now_ms + limits.RECLAIM_GRACE_S * 1000
        size_bytes = row.size
        if row.action == versions.START:
            size_bytes = await parts.total_size(tx, row.bucket_id, row.handle)
            await extents.delete_of_parts(tx, row.bucket_id, row.handle, reclaim_after_ms)
        await parts.delete_all(tx, row.bucket_id, row.handle)
        await extents.delete(tx, row.bucket_id, row.handle, reclaim_after_ms)
        await versions.delete(tx, row)
        if row.action == versions.START:  # What was never finished was no file yet: nobody is told that it is gone.
            await self._count(tx, row.bucket_id, Held(-1, -size_bytes, unfinished_bytes=-size_bytes))
        else:
            newest = await self._show_newest(tx, row.bucket_id, row.name)
            change = Held(-1, -size_bytes)
            if newest is None or row[2:4] < newest[2:4]:
                change = shown_instead(change, newest, row)
            await self._count(tx, row.bucket_id, change)
            await happened(tx, bucket, row, happening, now_ms)
            await replicating.forget(tx, row)

    async def _show_newest(self, tx: Transaction, bucket_id: str, name: bytes) -> VersionRow | None:
        """Show the newest version that is left, if it is an upload, and return it whatever it is."""
        newest = await versions.newest(tx, bucket_id, name)
        if newest is not None and newest.action == versions.UPLOAD:
            await versions.point(tx, newest)
        else:
            await versions.unpoint(tx, bucket_id, name)
        return newest
