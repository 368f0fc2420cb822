"""Warnings of application keys that expire."""

from __future__ import annotations

import json

from harness.asynchronous import asynchronous
from harness.notifications import Inbox
from harness.people import OWNER, Postbox
from harness.stores import open_as_it_is, open_bench
from undercroft import limits, steward
from undercroft.store.accounting.alert_settings import AlertSettings
from undercroft.store.accounting.model import DAY_MS
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.identity.people import People

DAY_S = 86_400
URL = "https://hooks.example.com/in"


async def new_key(bench, days, name="backup"):
    """A key that lives so many days."""
    return await bench.store.identity.keys.create(bench.principal, name, ["listFiles"], valid_s=int(days * DAY_S))


async def warned(bench):
    """Have the steward look: how many days before its end the keys are of which somebody is to be warned, by name."""
    await bench.store.work.key_warnings.run()
    found = await bench.catalog.rows.all("SELECT document FROM notices WHERE kind = 'key' ORDER BY at_ms, notice_id")
    return [(one["keyName"], one["days"]) for one in (json.loads(text) for (text,) in found)]


async def send_all(bench):
    await bench.store.work.notices.run()
    await bench.store.work.notices.finish_turns()


@asynchronous
async def test_a_key_is_warned_of_a_week_and_a_day_before_its_end_once_each(tmp_path):
    async with open_bench(tmp_path) as bench:
        await new_key(bench, 30)
        bench.clock.ms += 23 * DAY_MS - 1
        assert await warned(bench) == []
        bench.clock.ms += 1
        for _ in range(3):
            assert await warned(bench) == [("backup", 7)]
        bench.clock.ms += 6 * DAY_MS - 1
        assert await warned(bench) == [("backup", 7)]
        bench.clock.ms += 1
        for _ in range(2):
            assert await warned(bench) == [("backup", 7), ("backup", 1)]
        bench.clock.ms += DAY_MS
        assert len(await warned(bench)) == 2


@asynchronous
async def test_a_key_that_was_made_to_live_no_longer_is_not_warned_of(tmp_path):
    async with open_bench(tmp_path) as bench:
        await new_key(bench, 1, "for-a-day")
        await new_key(bench, 7, "for-a-week")
        assert await warned(bench) == []
        bench.clock.ms += 6 * DAY_MS
        assert await warned(bench) == [("for-a-week", 1)]


@asynchronous
async def test_who_was_away_for_a_week_warns_once_of_what_has_a_day_left(tmp_path):
    async with open_bench(tmp_path) as bench:
        await new_key(bench, 30)
        await new_key(bench, 20, "gone")
        bench.clock.ms += int(29.5 * DAY_MS)
        for _ in range(2):
            assert await warned(bench) == [("backup", 1)]


@asynchronous
async def test_two_processes_warn_once(tmp_path):
    async with open_bench(tmp_path) as bench, open_as_it_is(tmp_path, bench.clock) as other:
        await new_key(bench, 8)
        bench.clock.ms += 2 * DAY_MS
        await warned(bench)
        bench.clock.ms += 1
        assert await warned(other) == [("backup", 7)]


@asynchronous
async def test_a_deleted_key_is_not_warned_of_and_leaves_nothing(tmp_path):
    async with open_bench(tmp_path) as bench:
        key = await new_key(bench, 8)
        bench.clock.ms += 2 * DAY_MS
        await warned(bench)
        await bench.store.identity.keys.delete(bench.principal, key.key_id)
        assert await bench.catalog.rows.all("SELECT * FROM key_warnings") == []
        bench.clock.ms += 5 * DAY_MS
        assert await warned(bench) == [("backup", 7)]


@asynchronous
async def test_whoever_is_told_of_alerts_gets_the_warning_unless_the_owner_wants_none(tmp_path):
    box, inbox = Postbox(), Inbox()
    async with open_bench(tmp_path, visit=inbox, people=People(mailer=box)) as bench:
        of_accounts = bench.store.accounting.alert_settings
        await of_accounts.change_own(bench.principal, AlertSettings(), Target(URL))
        key = await new_key(bench, 8)
        bench.clock.ms += DAY_MS
        await warned(bench)
        await send_all(bench)
        [mail] = box.mails
        assert (mail.to, mail.subject) == (OWNER, "The application key backup expires within 7 days (Undercroft)")
        assert key.key_id in mail.text
        assert key.secret not in mail.text
        [(_, _, body)] = inbox.posted
        assert json.loads(body) == {
            "alerts": [],
            "expiringKeys": [
                {
                    "accountId": bench.bucket.account_id, "keyId": key.key_id, "keyName": "backup",
                    "expirationTimestamp": key.expires_ms, "days": 7, "timestamp": bench.clock.ms,
                }
            ],
        }  # fmt: skip
        await of_accounts.change_own(bench.principal, AlertSettings(warns_of_keys=False), Target(URL))
        bench.clock.ms += 7 * DAY_MS - 1
        assert await warned(bench) == []


@asynchronous
async def test_of_many_keys_that_expire_at_once_a_few_are_told_of(tmp_path):
    async with open_bench(tmp_path) as bench:
        for number in range(limits.KEY_WARNINGS_TOLD + 2):
            await new_key(bench, 8, f"n{number}")
        bench.clock.ms += 2 * DAY_MS
        assert len(await warned(bench)) == limits.KEY_WARNINGS_TOLD
        assert len(await warned(bench)) == limits.KEY_WARNINGS_TOLD


@asynchronous
async def test_the_steward_warns_of_keys(tmp_path):
    async with open_bench(tmp_path) as bench:
        [job] = [job for job in steward.jobs(bench.store) if job.name == "key-warnings"]
        assert job.run == bench.store.work.key_warnings.run
