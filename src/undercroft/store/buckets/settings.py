"""Changing the settings of buckets: all at once, or one alone, which takes no right but its own.

A change raises the bucket's revision. The audit log has what an API changed, before and after (`identity/deeds.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from undercroft import limits
from undercroft.catalog import buckets, invalidations
from undercroft.catalog.buckets import BucketRow
from undercroft.catalog.contract import Transaction
from undercroft.store import names
from undercroft.store.accounting.model import Quotas, SoftLimits
from undercroft.store.accounting.quotas import check_amounts, put_quotas, put_soft
from undercroft.store.buckets import access_logging, cors
from undercroft.store.buckets import lifecycle_rules as lifecycle
from undercroft.store.buckets import replication as replications
from undercroft.store.buckets.base import (
    NOT_SET,
    BucketsBase,
    EncryptionChange,
    change_lock,
    check_lock,
    check_replication,
    put_documents,
    row_of,
)
from undercroft.store.buckets.in_words import of_bucket
from undercroft.store.buckets.lock import NO_LOCK_CHANGE, LockChange
from undercroft.store.directory import bucket_of_row
from undercroft.store.errors import OutOfRange, RevisionConflict
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.deeds import Deed, name_of
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, BucketCaps, Document, Replication
from undercroft.store.operations import Operation

# What changes are called in the audit log.
_DEEDS = {
    Operation.WRITE_BUCKET: "Change bucket settings",
    Operation.WRITE_BUCKET_LOCK: "Change Object Lock",
}


class BucketSettings(BucketsBase):
    """The part of the bucket store that changes settings."""

    async def update(
        self,
        principal: Principal,
        bucket_id: str,
        *,
        bucket_type: str | None = None,
        info: dict[str, str] | None = None,
        cors_rules: Sequence[Document] | None = None,
        lifecycle_rules: Sequence[Document] | None = None,
        lock: LockChange = NO_LOCK_CHANGE,
        replication: Replication | None = None,
        encryption: EncryptionChange | None = None,
        if_revision_is: int | None = None,
    ) -> Bucket:
        """Change what is given and raise the revision.

        Raises `NoSuchBucket`, `RevisionConflict`, `InvalidRequest`, `LockCannotBeDisabled`, `MissingLock` and
        `ReplicationConflict`.
        """
        bucket = await self.find(bucket_id=bucket_id)
        async with self._deeds.of(principal, _DEEDS[Operation.WRITE_BUCKET], name_of(principal, bucket)) as deed:
            authorize(principal, Operation.WRITE_BUCKET, bucket)
            check_lock(principal, bucket, lock)
            check_replication(principal, bucket, replication)
            encryption_document = self._encryption_document(principal, bucket, encryption)
            if bucket_type is not None:
                names.check_bucket_type(bucket_type)
            names.check_bucket_info(info or {})
            cors.check_rules(cors_rules or ())
            lifecycle.check_rules(lifecycle_rules or ())
            now_ms = self._ambient.now_ms()

            async def change(tx: Transaction, row: BucketRow, before: Bucket) -> Bucket:
                if if_revision_is is not None and row.revision != if_revision_is:
                    raise RevisionConflict("simultaneous updates to bucket")
                replications.check_lock(before, await change_lock(tx, bucket_id, before.lock, lock), replication)
                if replication is not None:
                    await replications.change(tx, before, replication, now_ms)
                documents = {"info": info, "cors": cors_rules, "lifecycle": lifecycle_rules, **encryption_document}
                return await _revise(tx, row._replace(type=bucket_type or row.type), documents, now_ms)

            return await self._change(principal, Operation.WRITE_BUCKET, bucket, deed, change)

    async def read_to_change(self, principal: Principal, name: str, operation: Operation) -> Bucket:
        """The settings of a bucket as they are now, for whoever is about to change them by this operation.

        The audit log has who may not. Raises `NoSuchBucket` and `Unauthorized`.
        """
        bucket = await self.find(name=name)
        async with self._deeds.of(principal, _DEEDS[operation], name_of(principal, bucket)):
            fresh = await self._gate.enter(principal, operation, bucket)
            assert fresh is not None
            return fresh

    async def set_s3_cors_rules(self, principal: Principal, bucket_id: str, rules: Sequence[Document]) -> Bucket:
        """Replace the CORS rules for operations of S3, in the form of `cors.with_s3_rules`, and raise the revision.

        Those for native operations stay as they are at the commit. To remove rules where there are none changes nothing.
        Raises `NoSuchBucket` and `InvalidRequest`.
        """
        bucket = await self.find(bucket_id=bucket_id)
        async with self._deeds.of(principal, "Change CORS rules", name_of(principal, bucket)) as deed:
            now_ms = self._ambient.now_ms()

            async def change(tx: Transaction, row: BucketRow, before: Bucket) -> Bucket:
                if not rules and not cors.s3_rules(before.cors_rules):
                    return before
                return await _revise(tx, row, {"cors": cors.with_s3_rules(before.cors_rules, rules)}, now_ms)

            return await self._change(principal, Operation.WRITE_BUCKET, bucket, deed, change)

    async def set_lifecycle_rules(self, principal: Principal, bucket_id: str, rules: Sequence[Document]) -> Bucket:
        """Replace the lifecycle rules alone, which takes no right but its own, and raise the revision.

        To remove rules where there are none changes nothing. Raises `NoSuchBucket` and `InvalidRequest`.
        """
        bucket = await self.find(bucket_id=bucket_id)
        async with self._deeds.of(principal, "Change lifecycle rules", name_of(principal, bucket)) as deed:
            lifecycle.check_rules(rules)
            now_ms = self._ambient.now_ms()

            async def change(tx: Transaction, row: BucketRow, before: Bucket) -> Bucket:
                if not rules and not before.lifecycle_rules:
                    return before
                return await _revise(tx, row, {"lifecycle": rules}, now_ms)

            return await self._change(principal, Operation.WRITE_BUCKET_LIFECYCLE, bucket, deed, change)

    async def set_encryption(self, principal: Principal, bucket_id: str, wanted: EncryptionChange) -> Bucket:
        """Set the encryption of new files alone, which takes no right but its own, and raise the revision.

        To want none where none was set changes nothing. Raises `NoSuchBucket` and `InvalidRequest`.
        """
        bucket = await self.find(bucket_id=bucket_id)
        async with self._deeds.of(principal, "Change default encryption", name_of(principal, bucket)) as deed:
            document = self._encryption_document(principal, bucket, wanted)
            now_ms = self._ambient.now_ms()

            async def change(tx: Transaction, row: BucketRow, before: Bucket) -> Bucket:
                if wanted.mode is None and before.encryption is None:
                    return before
                return await _revise(tx, row, document, now_ms)

            return await self._change(principal, Operation.WRITE_BUCKET_ENCRYPTION, bucket, deed, change)

    async def set_lock(self, principal: Principal, bucket_id: str, lock: LockChange) -> Bucket:
        """Change Object Lock alone, which takes no right but its own, and raise the revision.

        Raises `NoSuchBucket`, `InvalidRequest`, `LockCannotBeDisabled`, `MissingLock` and `ReplicationConflict`.
        """
        bucket = await self.find(bucket_id=bucket_id)
        async with self._deeds.of(principal, _DEEDS[Operation.WRITE_BUCKET_LOCK], name_of(principal, bucket)) as deed:
            lock.check()
            now_ms = self._ambient.now_ms()

            async def change(tx: Transaction, row: BucketRow, before: Bucket) -> Bucket:
                replications.check_lock(before, await change_lock(tx, bucket_id, before.lock, lock), None)
                return await _revise(tx, row, {}, now_ms)

            return await self._change(principal, Operation.WRITE_BUCKET_LOCK, bucket, deed, change)

    async def set_caps(
        self,
        principal: Principal,
        bucket_id: str,
        caps: BucketCaps,
        quotas: Quotas | None = None,
        soft: SoftLimits | None = None,
    ) -> Bucket:
        """Set what the bucket may hold, and raise the revision. It holds at once. Raises `NoSuchBucket` and `OutOfRange`.

        `quotas` is what may be done in it a day, which holds once workers learn of it, and `soft` what is told of; None leaves
        either as it is. Raises `InvalidRequest` where the account would have too many.
        """
        bucket = await self.find(bucket_id=bucket_id)
        for cap, field in ((caps.size_bytes, "sizeBytes"), (caps.files, "files")):
            if cap is not None and not 0 <= cap <= limits.CAP_MAX:
                raise OutOfRange(f"A cap is a number from 0 to {limits.CAP_MAX}, not {cap}.", field)
        if quotas is not None:
            check_amounts(quotas.amounts)
        check_amounts(soft or {})
        document = NOT_SET if caps == BucketCaps() else msgspec.to_builtins(caps)
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> Bucket:
            if quotas is not None:
                await put_quotas(tx, bucket.account_id, "bucket", bucket_id, quotas)
            if soft is not None:
                await put_soft(tx, bucket.account_id, "bucket", bucket_id, soft)
            return await _revise(tx, await row_of(tx, bucket_id), {"caps": document}, now_ms)

        return await self._gate.commit(principal, Operation.WRITE_BUCKET, bucket, None, change)

    async def set_logging(
        self, principal: Principal, bucket_id: str, destination: str | None, prefix: str = ""
    ) -> Bucket:
        """Have accesses to a bucket logged into the bucket named `destination`, or with None no longer.

        It takes writeBucketLogging for both buckets, and raises the revision. Raises `NoSuchBucket`, `BadLogDestination`
        and `InvalidRequest` for a prefix that no file name can begin with.
        """
        bucket = await self.find(bucket_id=bucket_id)
        async with self._deeds.of(principal, "Change access logging", name_of(principal, bucket)) as deed:
            access_logging.check_prefix(prefix)
            now_ms = self._ambient.now_ms()

            async def change(tx: Transaction, row: BucketRow, _: Bucket) -> Bucket:
                if destination is None:
                    return await _revise(tx, row, {"logging": NOT_SET}, now_ms)
                logging = await access_logging.towards(tx, principal, destination, prefix)
                return await _revise(tx, row, {"logging": msgspec.to_builtins(logging)}, now_ms)

            return await self._change(principal, Operation.WRITE_BUCKET_LOGGING, bucket, deed, change)

    async def _change(
        self,
        principal: Principal,
        operation: Operation,
        bucket: Bucket,
        deed: Deed,
        change: Callable[[Transaction, BucketRow, Bucket], Awaitable[Bucket]],
    ) -> Bucket:
        """Judge and commit a change of a bucket, and tell the deed what it changed."""

        async def told(tx: Transaction) -> Bucket:
            row = await row_of(tx, bucket.bucket_id)
            before = await bucket_of_row(tx, row)
            after = await change(tx, row, before)
            if after is not before:
                await deed.done(tx, before=of_bucket(before), after=of_bucket(after))
            return after

        return await self._gate.commit(principal, operation, bucket, None, told)


async def _revise(tx: Transaction, row: BucketRow, documents: Mapping[str, object], now_ms: int) -> Bucket:
    """Write a changed bucket under its next revision, and let every process know."""
    revised = row._replace(revision=row.revision + 1)
    await buckets.update(tx, row.bucket_id, revised.type, revised.revision)
    await put_documents(tx, row.bucket_id, documents)
    await invalidations.add(tx, f"bucket:{row.bucket_id}", now_ms)
    return await bucket_of_row(tx, revised)
