"""How events are delivered: in order, at least once, later and later after failures, and what is said of it."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections import Counter
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.notifications import (
    SECRET,
    URL,
    Inbox,
    deliver,
    first_time,
    rule,
    set_rules,
    suspension_of,
    unreachable,
    waiting,
)
from harness.stores import START_MS, Bytes, open_bench
from undercroft import limits
from undercroft.outgoing.contract import Answer, TargetRefused
from undercroft.store.buckets.notification_rules import Header, Target
from undercroft.store.errors import NoSuchRule, StorageFull
from undercroft.store.model import NewFile
from undercroft.store.work.sending import backoff_s

DAY_MS = 86_400_000


async def put_many(bench, count, prefix=""):
    for number in range(count):
        await bench.put(f"{prefix}{number}")


async def log_of(bench, name="the-rule"):
    return await bench.store.work.deliveries.log(bench.bucket, name)


# -- What is sent -----------------------------------------------------------------------------------------------------
@asynchronous
async def test_an_event_says_what_happened_in_the_words_of_the_service(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        made = await bench.put("photos/caf\N{LATIN SMALL LETTER E WITH ACUTE}", b"four")
        await deliver(bench)
        (event,) = inbox.events
        assert len(event.pop("eventId")) == 64
        assert event == {
            "accountId": bench.bucket.account_id,
            "bucketId": bench.bucket.bucket_id,
            "bucketName": bench.bucket.name,
            "eventTimestamp": START_MS,
            "eventType": "b2:ObjectCreated:Upload",
            "eventVersion": 1,
            "matchedRuleName": "the-rule",
            "objectName": "photos/caf\N{LATIN SMALL LETTER E WITH ACUTE}",
            "objectSize": 4,
            "objectVersionId": str(made.file_id),
        }
        await bench.store.files.delete_version(bench.principal, bench.bucket, made.name, str(made.file_id))
        await deliver(bench)
        assert inbox.events[1]["objectSize"] is None


@asynchronous
async def test_a_request_has_the_headers_of_the_rule_and_a_signature_of_its_raw_bytes(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        own = (Header("Authorization", "Bearer x"), Header("user-agent", "mine"))
        await set_rules(bench, rule(target=Target(URL, own, SECRET)))
        await bench.put("a")
        await deliver(bench)
        ((url, headers, body),) = inbox.posted
        assert url == URL
        signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
        assert dict(headers) == {
            "Content-Type": b"application/json",
            "user-agent": b"mine",
            "Authorization": b"Bearer x",
            "X-Bz-Event-Notification-Signature": f"v1={signature}".encode(),
        }
        await set_rules(bench, rule())
        await bench.put("a")
        await deliver(bench)
        assert [name for name, _ in inbox.posted[1][1]] == ["Content-Type", "User-Agent"]


@pytest.mark.parametrize(("batch", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (50, [5])])
@asynchronous
async def test_events_come_in_order_as_many_at_once_as_the_rule_wants(tmp_path, batch, sizes):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule(max_events_per_batch=batch))
        await put_many(bench, 5)
        await deliver(bench)
        assert [len(events) for events in inbox.batches] == sizes
        assert [event["objectName"] for event in inbox.events] == ["0", "1", "2", "3", "4"]
        assert await waiting(bench) == []
        assert not await bench.store.work.deliveries.is_wanted()
        assert (inbox.opened, inbox.closed) == (1, 1)  # One connection for all of a turn.


@asynchronous
async def test_a_rule_with_much_to_send_ends_its_turn_and_goes_on_the_next_time(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await put_many(bench, 5)
        with mock.patch.object(limits, "DELIVERY_TURN_BATCHES", 3):
            await deliver(bench)
            assert len(inbox.events) == 3
            assert await bench.store.work.deliveries.is_wanted()
            await deliver(bench)
        assert len(inbox.events) == 5


# -- Failures ---------------------------------------------------------------------------------------------------------
@asynchronous
async def test_nothing_overtakes_what_failed_and_nothing_is_lost(tmp_path):
    inbox = Inbox(lambda _url, _body: 500 if len(inbox.posted) in {1, 2, 4} else 204)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await put_many(bench, 3)
        for _ in range(5):
            await deliver(bench)
            bench.clock.ms += int(limits.DELIVERY_BACKOFF_MAX_S * 1000)
        assert [event["objectName"] for event in inbox.events] == ["0", "0", "0", "1", "1", "2"]
        assert [event["objectName"] for event in first_time(inbox.events)] == ["0", "1", "2"]
        assert len({event["eventId"] for event in inbox.events}) == 3


@asynchronous
async def test_after_each_failure_in_a_row_a_rule_waits_twice_as_long_up_to_a_limit(tmp_path):
    inbox = Inbox(unreachable)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await bench.put("a")
        for attempt in range(1, 15):
            await deliver(bench)
            assert len(inbox.posted) == attempt
            bench.clock.ms += int(backoff_s(attempt) * 1000) - 1
            assert not await bench.store.work.deliveries.is_wanted()
            await deliver(bench)
            assert len(inbox.posted) == attempt
            bench.clock.ms += 1
        assert [backoff_s(attempt) for attempt in (1, 2, 3, 10)] == [1, 2, 4, 512]
        assert backoff_s(11) == backoff_s(10_000) == limits.DELIVERY_BACKOFF_MAX_S
        inbox.answer = lambda _url, _body: 200
        await deliver(bench)
        inbox.answer = unreachable
        await bench.put("b")
        await deliver(bench)
        assert [entry.attempt for entry in await log_of(bench)][:2] == [1, 15]


@pytest.mark.parametrize(("status", "error"), [(199, True), (200, False), (299, False), (300, True), (307, True)])
@asynchronous
async def test_any_status_of_success_will_do_and_no_other(tmp_path, status, error):
    inbox = Inbox(lambda _url, _body: status)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await bench.put("a")
        await deliver(bench)
        (entry,) = await log_of(bench)
        assert (entry.kind, entry.events, entry.attempt, entry.status) == ("events", 1, 1, status)
        assert entry.error == (f"The target answered {status}" if error else None)
        assert bool(await waiting(bench)) is error


@asynchronous
async def test_a_rule_is_suspended_when_its_deliveries_have_failed_for_a_day_and_set_ends_that(tmp_path):
    inbox = Inbox(unreachable)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await bench.put("a")
        while (await suspension_of(bench)) is None:
            bench.clock.ms += int(limits.DELIVERY_BACKOFF_MAX_S * 1000)
            await deliver(bench)
        failed_for_ms = bench.clock.ms - START_MS - int(limits.DELIVERY_BACKOFF_MAX_S * 1000)
        assert limits.DELIVERY_SUSPEND_AFTER_S * 1000 <= failed_for_ms <= DAY_MS + limits.DELIVERY_BACKOFF_MAX_S * 1000
        assert "connection refused" in await suspension_of(bench)
        tried = len(inbox.posted)
        inbox.answer = lambda _url, _body: 200
        bench.clock.ms += DAY_MS
        await bench.put("b")  # It is remembered, but does not wake the rule.
        assert not await bench.store.work.deliveries.is_wanted()
        await deliver(bench)
        assert len(inbox.posted) == tried
        await set_rules(bench, rule())
        assert await suspension_of(bench) is None
        await deliver(bench)
        assert [event["objectName"] for event in inbox.events[tried:]] == ["a", "b"]


@asynchronous
async def test_a_clock_that_jumps_suspends_nobody_and_holds_up_nothing(tmp_path):
    inbox = Inbox(unreachable)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        bench.clock.ms += 30 * DAY_MS
        await bench.put("a")
        await deliver(bench)
        bench.clock.ms += 2 * DAY_MS
        await deliver(bench)
        assert await suspension_of(bench) is None
        bench.clock.ms = START_MS  # It was ahead; the rule is due in a month, which nobody ever asked for.
        inbox.answer = lambda _url, _body: 200
        await deliver(bench)
        assert len(first_time(inbox.events)) == 1
        assert await waiting(bench) == []


@asynchronous
async def test_a_clock_that_is_set_back_a_little_holds_up_no_event(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await bench.put("a")
        bench.clock.ms -= 60_000
        await deliver(bench)
        assert len(inbox.events) == 1


@asynchronous
async def test_a_dead_target_holds_up_no_other_rule(tmp_path):
    stuck = asyncio.Event()

    class Stuck(Inbox):
        def __call__(self, url):
            visitor, genuine = super().__call__(url), super().take

            async def post(headers, body):
                if b"dead-rule" in body:
                    await stuck.wait()
                return mock.Mock(status=genuine(url, headers, body)), b""

            async def answer(headers, body):
                return (await post(headers, body))[0].status, b""

            visitor.post = answer
            return visitor

    inbox = Stuck()
    async with open_bench(tmp_path, visit=inbox) as bench:
        dead, alive = rule("dead-rule", object_name_prefix="d"), rule("alive-rule", object_name_prefix="a")
        await set_rules(bench, dead, alive)
        await bench.put("d1")
        deliveries = bench.store.work.deliveries
        await deliveries.run()
        for number in range(3):
            await bench.put(f"a{number}")
        while len(inbox.events) < 3:
            await deliveries.run()
            await asyncio.sleep(0)
        assert [event["objectName"] for event in inbox.events] == ["a0", "a1", "a2"]
        stuck.set()
        await deliveries.stop()
        assert [event["objectName"] for event in inbox.events][3:] == ["d1"]


@asynchronous
async def test_events_whose_delivery_could_not_be_noted_are_sent_again(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await bench.put("a")
        gate = bench.store.work.deliveries._gate
        with mock.patch.object(gate, "write", side_effect=StorageFull("full")), pytest.raises(StorageFull):
            await deliver(bench)
        await deliver(bench)
        assert [event["objectName"] for event in inbox.events] == ["a", "a"]
        assert await waiting(bench) == []


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(("new_rules", "left"), [((), 0), ((rule(is_enabled=False),), 2), ((rule(),), 2)])
@asynchronous
async def test_rules_that_are_set_while_a_delivery_is_under_way_win(tmp_path, new_rules, left, status):
    class Meanwhile(Inbox):
        def __call__(self, url):
            visitor = super().__call__(url)

            async def post(_headers, _body):
                self.posted.append((url, (), b""))
                await set_rules(bench, *new_rules)
                return status, b""

            visitor.post = post
            return visitor

    inbox = Meanwhile()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await put_many(bench, 2)
        with mock.patch.object(limits, "DELIVERY_TURN_BATCHES", 1):
            await deliver(bench)
        assert len(inbox.posted) == 1
        assert len(await waiting(bench)) == (left - 1 if left and status == 200 else left)
        # Where it is on, it is due at once, and not after the wait that the failure of its older self asked for.
        assert await bench.store.work.deliveries.is_wanted() is any(one.is_enabled for one in new_rules)


@asynchronous
async def test_each_delivery_is_a_transaction_of_class_b_and_none_is_made_past_the_cap(tmp_path):
    inbox = Inbox(lambda _url, _body: 500 if len(inbox.posted) == 1 else 200)
    async with open_bench(tmp_path, visit=inbox) as bench:
        accounting, account_id = bench.store.accounting, bench.bucket.account_id
        await accounting.caps.change(account_id, {"class_b": 3})
        await accounting.learn()
        await set_rules(bench, rule(max_events_per_batch=2))
        await put_many(bench, 6)
        await deliver(bench)
        bench.clock.ms += 1000
        await deliver(bench)
        assert [len(events) for events in inbox.batches] == [2, 2, 2]  # The first of them twice.
        assert (await log_of(bench))[0].error == "The cap on transactions of class B is reached"
        await accounting.settle()
        day = bench.clock.ms // DAY_MS
        [usage] = await accounting.reports.of_account(account_id, day, day)
        assert [(call.call, call.transaction_class, call.transactions) for call in usage.calls] == [
            ("event_notification", "B", 3)
        ]
        bench.clock.ms += DAY_MS
        await accounting.learn()
        await deliver(bench)
        assert await waiting(bench) == []


@asynchronous
async def test_whatever_goes_wrong_with_a_target_is_a_failure_of_its_own_rule_alone(tmp_path):
    def break_down(_url, _body):
        if len(inbox.posted) == 1:
            raise UnicodeError("SECRET")
        return 200

    inbox = Inbox(break_down)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await bench.put("a")
        await deliver(bench)
        assert (await log_of(bench))[0].error == "It could not be sent"
        bench.clock.ms += 1000
        await deliver(bench)
        assert len(inbox.posted) == 2
        assert await waiting(bench) == []


@asynchronous
async def test_the_silent_targets_of_one_account_hold_up_nobody_else(tmp_path):
    begun, answer = [], asyncio.Event()

    class Silent:
        def __init__(self, url):
            self.url = url

        async def post(self, _headers, body):
            begun.append(json.loads(body)["events"][0]["accountId"])
            await answer.wait()
            return Answer(200, b"")

        async def close(self):
            pass

    async with open_bench(tmp_path, visit=Silent) as bench:
        prefixes = "abcdefghijklmnop"
        await set_rules(bench, *(rule(f"rule-{one}", object_name_prefix=one) for one in prefixes))
        for one in prefixes:
            await bench.put(one)
        other = await bench.store.identity.accounts.create("other@example.com", "a long password")
        operator = await bench.store.identity.accounts.operator(other.account.account_id)
        theirs = await bench.store.buckets.create(operator, "their-bucket", "allPrivate")
        await bench.store.notifications.set_rules(operator, theirs.bucket_id, [rule()])
        await bench.store.files.upload(operator, theirs, "theirs", NewFile("a/b"), Bytes(b"data"))
        for _ in range(3):
            await bench.store.work.deliveries.run()
            await asyncio.sleep(0.01)
        mine = limits.DELIVERY_RULES_OF_ACCOUNT_AT_ONCE
        assert Counter(begun) == {bench.bucket.account_id: mine, other.account.account_id: 1}
        answer.set()
        for _ in range(3):
            await deliver(bench)
        assert len(begun) == len(prefixes) + 1


# -- Bounds -----------------------------------------------------------------------------------------------------------
@asynchronous
async def test_events_that_wait_for_too_long_are_dropped_and_the_log_says_so(tmp_path):
    inbox = Inbox(unreachable)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await put_many(bench, 2)
        bench.clock.ms += limits.EVENT_KEPT_S * 1000
        await bench.put("young")
        await bench.store.work.deliveries.prune()
        assert len(await waiting(bench)) == 3
        bench.clock.ms += 1
        assert await bench.store.work.deliveries.prune() == 2
        assert [event.name for event in await waiting(bench)] == [b"young"]
        assert [(entry.kind, entry.events) for entry in await log_of(bench)] == [("dropped", 2)]


@asynchronous
async def test_of_more_events_than_may_wait_the_oldest_are_dropped(tmp_path):
    async with open_bench(tmp_path, visit=Inbox()) as bench:
        await set_rules(bench, rule())
        with mock.patch.multiple(limits, EVENTS_WAITING_MAX=3, EVENTS_DROPPED_AT_ONCE=2):
            await put_many(bench, 3)
            await bench.store.work.deliveries.prune()
            assert len(await waiting(bench)) == 3
            await put_many(bench, 4, "more-")
            assert await bench.store.work.deliveries.prune() == 2
            assert await bench.store.work.deliveries.prune() == 2
            assert await bench.store.work.deliveries.prune() == 0
        assert [event.name for event in await waiting(bench)] == [b"more-1", b"more-2", b"more-3"]


@asynchronous
async def test_a_rule_of_which_everything_was_dropped_is_not_looked_at_for_ever(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await bench.put("a")
        bench.clock.ms += limits.EVENT_KEPT_S * 1000 + 1
        await bench.store.work.deliveries.prune()
        await deliver(bench)
        assert not await bench.store.work.deliveries.is_wanted()
        await bench.put("b")
        await deliver(bench)
        assert [event["objectName"] for event in inbox.events] == ["b"]


@asynchronous
async def test_the_log_keeps_the_latest_deliveries_of_each_rule(tmp_path):
    async with open_bench(tmp_path, visit=Inbox()) as bench:
        await set_rules(bench, rule())
        with mock.patch.object(limits, "DELIVERIES_LOGGED", 3):
            for number in range(5):
                bench.clock.ms += 1
                await bench.put(str(number))
                await deliver(bench)
            assert [entry.at_ms - START_MS for entry in await log_of(bench)] == [5, 4, 3]
        assert len(await log_of(bench)) == 3
        with pytest.raises(NoSuchRule):
            await log_of(bench, "another")


# -- The test event ---------------------------------------------------------------------------------------------------
@asynchronous
async def test_a_test_event_goes_out_at_once_and_leaves_the_queue_alone(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule(target=Target(URL, None, SECRET), is_enabled=False))
        outcome = await bench.store.work.deliveries.test(bench.bucket, "the-rule")
        assert (outcome.status, outcome.error, outcome.body) == (200, None, b"taken")
        (event,) = inbox.events
        assert event["eventType"] == "b2:TestEvent"
        assert (event["objectName"], event["objectSize"], event["objectVersionId"]) == (None, None, None)
        assert any(name.startswith("X-Bz-Event") for name, _ in inbox.posted[0][1])
        assert [(entry.kind, entry.status) for entry in await log_of(bench)] == [("test", 200)]
        assert not await bench.store.work.deliveries.is_wanted()
        with pytest.raises(NoSuchRule):
            await bench.store.work.deliveries.test(bench.bucket, "another")
        # The log's own row makes no queue that anything could wait in wrongly.
        await set_rules(bench, rule())
        await bench.put("a")
        await deliver(bench)
        assert inbox.heard[1:] == [("ObjectCreated:Upload", "a")]


@asynchronous
async def test_a_target_that_may_not_be_reached_is_told_as_a_failure(tmp_path):
    def refuse(_url, _body):
        raise TargetRefused("The address of hooks.example.com is not allowed as a target")

    async with open_bench(tmp_path, visit=Inbox(refuse)) as bench:
        await set_rules(bench, rule())
        outcome = await bench.store.work.deliveries.test(bench.bucket, "the-rule")
        assert (outcome.status, outcome.error) == (None, "The address of hooks.example.com is not allowed as a target")


def test_p8_no_body_of_a_message_has_the_secret(tmp_path):
    inbox = Inbox()

    @asynchronous
    async def scenario():
        async with open_bench(tmp_path, visit=inbox) as bench:
            await set_rules(bench, rule(target=Target(URL, (Header("a", "W0RD"),), SECRET)))
            await bench.put("a")
            await deliver(bench)

    scenario()
    ((_, _, body),) = inbox.posted
    assert SECRET not in body.decode()
    assert "W0RD" not in json.dumps(inbox.events)
