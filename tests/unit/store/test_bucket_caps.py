"""Caps on what one bucket holds."""

from __future__ import annotations

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
async def test_the_cap_of_a_bucket_raises_no_alert_about_its_account(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.store.accounting.caps.change(bench.bucket.account_id, {"storage": 1000})
        await cap(bench, size_bytes=1)
        await refused(bench.put("file", bytes(2)))
        await bench.store.accounting.settle()
        assert await bench.store.accounting.alerts.recent(bench.bucket.account_id, days=1) == []


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
