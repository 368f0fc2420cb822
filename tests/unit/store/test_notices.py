"""Notices of alerts, as those get them whom the account's owner wants told."""

from __future__ import annotations

import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from unittest import mock

import pytest

from harness.accounting import alerts, cap
from harness.asynchronous import asynchronous
from harness.notifications import SECRET, Inbox, unreachable
from harness.people import OWNER, Postbox
from harness.stores import open_bench
from undercroft import limits, steward
from undercroft.outgoing.mail import MailError
from undercroft.store import errors
from undercroft.store.accounting.alert_settings import AlertSettings
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.errors import Busy, InvalidRequest
from undercroft.store.identity.people import People
from undercroft.store.identity.principals import Principal
from undercroft.store.work.event_messages import SIGNATURE_HEADER

URL = "https://hooks.example.com/in?token=hush"
OTHER = "team@example.com"


class Refusing(Postbox):
    """A mail server that is down until it is told not to be."""

    is_down = True

    async def send(self, mail):
        if self.is_down:
            raise MailError("no route to team@example.com")
        await super().send(mail)


@asynccontextmanager
async def told(folder, *, box=None, inbox=None, webhook=None, **settings):
    """A bench whose account may hold 100 bytes, with mail, and who is told of that."""
    box, inbox = box or Postbox(), inbox or Inbox()
    people = People(mailer=box, console_origin="https://console.example")
    async with open_bench(folder, visit=inbox, people=people) as bench:
        await set_recipients(bench, webhook, **settings)
        await cap(bench, storage=100)
        yield bench, box, inbox


async def set_recipients(bench, webhook=None, **settings):
    target = None if webhook is None else Target(webhook, signing_secret=SECRET)
    wanted = AlertSettings(
        **settings, confirmed=tuple(settings.get("addresses", ()))
    )  # As the operator vouches for them.
    await bench.store.accounting.alert_settings.change(bench.bucket.account_id, wanted, target)


async def hold(bench, size):
    """Hold so many bytes more, and notice it."""
    await bench.put(f"n{size}", bytes(size))
    await bench.store.accounting.alerts.look()


async def work(bench):
    """Have the steward send what waits, as far as it is due."""
    notices = bench.store.work.notices
    for _ in range(20):
        if not await notices.is_wanted():
            return
        await notices.run()
        await notices.finish_turns()
    raise AssertionError("there is no end to it")


@asynchronous
async def test_an_alert_goes_once_to_the_owner_to_further_addresses_and_to_the_signed_webhook(tmp_path):
    async with told(tmp_path, webhook=URL, addresses=(OTHER,)) as (bench, box, inbox):
        await work(bench)
        assert (box.mails, inbox.posted) == ([], [])
        await hold(bench, 80)
        await work(bench)
        await work(bench)
        assert sorted(mail.to for mail in box.mails) == [OWNER, OTHER]
        for mail in box.mails:
            assert mail.subject == "75 percent of the cap on storage are used (Undercroft)"
            assert "80 of 100 bytes are stored" in mail.text
            assert "https://console.example/caps" in mail.text
        [(url, headers, body)] = inbox.posted
        assert url == URL
        told_of = {"category": "storage", "percent": 75, "used": 80, "cap": 100}
        told_of |= {"accountId": bench.bucket.account_id, "timestamp": bench.clock.ms}
        assert json.loads(body) == {"alerts": [told_of], "expiringKeys": []}
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert dict(headers)[SIGNATURE_HEADER] == f"v1={signature}".encode()


@asynchronous
async def test_an_account_that_was_never_asked_has_its_owner_told(tmp_path):
    box = Postbox()
    async with open_bench(tmp_path, people=People(mailer=box)) as bench:
        await cap(bench, storage=100)
        await hold(bench, 100)
        await work(bench)
        assert [(mail.to, mail.subject) for mail in box.mails] == [
            (OWNER, "The cap on storage is reached (Undercroft)")
        ]


@asynchronous
async def test_what_a_cap_refused_is_told_as_that(tmp_path):
    async with told(tmp_path) as (bench, box, _):
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("large", bytes(101))
        await bench.store.accounting.settle()
        await work(bench)
        assert [mail.subject for mail in box.mails] == ["The cap on storage has refused something (Undercroft)"]


@asynchronous
async def test_nobody_is_told_who_is_not_to_be(tmp_path):
    async with told(tmp_path, tells_owner=False) as (bench, box, inbox):
        await hold(bench, 80)
        await work(bench)
        assert (box.mails, inbox.posted) == ([], [])
        assert await alerts(bench) == [("storage", 75, 80)], "it is kept in the list all the same"


@asynchronous
async def test_whoever_is_taken_off_the_list_while_something_waits_is_not_told(tmp_path):
    async with told(tmp_path, webhook=URL, addresses=(OTHER,)) as (bench, box, inbox):
        await hold(bench, 80)
        await set_recipients(bench, tells_owner=False)
        await work(bench)
        assert (box.mails, inbox.posted) == ([], [])
        assert not await bench.store.work.notices.is_wanted()


@asynchronous
async def test_without_mail_the_webhook_alone_is_told_and_nothing_waits_for_ever(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_recipients(bench, URL, addresses=(OTHER,))
        await cap(bench, storage=100)
        await hold(bench, 80)
        await work(bench)
        assert len(inbox.posted) == 1
        assert await bench.store.work.notices.undelivered(bench.bucket.account_id) == []


@asynchronous
async def test_what_one_channel_refuses_is_sent_again_later_and_later_and_holds_up_no_other(tmp_path):
    box = Refusing()
    async with told(tmp_path, box=box, inbox=Inbox(unreachable), webhook=URL) as (bench, _, inbox):
        await hold(bench, 80)
        notices = bench.store.work.notices
        for attempt, wait_s in enumerate([1, 2, 4, 8], 1):
            await work(bench)
            assert len(inbox.posted) == attempt
            failed = await notices.undelivered(bench.bucket.account_id)
            assert [(one.channel, one.notices, one.attempts) for one in failed] == [
                ("owner", 1, attempt),
                ("webhook", 1, attempt),
            ]
            assert "hooks.example.com" in failed[1].error
            assert "@" not in failed[0].error, "what the mail server says is for the operator"
            bench.clock.ms += wait_s * 1000 - 1
            assert not await notices.is_wanted()
            bench.clock.ms += 1
        inbox.answer = lambda _url, _body: 204
        await work(bench)
        box.is_down = False
        await hold(bench, 20)
        await work(bench)
        assert len(inbox.posted) == 6, "the other channel goes on"
        assert box.mails == [], "and this one waits with what is new"
        bench.clock.ms += int(limits.DELIVERY_BACKOFF_MAX_S * 1000)
        await work(bench)
        [mail] = box.mails
        assert mail.subject == f"2 notices about {OWNER} (Undercroft)"
        assert mail.text.index("80 of 100") < mail.text.index("100 of 100")
        assert await notices.undelivered(bench.bucket.account_id) == []


@asynchronous
async def test_a_clock_that_is_set_back_holds_no_notice_up(tmp_path):
    async with told(tmp_path, inbox=Inbox(unreachable), webhook=URL) as (bench, _, _inbox):
        await hold(bench, 80)
        await work(bench)
        bench.clock.ms -= 3600 * 1000
        assert await bench.store.work.notices.is_wanted()


@asynchronous
async def test_a_notice_of_long_ago_is_dropped(tmp_path):
    async with told(tmp_path, inbox=Inbox(unreachable), webhook=URL) as (bench, _, inbox):
        await hold(bench, 80)
        await work(bench)
        inbox.answer = lambda _url, _body: 200
        bench.clock.ms += limits.CAP_ALERT_NEWS_S * 1000 + 1
        await work(bench)
        assert len(inbox.posted) == 1
        assert not await bench.store.work.notices.is_wanted()


@asynchronous
async def test_whoever_dies_between_sending_and_noting_it_is_followed_by_one_that_sends_again(tmp_path):
    async with told(tmp_path, webhook=URL, tells_owner=False) as (bench, _, inbox):
        await hold(bench, 80)
        notices = bench.store.work.notices
        with mock.patch.object(notices._gate, "write", side_effect=Busy("dead")):
            await notices.run()
            with pytest.raises(Busy):
                await notices.finish_turns()
        await work(bench)
        assert len(inbox.posted) == 2


@asynchronous
async def test_alerts_come_at_the_percentages_that_the_owner_chose_and_at_none_where_there_is_none(tmp_path):
    async with told(tmp_path, thresholds={"storage": (10, 50), "class_b": ()}) as (bench, _, _inbox):
        await cap(bench, class_b=10)
        for size in (9, 1, 39, 1, 50):
            await hold(bench, size)
        assert await alerts(bench) == [("storage", 10, 10), ("storage", 50, 50)]
        accounting = bench.store.accounting
        accounting.charge(bench.bucket.account_id, "GetObject", "B", 10)
        await accounting.settle()
        await accounting.alerts.look()
        assert len(await alerts(bench)) == 2
        with pytest.raises(errors.TransactionCapExceeded):
            accounting.charge(bench.bucket.account_id, "GetObject", "B", 1)
        await accounting.settle()
        assert ("class_b", 100, 10) in await alerts(bench), "what was refused is told of always"


@asynchronous
async def test_nobody_floods_letterboxes_by_changing_caps_all_day(tmp_path):
    async with told(tmp_path) as (bench, box, _):
        await bench.put("file", bytes(100))
        for number in range(limits.CAP_ALERTS_TOLD + 5):
            await cap(bench, storage=100 - number)
            await bench.store.accounting.alerts.look()
            bench.clock.ms += 1
        await work(bench)
        assert len(await alerts(bench)) == limits.CAP_ALERTS_TOLD + 5
        assert sum(mail.text.count("bytes are stored") for mail in box.mails) == limits.CAP_ALERTS_TOLD


@pytest.mark.parametrize(
    ("settings", "webhook", "field"),
    [
        ({"thresholds": {"storage": (0,)}}, None, "storage"),
        ({"thresholds": {"class_c": (101,)}}, None, "class_c"),
        ({"thresholds": {"storage": tuple(range(1, limits.ALERT_THRESHOLDS_MAX + 2))}}, None, "storage"),
        ({"addresses": ("nobody",)}, None, "email"),
        ({"addresses": ("a@b.example>,c",)}, None, "addresses"),
        ({"addresses": tuple(f"n{n}@b.example" for n in range(limits.ALERT_ADDRESSES_MAX + 1))}, None, "addresses"),
        ({}, Target("http://hooks.example.com/"), "webhookUrl"),
        ({}, Target("https://hooks.example.com/".ljust(limits.TARGET_URL_MAX_BYTES + 1, "x")), "webhookUrl"),
        ({}, Target(URL, signing_secret="short"), "signingSecret"),
    ],
)
@asynchronous
async def test_what_cannot_be_is_refused_and_changes_nothing(tmp_path, settings, webhook, field):
    async with open_bench(tmp_path) as bench:
        of_accounts = bench.store.accounting.alert_settings
        with pytest.raises(InvalidRequest) as refused:
            await of_accounts.change_own(bench.principal, AlertSettings(**settings), webhook)
        assert refused.value.field == field
        assert await of_accounts.own(bench.principal) == (AlertSettings(), None)


@asynchronous
async def test_as_many_as_there_may_be_are_taken_and_kept_in_order(tmp_path):
    async with open_bench(tmp_path) as bench:
        of_accounts = bench.store.accounting.alert_settings
        percentages = tuple(range(limits.ALERT_THRESHOLDS_MAX, 0, -1))
        addresses = tuple(f"N{n}@b.example" for n in range(limits.ALERT_ADDRESSES_MAX))
        given = AlertSettings({"storage": percentages, "download": (100, 75)}, False, addresses * 2, False)
        await of_accounts.change_own(bench.principal, given, Target(URL))
        kept, webhook = await of_accounts.own(bench.principal)
        assert kept.percentages("storage") == tuple(reversed(percentages))
        assert kept.percentages("download") == kept.percentages("class_b") == (75, 100)
        assert kept.addresses == tuple(address.lower() for address in addresses)
        assert webhook == Target(URL)


@asynchronous
async def test_p6_only_who_may_make_keys_reads_and_sets_who_is_told(tmp_path):
    async with open_bench(tmp_path) as bench:
        reader = await bench.store.identity.keys.create(bench.principal, "reader", ["listBuckets", "writeFiles"])
        of_accounts, principal = bench.store.accounting.alert_settings, Principal.of_key(reader)
        with pytest.raises(errors.Unauthorized):
            await of_accounts.own(principal)
        with pytest.raises(errors.Unauthorized):
            await of_accounts.change_own(principal, AlertSettings(), None)


@asynchronous
async def test_p8_where_the_webhook_is_stands_in_the_catalog_only_wrapped_and_is_in_no_log(tmp_path, capsys):
    def fail(_url, _body):
        raise RuntimeError(URL)

    async with told(tmp_path, inbox=Inbox(fail), webhook=URL) as (bench, _, _inbox):
        await hold(bench, 80)
        await work(bench)
        row = await bench.catalog.rows.one("SELECT document, wrapped_webhook FROM alert_settings")
        assert "hush" not in row[0]
        assert b"hush" not in row[1]
        said = "".join(capsys.readouterr())
        assert "notices_not_sent" in said
        assert "hush" not in said


@asynchronous
async def test_all_of_it_goes_with_the_account(tmp_path):
    async with open_bench(tmp_path, visit=Inbox()) as bench:
        made = await bench.store.identity.accounts.create("other@example.com", "a long password")
        principal, account_id = Principal.of_key(made.master_key), made.account.account_id
        await bench.store.accounting.alert_settings.change_own(principal, AlertSettings(), Target(URL))
        await bench.store.accounting.caps.change(account_id, {"storage": 0})
        await bench.store.accounting.alerts.look()
        await bench.store.identity.accounts.delete(account_id)
        for table in ("alert_settings", "notices", "cap_alerts"):
            assert await bench.catalog.rows.all(f"SELECT * FROM {table} WHERE account_id = ?1", (account_id,)) == []


@asynchronous
async def test_the_steward_sends_notices(tmp_path):
    async with open_bench(tmp_path) as bench:
        [job] = [job for job in steward.jobs(bench.store) if job.name == "notices"]
        notices = bench.store.work.notices
        assert (job.run, job.is_wanted) == (notices.run, notices.is_wanted)
