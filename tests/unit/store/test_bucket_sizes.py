"""The sizes of an account's buckets over the last days."""

from __future__ import annotations

from harness.asynchronous import asynchronous
from harness.stores import open_bench

DAY_MS = 86_400_000


@asynchronous
async def test_the_sizes_of_buckets_are_those_of_each_day_and_of_now(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, account_id, bucket_id = bench.store, bench.bucket.account_id, bench.bucket.bucket_id
        other = await store.buckets.create(bench.principal, "another-bucket", "allPrivate")
        await bench.put("first", b"12345")
        await store.work.usage.sample_storage()
        bench.clock.ms += 2 * DAY_MS
        await bench.put("second", b"123")
        sizes = await store.accounting.reports.sizes_of_buckets(account_id, 4)
        assert sizes[bucket_id] == [None, 5, None, 8]
        assert other.bucket_id not in sizes
        assert await store.accounting.reports.sizes_of_buckets(account_id, 2) == {bucket_id: [None, 8]}
