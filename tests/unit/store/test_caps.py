"""Caps on what an account stores, of the operator's and its own."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from unittest import mock

import pytest

from harness.accounting import cap
from harness.asynchronous import asynchronous
from harness.stores import Bytes, md5, open_bench
from undercroft import limits
from undercroft.catalog import caps, usage
from undercroft.store import errors
from undercroft.store.accounting.model import Caps
from undercroft.store.dialect import S3
from undercroft.store.identity.principals import Principal
from undercroft.store.model import ByteRange, NewFile


@asynchronous
async def test_an_upload_is_refused_exactly_above_the_cap_and_leaves_nothing(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("first", bytes(100))
        await cap(bench, storage=300)
        for length in (-1, None):  # Declared, and found out on the way.
            with pytest.raises(errors.StorageCapExceeded):
                await bench.put("second", bytes(201), length=length)
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("second", bytes(limits.INLINE_MAX_BYTES + 1), length=None)
        assert await bench.names() == ["first"]
        assert bench.blob_count() == 0
        await bench.put("second", bytes(200))
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("third", b"1")
        await bench.put("empty", b"")


@asynchronous
async def test_a_full_account_still_hides_deletes_and_cancels_and_then_has_room(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, owner, bucket = bench.store.files, bench.principal, bench.bucket
        kept = await bench.put("kept", bytes(100))
        large = await files.start_large_file(owner, bucket, "large", NewFile("a/b"))
        await files.upload_part(owner, bucket, large, 1, Bytes(bytes(50)))
        await cap(bench, storage=10)
        with pytest.raises(errors.StorageCapExceeded):
            await files.may_upload(owner, bucket)
        with pytest.raises(errors.StorageCapExceeded):
            await files.start_large_file(owner, bucket, "other", NewFile("a/b"))
        marker = await files.hide(owner, bucket, "kept", S3)
        await files.delete_version(owner, bucket, "kept", str(marker.file_id))
        await files.delete_version(owner, bucket, "kept", str(kept.file_id))
        await files.cancel(owner, bucket, large)
        await files.may_upload(owner, bucket)
        await bench.put("new", bytes(10))


@asynchronous
async def test_a_large_file_that_is_all_there_can_be_finished_in_a_full_account(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, owner, bucket = bench.store.files, bench.principal, bench.bucket
        large = await files.start_large_file(owner, bucket, "large", NewFile("a/b"))
        await files.upload_part(owner, bucket, large, 1, Bytes(bytes(50)))
        await cap(bench, storage=0)
        assert (await files.finish_s3(owner, bucket, large, [(1, md5(bytes(50)))])).size == 50


@asynchronous
async def test_parts_count_and_a_part_in_place_of_another_counts_for_the_difference(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, owner, bucket = bench.store.files, bench.principal, bench.bucket
        await cap(bench, storage=100)
        large = await files.start_large_file(owner, bucket, "large", NewFile("a/b"))
        await files.upload_part(owner, bucket, large, 1, Bytes(bytes(60)))
        with pytest.raises(errors.StorageCapExceeded):
            await files.upload_part(owner, bucket, large, 2, Bytes(bytes(41)))
        with pytest.raises(errors.StorageCapExceeded):
            await files.upload_part(owner, bucket, large, 1, Bytes(bytes(101), length=None))
        await files.upload_part(owner, bucket, large, 1, Bytes(bytes(100)))
        parts, _ = await files.list_parts(owner, bucket, large, limit=10)
        assert [part.size for part in parts] == [100]


@asynchronous
async def test_copies_count_though_they_share_the_bytes(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, owner, bucket = bench.store.files, bench.principal, bench.bucket
        source = await bench.put("source", bytes(100))
        large = await files.start_large_file(owner, bucket, "large", NewFile("a/b"))
        await cap(bench, storage=150)
        with pytest.raises(errors.StorageCapExceeded):
            await files.copy(owner, source, bucket, "copy")
        with pytest.raises(errors.StorageCapExceeded):
            await files.copy_part(owner, bucket, large, 1, source, byte_range=ByteRange(0, 50))
        await files.copy(owner, source, bucket, "copy", byte_range=ByteRange(0, 49))
        assert await bench.names() == ["copy", "source"]


@asynchronous
async def test_all_buckets_of_an_account_count_together_and_no_other_account_does(tmp_path):
    async with open_bench(tmp_path) as bench:
        second = await bench.store.buckets.create(bench.principal, "second-bucket", "allPrivate")
        other = await bench.store.identity.accounts.create("other@example.com", "a long password")
        operator = await bench.store.identity.accounts.operator(other.account.account_id)
        theirs = await bench.store.buckets.create(operator, "their-bucket", "allPrivate")
        await cap(bench, storage=100)
        await bench.store.files.upload(bench.principal, second, "here", NewFile("a/b"), Bytes(bytes(60)))
        await bench.store.files.upload(operator, theirs, "there", NewFile("a/b"), Bytes(bytes(5000)))
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("there", bytes(41))
        await bench.put("there", bytes(40))


@asynchronous
async def test_uploads_at_once_from_several_workers_cannot_pass_the_cap_together(tmp_path):
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(open_bench(tmp_path))
        second = await stack.enter_async_context(open_bench(tmp_path, new=False))
        second.principal, second.bucket = first.principal, first.bucket
        await cap(first, storage=1000)

        async def put(bench, number):
            try:
                await bench.put(f"file-{number}", bytes(100), length=None)
            except errors.StorageCapExceeded:
                return 0
            return 1

        taken = await asyncio.gather(*(put((first, second)[number % 2], number) for number in range(40)))
        assert sum(taken) == 10
        assert len(await first.names()) == 10


@asynchronous
async def test_a_new_cap_holds_at_once_in_every_worker(tmp_path):
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(open_bench(tmp_path))
        second = await stack.enter_async_context(open_bench(tmp_path, new=False))
        second.principal, second.bucket = first.principal, first.bucket
        for value in (0, None, 0, 500):
            await cap(first, storage=value)
            if value == 0:
                with pytest.raises(errors.StorageCapExceeded):
                    await second.put("file", b"1", length=None)
            else:
                await second.put("file", b"1", length=None)


@asynchronous
async def test_accounts_without_a_cap_are_asked_no_statement_about_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("first")
        with (
            mock.patch.object(caps, "find", side_effect=AssertionError("the cap was looked up again")),
            mock.patch.object(usage, "of_account", side_effect=AssertionError("what is held was summed up")),
        ):
            await bench.put("second")
            await bench.put("third", bytes(limits.INLINE_MAX_BYTES + 1))


@pytest.mark.parametrize("value", [-1, limits.CAP_MAX + 1])
@asynchronous
async def test_a_cap_out_of_range_is_refused_and_changes_nothing(tmp_path, value):
    async with open_bench(tmp_path) as bench:
        await cap(bench, storage=limits.CAP_MAX, class_b=0)
        for category in ("storage", "download", "class_b", "class_c"):
            with pytest.raises(errors.OutOfRange):
                await cap(bench, **{"class_c": 5, category: value})
        found = await bench.store.accounting.caps.of(bench.bucket.account_id)
        assert (found.storage, found.download, found.class_b, found.class_c) == (limits.CAP_MAX, None, 0, None)


@asynchronous
async def test_nobody_gets_a_cap_who_is_not_there(tmp_path):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.NoSuchAccount):
            await bench.store.accounting.caps.change("0" * 12, {"storage": 1})


@asynchronous
async def test_of_the_caps_of_operator_and_account_the_lower_counts_and_neither_changes_the_others(tmp_path):
    async with open_bench(tmp_path) as bench:
        caps_, account_id = bench.store.accounting.caps, bench.bucket.account_id
        await caps_.change(account_id, {"storage": 100, "download": 50})
        await caps_.change_own(bench.principal, {"storage": 1000, "download": 5, "class_c": 7})
        assert await caps_.of(account_id) == Caps(100, 5, None, 7)
        assert [one.cap for one in await caps_.every_standing()] == [100, 5, 7]
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("large", bytes(101))
        await caps_.change_own(bench.principal, dict.fromkeys(("storage", "download", "class_c")))
        assert await caps_.of(account_id) == await caps_.of_operator(account_id) == Caps(100, 50)
        await caps_.change(account_id, {"storage": None, "download": None})
        assert not await caps_.are_there()


@asynchronous
async def test_an_account_bounds_itself_at_once_within_limits_and_only_by_who_could_do_anything(tmp_path):
    async with open_bench(tmp_path) as bench:
        caps_ = bench.store.accounting.caps
        for wrong in (-1, limits.CAP_MAX + 1):
            with pytest.raises(errors.OutOfRange):
                await caps_.change_own(bench.principal, {"storage": wrong})
        key = await bench.store.identity.keys.create(bench.principal, "no-admin", ["writeFiles", "writeBuckets"])
        with pytest.raises(errors.Unauthorized):
            await caps_.change_own(Principal.of_key(key), {"storage": 1})
        await bench.put("first", bytes(3))
        await caps_.change_own(bench.principal, {"storage": 5})
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("second", bytes(3))


@asynchronous
async def test_a_cap_blocks_from_when_it_refuses_until_it_is_changed_or_there_is_room_again(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, account_id = bench.store, bench.bucket.account_id

        async def blocking():
            return [(one.category, one.used, one.cap) for one in await store.accounting.caps.blocking(account_id)]

        assert await blocking() == []
        await cap(bench, storage=10)
        await bench.put("file", bytes(8))
        assert await blocking() == []
        with pytest.raises(errors.StorageCapExceeded):
            await bench.put("more", bytes(3))
        await store.accounting.settle()
        assert await blocking() == [("storage", 8, 10)]
        await cap(bench, storage=20)
        assert await blocking() == []
        await cap(bench, storage=8)
        assert await blocking() == [("storage", 8, 8)]
