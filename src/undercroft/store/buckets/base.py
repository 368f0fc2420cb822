"""What making a bucket and changing its settings have in common: who may ask for what, and how settings are written down."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from undercroft.catalog import buckets
from undercroft.catalog.buckets import BucketRow
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.store import ids
from undercroft.store.ambient import Ambient
from undercroft.store.buckets import replication as replications
from undercroft.store.buckets.lock import LockChange
from undercroft.store.directory import Directory
from undercroft.store.errors import NoSuchBucket
from undercroft.store.files.encryption import Sealings
from undercroft.store.gate import Gate
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.deeds import Deeds
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, Lock, Replication
from undercroft.store.operations import Operation

NOT_SET = object()  # As a document: one that says so.


class EncryptionChange(msgspec.Struct, frozen=True):
    """The encryption that a bucket's new files are to get: SSE-B2, or None for what the service does."""

    mode: str | None


class BucketsBase:
    """What the parts of the bucket store work with."""

    def __init__(
        self,
        catalog: Catalog,
        directory: Directory,
        gate: Gate,
        deeds: Deeds,
        sealings: Sealings,
        ambient: Ambient,
    ) -> None:
        self._catalog = catalog
        self._directory = directory
        self._gate = gate
        self._deeds = deeds
        self._sealings = sealings
        self._ambient = ambient

    async def find(self, *, name: str | None = None, bucket_id: str | None = None, remembered: bool = False) -> Bucket:
        """The bucket of this name or id, whoever asks: the operation that follows decides. Raises `NoSuchBucket`.

        `remembered` spares a read of the catalog where `files.current` follows, which notices an outdated bucket itself.
        """
        if not remembered:
            await self._directory.catch_up()
        if bucket_id is not None:
            bucket = await self._directory.bucket_by_id(bucket_id) if ids.is_bucket_id(bucket_id) else None
        else:
            bucket = await self._directory.bucket_by_name(name or "")
        if bucket is None:
            raise NoSuchBucket(bucket_id or name or "")
        return bucket

    def _encryption_document(
        self, principal: Principal, bucket: Bucket | None, change: EncryptionChange | None
    ) -> dict[str, object]:
        if change is None:
            return {}
        authorize(principal, Operation.WRITE_BUCKET_ENCRYPTION, bucket)
        mode = self._sealings.check_default(change.mode)
        return {"encryption": NOT_SET if mode is None else mode}


def check_lock(principal: Principal, bucket: Bucket | None, lock: LockChange) -> None:
    """Raise unless the principal may ask for this change. To make a bucket without a lock is to ask for nothing."""
    asks = lock.enabled or lock.default_retention is not None if bucket is None else lock.changes
    if asks:
        authorize(principal, Operation.WRITE_BUCKET_LOCK, bucket)
    lock.check()


async def change_lock(tx: Transaction, bucket_id: str, before: Lock, change: LockChange) -> Lock:
    """Write the lock down if the change makes it another, and answer it as it is then."""
    lock = change.apply(before)
    if lock != before:
        await buckets.put_document(tx, bucket_id, "lock", msgspec.json.encode(lock).decode())
    return lock


def check_replication(principal: Principal, bucket: Bucket | None, replication: Replication | None) -> None:
    """Raise unless the principal may ask for this. To make a bucket without replication is to ask for nothing."""
    if replication is None:
        return
    if bucket is not None or replication.is_set:
        authorize(principal, Operation.WRITE_BUCKET_REPLICATION, bucket)
    replications.check(replication)


async def row_of(tx: Transaction, bucket_id: str) -> BucketRow:
    """The row of a bucket. Raises `NoSuchBucket`."""
    row = await buckets.by_id(tx, bucket_id)
    if row is None:
        raise NoSuchBucket(bucket_id)
    return row


async def put_documents(tx: Transaction, bucket_id: str, documents: Mapping[str, object]) -> None:
    """Write down settings by their kinds; None stays as it is, and `NOT_SET` is written as one that is not set."""
    for kind, document in documents.items():
        if document is not None:
            text = json.dumps(None if document is NOT_SET else document)
            await buckets.put_document(tx, bucket_id, kind, text)
