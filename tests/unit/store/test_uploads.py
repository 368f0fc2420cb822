"""Uploads: whole or not at all, with the digests of what arrived."""

from __future__ import annotations

import asyncio
import hashlib
import os

import pytest

from harness.asynchronous import asynchronous
from harness.stores import Bytes, md5, open_bench, sha1
from undercroft import limits
from undercroft.store import errors
from undercroft.store.dialect import NATIVE, S3
from undercroft.store.model import NewFile, WriteCondition

INLINE = limits.INLINE_MAX_BYTES


@pytest.mark.parametrize("size", [0, 1, INLINE - 1, INLINE, INLINE + 1, 3_000_000])
@asynchronous
async def test_what_was_uploaded_is_what_is_read(tmp_path, size):
    async with open_bench(tmp_path) as bench:
        data = os.urandom(size)
        version = await bench.put("name", data, chunk=10_000)
        assert (version.size, version.etag, version.content_sha1) == (size, md5(data), sha1(data))
        assert await bench.get("name") == data
        assert await bench.get("name", size // 3, size // 2) == data[size // 3 : size // 2]


@asynchronous
async def test_only_bodies_above_the_inline_limit_become_blobs(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("inline", bytes(INLINE))
        assert bench.blob_count() == 0
        await bench.put("blob", bytes(INLINE + 1))
        assert bench.blob_count() == 1


@asynchronous
async def test_a_body_longer_than_a_blob_becomes_several_and_reads_across_their_seam(tmp_path):
    async with open_bench(tmp_path) as bench:
        data = os.urandom(1024) * ((limits.BLOB_MAX_BYTES + 2_000_000) // 1024)
        await bench.put("long", data, chunk=1_000_003)
        assert bench.blob_count() == 2
        seam = limits.BLOB_MAX_BYTES
        assert await bench.get("long", seam - 100_000, seam + 700_000) == data[seam - 100_000 : seam + 700_000]


@pytest.mark.parametrize("size", [10, 200_000])
@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "crc32", "crc32c", "crc64nvme"])
@asynchronous
async def test_a_wrong_digest_leaves_nothing_behind(tmp_path, size, algorithm):
    async with open_bench(tmp_path) as bench:
        wrong = bytes({"md5": 16, "sha1": 20, "sha256": 32, "crc64nvme": 8}.get(algorithm, 4))
        with pytest.raises(errors.DigestMismatch) as caught:
            await bench.put("name", os.urandom(size), expected={algorithm: wrong})
        assert caught.value.algorithm == algorithm
        assert await bench.versions() == []
        assert bench.blob_count() == 0


@pytest.mark.parametrize(("size", "declared"), [(10, 11), (11, 10), (200_000, 200_001), (200_001, 200_000)])
@asynchronous
async def test_a_body_of_another_length_than_declared_leaves_nothing_behind(tmp_path, size, declared):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.LengthMismatch):
            await bench.put("name", bytes(size), length=declared)
        assert await bench.versions() == []
        assert bench.blob_count() == 0


@asynchronous
async def test_a_body_that_breaks_off_leaves_nothing_behind(tmp_path):
    class Broken(Bytes):
        async def chunks(self):
            async for chunk in super().chunks():
                yield chunk
            raise ConnectionError

    async with open_bench(tmp_path) as bench:
        with pytest.raises(ConnectionError):
            await bench.store.files.upload(
                bench.principal, bench.bucket, "name", NewFile("text/plain"), Broken(bytes(2_000_000))
            )
        assert await bench.versions() == []
        assert bench.blob_count() == 0


@asynchronous
async def test_an_upload_that_is_cancelled_while_its_body_comes_leaves_nothing_behind(tmp_path):
    arriving = asyncio.Event()

    class Endless(Bytes):
        async def chunks(self):
            async for chunk in super().chunks():
                yield chunk
            arriving.set()
            await asyncio.Event().wait()

    async with open_bench(tmp_path) as bench:
        body = Endless(bytes(2_000_000), length=3_000_000)
        upload = asyncio.create_task(
            bench.store.files.upload(bench.principal, bench.bucket, "name", NewFile("text/plain"), body)
        )
        await arriving.wait()
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        assert await bench.versions() == []
        assert bench.blob_count() == 0


@asynchronous
async def test_p12_below_the_reserve_nothing_new_is_stored_and_what_takes_away_works(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        kept = await bench.put("kept", b"data")
        large = await files.start_large_file(bench.principal, bench.bucket, "large", NewFile("text/plain"))
        monkeypatch.setattr(bench.catalog, "_reserve_bytes", 1 << 62)
        for refused in (
            bench.put("inline", b"data"),
            bench.put("blob", bytes(200_000)),
            files.start_large_file(bench.principal, bench.bucket, "another", NewFile("text/plain")),
            files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(b"part")),
            files.copy(bench.principal, kept, bench.bucket, "copy"),
            files.copy_part(bench.principal, bench.bucket, large, 1, kept),
        ):
            with pytest.raises(errors.StorageFull):
                await refused
        assert bench.blob_count() == 0
        await files.cancel(bench.principal, bench.bucket, large)
        await files.hide(bench.principal, bench.bucket, "kept", S3)
        await files.delete_version(bench.principal, bench.bucket, "kept", str(kept.file_id))
        assert await bench.versions() == [("kept", "HIDE")]


@asynchronous
async def test_a_declared_length_above_the_limit_is_refused_before_a_byte_is_read(tmp_path):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.TooLarge):
            await bench.put("name", b"", length=limits.UPLOAD_MAX_BYTES + 1)


@asynchronous
async def test_an_unknown_length_is_taken_as_it_comes(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("small", b"few", length=None)
        await bench.put("large", bytes(INLINE * 3), length=None)
        assert await bench.get("small") == b"few"
        assert len(await bench.get("large")) == INLINE * 3


@asynchronous
async def test_the_kept_checksum_is_worked_out_even_if_nobody_sent_one(tmp_path):
    async with open_bench(tmp_path) as bench:
        version = await bench.put("a", b"hello world", new=NewFile("text/plain", checksum_algorithm="crc64nvme"))
        assert version.checksum is not None
        assert version.checksum.value == "jSnVw/bqjr4="


@asynchronous
async def test_the_later_of_two_uploads_in_one_millisecond_is_the_newest(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("name", b"first")
        second = await bench.put("name", b"second")
        assert await bench.get("name") == b"second"
        page = await bench.store.files.list_versions(bench.principal, bench.bucket, limit=10)
        assert [row.is_latest for row in page.rows] == [True, False]
        assert page.rows[0].file_id == second.file_id


@asynchronous
async def test_a_clock_that_jumps_back_does_not_hide_a_new_upload(tmp_path):
    async with open_bench(tmp_path) as bench:
        first = await bench.put("name", b"first")
        bench.clock.ms -= 3_600_000
        second = await bench.put("name", b"second")
        assert await bench.get("name") == b"second"
        assert second.uploaded_ms == first.uploaded_ms
        assert second.received_ms < first.received_ms


@asynchronous
async def test_a_custom_timestamp_takes_its_place_in_the_past(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("name", b"now")
        old = await bench.put("name", b"old", new=NewFile("text/plain", uploaded_ms=1_300_000_000_000))
        assert await bench.get("name") == b"now"
        assert old.uploaded_ms == 1_300_000_000_000
        assert old.received_ms == bench.clock.ms


@asynchronous
async def test_a_custom_timestamp_in_the_future_is_refused(tmp_path):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.InvalidRequest):
            await bench.put("name", new=NewFile("text/plain", uploaded_ms=bench.clock.ms + 1))


@pytest.mark.parametrize("name", ["", "x" * 1025, "é" * 513])
@asynchronous
async def test_names_outside_the_limits_are_refused(tmp_path, name):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.InvalidFileName):
            await bench.put(name)


@asynchronous
async def test_a_name_of_1024_bytes_is_taken(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("é" * 512)
        assert await bench.names() == ["é" * 512]


@asynchronous
async def test_conditional_writes_are_judged_against_the_visible_file(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, put = bench.store.files, (bench.principal, bench.bucket, "name", NewFile("text/plain"))
        with pytest.raises(errors.NoSuchFile):
            await files.upload(*put, Bytes(b"0"), condition=WriteCondition(if_match="*"))
        await files.upload(*put, Bytes(b"1"), condition=WriteCondition(if_none_match="*"))
        with pytest.raises(errors.PreconditionFailed):
            await files.upload(*put, Bytes(b"2"), condition=WriteCondition(if_none_match="*"))
        with pytest.raises(errors.PreconditionFailed):
            await files.upload(*put, Bytes(b"3"), condition=WriteCondition(if_match=md5(b"other")))
        await files.upload(*put, Bytes(b"4"), condition=WriteCondition(if_match=md5(b"1")))
        assert await bench.get("name") == b"4"
        await files.hide(bench.principal, bench.bucket, "name", NATIVE)
        await files.upload(*put, Bytes(b"5"), condition=WriteCondition(if_none_match="*"))
        assert await bench.get("name") == b"5"


@asynchronous
async def test_hiding_makes_a_name_vanish_and_deleting_the_marker_brings_it_back(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("name", b"kept")
        marker = await bench.store.files.hide(bench.principal, bench.bucket, "name", NATIVE)
        assert await bench.names() == []
        with pytest.raises(errors.NoSuchFile) as caught:
            await bench.get("name")
        assert caught.value.hide_marker_id == str(marker.file_id)
        await bench.store.files.delete_version(bench.principal, bench.bucket, "name", str(marker.file_id))
        assert await bench.get("name") == b"kept"


@asynchronous
async def test_only_the_native_dialect_refuses_to_hide_what_is_not_there(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        with pytest.raises(errors.NoSuchFile):
            await files.hide(bench.principal, bench.bucket, "name", NATIVE)
        await files.hide(bench.principal, bench.bucket, "name", S3)
        with pytest.raises(errors.AlreadyHidden):
            await files.hide(bench.principal, bench.bucket, "name", NATIVE)
        await files.hide(bench.principal, bench.bucket, "name", S3)
        assert await bench.versions() == [("name", "HIDE"), ("name", "HIDE")]


@asynchronous
async def test_deleting_the_newest_version_shows_the_one_before(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("name", b"old")
        newest = await bench.put("name", b"new")
        await bench.store.files.delete_version(bench.principal, bench.bucket, "name", str(newest.file_id))
        assert await bench.get("name") == b"old"


@asynchronous
async def test_a_version_is_deleted_only_under_its_own_name_and_only_once(tmp_path):
    async with open_bench(tmp_path) as bench:
        version = await bench.put("name")
        files, file_id = bench.store.files, str(version.file_id)
        with pytest.raises(errors.NoSuchVersion):
            await files.delete_version(bench.principal, bench.bucket, "other", file_id)
        await files.delete_version(bench.principal, bench.bucket, "name", file_id)
        with pytest.raises(errors.NoSuchVersion):
            await files.delete_version(bench.principal, bench.bucket, "name", file_id)
        with pytest.raises(errors.InvalidFileId):
            await files.delete_version(bench.principal, bench.bucket, "name", "no-id")


@asynchronous
async def test_reclaim_frees_a_blob_when_nothing_names_it_any_more(tmp_path):
    async with open_bench(tmp_path) as bench:
        data = os.urandom(INLINE + 1)
        original = await bench.put("original", data)
        await bench.store.files.copy(bench.principal, original, bench.bucket, "copy")
        await bench.store.files.delete_version(bench.principal, bench.bucket, "original", str(original.file_id))
        assert await bench.store.work.reclaim.run() == 0, "the grace period has not passed"
        bench.clock.ms += limits.RECLAIM_GRACE_S * 1000
        await bench.store.work.reclaim.run()
        assert await bench.get("copy") == data
        copy = await bench.store.files.current(bench.principal, bench.bucket, "copy")
        await bench.store.files.delete_version(bench.principal, bench.bucket, "copy", str(copy.file_id))
        bench.clock.ms += limits.RECLAIM_GRACE_S * 1000
        assert await bench.store.work.reclaim.run() == 1
        assert bench.blob_count() == 0


@asynchronous
async def test_a_sweep_deletes_old_orphans_and_nothing_else(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("kept", bytes(INLINE + 1))
        orphan = await bench.blobs.create()
        await orphan.write(b"left behind by a crash")
        await orphan.finish()
        bench.clock.ms = 0
        assert await bench.store.work.reclaim.sweep() == 0, "too young to be an orphan"
        bench.clock.ms = 4_000_000_000_000
        assert await bench.store.work.reclaim.sweep() == 1
        assert len(await bench.get("kept")) == INLINE + 1


@asynchronous
async def test_a_flipped_bit_in_an_inline_extent_is_not_served(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("name", b"precious")

        async def flip(tx):
            await tx.run("UPDATE extents SET inline = ?1", (b"preciout",))

        await bench.catalog.write(flip)
        with pytest.raises(errors.DataCorrupt):
            await bench.get("name")


@asynchronous
async def test_a_missing_blob_is_reported_and_not_served(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("name", bytes(INLINE + 1))
        for blob in list(bench.blobs.walk()):
            await bench.blobs.delete(blob.blob_id)
        with pytest.raises(errors.DataCorrupt):
            await bench.get("name")


@asynchronous
async def test_usage_counts_what_is_there(tmp_path):
    from undercroft.catalog import usage

    async with open_bench(tmp_path) as bench:
        version = await bench.put("a", bytes(100))
        await bench.put("b", bytes(INLINE + 1))
        await bench.store.files.copy(bench.principal, version, bench.bucket, "c")
        await bench.store.files.delete_version(bench.principal, bench.bucket, "a", str(version.file_id))
        assert (await usage.of_bucket(bench.catalog.rows, bench.bucket.bucket_id))[:2] == (2, INLINE + 101)


@asynchronous
async def test_digests_are_of_the_whole_body_however_it_is_cut(tmp_path):
    async with open_bench(tmp_path) as bench:
        data = os.urandom(1_500_001)
        expected = {"md5": hashlib.md5(data).digest(), "sha256": hashlib.sha256(data).digest()}
        for chunk in (1_499_999, 77_777, 65_537):
            version = await bench.put("name", data, chunk=chunk, expected=expected)
            assert version.etag == md5(data)
