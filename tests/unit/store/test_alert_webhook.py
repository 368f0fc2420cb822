"""Alerts about caps, as the operator's webhook gets them."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.notifications import Inbox, unreachable
from harness.stores import open_bench
from undercroft import limits, steward
from undercroft.outgoing.contract import TargetError
from undercroft.store.errors import Busy
from undercroft.store.work.alert_webhook import AlertWebhook

URL = "https://alerts.example.com/in?token=secret"


@asynccontextmanager
async def capped(folder, inbox, url=URL):
    """A bench whose account may hold 100 bytes, and its webhook."""
    async with open_bench(folder) as bench:
        webhook = webhook_of(bench, inbox, url)
        await bench.store.accounting.caps.change(bench.bucket.account_id, {"storage": 100})
        yield bench, webhook


def webhook_of(bench, inbox, url=URL):
    return AlertWebhook(bench.catalog, bench.store.accounting.alerts._gate, bench.clock, inbox, url)


async def hold(bench, size):
    """Hold so many bytes more, and notice it."""
    await bench.put(f"n{size}", bytes(size))
    await bench.store.accounting.alerts.look()


async def work(webhook):
    while await webhook.is_wanted():
        await webhook.run()


def told(inbox):
    return [
        [(one["category"], one["percent"], one["used"]) for one in json.loads(body)["alerts"]]
        for _, _, body in inbox.posted
    ]


@asynchronous
async def test_each_alert_is_sent_once(tmp_path):
    inbox = Inbox()
    async with capped(tmp_path, inbox) as (bench, webhook):
        await work(webhook)
        assert inbox.opened == 0
        await hold(bench, 80)
        await work(webhook)
        await work(webhook)
        [(url, headers, body)] = inbox.posted
        assert url == URL
        assert dict(headers)["Content-Type"] == b"application/json"
        assert json.loads(body) == {
            "alerts": [
                {
                    "accountId": bench.bucket.account_id, "category": "storage", "percent": 75, "used": 80, "cap": 100,
                    "timestamp": bench.clock.ms,
                }
            ]
        }  # fmt: skip
        await hold(bench, 20)
        await work(webhook_of(bench, inbox))  # A steward that was started anew knows what was sent.
        assert told(inbox) == [[("storage", 75, 80)], [("storage", 100, 100)]]
        assert inbox.opened == inbox.closed == 2


@asynchronous
async def test_what_the_webhook_does_not_take_is_sent_again_later_and_later(tmp_path):
    inbox = Inbox(unreachable)
    async with capped(tmp_path, inbox) as (bench, webhook):
        await hold(bench, 80)
        for attempt, wait_s in enumerate([1, 2, 4, 8], 1):
            await work(webhook)
            assert len(inbox.posted) == attempt
            bench.clock.ms += wait_s * 1000 - 1
            assert not await webhook.is_wanted()
            bench.clock.ms += 1
        inbox.answer = lambda _url, _body: 500
        await work(webhook)
        inbox.answer = lambda _url, _body: 204
        bench.clock.ms += int(limits.DELIVERY_BACKOFF_MAX_S * 1000)
        await work(webhook)
        assert len(told(inbox)) == 6
        assert not await webhook.is_wanted()


@asynchronous
async def test_a_clock_that_is_set_back_does_not_hold_alerts_up(tmp_path):
    inbox = Inbox(unreachable)
    async with capped(tmp_path, inbox) as (bench, webhook):
        await hold(bench, 80)
        await work(webhook)
        bench.clock.ms -= 3600 * 1000
        assert await webhook.is_wanted()


@asynchronous
async def test_an_alert_of_long_ago_is_not_sent(tmp_path):
    inbox = Inbox()
    async with capped(tmp_path, inbox) as (bench, webhook):
        await hold(bench, 80)
        bench.clock.ms += limits.CAP_ALERT_NEWS_S * 1000 + 1
        assert not await webhook.is_wanted()
        bench.clock.ms -= 1
        assert await webhook.is_wanted()


@asynchronous
async def test_many_alerts_go_in_requests_of_a_bounded_size_in_their_order(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path) as bench:
        webhook, caps = webhook_of(bench, inbox), bench.store.accounting.caps
        await bench.put("a", bytes(1000))
        for cap in range(limits.CAP_ALERTS_SENT_AT_ONCE + 1):
            await caps.change(bench.bucket.account_id, {"storage": cap + 1})
            bench.clock.ms += 1
            await bench.store.accounting.alerts.look()
        await work(webhook)
        assert [len(batch) for batch in told(inbox)] == [limits.CAP_ALERTS_SENT_AT_ONCE, 1]
        sent = [one["cap"] for _, _, body in inbox.posted for one in json.loads(body)["alerts"]]
        assert sent == [cap + 1 for cap in range(limits.CAP_ALERTS_SENT_AT_ONCE + 1)]


@asynchronous
async def test_whoever_dies_between_sending_and_noting_it_is_followed_by_one_that_sends_again(tmp_path):
    inbox = Inbox()
    async with capped(tmp_path, inbox) as (bench, webhook):
        await hold(bench, 80)
        with mock.patch.object(webhook._gate, "write", side_effect=Busy("dead")), pytest.raises(Busy):
            await webhook.run()
        await work(webhook_of(bench, inbox))
        assert told(inbox) == [[("storage", 75, 80)]] * 2


@asynchronous
async def test_without_a_webhook_nothing_is_asked_of_anybody(tmp_path):
    inbox = Inbox()
    async with capped(tmp_path, inbox, url=None) as (bench, webhook):
        await hold(bench, 80)
        assert not await webhook.is_wanted()
        assert await webhook.run() is False
        assert inbox.opened == 0


@pytest.mark.parametrize("error", [TargetError("refused"), RuntimeError(URL)])
@asynchronous
async def test_p8_the_url_is_in_no_log(tmp_path, capsys, error):
    def fail(_url, _body):
        raise error

    async with capped(tmp_path, Inbox(fail)) as (bench, webhook):
        await hold(bench, 80)
        await work(webhook)
        said = "".join(capsys.readouterr())
        assert "cap_alerts_not_sent" in said
        assert "secret" not in said


@asynchronous
async def test_the_steward_sends_alerts(tmp_path):
    async with open_bench(tmp_path) as bench:
        [job] = [job for job in steward.jobs(bench.store) if job.name == "alert-webhook"]
        webhook = bench.store.work.alert_webhook
        assert (job.run, job.is_wanted) == (webhook.run, webhook.is_wanted)
