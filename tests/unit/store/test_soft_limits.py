"""Soft limits: what an account, a bucket or a key does beyond them is told of, once, and refused by nobody."""

from __future__ import annotations

import json
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.notifications import Inbox
from harness.people import Postbox
from harness.stores import open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.accounting.alert_settings import AlertSettings
from undercroft.store.accounting.model import DAY_MS, Quotas
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.identity.people import People
from undercroft.store.model import BucketCaps


async def of_account(bench, **soft):
    await bench.store.accounting.caps.change_own(bench.principal, {}, soft)


async def of_bucket(bench, soft, caps=BucketCaps(), quotas=Quotas()):  # noqa: B008 - both are frozen.
    await bench.store.buckets.set_caps(bench.principal, bench.bucket.bucket_id, caps, quotas, soft)


async def look(bench):
    await bench.store.accounting.settle()
    await bench.store.accounting.alerts.look()
    bench.clock.ms += 1


async def alerts(bench):
    found = await bench.store.accounting.alerts.recent(bench.bucket.account_id, days=30)
    return sorted((one.subject.kind, one.category, one.percent, one.used, one.is_soft) for one in found)


async def reached(bench):
    found = await bench.store.accounting.caps.reached(bench.bucket.account_id)
    return [(one.subject.kind, one.category, one.is_soft) for one in found]


@asynchronous
async def test_a_soft_limit_alerts_once_a_crossing_where_it_is_reached_and_refuses_nothing(tmp_path):
    async with open_bench(tmp_path) as bench:
        await of_account(bench, storage=100, class_b=3)
        await bench.put("kept", bytes(99))
        await look(bench)
        assert (await alerts(bench), await reached(bench)) == ([], []), "there is nothing at 75 percent"
        for times in (1, 2):
            last = await bench.put("more", bytes(500))
            await look(bench)
            await look(bench)
            assert await alerts(bench) == [("account", "storage", 100, 599, True)] * times
            assert await reached(bench) == [("account", "storage", True)]
            assert await bench.store.accounting.caps.blocking(bench.bucket.account_id) == []
            await bench.store.files.delete_version(bench.principal, bench.bucket, "more", str(last.file_id))
            await look(bench)
            assert await reached(bench) == []
        for _ in range(4):
            bench.store.accounting.charge(bench.bucket.account_id, "GetObject", "B")
        await look(bench)
        assert ("account", "class_b", 100, 4, True) in await alerts(bench)
        bench.clock.ms += DAY_MS
        assert await reached(bench) == []


@asynchronous
async def test_buckets_and_keys_have_soft_limits_on_what_they_hold_and_do(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounting = bench.store.accounting
        key = await bench.store.identity.keys.create(bench.principal, "laptop", ["readFiles"])
        await of_bucket(bench, {"storage": 10, "files": 1, "requests": 2, "download": 5, "upload": 11})
        await accounting.quotas.change_key(bench.principal, key.key_id, Quotas(), {"requests": 1})
        await bench.put("file", bytes(10))
        for _ in range(2):
            accounting.charge(bench.bucket.account_id, "GetObject", "B", 1, bench.bucket.bucket_id, key.key_id)
        await look(bench)
        assert await alerts(bench) == [
            ("bucket", "files", 100, 1, True),
            ("bucket", "requests", 100, 2, True),
            ("bucket", "storage", 100, 10, True),
            ("key", "requests", 100, 2, True),
        ]
        await bench.put("another", bytes(10))
        twin = await bench.store.identity.keys.rotate(bench.principal, key.key_id)
        assert await accounting.quotas.soft_of("key", twin.key_id) == {"requests": 1}
        await of_bucket(bench, {})
        assert [one for one in await reached(bench) if one[0] == "bucket"] == []


@asynchronous
async def test_a_soft_limit_stands_beside_a_cap_of_the_same_number_and_each_has_its_alert(tmp_path):
    async with open_bench(tmp_path) as bench:
        await of_bucket(bench, {"storage": 10}, BucketCaps(size_bytes=10))
        await bench.put("file", bytes(10))
        await look(bench)
        await look(bench)
        assert await alerts(bench) == [("bucket", "storage", 100, 10, False), ("bucket", "storage", 100, 10, True)]
        with pytest.raises(errors.BucketCapExceeded):
            await bench.put("more", bytes(1))
        assert await reached(bench) == [("bucket", "storage", False), ("bucket", "storage", True)]


@asynchronous
async def test_who_is_told_of_alerts_is_told_that_nothing_is_refused(tmp_path):
    box, inbox = Postbox(), Inbox()
    async with open_bench(tmp_path, visit=inbox, people=People(mailer=box)) as bench:
        settings, target = AlertSettings(thresholds={"storage": (50,)}), Target("https://hooks.example.com/in")
        await bench.store.accounting.alert_settings.change_own(bench.principal, settings, target)
        await of_account(bench, storage=10)
        await bench.put("half", bytes(5))
        await look(bench)
        await bench.put("rest", bytes(6))
        with mock.patch("undercroft.store.accounting.alerts._log") as log:
            await look(bench)
        told = {"account_id": bench.bucket.account_id, "category": "storage", "percent": 100, "used": 11, "cap": 10}
        log.warning.assert_called_once_with("cap_alert", **told, is_soft=True)
        await bench.store.work.notices.run()
        await bench.store.work.notices.finish_turns()
        [mail] = box.mails
        assert mail.subject == "The soft limit on storage is reached (Undercroft)"
        assert "11 of 10 bytes are stored. Nothing is refused." in mail.text
        [alert] = json.loads(inbox.posted[0][2])["alerts"]
        assert (alert["isSoft"], alert["used"], alert["cap"]) == (True, 11, 10)


@asynchronous
async def test_soft_limits_are_set_within_their_limits_and_leave_caps_as_they_are(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounting, account_id = bench.store.accounting, bench.bucket.account_id
        await accounting.caps.change(account_id, {"files": 7}, {"files": 5})
        assert await accounting.quotas.soft_of("account", account_id) == {"files": 5}
        await accounting.caps.change(account_id, {"files": 8})
        assert await accounting.quotas.soft_of("account", account_id) == {"files": 5}, "they were not named"
        for wrong in (-1, limits.CAP_MAX + 1):
            with pytest.raises(errors.OutOfRange):
                await of_account(bench, storage=wrong)
            with pytest.raises(errors.OutOfRange):
                await of_bucket(bench, {"requests": wrong})
        with pytest.raises(errors.InvalidRequest):
            await of_account(bench, requests=1)
        with pytest.raises(errors.InvalidRequest):
            await of_bucket(bench, {"class_b": 1}, BucketCaps(files=1))
        with mock.patch.object(limits, "QUOTAS_PER_ACCOUNT", 1), pytest.raises(errors.InvalidRequest):
            await of_bucket(bench, {"files": 1})
        assert (await bench.store.buckets.find(bucket_id=bench.bucket.bucket_id)).caps is None
        await of_account(bench, storage=limits.CAP_MAX)
        assert (await accounting.caps.of(account_id)).files == 8
        assert await accounting.quotas.soft_of("account", account_id) == {"storage": limits.CAP_MAX}


@asynchronous
async def test_workers_learn_no_soft_limit_and_a_key_with_one_counts_by_itself(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounting = bench.store.accounting
        key = await bench.store.identity.keys.create(bench.principal, "laptop", ["readFiles"])
        await accounting.quotas.change_key(bench.principal, key.key_id, Quotas(upload=9), {"requests": 0})
        await accounting.learn()
        with mock.patch.object(limits, "ACCOUNTING_KEYS_PER_DAY", 0):
            accounting.charge(bench.bucket.account_id, "GetObject", "B", 1, bench.bucket.bucket_id, key.key_id)
            await accounting.settle()
        assert (await accounting.quotas.done_today("key", bench.bucket.account_id, key.key_id)).requests == 1
        assert accounting.meter.take_refused() == set()
