"""Replicas: what replication makes of a version in another bucket of this installation. No bytes are moved.

A replica has the handle of what it is a copy of. Handles are never reused and are unique in a bucket, so no bucket can have two
replicas of one version, whatever is repeated after a crash.
"""

from __future__ import annotations

from undercroft.catalog import versions
from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.versions import VersionRow
from undercroft.store.files.base import FilesBase, version_of
from undercroft.store.files.happenings import Happening
from undercroft.store.files.lock_rules import is_locked, with_lock
from undercroft.store.model import Bucket, NewFile


class Replicas(FilesBase):
    """The part of the file store that makes replicas."""

    async def replicate_in(
        self, tx: Transaction, source: VersionRow, source_bucket: Bucket, destination: Bucket
    ) -> None:
        """Make a replica, as part of a transaction of the background's own, which has judged that it may be made.

        It has name, content, type, info and time of its source, and its lock where the destination can lock. It stands
        where the source stands in the order of its name's versions. Both buckets are as that transaction has read them.
        """
        now_ms = self._ambient.now_ms()
        assert destination.lock.enabled or not is_locked(source, now_ms), "a replica would lose its lock"
        await tx.lock_name(destination.bucket_id, source.name)
        newest = await versions.newest(tx, destination.bucket_id, source.name)
        row = source._replace(
            bucket_id=destination.bucket_id,
            received_ms=now_ms,
            retention_mode=None,
            retain_until_ms=None,
            legal_hold=None,
            replication_status=versions.REPLICA,
        )
        if source.action == versions.HIDE:
            await self._place(tx, destination, row, newest, Happening.HIDE)
            return
        await self._share_bytes(tx, source, row)
        if destination.lock.enabled:
            version = version_of(source, source_bucket)
            lock = NewFile(version.content_type, retention=version.retention, legal_hold=version.legal_hold)
            row = with_lock(row, destination, lock)
        happening = Happening.MULTIPART_REPLICA if source.part_count else Happening.REPLICA
        await self._place(tx, destination, row, newest, happening)


async def has_replica(rows: Rows, source: VersionRow, bucket_id: str) -> bool:
    """Whether the bucket has a replica of the version."""
    return (await versions.by_handle(rows, bucket_id, source.handle)).version is not None
