"""Copying and moving: where files go, what is in their way, and what stops it."""

from __future__ import annotations

from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.jobs import begin, done, go_on, run_to_end, visible
from harness.stores import open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.buckets.lock import LockChange
from undercroft.store.identity.principals import Principal
from undercroft.store.model import BucketCaps, NewFile
from undercroft.store.work.jobs.model import State, Tally, Transfer, What


@pytest.mark.parametrize("page", [1, 1000])
@asynchronous
async def test_t57_a_folder_that_is_moved_keeps_content_type_and_info(tmp_path, page):
    async with open_bench(tmp_path) as bench:
        for number in range(3):
            await bench.put(f"old/{number}", b"%d" % number, new=NewFile("text/x", {"n": str(number)}))
        await bench.put("older", b"stays")
        asked = Transfer("old/", bench.bucket.bucket_id, "new/sub/", is_move=True)
        before = await visible(bench)
        survey = await bench.store.jobs.survey(bench.principal, bench.bucket, asked)
        with mock.patch.object(limits, "JOB_PAGE", page):
            job = await run_to_end(bench, asked)
        assert done(job) == survey.tally == Tally(looked_at=3, copied=3, copied_bytes=3, hidden=3)
        assert await visible(bench) == {name.replace("old/", "new/sub/"): one for name, one in before.items()}
        assert ("old/0", "HIDE") in await bench.versions()


@asynchronous
async def test_a_copy_leaves_its_source_and_goes_to_another_bucket_too(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a/1", b"x" * 100_000)
        other = await bench.store.buckets.create(bench.principal, "other-bucket", "allPrivate")
        tally = done(await run_to_end(bench, Transfer("a/", other.bucket_id, "b/")))
        assert (tally.copied, tally.hidden) == (1, 0)
        assert await bench.names() == ["a/1"]
        bench.bucket = other
        assert await bench.get("b/1") == b"x" * 100_000


@pytest.mark.parametrize(("existing", "content"), [("skip", b"there"), ("overwrite", b"moved")])
@asynchronous
async def test_where_the_target_has_a_file_the_job_does_as_it_was_told(tmp_path, existing, content):
    async with open_bench(tmp_path) as bench:
        await bench.put("a/1", b"moved")
        await bench.put("b/1", b"there")
        asked = Transfer("a/", bench.bucket.bucket_id, "b/", is_move=True, existing=existing)
        job = await run_to_end(bench, asked)
        assert await bench.get("b/1") == content
        if existing == "skip":
            assert done(job) == Tally(looked_at=1, skipped=1)
            [remark] = await bench.store.jobs.remarks(bench.principal, job.job_id, limit=10)
            assert (remark.what, remark.name) == (What.EXISTS, "a/1")
            assert await bench.names() == ["a/1", "b/1"]
        else:
            assert await bench.names() == ["b/1"]


@asynchronous
async def test_a_move_that_purges_removes_all_versions_of_what_it_moved_but_those_that_are_locked(tmp_path):
    async with open_bench(tmp_path) as bench:
        bench.bucket = await bench.store.buckets.create(
            bench.principal, "locked-bucket", "allPrivate", lock=LockChange(enabled=True)
        )
        await bench.put("a/1")
        await bench.put("a/1", b"x" * 100_000)
        await bench.put("a/2", new=NewFile("a/b", legal_hold=True))
        await bench.put("a/2")
        asked = Transfer("a/", bench.bucket.bucket_id, "b/", is_move=True, is_purged=True)
        tally = done(await run_to_end(bench, asked))
        assert (tally.copied, tally.deleted, tally.locked, tally.hidden) == (2, 3, 1, 1)
        assert await bench.versions() == [("a/2", "HIDE"), ("a/2", "UPLOAD"), ("b/1", "UPLOAD"), ("b/2", "UPLOAD")]
        assert await bench.get("b/1") == b"x" * 100_000


@asynchronous
async def test_a_name_with_too_many_versions_is_hidden_and_not_purged(tmp_path):
    async with open_bench(tmp_path) as bench:
        for _ in range(3):
            await bench.put("a/1")
        asked = Transfer("a/", bench.bucket.bucket_id, "b/", is_move=True, is_purged=True)
        with mock.patch.object(limits, "JOB_PURGE_VERSIONS_MAX", 2):
            job = await run_to_end(bench, asked)
        assert (job.tally.copied, job.tally.deleted, job.tally.hidden) == (1, 0, 1)
        [remark] = await bench.store.jobs.remarks(bench.principal, job.job_id, limit=10)
        assert remark.what is What.NOT_PURGED


@asynchronous
async def test_a_folder_does_not_go_into_itself_and_no_file_back_to_where_it_is_taken_from(tmp_path):
    async with open_bench(tmp_path) as bench:
        own = bench.bucket.bucket_id
        for target in ("a/", "a/b/"):
            with pytest.raises(errors.InvalidRequest):
                await bench.store.jobs.begin(bench.principal, bench.bucket, Transfer("a/", own, target))
        await bench.put("a/b/a/b/c")
        await bench.put("a/b/d")
        job = await run_to_end(bench, Transfer("a/b/", own, "", is_move=True))
        assert (job.tally.copied, job.tally.skipped) == (1, 1)
        assert await bench.names() == ["a/b/a/b/c", "d"]
        [remark] = await bench.store.jobs.remarks(bench.principal, job.job_id, limit=10)
        assert (remark.what, remark.name) == (What.INSIDE, "a/b/a/b/c")


@asynchronous
async def test_a_name_that_would_be_too_long_is_skipped_and_listed(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a/" + "x" * 1000)
        await bench.put("a/y")
        job = await run_to_end(bench, Transfer("a/", bench.bucket.bucket_id, "b" * 30 + "/"))
        assert (job.tally.copied, job.tally.skipped) == (1, 1)
        [remark] = await bench.store.jobs.remarks(bench.principal, job.job_id, limit=10)
        assert remark.what is What.NAME


@asynchronous
async def test_nothing_goes_to_a_bucket_of_another_account(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a/1")
        account = await bench.store.identity.accounts.create("stranger@example.com", "a long password")
        theirs = await bench.store.buckets.create(Principal.of_key(account.key), "their-bucket", "allPublic")
        with pytest.raises(errors.Unauthorized):
            await bench.store.jobs.begin(bench.principal, bench.bucket, Transfer("a/", theirs.bucket_id, ""))
        with pytest.raises(errors.NoSuchBucket):
            await bench.store.jobs.begin(bench.principal, bench.bucket, Transfer("a/", "0" * 24, ""))


@asynchronous
async def test_a_copy_whose_target_is_gone_has_failed(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a/1")
        other = await bench.store.buckets.create(bench.principal, "other-bucket", "allPrivate")
        job = await begin(bench, Transfer("a/", other.bucket_id, ""))
        await bench.store.buckets.delete(bench.principal, other.bucket_id)
        job = await go_on(bench, job)
        assert job.state is State.FAILED
        assert "gone" in job.reason


@asynchronous
async def test_a_cap_on_storage_pauses_a_job_that_would_store_more(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a/1", b"x" * 10)
        account_id = bench.principal.account_id
        await bench.store.accounting.caps.change(account_id, {"storage": 15})
        job = await run_to_end(bench, Transfer("a/", bench.bucket.bucket_id, "b/"))
        assert (job.state, job.reason) == (State.PAUSED, "The account has reached its cap on storage.")
        assert await bench.names() == ["a/1"]
        await bench.store.accounting.caps.change(account_id, {"storage": 20})
        await bench.store.jobs.resume(bench.principal, job.job_id)
        assert done(await go_on(bench, job)).copied == 1


@asynchronous
async def test_the_cap_of_the_bucket_that_is_copied_to_pauses_a_job(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a/1", b"x" * 10)
        other = await bench.store.buckets.create(bench.principal, "other-bucket", "allPrivate")
        await bench.store.buckets.set_caps(bench.principal, other.bucket_id, BucketCaps(size_bytes=9))
        job = await run_to_end(bench, Transfer("a/", other.bucket_id, "b/"))
        assert (job.state, job.reason) == (State.PAUSED, "A bucket has reached its cap.")
        await bench.store.buckets.set_caps(bench.principal, other.bucket_id, BucketCaps(size_bytes=10))
        await bench.store.jobs.resume(bench.principal, job.job_id)
        assert done(await go_on(bench, job)).copied == 1
