"""Events of a bucket that was deleted before they were delivered: they still are, as its rules were, and then nothing is left."""

from __future__ import annotations

import hmac
from unittest import mock

import pytest
import structlog.testing

from harness.asynchronous import asynchronous
from harness.notifications import SECRET, URL, Inbox, deliver, first_time, rule, set_rules, unreachable
from harness.stores import open_bench
from undercroft import limits
from undercroft.store.accounting.model import DAY_MS
from undercroft.store.buckets.notification_rules import Header, Target
from undercroft.store.model import Bucket

TABLES = ("notification_queues", "outbox", "deliveries", "orphaned_rules")


class Meanwhile(Inbox):
    """Something happens while the first delivery is under way."""

    def __init__(self, happens):
        super().__init__()
        self._happens = happens

    def __call__(self, url):
        visitor = super().__call__(url)
        genuine = visitor.post

        async def post(headers, body):
            if not self.posted:
                await self._happens()
            return await genuine(headers, body)

        visitor.post = post
        return visitor


async def left(bench):
    """How many rows each table of deliveries has, where any are left."""
    found = {}
    for table in TABLES:
        rows = await bench.catalog.rows.all(f"SELECT 1 FROM {table}")
        if rows:
            found[table] = len(rows)
    return found


async def make_and_delete(bench, *names):
    """A file of each name is made and removed, so that the bucket is empty again."""
    for name in names:
        version = await bench.put(name)
        await bench.store.files.delete_version(bench.principal, bench.bucket, name, str(version.file_id))


async def delete_bucket(bench) -> Bucket:
    """Delete the bench's bucket, and make another of the same name in its place."""
    gone = await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)
    bench.bucket = await bench.store.buckets.create(bench.principal, gone.name, "allPrivate")
    return gone


# -- What is still told -----------------------------------------------------------------------------------------------
@asynchronous
async def test_what_happened_in_a_deleted_bucket_is_told_as_its_rule_was_and_then_nothing_of_it_is_left(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        target = Target(URL, (Header("Authorization", "Bearer x"),), SECRET)
        await set_rules(bench, rule(target=target, max_events_per_batch=3))
        await make_and_delete(bench, "a", "b", "c")
        gone = await delete_bucket(bench)
        assert await left(bench) == {"notification_queues": 1, "outbox": 6, "orphaned_rules": 1}
        assert await bench.store.work.deliveries.is_wanted()
        await deliver(bench)
        told = ["ObjectCreated:Upload", "ObjectDeleted:Delete"]
        assert inbox.heard == [(what, name) for name in "abc" for what in told]
        assert [len(events) for events in inbox.batches] == [3, 3]
        assert {(event["bucketId"], event["bucketName"], event["matchedRuleName"]) for event in inbox.events} == {
            (gone.bucket_id, gone.name, "the-rule")
        }
        for url, headers, body in inbox.posted:
            assert url == URL
            signature = hmac.digest(SECRET.encode(), body, "sha256").hex().encode()
            assert dict(headers)["X-Bz-Event-Notification-Signature"] == b"v1=" + signature
            assert dict(headers)["Authorization"] == b"Bearer x"
        assert await left(bench) == {}
        assert not await bench.store.work.deliveries.is_wanted()


@asynchronous
async def test_the_next_bucket_of_the_name_tells_of_its_own_and_both_are_told(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await make_and_delete(bench, "old")
        gone = await delete_bucket(bench)
        await set_rules(bench, rule())
        await bench.put("new")
        await deliver(bench)
        told = {bucket_id: [event["objectName"] for event in inbox.take_all(bucket_id)]
                for bucket_id in (gone.bucket_id, bench.bucket.bucket_id)}  # fmt: skip
        assert told == {gone.bucket_id: ["old", "old"], bench.bucket.bucket_id: ["new"]}
        assert set(await left(bench)) == {"notification_queues", "deliveries"}


@asynchronous
async def test_each_rule_of_a_deleted_bucket_is_told_on_its_own(tmp_path):
    inbox = Inbox(lambda url, _body: 500 if url.endswith("/down") else 200)
    async with open_bench(tmp_path, visit=inbox) as bench:
        down = Target("https://hooks.example.com/down")
        await set_rules(
            bench, rule("rule-up", object_name_prefix="a"), rule("rule-down", object_name_prefix="b", target=down)
        )
        await make_and_delete(bench, "a", "b")
        await delete_bucket(bench)
        await deliver(bench)
        assert await left(bench) == {"notification_queues": 1, "outbox": 2, "deliveries": 1, "orphaned_rules": 1}
        inbox.answer = lambda _url, _body: 200
        bench.clock.ms += 1000
        await deliver(bench)
        assert await left(bench) == {}


@asynchronous
async def test_another_process_delivers_what_a_deleted_bucket_left_behind(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await make_and_delete(bench, "a")
        await delete_bucket(bench)
        clock = bench.clock
    async with open_bench(tmp_path, new=False, clock=clock, visit=inbox) as bench:
        await deliver(bench)
        assert len(inbox.events) == 2
        assert await left(bench) == {}


@asynchronous
async def test_a_bucket_that_is_deleted_while_a_delivery_is_under_way_loses_nothing(tmp_path):
    async def delete():
        await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)

    inbox = Meanwhile(delete)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await make_and_delete(bench, "a", "b")
        await deliver(bench)
        assert [name for _, name in inbox.heard] == ["a", "a", "b", "b"]
        assert await left(bench) == {}


# -- The same bounds --------------------------------------------------------------------------------------------------
@asynchronous
async def test_failures_put_it_off_in_order_as_for_any_rule(tmp_path):
    inbox = Inbox(lambda _url, _body: 500 if len(inbox.posted) in {1, 2, 4} else 204)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await make_and_delete(bench, "a", "b")
        await delete_bucket(bench)
        await deliver(bench)
        assert len(inbox.posted) == 1
        bench.clock.ms += 999
        await deliver(bench)
        assert len(inbox.posted) == 1, "It waits after a failure."
        for _ in range(5):
            bench.clock.ms += int(limits.DELIVERY_BACKOFF_MAX_S * 1000)
            await deliver(bench)
        assert [event["objectName"] for event in first_time(inbox.events)] == ["a", "a", "b", "b"]
        assert await left(bench) == {}


@asynchronous
async def test_a_rule_whose_deliveries_have_failed_for_a_day_is_given_up_where_any_other_is_suspended(tmp_path):
    inbox = Inbox(unreachable)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await make_and_delete(bench, "a")
        gone = await delete_bucket(bench)
        began_ms = bench.clock.ms
        with structlog.testing.capture_logs() as logs:
            while await left(bench) and bench.clock.ms < began_ms + 2 * DAY_MS:
                bench.clock.ms += int(limits.DELIVERY_BACKOFF_MAX_S * 1000)
                await deliver(bench)
        assert limits.DELIVERY_SUSPEND_AFTER_S * 1000 <= bench.clock.ms - began_ms < 2 * DAY_MS
        [log] = [log for log in logs if log["event"] == "events of a deleted bucket given up"]
        assert log["bucket"] == gone.bucket_id


@asynchronous
async def test_events_that_wait_for_too_long_are_dropped_and_the_rule_goes_with_them(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await make_and_delete(bench, "a")
        await delete_bucket(bench)
        bench.clock.ms += limits.EVENT_KEPT_S * 1000
        assert await bench.store.work.deliveries.prune() == 0
        bench.clock.ms += 1
        assert await bench.store.work.deliveries.prune() == 2
        await deliver(bench)
        assert inbox.posted == []
        assert await left(bench) == {}


@pytest.mark.parametrize("way", ["suspended", "not enabled", "nothing waits", "no rule"])
@asynchronous
async def test_a_rule_for_which_nothing_is_to_be_delivered_goes_with_its_bucket(tmp_path, way):
    inbox = Inbox(unreachable if way == "suspended" else lambda _url, _body: 200)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await make_and_delete(bench, "a")
        if way == "suspended":
            with mock.patch.multiple(limits, DELIVERY_SUSPEND_AFTER_S=0, DELIVERY_SUSPEND_ATTEMPTS=1):
                await deliver(bench)
        elif way == "not enabled":
            await set_rules(bench, rule(is_enabled=False))
        elif way == "nothing waits":
            await deliver(bench)
        else:
            await set_rules(bench)
        await delete_bucket(bench)
        assert await left(bench) == {}


@asynchronous
async def test_an_account_has_no_more_orphaned_rules_than_there_may_be(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        with mock.patch.object(limits, "ORPHANED_RULES_MAX", 3):
            for _ in range(2):
                await set_rules(
                    bench, rule("rule-one", object_name_prefix="a"), rule("rule-two", object_name_prefix="b")
                )
                await make_and_delete(bench, "a", "b")
                await delete_bucket(bench)
            assert await left(bench) == {"notification_queues": 3, "outbox": 6, "orphaned_rules": 3}
        await deliver(bench)
        assert await left(bench) == {}


# -- What else happens to it ------------------------------------------------------------------------------------------
@asynchronous
async def test_an_account_that_is_deleted_takes_along_what_its_deleted_buckets_left_behind_and_nothing_of_others(
    tmp_path,
):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await make_and_delete(bench, "a")
        await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)
        accounts = bench.store.identity.accounts
        other = await accounts.create("other@example.com", "a long password")
        bench.principal = await accounts.operator(other.account.account_id)
        bench.bucket = await bench.store.buckets.create(bench.principal, "other-bucket", "allPrivate")
        await set_rules(bench, rule())
        await make_and_delete(bench, "a", "b")
        await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)
        await accounts.delete("other@example.com")
        assert await left(bench) == {"notification_queues": 1, "outbox": 2, "orphaned_rules": 1}
        await deliver(bench)
        assert len(inbox.events) == 2
        await accounts.delete("owner@example.com")
        assert await left(bench) == {}


@asynchronous
async def test_an_account_that_is_deleted_while_a_delivery_is_under_way_leaves_nothing(tmp_path):
    async def delete():
        await bench.store.identity.accounts.delete("owner@example.com")

    inbox = Meanwhile(delete)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await make_and_delete(bench, "a")
        await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)
        await deliver(bench)
        assert len(inbox.posted) == 1
        assert await left(bench) == {}
