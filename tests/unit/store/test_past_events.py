"""Events that were delivered or given up: what is kept of them, for how long, and how they are sent again."""

from __future__ import annotations

import json
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.notifications import SECRET, URL, Inbox, deliver, rule, set_rules, suspension_of, unreachable, waiting
from harness.stores import open_bench
from undercroft import limits
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.errors import InvalidRequest, NoSuchRule, Unauthorized
from undercroft.store.identity.principals import NOBODY, Principal


async def kept(bench):
    return await bench.store.past_events.kept(bench.principal, bench.bucket, "the-rule")


async def send_again(bench, number=None, chosen=None):
    return await bench.store.past_events.send_again(bench.principal, bench.bucket, "the-rule", number, chosen)


async def entries(bench):
    return await bench.store.work.deliveries.log(bench.bucket, "the-rule")


async def give_up(bench, *names):
    """Have files whose events wait until they are given up."""
    for name in names:
        await bench.put(name)
    bench.clock.ms += limits.EVENT_KEPT_S * 1000 + 1
    while await bench.store.work.deliveries.prune():
        pass


async def rows_kept(bench):
    (count,) = await bench.catalog.rows.one("SELECT count(*) FROM past_events")
    return count


@asynchronous
async def test_all_that_was_given_up_is_sent_again_in_its_order_with_the_ids_it_had(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        with mock.patch.object(limits, "EVENTS_DROPPED_AT_ONCE", 2):
            await give_up(bench, "a", "b", "c")
        await bench.put("d")
        assert (await kept(bench)).given_up == 3
        ids = [
            shown.event_id
            for entry in reversed(await entries(bench))
            for shown in await bench.store.past_events.of_entry(bench.principal, bench.bucket, "the-rule", entry.number)
        ]
        assert await send_again(bench) == 3
        assert (await kept(bench)).given_up == 0
        await deliver(bench)
        assert [event["objectName"] for event in inbox.events] == ["d", "a", "b", "c"]
        assert [event["eventId"] for event in inbox.events[1:]] == ids


@asynchronous
async def test_a_delivery_is_sent_again_with_the_same_body_and_the_secret_of_now(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule(max_events_per_batch=2, target=Target(URL, None, SECRET)))
        await bench.put("a")
        await bench.put("b")
        await deliver(bench)
        await set_rules(bench, rule(max_events_per_batch=2, target=Target(URL, None, SECRET[::-1])))
        for _ in range(2):  # It is kept once more each time.
            assert await send_again(bench, (await entries(bench))[0].number) == 2
            await deliver(bench)
        assert len({body for _, _, body in inbox.posted}) == 1
        signatures = [dict(headers)["X-Bz-Event-Notification-Signature"] for _, headers, _ in inbox.posted]
        assert signatures[0] != signatures[1] == signatures[2]
        assert [(entry.kind, entry.events) for entry in await entries(bench)] == [("events", 2)] * 3


@asynchronous
async def test_events_of_a_delivery_can_be_chosen(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule(max_events_per_batch=3))
        for name in "abc":
            await bench.put(name)
        await deliver(bench)
        number = (await entries(bench))[0].number
        shown = await bench.store.past_events.of_entry(bench.principal, bench.bucket, "the-rule", number)
        assert [one.event_id for one in shown] == [event["eventId"] for event in inbox.events]
        assert await send_again(bench, number, [shown[0].past.sequence, shown[2].past.sequence, 999]) == 2
        await deliver(bench)
        assert [event["objectName"] for event in inbox.batches[1]] == ["a", "c"]
        assert (await kept(bench)).of_entries == {number: 1, number + 1: 2}
        assert await send_again(bench, number, []) == 0
        with pytest.raises(InvalidRequest):
            await send_again(bench, number, range(limits.EVENTS_PAGE_MAX + 1))


@asynchronous
async def test_a_page_of_events_goes_on_after_the_last(tmp_path):
    async with open_bench(tmp_path, visit=Inbox()) as bench:
        await set_rules(bench, rule(max_events_per_batch=3))
        for name in "abc":
            await bench.put(name)
        await deliver(bench)
        with mock.patch.object(limits, "EVENTS_PAGE_MAX", 2):
            past = bench.store.past_events
            first = await past.of_entry(bench.principal, bench.bucket, "the-rule", 1)
            rest = await past.of_entry(bench.principal, bench.bucket, "the-rule", 1, first[-1].past.sequence)
        assert [[one.past.event.name for one in page] for page in (first, rest)] == [[b"a", b"b"], [b"c"]]


@asynchronous
async def test_who_asks_twice_has_it_sent_once(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await bench.put("a")
        await deliver(bench)
        assert [await send_again(bench, 1), await send_again(bench, 1)] == [1, 0]
        await deliver(bench)
        assert len(inbox.events) == 2


@asynchronous
async def test_what_is_sent_again_waits_as_long_as_any_other_event_and_is_given_up_again(tmp_path):
    inbox = Inbox(unreachable)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await give_up(bench, "a")
        await send_again(bench)
        bench.clock.ms += limits.EVENT_KEPT_S * 1000 - 1
        assert await bench.store.work.deliveries.prune() == 0
        assert len(await waiting(bench)) == 1
        bench.clock.ms += 2
        assert await bench.store.work.deliveries.prune() == 1
        assert (await kept(bench)).given_up == 1
        inbox.answer = lambda _url, _body: 200
        await send_again(bench)
        await deliver(bench)
        assert len(inbox.events) == 1


@asynchronous
async def test_a_suspended_rule_keeps_what_is_to_be_sent_again_until_it_is_resumed(tmp_path):
    inbox = Inbox(unreachable)
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await bench.put("a")
        with mock.patch.multiple(limits, DELIVERY_SUSPEND_AFTER_S=0, DELIVERY_SUSPEND_ATTEMPTS=1):
            await deliver(bench)
        assert await suspension_of(bench) is not None
        await give_up(bench, "b")
        assert await send_again(bench) == 2
        inbox.posted.clear()
        inbox.answer = lambda _url, _body: 200
        await deliver(bench)
        assert inbox.events == []
        await set_rules(bench, rule())
        await deliver(bench)
        assert [event["objectName"] for event in inbox.events] == ["a", "b"]


@asynchronous
async def test_a_rule_that_is_not_enabled_sends_nothing_again(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await bench.put("a")
        await deliver(bench)
        await set_rules(bench, rule(is_enabled=False))
        with pytest.raises(InvalidRequest, match="not enabled"):
            await send_again(bench, 1)
        assert (await kept(bench)).of_entries == {1: 1}
        await deliver(bench)
        assert len(inbox.events) == 1


@asynchronous
async def test_what_waits_is_never_dropped_for_what_is_to_be_sent_again(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, rule())
        await give_up(bench, "a", "b")
        await bench.put("c")
        with mock.patch.object(limits, "EVENTS_WAITING_MAX", 2):
            with pytest.raises(InvalidRequest, match="can wait"):
                await send_again(bench)
            assert [event.name for event in await waiting(bench)] == [b"c"]
            assert (await kept(bench)).given_up == 2
        with mock.patch.object(limits, "EVENTS_WAITING_MAX", 3):
            assert await send_again(bench) == 2
            assert await bench.store.work.deliveries.prune() == 0


@asynchronous
async def test_what_was_delivered_is_kept_with_its_entry_of_the_log(tmp_path):
    async with open_bench(tmp_path, visit=Inbox()) as bench:
        await set_rules(bench, rule())
        with mock.patch.object(limits, "DELIVERIES_LOGGED", 2):
            for name in "abc":
                await bench.put(name)
                await deliver(bench)
        assert (await kept(bench)).of_entries == {2: 1, 3: 1}
        assert [entry.number for entry in await entries(bench)] == [3, 2]


@asynchronous
async def test_what_was_given_up_outlives_the_log_and_of_too_much_the_oldest_goes(tmp_path):
    async with open_bench(tmp_path, visit=Inbox()) as bench:
        await set_rules(bench, rule())
        with mock.patch.multiple(limits, DELIVERIES_LOGGED=1, EVENTS_GIVEN_UP_MAX=2, EVENTS_DROPPED_AT_ONCE=1):
            await give_up(bench, "a", "b", "c")
            assert len(await entries(bench)) == 1
        assert (await kept(bench)).given_up == 2
        assert await send_again(bench) == 2
        assert [event.name for event in await waiting(bench)] == [b"b", b"c"]


@pytest.mark.parametrize("is_given_up", [True, False])
@asynchronous
async def test_past_events_are_kept_for_thirty_days(tmp_path, is_given_up):
    async with open_bench(tmp_path, visit=Inbox()) as bench:
        await set_rules(bench, rule())
        if is_given_up:
            await give_up(bench, "a")
        else:
            await bench.put("a")
            await deliver(bench)
        bench.clock.ms += limits.PAST_EVENTS_KEPT_S * 1000
        await bench.store.work.deliveries.prune()
        assert await rows_kept(bench) == 1
        bench.clock.ms += 1
        assert await bench.store.work.deliveries.prune() == 1
        assert await rows_kept(bench) == 0


@pytest.mark.parametrize("way", ["rule", "bucket"])
@asynchronous
async def test_past_events_go_with_their_rule_and_bucket(tmp_path, way):
    async with open_bench(tmp_path, visit=Inbox()) as bench:
        await set_rules(bench, rule())
        made = await bench.put("a")
        await deliver(bench)
        await give_up(bench, "b")
        assert await rows_kept(bench) == 2
        if way == "rule":
            await set_rules(bench)
        else:
            for version in (made, await bench.store.files.current(bench.principal, bench.bucket, "b")):
                await bench.store.files.delete_version(
                    bench.principal, bench.bucket, version.name, str(version.file_id)
                )
            await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)
            assert await rows_kept(bench) == 0
            await deliver(bench)  # The bucket left its last events behind.
        assert await rows_kept(bench) == 0


@asynchronous
async def test_sending_again_needs_the_right_to_change_rules(tmp_path):
    async with open_bench(tmp_path, visit=Inbox()) as bench:
        await set_rules(bench, rule())
        await bench.put("a")
        await deliver(bench)
        reader = Principal.of_key(
            await bench.store.identity.keys.create(bench.principal, "reader", ["readBucketNotifications"])
        )
        assert (await bench.store.past_events.kept(reader, bench.bucket, "the-rule")).of_entries == {1: 1}
        with pytest.raises(Unauthorized):
            await bench.store.past_events.send_again(reader, bench.bucket, "the-rule", 1)
        with pytest.raises(Unauthorized):
            await bench.store.past_events.kept(NOBODY, bench.bucket, "the-rule")
        with pytest.raises(NoSuchRule):
            await bench.store.past_events.send_again(bench.principal, bench.bucket, "no-such-rule", 1)
        with pytest.raises(NoSuchRule):
            await bench.store.past_events.of_entry(bench.principal, bench.bucket, "no-such-rule", 1)


@asynchronous
async def test_nothing_secret_of_a_rule_is_kept_with_its_past_events(tmp_path):
    async with open_bench(tmp_path, visit=Inbox()) as bench:
        await set_rules(bench, rule(target=Target(URL, None, SECRET)))
        await bench.put("a")
        await deliver(bench)
        rows = json.dumps(await bench.catalog.rows.all("SELECT * FROM past_events"), default=repr)
        assert SECRET not in rows
        assert "hooks.example.com" not in rows
