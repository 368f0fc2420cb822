"""All that a store holds, as a picture that can be compared, and the promises that must hold of it whatever happened before.

Two pictures are equal where a user could see no difference: ids, handles and secrets, which are random, are left out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from awscrt import checksums as crt
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harness.stores import START_MS, Bench, sha1
from undercroft import limits
from undercroft.blobs.sealing import unseal
from undercroft.catalog import accounts, deliveries, outbox, past_events, usage
from undercroft.catalog.contract import Row
from undercroft.store.files.encryption import context_of
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Account, Action, Bucket, FileVersion

_INVALIDATIONS = (
    "invalidations WHERE subject <> 'keyring:'"  # A change of the master key tells of itself, perhaps twice.
)
Picture = dict[str, Any]
OWNER, BUCKET = "owner@example.com", "bench-bucket"  # Of every bench.
PASSWORDS = ("another long password", "one more long password")  # Of the account that a path may make beside it.
# What is known of usage, caps and groups, without the ids of accounts and groups, and of whoever counted.
_ACCOUNTING = {
    "calls": "day, class, call, sum(transactions) FROM call_days GROUP BY account_id, day, class, call",
    "transfers": "day, sum(downloaded), sum(uploaded) FROM transfer_days GROUP BY account_id, day",
    "statuses": "day, class, call, status, sum(requests) FROM status_days GROUP BY account_id, day, class, call, status",
    "keys": "day, sum(downloaded), sum(class_c), sum(succeeded) FROM key_days GROUP BY account_id, day, key_id",
    "operations": "day, call, sum(transactions) FROM bucket_call_days GROUP BY account_id, day, bucket_id, class, call",
    "deleted keys": "name, day, 0 FROM deleted_keys",
    "storage": "day, hours, versions, bytes, byte_hours FROM storage_days",
    "caps": "storage, download, class_b, class_c FROM caps",
    "alerts": "category, percent, day, cap, used, at_ms, is_over FROM cap_alerts",
    "groups": "name, created_ms, (SELECT count(*) FROM group_members m WHERE m.group_id = g.group_id) FROM groups g",
}
_INLINE = os.urandom(3_000)
_BLOB = os.urandom(limits.INLINE_MAX_BYTES + 3_000)


async def picture_of(bench: Bench) -> Picture:
    """What the store holds, every byte of it read.

    Raises AssertionError where a promise is broken: a version that is not whole (P2), bytes other than the acknowledged
    ones (P3), an extent whose blob is missing (P4), a list that disagrees with the files, a counter that is wrong.
    """
    integrity = await _select(bench, "PRAGMA integrity_check")
    assert integrity == [("ok",)], integrity
    await _check_extents(bench)
    counts = "SELECT count(*) FROM "
    return {
        "accounts": [await _account_picture(bench, account) for account in await bench.store.identity.accounts.list()],
        "schema": await _select(bench, "SELECT schema_version, compatible FROM catalog_schema"),
        "tables": sorted(
            name for (name,) in await _select(bench, "SELECT name FROM sqlite_master WHERE type = 'table'")
        ),
        "accounting": {
            table: await _select(bench, f"SELECT {what} ORDER BY 1, 2, 3") for table, what in _ACCOUNTING.items()
        },
        "rows": {
            table: (await _select(bench, counts + table))[0][0]
            for table in ("keys", "signing_keys", "reclaims", "leases", _INVALIDATIONS, "bucket_documents")
        },
    }


async def check_that_it_goes_on(bench: Bench) -> None:
    """A new file, small and large, can be written, read and removed, and no orphan outlives a sweep (P4).

    Leaves the store as it was, but for the log of what changed. `bench` has a principal and a bucket.
    """
    written = [await bench.put("written after it", _INLINE), await bench.put("written after it", _BLOB)]
    assert [await bench.bytes_of(version) for version in written] == [_INLINE, _BLOB]
    assert "written after it" in await bench.names()
    for version in written:
        await bench.store.files.delete_version(
            bench.principal, bench.bucket, version.name, str(version.file_id), bypass_governance=True
        )
    bench.clock.ms += limits.RECLAIM_GRACE_S * 1000 + 1
    while await bench.store.work.reclaim.run():
        pass
    # The clock of a bench is ahead of the disk's, so that every orphan is old enough.
    assert bench.clock.ms >= START_MS
    await bench.store.work.reclaim.sweep()
    named = await _select(bench, "SELECT DISTINCT blob_id FROM extents WHERE blob_id IS NOT NULL")
    assert sorted(blob.blob_id for blob in bench.blobs.walk()) == sorted(blob_id for (blob_id,) in named)


async def _account_picture(bench: Bench, account: Account) -> Picture:
    picture: Picture = {"email": account.email, "suspended": account.suspended}
    if account.email != OWNER:
        picture["passwords"] = await _passwords(bench, account)
    if account.suspended:
        return picture  # Nobody may look any further.
    principal = await bench.store.identity.accounts.operator(account.email)
    keys, _ = await bench.store.identity.keys.list(principal, start_key_id=None, limit=1000)
    for key in keys:
        await bench.store.identity.authenticate_key(key.key_id, key.secret)  # Raises where the secret is another.
    buckets = await bench.store.buckets.list(principal)
    picture["keys"] = [(key.name, sorted(key.capabilities), key.name_prefix, key.expires_ms) for key in keys]
    picture["buckets"] = [await _bucket_picture(bench, principal, bucket) for bucket in buckets]
    return picture


async def _passwords(bench: Bench, account: Account) -> list[str]:
    row = await accounts.find(bench.catalog.rows, account.email)
    return [password for password in PASSWORDS if _opens(row.password_hash, password)]


def _opens(password_hash: str, password: str) -> bool:
    with suppress(VerifyMismatchError):
        return PasswordHasher().verify(password_hash, password)
    return False


async def _bucket_picture(bench: Bench, principal: Principal, bucket: Bucket) -> Picture:
    versions = await _versions(bench, principal, bucket)
    newest: dict[str, FileVersion] = {}
    for version in versions:
        if version.action is not Action.START:
            newest.setdefault(version.name, version)
    visible = [name for name, version in newest.items() if version.action is Action.UPLOAD]
    page = await bench.store.files.list_names(principal, bucket, limit=1000)
    assert [row.name for row in page.rows] == visible, "the list of names disagrees with the versions"
    for name in visible:
        current = await bench.store.files.current(principal, bucket, name)
        assert current.file_id == newest[name].file_id
    pictures = [await _version_picture(bench, principal, bucket, version) for version in versions]
    size_bytes = sum(picture["size"] + sum(part[1] for part in picture.get("parts", ())) for picture in pictures)
    counted = await bench.catalog.scan(lambda rows: usage.of_bucket(rows, bucket.bucket_id))
    file_bytes = sum(newest[name].size for name in visible)
    unfinished_bytes = sum(part[1] for picture in pictures for part in picture.get("parts", ()))
    assert counted == (len(versions), size_bytes, len(visible), file_bytes, unfinished_bytes), (
        "the counters disagree with the versions"
    )
    return {
        "settings": (bucket.name, bucket.type, bucket.revision, bucket.info, bucket.cors_rules, bucket.lifecycle_rules),
        "lock": msgspec.to_builtins(bucket.lock),
        "replication": await _replication_picture(bench, bucket, versions),
        "versions": pictures,
        "notifications": await _notifications_picture(bench, principal, bucket),
    }


async def _notifications_picture(bench: Bench, principal: Principal, bucket: Bucket) -> list[Any]:
    """Each rule with its secrets, what waits for it, what was delivered, and what can be sent again."""
    rules = await bench.store.notifications.rules(principal, bucket.bucket_id)
    kept = (await bench.store.buckets.find(bucket_id=bucket.bucket_id)).notification_rules
    picture = []
    for rule, rule_id in zip(rules, [one.rule_id for one in kept], strict=True):
        head = await outbox.head(bench.catalog.rows, bucket.bucket_id, rule_id, 1000)
        log = await deliveries.latest(bench.catalog.rows, bucket.bucket_id, rule_id, 1000)
        picture.append(
            [
                msgspec.to_builtins(rule),
                [(waits.sequence, *_in_short(waits.event)) for waits in head],
                [(entry.kind, entry.events, entry.attempt, entry.status, entry.error) for entry in log],
                [
                    (past.number, past.first_sequence, past.is_given_up, *_in_short(past.event))
                    for entry in log
                    for past in await past_events.of_entry(
                        bench.catalog.rows, bucket.bucket_id, rule_id, entry.number, 0, 1000
                    )
                ],
            ]
        )
    return picture


def _in_short(event: outbox.Event) -> tuple[Any, ...]:
    return event.event_type, event.name.decode(), event.size


async def _replication_picture(bench: Bench, bucket: Bucket, versions: Sequence[FileVersion]) -> list[Any]:
    """The rules, and what waits and failed under them, which must be what the versions themselves say."""
    reports = await bench.store.work.replication_reports.of_bucket(bucket)
    for status, table in (("PENDING", "replications"), ("FAILED", "replication_failures")):
        rows = await _select(bench, f"SELECT handle FROM {table} WHERE bucket_id = '{bucket.bucket_id}'")
        said = {
            one.file_id.handle
            for one in versions
            if one.replication_status is not None and one.replication_status.name == status
        }
        assert said == {handle for (handle,) in rows}, f"not what is {status} is in the table of it"
    return [(one.rule, one.is_enabled, one.is_walking, one.pending, one.failed) for one in reports]


async def _versions(bench: Bench, principal: Principal, bucket: Bucket) -> list[FileVersion]:
    page = await bench.store.files.list_versions(principal, bucket, limit=1000)
    assert not page.more
    return [row for row in page.rows if isinstance(row, FileVersion)]


async def _version_picture(bench: Bench, principal: Principal, bucket: Bucket, version: FileVersion) -> Picture:
    picture: Picture = {
        "name": version.name,
        "action": version.action.name,
        "size": version.size,
        "type": version.content_type,
        "etag": version.etag,
        "info": version.info,
        "uploaded_ms": version.uploaded_ms,
        "part_count": version.part_count,
        "is_latest": version.is_latest,
        "lock": [msgspec.to_builtins(version.retention), version.legal_hold],
        "replication": None if version.replication_status is None else version.replication_status.name,
        "encryption": msgspec.to_builtins(version.encryption),
    }
    if version.action is Action.UPLOAD:
        picture["sha1"] = sha1(await bench.bytes_of(version))
        assert version.content_sha1 in ("none", picture["sha1"]), "bytes differ from what was acknowledged"
    if version.action is Action.START:
        parts, _ = await bench.store.files.list_parts(principal, bucket, version, limit=1000)
        picture["parts"] = [(part.part_number, part.size, part.content_sha1) for part in parts]
    return picture


async def _check_extents(bench: Bench) -> None:
    """Every version and part has extents for all its bytes, nothing else has any, and every byte of them is sound."""
    owners = (
        "SELECT bucket_id, handle, size FROM versions WHERE action <> 3 UNION ALL SELECT p.bucket_id, p.handle, p.size"
    )
    owners += (
        " FROM parts p JOIN versions v ON v.bucket_id = p.bucket_id AND v.handle = p.large_handle WHERE v.action = 3"
    )
    sizes = {(bucket_id, handle): size for bucket_id, handle, size in await _select(bench, owners)}
    columns = "bucket_id, handle, start, length, blob_id, blob_offset, inline, inline_crc32c, wrapped_key"
    found: dict[tuple[Any, ...], int] = {}
    for bucket_id, handle, start, *place in await _select(bench, f"SELECT {columns} FROM extents ORDER BY 1, 2, 3"):
        reached = found.get((bucket_id, handle), 0)
        assert start == reached, "there is a gap between extents"
        found[bucket_id, handle] = reached + await _length_of_sound_extent(bench, place)
    assert found == {owner: size for owner, size in sizes.items() if size}, "extents and their owners disagree"


async def _length_of_sound_extent(bench: Bench, place: Sequence[Any]) -> int:
    length, blob_id, blob_offset, inline, inline_crc32c, wrapped = place
    key = None if wrapped is None else bench.keyring.unwrap(wrapped, context_of(blob_id))
    if blob_id is None:
        assert crt.crc32c(inline) == inline_crc32c
        assert len(inline if key is None else unseal(AESGCM(key), inline)) == length
        return length
    reader = await bench.blobs.open(blob_id, key)  # P4: raises where the blob is missing or unfinished.
    try:
        for offset in range(blob_offset, blob_offset + length, limits.BLOB_READ_MAX_BYTES):
            await reader.read(offset, min(limits.BLOB_READ_MAX_BYTES, blob_offset + length - offset))
    finally:
        reader.close()
    return length


async def _select(bench: Bench, sql: str) -> list[Row]:
    return await bench.catalog.scan(lambda rows: rows.all(sql))
