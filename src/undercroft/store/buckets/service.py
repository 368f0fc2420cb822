"""Buckets: making, finding, listing and deleting them. `settings.py` changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from undercroft import limits
from undercroft.catalog import accounts, buckets, invalidations, jobs, usage, versions
from undercroft.catalog.buckets import BucketRow
from undercroft.catalog.contract import Transaction
from undercroft.catalog.usage import Held
from undercroft.store import ids, names
from undercroft.store.buckets import cors, snapshots
from undercroft.store.buckets import lifecycle_rules as lifecycle
from undercroft.store.buckets import replication as replications
from undercroft.store.buckets.base import (
    EncryptionChange,
    change_lock,
    check_lock,
    check_replication,
    put_documents,
    row_of,
)
from undercroft.store.buckets.in_words import of_bucket
from undercroft.store.buckets.lock import NO_LOCK_CHANGE, LockChange
from undercroft.store.buckets.orphaned_rules import leave_behind
from undercroft.store.buckets.settings import BucketSettings
from undercroft.store.directory import bucket_of_row
from undercroft.store.errors import (
    BucketNotEmpty,
    DuplicateBucketName,
    ProductNotEnabled,
    TooManyBuckets,
    Unauthorized,
)
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.deeds import Deed, name_of
from undercroft.store.identity.principals import Principal
from undercroft.store.identity.products import has_b2
from undercroft.store.model import SNAPSHOT, SSE_B2, Bucket, Document, FileVersion, Lock, Replication
from undercroft.store.operations import Operation

SUFFIX_DIGITS = 4  # Of a name that is offered instead of one that is taken.
FIRST_REVISION = 2  # What the real service answers for a bucket just made.


class Buckets(BucketSettings):
    """The buckets of all accounts."""

    async def create(
        self,
        principal: Principal,
        name: str,
        bucket_type: str,
        *,
        info: dict[str, str] | None = None,
        cors_rules: Sequence[Document] = (),
        lifecycle_rules: Sequence[Document] = (),
        lock: LockChange = NO_LOCK_CHANGE,
        replication: Replication | None = None,
        encryption: EncryptionChange | None = None,
    ) -> Bucket:
        """Make a bucket.

        Raises `InvalidBucketName`, `InvalidRequest`, `MissingLock`, `NoSuchBucket` for a destination of replication,
        `DuplicateBucketName`, `TooManyBuckets`, and `ProductNotEnabled` for an account that has not enabled B2.
        """
        async with self._deeds.of(principal, "Create bucket", name) as deed:
            authorize(principal, Operation.WRITE_BUCKET, None)
            check_lock(principal, None, lock)
            check_replication(principal, None, replication)
            encryption_document = self._encryption_document(principal, None, encryption)
            names.check_bucket_name(name)
            names.check_bucket_type(bucket_type)
            names.check_bucket_info(info or {})
            cors.check_rules(cors_rules)
            lifecycle.check_rules(lifecycle_rules)
            documents = {"info": info, "cors": cors_rules, "lifecycle": lifecycle_rules, **encryption_document}
            return await self._make(principal, name, bucket_type, documents, lock, replication, deed)

    async def of_snapshots(self, service: Principal) -> Bucket:
        """The bucket that keeps the snapshots of the service's account, made when it is first needed.

        Its files are encrypted, since those in it may have been. Raises `TooManyBuckets` and `ProductNotEnabled`.
        """
        name = snapshots.bucket_name(service.account_id or "")
        await self._directory.catch_up()
        found = await self._directory.bucket_by_name(name)
        if found is not None:
            return found
        documents = {"lifecycle": snapshots.lifecycle_rules(), "encryption": SSE_B2}
        try:
            return await self._make(service, name, SNAPSHOT, documents)
        except DuplicateBucketName:  # Another process has made it just now.
            return await self.find(name=name)

    async def _make(
        self,
        principal: Principal,
        name: str,
        bucket_type: str,
        documents: Mapping[str, object],
        lock: LockChange = NO_LOCK_CHANGE,
        replication: Replication | None = None,
        deed: Deed | None = None,
    ) -> Bucket:
        account_id = principal.account_id or ""
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> Bucket:
            taken = await buckets.by_name(tx, name)
            if taken is not None:
                raise DuplicateBucketName(own=taken.account_id == account_id)
            if not await has_b2(tx, account_id):
                raise ProductNotEnabled
            if await buckets.count(tx, account_id) >= limits.BUCKETS_PER_ACCOUNT:
                raise TooManyBuckets(f"An account has at most {limits.BUCKETS_PER_ACCOUNT} buckets.")
            created_ms = await accounts.take_bucket_ms(tx, account_id, now_ms)
            row = BucketRow(
                ids.bucket_id(account_id, created_ms), account_id, name, bucket_type, FIRST_REVISION, created_ms
            )
            await buckets.insert(tx, row)
            await put_documents(tx, row.bucket_id, documents)
            await change_lock(tx, row.bucket_id, Lock(), lock)
            made = await bucket_of_row(tx, row)
            if replication is not None:
                await replications.change(tx, made, replication, now_ms)
                made = await bucket_of_row(tx, row)
            if deed is not None:
                await deed.done(tx, after=of_bucket(made))
            return made

        return await self._gate.commit(principal, Operation.WRITE_BUCKET, None, None, change)

    async def check_new_name(self, name: str) -> None:
        """Return if a bucket may be made with this name now. Raises `InvalidBucketName` and `DuplicateBucketName`."""
        names.check_bucket_name(name)
        if await buckets.by_name(self._catalog.rows, name) is not None:
            raise DuplicateBucketName(own=False)

    async def free_names_like(self, name: str, count: int) -> Sequence[str]:
        """At most so many names that begin so, or with as much of it as there is room for, and that no bucket has."""
        stem = name[: limits.BUCKET_NAME_MAX_LENGTH - SUFFIX_DIGITS - 1].rstrip("-.")
        numbers = (int.from_bytes(self._ambient.random_bytes(4)) % 10**SUFFIX_DIGITS for _ in range(count))
        candidates = dict.fromkeys(f"{stem}-{number:0{SUFFIX_DIGITS}}" for number in numbers)
        return [name for name in candidates if await buckets.by_name(self._catalog.rows, name) is None]

    async def counted_under(
        self,
        principal: Principal,
        *,
        name: str | None = None,
        bucket_id: str | None = None,
        file_id: str | None = None,
    ) -> str:
        """The id of the bucket under which a call counts; an empty string where it is none of the sender's.

        Nor is it one that the sender's key is not for: nobody uses up the caps of a bucket who may do nothing there. The
        bucket is given by one of these, of which what a client sent may be no id at all.
        """
        bucket = await self._subject(name, bucket_id, file_id)
        is_senders = bucket is not None and bucket.account_id == principal.account_id
        return bucket.bucket_id if bucket is not None and is_senders and principal.reaches(bucket.bucket_id) else ""

    async def refusal_counted_under(
        self,
        principal: Principal | None,
        named_account_id: str,
        *,
        name: str | None = None,
        bucket_id: str | None = None,
    ) -> tuple[str, str, str]:
        """The ids of account, bucket and key under which a request counts that was refused; an empty string for none.

        It counts for who proved to send it, else for the account whose key it named without proving to hold it, else for the
        owner of the bucket, which is given as in `counted_under`.
        """
        bucket = await self._subject(name, bucket_id)
        sender = None if principal is None else principal.account_id
        account_id = sender or named_account_id or (bucket.account_id if bucket is not None else "")
        under = bucket.bucket_id if bucket is not None and bucket.account_id == account_id else ""
        return account_id, under, "" if principal is None else principal.key_of(account_id)

    async def _subject(self, name: str | None, bucket_id: str | None, file_id: str | None = None) -> Bucket | None:
        directory = self._directory
        bucket = directory.known_bucket_named(name) if name is not None else directory.known_bucket(bucket_id or "")
        if bucket is not None:
            return bucket  # As for most calls.
        if name is not None:
            return await directory.bucket_by_name(name)
        if file_id is not None and (bucket_id is None or not ids.is_bucket_id(bucket_id)):
            parsed = ids.parse_file_id(file_id)
            bucket_id = None if parsed is None else parsed.bucket_id
        return await directory.bucket_by_id(bucket_id) if bucket_id and ids.is_bucket_id(bucket_id) else None

    def of_version(self, version: FileVersion, found: Bucket) -> Bucket:
        """The bucket of a version just read, whose reading may have noticed that `found`, a remembered one, is outdated."""
        return self._directory.known_bucket(version.bucket_id) or found

    def encryption_of(self, bucket: Bucket) -> str | None:
        """The mode of new files in the bucket that ask for none: SSE-B2, or None."""
        return self._sealings.default_of(bucket)

    async def read(self, principal: Principal, name: str, operation: Operation = Operation.READ_BUCKET) -> Bucket:
        """The settings of a bucket as they are now. Raises `NoSuchBucket` and `Unauthorized`."""
        bucket = await self.find(name=name)
        fresh = await self._gate.enter(principal, operation, bucket)
        assert fresh is not None
        return fresh

    async def list(
        self,
        principal: Principal,
        *,
        name: str | None = None,
        bucket_id: str | None = None,
        types: Sequence[str] | None = None,
        lenient: bool = False,
    ) -> Sequence[Bucket]:
        """The account's buckets by name, with the rules of b2_list_buckets for keys restricted to buckets.

        Such a key must name a bucket that it may see, unless `lenient`, when it gets those that it may see.
        """
        await self._gate.enter(principal, Operation.LIST_BUCKETS, None)
        allowed = principal.key.bucket_ids if principal.key is not None else None
        found: Sequence[Bucket] = await self._of_account(principal)
        if name is not None:
            found = [bucket for bucket in found if bucket.name.lower() == name.lower()]
        if bucket_id is not None:
            found = [bucket for bucket in found if bucket.bucket_id == bucket_id]
        if allowed is not None:
            visible = [bucket for bucket in found if bucket.bucket_id in allowed]
            named = name is not None or bucket_id is not None
            if not lenient and (not named or len(visible) < max(len(found), 1)):
                raise Unauthorized
            found = visible
        return [bucket for bucket in found if types is None or bucket.type in types]

    async def usage(self, principal: Principal) -> dict[str, Held]:
        """What each bucket of the account holds now, by bucket id; one that never held anything is left out."""
        await self._gate.enter(principal, Operation.LIST_BUCKETS, None)
        return await usage.by_bucket(self._catalog.rows, principal.account_id or "")

    async def list_all_names(self, principal: Principal) -> Sequence[Bucket]:
        """The account's buckets by name, as S3's ListBuckets shows them.

        A key restricted to buckets needs listAllBucketNames besides listBuckets, and then sees every name.
        """
        await self._gate.enter(principal, Operation.LIST_BUCKETS, None)
        if principal.key is not None and principal.key.bucket_ids is not None:
            authorize(principal, Operation.LIST_ALL_BUCKET_NAMES, None)
        return await self._of_account(principal)

    async def delete(self, principal: Principal, bucket_id: str) -> Bucket:
        """Remove a bucket that holds nothing at all, and answer it as it was. Raises `NoSuchBucket`, `BucketNotEmpty`.

        Events of it that wait are delivered all the same, unless their rule is suspended or not enabled.
        """
        bucket = await self.find(bucket_id=bucket_id)
        async with self._deeds.of(principal, "Delete bucket", name_of(principal, bucket)) as deed:
            now_ms = self._ambient.now_ms()

            async def change(tx: Transaction) -> Bucket:
                row = await row_of(tx, bucket_id)
                if await versions.any_in_bucket(tx, bucket_id):
                    raise BucketNotEmpty("Cannot delete non-empty bucket")
                gone = await bucket_of_row(tx, row)
                await leave_behind(tx, gone)
                await buckets.delete(tx, bucket_id)
                await jobs.delete_of_bucket(tx, bucket_id)
                await invalidations.add(tx, f"bucket:{bucket_id}", now_ms)
                await deed.done(tx, before=of_bucket(gone))
                return gone

            return await self._gate.commit(principal, Operation.DELETE_BUCKET, bucket, None, change)

    async def _of_account(self, principal: Principal) -> Sequence[Bucket]:
        rows = self._catalog.rows
        return [await bucket_of_row(rows, row) for row in await buckets.of_account(rows, principal.account_id or "")]
