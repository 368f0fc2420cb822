"""Every way in which the store writes: what it needs, and one operation. `path_bench` tries them, and says what must hold."""

from __future__ import annotations

import random
from unittest.mock import patch

from harness import notifications
from harness.path_bench import BLOB_MAX_BYTES, Phase, WritePath, nothing
from harness.promises import OWNER, PASSWORDS
from harness.replication import Pair, pair_of, rule, set_rules
from harness.stores import Bench, Bytes, md5, sha1
from undercroft import limits
from undercroft.catalog import accounting
from undercroft.catalog.accounting import CallRow, TransferRow
from undercroft.store.accounting.model import DAY_MS
from undercroft.store.buckets.lock import LockChange
from undercroft.store.buckets.notification_rules import Header, Target
from undercroft.store.dialect import NATIVE
from undercroft.store.model import SSE_B2, ByteRange, DefaultRetention, FileVersion, NewFile, Retention

_dice = random.Random(11)
INLINE = _dice.randbytes(9_000)
BLOB = _dice.randbytes(200_000)
BLOBS = _dice.randbytes(BLOB_MAX_BYTES + 100_000)  # Two blobs.
LONG_PART = _dice.randbytes(limits.NATIVE_PART_MIN_BYTES)
OTHER = "other@example.com"
LARGE = "large"


# -- Uploads ----------------------------------------------------------------------------------------------------------
async def upload_inline(bench: Bench) -> FileVersion:
    return await bench.put("kept", INLINE, new=NewFile("text/plain", {"colour": "blue"}))


async def upload_blob(bench: Bench) -> FileVersion:
    return await bench.put("kept", BLOB)


async def upload_blobs(bench: Bench) -> FileVersion:
    return await bench.put("new", BLOBS)


async def upload_sealed_inline(bench: Bench) -> FileVersion:
    return await bench.put("kept", INLINE, new=NewFile("text/plain", encryption=SSE_B2))


async def upload_sealed_blobs(bench: Bench) -> FileVersion:
    return await bench.put("sealed", BLOBS, new=NewFile("text/plain", encryption=SSE_B2))


async def copy_and_seal(bench: Bench) -> FileVersion:
    """The bytes are stored again, since they are not encrypted yet."""
    source = await bench.store.files.current(bench.principal, bench.bucket, "kept-blob")
    new = NewFile("text/plain", encryption=SSE_B2)
    return await bench.store.files.copy(bench.principal, source, bench.bucket, "sealed", new)


async def sealed_files(bench: Bench) -> None:
    await upload_sealed_inline(bench)
    await upload_sealed_blobs(bench)
    await issue_token(bench)


async def rotate(bench: Bench) -> None:
    await bench.store.work.rotation.run()


async def hide(bench: Bench) -> FileVersion:
    return await bench.store.files.hide(bench.principal, bench.bucket, "kept-blob", NATIVE)


# -- Large files ------------------------------------------------------------------------------------------------------
async def start(bench: Bench) -> FileVersion:
    new = NewFile("text/plain", checksum_algorithm="crc32c")
    return await bench.store.files.start_large_file(bench.principal, bench.bucket, LARGE, new)


async def large(bench: Bench) -> FileVersion:
    """The unfinished large file that was started."""
    found, _ = await bench.store.files.list_unfinished(bench.principal, bench.bucket, limit=2)
    return found[0]


async def put_part(bench: Bench, number: int, data: bytes) -> None:
    await bench.store.files.upload_part(bench.principal, bench.bucket, await large(bench), number, Bytes(data))


async def started_with_parts(bench: Bench) -> None:
    await start(bench)
    await put_part(bench, 1, LONG_PART)
    await put_part(bench, 2, INLINE)
    await put_part(bench, 3, BLOB)


async def started_with_short_parts(bench: Bench) -> None:
    await start(bench)
    await put_part(bench, 1, INLINE)
    await put_part(bench, 2, BLOB)


async def upload_part(bench: Bench) -> None:
    await put_part(bench, 2, BLOB[::-1])


async def copy_part(bench: Bench) -> None:
    source = await bench.store.files.current(bench.principal, bench.bucket, "kept-blob")
    part_range = ByteRange(1_000, 150_000)
    await bench.store.files.copy_part(
        bench.principal, bench.bucket, await large(bench), 1, source, byte_range=part_range
    )


async def finish_native(bench: Bench) -> None:
    """Of two parts; the third, which is not listed, goes."""
    sha1s = [sha1(LONG_PART), sha1(INLINE)]
    await bench.store.files.finish_native(bench.principal, bench.bucket, await large(bench), sha1s)


async def finish_s3(bench: Bench) -> None:
    """Of the last part alone; the first goes."""
    await bench.store.files.finish_s3(bench.principal, bench.bucket, await large(bench), [(2, md5(BLOB))])


async def cancel(bench: Bench) -> None:
    await bench.store.files.cancel(bench.principal, bench.bucket, await large(bench))


# -- Copies and removals ----------------------------------------------------------------------------------------------
async def copy_whole(bench: Bench) -> None:
    source = await bench.store.files.current(bench.principal, bench.bucket, "kept-blob")
    await bench.store.files.copy(bench.principal, source, bench.bucket, "kept")


async def copy_range(bench: Bench) -> None:
    source = await bench.store.files.current(bench.principal, bench.bucket, "kept-blob")
    await bench.store.files.copy(
        bench.principal, source, bench.bucket, "part of it", byte_range=ByteRange(70_000, 190_000)
    )


async def delete(bench: Bench) -> None:
    """Removes the newest version, whatever it is."""
    page = await bench.store.files.list_versions(bench.principal, bench.bucket, start="kept", limit=1)
    newest = page.rows[0]
    assert isinstance(newest, FileVersion)
    await bench.store.files.delete_version(bench.principal, bench.bucket, newest.name, str(newest.file_id))


async def hide_kept(bench: Bench) -> None:
    await bench.store.files.hide(bench.principal, bench.bucket, "kept", NATIVE)


async def deleted_and_due(bench: Bench) -> None:
    """Two blobs to be given back, and one that a copy still names."""
    await bench.put("kept", BLOBS)
    await bench.store.files.copy(
        bench.principal, await bench.put("copied", BLOB), bench.bucket, "a copy", byte_range=ByteRange(0, 99_999)
    )
    for name in ("kept", "copied"):
        version = await bench.store.files.current(bench.principal, bench.bucket, name)
        await bench.store.files.delete_version(bench.principal, bench.bucket, name, str(version.file_id))


async def reclaim(bench: Bench) -> None:
    bench.clock.ms += limits.RECLAIM_GRACE_S * 1000 + 1
    await bench.store.work.reclaim.run()


async def orphaned(bench: Bench) -> None:
    for _ in range(2):
        writer = await bench.blobs.create()
        await writer.write(BLOB)
        await writer.finish()


async def sweep(bench: Bench) -> None:
    await bench.store.work.reclaim.sweep()


# -- Object Lock ------------------------------------------------------------------------------------------------------
async def lock_bucket(bench: Bench) -> None:
    change = LockChange(enabled=True, default_retention=DefaultRetention("governance", 7, "days"))
    await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, lock=change)


async def upload_locked(bench: Bench) -> FileVersion:
    """The bucket's default retention is in the same row as the version."""
    return await bench.put("locked", INLINE)


async def locked_file(bench: Bench) -> FileVersion:
    await lock_bucket(bench)
    return await upload_locked(bench)


async def extend_retention(bench: Bench) -> None:
    bucket = await bench.store.buckets.find(name=bench.bucket.name)
    file = await bench.store.files.current(bench.principal, bucket, "locked")
    longer = Retention("governance", 4_102_444_800_123)
    await bench.store.files.update_retention(bench.principal, bucket, file.name, str(file.file_id), longer)


async def hold(bench: Bench) -> None:
    bucket = await bench.store.buckets.find(name=bench.bucket.name)
    file = await bench.store.files.current(bench.principal, bucket, "locked")
    await bench.store.files.update_legal_hold(bench.principal, bucket, file.name, str(file.file_id), on=True)


# -- Event notifications ----------------------------------------------------------------------------------------------
async def set_notification_rules(bench: Bench) -> None:
    target = Target(notifications.URL, (Header("Authorization", "Bearer x"),), notifications.SECRET)
    await notifications.set_rules(bench, notifications.rule(target=target))


async def heard_of(bench: Bench) -> None:
    """A file under a rule, and its event, which waits."""
    await set_notification_rules(bench)
    await upload_inline(bench)


async def deliver(bench: Bench) -> None:
    with patch.object(bench.store.work.deliveries, "_visit", notifications.Inbox()):
        await notifications.deliver(bench)


async def fail_to_deliver(bench: Bench) -> None:
    """A bench has no way out."""
    await notifications.deliver(bench)


async def drop_events(bench: Bench) -> None:
    bench.clock.ms += limits.EVENT_KEPT_S * 1000 + 10_000
    await bench.store.work.deliveries.prune()


async def given_up(bench: Bench) -> None:
    await heard_of(bench)
    await drop_events(bench)


async def send_again(bench: Bench) -> None:
    bucket = await bench.store.buckets.find(name=bench.bucket.name)
    await bench.store.past_events.send_again(bench.principal, bucket, bucket.notification_rules[0].name)


# -- Replication ------------------------------------------------------------------------------------------------------
async def replicated(bench: Bench, *, existing: bool = False) -> Pair:
    """A rule for all files of the bench's bucket, to a bucket with Object Lock."""
    pair = await pair_of(bench, locked=True)
    await set_rules(bench, pair, rule(pair.destination, include_existing_files=existing))
    bench.bucket = await bench.store.buckets.find(name=bench.bucket.name)
    return pair


async def with_existing_files(bench: Bench) -> None:
    await replicated(bench, existing=True)


async def waiting(bench: Bench) -> None:
    """Files of every kind wait to be replicated."""
    await lock_bucket(bench)
    await replicated(bench)
    await bench.put("of-blobs", BLOBS)
    await upload_locked(bench)
    await started_with_short_parts(bench)
    await finish_s3(bench)
    await hide(bench)


async def take_a_step(bench: Bench) -> None:
    """One transaction of the steward's work: looking for existing files, or making replicas."""
    with patch.object(limits, "REPLICATION_TURN_STEPS", 1):
        assert await bench.store.work.replication.run()


async def refused(bench: Bench) -> None:
    """Files wait whose destination is gone, and have done so for long."""
    bench.clock.ms -= limits.REPLICATION_REFUSED_MAX_S * 1000
    pair = await replicated(bench)
    await bench.put("waits", INLINE)
    await bench.store.buckets.delete(bench.principal, pair.destination.bucket_id)
    await bench.store.work.replication.run()
    bench.clock.ms += limits.REPLICATION_REFUSED_MAX_S * 1000


async def failed(bench: Bench) -> None:
    await refused(bench)
    await fail(bench)


async def fail(bench: Bench) -> None:
    with patch.object(limits, "REPLICATION_TURN_STEPS", 1):
        await bench.store.work.replication.run()


async def retry(bench: Bench) -> None:
    assert await bench.store.work.replication_reports.retry(bench.bucket)


async def delete_waiting(bench: Bench) -> None:
    """Removes a version that waits."""
    file = await bench.store.files.current(bench.principal, bench.bucket, "kept")
    await bench.store.files.delete_version(bench.principal, bench.bucket, file.name, str(file.file_id))


async def replicated_with_upload(bench: Bench) -> None:
    await replicated(bench)
    await upload_inline(bench)


# -- Keys, buckets and accounts ---------------------------------------------------------------------------------------
async def create_key(bench: Bench) -> None:
    capabilities = ["listFiles", "readFiles"]
    await bench.store.identity.keys.create(bench.principal, "a-key", capabilities, name_prefix="in/", valid_s=9_000)


async def delete_key(bench: Bench) -> None:
    keys, _ = await bench.store.identity.keys.list(bench.principal, start_key_id=None, limit=10)
    [key] = [key for key in keys if key.name == "a-key"]
    await bench.store.identity.keys.delete(bench.principal, key.key_id)


async def create_bucket(bench: Bench) -> None:
    rules = [{"corsRuleName": "rule-1", "allowedOrigins": ["*"], "allowedOperations": ["s3_get"], "maxAgeSeconds": 0}]
    await bench.store.buckets.create(bench.principal, "second-bucket", "allPublic", info={"a": "b"}, cors_rules=rules)


async def update_bucket(bench: Bench) -> None:
    bucket_id, info = bench.bucket.bucket_id, {"shade": "dark"}
    await bench.store.buckets.update(bench.principal, bucket_id, bucket_type="allPublic", info=info)


async def delete_bucket(bench: Bench) -> None:
    second = await bench.store.buckets.find(name="second-bucket")
    await bench.store.buckets.delete(bench.principal, second.bucket_id)


async def create_account(bench: Bench) -> None:
    await bench.store.identity.accounts.create(OTHER, PASSWORDS[0])


async def create_first_account(bench: Bench) -> None:
    await bench.store.identity.accounts.create(OWNER, PASSWORDS[0])


async def suspend(bench: Bench) -> None:
    await bench.store.identity.accounts.set_suspended(OTHER, suspended=True)


async def reset_password(bench: Bench) -> None:
    await bench.store.identity.accounts.reset_password(OTHER, PASSWORDS[1])


async def delete_account(bench: Bench) -> None:
    await bench.store.identity.accounts.delete(OTHER)


async def issue_token(bench: Bench) -> None:
    """The first one: it makes the key that signs it."""
    await bench.store.identity.account_token(bench.principal)


# -- Accounting and groups --------------------------------------------------------------------------------------------
async def write_counts(bench: Bench) -> None:
    account_id = bench.bucket.account_id
    counted = bench.store.accounting.charge(account_id, "b2_list_buckets", "C", 3, bench.bucket.bucket_id)
    bench.store.accounting.answered(counted, 200)
    bench.store.accounting.meter.downloads(account_id, 4711)
    await bench.store.accounting.flush()


async def counted_yesterday(bench: Bench) -> None:
    """By two workers, and not folded yet."""
    account_id, yesterday = bench.bucket.account_id, bench.clock.ms // DAY_MS - 1
    for slot in (3, 4):
        calls = [CallRow(account_id, yesterday, "C", "b2_list_buckets", 5)]
        transfers = [TransferRow(account_id, yesterday, 100, 10)]
        await bench.catalog.write(lambda tx, slot=slot, calls=calls: accounting.CALLS.add(tx, slot, calls))
        await bench.catalog.write(
            lambda tx, slot=slot, transfers=transfers: accounting.TRANSFERS.add(tx, slot, transfers)
        )


async def set_caps(bench: Bench) -> None:
    await bench.store.accounting.caps.change(bench.bucket.account_id, {"storage": limits.CAP_MAX, "class_c": 0})


async def started_under_a_cap(bench: Bench) -> None:
    await started_with_short_parts(bench)
    await bench.store.accounting.caps.change(bench.bucket.account_id, {"storage": limits.CAP_MAX})


async def look_at_caps(bench: Bench) -> None:
    await bench.store.accounting.alerts.look()


async def work_on_usage(bench: Bench) -> None:
    await bench.store.work.usage.run()


async def create_group(bench: Bench) -> None:
    await bench.store.identity.groups.create(bench.bucket.account_id, "customers")


async def create_member(bench: Bench) -> None:
    [(group, _)] = await bench.store.identity.groups.every()
    await bench.store.identity.groups.create_member(bench.principal, group.group_id, OTHER)


async def group_with_member(bench: Bench) -> None:
    await create_group(bench)
    await create_member(bench)


async def eject_member(bench: Bench) -> None:
    [(group, _)] = await bench.store.identity.groups.every()
    account = await bench.store.identity.accounts.find(OTHER)
    await bench.store.identity.groups.eject_member(bench.principal, group.group_id, account.account_id)


# -- Background -------------------------------------------------------------------------------------------------------
async def take_lease(bench: Bench) -> None:
    assert await bench.store.work.leases.take("sweep", 30)


async def prune(bench: Bench) -> None:
    bench.clock.ms += 2 * 24 * 3600 * 1000
    await bench.store.work.prune_invalidations()


async def changed(bench: Bench) -> None:
    await update_bucket(bench)
    await update_bucket(bench)


WRITE_PATHS = (
    WritePath("upload inline", upload_inline),
    WritePath("upload blob", upload_blob),
    WritePath("upload of two blobs", upload_blobs),
    WritePath("encrypted upload inline", upload_sealed_inline),
    WritePath("encrypted upload of two blobs", upload_sealed_blobs),
    WritePath("copy that encrypts", copy_and_seal),
    WritePath("change of the master key", rotate, sealed_files, may_stop_midway=True, writes_keys=True),
    WritePath("upload with a checkpoint", upload_inline, checkpoints=(1, 32_000)),
    WritePath("upload with a checkpoint that cuts the log", upload_inline, checkpoints=(1, 1)),
    WritePath("upload, then close", upload_inline, phase=Phase.CLOSING),
    WritePath("start large file", start),
    WritePath("part", upload_part, start),
    WritePath("part in place of another", upload_part, started_with_short_parts),
    WritePath("copy part", copy_part, started_with_short_parts),
    WritePath("finish native", finish_native, started_with_parts),
    WritePath("finish S3", finish_s3, started_with_short_parts),
    WritePath("cancel large file", cancel, started_with_short_parts),
    WritePath("copy whole", copy_whole),
    WritePath("copy range", copy_range),
    WritePath("hide", hide),
    WritePath("delete version", delete, upload_blob),
    WritePath("delete hide marker", delete, hide_kept),
    WritePath("reclaim", reclaim, deleted_and_due, may_stop_midway=True),
    WritePath("sweep", sweep, orphaned),
    WritePath("lock bucket", lock_bucket),
    WritePath("upload under a default retention", upload_locked, lock_bucket),
    WritePath("extend retention", extend_retention, locked_file),
    WritePath("legal hold", hold, locked_file),
    WritePath("set notification rules", set_notification_rules, heard_of),
    WritePath("upload under a notification rule", upload_inline, set_notification_rules),
    WritePath("delete version under a notification rule", delete, heard_of),
    WritePath("deliver an event", deliver, heard_of),
    WritePath("fail to deliver an event", fail_to_deliver, heard_of),
    WritePath("drop events", drop_events, heard_of),
    WritePath("send events again", send_again, given_up),
    WritePath("upload under a replication rule", upload_blob, replicated),
    WritePath("delete a version that waits", delete_waiting, replicated_with_upload),
    WritePath("look for existing files", take_a_step, with_existing_files),
    WritePath("replicate", take_a_step, waiting),
    WritePath("fail what is refused", fail, refused),
    WritePath("retry what failed", retry, failed),
    WritePath("create key", create_key),
    WritePath("delete key", delete_key, create_key),
    WritePath("create bucket", create_bucket),
    WritePath("update bucket", update_bucket),
    WritePath("delete bucket", delete_bucket, create_bucket),
    WritePath("create first account", create_first_account, is_new=True),
    WritePath("create account", create_account),
    WritePath("suspend account", suspend, create_account),
    WritePath("reset password", reset_password, create_account),
    WritePath("delete account", delete_account, create_account),
    WritePath("issue first token", issue_token),
    WritePath("write counts", write_counts),
    WritePath("set caps", set_caps),
    WritePath("part under a cap", upload_part, started_under_a_cap),
    WritePath("raise alerts", look_at_caps, set_caps),
    WritePath("work on usage", work_on_usage, counted_yesterday, may_stop_midway=True),
    WritePath("create member", create_member, create_group),
    WritePath("eject member", eject_member, group_with_member),
    WritePath("take lease", take_lease),
    WritePath("prune invalidations", prune, changed),
    WritePath("open an empty directory", nothing, phase=Phase.OPENING, is_new=True),
    WritePath("open with a newer schema", nothing, phase=Phase.OPENING, is_newer=True),
    WritePath("open what is there", nothing, phase=Phase.OPENING),
)
