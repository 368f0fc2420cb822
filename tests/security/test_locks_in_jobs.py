"""Locks that come between a job's look and its deed (CWE-367): nothing that is locked when it would go goes (P7)."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.jobs import begin, go_on
from harness.stores import open_bench
from undercroft.store.buckets.lock import LockChange
from undercroft.store.model import DefaultRetention, NewFile, Retention
from undercroft.store.work.jobs.model import Empty, Rewind, State, Transfer

DAY_MS = 86_400_000


async def lockable(bench, name):
    return await bench.store.buckets.create(bench.principal, name, "allPrivate", lock=LockChange(enabled=True))


def before_first_deed(bench, monkeypatch, deed):
    """Has something happen once a job has looked at what it will do, and before it does any of it."""
    runner, pending = bench.store.work.jobs, [deed]
    act = runner._act

    async def acted(*arguments):
        if pending:
            await pending.pop()()
        return await act(*arguments)

    monkeypatch.setattr(runner, "_act", acted)


async def hold(bench, version):
    await bench.store.files.update_legal_hold(
        bench.principal, bench.bucket, version.name, str(version.file_id), on=True
    )


async def retain(bench, version, mode):
    retention = Retention(mode, bench.clock.ms + DAY_MS)
    await bench.store.files.update_retention(
        bench.principal, bench.bucket, version.name, str(version.file_id), retention
    )


LOCKS = {
    "hold": hold,
    "governance": lambda bench, version: retain(bench, version, "governance"),
    "compliance": lambda bench, version: retain(bench, version, "compliance"),
}


@asynchronous
@pytest.mark.parametrize("lock", sorted(LOCKS))
async def test_p7_emptying_leaves_what_was_locked_after_it_had_looked(tmp_path, monkeypatch, lock):
    async with open_bench(tmp_path) as bench:
        bench.bucket = await lockable(bench, "locked-bucket")
        version = await bench.put("precious")
        await bench.put("other")
        before_first_deed(bench, monkeypatch, lambda: LOCKS[lock](bench, version))
        job = await go_on(bench, await begin(bench, Empty()))
        assert (job.state, job.tally.deleted, job.tally.locked) == (State.DONE, 1, 1)
        assert await bench.names() == ["precious"]


@asynchronous
@pytest.mark.parametrize("lock", sorted(LOCKS))
@pytest.mark.parametrize("way", ["hide", "purge"])
async def test_p7_a_move_leaves_the_versions_that_were_locked_after_it_had_looked(tmp_path, monkeypatch, lock, way):
    async with open_bench(tmp_path) as bench:
        bench.bucket = await lockable(bench, "locked-bucket")
        older = await bench.put("a/precious", b"older")
        await bench.put("a/precious", b"newer")
        target = await lockable(bench, "target-bucket")
        before_first_deed(bench, monkeypatch, lambda: LOCKS[lock](bench, older))
        asked = Transfer("a/", target.bucket_id, "b/", is_move=True, is_purged=way == "purge")
        job = await go_on(bench, await begin(bench, asked))
        assert job.state is State.DONE, job.reason
        left = await bench.store.files.version(bench.principal, str(older.file_id))
        assert await bench.bytes_of(left) == b"older"
        assert left.legal_hold if lock == "hold" else left.retention.mode == lock


@asynchronous
@pytest.mark.parametrize("kind", ["transfer", "rewind"])
async def test_p7_a_default_retention_that_came_meanwhile_holds_for_what_a_job_makes(tmp_path, monkeypatch, kind):
    async with open_bench(tmp_path) as bench:
        bench.bucket = await lockable(bench, "locked-bucket")
        await bench.put("a/file", b"first")
        then = bench.clock.ms
        bench.clock.ms += 1
        await bench.put("a/file", b"second")
        target = await lockable(bench, "target-bucket") if kind == "transfer" else bench.bucket
        default = LockChange(default_retention=DefaultRetention("compliance", 1, "days"))

        async def set_default():
            await bench.store.buckets.update(bench.principal, target.bucket_id, lock=default)

        before_first_deed(bench, monkeypatch, set_default)
        asked = Transfer("a/", target.bucket_id, "a/") if kind == "transfer" else Rewind(then)
        job = await go_on(bench, await begin(bench, asked))
        assert (job.state, job.tally.copied) == (State.DONE, 1)
        made = await bench.store.files.current(bench.principal, target, "a/file")
        assert made.retention == Retention("compliance", made.received_ms + DAY_MS)


@asynchronous
async def test_p7_no_job_ends_governance_though_its_key_might(tmp_path):
    """Nobody has asked for it: a job that goes through a million names is no place to bypass a lock."""
    async with open_bench(tmp_path) as bench:
        bench.bucket = await lockable(bench, "locked-bucket")
        until = Retention("governance", bench.clock.ms + DAY_MS)
        await bench.put("a/governed", new=NewFile("a/b", retention=until))
        assert bench.principal.can("bypassGovernance")
        for asked in (Empty(), Transfer("a/", bench.bucket.bucket_id, "b/", is_move=True, is_purged=True)):
            job = await go_on(bench, await begin(bench, asked))
            assert (job.state, job.tally.deleted, job.tally.locked) == (State.DONE, 0, 1)
        rows = (await bench.store.files.list_versions(bench.principal, bench.bucket, prefix="a/", limit=9)).rows
        assert [row.retention for row in rows] == [None, until]
