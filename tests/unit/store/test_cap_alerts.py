"""Alerts at 75 and 100 percent of a cap, and where one has refused something."""

from __future__ import annotations

from unittest import mock

import pytest

from harness.accounting import alerts, cap, today
from harness.asynchronous import asynchronous
from harness.stores import open_bench
from undercroft import limits
from undercroft.catalog.cap_alerts import AlertRow
from undercroft.store import errors
from undercroft.store.accounting.model import DAY_MS


@asynchronous
async def test_alerts_come_at_75_and_100_percent_once_a_day(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounting, account_id = bench.store.accounting, bench.bucket.account_id
        await cap(bench, class_b=100, download=1000)

        async def spend(transactions):
            accounting.charge(account_id, "GetObject", "B", transactions)
            await accounting.settle()
            await accounting.alerts.look()
            await accounting.alerts.look()

        await spend(74)
        assert await alerts(bench) == []
        await spend(1)
        assert await alerts(bench) == [("class_b", 75, 75)]
        await spend(24)
        assert await alerts(bench) == [("class_b", 75, 75)]
        await spend(1)
        assert await alerts(bench) == [("class_b", 75, 75), ("class_b", 100, 100)]
        bench.clock.ms += DAY_MS
        await accounting.alerts.look()
        assert len(await alerts(bench)) == 2
        await spend(80)
        assert await alerts(bench) == [("class_b", 75, 75), ("class_b", 75, 80), ("class_b", 100, 100)]
        await cap(bench, class_b=81)
        await spend(1)
        assert ("class_b", 100, 81) in await alerts(bench), "a changed cap alerts anew"


@asynchronous
async def test_an_alert_about_storage_comes_once_a_crossing(tmp_path):
    async with open_bench(tmp_path) as bench:
        look = bench.store.accounting.alerts.look
        await cap(bench, storage=100)
        await bench.put("kept", bytes(80))
        for _ in range(3):
            await look()
            bench.clock.ms += DAY_MS
        assert await alerts(bench) == [("storage", 75, 80)], "not every day"
        for times in (1, 2):
            last = await bench.put("more", bytes(20))
            await look()
            await look()
            assert await alerts(bench) == [("storage", 75, 80)] + [("storage", 100, 100)] * times, (
                "again on the same day"
            )
            await bench.store.files.delete_version(bench.principal, bench.bucket, "more", str(last.file_id))
            await look()
            bench.clock.ms += 1
        bench.clock.ms += DAY_MS
        await bench.put("more", bytes(20))
        await look()
        assert await alerts(bench) == [("storage", 75, 80)] + [("storage", 100, 100)] * 3


@asynchronous
async def test_what_goes_up_and_down_all_day_is_told_of_a_few_times_and_still_said_to_block(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounting, account_id = bench.store.accounting, bench.bucket.account_id
        await cap(bench, storage=100)
        for _ in range(limits.CAP_ALERT_OFTEN + 2):
            last = await bench.put("up", bytes(100))
            await accounting.alerts.look()
            assert [one.category for one in await accounting.caps.blocking(account_id)] == ["storage"]
            await bench.store.files.delete_version(bench.principal, bench.bucket, "up", str(last.file_id))
            await accounting.alerts.look()
            bench.clock.ms += 1
        assert await alerts(bench) == [("storage", 100, 100)] * limits.CAP_ALERT_OFTEN
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("large", bytes(101))
        await accounting.settle()
        assert [one.category for one in await accounting.caps.blocking(account_id)] == ["storage"], "quietly so"
        bench.clock.ms += DAY_MS
        await bench.put("up", bytes(100))
        await accounting.alerts.look()
        assert len(await alerts(bench)) == limits.CAP_ALERT_OFTEN


@asynchronous
async def test_a_cap_by_the_day_that_is_raised_and_lowered_again_alerts_again(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounting = bench.store.accounting
        await cap(bench, class_b=10)
        accounting.charge(bench.bucket.account_id, "GetObject", "B", 8)
        for value in (10, 1000, 10):
            await cap(bench, class_b=value)
            await accounting.settle()
            await accounting.alerts.look()
            bench.clock.ms += 1
        assert await alerts(bench) == [("class_b", 75, 8)] * 2


@asynchronous
async def test_two_processes_that_notice_one_crossing_raise_one_alert(tmp_path):
    async with open_bench(tmp_path) as bench:
        await cap(bench, storage=100)
        await bench.put("kept", bytes(80))
        noticed = [AlertRow(bench.bucket.account_id, "storage", today(bench), 75, 100, 80, bench.clock.ms)]
        await bench.store.accounting.alerts._raise(noticed, [])
        await bench.store.accounting.alerts._raise(noticed, [])
        later = noticed[0]._replace(day=today(bench) + 1)  # The other one noticed it after midnight.
        await bench.store.accounting.alerts._raise([later], [])
        assert await alerts(bench) == [("storage", 75, 80)]


@asynchronous
async def test_what_a_cap_refused_is_an_alert_however_much_is_left(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounting, account_id = bench.store.accounting, bench.bucket.account_id
        await cap(bench, storage=100, class_c=10)
        await accounting.learn()
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("large", bytes(101))
        with pytest.raises(errors.TransactionCapExceeded):
            accounting.charge(account_id, "b2_list_file_names", "C", 11)
        for _ in range(2):
            await accounting.settle()
            await accounting.alerts.look()
        assert await alerts(bench) == [("class_c", 100, 0), ("storage", 100, 0)]


@asynchronous
async def test_a_cap_that_refused_something_is_said_to_block_until_there_is_more_room(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounting, account_id = bench.store.accounting, bench.bucket.account_id
        await cap(bench, storage=100)
        version = await bench.put("kept", bytes(80))

        async def blocking():
            await accounting.settle()
            await accounting.alerts.look()
            return [one.category for one in await accounting.caps.blocking(account_id)]

        assert await blocking() == []
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("large", bytes(21))
        for _ in range(3):
            assert await blocking() == ["storage"]
        await bench.store.files.delete_version(bench.principal, bench.bucket, "kept", str(version.file_id))
        assert await blocking() == []


@asynchronous
async def test_an_alert_is_a_line_of_the_log(tmp_path):
    async with open_bench(tmp_path) as bench:
        await cap(bench, storage=100)
        await bench.put("kept", bytes(80))
        with mock.patch("undercroft.store.accounting.alerts._log") as log:
            await bench.store.accounting.alerts.look()
            await bench.store.accounting.alerts.look()
        expected = {"category": "storage", "percent": 75, "used": 80, "cap": 100, "account_id": bench.bucket.account_id}
        log.warning.assert_called_once_with("cap_alert", **expected)


@asynchronous
async def test_all_accounts_with_caps_are_looked_at_however_many_there_are(tmp_path):
    async with open_bench(tmp_path) as bench:
        ids = [bench.bucket.account_id]
        for number in range(2):
            made = await bench.store.identity.accounts.create(f"n{number}@example.com", "a long password")
            ids.append(made.account.account_id)
        for account_id in ids:
            await bench.store.accounting.caps.change(account_id, {"class_c": 1})
        with mock.patch.object(limits, "ACCOUNTING_BATCH", 1):
            await bench.store.accounting.learn()
            for account_id in ids:
                bench.store.accounting.charge(account_id, "ListBuckets", "C")
                with pytest.raises(errors.TransactionCapExceeded):
                    bench.store.accounting.charge(account_id, "ListBuckets", "C")
            await bench.store.accounting.flush()
            await bench.store.accounting.alerts.look()
            standing = await bench.store.accounting.caps.every_standing()
        found = await bench.store.accounting.alerts.recent(None, days=1)
        assert {alert.account_id for alert in found} == set(ids)
        assert {(one.account_id, one.used, one.cap) for one in standing} == {(account_id, 1, 1) for account_id in ids}
