"""Requests by status, by operation in buckets and by key: what workers write down, and what reports make of it."""

from __future__ import annotations

from unittest import mock

import pytest

from harness.accounting import today
from harness.asynchronous import asynchronous
from harness.stores import open_bench
from undercroft import limits
from undercroft.store import Store, errors
from undercroft.store.accounting.model import DAY_MS, OTHER_KEYS, CallSums, Outcomes


def ask(accounting, account_id, call, of_class, bucket_id, key_id, *statuses):
    """Requests that were charged, and answered so."""
    for status in statuses:
        accounting.answered(accounting.charge(account_id, call, of_class, 1, bucket_id, key_id), status)


async def all_of(pages):
    return [row async for page in pages for row in page]


@asynchronous
async def test_requests_of_several_workers_add_up_by_status_by_call_and_by_bucket(tmp_path):
    async with open_bench(tmp_path) as bench:
        account_id, bucket_id, day = bench.bucket.account_id, bench.bucket.bucket_id, today(bench)
        keyring = bench.store.identity.keys._keyring
        workers = [Store(bench.catalog, bench.blobs, keyring, slot=slot, ambient=bench.clock) for slot in (3, 4)]
        for worker in workers:
            ask(worker.accounting, account_id, "GetObject", "B", bucket_id, "key", 200, 200, 304, 404, 503)
            ask(worker.accounting, account_id, "ListBuckets", "C", "", "key", 200)
            worker.accounting.answered((account_id, "", "", bucket_id, ""), 403)
            await worker.accounting.flush()
        bench.clock.ms += DAY_MS
        ask(workers[0].accounting, account_id, "GetObject", "B", bucket_id, "key", 500)
        ask(workers[0].accounting, account_id, "GetObject", "B", "another", "key", 200)
        await workers[0].accounting.flush()
        splits = bench.store.accounting.splits
        expected = await splits.requests(account_id, day, day + 1)
        assert expected.days == {day: Outcomes(6, 2, 4, 2, 0), day + 1: Outcomes(1, 0, 0, 0, 1)}
        assert expected.calls == [
            CallSums("B", "GetObject", 12, Outcomes(5, 2, 2, 2, 1)),
            CallSums("C", "ListBuckets", 2, Outcomes(2)),
            CallSums("", "", 0, Outcomes(0, 0, 2)),
        ]
        assert expected.statuses == [(200, 7), (304, 2), (403, 2), (404, 2), (503, 2), (500, 1)]
        assert (await splits.requests(account_id, day + 1, day + 1)).statuses == [(200, 1), (500, 1)]
        of_bucket = await splits.requests_of_bucket(account_id, bucket_id, day, day + 1)
        assert of_bucket.days == {day: Outcomes(4, 2, 4, 2, 0), day + 1: Outcomes(0, 0, 0, 0, 1)}
        assert of_bucket.calls == [
            CallSums("B", "GetObject", 11, Outcomes(4, 2, 2, 2, 1)), CallSums("", "", 0, Outcomes(0, 0, 2)),
        ]  # fmt: skip
        while await bench.store.work.usage.fold():
            pass
        bench.clock.ms += DAY_MS
        while await bench.store.work.usage.fold():
            pass
        for table in ("status_days", "bucket_call_days", "key_days"):
            assert not await bench.catalog.rows.all(f"SELECT 1 FROM {table} WHERE slot <> 0"), table
        assert await splits.requests(account_id, day, day + 1) == expected
        assert await splits.requests_of_bucket(account_id, bucket_id, day, day + 1) == of_bucket


@asynchronous
async def test_what_is_done_with_a_key_counts_under_it_by_day_also_when_it_is_deleted(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, account_id, day = bench.store, bench.bucket.account_id, today(bench)
        kept = await store.identity.keys.create(bench.principal, "kept", ["listFiles"])
        gone = await store.identity.keys.create(bench.principal, "gone", ["listFiles"])
        await bench.put("file", b"12345")
        version = await store.files.current(bench.principal, bench.bucket, "file")
        await store.files.read(version, 0, 5, None, kept.key_id)
        await store.files.read(version, 0, 2)
        ask(store.accounting, account_id, "GetObject", "B", bench.bucket.bucket_id, kept.key_id, 200, 200, 404)
        ask(store.accounting, account_id, "PutObject", "A", bench.bucket.bucket_id, gone.key_id, 200)
        await store.accounting.flush()
        bench.clock.ms += DAY_MS
        ask(store.accounting, account_id, "PutObject", "A", bench.bucket.bucket_id, gone.key_id, 503)
        await store.identity.keys.delete(bench.principal, gone.key_id)
        await store.accounting.flush()
        master = bench.principal.key
        found = {one.key_id: one for one in await store.accounting.splits.keys(account_id, day, day + 1)}
        assert set(found) == {kept.key_id, gone.key_id, "", master.key_id}
        of_kept, of_gone = found[kept.key_id], found[gone.key_id]
        assert (of_kept.name, of_kept.is_deleted, of_kept.class_b, of_kept.downloaded_bytes) == ("kept", False, 3, 5)
        assert of_kept.outcomes == Outcomes(2, 0, 1)
        assert (of_gone.name, of_gone.is_deleted, of_gone.class_a) == ("gone", True, 2)
        assert of_gone.outcomes == Outcomes(1, 0, 0, 1)
        assert (found[""].downloaded_bytes, found[""].name, found[""].is_deleted) == (2, None, False)
        assert (found[master.key_id].uploaded_bytes, found[master.key_id].name) == (5, master.name)
        days = await all_of(store.accounting.splits.days_of_keys(account_id, day, day + 1))
        assert [(one.name, one.done.day - day, one.done.key_id) for one in days if one.name == "gone"] == [
            ("gone", 0, gone.key_id), ("gone", 1, gone.key_id),
        ]  # fmt: skip
        assert [(one.done.day, one.done.key_id) for one in days] == sorted(
            (one.done.day, one.done.key_id) for one in days
        )
        assert days[0].done.key_id == "", "what was done without a key begins the first day"
        for rows in (1, 2, 3):
            with mock.patch.object(limits, "REPORT_PAGE_ROWS", rows):
                assert await all_of(store.accounting.splits.days_of_keys(account_id, day, day + 1)) == days
        first = await all_of(store.accounting.splits.days_of_keys(account_id, day, day))
        assert first == [one for one in days if one.done.day == day]
        of_first = {one.key_id: one for one in await store.accounting.splits.keys(account_id, day, day)}
        assert of_first[gone.key_id].class_a == 1


@asynchronous
async def test_keys_come_by_how_much_was_done_with_them_and_none_has_the_name_of_another_accounts_key(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, account_id, day = bench.store, bench.bucket.account_id, today(bench)
        made = await store.identity.accounts.create("other@example.com", "a long password")
        others = made.key
        for key_id, count in (("1", 1), ("2", 3), (others.key_id, 2)):
            ask(store.accounting, account_id, "GetObject", "B", "", key_id, *[200] * count)
        await store.accounting.flush()
        found = await store.accounting.splits.keys(account_id, day, day)
        assert [(one.key_id, one.name) for one in found] == [("2", None), (others.key_id, None), ("1", None)]


@asynchronous
async def test_the_name_of_a_deleted_key_is_kept_as_long_as_a_day_of_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, account_id = bench.store, bench.bucket.account_id
        used = await store.identity.keys.create(bench.principal, "used", ["listFiles"])
        unused = await store.identity.keys.create(bench.principal, "unused", ["listFiles"])
        ask(store.accounting, account_id, "ListObjects", "C", "", used.key_id, 200)
        for key in (used, unused):
            await store.identity.keys.delete(bench.principal, key.key_id)
        await store.accounting.flush()

        async def names_kept():
            return [name for (name,) in await bench.catalog.rows.all("SELECT name FROM deleted_keys ORDER BY name")]

        await store.work.usage.forget()
        assert await names_kept() == ["unused", "used"], "a worker may still have to write down what it was used for"
        bench.clock.ms += 2 * DAY_MS
        await store.work.usage.forget()
        assert await names_kept() == ["used"]
        bench.clock.ms += limits.ACCOUNTING_KEPT_DAYS * DAY_MS
        await store.work.usage.forget()
        assert await names_kept() == []
        assert not await bench.catalog.rows.all("SELECT 1 FROM key_days")


@asynchronous
async def test_beyond_so_many_keys_of_a_day_all_further_ones_count_as_one(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, account_id, day = bench.store, bench.bucket.account_id, today(bench)
        with mock.patch.object(limits, "ACCOUNTING_KEYS_PER_DAY", 3):
            for key_ids in (("1", "2"), ("1", "3", "4", "5"), ("2", "4", "6")):
                for key_id in key_ids:
                    ask(store.accounting, account_id, "GetObject", "B", "", key_id, 200)
                await store.accounting.flush()
        found = await store.accounting.splits.keys(account_id, day, day)
        assert {one.key_id: one.class_b for one in found} == {"1": 2, "2": 2, "3": 1, OTHER_KEYS: 4}
        [others] = [one for one in found if one.key_id == OTHER_KEYS]
        assert not others.is_deleted


@asynchronous
async def test_rows_come_page_by_page_in_order_and_none_is_left_out(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, account_id, first = bench.store, bench.bucket.account_id, today(bench)
        for _ in range(3):
            for call, of_class in (("GetObject", "B"), ("PutObject", "A"), ("ListBuckets", "C")):
                for bucket_id in ("one", "two", ""):
                    ask(store.accounting, account_id, call, of_class, bucket_id, "", 200, 404)
            await store.accounting.flush()
            bench.clock.ms += DAY_MS
        splits = store.accounting.splits

        async def everything():
            return (
                await all_of(splits.days_of_statuses(account_id, first, first + 1)),
                await all_of(splits.days_of_bucket_calls(account_id, first, first + 1)),
                await all_of(splits.days_of_bucket_calls(account_id, first, first + 1, "two")),
            )

        statuses, calls, of_two = await everything()
        assert (len(statuses), len(calls), len(of_two)) == (12, 12, 6)
        assert statuses == sorted(statuses)
        assert calls == sorted(calls)
        assert of_two == [row for row in calls if row.bucket_id == "two"]
        for rows in (1, 5, 6, 12):
            with mock.patch.object(limits, "REPORT_PAGE_ROWS", rows):
                assert await everything() == (statuses, calls, of_two)


@pytest.mark.parametrize("days", [0, limits.ACCOUNTING_REPORT_MAX_DAYS + 1])
@asynchronous
async def test_a_split_of_no_days_or_too_many_is_refused(tmp_path, days):
    async with open_bench(tmp_path) as bench:
        splits, account_id, first = bench.store.accounting.splits, bench.bucket.account_id, today(bench)
        span = first, first + days - 1
        for work in (splits.requests(account_id, *span), splits.keys(account_id, *span),
                     splits.requests_of_bucket(account_id, "a bucket", *span)):  # fmt: skip
            with pytest.raises(errors.OutOfRange):
                await work
        for pages in (splits.days_of_keys, splits.days_of_statuses, splits.days_of_bucket_calls):
            with pytest.raises(errors.OutOfRange):
                await all_of(pages(account_id, *span))
