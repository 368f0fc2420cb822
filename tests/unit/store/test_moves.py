"""Restoring, describing, moving and un-hiding: new versions of bytes that are there already."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.customer_keys import KEY
from harness.stores import open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.buckets.lock import LockChange
from undercroft.store.dialect import S3
from undercroft.store.model import SSE_B2, NewFile, Retention

LARGE = b"x" * (limits.INLINE_MAX_BYTES + 1)  # In a blob of its own.


@pytest.mark.parametrize("data", [b"inline", LARGE])
@pytest.mark.parametrize("encryption", [None, SSE_B2])
@asynchronous
async def test_restoring_makes_an_older_version_the_newest_with_content_type_info_and_encryption(
    tmp_path, data, encryption
):
    async with open_bench(tmp_path) as bench:
        old = await bench.put("name", data, new=NewFile("a/b", {"k": "v"}, encryption=encryption))
        await bench.put("name", b"newer")
        blobs = bench.blob_count()
        made = await bench.store.files.restore(bench.principal, bench.bucket, "name", str(old.file_id))
        assert await bench.get("name") == data
        assert (made.content_type, made.info, made.content_sha1, made.etag) == (
            "a/b",
            {"k": "v"},
            old.content_sha1,
            old.etag,
        )
        assert (made.encryption, made.size) == (old.encryption, len(data))
        assert (await _versions(bench, "name"))[0].file_id == made.file_id
        assert len(await _versions(bench, "name")) == 3
        assert bench.blob_count() == blobs
        with pytest.raises(errors.InvalidRequest):
            await bench.store.files.restore(bench.principal, bench.bucket, "name", str(made.file_id))


@asynchronous
async def test_a_restored_version_outlives_the_one_that_it_was_made_of(tmp_path):
    async with open_bench(tmp_path) as bench:
        old = await bench.put("name", LARGE)
        await bench.put("name", b"newer")
        await bench.store.files.restore(bench.principal, bench.bucket, "name", str(old.file_id))
        await bench.store.files.delete_version(bench.principal, bench.bucket, "name", str(old.file_id))
        bench.clock.ms += 10 * limits.RECLAIM_GRACE_S * 1000
        await bench.store.work.reclaim.run()
        assert await bench.get("name") == LARGE


@asynchronous
async def test_a_file_under_a_customers_key_is_moved_without_the_key_and_opens_with_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        made = await bench.put("old", LARGE, new=NewFile("a/b", encryption=KEY.store))
        moved = await bench.store.files.move(
            bench.principal, bench.bucket, "old", str(made.file_id), bench.bucket, "new"
        )
        body = await bench.store.files.read(moved, 0, moved.size, KEY.store)
        assert body == LARGE


@asynchronous
async def test_a_move_deletes_an_only_version_and_hides_a_name_that_has_more(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        only = await bench.put("only", new=NewFile("a/b", {"k": "v"}))
        moved = await files.move(bench.principal, bench.bucket, "only", str(only.file_id), bench.bucket, "to/only")
        assert (moved.name, moved.content_type, moved.info) == ("to/only", "a/b", {"k": "v"})
        assert await bench.versions() == [("to/only", "UPLOAD")]
        await bench.put("twice")
        twice = await bench.put("twice", b"2")
        await files.move(bench.principal, bench.bucket, "twice", str(twice.file_id), bench.bucket, "to/twice")
        assert await bench.names() == ["to/only", "to/twice"]
        assert [row.action.name for row in await _versions(bench, "twice")] == ["HIDE", "UPLOAD", "UPLOAD"]
        assert await bench.get("to/twice") == b"2"


@asynchronous
async def test_a_move_to_another_bucket_leaves_nothing_behind_and_a_copy_leaves_all(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        other = await bench.store.buckets.create(bench.principal, "other-bucket", "allPrivate")
        made = await bench.put("name", LARGE)
        await files.move(bench.principal, bench.bucket, "name", str(made.file_id), other, "copy", keep=True)
        assert await bench.get("name") == LARGE
        await files.move(bench.principal, bench.bucket, "name", str(made.file_id), other, "name")
        assert await bench.names() == []
        bench.bucket = other
        assert await bench.get("name") == await bench.get("copy") == LARGE


@asynchronous
async def test_a_move_replaces_no_file_unless_it_is_told_to(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        made = await bench.put("name", b"1")
        await bench.put("taken", b"2")
        arguments = (bench.principal, bench.bucket, "name", str(made.file_id), bench.bucket, "taken")
        with pytest.raises(errors.PreconditionFailed):
            await files.move(*arguments)
        assert await bench.get("name") == b"1"
        await files.move(*arguments, replace=True)
        assert await bench.get("taken") == b"1"
        assert len(await _versions(bench, "taken")) == 2


@asynchronous
async def test_a_locked_version_stays_under_its_name_when_it_is_moved(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        bench.bucket = await bench.store.buckets.update(
            bench.principal, bench.bucket.bucket_id, lock=LockChange(enabled=True)
        )
        until = Retention("compliance", bench.clock.ms + 1000)
        made = await bench.put("name", new=NewFile("a/b", retention=until))
        moved = await files.move(bench.principal, bench.bucket, "name", str(made.file_id), bench.bucket, "new")
        assert moved.retention is None
        rows = await _versions(bench, "name")
        assert [(row.action.name, row.retention) for row in rows] == [("HIDE", None), ("UPLOAD", until)]


@asynchronous
async def test_a_move_is_refused_for_bad_names_versions_that_are_not_the_newest_and_those_without_the_right(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        old = await bench.put("name", b"1")
        new = await bench.put("name", b"2")
        for file_id, name, error in (
            (new, "name", errors.InvalidRequest),
            (new, "", errors.InvalidFileName),
            (new, "a\x07", errors.InvalidFileName),
            (new, "a" * 1025, errors.InvalidFileName),
            (old, "new", errors.InvalidRequest),
        ):
            with pytest.raises(error):
                await files.move(bench.principal, bench.bucket, "name", str(file_id.file_id), bench.bucket, name)
        made = await bench.store.identity.keys.create(bench.principal, "some", ["readFiles", "writeFiles"])
        narrow = await bench.store.identity.authenticate_key(made.key_id, made.secret)
        with pytest.raises(errors.Unauthorized):
            await files.move(narrow, bench.bucket, "name", str(new.file_id), bench.bucket, "new")
        assert await bench.versions() == [("name", "UPLOAD")] * 2


@asynchronous
async def test_describing_makes_a_version_with_another_type_and_info_and_keeps_the_content(tmp_path):
    async with open_bench(tmp_path) as bench:
        made = await bench.put("name", LARGE)
        files = bench.store.files
        described = await files.describe(
            bench.principal, bench.bucket, "name", str(made.file_id), "text/css", {"color": "blue"}
        )
        assert (described.content_type, described.info) == ("text/css", {"color": "blue"})
        assert await bench.get("name") == LARGE
        with pytest.raises(errors.MetadataTooLarge):
            await files.describe(
                bench.principal, bench.bucket, "name", str(described.file_id), "text/css", {"a": "x" * 7000}
            )
        with pytest.raises(errors.InvalidRequest):  # It has been superseded.
            await files.describe(bench.principal, bench.bucket, "name", str(made.file_id), "text/css", {})


@asynchronous
async def test_unhiding_removes_every_marker_above_the_newest_upload(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        await bench.put("name", b"1")
        for _ in range(2):
            await files.hide(bench.principal, bench.bucket, "name", S3)
        await files.unhide(bench.principal, bench.bucket, "name")
        assert await bench.get("name") == b"1"
        assert await bench.versions() == [("name", "UPLOAD")]
        with pytest.raises(errors.InvalidRequest):
            await files.unhide(bench.principal, bench.bucket, "name")
        await files.hide(bench.principal, bench.bucket, "never", S3)
        for name in ("never", "nothing"):
            with pytest.raises(errors.NoSuchFile):
                await files.unhide(bench.principal, bench.bucket, name)


async def _versions(bench, name):
    return (await bench.store.files.versions_of(bench.principal, bench.bucket, name, limit=100))[0]
