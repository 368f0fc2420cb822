"""To Undercroft's store itself, called as the faces call it, with a clock that is set.

Two stores share one data directory, as the workers of a server do, and take turns.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness.notifications import Inbox, rule
from harness.stores import Bytes, SetClock, open_bench
from model.digests import joined_etag
from model.driver import Answer, Page, Refusal
from model.store_replication import StoreReplication
from model.store_words import (
    WORDS,
    bucket_answer,
    byte_range,
    customer_key,
    key_answer,
    new_file,
    part_answer,
    version_answer,
)
from model.things import Bucket, Key, New, Range, Version
from undercroft.store import Store
from undercroft.store import model as domain
from undercroft.store.buckets.base import EncryptionChange
from undercroft.store.buckets.lock import LockChange
from undercroft.store.dialect import NATIVE, S3
from undercroft.store.errors import (
    IsHideMarker,
    NoSuchBucket,
    NoSuchUpload,
    NoSuchVersion,
    RangeNotSatisfiable,
    StoreError,
)
from undercroft.store.identity.authorize import Facts
from undercroft.store.identity.principals import NOBODY, Principal
from undercroft.store.operations import Operation

CHUNK_BYTES = 40_000
NATIVE_ONLY = {
    "file_info", "create_key", "delete_key", "list_keys", "update_bucket", "lock_bucket", "retain", "hold", "listen",
    "told", "cap_storage", "encrypt_bucket", "accept", "replicate", "replicate_all",
}  # fmt: skip


class ThroughStore:
    """A store in a folder, with two accounts."""

    clock_is_set = True
    default_sse = None

    def __init__(self, folder: Path) -> None:
        self._clock = SetClock()
        self._loop = asyncio.new_event_loop()
        self._open = contextlib.AsyncExitStack()
        self._stores: list[Store] = []
        self._inbox = Inbox()
        self._secrets: dict[str, str] = {}
        self._owners: list[domain.ApplicationKey] = []
        self._turns = 0
        self._loop.run_until_complete(self._enter(folder))

    async def _enter(self, folder: Path) -> None:
        for new in (True, False):
            opening = open_bench(folder, clock=self._clock, new=new, visit=self._inbox)
            bench = await self._open.enter_async_context(opening)
            self._stores.append(bench.store)
        for email in ("first@example.com", "second@example.com"):
            account = await self._stores[0].identity.accounts.create(email, "a long password")
            self._owners.append(account.key)

    def close(self) -> None:
        """Close both stores."""
        self._loop.run_until_complete(self._open.aclose())
        self._loop.close()

    def begin(self) -> list[tuple[str, str, Iterable[str]]]:
        """Begin an example: the accounts that there are, each with the id and the capabilities of its key."""
        self._turns = 0
        self._secrets = {key.key_id: key.secret for key in self._owners}
        self._loop.run_until_complete(self._remove_leftovers())
        return [(key.account_id, key.key_id, key.capabilities) for key in self._owners]

    async def _remove_leftovers(self) -> None:
        """An example that failed leaves behind what would make the next one fail too."""
        store = self._stores[0]
        for owner in map(Principal.of_key, self._owners):
            keys, _ = await store.identity.keys.list(owner, start_key_id=None, limit=1000)
            for key in keys:
                if key.key_id not in self._secrets:
                    await store.identity.keys.delete(owner, key.key_id)
            for bucket in await store.buckets.list(owner):
                for row in (await store.files.list_versions(owner, bucket, limit=1000)).rows:
                    assert isinstance(row, domain.FileVersion)
                    if row.legal_hold:
                        await store.files.update_legal_hold(owner, bucket, row.name, str(row.file_id), on=False)
                    await store.files.delete_version(owner, bucket, row.name, str(row.file_id), bypass_governance=True)
                await store.buckets.delete(owner, bucket.bucket_id)

    def now_ms(self) -> int:
        """The time by the clock that is set."""
        return self._clock.ms

    def starts_with(self, *, s3: bool) -> bool:
        """Every start in the store is inclusive: the S3 face itself makes it exclusive."""
        return True

    def pass_time(self, by_ms: int) -> None:
        """Move the clock."""
        self._clock.ms += by_ms

    def knows(self, operation: str) -> bool:
        """Whether the store has the operation in the S3 dialect: all but what native calls alone ask for."""
        return operation not in NATIVE_ONLY

    def words(self, operation: str, reason: str, s3: bool) -> str:
        """The name of the error."""
        return WORDS[reason]

    def do(self, operation: str, s3: bool, actor: str | None, **arguments: Any) -> Any:
        """One operation by one of the two stores. Raises `Refusal`."""
        self._turns += 1
        store = self._stores[self._turns % len(self._stores)]
        return self._loop.run_until_complete(self._do(store, operation, s3, actor, arguments))

    async def _do(self, store: Store, operation: str, s3: bool, actor: str | None, arguments: dict[str, Any]) -> Any:
        try:
            who = NOBODY
            if actor is not None:
                who = await store.identity.authenticate_key(actor, self._secrets[actor])
            replication = StoreReplication(store, who, self._owners)
            if hasattr(replication, operation):
                return await getattr(replication, operation)(**arguments)
            return await getattr(Calls(store, who, s3, self._secrets, self._inbox), operation)(**arguments)
        except StoreError as error:
            raise Refusal(type(error).__name__) from error


class NotFinished(StoreError):
    """What a face says of a large file that is to be read before it is finished."""


class BadPartRange(StoreError):
    """What S3 says of a range to copy that does not lie within its source."""


class Calls:
    """The operations of one principal on one store, in one dialect."""

    def __init__(self, store: Store, who: Principal, s3: bool, secrets: dict[str, str], inbox: Inbox) -> None:
        self._store = store
        self._files = store.files
        self._who = who
        self._s3 = s3
        self._secrets = secrets
        self._inbox = inbox

    async def _bucket(self, bucket: Bucket) -> domain.Bucket:
        if self._s3:
            return await self._store.buckets.find(name=bucket.name)
        return await self._store.buckets.find(bucket_id=bucket.id)

    async def _home(self, version: Version) -> domain.Bucket:
        return await self._store.buckets.find(bucket_id=version.bucket_id)

    async def _version(self, version: Version) -> domain.FileVersion:
        """A version as the faces look for it: S3 by bucket, name and id, the native API by id."""
        if not self._s3:
            return await self._files.version(self._who, version.id)
        return await self._files.version(self._who, version.id, bucket=await self._home(version), name=version.name)

    # -- Keys and buckets -----------------------------------------------------------------------------------------------
    async def create_key(
        self, capabilities: Sequence[str], bucket_ids: Sequence[str] | None, prefix: str | None, valid_s: int | None
    ) -> Answer:
        made = await self._store.identity.keys.create(
            self._who, "restricted", capabilities, bucket_ids=bucket_ids, name_prefix=prefix, valid_s=valid_s
        )
        self._secrets[made.key_id] = made.secret
        return key_answer(made)

    async def delete_key(self, key: Key) -> Answer:
        return key_answer(await self._store.identity.keys.delete(self._who, key.id))

    async def list_keys(self, limit: int, cursor: str | None) -> Page:
        keys, following = await self._store.identity.keys.list(self._who, start_key_id=cursor, limit=limit)
        return [key_answer(key) for key in keys], following

    async def create_bucket(self, name: str, public: bool, info: dict[str, str]) -> Answer:
        kind = "allPublic" if public else "allPrivate"
        return bucket_answer(await self._store.buckets.create(self._who, name, kind, info=info))

    async def update_bucket(
        self, bucket: Bucket, public: bool | None, info: dict[str, str] | None, if_revision_is: int | None
    ) -> Answer:
        kind = None if public is None else "allPublic" if public else "allPrivate"
        return bucket_answer(
            await self._store.buckets.update(
                self._who, bucket.id, bucket_type=kind, info=info, if_revision_is=if_revision_is
            )
        )

    async def delete_bucket(self, bucket: Bucket) -> Answer:
        return bucket_answer(await self._store.buckets.delete(self._who, (await self._bucket(bucket)).bucket_id))

    async def list_buckets(self, bucket: Bucket | None) -> list[Answer]:
        if self._s3:
            return [bucket_answer(row) for row in await self._store.buckets.list_all_names(self._who)]
        named = None if bucket is None else bucket.id
        return [bucket_answer(row) for row in await self._store.buckets.list(self._who, bucket_id=named)]

    # -- Files ----------------------------------------------------------------------------------------------------------
    async def upload(self, bucket: Bucket, name: str, new: New, body: bytes) -> Answer:
        place = await self._bucket(bucket)
        condition = domain.WriteCondition(if_none_match="*") if new.only_new else None
        data = Bytes(body, chunk=CHUNK_BYTES)
        return version_answer(
            await self._files.upload(self._who, place, name, new_file(new), data, condition=condition)
        )

    async def hide(self, bucket: Bucket, name: str) -> Answer:
        place = await self._bucket(bucket)
        return version_answer(await self._files.hide(self._who, place, name, S3 if self._s3 else NATIVE))

    async def copy(
        self,
        source: Version,
        bucket: Bucket,
        name: str,
        asked: Range | None,
        replaced: New | None,
        customer: str | None,
    ) -> Answer:
        found, place = await self._version(source), await self._bucket(bucket)
        new = None if replaced is None else new_file(replaced)
        made = await self._files.copy(
            self._who, found, place, name, new, byte_range=byte_range(asked), source_key=customer_key(customer)
        )
        return {**version_answer(made), "action": "copy"}

    async def lock_bucket(self, bucket: Bucket) -> Answer:
        return bucket_answer(await self._store.buckets.update(self._who, bucket.id, lock=LockChange(enabled=True)))

    async def encrypt_bucket(self, bucket: Bucket, on: bool) -> Answer:
        change = EncryptionChange(domain.SSE_B2 if on else None)
        changed = await self._store.buckets.update(self._who, bucket.id, encryption=change)
        return {**bucket_answer(changed), "sse": self._store.buckets.encryption_of(changed)}

    async def retain(self, version: Version, until_ms: int | None, bypass: bool) -> Answer:
        place = await self._lockable(version)
        wanted = None if until_ms is None else domain.Retention("governance", until_ms)
        return version_answer(
            await self._files.update_retention(self._who, place, version.name, version.id, wanted, bypass=bypass)
        )

    async def hold(self, version: Version, on: bool) -> Answer:
        place = await self._lockable(version)
        return version_answer(await self._files.update_legal_hold(self._who, place, version.name, version.id, on=on))

    # -- Caps -----------------------------------------------------------------------------------------------------------
    async def cap_storage(self, size: int | None) -> Answer:
        assert self._who.account_id is not None
        await self._store.accounting.caps.change(self._who.account_id, {"storage": size})
        return {}

    # -- Event notifications --------------------------------------------------------------------------------------------
    async def listen(self, bucket: Bucket, prefix: str, types: Sequence[str]) -> Answer:
        wanted = rule(object_name_prefix=prefix, event_types=tuple(types), max_events_per_batch=3)
        await self._store.notifications.set_rules(self._who, bucket.id, [wanted] if types else [])
        if not types:  # What was delivered beside the events of another bucket is forgotten as well.
            self._inbox.take_all(bucket.id)
        return {}

    async def told(self, bucket: Bucket, unordered: bool = False) -> list[Answer]:
        await self._store.buckets.find(bucket_id=bucket.id)
        await self._store.work.deliveries.run()
        await self._store.work.deliveries.finish_turns()
        told = [
            {
                "name": event["objectName"],
                "type": event["eventType"],
                "size": event["objectSize"],
                "id": event["objectVersionId"],
            }
            for event in self._inbox.take_all(bucket.id)
        ]
        return sorted(told, key=lambda event: str(event["id"])) if unordered else told

    async def _lockable(self, version: Version) -> domain.Bucket:
        """The bucket of a version; where it is gone, so is the version."""
        try:
            return await self._home(version)
        except NoSuchBucket:
            raise NoSuchVersion(version.id) from None

    async def delete_version(self, version: Version, name: str, bypass: bool = False) -> Answer:
        try:
            place = await self._home(version)
            gone = await self._files.delete_version(self._who, place, name, version.id, bypass_governance=bypass)
        except NoSuchBucket:
            if self._s3:
                raise
            raise NoSuchVersion(version.id) from None
        except NoSuchVersion:
            if self._s3:
                return {"was_marker": False}
            raise
        return {**version_answer(gone), "was_marker": gone.action is domain.Action.HIDE}

    async def start(self, bucket: Bucket, name: str, new: New) -> Answer:
        place = await self._bucket(bucket)
        return version_answer(await self._files.start_large_file(self._who, place, name, new_file(new)))

    async def _large(
        self, large: Version, operation: Operation = Operation.WRITE_FILE
    ) -> tuple[domain.Bucket, domain.FileVersion]:
        if not self._s3:
            return await self._files.unfinished(self._who, large.id, operation=operation)
        place = await self._home(large)
        return await self._files.unfinished(self._who, large.id, bucket=place, name=large.name, operation=operation)

    async def upload_part(self, large: Version, number: int, body: bytes, customer: str | None) -> Answer:
        place, found = await self._large(large)
        data = Bytes(body, chunk=CHUNK_BYTES)
        key = customer_key(customer)
        return part_answer(await self._files.upload_part(self._who, place, found, number, data, encryption=key))

    async def copy_part(
        self,
        large: Version,
        number: int,
        source: Version,
        asked: Range | None,
        customer: str | None,
        own: str | None,
    ) -> Answer:
        place, found = await self._large(large)
        original = await self._version(source)
        beyond = asked is not None and (asked.last is None or asked.last >= original.size)
        if self._s3 and beyond and original.action is domain.Action.UPLOAD:
            raise BadPartRange
        keys = {"source_key": customer_key(customer), "encryption": customer_key(own)}
        made = await self._files.copy_part(
            self._who, place, found, number, original, byte_range=byte_range(asked), **keys
        )
        return part_answer(made)

    async def list_parts(self, large: Version, limit: int, cursor: int | None) -> Page:
        operation = Operation.LIST_FILES if self._s3 else Operation.WRITE_FILE
        place, found = await self._large(large, operation)
        parts, following = await self._files.list_parts(
            self._who, place, found, start=cursor or 1, limit=limit, operation=operation
        )
        return [part_answer(part) for part in parts], following

    async def finish(self, large: Version, listed: Sequence[tuple[int, str]]) -> Answer:
        try:
            place, found = await self._large(large)
        except NoSuchUpload:
            # The S3 face answers a repeated completion as it did the first.
            if not self._s3:
                raise
            return await self._finished_before(large, listed)
        if self._s3:
            return version_answer(await self._files.finish_s3(self._who, place, found, listed))
        return version_answer(
            await self._files.finish_native(self._who, place, found, [digest for _, digest in listed])
        )

    async def _finished_before(self, large: Version, listed: Sequence[tuple[int, str]]) -> Answer:
        home = await self._home(large)
        try:
            done = await self._files.version(
                self._who, large.id, bucket=home, name=large.name, operation=Operation.WRITE_FILE
            )
        except NoSuchVersion:
            raise NoSuchUpload(large.id) from None
        if done.etag != joined_etag([md5 for _, md5 in listed]):
            raise NoSuchUpload(large.id)
        return version_answer(done)

    async def cancel(self, large: Version) -> Answer:
        place, found = await self._large(large)
        await self._files.cancel(self._who, place, found)
        return {"id": str(found.file_id), "name": found.name}

    # -- Reading --------------------------------------------------------------------------------------------------------
    async def read_name(self, bucket: Bucket, name: str, asked: Range | None, customer: str | None) -> Answer:
        place = await self._store.buckets.find(name=bucket.name, remembered=True)
        return await self._read(await self._files.current(self._who, place, name), asked, customer)

    async def read_id(self, version: Version, asked: Range | None, customer: str | None) -> Answer:
        found = await self._version(version)
        if found.action is domain.Action.HIDE:
            raise IsHideMarker(version.id, found.uploaded_ms)
        if found.action is domain.Action.START:
            raise NotFinished
        return await self._read(found, asked, customer)

    async def _read(self, found: domain.FileVersion, asked: Range | None, customer: str | None) -> Answer:
        self._files.check_key(found, customer_key(customer))
        wanted = byte_range(asked)
        interval = (0, found.size) if wanted is None else wanted.resolve(found.size)
        if interval is None:
            raise RangeNotSatisfiable(found.size)
        body = await self._files.read(found, *interval, customer_key(customer))
        data = body if isinstance(body, bytes) else b"".join([block async for block in body])
        return {**version_answer(found), "body": data}

    async def file_info(self, version: Version) -> Answer:
        return version_answer(await self._files.version(self._who, version.id, facts=Facts(described=True)))

    # -- Lists ----------------------------------------------------------------------------------------------------------
    async def list_names(
        self, bucket: Bucket, prefix: str, delimiter: str, start: str, limit: int, cursor: str | None
    ) -> Page:
        """Pages join as the native face joins them: the next one begins with the row that follows."""
        page = await self._files.list_names(
            self._who,
            await self._bucket(bucket),
            prefix=prefix,
            delimiter=delimiter,
            start=start if cursor is None else cursor,
            limit=limit,
        )
        return [version_answer(row) for row in page.rows], None if page.following is None else page.following.name

    async def list_versions(
        self,
        bucket: Bucket,
        prefix: str,
        delimiter: str,
        start: str,
        limit: int,
        cursor: tuple[str, str | None] | None,
        start_id: str | None = None,
    ) -> Page:
        name, version_id = cursor or (start, start_id)
        page = await self._files.list_versions(
            self._who,
            await self._bucket(bucket),
            prefix=prefix,
            delimiter=delimiter,
            start=name,
            start_file_id=version_id,
            after=self._s3 and cursor is None and version_id is not None,
            unfinished=not self._s3,
            limit=limit,
        )
        following = page.following
        if following is None:
            return [version_answer(row, listed=True) for row in page.rows], None
        following_id = None if isinstance(following, domain.Folder) else str(following.file_id)
        return [version_answer(row, listed=True) for row in page.rows], (following.name, following_id)

    async def list_unfinished(self, bucket: Bucket, prefix: str, limit: int, cursor: Any) -> Page:
        place = await self._bucket(bucket)
        if not self._s3:
            found, following = await self._files.list_unfinished(
                self._who, place, prefix=prefix, start_file_id=cursor, limit=limit
            )
            return [version_answer(row) for row in found], following
        key, upload_id = cursor or ("", None)
        page = await self._files.list_uploads(
            self._who, place, prefix=prefix, key_marker=key, id_marker=upload_id, limit=limit
        )
        last = page.rows[-1] if page.more else None
        assert not isinstance(last, domain.Folder)
        return [version_answer(row) for row in page.rows], None if last is None else (last.name, str(last.file_id))
