"""Emptying: what it removes, what it leaves, and what it lists."""

from __future__ import annotations

from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.jobs import begin, done, go_on, look, run_to_end
from harness.lifecycle import versions_of
from harness.stores import Bytes, md5, open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.buckets.lock import LockChange
from undercroft.store.dialect import S3
from undercroft.store.model import NewFile, Retention
from undercroft.store.work.jobs.model import Empty, Tally, What

DAY_MS = 86_400_000


async def start(bench, name):
    large = await bench.store.files.start_large_file(bench.principal, bench.bucket, name, NewFile("a/b"))
    await bench.store.files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(b"part"))
    return large


async def everything(bench):
    """Files, older versions, hide markers and an unfinished large file."""
    for name in ("a", "dir/b", "dir/b", "dir/c"):
        await bench.put(name, b"12345")
    await bench.store.files.hide(bench.principal, bench.bucket, "dir/c", S3)
    await start(bench, "dir/large")


@asynchronous
async def test_emptying_removes_versions_hide_markers_and_unfinished_files_and_then_the_bucket_can_go(tmp_path):
    async with open_bench(tmp_path) as bench:
        await everything(bench)
        survey = await bench.store.jobs.survey(bench.principal, bench.bucket, Empty())
        job = await run_to_end(bench, Empty())
        assert done(job) == survey.tally
        assert job.tally == Tally(looked_at=6, deleted=4, deleted_bytes=20, hide_markers_deleted=1, canceled=1)
        assert (job.total, job.progress) == (6, 1.0)
        assert await versions_of(bench) == []
        await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)
        with pytest.raises(errors.NoSuchJob):
            await look(bench, job)


@asynchronous
async def test_a_folder_is_emptied_alone(tmp_path):
    async with open_bench(tmp_path) as bench:
        await everything(bench)
        done(await run_to_end(bench, Empty("dir/")))
        assert await bench.versions() == [("a", "UPLOAD")]


@asynchronous
async def test_p7_emptying_leaves_what_is_locked_and_lists_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        bench.bucket = await bench.store.buckets.create(
            bench.principal, "locked-bucket", "allPrivate", lock=LockChange(enabled=True)
        )
        until_ms = bench.clock.ms + DAY_MS
        kept = [
            await bench.put("governed", new=NewFile("a/b", retention=Retention("governance", until_ms))),
            await bench.put("held", new=NewFile("a/b", legal_hold=True)),
            await bench.put("kept", new=NewFile("a/b", retention=Retention("compliance", until_ms))),
        ]
        await bench.put("free")
        job = await run_to_end(bench, Empty())
        assert done(job) == Tally(looked_at=4, deleted=1, deleted_bytes=4, locked=3)
        remarks = await bench.store.jobs.remarks(bench.principal, job.job_id, limit=10)
        assert [(each.number, each.what, each.name, each.file_id) for each in remarks] == [
            (number, What.LOCKED, one.name, str(one.file_id)) for number, one in enumerate(kept, 1)
        ]
        assert await bench.store.jobs.remarks(bench.principal, job.job_id, after=2, limit=10) == remarks[2:]
        assert await bench.names() == ["governed", "held", "kept"]


@asynchronous
async def test_what_comes_after_an_emptying_began_stays(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        large = await start(bench, "large")
        job = await begin(bench, Empty())
        await bench.put("a", b"new")
        await bench.put("z")
        await bench.store.files.finish_s3(bench.principal, bench.bucket, large, [(1, md5(b"part"))])
        assert done(await go_on(bench, job)) == Tally(looked_at=4, deleted=1, deleted_bytes=4, newer=3)
        assert await bench.versions() == [("a", "UPLOAD"), ("large", "UPLOAD"), ("z", "UPLOAD")]


@pytest.mark.parametrize(("listed", "room"), [(2, 2), (3, 3), (3, 4)])
@asynchronous
async def test_a_job_lists_so_many_versions_and_counts_all(tmp_path, listed, room):
    async with open_bench(tmp_path) as bench:
        bench.bucket = await bench.store.buckets.create(
            bench.principal, "locked-bucket", "allPrivate", lock=LockChange(enabled=True)
        )
        for number in range(3):
            await bench.put(str(number), new=NewFile("a/b", legal_hold=True))
        with mock.patch.multiple(limits, JOB_REMARKS_MAX=room, JOB_TRANSACTION_WEIGHT=1):
            job = await run_to_end(bench, Empty())
        assert job.tally.locked == 3
        assert len(await bench.store.jobs.remarks(bench.principal, job.job_id, limit=10)) == listed
