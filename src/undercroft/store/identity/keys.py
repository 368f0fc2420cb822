"""Application keys: making, listing and deleting them (b2_create_key, b2_list_keys, b2_delete_key)."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Sequence

from undercroft import limits
from undercroft.catalog import accounts, buckets, invalidations, key_days, key_uses, keys, members
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.keys import KeyRow
from undercroft.keyring import Keyring
from undercroft.store import ids, names
from undercroft.store.accounting.model import day_of
from undercroft.store.accounting.quotas import put_quotas, put_soft, quotas_in, soft_in
from undercroft.store.ambient import Ambient
from undercroft.store.directory import key_of_row, secret_context
from undercroft.store.errors import InvalidRequest, NoSuchBucket, NoSuchKey, OutOfRange
from undercroft.store.gate import Gate
from undercroft.store.identity.audit_words import of_key
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.deeds import Deeds
from undercroft.store.identity.principals import Principal
from undercroft.store.model import ApplicationKey, KeyUse
from undercroft.store.operations import ALL_CAPABILITIES, BUCKET_CAPABILITIES, Operation

SECRET_BYTES = 21  # 27 of the 28 base64 characters of this many bytes follow "K" and the cluster.


class Keys:
    """The application keys of all accounts."""

    def __init__(self, catalog: Catalog, gate: Gate, deeds: Deeds, keyring: Keyring, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._deeds = deeds
        self._keyring = keyring
        self._ambient = ambient

    async def create(
        self,
        principal: Principal,
        name: str,
        capabilities: Sequence[str],
        *,
        bucket_ids: Sequence[str] | None = None,
        name_prefix: str | None = None,
        valid_s: int | None = None,
    ) -> ApplicationKey:
        """Make a key in the principal's account; the only answer that has its secret.

        As B2 does, this lets a holder of writeKeys make keys that can do more than its own. Raises `InvalidRequest`,
        `OutOfRange` and `NoSuchBucket`.
        """
        async with self._deeds.of(principal, "Create key", name) as deed:
            authorize(principal, Operation.CREATE_KEY, None)
            names.check_key_name(name)
            _check_capabilities(capabilities, restricted=bucket_ids is not None)
            if valid_s is not None and not 1 <= valid_s <= limits.KEY_VALID_MAX_S:
                raise OutOfRange(f"validDurationInSeconds out of range: {valid_s}", "validDurationInSeconds")
            if name_prefix is not None and len(name_prefix.encode()) > limits.FILE_NAME_MAX_BYTES:
                raise InvalidRequest("namePrefix is too long.", "namePrefix")
            if bucket_ids is not None and not 1 <= len(bucket_ids) <= limits.BUCKETS_PER_KEY:
                raise InvalidRequest(f"bucketIds has 1 to {limits.BUCKETS_PER_KEY} entries.", "bucketIds")
            account_id = principal.account_id or ""
            now_ms = self._ambient.now_ms()
            secret = self.new_secret()

            async def change(tx: Transaction) -> ApplicationKey:
                await check_buckets(tx, account_id, bucket_ids)
                made = await self.insert(
                    tx,
                    await self.next_id(tx, account_id),
                    account_id,
                    name,
                    capabilities,
                    secret=secret,
                    now_ms=now_ms,
                    bucket_ids=bucket_ids,
                    name_prefix=name_prefix or None,
                    expires_ms=None if valid_s is None else now_ms + valid_s * 1000,
                )
                deed.target = f"{name} ({made.key_id})"
                await deed.done(tx, after=of_key(made, await _names_of_buckets(tx, made)))
                return made

            return await self._gate.commit(principal, Operation.CREATE_KEY, None, None, change)

    async def list(
        self, principal: Principal, *, start_key_id: str | None, limit: int, text: str = ""
    ) -> tuple[list[ApplicationKey], str | None]:
        """A page of the account's keys that have not expired, by id, without the master key; and the next page's start.

        With a text, of those alone that have it in their name, their id or the name of one of their buckets, in any letter case.
        """
        await self._gate.enter(principal, Operation.LIST_KEYS, None)
        account_id, start, now_ms = principal.account_id or "", start_key_id or "", self._ambient.now_ms()
        if text:
            found = await self._catalog.scan(
                lambda rows: keys.page_with(rows, account_id, text, start, now_ms, limit + 1)
            )
        else:
            found = await keys.page(self._catalog.rows, account_id, start, now_ms, limit + 1)
        following = found[limit].key_id if len(found) > limit else None
        return [self.key_of(row) for row in found[:limit]], following

    async def delete(self, principal: Principal, key_id: str) -> ApplicationKey:
        """Remove a key: it and its tokens stop working at once, on every worker. Raises `NoSuchKey`."""
        async with self._deeds.of(principal, "Delete key", key_id) as deed:
            now_ms = self._ambient.now_ms()

            async def change(tx: Transaction) -> ApplicationKey:
                row = await keys.find(tx, key_id)
                if row is None or ids.is_account_id(key_id) or not await _is_shown(tx, principal, row):
                    raise NoSuchKey(f"There is no application key {key_id}")
                await keys.delete(tx, key_id)
                await key_days.keep_name(tx, row.account_id, key_id, row.name, day_of(now_ms))
                await invalidations.add(tx, f"key:{key_id}", now_ms)
                gone = self.key_of(row)
                deed.target = f"{gone.name} ({key_id})"
                await deed.done(tx, before=of_key(gone, await _names_of_buckets(tx, gone)))
                return gone

            return await self._gate.commit(principal, Operation.DELETE_KEY, None, None, change)

    async def find(self, principal: Principal, key_id: str) -> ApplicationKey:
        """A key of the account that has not expired, or its master key. Raises `NoSuchKey`."""
        await self._gate.enter(principal, Operation.LIST_KEYS, None)
        return self.key_of(await self._own(self._catalog.rows, principal, key_id))

    async def last_uses(self, principal: Principal, found: Sequence[ApplicationKey]) -> dict[str, KeyUse]:
        """When those of these keys were last used that ever were, by key id; as far as workers have written it down."""
        await self._gate.enter(principal, Operation.LIST_KEYS, None)
        key_ids = {key.key_id for key in found}
        if not key_ids:
            return {}
        rows = await key_uses.of_keys(self._catalog.rows, principal.account_id or "", min(key_ids), max(key_ids))
        return {row.key_id: KeyUse(*row[1:]) for row in rows if row.key_id in key_ids}

    async def expiring(self, principal: Principal, within_ms: int) -> Sequence[ApplicationKey]:
        """The keys that expire within this time, the first first, at most `KEYS_EXPIRING_SHOWN_MAX`.

        Keys that were not made to live longer than that are left out: nobody needs to be told that they end.
        """
        await self._gate.enter(principal, Operation.LIST_KEYS, None)
        now_ms = self._ambient.now_ms()
        account_id, most = principal.account_id or "", limits.KEYS_EXPIRING_SHOWN_MAX
        found = await keys.ending(self._catalog.rows, account_id, now_ms, now_ms + within_ms, within_ms, most)
        return [self.key_of(row) for row in found]

    async def rotate(self, principal: Principal, key_id: str, *, retire_after_s: int | None = None) -> ApplicationKey:
        """Make a twin of a key, with the same rights, caps and as long a life; the only answer that has its secret.

        The old key goes on working beside it, so that its users can be moved over; with `retire_after_s` it expires then,
        unless it does so before. A master key has no twin. Raises `NoSuchKey` and `OutOfRange`.
        """
        authorize(principal, Operation.CREATE_KEY, None)
        if retire_after_s is not None:
            authorize(principal, Operation.DELETE_KEY, None)
            if not 1 <= retire_after_s <= limits.KEY_VALID_MAX_S:
                raise OutOfRange(f"A key is retired after 1 to {limits.KEY_VALID_MAX_S} seconds.", "retireAfter")
        now_ms = self._ambient.now_ms()
        secret = self.new_secret()

        async def change(tx: Transaction) -> ApplicationKey:
            row = await self._own(tx, principal, key_id)
            if ids.is_account_id(key_id):
                raise NoSuchKey("The master key has no twin; it can be generated anew.")
            if retire_after_s is not None:
                await keys.end_by(tx, key_id, now_ms + retire_after_s * 1000)
                await invalidations.add(tx, f"key:{key_id}", now_ms)
            old = self.key_of(row)
            twin_id = await self.next_id(tx, old.account_id)
            await put_quotas(tx, old.account_id, "key", twin_id, await quotas_in(tx, "key", key_id))
            await put_soft(tx, old.account_id, "key", twin_id, await soft_in(tx, "key", key_id))
            return await self.insert(
                tx,
                twin_id,
                old.account_id,
                old.name,
                old.capabilities,
                secret=secret,
                now_ms=now_ms,
                bucket_ids=old.bucket_ids,
                name_prefix=old.name_prefix,
                expires_ms=None if old.expires_ms is None else now_ms + old.expires_ms - old.created_ms,
            )

        return await self._gate.commit(principal, Operation.CREATE_KEY, None, None, change)

    async def regenerate_master(self, principal: Principal) -> ApplicationKey:
        """Give the account's master key another secret; the only answer that has it.

        The old secret, and every token that was got with it, stop working at once, on every worker. The principal must be
        able to make and to delete keys.
        """
        authorize(principal, Operation.DELETE_KEY, None)
        account_id = principal.account_id or ""
        now_ms = self._ambient.now_ms()
        secret = self.new_secret()

        async def change(tx: Transaction) -> ApplicationKey:
            row = await self._own(tx, principal, account_id)
            wrapped = self._keyring.wrap(secret.encode(), secret_context(account_id))
            await keys.renew(tx, account_id, wrapped, now_ms)
            await invalidations.add(tx, f"key:{account_id}", now_ms)
            return self.key_of(row._replace(wrapped_secret=wrapped, created_ms=now_ms))

        return await self._gate.commit(principal, Operation.CREATE_KEY, None, None, change)

    async def _own(self, rows: Rows, principal: Principal, key_id: str) -> KeyRow:
        row = await keys.find(rows, key_id)
        if row is None or _has_expired(row, self._ambient.now_ms()) or not await _is_shown(rows, principal, row):
            raise NoSuchKey(f"There is no application key {key_id}")
        return row

    # -- For the other parts of identity --------------------------------------------------------------------------------
    def new_secret(self) -> str:
        """A new application key: `K`, the cluster, and 27 characters that nobody can guess."""
        return f"K{ids.CLUSTER}{base64.b64encode(self._ambient.random_bytes(SECRET_BYTES)).decode()[:27]}"

    def draft(
        self, key_id: str, account_id: str, name: str, capabilities: Collection[str], *, now_ms: int
    ) -> ApplicationKey:
        """A key without restrictions, with a new secret, not stored yet."""
        return ApplicationKey(
            key_id, account_id, name, self.new_secret(), frozenset(capabilities), None, None, None, now_ms
        )

    async def next_id(self, tx: Transaction, account_id: str) -> str:
        """The id of the account's next key, which is given out once."""
        return ids.key_id(account_id, await accounts.take_key_counter(tx, account_id))

    async def insert(
        self,
        tx: Transaction,
        key_id: str,
        account_id: str,
        name: str,
        capabilities: Collection[str],
        *,
        secret: str,
        now_ms: int,
        bucket_ids: Sequence[str] | None = None,
        name_prefix: str | None = None,
        expires_ms: int | None = None,
    ) -> ApplicationKey:
        """Store a key under this id."""
        restricted_to = None if bucket_ids is None else tuple(bucket_ids)
        key = ApplicationKey(
            key_id, account_id, name, secret, frozenset(capabilities), restricted_to, name_prefix, expires_ms, now_ms
        )
        await keys.insert(tx, self.row_of(key))
        return key

    def row_of(self, key: ApplicationKey) -> KeyRow:
        """The catalog row of a key, its secret wrapped."""
        return KeyRow(
            key.key_id,
            key.account_id,
            key.name,
            self._keyring.wrap(key.secret.encode(), secret_context(key.key_id)),
            json.dumps(sorted(key.capabilities)),
            None if key.bucket_ids is None else json.dumps(key.bucket_ids),
            key.name_prefix,
            key.expires_ms,
            key.created_ms,
        )

    def key_of(self, row: KeyRow) -> ApplicationKey:
        """The key of a catalog row, its secret unwrapped."""
        return key_of_row(row, self._keyring)


async def check_buckets(rows: Rows, account_id: str, bucket_ids: Sequence[str] | None) -> None:
    """Return if all of these are buckets of the account. Raises `NoSuchBucket`."""
    for bucket_id in bucket_ids or ():
        bucket = await buckets.by_id(rows, bucket_id)
        if bucket is None or bucket.account_id != account_id:
            raise NoSuchBucket(bucket_id)


async def _names_of_buckets(rows: Rows, key: ApplicationKey) -> dict[str, str]:
    """The names of the buckets that a key is restricted to, by id, as far as there are such."""
    found = [await buckets.by_id(rows, bucket_id) for bucket_id in key.bucket_ids or ()]
    return {row.bucket_id: row.name for row in found if row is not None}


async def _is_shown(rows: Rows, principal: Principal, row: KeyRow) -> bool:
    """Whether the key is one of the account's own that lists have: those of members are changed with the membership alone."""
    return row.account_id == principal.account_id and not await members.has_key(rows, row.account_id, row.key_id)


def _has_expired(row: KeyRow, now_ms: int) -> bool:
    return row.expires_ms is not None and row.expires_ms <= now_ms


def _check_capabilities(capabilities: Sequence[str], *, restricted: bool) -> None:
    if not capabilities:
        raise InvalidRequest("capabilities must not be empty", "capabilities")
    for capability in capabilities:
        if capability not in ALL_CAPABILITIES:
            raise InvalidRequest(f"{capability!r} is not a capability", "capabilities")
        if restricted and capability not in BUCKET_CAPABILITIES:
            raise InvalidRequest(f"{capability} is not allowed for a key restricted to buckets", "capabilities")
