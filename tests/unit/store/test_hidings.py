"""Hiding a selection, and undoing just that."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.stores import open_bench
from undercroft import limits
from undercroft.catalog import hidings
from undercroft.store import errors
from undercroft.store.dialect import S3
from undercroft.store.identity.principals import Principal


async def hide(bench, *names):
    return await bench.store.files.hide_selected(bench.principal, bench.bucket, names)


async def undo(bench, hiding_id, principal=None):
    return await bench.store.files.undo_hiding(principal or bench.principal, bench.bucket, hiding_id)


async def count(bench):
    row = await bench.catalog.rows.one("SELECT count(*) FROM hidings")
    return row[0]


@asynchronous
async def test_undoing_removes_the_markers_that_were_made_and_no_other(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        for name in ("again", "before", "gone", "in/a", "newer", "out"):
            await bench.put(name)
        await files.hide(bench.principal, bench.bucket, "before", S3)
        outcome, hiding_id = await hide(bench, "again", "before", "gone", "in/", "newer")
        assert outcome.done == 4
        assert await bench.names() == ["out"]
        await files.unhide(bench.principal, bench.bucket, "again")
        await files.hide(bench.principal, bench.bucket, "again", S3)  # By somebody else, since then.
        await bench.put("newer")
        await files.hide(bench.principal, bench.bucket, "out", S3)
        await files.delete_selected(bench.principal, bench.bucket, ["gone"])
        assert (await undo(bench, hiding_id)).done == 2
        assert await bench.names() == ["in/a", "newer"]
        assert [one for one in await bench.versions() if one[0] == "newer"] == [("newer", "UPLOAD")] * 2
        with pytest.raises(errors.NothingToUndo):
            await undo(bench, hiding_id)
        assert await count(bench) == 0


@asynchronous
async def test_what_hid_nothing_leaves_nothing_to_undo(tmp_path):
    async with open_bench(tmp_path) as bench:
        outcome, hiding_id = await hide(bench, "none", "in/")
        assert (outcome.done, hiding_id) == (0, None)
        assert await count(bench) == 0


@asynchronous
async def test_hidings_are_kept_for_an_hour_and_only_so_many_of_a_bucket(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "HIDINGS_KEPT_OF_BUCKET", 2)
    async with open_bench(tmp_path) as bench:
        made = []
        for name in ("a", "b", "c"):
            bench.clock.ms += 1
            await bench.put(name)
            made.append((await hide(bench, name))[1])
        with pytest.raises(errors.NothingToUndo):
            await undo(bench, made[0])
        await undo(bench, made[1])
        bench.clock.ms += limits.HIDING_UNDONE_WITHIN_S * 1000
        await undo(bench, made[2])
        await bench.put("d")
        _, late = await hide(bench, "d")
        bench.clock.ms += limits.HIDING_UNDONE_WITHIN_S * 1000 + 1
        with pytest.raises(errors.NothingToUndo):
            await undo(bench, late)
        await hide(bench, "b")
        assert await count(bench) == 1


@asynchronous
async def test_only_who_may_delete_undoes_it_and_only_in_its_bucket(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        _, hiding_id = await hide(bench, "a")
        keys = bench.store.identity.keys
        writer = Principal.of_key(await keys.create(bench.principal, "w", ["listFiles", "writeFiles"]))
        with pytest.raises(errors.Unauthorized):
            await undo(bench, hiding_id, writer)
        narrow = Principal.of_key(
            await keys.create(
                bench.principal,
                "n",
                ["listFiles", "deleteFiles"],
                bucket_ids=[bench.bucket.bucket_id],
                name_prefix="x/",
            )
        )
        with pytest.raises(errors.Unauthorized):
            await undo(bench, hiding_id, narrow)
        other = await bench.store.buckets.create(bench.principal, "another-bucket", "allPrivate")
        with pytest.raises(errors.NothingToUndo):
            await bench.store.files.undo_hiding(bench.principal, other, hiding_id)
        assert (await undo(bench, hiding_id)).done == 1


@asynchronous
async def test_what_could_be_undone_goes_with_the_bucket(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        _, hiding_id = await hide(bench, "a")
        bucket_id = bench.bucket.bucket_id
        assert await hidings.handles_of(bench.catalog.rows, bucket_id, hiding_id, 0)
        await bench.store.files.delete_selected(bench.principal, bench.bucket, ["a"])
        await bench.store.buckets.delete(bench.principal, bucket_id)
        assert await count(bench) == 0
