"""Changing the retention and the legal hold of a file version."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from undercroft.catalog import versions
from undercroft.catalog.contract import Transaction
from undercroft.catalog.versions import VersionRow
from undercroft.store.buckets.in_words import of_lock
from undercroft.store.errors import InvalidRequest, LockForbidden, Unauthorized
from undercroft.store.files.base import FilesBase, version_of
from undercroft.store.files.lock_rules import (
    check_bucket_locks,
    check_new_file_lock,
    check_retention,
    check_retention_change,
)
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.deeds import Deed, name_of_file
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, FileLock, FileVersion, NewFile, Retention
from undercroft.store.operations import Operation

# What changes are called in the audit log.
_DEEDS = {Operation.WRITE_RETENTION: "Set retention", Operation.WRITE_LEGAL_HOLD: "Set legal hold"}


class Locks(FilesBase):
    """The part of the file store that locks and unlocks."""

    def locking(
        self, principal: Principal, operation: Operation, bucket: Bucket, name: str
    ) -> AbstractAsyncContextManager[Deed]:
        """The deed of changing a lock, within which a face may look for the version: the audit log has who may not."""
        return self._deeds.of(principal, _DEEDS[operation], name_of_file(principal, bucket, name))

    async def update_retention(
        self,
        principal: Principal,
        bucket: Bucket,
        name: str,
        file_id: str,
        retention: Retention | None,
        *,
        bypass: bool = False,
    ) -> FileVersion:
        """Set, extend or, with None, end the retention of a version. `bypass` asks to end governance early.

        The audit log has what was asked with `bypass`, and what was refused. Raises `LockForbidden`, `MissingLock`, `RetentionPast`, `RetentionProtected`, `NoSuchVersion`.
        """
        async with self.locking(principal, Operation.WRITE_RETENTION, bucket, name) as deed:
            may_lock(principal, Operation.WRITE_RETENTION, bucket, name)
            if bypass:
                may_lock(principal, Operation.BYPASS_GOVERNANCE, bucket, name)
            now_ms = self._ambient.now_ms()
            check_bucket_locks(bucket)
            if retention is not None:
                check_retention(retention, now_ms)

            def changed(row: VersionRow) -> VersionRow:
                check_retention_change(row, retention, now_ms, bypass=bypass)
                if retention is None:
                    return row._replace(retention_mode=None, retain_until_ms=None)
                return row._replace(retention_mode=retention.mode, retain_until_ms=retention.until_ms)

            told = deed if bypass else None  # Backups extend retentions day by day, and that is no news.
            return await self._relock(principal, Operation.WRITE_RETENTION, bucket, name, file_id, changed, told)

    async def update_legal_hold(
        self, principal: Principal, bucket: Bucket, name: str, file_id: str, *, on: bool
    ) -> FileVersion:
        """Put a legal hold on a version, or take it off. Raises `LockForbidden`, `MissingLock`, `NoSuchVersion`."""
        async with self.locking(principal, Operation.WRITE_LEGAL_HOLD, bucket, name) as deed:
            may_lock(principal, Operation.WRITE_LEGAL_HOLD, bucket, name)
            check_bucket_locks(bucket)

            def changed(row: VersionRow) -> VersionRow:
                return row._replace(legal_hold=int(on))

            return await self._relock(principal, Operation.WRITE_LEGAL_HOLD, bucket, name, file_id, changed, deed)

    async def _relock(
        self,
        principal: Principal,
        operation: Operation,
        bucket: Bucket,
        name: str,
        file_id: str,
        changed: Callable[[VersionRow], VersionRow],
        deed: Deed | None,
    ) -> FileVersion:
        parsed = await self._id_in(bucket, name, file_id)

        async def change(tx: Transaction) -> VersionRow:
            row = await self._row_in(tx, bucket, name, parsed)
            if row.action == versions.HIDE:
                raise InvalidRequest("A hide marker cannot be locked.", "fileId")
            locked = changed(row)
            await versions.set_lock(tx, locked)
            if deed is not None:
                before, after = of_lock(version_of(row, bucket)), of_lock(version_of(locked, bucket))
                await deed.done(tx, before=before, after=after, details={"version": file_id})
            return locked

        return version_of(await self._gate.commit(principal, operation, bucket, name, change), bucket)


def may_lock(principal: Principal, operation: Operation, bucket: Bucket, name: str) -> None:
    """Return if the principal may do this to locks; raises `LockForbidden`, which clients are told apart, if not."""
    try:
        authorize(principal, operation, bucket, name)
    except Unauthorized as error:
        raise LockForbidden(missing=error.missing) from None


def readable_lock(principal: Principal, bucket: Bucket, version: FileVersion) -> FileLock:
    """What the principal may know of the lock of a version; the rest is not told, and refused to nobody for that."""
    retention, legal_hold = version.retention, version.legal_hold
    if retention is not None and not may_read_lock(principal, Operation.READ_RETENTION, bucket, version.name):
        retention = None
    if legal_hold is not None and not may_read_lock(principal, Operation.READ_LEGAL_HOLD, bucket, version.name):
        legal_hold = None
    return FileLock(retention, legal_hold)


def may_read_lock(principal: Principal, operation: Operation, bucket: Bucket, name: str) -> bool:
    """Whether the principal may do this, which is to know of retention or of legal holds."""
    try:
        authorize(principal, operation, bucket, name)
    except Unauthorized:
        return False
    return True


def check_new_lock(principal: Principal, bucket: Bucket, name: str, new: NewFile, now_ms: int) -> None:
    """Raise `LockForbidden`, `MissingLock`, `RetentionPast` unless the principal may make a file with this lock."""
    if new.retention is not None:
        may_lock(principal, Operation.WRITE_RETENTION, bucket, name)
    if new.legal_hold is not None:
        may_lock(principal, Operation.WRITE_LEGAL_HOLD, bucket, name)
    check_new_file_lock(bucket, new, now_ms)
