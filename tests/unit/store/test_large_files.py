"""Large files and copies: parts in any order, a finish that moves no bytes, and what is left when they are given up."""

from __future__ import annotations

import hashlib
import os

import pytest

from harness.asynchronous import asynchronous
from harness.stores import Bytes, md5, open_bench, sha1
from undercroft import limits
from undercroft.store import errors
from undercroft.store.model import Action, ByteRange, NewFile, WriteCondition

PART = limits.NATIVE_PART_MIN_BYTES


class _Story:
    """A large file that is being put together."""

    def __init__(self, bench, large):
        self.bench = bench
        self.large = large
        self.files = bench.store.files

    @classmethod
    async def start(cls, bench, name="large"):
        large = await bench.store.files.start_large_file(bench.principal, bench.bucket, name, NewFile("a/b"))
        return cls(bench, large)

    async def part(self, number, data):
        return await self.files.upload_part(self.bench.principal, self.bench.bucket, self.large, number, Bytes(data))

    async def finish(self, *sha1s):
        return await self.files.finish_native(self.bench.principal, self.bench.bucket, self.large, sha1s)

    async def complete(self, *listed, **options):
        return await self.files.finish_s3(self.bench.principal, self.bench.bucket, self.large, listed, **options)


@asynchronous
async def test_a_finished_large_file_is_its_parts_in_order(tmp_path):
    async with open_bench(tmp_path) as bench:
        story = await _Story.start(bench)
        first, second, third = os.urandom(PART), os.urandom(PART + 1), b"tail"
        for number, data in ((3, third), (1, first), (2, second)):
            await story.part(number, data)
        assert await bench.names() == []
        assert await bench.versions() == [("large", "START")]
        finished = await story.finish(sha1(first), sha1(second), sha1(third))
        whole = first + second + third
        parts_md5 = hashlib.md5(b"".join(bytes.fromhex(md5(part)) for part in (first, second, third))).hexdigest()
        assert finished.file_id == story.large.file_id
        assert (finished.size, finished.etag, finished.content_sha1) == (len(whole), f"{parts_md5}-3", "none")
        assert await bench.get("large") == whole
        assert await bench.get("large", PART - 7, PART + 7) == whole[PART - 7 : PART + 7]
        assert await bench.get("large", len(whole) - 5) == whole[-5:]
        version = await story.files.current(bench.principal, bench.bucket, "large")
        assert [(part.part_number, part.start) for part in await story.files.parts_of(version)] == [
            (1, 0),
            (2, PART),
            (3, 2 * PART + 1),
        ]


@asynchronous
async def test_a_finish_may_add_the_sha1_of_the_whole_to_the_info(tmp_path):
    async with open_bench(tmp_path) as bench:
        new = NewFile("a/b", {"src_last_modified_millis": "1"}, sha1_follows=True)
        large = await bench.store.files.start_large_file(bench.principal, bench.bucket, "large", new)
        story = _Story(bench, large)
        first = os.urandom(PART)
        await story.part(1, first)
        await story.part(2, b"tail")
        digests = [sha1(first), sha1(b"tail")]
        finished = await story.files.finish_native(
            bench.principal, bench.bucket, large, digests, whole_sha1=sha1(first + b"tail")
        )
        assert finished.info == {"src_last_modified_millis": "1", "large_file_sha1": sha1(first + b"tail")}
        assert (await story.files.current(bench.principal, bench.bucket, "large")).info == finished.info


@asynchronous
async def test_an_info_without_room_for_the_sha1_that_follows_is_refused_at_the_start_and_at_the_finish(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        room = limits.FILE_INFO_MAX_BYTES - len("large") - len("large_file_sha1") - 40
        fits, full = {"k": "v" * (room - 1)}, {"k": "v" * room}
        await files.start_large_file(bench.principal, bench.bucket, "large", NewFile("a/b", fits, sha1_follows=True))
        with pytest.raises(errors.MetadataTooLarge):
            await files.start_large_file(
                bench.principal, bench.bucket, "large", NewFile("a/b", full, sha1_follows=True)
            )
        large = await files.start_large_file(bench.principal, bench.bucket, "large", NewFile("a/b", full))
        story = _Story(bench, large)
        first = os.urandom(PART)
        await story.part(1, first)
        await story.part(2, b"tail")
        with pytest.raises(errors.MetadataTooLarge):
            await files.finish_native(
                bench.principal, bench.bucket, large, [sha1(first), sha1(b"tail")], whole_sha1="0" * 40
            )
        assert await bench.names() == []
        assert (await story.finish(sha1(first), sha1(b"tail"))).info == full


@asynchronous
async def test_a_native_finish_keeps_its_place_by_the_time_of_its_start(tmp_path):
    async with open_bench(tmp_path) as bench:
        story = await _Story.start(bench, "name")
        bench.clock.ms += 1000
        await bench.put("name", b"newer")
        await story.part(1, bytes(PART))
        await story.part(2, b"x")
        finished = await story.finish(sha1(bytes(PART)), sha1(b"x"))
        assert finished.uploaded_ms == story.large.uploaded_ms
        assert await bench.get("name") == b"newer"


@asynchronous
async def test_an_s3_completion_is_the_newest_version(tmp_path):
    async with open_bench(tmp_path) as bench:
        story = await _Story.start(bench, "name")
        bench.clock.ms += 1000
        await bench.put("name", b"older now")
        await story.part(4, b"only part")
        bench.clock.ms += 1000
        finished = await story.complete((4, md5(b"only part")))
        assert finished.uploaded_ms == bench.clock.ms
        assert await bench.get("name") == b"only part"


@asynchronous
async def test_uploading_a_part_again_replaces_it_and_frees_the_old_bytes(tmp_path):
    async with open_bench(tmp_path) as bench:
        story = await _Story.start(bench)
        await story.part(1, bytes(PART))
        await story.part(1, b"\x01" * PART)
        bench.clock.ms += limits.RECLAIM_GRACE_S * 1000
        await bench.store.work.reclaim.run()
        assert bench.blob_count() == 1
        await story.part(2, b"x")
        with pytest.raises(errors.PartMismatch):
            await story.finish(sha1(bytes(PART)), sha1(b"x"))
        await story.finish(sha1(b"\x01" * PART), sha1(b"x"))
        assert await bench.get("large", 0, 3) == b"\x01\x01\x01"


@asynchronous
async def test_the_native_finish_checks_its_list(tmp_path):
    async with open_bench(tmp_path) as bench:
        story = await _Story.start(bench)
        await story.part(1, bytes(PART - 1))
        await story.part(3, b"x")
        with pytest.raises(errors.TooFewParts, match="large files must have at least 2 parts"):
            await story.finish(sha1(bytes(PART - 1)))
        with pytest.raises(errors.MissingPart):
            await story.finish(sha1(bytes(PART - 1)), sha1(b"x"))
        await story.part(2, b"x")
        with pytest.raises(errors.PartTooSmall) as caught:
            await story.finish(sha1(bytes(PART - 1)), sha1(b"x"))
        assert (caught.value.part_number, caught.value.size) == (1, PART - 1)
        assert await bench.versions() == [("large", "START")], "a refused finish changes nothing"


@asynchronous
async def test_the_s3_completion_checks_its_list(tmp_path):
    async with open_bench(tmp_path) as bench:
        story = await _Story.start(bench)
        await story.part(1, bytes(PART))
        await story.part(5, b"x")
        first, last = (1, md5(bytes(PART))), (5, md5(b"x"))
        with pytest.raises(errors.PartOrder):
            await story.complete(last, first)
        with pytest.raises(errors.MissingPart):
            await story.complete(first, (2, md5(b"x")))
        with pytest.raises(errors.PartMismatch):
            await story.complete(first, (5, md5(b"y")))
        with pytest.raises(errors.LengthMismatch):
            await story.complete(first, last, size=PART)
        await bench.put("large", b"there")
        with pytest.raises(errors.PreconditionFailed):
            await story.complete(first, last, condition=WriteCondition(if_none_match="*"))
        assert (await story.complete(first, last, size=PART + 1)).size == PART + 1


@asynchronous
async def test_parts_that_the_completion_leaves_out_are_dropped(tmp_path):
    async with open_bench(tmp_path) as bench:
        story = await _Story.start(bench)
        await story.part(1, bytes(PART))
        await story.part(2, b"\x02" * PART)
        finished = await story.complete((1, md5(bytes(PART))))
        assert (finished.size, finished.part_count) == (PART, 1)
        bench.clock.ms += limits.RECLAIM_GRACE_S * 1000
        await bench.store.work.reclaim.run()
        assert bench.blob_count() == 1


@asynchronous
async def test_cancelling_frees_every_part(tmp_path):
    async with open_bench(tmp_path) as bench:
        story = await _Story.start(bench)
        for number in (1, 2):
            await story.part(number, bytes(PART))
        await story.files.cancel(bench.principal, bench.bucket, story.large)
        assert await bench.versions() == []
        bench.clock.ms += limits.RECLAIM_GRACE_S * 1000
        await bench.store.work.reclaim.run()
        assert bench.blob_count() == 0
        for refused in (story.part(3, b"x"), story.files.cancel(bench.principal, bench.bucket, story.large)):
            with pytest.raises(errors.NoSuchUpload):
                await refused


@asynchronous
async def test_a_finished_file_takes_no_more_parts(tmp_path):
    async with open_bench(tmp_path) as bench:
        story = await _Story.start(bench)
        await story.part(1, b"x")
        await story.complete((1, md5(b"x")))
        with pytest.raises(errors.NoSuchUpload):
            await story.part(2, b"y")
        with pytest.raises(errors.NoSuchUpload):
            await story.files.unfinished(bench.principal, str(story.large.file_id))


@pytest.mark.parametrize("number", [0, -1, 10_001])
@asynchronous
async def test_part_numbers_outside_the_limits_are_refused(tmp_path, number):
    async with open_bench(tmp_path) as bench:
        story = await _Story.start(bench)
        with pytest.raises(errors.InvalidRequest):
            await story.part(number, b"x")


@asynchronous
async def test_a_copy_of_a_whole_version_moves_no_bytes_and_outlives_its_source(tmp_path):
    async with open_bench(tmp_path) as bench:
        story = await _Story.start(bench)
        await story.part(1, bytes(PART))
        await story.part(2, b"tail")
        source = await story.finish(sha1(bytes(PART)), sha1(b"tail"))
        blobs = bench.blob_count()
        other = await bench.store.buckets.create(bench.principal, "other-bucket", "allPrivate")
        copy = await story.files.copy(bench.principal, source, other, "copied")
        assert bench.blob_count() == blobs
        assert (copy.etag, copy.size, copy.content_type) == (source.etag, source.size, source.content_type)
        await story.files.delete_version(bench.principal, bench.bucket, "large", str(source.file_id))
        bench.clock.ms += limits.RECLAIM_GRACE_S * 1000
        await bench.store.work.reclaim.run()
        found = await story.files.current(bench.principal, other, "copied")
        assert await bench.bytes_of(found) == bytes(PART) + b"tail"
        assert len(await story.files.parts_of(found)) == 2


@asynchronous
async def test_a_copy_of_a_range_has_the_digests_of_that_range(tmp_path):
    async with open_bench(tmp_path) as bench:
        data = os.urandom(300_000)
        source = await bench.put("source", data)
        for first, last in ((0, 99), (65_530, 65_545), (299_999, 400_000), (None, 12)):
            wanted = data[-12:] if first is None else data[first : last + 1]
            copy = await bench.store.files.copy(
                bench.principal, source, bench.bucket, "copy", byte_range=ByteRange(first, last)
            )
            assert (copy.etag, copy.content_sha1) == (md5(wanted), sha1(wanted))
            assert await bench.get("copy") == wanted
        with pytest.raises(errors.RangeNotSatisfiable):
            await bench.store.files.copy(
                bench.principal, source, bench.bucket, "copy", byte_range=ByteRange(300_000, None)
            )


@asynchronous
async def test_a_copied_part_is_a_part_like_any_other(tmp_path):
    async with open_bench(tmp_path) as bench:
        data = os.urandom(PART * 2)
        source = await bench.put("source", data)
        story = await _Story.start(bench)
        first = await story.files.copy_part(
            bench.principal, bench.bucket, story.large, 1, source, byte_range=ByteRange(0, PART - 1)
        )
        whole = await story.files.copy_part(bench.principal, bench.bucket, story.large, 2, source)
        assert (first.content_sha1, whole.content_sha1) == (sha1(data[:PART]), sha1(data))
        await story.finish(first.content_sha1, whole.content_sha1)
        assert await bench.get("large") == data[:PART] + data


@asynchronous
async def test_replacing_metadata_keeps_the_bytes(tmp_path):
    async with open_bench(tmp_path) as bench:
        source = await bench.put("name", b"bytes", new=NewFile("text/plain", {"a": "1"}))
        inherited = await bench.store.files.copy(bench.principal, source, bench.bucket, "inherited")
        replaced = await bench.store.files.copy(
            bench.principal, source, bench.bucket, "name", NewFile("text/html", {"b": "2"})
        )
        assert (inherited.content_type, inherited.info) == ("text/plain", {"a": "1"})
        assert (replaced.content_type, replaced.info) == ("text/html", {"b": "2"})
        assert await bench.get("name") == b"bytes"


@asynchronous
async def test_a_hide_marker_cannot_be_copied(tmp_path):
    from undercroft.store.dialect import S3

    async with open_bench(tmp_path) as bench:
        marker = await bench.store.files.hide(bench.principal, bench.bucket, "name", S3)
        assert marker.action is Action.HIDE
        with pytest.raises(errors.InvalidRequest):
            await bench.store.files.copy(bench.principal, marker, bench.bucket, "copy")


@asynchronous
async def test_unfinished_files_are_listed_oldest_first_natively_and_by_name_for_s3(tmp_path):
    async with open_bench(tmp_path) as bench:
        ids = {}
        for name in ("b", "a/2", "c", "a/1", "b"):
            bench.clock.ms += 1
            large = await bench.store.files.start_large_file(bench.principal, bench.bucket, name, NewFile("a/b"))
            ids.setdefault(name, str(large.file_id))
        files = bench.store.files
        listed, following = await files.list_unfinished(bench.principal, bench.bucket, limit=3)
        assert [version.name for version in listed] == ["b", "a/2", "c"]
        listed, following = await files.list_unfinished(bench.principal, bench.bucket, start_file_id=following, limit=3)
        assert ([version.name for version in listed], following) == (["a/1", "b"], None)
        page = await files.list_uploads(bench.principal, bench.bucket, delimiter="/", limit=10)
        assert [row.name for row in page.rows] == ["a/", "b", "b", "c"]
        page = await files.list_uploads(bench.principal, bench.bucket, key_marker="b", id_marker=ids["b"], limit=10)
        assert [row.name for row in page.rows] == ["b", "c"]
        page = await files.list_uploads(bench.principal, bench.bucket, key_marker="a/", delimiter="/", limit=1)
        assert ([row.name for row in page.rows], page.more) == (["b"], True)
