"""Accounting over a real catalog: several workers' counts, reports, and the steward's part."""

from __future__ import annotations

import asyncio
from collections import Counter
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.accounting import alerts, cap, today, usage_today
from harness.asynchronous import asynchronous
from harness.stores import Bytes, open_bench
from undercroft import limits
from undercroft.catalog.contract import CatalogFull
from undercroft.catalog.usage import Held
from undercroft.store import Store, errors
from undercroft.store.accounting.model import DAY_MS, HOUR_MS, BucketDay, CallCount
from undercroft.store.model import KeyUse, NewFile


async def of_buckets(bench, *asked):
    pages = bench.store.accounting.reports.of_buckets(bench.bucket.account_id, *asked)
    return [day async for page in pages for day in page]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    traffic=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from((("GetObject", "B"), ("ListBuckets", "C"), ("PutObject", "A"))),
                  st.integers(1, 10), st.booleans()),
        max_size=40,
    )
)  # fmt: skip
def test_the_sum_of_what_workers_flush_is_what_they_were_asked(tmp_path_factory, traffic):
    asyncio.run(_flush_from_three_workers(tmp_path_factory.mktemp("workers"), traffic))


async def _flush_from_three_workers(folder, traffic):
    async with open_bench(folder) as bench:
        account_id = bench.bucket.account_id
        workers = [
            Store(bench.catalog, bench.blobs, bench.store.identity.keys._keyring, slot=slot, ambient=bench.clock)
            for slot in (3, 4, 5)
        ]
        asked = Counter()
        for worker, (call, transaction_class), transactions, flushes in traffic:
            accounting = workers[worker].accounting
            accounting.charge(account_id, call, transaction_class, transactions)
            accounting.meter.downloads(account_id, 100)
            asked[call] += transactions
            if flushes:
                await accounting.flush()
        for worker in workers:
            await worker.accounting.flush()
        days = await bench.store.accounting.reports.of_account(account_id, today(bench), today(bench))
        assert Counter({call.call: call.transactions for day in days for call in day.calls}) == asked
        assert sum(day.downloaded_bytes for day in days) == 100 * len(traffic)
        before = days
        bench.clock.ms += DAY_MS
        while await bench.store.work.usage.fold():
            pass
        assert not await bench.catalog.rows.all("SELECT 1 FROM call_days WHERE slot <> 0")
        assert not await bench.catalog.rows.all("SELECT 1 FROM transfer_days WHERE slot <> 0")
        after = await bench.store.accounting.reports.of_account(account_id, today(bench) - 1, today(bench) - 1)
        assert [(day.calls, day.downloaded_bytes) for day in after] == [
            (day.calls, day.downloaded_bytes) for day in before if traffic
        ]


@asynchronous
async def test_a_full_catalog_loses_no_count(tmp_path):
    async with open_bench(tmp_path) as bench:
        account_id = bench.bucket.account_id

        async def full(*_, **__):
            raise CatalogFull("The disk of the catalog is full.")

        bench.store.accounting.charge(account_id, "ListBuckets", "C", 3)
        with mock.patch.object(bench.catalog, "write", full):
            with pytest.raises(errors.StorageFull):
                await bench.store.accounting.flush()
            bench.store.accounting.charge(account_id, "ListBuckets", "C")
            await bench.store.accounting.settle()
        await bench.store.accounting.settle()
        assert (await usage_today(bench)).calls == [CallCount("C", "ListBuckets", 4)]


@asynchronous
async def test_counts_are_written_down_every_few_seconds_and_when_the_process_stops(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounting, account_id = bench.store.accounting, bench.bucket.account_id
        written = asyncio.Event()
        genuine = accounting.flush

        async def flush():
            await genuine()
            written.set()

        with mock.patch.object(limits, "ACCOUNTING_FLUSH_S", 0.001), mock.patch.object(accounting, "flush", flush):
            running = asyncio.create_task(accounting.keep_settling())
            accounting.charge(account_id, "ListBuckets", "C")
            async with asyncio.timeout(30):
                await written.wait()
        assert (await usage_today(bench)).transactions("C") == 1
        with mock.patch.object(limits, "ACCOUNTING_FLUSH_S", 3600):
            accounting.charge(account_id, "ListBuckets", "C")
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        assert (await usage_today(bench)).transactions("C") == 2


@asynchronous
async def test_downloaded_bytes_are_those_that_left(tmp_path):
    async with open_bench(tmp_path) as bench:
        size = 3 * limits.MIB
        await bench.put("small", b"12345")
        large = await bench.put("large", bytes(size))
        await bench.get("small")
        await bench.get("small", 1, 3)
        await bench.get("large")
        body = await bench.store.files.read(large, 0, size)
        taken = len(await anext(body)) + len(await anext(body))
        await body.aclose()
        untouched = await bench.store.files.read(large, 0, size)
        await untouched.aclose()
        await bench.store.accounting.flush()
        day = await usage_today(bench)
        assert 0 < taken < size
        assert day.downloaded_bytes == 5 + 2 + size + taken
        assert day.uploaded_bytes == 5 + size
        assert (day.stored_bytes, day.stored_versions) == (5 + size, 2)


@asynchronous
async def test_what_is_done_in_a_bucket_counts_under_it_from_day_to_day(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, account_id, bucket_id = bench.store, bench.bucket.account_id, bench.bucket.bucket_id
        other = await store.buckets.create(bench.principal, "another-bucket", "allPrivate")
        await bench.put("file", b"12345")
        await bench.get("file")
        await store.files.upload(bench.principal, other, "other", NewFile("text/plain"), Bytes(b"123"))
        store.accounting.charge(account_id, "PutObject", "A", 1, bucket_id)
        store.accounting.charge(account_id, "ListObjects", "C", 2, bucket_id)
        store.accounting.charge(account_id, "ListBuckets", "C")
        await store.accounting.flush()
        day = today(bench)
        found = {one.bucket_id: one for one in await of_buckets(bench, day, day)}
        assert found[bucket_id] == BucketDay(day, bucket_id, Held(1, 5, 1, 5, 0), 5, 5, 1, 0, 2)
        assert found[other.bucket_id] == BucketDay(day, other.bucket_id, Held(1, 3, 1, 3, 0), 0, 3, 0, 0, 0)
        await store.work.usage.sample_storage()
        await bench.put("late", b"1")  # After the last look of the day.
        bench.clock.ms += DAY_MS
        while await store.work.usage.fold():
            pass
        assert not await bench.catalog.rows.all("SELECT 1 FROM bucket_days WHERE slot <> 0")
        [version] = (await store.files.list_versions(bench.principal, other, limit=10)).rows
        await store.files.delete_version(bench.principal, other, "other", str(version.file_id))
        await store.buckets.delete(bench.principal, other.bucket_id)
        days = await of_buckets(bench, day, day + 1)
        assert {(one.day - day, one.bucket_id, one.held and one.held.size_bytes) for one in days} == {
            (0, bucket_id, 5), (0, other.bucket_id, 3), (1, bucket_id, 6),
        }  # fmt: skip
        for rows in (1, 2, 3):
            with mock.patch.object(limits, "REPORT_PAGE_ROWS", rows):
                assert await of_buckets(bench, day, day + 1) == days
                assert await of_buckets(bench, day, day + 1, bucket_id) == [
                    one for one in days if one.bucket_id == bucket_id
                ]
        by_day = await store.accounting.reports.held_by_day(account_id, day, day + 1)
        totals = await store.accounting.reports.totals_of_buckets(account_id, day, day + 1)
        assert {at - day: held.size_bytes for at, held in by_day.items()} == {0: 8, 1: 6}
        assert {one.bucket_id: (one.held.size_bytes, one.byte_days, one.uploaded_bytes, one.class_c) for one in totals} == {
            bucket_id: (6, 11, 5, 2), other.bucket_id: (0, 3, 3, 0),
        }  # fmt: skip
        assert await store.accounting.reports.totals_of_buckets(account_id, day, day + 1, bucket_id) == [
            one for one in totals if one.bucket_id == bucket_id
        ]
        totals = await store.accounting.reports.totals_of_buckets(account_id, day, day)
        assert {one.bucket_id: (one.held.size_bytes, one.byte_days) for one in totals} == {
            bucket_id: (5, 5), other.bucket_id: (3, 3),
        }  # fmt: skip
        assert await store.buckets.usage(bench.principal) == {bucket_id: Held(2, 6, 2, 6, 0)}


@asynchronous
async def test_what_a_full_catalog_keeps_of_buckets_and_of_keys_is_written_the_next_time(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, account_id, key = bench.store, bench.bucket.account_id, bench.principal.key

        async def full(*_, **__):
            raise CatalogFull("The disk of the catalog is full.")

        store.accounting.charge(account_id, "PutObject", "A", 3, bench.bucket.bucket_id)
        store.accounting.key_used(key.key_id, "192.0.2.1", "s3", "PutObject")
        with mock.patch.object(bench.catalog, "write", full), pytest.raises(errors.StorageFull):
            await store.accounting.flush()
        store.accounting.charge(account_id, "PutObject", "A", 1, bench.bucket.bucket_id)
        await store.accounting.flush()
        [day] = await of_buckets(bench, today(bench), today(bench))
        assert day.class_a == 4
        uses = await store.identity.keys.last_uses(bench.principal, [key])
        assert uses == {key.key_id: KeyUse(bench.clock.ms, "192.0.2.1", "s3", "PutObject")}


@asynchronous
async def test_a_body_that_cannot_be_read_is_no_download(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("damaged", b"12345")
        version = await bench.store.files.current(bench.principal, bench.bucket, "damaged")
        damage = mock.patch("undercroft.store.files.reads.inline_bytes", side_effect=errors.DataCorrupt("damaged"))
        with damage, pytest.raises(errors.DataCorrupt):
            await bench.store.files.read(version, 0, 5)
        await bench.store.accounting.flush()
        assert (await usage_today(bench)).downloaded_bytes == 0


@asynchronous
async def test_storage_is_looked_at_once_an_hour_and_adds_up_to_byte_hours(tmp_path):
    async with open_bench(tmp_path) as bench:
        bench.clock.ms = today(bench) * DAY_MS
        account_id, day = bench.bucket.account_id, today(bench)
        await bench.put("first", bytes(100))
        await bench.store.work.usage.sample_storage()
        await bench.put("second", bytes(1000))
        await bench.store.work.usage.sample_storage()  # The same hour: nothing new.
        bench.clock.ms += 3 * HOUR_MS  # Nobody looked for two hours: they count as the one that was looked at.
        await bench.store.work.usage.sample_storage()
        bench.clock.ms -= 2 * HOUR_MS  # A clock that is set back counts no hour twice, nor takes one back.
        await bench.put("third", bytes(7))
        await bench.store.work.usage.sample_storage()
        bench.clock.ms = (day + 1) * DAY_MS
        [report] = await bench.store.accounting.reports.of_account(account_id, day, day)
        assert (report.stored_bytes, report.stored_versions, report.byte_hours) == (1100, 2, 100 + 3 * 1100)


@asynchronous
async def test_a_deleted_account_leaves_no_accounting_behind_and_gets_none(tmp_path):
    async with open_bench(tmp_path) as bench:
        made = (await bench.store.identity.accounts.create("gone@example.com", "a long password")).account.account_id
        await bench.store.accounting.caps.change(made, {"class_b": 0})
        await bench.store.accounting.learn()
        with pytest.raises(errors.TransactionCapExceeded):
            bench.store.accounting.charge(made, "GetObject", "B")
        bench.store.accounting.charge(made, "ListBuckets", "C")
        await bench.store.accounting.settle()
        await bench.store.work.usage.sample_storage()
        bench.store.accounting.charge(made, "ListBuckets", "C")
        bench.store.accounting.answered((made, "C", "ListBuckets", "a bucket", "a key"), 200)
        await bench.store.accounting.flush()
        bench.store.accounting.answered((made, "C", "ListBuckets", "a bucket", "a key"), 200)
        await bench.store.identity.accounts.delete(made)
        await bench.store.accounting.settle()
        for table in (
            "caps", "own_caps", "quotas", "cap_alerts", "call_days", "transfer_days", "storage_days", "bucket_days", "bucket_storage_days",
            "status_days", "bucket_call_days", "key_days", "deleted_keys",
        ):  # fmt: skip
            assert not await bench.catalog.rows.all(f"SELECT 1 FROM {table} WHERE account_id = ?1", (made,)), table


@asynchronous
async def test_what_is_older_than_a_year_and_a_month_is_forgotten(tmp_path):
    async with open_bench(tmp_path) as bench:
        account_id, first = bench.bucket.account_id, today(bench)
        await cap(bench, class_c=1)
        for _ in range(2):
            bench.store.accounting.charge(account_id, "ListBuckets", "C")
            await bench.store.accounting.flush()
            await bench.store.accounting.alerts.look()
            bench.clock.ms += DAY_MS
        bench.clock.ms += (limits.ACCOUNTING_KEPT_DAYS - 1) * DAY_MS
        await bench.store.work.usage.forget()
        last = first + limits.ACCOUNTING_KEPT_DAYS
        assert [day.day for day in await bench.store.accounting.reports.of_account(account_id, first, last)] == [
            first + 1
        ]
        assert len(await alerts(bench, days=9999)) == 1


@asynchronous
async def test_sums_of_days_and_of_calls_are_those_of_the_rows_that_they_sum_up(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounting, account_id, first = bench.store.accounting, bench.bucket.account_id, today(bench)
        for times in (1, 2, 3):
            for call, of_class in (("PutObject", "A"), ("GetObject", "B"), ("HeadObject", "B"), ("ListBuckets", "C")):
                accounting.charge(account_id, call, of_class, times * len(call))
            await bench.put("file", bytes(times))
            await accounting.flush()
            await bench.store.work.usage.sample_storage()
            bench.clock.ms += DAY_MS
        accounting.charge(account_id, "PutObject", "A", 100)
        await accounting.flush()
        days = await accounting.reports.of_account(account_id, first, first + 3)
        sums = await accounting.reports.sums(account_id, first, first + 3)
        assert [(one.day, one.class_a, one.class_b, one.class_c) for one in sums] == [
            (one.day, *(one.transactions(of_class) for of_class in ("A", "B", "C"))) for one in days
        ]
        assert [(one.downloaded_bytes, one.uploaded_bytes, one.stored_bytes, one.byte_hours) for one in sums] == [
            (one.downloaded_bytes, one.uploaded_bytes, one.stored_bytes, one.byte_hours) for one in days
        ]
        requests = await accounting.splits.requests(account_id, first, first + 3)
        assert [(one.transaction_class, one.call, one.transactions) for one in requests.calls] == [
            ("A", "PutObject", 154), ("C", "ListBuckets", 66), ("B", "HeadObject", 60), ("B", "GetObject", 54),
        ]  # fmt: skip


@pytest.mark.parametrize("days", [0, limits.ACCOUNTING_REPORT_MAX_DAYS + 1])
@asynchronous
async def test_a_report_of_no_days_or_too_many_is_refused(tmp_path, days):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.OutOfRange):
            await bench.store.accounting.reports.of_account(
                bench.bucket.account_id, today(bench), today(bench) + days - 1
            )
        with pytest.raises(errors.OutOfRange):
            await of_buckets(bench, today(bench), today(bench) + days - 1)
