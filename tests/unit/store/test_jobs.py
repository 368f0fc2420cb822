"""Jobs of all kinds: who may do what with them, what stops them, and how they take turns."""

from __future__ import annotations

import asyncio
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.jobs import begin, done, go_on, look
from harness.lifecycle import versions_of
from harness.stores import Bytes, open_bench
from undercroft import limits
from undercroft.catalog import invalidations, jobs
from undercroft.catalog.contract import CatalogFull
from undercroft.store import errors
from undercroft.store.identity.principals import Principal
from undercroft.store.model import NewFile
from undercroft.store.work.jobs.emptying import Emptying
from undercroft.store.work.jobs.model import Empty, Rewind, State, Transfer


async def key_for(bench, *capabilities, **options):
    key = await bench.store.identity.keys.create(bench.principal, "some", list(capabilities), **options)
    return Principal.of_key(key)


def put_in(bench, bucket, name, *, principal):
    return bench.store.files.upload(principal, bucket, name, NewFile("a/b"), Bytes(b"data"))


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


# -- Beside others ----------------------------------------------------------------------------------------------------
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
