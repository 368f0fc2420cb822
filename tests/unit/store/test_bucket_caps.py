"""Caps on what one bucket holds."""

from __future__ import annotations

import asyncio
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.stores import Bytes, open_as_it_is, open_bench
from undercroft import limits
from undercroft.catalog.schema import DELTAS
from undercroft.store import errors
from undercroft.store.dialect import NATIVE
from undercroft.store.identity.principals import Principal
from undercroft.store.model import BucketCaps, NewFile


async def cap(bench, **caps):
    return await bench.store.buckets.set_caps(bench.principal, bench.bucket.bucket_id, BucketCaps(**caps))


async def refused(putting):
    with pytest.raises(errors.BucketCapExceeded):
        await putting


@asynchronous
async def test_a_bucket_holds_bytes_up_to_its_cap_and_no_more(tmp_path):
    async with open_bench(tmp_path) as bench:
        await cap(bench, size_bytes=10)
        await bench.put("nine", bytes(9))
        await bench.put("ten", bytes(1))
        await refused(bench.put("eleven", bytes(1)))
        await refused(bench.put("unsaid", bytes(1), length=None))
        assert await bench.names() == ["nine", "ten"]
        other = await bench.store.buckets.create(bench.principal, "another-bucket", "allPrivate")
        await bench.store.files.upload(bench.principal, other, "elsewhere", NewFile("text/plain"), Bytes(bytes(100)))


@asynchronous
async def test_a_bucket_shows_files_up_to_its_cap_and_lets_them_be_overwritten(tmp_path):
    async with open_bench(tmp_path) as bench:
        await cap(bench, files=2)
        for name in ("one", "two", "two"):
            await bench.put(name)
        await refused(bench.put("three"))
        await bench.store.files.hide(bench.principal, bench.bucket, "one", NATIVE)
        await bench.put("three")
        assert await bench.names() == ["three", "two"]


@asynchronous
async def test_what_shows_more_files_than_a_lowered_cap_can_still_be_overwritten_and_deleted(tmp_path):
    async with open_bench(tmp_path) as bench:
        for name in ("one", "two", "three"):
            await bench.put(name)
        await cap(bench, files=1)
        version = await bench.put("two")
        await refused(bench.put("four"))
        await bench.store.files.hide(bench.principal, bench.bucket, "one", NATIVE)
        await refused(bench.put("one"))
        await bench.store.files.delete_version(bench.principal, bench.bucket, "two", str(version.file_id))
        assert await bench.names() == ["three", "two"]


@asynchronous
async def test_a_large_file_that_would_be_one_too_many_is_not_finished_and_can_be_canceled(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, new = bench.store.files, NewFile("text/plain")
        larges, parts = [], []
        for name in ("large", "larger", "one"):
            larges.append(await files.start_large_file(bench.principal, bench.bucket, name, new))
            parts.append(await files.upload_part(bench.principal, bench.bucket, larges[-1], 1, Bytes(b"part")))
        await bench.put("one")
        await cap(bench, files=1)
        await refused(files.finish_s3(bench.principal, bench.bucket, larges[0], [(1, parts[0].md5)]))
        with pytest.raises(errors.BucketCapExceeded, match=f"exceeded: {bench.bucket.name}"):
            await files.finish_s3(bench.principal, bench.bucket, larges[1], [(1, parts[1].md5)])
        await files.finish_s3(bench.principal, bench.bucket, larges[2], [(1, parts[2].md5)])
        assert await bench.names() == ["one"]
        await files.cancel(bench.principal, bench.bucket, larges[0])
        await cap(bench, files=2, size_bytes=0)
        await files.finish_s3(bench.principal, bench.bucket, larges[1], [(1, parts[1].md5)])
        assert await bench.names() == ["larger", "one"], "its bytes were held already"


@asynchronous
async def test_a_copy_that_would_be_one_too_many_is_refused(tmp_path):
    async with open_bench(tmp_path) as bench:
        source = await bench.put("one")
        await cap(bench, files=1)
        copy = bench.store.files.copy
        await refused(copy(bench.principal, source, bench.bucket, "two"))
        await copy(bench.principal, source, bench.bucket, "one")
        assert await bench.names() == ["one"]


@asynchronous
async def test_two_processes_that_store_at_once_do_not_pass_a_cap_together(tmp_path):
    async with open_bench(tmp_path) as bench, open_as_it_is(tmp_path, bench.clock) as other:
        other.principal, other.bucket = bench.principal, bench.bucket
        await cap(bench, files=5, size_bytes=5 * 4)
        await bench.store.accounting.caps.change(bench.bucket.account_id, {"files": 5})
        puts = [one.put(f"{number}-{one is other}") for number in range(8) for one in (bench, other)]
        outcomes = await asyncio.gather(*puts, return_exceptions=True)
        assert sum(isinstance(outcome, errors.StorageCapExceeded) for outcome in outcomes) == len(puts) - 5
        assert len(await bench.names()) == 5


@asynchronous
async def test_an_account_shows_files_up_to_its_cap_over_all_its_buckets(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounting, account_id = bench.store.accounting, bench.bucket.account_id
        other = await bench.store.buckets.create(bench.principal, "another-bucket", "allPrivate")
        await accounting.caps.change(account_id, {"files": 2})
        await bench.put("one")
        new = NewFile("text/plain")
        await bench.store.files.upload(bench.principal, other, "two", new, Bytes(b"2"))
        with pytest.raises(errors.FilesCapExceeded):
            await bench.put("three")
        await bench.put("one")
        await accounting.settle()
        assert [(one.category, one.percent) for one in await accounting.alerts.recent(account_id, days=1)] == [
            ("files", 100)
        ]
        assert [(one.category, one.used, one.cap) for one in await accounting.caps.blocking(account_id)] == [
            ("files", 2, 2)
        ]
        await bench.store.files.hide(bench.principal, bench.bucket, "one", NATIVE)
        await bench.put("three")
        await accounting.caps.change(account_id, {"files": None})
        await bench.put("four")


@asynchronous
async def test_without_a_cap_nothing_is_asked_of_what_is_held(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("warm")
        with mock.patch.multiple("undercroft.catalog.usage", of_bucket=mock.DEFAULT, of_account=mock.DEFAULT) as asked:
            await bench.put("file")
        assert [one.call_count for one in asked.values()] == [0, 0]


@asynchronous
async def test_a_changed_cap_holds_at_once_in_every_process_and_a_lifted_one_is_gone(tmp_path):
    async with open_bench(tmp_path) as bench, open_as_it_is(tmp_path, bench.clock) as other:
        other.principal, other.bucket = bench.principal, bench.bucket
        await other.put("before", bytes(5))
        await cap(bench, size_bytes=5)
        await refused(other.put("while", bytes(1)))
        await cap(bench)
        assert (await bench.store.buckets.find(bucket_id=bench.bucket.bucket_id)).caps is None
        await other.put("after", bytes(1))


@asynchronous
async def test_what_the_cap_of_a_bucket_refused_is_no_alert_about_its_account(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.store.accounting.caps.change(bench.bucket.account_id, {"storage": 1000})
        await cap(bench, size_bytes=1)
        await refused(bench.put("file", bytes(2)))
        await bench.store.accounting.settle()
        found = await bench.store.accounting.alerts.recent(bench.bucket.account_id, days=1)
        assert [(one.subject.kind, one.subject.name, one.cap) for one in found] == [("bucket", bench.bucket.name, 1)]


@asynchronous
async def test_a_cap_is_set_within_its_limits_by_who_may_change_the_bucket(tmp_path):
    async with open_bench(tmp_path) as bench:
        for wrong in (-1, limits.CAP_MAX + 1):
            for field in ("size_bytes", "files"):
                with pytest.raises(errors.OutOfRange):
                    await cap(bench, **{field: wrong})
        assert (await cap(bench, files=limits.CAP_MAX)).caps == BucketCaps(None, limits.CAP_MAX)
        reader = await bench.store.identity.keys.create(bench.principal, "reader", ["readBuckets", "listBuckets"])
        with pytest.raises(errors.Unauthorized):
            await bench.store.buckets.set_caps(Principal.of_key(reader), bench.bucket.bucket_id, BucketCaps())


@asynchronous
async def test_what_was_stored_before_it_was_counted_so_is_counted_when_the_catalog_is_brought_up_to_date(tmp_path):
    async with open_bench(tmp_path) as bench:
        for name, size in (("file", 1), ("file", 20), ("other", 300)):
            await bench.put(name, bytes(size))
        await bench.store.files.hide(bench.principal, bench.bucket, "other", NATIVE)
        new = NewFile("text/plain")
        large = await bench.store.files.start_large_file(bench.principal, bench.bucket, "large", new)
        await bench.store.files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(bytes(4000)))
        counted = await bench.store.buckets.usage(bench.principal)
        statements = [text for delta in DELTAS for text in delta if text.startswith("INSERT INTO usage_deltas")]

        async def change(tx):
            await tx.run("UPDATE usage_deltas SET files = 0, file_bytes = 0, unfinished_bytes = 0")
            for statement in statements:
                await tx.run(statement)

        await bench.catalog.write(change)
        assert await bench.store.buckets.usage(bench.principal) == counted
        assert [*counted.values()] == [(5, 4321, 1, 20, 4000)]
