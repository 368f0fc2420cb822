"""Replication within one installation: what refuses a rule or a file, and how that is tried again."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.replication import (
    accept,
    failures,
    listed,
    new_bucket,
    pair_of,
    queue_of,
    replicated,
    rule,
    run,
    set_rules,
    statuses,
)
from harness.stores import open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.model import BucketCaps

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


async def delete_key(bench, key_id):
    await bench.store.identity.keys.delete(bench.principal, key_id)


@pytest.mark.parametrize(("which", "reason"), [("reader_id", "The source key"), ("writer_id", "The destination key")])
@asynchronous
async def test_a_deleted_key_stops_replication_which_fails_in_the_end(tmp_path, which, reason):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        await bench.put("a")
        await delete_key(bench, getattr(pair, which))
        await run(bench)
        assert await statuses(bench, pair.source) == [("a", "PENDING")]
        assert (await queue_of(bench, pair.source)).reason.startswith(reason)
        bench.clock.ms += limits.REPLICATION_REFUSED_MAX_S * 1000
        await run(bench)
        assert await statuses(bench, pair.source) == [("a", "FAILED")]
        assert (await failures(bench, pair.source))[0].startswith(reason)
        assert await statuses(bench, pair.destination) == []


@asynchronous
async def test_what_failed_is_tried_again_a_day_later(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        await delete_key(bench, pair.writer_id)
        await bench.put("a")
        await run(bench)
        bench.clock.ms += limits.REPLICATION_REFUSED_MAX_S * 1000
        await run(bench)
        writer = await bench.store.identity.keys.create(bench.principal, "writer", ["writeFiles"])
        await accept(bench, pair.destination, {pair.reader_id: writer.key_id})
        bench.clock.ms += limits.REPLICATION_RETRY_S * 1000 - 1
        await run(bench)
        assert await statuses(bench, pair.source) == [("a", "FAILED")]
        bench.clock.ms += 1
        await run(bench)
        assert await statuses(bench, pair.source) == [("a", "COMPLETED")]
        assert await failures(bench, pair.source) == []


@asynchronous
async def test_a_refused_rule_waits_longer_each_time_and_forgets_it_once_it_works(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        await accept(bench, pair.destination, {})
        await bench.put("a")
        waits = []
        for _ in range(4):
            await run(bench)
            queue = await queue_of(bench, pair.source)
            waits.append(queue.due_ms - bench.clock.ms)
            bench.clock.ms = queue.due_ms
        assert waits == [limits.REPLICATION_WAIT_MIN_S * 1000 * 2**number for number in range(4)]
        await accept(bench, pair.destination, {pair.reader_id: pair.writer_id})
        await run(bench)
        queue = await queue_of(bench, pair.source)
        assert (queue.attempts, queue.failing_since_ms, queue.reason, queue.due_ms) == (0, None, None, None)


@asynchronous
async def test_a_cap_on_storage_holds_replicas_up_as_it_does_uploads(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        for name in ("a", "b", "c"):
            await bench.put(name, b"1234")
        account_id = bench.bucket.account_id
        await bench.store.accounting.caps.change(account_id, {"storage": 12 + 8})
        await run(bench)
        assert await statuses(bench, pair.destination) == [("a", "REPLICA"), ("b", "REPLICA")]
        assert [status for _, status in await statuses(bench, pair.source)] == ["COMPLETED", "COMPLETED", "PENDING"]
        assert "reached a cap" in (await queue_of(bench, pair.source)).reason
        bench.clock.ms += limits.REPLICATION_REFUSED_MAX_S * 1000
        await run(bench)
        assert [status for _, status in await statuses(bench, pair.source)] == ["COMPLETED", "COMPLETED", "FAILED"]
        await bench.store.accounting.caps.change(account_id, {"storage": 12 + 12})
        assert await bench.store.work.replication_reports.retry(bench.bucket) == 1
        await run(bench)
        assert len(await listed(bench, pair.destination)) == 3


@asynchronous
async def test_caps_on_files_of_the_account_and_of_the_bucket_hold_replicas_up_too(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        for name in ("a", "b", "c"):
            await bench.put(name, b"1234")
        account_id, set_caps = bench.bucket.account_id, bench.store.buckets.set_caps
        await bench.store.accounting.caps.change(account_id, {"files": 3 + 1})
        await run(bench)
        assert await statuses(bench, pair.destination) == [("a", "REPLICA")]
        assert "reached a cap" in (await queue_of(bench, pair.source)).reason
        await bench.store.accounting.caps.change(account_id, {"files": None})
        await set_caps(bench.principal, pair.destination.bucket_id, BucketCaps(files=2))
        bench.clock.ms += limits.REPLICATION_REFUSED_MAX_S * 1000
        await run(bench)
        assert [name for name, _ in await statuses(bench, pair.destination)] == ["a", "b"]
        assert [status for _, status in await statuses(bench, pair.source)] == ["COMPLETED", "COMPLETED", "FAILED"]


@asynchronous
async def test_a_destination_that_is_gone_refuses_the_rule(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await replicated(bench)
        await bench.store.buckets.delete(bench.principal, pair.destination.bucket_id)
        await bench.put("a")
        await run(bench)
        assert "does not exist" in (await queue_of(bench, pair.source)).reason


@pytest.mark.parametrize("which", ["reader", "writer"])
@asynchronous
async def test_p6_keys_of_another_bucket_refuse_the_rule(tmp_path, which):
    async with open_bench(tmp_path) as bench:
        pair = await pair_of(bench)
        other = await new_bucket(bench, "other-bucket")
        capability = {"reader": "readFiles", "writer": "writeFiles"}[which]
        key = await bench.store.identity.keys.create(
            bench.principal, "restricted", [capability], bucket_ids=[other.bucket_id]
        )
        pair = pair._replace(**{f"{which}_id": key.key_id})
        await accept(bench, pair.destination, {pair.reader_id: pair.writer_id})
        await set_rules(bench, pair, rule(pair.destination))
        await bench.put("a")
        await run(bench)
        assert await statuses(bench, pair.source) == [("a", "PENDING")]
        assert "may not" in (await queue_of(bench, pair.source)).reason
        assert await statuses(bench, pair.destination) == []


@asynchronous
async def test_keys_with_a_name_prefix_replicate_what_they_may_and_fail_the_rest(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await pair_of(bench)
        keys = bench.store.identity.keys
        reader = await keys.create(bench.principal, "prefixed", ["readFiles"], name_prefix="in/")
        writer = await keys.create(bench.principal, "prefixed", ["writeFiles"], name_prefix="in/a")
        pair = pair._replace(reader_id=reader.key_id)
        await accept(bench, pair.destination, {reader.key_id: writer.key_id})
        await set_rules(bench, pair, rule(pair.destination))
        for name in ("in/a", "in/b", "out"):
            await bench.put(name)
        await run(bench)
        assert await statuses(bench, pair.source) == [("in/a", "COMPLETED"), ("in/b", "FAILED"), ("out", "FAILED")]
        assert await statuses(bench, pair.destination) == [("in/a", "REPLICA")]


@asynchronous
async def test_a_bucket_of_another_account_takes_in_what_its_own_mapping_allows_and_nothing_else(tmp_path):
    async with open_bench(tmp_path) as bench:
        other = await bench.store.identity.accounts.create("other@example.com", "a long password")
        stranger = type(bench.principal).of_key(other.key)
        target = await bench.store.buckets.create(stranger, "of-the-stranger", "allPublic")
        pair = (await pair_of(bench))._replace(destination=target)
        await set_rules(bench, pair, rule(target))
        await bench.put("a")
        await run(bench)
        assert await statuses(bench, pair.source) == [("a", "PENDING")]
        writer = await bench.store.identity.keys.create(stranger, "writer", ["writeFiles"])
        owner = bench.principal
        bench.principal = stranger
        await accept(bench, target, {pair.reader_id: writer.key_id})
        bench.principal = owner
        bench.clock.ms += limits.REPLICATION_WAIT_MIN_S * 1000
        await run(bench)
        assert await statuses(bench, pair.source) == [("a", "COMPLETED")]
        bench.principal = stranger
        [replica] = await listed(bench, target)
        assert replica.account_id == other.account.account_id
        assert await bench.bytes_of(replica) == b"data"


@asynchronous
async def test_the_key_of_another_account_writes_to_no_bucket_of_this_one(tmp_path):
    async with open_bench(tmp_path) as bench:
        other = await bench.store.identity.accounts.create("other@example.com", "a long password")
        pair = await replicated(bench)
        with pytest.raises(errors.InvalidRequest):
            await accept(bench, pair.destination, {pair.reader_id: other.key.key_id})


@asynchronous
async def test_a_file_that_failed_holds_up_none_that_come_after_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        pair = await pair_of(bench)
        prefixed = await bench.store.identity.keys.create(bench.principal, "writer", ["writeFiles"], name_prefix="in/")
        await accept(bench, pair.destination, {pair.reader_id: prefixed.key_id})
        await set_rules(bench, pair, rule(pair.destination))
        await bench.put("out")
        await run(bench)
        assert await statuses(bench, pair.source) == [("out", "FAILED")]
        bench.clock.ms += 1000
        await bench.put("in/later")
        await run(bench)
        assert await statuses(bench, pair.source) == [("in/later", "COMPLETED"), ("out", "FAILED")]


@asynchronous
async def test_a_clock_that_is_set_back_holds_up_no_replication(tmp_path):
    async with open_bench(tmp_path) as bench:
        await replicated(bench)
        await bench.put("a")
        bench.clock.ms -= 60_000
        await run(bench)
        assert await statuses(bench, bench.bucket) == [("a", "COMPLETED")]
