"""Rewinding: what a bucket is like afterwards, and what is left as it is."""

from __future__ import annotations

import asyncio
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.jobs import begin, done, go_on, look, run_to_end, visible
from harness.lifecycle import versions_of
from harness.stores import Bytes, md5, open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.buckets.lock import LockChange
from undercroft.store.dialect import S3
from undercroft.store.model import CustomerKey, DefaultRetention, NewFile, Retention
from undercroft.store.work.jobs.model import Rewind, State, Tally

DAY_MS = 86_400_000


@asynchronous
async def test_a_rewind_moves_no_bytes_and_keeps_digests_parts_and_encryption(tmp_path):
    async with open_bench(tmp_path) as bench:
        blob, part = b"b" * 100_000, b"p" * 100_000
        customer = CustomerKey(b"k" * 32, "md5")
        await bench.put("blob", blob, new=NewFile("text/x", {"a": "b"}, checksum_algorithm="crc32"))
        await bench.put("customer", blob, new=NewFile("a/b", encryption=customer))
        large = await bench.store.files.start_large_file(bench.principal, bench.bucket, "large", NewFile("a/b"))
        await bench.store.files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(part))
        await bench.store.files.finish_s3(bench.principal, bench.bucket, large, [(1, md5(part))])
        then, looked = bench.clock.ms, await visible(bench)
        bench.clock.ms += 1
        for name in looked:
            await bench.store.files.hide(bench.principal, bench.bucket, name, S3)
        blobs = bench.blob_count()
        tally = done(await run_to_end(bench, Rewind(then)))
        assert (tally.copied, tally.copied_bytes) == (3, 300_000)
        assert await visible(bench) == looked
        assert bench.blob_count() == blobs
        assert await bench.get("large") == part
        version = await bench.store.files.current(bench.principal, bench.bucket, "customer")
        assert await bench.store.files.read(version, 0, version.size, customer) == blob
        assert done(await run_to_end(bench, Rewind(then))).changes == 0


@asynchronous
async def test_large_files_of_one_description_are_the_same_only_if_their_bytes_are(tmp_path):
    async with open_bench(tmp_path) as bench:
        moments = []
        for part in (b"a" * 70_000, b"b" * 70_000):
            large = await bench.store.files.start_large_file(bench.principal, bench.bucket, "large", NewFile("a/b"))
            await bench.store.files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(part))
            await bench.store.files.finish_s3(bench.principal, bench.bucket, large, [(1, md5(part))])
            moments.append(bench.clock.ms)
            bench.clock.ms += 1
        await bench.catalog.write(lambda tx: tx.run("UPDATE versions SET etag = 'collided-1'"))
        assert done(await run_to_end(bench, Rewind(moments[0]))).copied == 1
        assert await bench.get("large") == b"a" * 70_000
        assert done(await run_to_end(bench, Rewind(moments[0]))).changes == 0


@asynchronous
async def test_a_name_that_is_written_to_after_a_rewind_began_is_left_as_it_is(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a", b"old")
        then = bench.clock.ms
        bench.clock.ms += 1
        await bench.put("a", b"middle")
        job = await begin(bench, Rewind(then))
        await bench.put("a", b"new")
        await bench.put("b")
        assert done(await go_on(bench, job)) == Tally(looked_at=4, newer=2)
        assert await bench.get("a") == b"new"


@asynchronous
async def test_the_future_cannot_be_rewound_to(tmp_path):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.InvalidRequest):
            await bench.store.jobs.begin(bench.principal, bench.bucket, Rewind(bench.clock.ms + 1))
        with pytest.raises(errors.InvalidRequest):
            await bench.store.jobs.survey(bench.principal, bench.bucket, Rewind(-1))
        await bench.store.jobs.begin(bench.principal, bench.bucket, Rewind(bench.clock.ms))


@asynchronous
async def test_what_a_rewind_brings_back_is_retained_as_new_files_of_its_bucket_are(tmp_path):
    async with open_bench(tmp_path) as bench:
        lock = LockChange(enabled=True, default_retention=DefaultRetention("governance", 2, "days"))
        bench.bucket = await bench.store.buckets.create(bench.principal, "locked-bucket", "allPrivate", lock=lock)
        first = await bench.put("a", b"old")
        then = bench.clock.ms
        bench.clock.ms += 1
        await bench.put("a", b"new")
        done(await run_to_end(bench, Rewind(then)))
        clone = await bench.store.files.current(bench.principal, bench.bucket, "a")
        assert clone.retention == Retention("governance", clone.received_ms + 2 * DAY_MS)
        listed = await versions_of(bench)
        assert [one.retention for one in listed if one.file_id == first.file_id] == [first.retention]


@asynchronous
async def test_a_rewind_while_others_write_brings_back_all_that_nobody_wrote_to(tmp_path):
    async with open_bench(tmp_path) as bench:
        names = [f"{number:02}" for number in range(40)]
        for name in names:
            await bench.put(name, b"old " + name.encode())
        then = bench.clock.ms
        bench.clock.ms += 1
        for name in names:
            await bench.put(name, b"changed")
        job = await begin(bench, Rewind(then))
        written = names[::3]

        async def write():
            for name in written:
                await bench.put(name, b"written")

        with mock.patch.multiple(limits, JOB_PAGE=5, JOB_TRANSACTION_WEIGHT=2):
            await asyncio.gather(go_on(bench, job), write())
        assert (await look(bench, job)).state is State.DONE
        for name in names:
            assert await bench.get(name) == (b"written" if name in written else b"old " + name.encode())
        tally = done(await run_to_end(bench, Rewind(then)))
        assert tally.copied == len(written), "what was written stays only as long as nobody asks again"
