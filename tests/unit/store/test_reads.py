"""Reading: what a reader holds, it lets go of."""

from __future__ import annotations

import asyncio
import os

import pytest

from harness.asynchronous import asynchronous
from harness.stores import Bytes, open_bench, sha1
from undercroft import limits
from undercroft.catalog import versions
from undercroft.store.dialect import S3
from undercroft.store.errors import Busy, NoSuchVersion
from undercroft.store.model import NewFile


@pytest.mark.parametrize("hidden_before", [False, True])
@asynchronous
async def test_a_name_that_becomes_visible_while_it_is_looked_for_is_not_said_to_have_no_versions(
    tmp_path, monkeypatch, hidden_before
):
    genuine = versions.newest

    async def with_an_upload_just_before(rows, bucket_id, name):
        if rows is bench.catalog.rows and not uploads:  # The reader's own second look, and not that of the upload.
            uploads.append(await bench.put("name", b"in between"))
        return await genuine(rows, bucket_id, name)

    uploads = []
    async with open_bench(tmp_path) as bench:
        if hidden_before:
            await bench.put("name")
            await bench.store.files.hide(bench.principal, bench.bucket, "name", S3)
        monkeypatch.setattr(versions, "newest", with_an_upload_just_before)
        assert await bench.get("name") == b"in between"
        assert len(uploads) == 1


@asynchronous
async def test_a_name_that_flickers_is_given_up_in_the_end(tmp_path, monkeypatch):
    genuine = versions.newest

    async def visible_for_a_moment(rows, bucket_id, name):
        if rows is not bench.catalog.rows:
            return await genuine(rows, bucket_id, name)
        version = await bench.put("name")
        newest = await genuine(rows, bucket_id, name)
        await bench.store.files.delete_version(bench.principal, bench.bucket, "name", str(version.file_id))
        return newest

    async with open_bench(tmp_path) as bench:
        monkeypatch.setattr(versions, "newest", visible_for_a_moment)
        with pytest.raises(Busy):
            await bench.get("name")


def is_open(bench) -> bool:
    return any(handle.is_open for handle in bench.blobs._open)


@pytest.mark.parametrize("blocks", [0, 1, 3])
@asynchronous
async def test_a_reader_that_leaves_early_lets_go_of_the_blob_even_if_it_never_began(tmp_path, blocks):
    data = os.urandom(4_000_000)
    async with open_bench(tmp_path) as bench:
        version = await bench.put("name", data)
        body = await bench.store.files.read(version, 0, version.size)
        got = b"".join([await anext(body) for _ in range(blocks)])
        assert data.startswith(got)
        assert is_open(bench)
        await body.aclose()
        assert not is_open(bench)


@asynchronous
async def test_a_body_that_is_in_memory_and_goes_out_at_once_leaves_others_their_turns(tmp_path):
    async def take_turns():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    data = os.urandom(4_000_000)
    async with open_bench(tmp_path) as bench:
        version = await bench.put("name", data)
        assert await bench.bytes_of(version) == data  # It is in memory now.
        body = await bench.store.files.read(version, 0, version.size)
        turns: list[int] = []
        other = asyncio.create_task(take_turns())
        got = [block async for block in body]
        other.cancel()
    assert b"".join(got) == data
    assert len(turns) >= len(got) - 1


@asynchronous
async def test_a_delete_just_before_the_first_byte_does_not_concern_a_reader_of_one_blob(tmp_path):
    data = os.urandom(300_000)
    async with open_bench(tmp_path) as bench:
        version = await bench.put("name", data)
        found = await bench.store.files.current(bench.principal, bench.bucket, "name")
        await bench.store.files.delete_version(bench.principal, bench.bucket, "name", str(version.file_id))
        assert await bench.bytes_of(found) == data
        assert await bench.bytes_of(found, 200_000, 200_100) == data[200_000:200_100]


@asynchronous
async def test_a_large_file_that_is_deleted_under_its_reader_is_gone_and_not_damaged(tmp_path):
    first, second = os.urandom(limits.NATIVE_PART_MIN_BYTES), os.urandom(300_000)
    async with open_bench(tmp_path) as bench:
        files, who, bucket = bench.store.files, bench.principal, bench.bucket
        large = await files.start_large_file(who, bucket, "name", NewFile("a/b"))
        for number, data in enumerate((first, second), 1):
            await files.upload_part(who, bucket, large, number, Bytes(data))
        await files.finish_native(who, bucket, large, [sha1(first), sha1(second)])
        found = await files.current(who, bucket, "name")
        assert await bench.bytes_of(found, len(first) - 1, len(first) + 1) == first[-1:] + second[:1]
        await files.delete_version(who, bucket, "name", str(large.file_id))
        with pytest.raises(NoSuchVersion):
            await bench.bytes_of(found, len(first))
