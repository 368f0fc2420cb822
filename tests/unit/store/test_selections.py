"""What is done to a selection of files and folders at once."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.stores import open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.buckets.lock import LockChange
from undercroft.store.dialect import S3
from undercroft.store.model import NewFile, Retention


async def _fill(bench):
    for name in ("a", "a", "a2", "in/1", "in/1", "in/deep/2", "out"):
        await bench.put(name)
    await bench.store.files.hide(bench.principal, bench.bucket, "in/hidden", S3)
    await bench.store.files.start_large_file(bench.principal, bench.bucket, "in/unfinished", NewFile("a/b"))


@asynchronous
async def test_deleting_a_selection_removes_every_version_of_it_and_nothing_else(tmp_path):
    async with open_bench(tmp_path) as bench:
        await _fill(bench)
        files = bench.store.files
        counted = await files.contents_of_selection(bench.principal, bench.bucket, ["a", "in/"])
        assert (counted.names, counted.visible, counted.versions, counted.unfinished) == (4, 3, 6, 1)
        outcome = await files.delete_selected(bench.principal, bench.bucket, ["a", "in/"])
        assert (outcome.done, outcome.locked, outcome.has_more) == (7, 0, False)
        assert await bench.versions() == [("a2", "UPLOAD"), ("out", "UPLOAD")]


@asynchronous
async def test_deleting_the_newest_lets_older_versions_come_forward_and_hiding_removes_nothing(tmp_path):
    async with open_bench(tmp_path) as bench:
        await _fill(bench)
        files = bench.store.files
        outcome = await files.delete_newest_of_selected(bench.principal, bench.bucket, ["a", "in/", "gone"])
        assert outcome.done == 3
        assert await bench.names() == ["a", "a2", "in/1", "out"]
        before = len(await bench.versions())
        assert (await files.hide_selected(bench.principal, bench.bucket, ["in/", "out"]))[0].done == 2
        assert await bench.names() == ["a", "a2"]
        assert len(await bench.versions()) == before + 2


@asynchronous
async def test_locked_versions_stay_and_are_counted_and_governance_may_be_bypassed(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        bench.bucket = await bench.store.buckets.update(
            bench.principal, bench.bucket.bucket_id, lock=LockChange(enabled=True)
        )
        until_ms = bench.clock.ms + 1000
        for name, mode in (("c", "compliance"), ("g", "governance")):
            await bench.put(name, new=NewFile("a/b", retention=Retention(mode, until_ms)))
        await bench.put("free")
        assert (await files.hold_selected(bench.principal, bench.bucket, ["free"], on=True)).done == 1
        selection = (bench.principal, bench.bucket, ["c", "free", "g"])
        outcome = await files.delete_selected(*selection)
        assert (outcome.done, outcome.locked) == (0, 3)
        outcome = await files.delete_selected(*selection, bypass_governance=True)
        assert (outcome.done, outcome.locked) == (1, 2)
        await files.hold_selected(bench.principal, bench.bucket, ["free"], on=False)
        assert (await files.delete_selected(*selection)).done == 1
        assert await bench.names() == ["c"]


@asynchronous
async def test_one_request_changes_so_many_versions_and_says_that_there_are_more(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SELECTION_MAX", 3)
    monkeypatch.setattr(limits, "SELECTION_AT_ONCE", 2)
    async with open_bench(tmp_path) as bench:
        for number in range(5):
            await bench.put(f"in/{number}")
        outcome = await bench.store.files.delete_selected(bench.principal, bench.bucket, ["in/"])
        assert (outcome.done, outcome.has_more) == (3, True)
        outcome = await bench.store.files.delete_selected(bench.principal, bench.bucket, ["in/"])
        assert (outcome.done, outcome.has_more) == (2, False)


@asynchronous
async def test_a_selection_is_changed_by_none_who_may_not_change_all_of_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        await _fill(bench)
        files = bench.store.files
        made = await bench.store.identity.keys.create(
            bench.principal, "narrow", ["listFiles", "readFiles", "deleteFiles", "writeFiles"], name_prefix="in/"
        )
        narrow = await bench.store.identity.authenticate_key(made.key_id, made.secret)
        for names in (["a"], ["in/", "out"]):
            for attempt in (files.delete_selected, files.delete_newest_of_selected, files.hide_selected):
                with pytest.raises(errors.Unauthorized):
                    await attempt(narrow, bench.bucket, names)
        assert "a" in await bench.names()
        assert (await files.delete_selected(narrow, bench.bucket, ["in/"])).done == 5
