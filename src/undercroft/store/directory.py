"""What a process remembers of keys and buckets, and how it learns that something changed.

Every point read brings the highest id of the invalidation log along. Where that differs from the id up to which this
directory has read the log, `refresh` drops what the new entries name. So a remembered row is never used after a change of
it was committed, on any node, and nothing is asked for twice meanwhile.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import msgspec

from undercroft.catalog import accounts, buckets, caps, invalidations, keys, members
from undercroft.catalog.buckets import BucketRow
from undercroft.catalog.caps import CapsRow
from undercroft.catalog.contract import Catalog, Rows
from undercroft.catalog.keys import KeyRow
from undercroft.keyring import Keyring
from undercroft.store.ambient import Ambient
from undercroft.store.identity.principals import Principal
from undercroft.store.model import (
    NO_REPLICATION,
    ApplicationKey,
    Bucket,
    BucketCaps,
    Lock,
    Logging,
    NotificationRule,
    Replication,
)

REMEMBERED_MAX = 10_000  # Keys, and buckets, that a process remembers at once.
T = TypeVar("T")
_NO_LOCK = Lock()
_NO_CAPS = CapsRow()
_lock_decoder = msgspec.json.Decoder(Lock)
_caps_decoder = msgspec.json.Decoder(BucketCaps | None)
_replication_decoder = msgspec.json.Decoder(Replication)
_logging_decoder = msgspec.json.Decoder(Logging | None)
_notifications_decoder = msgspec.json.Decoder(tuple[NotificationRule, ...])


class _Holder(NamedTuple):
    key: ApplicationKey
    suspended: bool


class Directory:
    """Remembers application keys by id, buckets by id and name, and how much accounts may store."""

    def __init__(self, catalog: Catalog, keyring: Keyring, ambient: Ambient) -> None:
        self._catalog = catalog
        self._keyring = keyring
        self._ambient = ambient
        self._keys: dict[str, _Holder] = {}
        self._buckets: dict[str, Bucket] = {}
        self._ids_by_name: dict[str, str] = {}
        self._held_caps: dict[str, CapsRow | None] = {}  # By account; None where nothing bounds what it holds.
        self.invalidation_id = -1  # How far the log has been read; -1 before the first time.
        self._read_in_turn = False  # Whether the log was read to its end in this turn of the event loop.

    async def refresh(self) -> None:
        """Drop everything that has changed since the log was last read."""
        rows = self._catalog.rows
        if self.invalidation_id < 0 or await invalidations.oldest(rows) > self.invalidation_id + 1:
            self.invalidation_id = await invalidations.highest(rows)
            self._keyring.reload()
            self._forget_all()
            return
        for invalidation_id, subject in await invalidations.since(rows, self.invalidation_id):
            self._forget(subject)
            self.invalidation_id = invalidation_id

    async def catch_up(self) -> None:
        """Read the log up to its end: every change committed before the calling task was woken is known afterwards.

        Tasks that run in one turn of the event loop were woken before it, so that the read of the first does for the others:
        writes that come together, and share a commit, share this too. What runs outside of a task was woken by nobody but
        its own request, perhaps just now, and reads for itself.
        """
        loop = asyncio.get_running_loop()
        if self._read_in_turn and asyncio.current_task(loop) is not None:
            return
        if self._catalog.reads_at_once:
            loop.call_soon(self._end_turn)  # Before the read: whoever is woken from here on runs after it.
        if await invalidations.highest(self._catalog.rows) != self.invalidation_id:
            await self.refresh()
        self._read_in_turn = self._catalog.reads_at_once

    def _end_turn(self) -> None:
        self._read_in_turn = False

    def vouches_for(self, principal: Principal, bucket: Bucket | None) -> bool:
        """Whether key and bucket are just as remembered: nothing read of the log has changed them, and no time ran out."""
        key = principal.key
        key_id = principal.key_id if key is None else key.key_id
        if key_id is not None:
            holder = self._keys.get(key_id)
            if holder is None or not (holder.key is key or principal.proves(holder.key)) or not self._is_usable(holder):
                return False
        return bucket is None or self._buckets.get(bucket.bucket_id) is bucket

    async def key(self, key_id: str) -> ApplicationKey | None:
        """The key of this id if it may be used: it exists, has not expired, and neither its account is suspended nor the member's whose it is."""
        holder = self._keys.get(key_id)
        if holder is None:
            holder = await self._load(lambda: self._read_key(key_id), self._remember_key)
            if holder is None:
                return None
        return holder.key if self._is_usable(holder) else None

    def _is_usable(self, holder: _Holder) -> bool:
        expires_ms = holder.key.expires_ms
        return not holder.suspended and (expires_ms is None or expires_ms > self._ambient.now_ms())

    async def bucket_by_id(self, bucket_id: str) -> Bucket | None:
        """The bucket of this id."""
        bucket = self._buckets.get(bucket_id)
        if bucket is not None:
            return bucket
        return await self._load(
            lambda: self._read_bucket(buckets.by_id(self._catalog.rows, bucket_id)), self._remember_bucket
        )

    def known_bucket(self, bucket_id: str) -> Bucket | None:
        """The bucket of this id as it is remembered, if it is."""
        return self._buckets.get(bucket_id)

    def known_bucket_named(self, name: str) -> Bucket | None:
        """The bucket of exactly this name as it is remembered, if it is."""
        bucket_id = self._ids_by_name.get(name)
        return None if bucket_id is None else self._buckets.get(bucket_id)

    async def bucket_by_name(self, name: str) -> Bucket | None:
        """The bucket of this name, in any letter case."""
        bucket_id = self._ids_by_name.get(name)
        if bucket_id is not None:
            return self._buckets.get(bucket_id) or await self.bucket_by_id(bucket_id)
        return await self._load(
            lambda: self._read_bucket(buckets.by_name(self._catalog.rows, name)), self._remember_bucket
        )

    def is_uncapped(self, account_id: str) -> bool:
        """Whether the account is remembered as one that may hold any number of bytes and files."""
        return self._held_caps.get(account_id, _NO_CAPS) is None

    async def held_caps(self, account_id: str) -> CapsRow | None:
        """The account's caps if some of them are on bytes or files held; None: it may hold any number of both."""
        try:
            return self._held_caps[account_id]
        except KeyError:
            row = await self._load(
                lambda: caps.find(self._catalog.rows, account_id), lambda row: self._remember_caps(account_id, row)
            )
            return None if row is None else _bounding(row)

    async def _load(self, read: Callable[[], Awaitable[T | None]], remember: Callable[[T], None]) -> T | None:
        """Read something and remember it, unless the log was read meanwhile, which may have named just this."""
        if self.invalidation_id < 0:
            await self.refresh()
        before = self.invalidation_id
        found = await read()
        if found is not None and self.invalidation_id == before:
            remember(found)
        return found

    async def key_in(self, rows: Rows, key_id: str) -> ApplicationKey | None:
        """As `key`, as these rows have it: for transactions that act in the name of a key. Nothing is remembered."""
        holder = await self._read_key(key_id, rows)
        return holder.key if holder is not None and self._is_usable(holder) else None

    async def _read_key(self, key_id: str, rows: Rows | None = None) -> _Holder | None:
        rows = rows or self._catalog.rows
        row = await keys.find(rows, key_id)
        if row is None:
            return None
        account = await accounts.find(rows, row.account_id)
        if account is None:
            return None
        suspended = bool(account.suspended) or await members.is_suspended(rows, row.account_id, key_id)
        return _Holder(key_of_row(row, self._keyring), suspended)

    async def _read_bucket(self, reading: Awaitable[BucketRow | None]) -> Bucket | None:
        row = await reading
        return None if row is None else await bucket_of_row(self._catalog.rows, row)

    def _remember_key(self, holder: _Holder) -> None:
        if holder.suspended:
            return  # Whoever is refused from memory never gets as far as the log, which tells that the account is resumed.
        if len(self._keys) >= REMEMBERED_MAX:
            self._keys.clear()
        self._keys[holder.key.key_id] = holder

    def _remember_bucket(self, bucket: Bucket) -> None:
        if len(self._buckets) >= REMEMBERED_MAX:
            self._buckets.clear()
            self._ids_by_name.clear()
        self._buckets[bucket.bucket_id] = bucket
        self._ids_by_name[bucket.name] = bucket.bucket_id

    def _remember_caps(self, account_id: str, row: CapsRow) -> None:
        if len(self._held_caps) >= REMEMBERED_MAX:
            self._held_caps.clear()
        self._held_caps[account_id] = _bounding(row)

    def _forget(self, subject: str) -> None:
        kind, _, subject_id = subject.partition(":")
        if kind == "keyring":
            self._keyring.reload()
            self._forget_all()  # What is remembered may hold secrets under a key that is gone.
        elif kind == "key":
            self._keys.pop(subject_id, None)
        elif kind == "bucket":
            bucket = self._buckets.pop(subject_id, None)
            if bucket is not None:
                self._ids_by_name.pop(bucket.name, None)
        else:
            self._forget_all()

    def _forget_all(self) -> None:
        self._keys.clear()
        self._buckets.clear()
        self._ids_by_name.clear()
        self._held_caps.clear()


def _bounding(row: CapsRow) -> CapsRow | None:
    return None if row.storage is None and row.files is None else row


def secret_context(key_id: str) -> str:
    """What the wrapped secret of an application key belongs to."""
    return f"key:{key_id}"


def key_of_row(row: KeyRow, keyring: Keyring) -> ApplicationKey:
    """The application key of a catalog row, its secret unwrapped."""
    return ApplicationKey(
        key_id=row.key_id,
        account_id=row.account_id,
        name=row.name,
        secret=keyring.unwrap(row.wrapped_secret, secret_context(row.key_id)).decode(),
        capabilities=frozenset(json.loads(row.capabilities)),
        bucket_ids=None if row.bucket_ids is None else tuple(json.loads(row.bucket_ids)),
        name_prefix=row.name_prefix,
        expires_ms=row.expires_ms,
        created_ms=row.created_ms,
    )


async def bucket_of_row(rows: Rows, row: BucketRow) -> Bucket:
    """The bucket of a catalog row, with its documents."""
    documents = await buckets.documents(rows, row.bucket_id)
    return Bucket(
        **row._asdict(),
        info=json.loads(documents.get("info", "{}")),
        cors_rules=json.loads(documents.get("cors", "[]")),
        lifecycle_rules=json.loads(documents.get("lifecycle", "[]")),
        encryption=json.loads(documents.get("encryption", "null")),
        lock=_NO_LOCK if "lock" not in documents else _lock_decoder.decode(documents["lock"]),
        notification_rules=_notifications_decoder.decode(documents.get("notifications", "[]")),
        caps=None if "caps" not in documents else _caps_decoder.decode(documents["caps"]),
        replication=(
            NO_REPLICATION if "replication" not in documents else _replication_decoder.decode(documents["replication"])
        ),
        logging=None if "logging" not in documents else _logging_decoder.decode(documents["logging"]),
    )
