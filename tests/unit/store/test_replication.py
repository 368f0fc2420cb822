"""Replication within one installation: what is replicated, and what it is made to."""

from __future__ import annotations

import os
from unittest import mock

import msgspec
import pytest

from harness.asynchronous import asynchronous
from harness.replication import (
    accept,
    failures,
    listed,
    new_bucket,
    pair_of,
    picture,
    queue_of,
    replicated,
    rule,
    run,
    set_rules,
    statuses,
)
from harness.stores import START_MS, Bytes, md5, open_bench, sha1
from undercroft import limits
from undercroft.catalog import replications, usage
from undercroft.store import errors
from undercroft.store.buckets.lock import LockChange
from undercroft.store.dialect import S3
from undercroft.store.model import Action, DefaultRetention, NewFile, Retention

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


async def hide(bench, name):
    return await bench.store.files.hide(bench.principal, bench.bucket, name, S3)


async def put_large(bench, name, *parts, new=None):
    files = bench.store.files
    large = await files.start_large_file(bench.principal, bench.bucket, name, new or NewFile("a/b"))
    for number, part in enumerate(parts, 1):
        await files.upload_part(bench.principal, bench.bucket, large, number, Bytes(part))
    return await files.finish_s3(
        bench.principal, bench.bucket, large, [(number, md5(part)) for number, part in enumerate(parts, 1)]
    )


# -- What a replica is ------------------------------------------------------------------------------------------------
@asynchronous
async def test_everything_that_callers_make_is_replicated_as_it_is(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        files, principal = bench.store.files, bench.principal
        await bench.put("inline", b"small", new=NewFile("a/b", {"colour": "blue"}))
        blob = await bench.put("blob", os.urandom(200_000))
        await bench.put("dated", b"old", new=NewFile("a/b", uploaded_ms=START_MS - 5000 * DAY_MS))
        await bench.put("unverified", b"x", new=NewFile("a/b", sha1_unverified=True))
        await bench.put("empty", b"")
        await files.copy(principal, blob, bench.bucket, "copy")
        await put_large(bench, "large", os.urandom(limits.S3_PART_MIN_BYTES), b"tail")
        bench.clock.ms += 1000
        await bench.put("blob", b"newer")
        await hide(bench, "inline")
        await run(bench)
        assert await picture(bench, pair.destination) == await picture(bench, pair.source)
        assert {status for _, status in await statuses(bench, pair.source)} == {"COMPLETED"}
        assert {status for _, status in await statuses(bench, pair.destination)} == {"REPLICA"}


@asynchronous
async def test_a_replica_shares_the_bytes_and_keeps_them_when_its_source_goes(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        data = os.urandom(300_000)
        version = await bench.put("a", data)
        blobs = bench.blob_count()
        await run(bench)
        assert bench.blob_count() == blobs
        await bench.store.files.delete_version(bench.principal, bench.bucket, "a", str(version.file_id))
        bench.clock.ms += limits.RECLAIM_GRACE_S * 1000
        await bench.store.work.reclaim.run()
        [replica] = await listed(bench, pair.destination)
        assert await bench.bytes_of(replica) == data


@asynchronous
async def test_a_replica_counts_in_its_bucket(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        await bench.put("a", b"12345")
        await hide(bench, "a")
        await run(bench)
        assert (await usage.of_bucket(bench.catalog.rows, pair.destination.bucket_id))[:2] == (2, 5)


@asynchronous
async def test_replicas_of_one_time_keep_their_order_whatever_the_order_of_their_coming(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await pair_of(bench)
        for number in range(5):
            await bench.put("a", b"%d" % number)  # The clock stands still.
        await set_rules(bench, pair, rule(pair.destination, include_existing_files=True))
        for number in range(5, 8):
            await bench.put("a", b"%d" % number)
        await hide(bench, "a")
        await run(bench)
        assert await picture(bench, pair.destination) == await picture(bench, pair.source)
        with pytest.raises(errors.NoSuchFile):
            await bench.store.files.current(bench.principal, pair.destination, "a")


@asynchronous
async def test_existing_versions_of_one_time_keep_their_order_beside_the_replica_of_one_that_is_gone(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        gone = await bench.put("a", b"0")  # The clock stands still, and its sequence is given again.
        await run(bench)
        await bench.store.files.delete_version(bench.principal, bench.bucket, "a", str(gone.file_id))
        await set_rules(bench, pair, rule(pair.destination, is_enabled=False))
        for data in (b"1", b"2"):
            await bench.put("a", data)
        await set_rules(bench, pair, rule(pair.destination, include_existing_files=True))
        await run(bench)
        there = [await bench.bytes_of(one) for one in await listed(bench, pair.destination)]
        assert there == [b"2", b"1", b"0"]


@asynchronous
async def test_a_replica_older_than_a_file_of_the_destination_does_not_hide_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        await bench.put("a", b"replicated")
        bench.clock.ms += 1000
        await bench.store.files.upload(bench.principal, pair.destination, "a", NewFile("a/b"), Bytes(b"of its own"))
        await run(bench)
        current = await bench.store.files.current(bench.principal, pair.destination, "a")
        assert await bench.bytes_of(current) == b"of its own"
        assert len(await listed(bench, pair.destination)) == 2


# -- What is replicated -----------------------------------------------------------------------------------------------
@asynchronous
async def test_only_names_under_the_prefix_are_pending_and_replicated(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await pair_of(bench)
        await set_rules(bench, pair, rule(pair.destination, file_name_prefix="in/"))
        await bench.put("in/a")
        await bench.put("out/a")
        await bench.put("in")
        assert await statuses(bench, pair.source) == [("in", None), ("in/a", "PENDING"), ("out/a", None)]
        await run(bench)
        assert await statuses(bench, pair.destination) == [("in/a", "REPLICA")]


@asynchronous
async def test_buckets_that_replicate_to_each_other_come_to_rest(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        back = pair._replace(source=pair.destination, destination=pair.source)
        await accept(bench, pair.source, {pair.reader_id: pair.writer_id})
        await set_rules(bench, back, rule(pair.source, include_existing_files=True))
        await bench.put("a")
        await run(bench)
        await bench.store.files.upload(bench.principal, pair.destination, "b", NewFile("a/b"), Bytes(b"b"))
        await set_rules(bench, back, rule(pair.source, include_existing_files=True, priority=7))
        await run(bench)
        assert await statuses(bench, pair.source) == [("a", "COMPLETED"), ("b", "REPLICA")]
        assert await statuses(bench, pair.destination) == [("a", "REPLICA"), ("b", "COMPLETED")]


@asynchronous
async def test_replicas_go_no_further(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        third = await new_bucket(bench, "third-bucket")
        await accept(bench, third, {pair.reader_id: pair.writer_id})
        further = pair._replace(source=pair.destination, destination=third)
        await bench.put("before")
        await hide(bench, "before")
        await run(bench)
        await set_rules(bench, further, rule(third, include_existing_files=True))
        await bench.put("after")
        await hide(bench, "after")
        await run(bench)
        assert {status for _, status in await statuses(bench, pair.destination)} == {"REPLICA"}
        assert await statuses(bench, third) == []


@asynchronous
async def test_a_hide_marker_of_a_lifecycle_rule_is_not_replicated(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        await bench.put("a")
        await run(bench)
        bucket = await bench.store.buckets.update(
            bench.principal,
            bench.bucket.bucket_id,
            lifecycle_rules=[{"fileNamePrefix": "", "daysFromUploadingToHiding": 1}],
        )
        bench.clock.ms += 2 * DAY_MS
        assert (await bench.store.work.lifecycle.apply(bucket, dry_run=False)).hidden == 1
        await run(bench)
        assert [one.action for one in await listed(bench, pair.source)] == [Action.HIDE, Action.UPLOAD]
        assert [one.action for one in await listed(bench, pair.destination)] == [Action.UPLOAD]


@asynchronous
async def test_a_file_goes_to_every_destination_once_under_the_rule_of_the_highest_priority(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await pair_of(bench)
        other = await new_bucket(bench, "other-destination")
        await accept(bench, other, {pair.reader_id: pair.writer_id})
        await set_rules(
            bench,
            pair,
            rule(pair.destination, "low", priority=1),
            rule(pair.destination, "high", priority=3, file_name_prefix="in/"),
            rule(other, "other", priority=2),
        )
        await bench.put("in/a")
        assert (await queue_of(bench, pair.source, "low")) is None
        assert (await queue_of(bench, pair.source, "high")).last_sequence == 1
        await run(bench)
        for bucket in (pair.destination, other):
            assert await statuses(bench, bucket) == [("in/a", "REPLICA")]
        assert await statuses(bench, pair.source) == [("in/a", "COMPLETED")]


@asynchronous
async def test_a_version_that_is_deleted_before_its_turn_is_not_replicated(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        version = await bench.put("a")
        await bench.put("b")
        await bench.store.files.delete_version(bench.principal, bench.bucket, "a", str(version.file_id))
        await run(bench)
        assert await statuses(bench, pair.destination) == [("b", "REPLICA")]


@asynchronous
async def test_a_deleted_source_leaves_its_replica_and_a_deleted_replica_stays_deleted(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        a, _ = await bench.put("a"), await bench.put("b")
        await run(bench)
        await bench.store.files.delete_version(bench.principal, bench.bucket, "a", str(a.file_id))
        replica = (await listed(bench, pair.destination))[1]
        await bench.store.files.delete_version(bench.principal, pair.destination, "b", str(replica.file_id))
        await run(bench)
        assert await statuses(bench, pair.destination) == [("a", "REPLICA")]
        assert await statuses(bench, pair.source) == [("b", "COMPLETED")]


# -- Existing files ---------------------------------------------------------------------------------------------------
@asynchronous
@mock.patch.object(limits, "REPLICATION_WALK_PAGE", 3)
async def test_existing_files_are_replicated_where_the_rule_asks_for_them_page_by_page(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await pair_of(bench)
        for number in range(8):
            await bench.put(f"in/{number % 5}")
        await bench.put("out")
        await set_rules(bench, pair, rule(pair.destination, file_name_prefix="in/", include_existing_files=True))
        await run(bench)
        assert await picture(bench, pair.destination) == (await picture(bench, pair.source))[:-1]
        assert ("out", None) in await statuses(bench, pair.source)


@asynchronous
async def test_existing_files_stay_where_the_rule_does_not_ask_for_them(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await pair_of(bench)
        await bench.put("a")
        await set_rules(bench, pair, rule(pair.destination))
        await run(bench)
        assert await statuses(bench, pair.source) == [("a", None)]
        assert await statuses(bench, pair.destination) == []


@asynchronous
async def test_looking_for_existing_files_again_makes_no_second_replica(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await pair_of(bench)
        await bench.put("a")
        for priority in (1, 2, 3):
            await set_rules(bench, pair, rule(pair.destination, include_existing_files=True, priority=priority))
            await run(bench)
        assert await statuses(bench, pair.destination) == [("a", "REPLICA")]


# -- Rules that change ------------------------------------------------------------------------------------------------
@asynchronous
async def test_a_paused_rule_marks_nothing_and_what_waited_goes_on_when_it_does(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        await bench.put("before")
        await set_rules(bench, pair, rule(pair.destination, is_enabled=False))
        await bench.put("meanwhile")
        await run(bench)
        assert await statuses(bench, pair.source) == [("before", "PENDING"), ("meanwhile", None)]
        assert await statuses(bench, pair.destination) == []
        await set_rules(bench, pair, rule(pair.destination))
        await run(bench)
        assert await statuses(bench, pair.destination) == [("before", "REPLICA")]


@asynchronous
async def test_what_waits_for_a_rule_that_is_deleted_waits_no_more(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        await bench.put("a")
        await set_rules(bench, pair)
        await run(bench)
        assert await statuses(bench, pair.source) == [("a", None)]
        assert await queue_of(bench, pair.source) is None


@asynchronous
async def test_what_waits_for_a_rule_that_is_deleted_goes_to_another_that_covers_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        await bench.put("a")
        await set_rules(bench, pair, rule(pair.destination, "rule-2"))
        await run(bench)
        assert await statuses(bench, pair.destination) == [("a", "REPLICA")]


@asynchronous
async def test_what_waits_outside_of_a_changed_prefix_is_let_go(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        await bench.put("a")
        await bench.put("b")
        await set_rules(bench, pair, rule(pair.destination, file_name_prefix="b"))
        await run(bench)
        assert await statuses(bench, pair.source) == [("a", None), ("b", "COMPLETED")]


@asynchronous
async def test_a_bucket_whose_versions_waited_can_be_emptied_and_deleted(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        version = await bench.put("a")
        await bench.store.files.delete_version(bench.principal, bench.bucket, "a", str(version.file_id))
        assert await replications.count(bench.catalog.rows, pair.source.bucket_id, "rule-1") == (0, None, 0)
        await bench.store.buckets.delete(bench.principal, pair.source.bucket_id)
        assert await queue_of(bench, pair.source) is None
        await run(bench)


# -- Locks ------------------------------------------------------------------------------------------------------------
async def lock_source(bench):
    bench.bucket = await bench.store.buckets.update(
        bench.principal, bench.bucket.bucket_id, lock=LockChange(enabled=True)
    )


def locked(bench, **changes):
    new = NewFile("a/b", retention=Retention("compliance", bench.clock.ms + DAY_MS), legal_hold=True)
    return msgspec.structs.replace(new, **changes)


@asynchronous
async def test_p7_a_replica_has_the_lock_of_its_source(tmp_path):
    async with open_bench(tmp_path) as bench:
        await lock_source(bench)
        pair = await replicated(bench, locked=True)
        version = await bench.put("a", new=locked(bench))
        await run(bench)
        [replica] = await listed(bench, pair.destination)
        assert (replica.retention, replica.legal_hold) == (version.retention, True)
        with pytest.raises(errors.VersionLocked):
            await bench.store.files.delete_version(bench.principal, pair.destination, "a", str(replica.file_id))


@pytest.mark.parametrize("lock", [{"retention": None}, {"legal_hold": None}])
@asynchronous
async def test_p7_a_locked_file_never_goes_to_a_bucket_without_lock(tmp_path, lock):
    async with open_bench(tmp_path) as bench:
        await lock_source(bench)
        pair = await replicated(bench)
        await bench.put("a", new=locked(bench, **lock))
        await bench.put("free")
        await run(bench)
        assert await statuses(bench, pair.source) == [("a", "FAILED"), ("free", "COMPLETED")]
        assert "no Object Lock" in (await failures(bench, pair.source))[0]


@asynchronous
async def test_a_lock_that_has_ended_keeps_a_file_from_no_bucket(tmp_path):
    async with open_bench(tmp_path) as bench:
        await lock_source(bench)
        pair = await replicated(bench)
        await bench.put("a", new=locked(bench, legal_hold=False))
        bench.clock.ms += 2 * DAY_MS
        await run(bench)
        assert await statuses(bench, pair.destination) == [("a", "REPLICA")]


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"reading": ("readFiles", "readFileLegalHolds")}, "readFileRetentions"),
        ({"reading": ("readFiles", "readFileRetentions")}, "readFileLegalHolds"),
        ({"writing": ("writeFiles", "writeFileLegalHolds")}, "writeFileRetentions"),
        ({"writing": ("writeFiles", "writeFileRetentions")}, "writeFileLegalHolds"),
    ],
)
@asynchronous
async def test_p6_keys_without_the_capabilities_for_locks_replicate_no_locked_file(tmp_path, keys, reason):
    async with open_bench(tmp_path) as bench:
        await lock_source(bench)
        pair = await replicated(bench, locked=True, **keys)
        await bench.put("a", new=locked(bench))
        await bench.put("free")
        await run(bench)
        assert reason in (await failures(bench, pair.source))[0]
        assert await statuses(bench, pair.destination) == [("free", "REPLICA")]


@asynchronous
async def test_a_replica_without_a_lock_gets_the_default_of_its_bucket_from_when_it_came(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench, locked=True)
        await bench.store.buckets.update(
            bench.principal,
            pair.destination.bucket_id,
            lock=LockChange(default_retention=DefaultRetention("governance", 1, "days")),
        )
        await bench.put("a")
        bench.clock.ms += HOUR_MS
        await run(bench)
        [replica] = await listed(bench, pair.destination)
        assert replica.retention == Retention("governance", bench.clock.ms + DAY_MS)
        assert sha1(await bench.bytes_of(replica)) == sha1(b"data")
