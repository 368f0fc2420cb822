"""The gate before every operation: it judges on what is true now, not on what a cache remembers.

Reads judge on remembered keys and buckets, look at the invalidation id that their first point read brings, and judge again
if the log has moved on. Writes check the id once more inside the committing transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar, cast

from undercroft.catalog import invalidations
from undercroft.catalog.caps import CapsRow
from undercroft.catalog.contract import Catalog, CatalogError, CatalogFull, Change, Transaction
from undercroft.store.accounting.bounds import check_bytes, check_files, files_before
from undercroft.store.accounting.meter import Meter
from undercroft.store.accounting.model import Category, Refusal
from undercroft.store.directory import Directory
from undercroft.store.errors import (
    BadCredentials,
    BucketCapExceeded,
    Busy,
    FilesCapExceeded,
    NoSuchBucket,
    StorageCapExceeded,
    StorageFull,
)
from undercroft.store.identity.authorize import NO_FACTS, Facts, authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket
from undercroft.store.operations import Operation

T = TypeVar("T")
TRIES = 16  # How often a write starts over because keys or buckets changed under it.
_KINDS = frozenset(
    {"key", "bucket", "account"}
)  # What an entry of the log can be about; another kind concerns everybody.


class _Outdated(Exception):
    """The log moved on between the judgement and the commit."""


class Gate:
    """Judges principals, and commits changes that hold only if the judgement does."""

    def __init__(self, catalog: Catalog, directory: Directory, meter: Meter) -> None:
        self._catalog = catalog
        self._directory = directory
        self._meter = meter

    async def enter(
        self,
        principal: Principal,
        operation: Operation,
        bucket: Bucket | None,
        name: str | None = None,
        facts: Facts = NO_FACTS,
    ) -> Bucket | None:
        """Judge an operation that has no point read of its own; the bucket as it is now."""
        return await self.met(
            await invalidations.highest(self._catalog.rows), principal, operation, bucket, name=name, facts=facts
        )

    async def met(
        self,
        invalidation_id: int,
        principal: Principal,
        operation: Operation,
        bucket: Bucket | None,
        *,
        name: str | None = None,
        facts: Facts = NO_FACTS,
    ) -> Bucket | None:
        """Judge, on key and bucket read again unless the directory is as far as this id and still vouches for them.

        The second matters because a request may take long: another one may have read the log meanwhile. Returns the bucket
        as it is now. Raises `BadCredentials` when the principal's key is gone, `NoSuchBucket`, `Unauthorized`.
        """
        if invalidation_id != self._directory.invalidation_id:
            await self._directory.refresh()
        elif self._directory.vouches_for(principal, bucket):
            authorize(principal, operation, bucket, name, facts)
            return bucket
        if principal.key_id is not None:
            key = await self._directory.key(principal.key_id)
            if key is None or not principal.proves(key):
                raise BadCredentials("The key is not valid any more.")
        if bucket is not None:
            fresh = await self._directory.bucket_by_id(bucket.bucket_id)
            if fresh is None:
                raise NoSuchBucket(bucket.name)
            bucket = fresh
        authorize(principal, operation, bucket, name, facts)
        return bucket

    def commit(
        self,
        principal: Principal,
        operation: Operation,
        bucket: Bucket | None,
        name: str | None,
        change: Change[T],
        *,
        size_bytes: int = 0,
        grows: bool = False,
    ) -> Awaitable[T]:
        """Judge, and run the change in a transaction that holds only if the judgement is still true at its commit.

        `grows` tells that it stores something new, which waits for room where a delete does not (P13), and which the
        caps of the bucket and the account's on storage and files may refuse. Raises what `met` raises, the change's own errors,
        `StorageCapExceeded`, `StorageFull` and `Busy`.
        """
        return self._commit(
            principal,
            operation,
            bucket,
            name,
            lambda tx, _: change(tx),
            size_bytes=size_bytes,
            grows=grows,
            shows=grows,
        )

    def commit_in(
        self,
        principal: Principal,
        operation: Operation,
        bucket: Bucket,
        name: str | None,
        change: Callable[[Transaction, Bucket], Awaitable[T]],
        *,
        size_bytes: int = 0,
        grows: bool = False,
        shows: bool = False,
    ) -> Awaitable[T]:
        """As `commit`, for a change that depends on the bucket's settings: it is given the bucket as it is at the commit.

        `shows` tells of a change that stores nothing new that it may show a file more, which caps on files may refuse.
        """
        return self._commit(
            principal,
            operation,
            bucket,
            name,
            cast("Callable[[Transaction, Bucket | None], Awaitable[T]]", change),
            size_bytes=size_bytes,
            grows=grows,
            shows=grows or shows,
        )

    async def _commit(
        self,
        principal: Principal,
        operation: Operation,
        bucket: Bucket | None,
        name: str | None,
        change: Callable[[Transaction, Bucket | None], Awaitable[T]],
        *,
        size_bytes: int,
        grows: bool,
        shows: bool,
    ) -> T:
        for _ in range(TRIES):
            # Noted before the judgement: what other tasks hear of the log meanwhile has not been judged here.
            judged_at = self._directory.invalidation_id
            judged = bucket = await self.met(judged_at, principal, operation, bucket, name=name)
            of_account = None
            if shows and bucket is not None and not self._directory.is_uncapped(bucket.account_id):
                of_account = await self._directory.held_caps(bucket.account_id)

            async def guarded(
                tx: Transaction,
                judged_at: int = judged_at,
                judged: Bucket | None = judged,
                of_account: CapsRow | None = of_account,
            ) -> T:
                if await invalidations.highest(tx) != judged_at and await _concerns(tx, judged_at, principal, judged):
                    raise _Outdated
                if not shows or judged is None or (judged.caps is None and of_account is None):
                    return await change(tx, judged)
                before = await files_before(tx, judged, of_account)
                result = await change(tx, judged)
                if grows:
                    await check_bytes(tx, judged, of_account)
                await check_files(tx, judged, of_account, before)
                return result

            try:
                return await self.write(guarded, size_bytes=size_bytes, grows=grows)
            except StorageCapExceeded as error:
                assert bucket is not None
                self._note_refusal(bucket, error)
                raise
            except _Outdated:
                await self._directory.catch_up()
        raise Busy("Keys or buckets change too fast; try again.")

    async def check_room(self, bucket: Bucket, size_bytes: int) -> None:
        """Raise `StorageCapExceeded` if account or bucket cannot store so many bytes more now: before they are sent.

        The commit judges again, by what is stored then.
        """
        if bucket.caps is None and self._directory.is_uncapped(bucket.account_id):
            return
        for is_last in (False, True):
            of_account = await self._directory.held_caps(bucket.account_id)
            try:
                await check_bytes(self._catalog.rows, bucket, of_account, size_bytes)
                return
            except StorageCapExceeded as error:
                if is_last:
                    self._note_refusal(bucket, error)
                    raise
            await self._directory.catch_up()  # Perhaps the cap has been raised since this process last heard of it.
            bucket = await self._directory.bucket_by_id(bucket.bucket_id) or bucket

    def _note_refusal(self, bucket: Bucket, error: StorageCapExceeded) -> None:
        """Have an alert raised about what a cap refused."""
        if isinstance(error, BucketCapExceeded):
            self._meter.refuse(Refusal(bucket.account_id, error.category, "bucket", bucket.bucket_id))
        else:
            category: Category = "files" if isinstance(error, FilesCapExceeded) else "storage"
            self._meter.refuse(Refusal(bucket.account_id, category))

    async def write_up_to_date(self, change: Change[T]) -> T:
        """As `write`, for a change that wraps secrets: it commits only while this process has read the whole log.

        So it wraps them under the master key that is the current one (see `work.rotation`). Raises `Busy`, and what `write` raises.
        """
        for _ in range(TRIES):
            try:
                await self._directory.catch_up()
            except CatalogError as error:  # The first connection of a process finds no room for the log.
                raise _in_words_of_the_store(error) from error

            async def guarded(tx: Transaction, read_to: int = self._directory.invalidation_id) -> T:
                if await invalidations.highest(tx) != read_to:
                    raise _Outdated
                return await change(tx)

            with suppress(_Outdated):
                return await self.write(guarded)
        raise Busy("Keys or buckets change too fast; try again.")

    async def write(self, change: Change[T], *, size_bytes: int = 0, grows: bool = False) -> T:
        """Commit a change that needs no judgement: the operator's and the background's."""
        try:
            return await self._catalog.write(change, size_bytes=size_bytes, grows=grows)
        except CatalogError as error:
            raise _in_words_of_the_store(error) from error


def _in_words_of_the_store(error: CatalogError) -> StorageFull | Busy:
    return StorageFull("The storage is full.") if isinstance(error, CatalogFull) else Busy("The catalog is busy.")


async def _concerns(tx: Transaction, judged_at: int, principal: Principal, bucket: Bucket | None) -> bool:
    """Whether any entry of the log since then is about what was judged: nobody waits for what others change of theirs."""
    judged = {f"key:{principal.key_id}", f"account:{principal.account_id}"}
    if bucket is not None:
        judged |= {f"bucket:{bucket.bucket_id}", f"account:{bucket.account_id}"}
    entries = await invalidations.since(tx, judged_at)
    if not entries or entries[0][0] != judged_at + 1:
        return True  # Some are forgotten already, or the log is another one.
    return any(subject in judged or subject.partition(":")[0] not in _KINDS for _, subject in entries)
