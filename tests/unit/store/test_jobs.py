"""Jobs: what each kind does, who may do what with them, and what stops them."""

from __future__ import annotations

import asyncio
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.jobs import begin, done, go_on, look, run_to_end, visible
from harness.lifecycle import versions_of
from harness.stores import Bytes, md5, open_bench
from undercroft import limits
from undercroft.catalog import invalidations, jobs
from undercroft.catalog.contract import CatalogFull
from undercroft.store import errors
from undercroft.store.buckets.lock import LockChange
from undercroft.store.dialect import S3
from undercroft.store.identity.principals import Principal
from undercroft.store.model import BucketCaps, CustomerKey, DefaultRetention, NewFile, Retention
from undercroft.store.work.jobs.emptying import Emptying
from undercroft.store.work.jobs.model import Empty, Rewind, State, Tally, Transfer, What

DAY_MS = 86_400_000


async def hide(bench, name):
    return await bench.store.files.hide(bench.principal, bench.bucket, name, S3)


async def start(bench, name):
    large = await bench.store.files.start_large_file(bench.principal, bench.bucket, name, NewFile("a/b"))
    await bench.store.files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(b"part"))
    return large


async def everything(bench):
    """Files, older versions, hide markers and an unfinished large file."""
    for name in ("a", "dir/b", "dir/b", "dir/c"):
        await bench.put(name, b"12345")
    await hide(bench, "dir/c")
    await start(bench, "dir/large")


async def key_for(bench, *capabilities, **options):
    key = await bench.store.identity.keys.create(bench.principal, "some", list(capabilities), **options)
    return Principal.of_key(key)


def put_in(bench, bucket, name, *, principal):
    return bench.store.files.upload(principal, bucket, name, NewFile("a/b"), Bytes(b"data"))


# -- Emptying ---------------------------------------------------------------------------------------------------------
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


# -- Rewinding --------------------------------------------------------------------------------------------------------
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
            await hide(bench, name)
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


# -- Copying and moving -----------------------------------------------------------------------------------------------
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


# -- Pausing, canceling, going on -------------------------------------------------------------------------------------
@asynchronous
async def test_a_paused_job_does_nothing_until_it_is_resumed_and_a_canceled_one_never_again(tmp_path):
    async with open_bench(tmp_path) as bench:
        for number in range(4):
            await bench.put(str(number))
        store, principal = bench.store, bench.principal
        with mock.patch.multiple(limits, JOB_PAGE=1, JOB_TURN_PAGES=1):
            job = await begin(bench, Empty())
            assert await store.work.jobs.run()
            assert len(await bench.names()) == 3
            assert (await store.jobs.pause(principal, job.job_id)).state is State.PAUSED
            assert not await store.work.jobs.run()
            with pytest.raises(errors.JobConflict):
                await store.jobs.pause(principal, job.job_id)
            assert len(await bench.names()) == 3
            assert (await store.jobs.resume(principal, job.job_id)).state is State.RUNNING
            assert await store.work.jobs.run()
            assert len(await bench.names()) == 2
            canceled = await store.jobs.cancel(principal, job.job_id)
            assert (canceled.state, canceled.ended_ms) == (State.CANCELED, bench.clock.ms)
            assert not await store.work.jobs.run()
            for change in (store.jobs.pause, store.jobs.resume, store.jobs.cancel):
                with pytest.raises(errors.JobConflict):
                    await change(principal, job.job_id)
        assert len(await bench.names()) == 2
        assert (await look(bench, job)).tally.deleted == 2


@asynchronous
async def test_a_job_that_is_canceled_between_its_look_and_its_act_does_nothing_more(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        job = await begin(bench, Empty())
        task_look = bench.catalog.scan

        async def scan_and_cancel(query):
            result = await task_look(query)
            if (await look_at_row(bench, job)).state == "running" and isinstance(result, tuple):
                await bench.store.jobs.cancel(bench.principal, job.job_id)
            return result

        with mock.patch.object(bench.catalog, "scan", scan_and_cancel):
            await bench.store.work.jobs.run()
        assert (await look(bench, job)).state is State.CANCELED
        assert await bench.names() == ["a"]


async def look_at_row(bench, job):
    return await jobs.find(bench.catalog.rows, job.job_id)


@asynchronous
async def test_two_processes_at_once_do_a_job_once(tmp_path):
    async with open_bench(tmp_path) as bench:
        then = bench.clock.ms
        bench.clock.ms += 1
        for number in range(30):
            await bench.put(f"{number:02}")
        job = await begin(bench, Rewind(then))
        async with open_bench(tmp_path, clock=bench.clock, new=False) as other:
            with mock.patch.multiple(limits, JOB_TRANSACTION_WEIGHT=1):
                await asyncio.gather(bench.store.work.jobs.finish(job.job_id), other.store.work.jobs.finish(job.job_id))
        assert done(await look(bench, job)).hidden == 30
        assert len(await versions_of(bench)) == 60


# -- Rights -----------------------------------------------------------------------------------------------------------
@asynchronous
async def test_p6_a_job_needs_every_right_that_its_work_needs(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a/1")
        wanted = {
            Empty(): ["deleteFiles", "listFiles"],
            Rewind(0): ["writeFiles", "readFiles", "listFiles"],
            Transfer("a/", bench.bucket.bucket_id, "b/"): ["writeFiles", "readFiles", "listFiles"],
            Transfer("a/", bench.bucket.bucket_id, "b/", is_move=True, is_purged=True): [
                "writeFiles", "readFiles", "listFiles", "deleteFiles",
            ],
        }  # fmt: skip
        for parameters, capabilities in wanted.items():
            for missing in capabilities:
                principal = await key_for(bench, *(each for each in capabilities if each != missing))
                with pytest.raises(errors.Unauthorized):
                    await bench.store.jobs.begin(principal, bench.bucket, parameters)
                with pytest.raises(errors.Unauthorized):
                    await bench.store.jobs.survey(principal, bench.bucket, parameters)
            await bench.store.jobs.begin(await key_for(bench, *capabilities), bench.bucket, parameters)


@asynchronous
async def test_p6_a_key_of_a_prefix_works_under_it_and_sees_no_job_of_others(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a/1")
        await bench.put("b/1")
        whole = await begin(bench, Empty())
        await bench.store.jobs.cancel(bench.principal, whole.job_id)
        principal = await key_for(
            bench, "deleteFiles", "listFiles", bucket_ids=[bench.bucket.bucket_id], name_prefix="a/"
        )
        for prefix in ("", "b/", "a"):
            with pytest.raises(errors.Unauthorized):
                await bench.store.jobs.begin(principal, bench.bucket, Empty(prefix))
        job = await bench.store.jobs.begin(principal, bench.bucket, Empty("a/"))
        assert [each.job_id for each in await bench.store.jobs.of_account(principal, limit=10)] == [job.job_id]
        with pytest.raises(errors.NoSuchJob):
            await bench.store.jobs.find(principal, whole.job_id)
        done(await go_on(bench, job))
        assert await bench.names() == ["b/1"]


@asynchronous
async def test_p6_a_strangers_job_is_not_there(tmp_path):
    async with open_bench(tmp_path) as bench:
        job = await begin(bench, Empty())
        stranger = Principal.of_key(
            (await bench.store.identity.accounts.create("stranger@example.com", "a long password")).key
        )
        assert await bench.store.jobs.of_account(stranger, limit=10) == []
        for ask in (bench.store.jobs.find, bench.store.jobs.pause, bench.store.jobs.resume, bench.store.jobs.cancel):
            with pytest.raises(errors.NoSuchJob):
                await ask(stranger, job.job_id)
        with pytest.raises(errors.NoSuchJob):
            await bench.store.jobs.remarks(stranger, job.job_id, limit=1)
        reader = await key_for(bench, "listFiles")
        assert (await bench.store.jobs.find(reader, job.job_id)).job_id == job.job_id
        with pytest.raises(errors.Unauthorized):
            await bench.store.jobs.cancel(reader, job.job_id)


@asynchronous
async def test_the_job_of_a_suspended_account_stops_and_goes_on_when_it_is_told_to(tmp_path):
    async with open_bench(tmp_path) as bench:
        for number in range(3):
            await bench.put(str(number))
        account_id = bench.principal.account_id
        with mock.patch.multiple(limits, JOB_PAGE=1, JOB_TURN_PAGES=1):
            job = await begin(bench, Empty())
            await bench.store.work.jobs.run()
            await bench.store.identity.accounts.set_suspended(account_id, True)
            await bench.store.work.jobs.run()
            row = await look_at_row(bench, job)
            assert (row.state, row.reason) == ("paused", "The account is suspended.")
            await bench.store.identity.accounts.set_suspended(account_id, False)
            assert len(await bench.names()) == 2
            await bench.store.jobs.resume(bench.principal, job.job_id)
            done(await go_on(bench, job))
        assert await bench.names() == []


@asynchronous
async def test_the_job_of_a_key_that_is_deleted_has_failed(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        principal = await key_for(bench, "deleteFiles", "listFiles")
        job = await bench.store.jobs.begin(principal, bench.bucket, Empty())
        await bench.store.identity.keys.delete(bench.principal, principal.key_id)
        job = await go_on(bench, job)
        assert (job.state, job.reason) == (State.FAILED, "The key that asked for this is gone or has expired.")
        assert await bench.names() == ["a"]


@asynchronous
async def test_p6_what_the_key_of_a_job_may_do_is_judged_at_every_step(tmp_path):
    async with open_bench(tmp_path) as bench:
        for number in range(2):
            await bench.put(str(number))
        principal = await key_for(bench, "deleteFiles", "listFiles")

        async def lose_a_right(tx):
            await tx.run("UPDATE keys SET capabilities = ?2 WHERE key_id = ?1", (principal.key_id, '["deleteFiles"]'))
            await invalidations.add(tx, f"key:{principal.key_id}", bench.clock.ms)

        with mock.patch.multiple(limits, JOB_PAGE=1, JOB_TURN_PAGES=1):
            job = await bench.store.jobs.begin(principal, bench.bucket, Empty())
            await bench.store.work.jobs.run()
            await bench.catalog.write(lose_a_right)
            job = await go_on(bench, job)
        assert (job.state, job.reason) == (State.FAILED, "The key that asked for this may not do it.")
        assert await bench.names() == ["1"]


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


# -- Beside others ----------------------------------------------------------------------------------------------------
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


@pytest.mark.parametrize(("pages", "changes", "expected"), [(3, 1000, 6), (100, 4, 4), (100, 5, 6), (100, 3, 4)])
@asynchronous
async def test_a_turn_ends_after_so_many_pages_or_changes(tmp_path, pages, changes, expected):
    async with open_bench(tmp_path) as bench:
        for number in range(20):
            await bench.put(f"{number:02}")
        job = await begin(bench, Empty())
        with mock.patch.multiple(limits, JOB_PAGE=2, JOB_TURN_PAGES=pages, JOB_TURN_CHANGES=changes):
            assert await bench.store.work.jobs.run()
        assert (await look(bench, job)).tally.deleted == expected


@asynchronous
async def test_a_full_disk_holds_up_no_job_that_needs_no_room(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a/1")
        copying = await begin(bench, Transfer("a/", bench.bucket.bucket_id, "b/"))
        stranger = Principal.of_key(
            (await bench.store.identity.accounts.create("stranger@example.com", "a long password")).key
        )
        theirs = await bench.store.buckets.create(stranger, "their-bucket", "allPrivate")
        await put_in(bench, theirs, "x", principal=stranger)
        bench.clock.ms += 1
        emptying = await bench.store.jobs.begin(stranger, theirs, Empty())
        write = bench.catalog.write

        async def full_for_growth(change, *, size_bytes=0, grows=False):
            if grows:
                raise CatalogFull
            return await write(change, size_bytes=size_bytes)

        with mock.patch.object(bench.catalog, "write", full_for_growth), pytest.raises(errors.StorageFull):
            await bench.store.work.jobs.run()
        assert (await bench.store.jobs.find(stranger, emptying.job_id)).state is State.DONE
        assert (await look(bench, copying)).state is State.RUNNING
        assert done(await go_on(bench, copying)).copied == 1


@asynchronous
async def test_a_job_that_meets_data_it_cannot_read_has_failed_and_holds_up_no_other(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a/1")
        broken = await begin(bench, Empty("a/"))
        stranger = Principal.of_key(
            (await bench.store.identity.accounts.create("stranger@example.com", "a long password")).key
        )
        theirs = await bench.store.buckets.create(stranger, "their-bucket", "allPrivate")
        bench.clock.ms += 1
        other = await bench.store.jobs.begin(stranger, theirs, Empty())
        with mock.patch.object(Emptying, "act", side_effect=errors.DataCorrupt("unreadable")):
            await go_on(bench, broken)
        broken = await look(bench, broken)
        assert (broken.state, broken.reason) == (State.FAILED, "unreadable")
        assert (await bench.store.jobs.find(stranger, other.job_id)).state is State.DONE


# -- Many jobs --------------------------------------------------------------------------------------------------------
@asynchronous
async def test_accounts_take_turns_and_a_small_job_does_not_wait_for_a_large_one(tmp_path):
    async with open_bench(tmp_path) as bench:
        for number in range(6):
            await bench.put(str(number))
        large = await begin(bench, Empty())
        stranger = Principal.of_key(
            (await bench.store.identity.accounts.create("stranger@example.com", "a long password")).key
        )
        theirs = await bench.store.buckets.create(stranger, "their-bucket", "allPrivate")
        await bench.store.files.upload(stranger, theirs, "a", NewFile("a/b"), Bytes(b"x"))
        bench.clock.ms += 1
        small = await bench.store.jobs.begin(stranger, theirs, Empty())
        with mock.patch.multiple(limits, JOB_PAGE=1, JOB_TURN_PAGES=2):
            await bench.store.work.jobs.run()
        assert (await bench.store.jobs.find(stranger, small.job_id)).tally.deleted == 1
        assert 0 < (await look(bench, large)).tally.deleted < 6


@asynchronous
async def test_jobs_of_one_account_take_turns_too(tmp_path):
    async with open_bench(tmp_path) as bench:
        for number in range(3):
            await bench.put(f"a/{number}")
            await bench.put(f"b/{number}")
        both = [await begin(bench, Empty(prefix)) for prefix in ("a/", "b/")]
        with mock.patch.multiple(limits, JOB_PAGE=1, JOB_TURN_PAGES=1):
            for _ in range(2):
                await bench.store.work.jobs.run()
                bench.clock.ms += 1
        assert [(await look(bench, job)).tally.deleted for job in both] == [1, 1]


@asynchronous
async def test_an_account_has_so_many_jobs_under_way_and_so_many_are_remembered(tmp_path):
    async with open_bench(tmp_path) as bench:
        with mock.patch.multiple(limits, JOBS_UNENDED_PER_ACCOUNT=2, JOBS_KEPT_PER_ACCOUNT=3):
            begun = [await begin(bench, Empty()) for _ in range(2)]
            with pytest.raises(errors.TooManyJobs):
                await begin(bench, Empty())
            await bench.store.jobs.cancel(bench.principal, begun[0].job_id)
            for _ in range(5):
                begun.append(job := await begin(bench, Empty()))
                await bench.store.jobs.cancel(bench.principal, job.job_id)
            begun.append(await begin(bench, Empty()))
            listed = await bench.store.jobs.of_account(bench.principal, limit=10)
            assert [each.job_id for each in listed] == [
                each.job_id for each in [begun[7], begun[6], begun[5], begun[4], begun[1]]
            ]
            page = await bench.store.jobs.of_account(bench.principal, before=listed[1], limit=2)
            assert page == listed[2:4]
            other = await bench.store.buckets.create(bench.principal, "other-bucket", "allPrivate")
            assert await bench.store.jobs.of_account(bench.principal, bucket=other, limit=10) == []


@asynchronous
async def test_a_job_is_told_of_while_it_runs_and_for_some_minutes_after_it_last_moved(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, account_id = bench.store, bench.principal.account_id
        assert not await store.jobs.is_moving(account_id)
        runs = await begin(bench, Empty("a/"))
        ended = await begin(bench, Empty("b/"))
        bench.clock.ms += limits.JOB_LATELY_S * 2000
        await store.jobs.cancel(bench.principal, ended.job_id)
        bench.clock.ms += limits.JOB_LATELY_S * 1000 - 1
        assert {job.job_id for job in await store.jobs.lately(bench.principal)} == {ended.job_id, runs.job_id}
        bench.clock.ms += 1
        assert [job.job_id for job in await store.jobs.lately(bench.principal)] == [runs.job_id]
        assert await store.jobs.is_moving(account_id)
        await store.jobs.pause(bench.principal, runs.job_id)
        bench.clock.ms += limits.JOB_LATELY_S * 1000
        assert await store.jobs.lately(bench.principal) == []
        assert not await store.jobs.is_moving(account_id)


@asynchronous
async def test_a_survey_of_very_many_versions_says_that_there_are_more(tmp_path):
    async with open_bench(tmp_path) as bench:
        for number in range(3):
            await bench.put(str(number))
        with mock.patch.object(limits, "JOB_PAGE", 1):
            survey = await bench.store.jobs.survey(bench.principal, bench.bucket, Empty(), limit=2)
            assert (survey.tally.deleted, survey.is_whole) == (2, False)
            survey = await bench.store.jobs.survey(bench.principal, bench.bucket, Empty(), limit=None)
        assert (survey.tally.deleted, survey.is_whole) == (3, True)
        assert len(await bench.names()) == 3
