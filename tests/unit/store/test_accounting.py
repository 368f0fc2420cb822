"""Accounting over a real catalog: several workers' counts, reports, caps on storage, alerts, and the steward's part."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.asynchronous import asynchronous
from harness.stores import Bytes, md5, open_bench
from undercroft import limits
from undercroft.catalog import caps, usage
from undercroft.catalog.caps import AlertRow
from undercroft.catalog.contract import CatalogFull
from undercroft.catalog.usage import Held
from undercroft.store import Store, errors
from undercroft.store.accounting.model import DAY_MS, HOUR_MS, BucketDay, CallCount, Caps
from undercroft.store.dialect import S3
from undercroft.store.identity.principals import Principal
from undercroft.store.model import ByteRange, KeyUse, NewFile


async def cap(bench, **caps):
    await bench.store.accounting.caps.change(bench.bucket.account_id, caps)


async def alerts(bench, days=30):
    found = await bench.store.accounting.alerts.recent(bench.bucket.account_id, days=days)
    return sorted((alert.category, alert.percent, alert.used) for alert in found)


def today(bench):
    return bench.clock.ms // DAY_MS


async def usage_today(bench):
    [day] = await bench.store.accounting.usage(bench.bucket.account_id, today(bench), today(bench))
    return day


# -- Counting ---------------------------------------------------------------------------------------------------------
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
        days = await bench.store.accounting.usage(account_id, today(bench), today(bench))
        assert Counter({call.call: call.transactions for day in days for call in day.calls}) == asked
        assert sum(day.downloaded_bytes for day in days) == 100 * len(traffic)
        before = days
        bench.clock.ms += DAY_MS
        while await bench.store.work.usage.fold():
            pass
        assert not await bench.catalog.rows.all("SELECT 1 FROM call_days WHERE slot <> 0")
        assert not await bench.catalog.rows.all("SELECT 1 FROM transfer_days WHERE slot <> 0")
        after = await bench.store.accounting.usage(account_id, today(bench) - 1, today(bench) - 1)
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
        found = {one.bucket_id: one for one in await store.accounting.usage_by_bucket(account_id, day, day)}
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
        days = await store.accounting.usage_by_bucket(account_id, day, day + 1)
        assert {(one.day - day, one.bucket_id, one.held and one.held.size_bytes) for one in days} == {
            (0, bucket_id, 5), (0, other.bucket_id, 3), (1, bucket_id, 6),
        }  # fmt: skip
        by_day, totals = await store.accounting.totals_of_buckets(account_id, day, day + 1)
        assert {at - day: held.size_bytes for at, held in by_day.items()} == {0: 8, 1: 6}
        assert {one.bucket_id: (one.held.size_bytes, one.byte_days, one.uploaded_bytes, one.class_c) for one in totals} == {
            bucket_id: (6, 11, 5, 2), other.bucket_id: (0, 3, 3, 0),
        }  # fmt: skip
        by_day, totals = await store.accounting.totals_of_buckets(account_id, day, day)
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
        [day] = await store.accounting.usage_by_bucket(account_id, today(bench), today(bench))
        assert day.class_a == 4
        uses = await store.identity.keys.last_uses(bench.principal, [key])
        assert uses == {key.key_id: KeyUse(bench.clock.ms, "192.0.2.1", "s3", "PutObject")}


@asynchronous
async def test_the_last_use_of_a_key_is_the_latest_whichever_worker_writes_first_and_goes_with_the_key(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, keys = bench.store, bench.store.identity.keys
        key = await keys.create(bench.principal, "a-key", ["listFiles"])
        worker = Store(bench.catalog, bench.blobs, keys._keyring, slot=3, ambient=bench.clock)
        assert await keys.last_uses(bench.principal, [key]) == {}
        worker.accounting.key_used(key.key_id, "192.0.2.1", "s3", "GetObject")
        bench.clock.ms += 5
        store.accounting.key_used(key.key_id, "192.0.2.2", "native", "b2_list_file_names")
        await store.accounting.flush()
        await worker.accounting.flush()
        assert (await keys.last_uses(bench.principal, [key]))[key.key_id].address == "192.0.2.2"
        await keys.delete(bench.principal, key.key_id)
        store.accounting.key_used(key.key_id, "192.0.2.2", "native", "b2_list_file_names")
        await store.accounting.flush()
        assert not await bench.catalog.rows.all("SELECT 1 FROM key_uses WHERE key_id = ?1", (key.key_id,))


@pytest.mark.parametrize(("others", "is_noted"), [(-1, True), (0, False)])
@asynchronous
async def test_uses_of_so_many_keys_gather_and_no_more(tmp_path, others, is_noted):
    async with open_bench(tmp_path) as bench:
        accounting = bench.store.accounting
        for number in range(limits.KEY_USES_GATHERED + others):
            accounting.key_used(str(number), "192.0.2.1", "s3", "GetObject")
        key = bench.principal.key
        accounting.key_used(key.key_id, "192.0.2.1", "s3", "GetObject")
        await accounting.flush()
        assert bool(await bench.store.identity.keys.last_uses(bench.principal, [key])) is is_noted


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
        [report] = await bench.store.accounting.usage(account_id, day, day)
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
        await bench.store.identity.accounts.delete(made)
        await bench.store.accounting.settle()
        for table in (
            "caps", "own_caps", "cap_alerts", "call_days", "transfer_days", "storage_days", "bucket_days", "bucket_storage_days",
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
        assert [day.day for day in await bench.store.accounting.usage(account_id, first, last)] == [first + 1]
        assert len(await alerts(bench, days=9999)) == 1


@pytest.mark.parametrize("days", [0, limits.ACCOUNTING_REPORT_MAX_DAYS + 1])
@asynchronous
async def test_a_report_of_no_days_or_too_many_is_refused(tmp_path, days):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.OutOfRange):
            await bench.store.accounting.usage(bench.bucket.account_id, today(bench), today(bench) + days - 1)


# -- The cap on storage -----------------------------------------------------------------------------------------------
@asynchronous
async def test_an_upload_is_refused_exactly_above_the_cap_and_leaves_nothing(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("first", bytes(100))
        await cap(bench, storage=300)
        for length in (-1, None):  # Declared, and found out on the way.
            with pytest.raises(errors.StorageCapExceeded):
                await bench.put("second", bytes(201), length=length)
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("second", bytes(limits.INLINE_MAX_BYTES + 1), length=None)
        assert await bench.names() == ["first"]
        assert bench.blob_count() == 0
        await bench.put("second", bytes(200))
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("third", b"1")
        await bench.put("empty", b"")


@asynchronous
async def test_a_full_account_still_hides_deletes_and_cancels_and_then_has_room(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, owner, bucket = bench.store.files, bench.principal, bench.bucket
        kept = await bench.put("kept", bytes(100))
        large = await files.start_large_file(owner, bucket, "large", NewFile("a/b"))
        await files.upload_part(owner, bucket, large, 1, Bytes(bytes(50)))
        await cap(bench, storage=10)
        with pytest.raises(errors.StorageCapExceeded):
            await files.may_upload(owner, bucket)
        with pytest.raises(errors.StorageCapExceeded):
            await files.start_large_file(owner, bucket, "other", NewFile("a/b"))
        marker = await files.hide(owner, bucket, "kept", S3)
        await files.delete_version(owner, bucket, "kept", str(marker.file_id))
        await files.delete_version(owner, bucket, "kept", str(kept.file_id))
        await files.cancel(owner, bucket, large)
        await files.may_upload(owner, bucket)
        await bench.put("new", bytes(10))


@asynchronous
async def test_a_large_file_that_is_all_there_can_be_finished_in_a_full_account(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, owner, bucket = bench.store.files, bench.principal, bench.bucket
        large = await files.start_large_file(owner, bucket, "large", NewFile("a/b"))
        await files.upload_part(owner, bucket, large, 1, Bytes(bytes(50)))
        await cap(bench, storage=0)
        assert (await files.finish_s3(owner, bucket, large, [(1, md5(bytes(50)))])).size == 50


@asynchronous
async def test_parts_count_and_a_part_in_place_of_another_counts_for_the_difference(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, owner, bucket = bench.store.files, bench.principal, bench.bucket
        await cap(bench, storage=100)
        large = await files.start_large_file(owner, bucket, "large", NewFile("a/b"))
        await files.upload_part(owner, bucket, large, 1, Bytes(bytes(60)))
        with pytest.raises(errors.StorageCapExceeded):
            await files.upload_part(owner, bucket, large, 2, Bytes(bytes(41)))
        with pytest.raises(errors.StorageCapExceeded):
            await files.upload_part(owner, bucket, large, 1, Bytes(bytes(101), length=None))
        await files.upload_part(owner, bucket, large, 1, Bytes(bytes(100)))
        parts, _ = await files.list_parts(owner, bucket, large, limit=10)
        assert [part.size for part in parts] == [100]


@asynchronous
async def test_copies_count_though_they_share_the_bytes(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, owner, bucket = bench.store.files, bench.principal, bench.bucket
        source = await bench.put("source", bytes(100))
        large = await files.start_large_file(owner, bucket, "large", NewFile("a/b"))
        await cap(bench, storage=150)
        with pytest.raises(errors.StorageCapExceeded):
            await files.copy(owner, source, bucket, "copy")
        with pytest.raises(errors.StorageCapExceeded):
            await files.copy_part(owner, bucket, large, 1, source, byte_range=ByteRange(0, 50))
        await files.copy(owner, source, bucket, "copy", byte_range=ByteRange(0, 49))
        assert await bench.names() == ["copy", "source"]


@asynchronous
async def test_all_buckets_of_an_account_count_together_and_no_other_account_does(tmp_path):
    async with open_bench(tmp_path) as bench:
        second = await bench.store.buckets.create(bench.principal, "second-bucket", "allPrivate")
        other = await bench.store.identity.accounts.create("other@example.com", "a long password")
        operator = await bench.store.identity.accounts.operator(other.account.account_id)
        theirs = await bench.store.buckets.create(operator, "their-bucket", "allPrivate")
        await cap(bench, storage=100)
        await bench.store.files.upload(bench.principal, second, "here", NewFile("a/b"), Bytes(bytes(60)))
        await bench.store.files.upload(operator, theirs, "there", NewFile("a/b"), Bytes(bytes(5000)))
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("there", bytes(41))
        await bench.put("there", bytes(40))


@asynchronous
async def test_uploads_at_once_from_several_workers_cannot_pass_the_cap_together(tmp_path):
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(open_bench(tmp_path))
        second = await stack.enter_async_context(open_bench(tmp_path, new=False))
        second.principal, second.bucket = first.principal, first.bucket
        await cap(first, storage=1000)

        async def put(bench, number):
            try:
                await bench.put(f"file-{number}", bytes(100), length=None)
            except errors.StorageCapExceeded:
                return 0
            return 1

        taken = await asyncio.gather(*(put((first, second)[number % 2], number) for number in range(40)))
        assert sum(taken) == 10
        assert len(await first.names()) == 10


@asynchronous
async def test_a_new_cap_holds_at_once_in_every_worker(tmp_path):
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(open_bench(tmp_path))
        second = await stack.enter_async_context(open_bench(tmp_path, new=False))
        second.principal, second.bucket = first.principal, first.bucket
        for value in (0, None, 0, 500):
            await cap(first, storage=value)
            if value == 0:
                with pytest.raises(errors.StorageCapExceeded):
                    await second.put("file", b"1", length=None)
            else:
                await second.put("file", b"1", length=None)


@asynchronous
async def test_accounts_without_a_cap_are_asked_no_statement_about_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("first")
        with (
            mock.patch.object(caps, "find", side_effect=AssertionError("the cap was looked up again")),
            mock.patch.object(usage, "of_account", side_effect=AssertionError("what is held was summed up")),
        ):
            await bench.put("second")
            await bench.put("third", bytes(limits.INLINE_MAX_BYTES + 1))


@pytest.mark.parametrize("value", [-1, limits.CAP_MAX + 1])
@asynchronous
async def test_a_cap_out_of_range_is_refused_and_changes_nothing(tmp_path, value):
    async with open_bench(tmp_path) as bench:
        await cap(bench, storage=limits.CAP_MAX, class_b=0)
        for category in ("storage", "download", "class_b", "class_c"):
            with pytest.raises(errors.OutOfRange):
                await cap(bench, **{"class_c": 5, category: value})
        found = await bench.store.accounting.caps.of(bench.bucket.account_id)
        assert (found.storage, found.download, found.class_b, found.class_c) == (limits.CAP_MAX, None, 0, None)


@asynchronous
async def test_nobody_gets_a_cap_who_is_not_there(tmp_path):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.NoSuchAccount):
            await bench.store.accounting.caps.change("0" * 12, {"storage": 1})


# -- Alerts -----------------------------------------------------------------------------------------------------------
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
        for _ in range(2):
            last = await bench.put("more", bytes(20))
            await look()
            await bench.store.files.delete_version(bench.principal, bench.bucket, "more", str(last.file_id))
            await look()
        assert await alerts(bench) == [("storage", 75, 80), ("storage", 100, 100)], "at most once a day"
        bench.clock.ms += DAY_MS
        await bench.put("more", bytes(20))
        await look()
        assert await alerts(bench) == [("storage", 75, 80), ("storage", 100, 100), ("storage", 100, 100)]


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


@asynchronous
async def test_of_the_caps_of_operator_and_account_the_lower_counts_and_neither_changes_the_others(tmp_path):
    async with open_bench(tmp_path) as bench:
        caps_, account_id = bench.store.accounting.caps, bench.bucket.account_id
        await caps_.change(account_id, {"storage": 100, "download": 50})
        await caps_.change_own(bench.principal, {"storage": 1000, "download": 5, "class_c": 7})
        assert await caps_.of(account_id) == Caps(100, 5, None, 7)
        assert [one.cap for one in await caps_.every_standing()] == [100, 5, 7]
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("large", bytes(101))
        await caps_.change_own(bench.principal, dict.fromkeys(("storage", "download", "class_c")))
        assert await caps_.of(account_id) == await caps_.of_operator(account_id) == Caps(100, 50)
        await caps_.change(account_id, {"storage": None, "download": None})
        assert not await caps_.are_there()


@asynchronous
async def test_an_account_bounds_itself_at_once_within_limits_and_only_by_who_could_do_anything(tmp_path):
    async with open_bench(tmp_path) as bench:
        caps_ = bench.store.accounting.caps
        for wrong in (-1, limits.CAP_MAX + 1):
            with pytest.raises(errors.OutOfRange):
                await caps_.change_own(bench.principal, {"storage": wrong})
        key = await bench.store.identity.keys.create(bench.principal, "no-admin", ["writeFiles", "writeBuckets"])
        with pytest.raises(errors.Unauthorized):
            await caps_.change_own(Principal.of_key(key), {"storage": 1})
        await bench.put("first", bytes(3))
        await caps_.change_own(bench.principal, {"storage": 5})
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("second", bytes(3))


@asynchronous
async def test_a_cap_blocks_from_when_it_refuses_until_it_is_changed_or_there_is_room_again(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, account_id = bench.store, bench.bucket.account_id

        async def blocking():
            return [(one.category, one.used, one.cap) for one in await store.accounting.caps.blocking(account_id)]

        assert await blocking() == []
        await cap(bench, storage=10)
        await bench.put("file", bytes(8))
        assert await blocking() == []
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("more", bytes(3))
        await store.accounting.settle()
        assert await blocking() == [("storage", 8, 10)]
        await cap(bench, storage=20)
        assert await blocking() == []
        await cap(bench, storage=8)
        assert await blocking() == [("storage", 8, 8)]
