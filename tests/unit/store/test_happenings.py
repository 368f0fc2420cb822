"""Which event each change is, and that there is never one without the other."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.lifecycle import DAY_MS, apply, days
from harness.lifecycle import set_rules as set_lifecycle
from harness.notifications import rule, set_rules, waiting
from harness.stores import Bytes, md5, open_bench, sha1
from undercroft import limits
from undercroft.catalog.contract import CatalogFull
from undercroft.catalog.sqlite import _Connection
from undercroft.store.dialect import NATIVE, S3
from undercroft.store.errors import AlreadyHidden, DigestMismatch, PreconditionFailed, StorageFull, StoreError
from undercroft.store.files.happenings import Happening
from undercroft.store.model import ByteRange, NewFile, WriteCondition

BIG = bytes(limits.NATIVE_PART_MIN_BYTES)


async def finished(bench, name, finish):
    files, principal, bucket = bench.store.files, bench.principal, bench.bucket
    large = await files.start_large_file(principal, bucket, name, NewFile("a/b"))
    for number, data in ((1, BIG), (2, b"end")):
        await files.upload_part(principal, bucket, large, number, Bytes(data))
    if finish == "native":
        return await files.finish_native(principal, bucket, large, [sha1(BIG), sha1(b"end")])
    return await files.finish_s3(principal, bucket, large, [(1, md5(BIG)), (2, md5(b"end"))])


async def happened(bench, change):
    """What the bucket's rule is told of a change, and what the change made."""
    before = len(await waiting(bench))
    made = await change
    return (await waiting(bench))[before:], made


async def expect(bench, change, happening, name, size):
    (event,), made = await happened(bench, change)
    assert (event.event_type, event.name, event.size) == (happening.value, name, size)
    assert event.at_ms == bench.clock.ms
    if made is not None:
        assert event.file_id == str(made.file_id)
    return made


@asynchronous
async def test_each_way_to_make_or_remove_a_version_is_an_event_of_its_own_type(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, principal, bucket = bench.store.files, bench.principal, bench.bucket
        await set_rules(bench, rule())
        made = await expect(bench, bench.put("a", b"four"), Happening.UPLOAD, b"a", 4)
        copying = files.copy(principal, made, bucket, "b", byte_range=ByteRange(1, 2))
        await expect(bench, copying, Happening.COPY, b"b", 2)
        large = await expect(bench, finished(bench, "l", "native"), Happening.MULTIPART_UPLOAD, b"l", len(BIG) + 3)
        await expect(bench, files.copy(principal, large, bucket, "l2"), Happening.COPY, b"l2", len(BIG) + 3)
        await expect(bench, finished(bench, "l3", "s3"), Happening.MULTIPART_UPLOAD, b"l3", len(BIG) + 3)
        marker = await expect(bench, files.hide(principal, bucket, "a", NATIVE), Happening.HIDE, b"a", None)
        never_there = await expect(bench, files.hide(principal, bucket, "never", S3), Happening.HIDE, b"never", None)
        for version in (marker, made, large, never_there):
            removing = files.delete_version(principal, bucket, version.name, str(version.file_id))
            await expect(bench, removing, Happening.DELETE, version.name.encode(), None)


@asynchronous
async def test_what_lifecycle_rules_do_has_types_of_its_own(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, rule())
        await set_lifecycle(bench, days(hide=1, delete=1, cancel=1))
        await bench.put("a")
        await bench.store.files.start_large_file(bench.principal, bench.bucket, "unfinished", NewFile("a/b"))
        told = []
        for _ in range(2):
            bench.clock.ms += DAY_MS
            events, _ = await happened(bench, apply(bench))
            told.append([(event.event_type, event.name) for event in events])
        hidden, removed = Happening.LIFECYCLE_HIDE.value, Happening.LIFECYCLE_DELETE.value
        assert told == [[(hidden, b"a")], [(removed, b"a")] * 2]  # The file, and the marker that hides nothing then.


@asynchronous
async def test_a_large_file_is_no_event_before_it_is_finished_and_none_when_it_never_is(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, principal = bench.store.files, bench.principal
        await set_rules(bench, rule())
        first = await files.start_large_file(principal, bench.bucket, "a", NewFile("a/b"))
        second = await files.start_large_file(principal, bench.bucket, "a", NewFile("a/b"))
        await files.upload_part(principal, bench.bucket, first, 1, Bytes(b"part"))
        await files.cancel(principal, bench.bucket, first)
        await files.delete_version(principal, bench.bucket, "a", str(second.file_id))
        assert await waiting(bench) == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda bench: bench.put("a", expected={"sha1": b"\0" * 20}), DigestMismatch),
        (
            lambda bench: bench.store.files.upload(
                bench.principal,
                bench.bucket,
                "a",
                NewFile("a/b"),
                Bytes(b"x"),
                condition=WriteCondition(if_none_match="*"),
            ),
            PreconditionFailed,
        ),
        (lambda bench: bench.store.files.hide(bench.principal, bench.bucket, "hidden", NATIVE), AlreadyHidden),
    ],
)
@asynchronous
async def test_what_is_refused_is_no_event(tmp_path, change, error):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        await bench.store.files.hide(bench.principal, bench.bucket, "hidden", S3)
        await set_rules(bench, rule())
        with pytest.raises(error):
            await change(bench)
        assert await waiting(bench) == []


@asynchronous
async def test_a_change_whose_event_finds_no_room_is_refused_with_it(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, rule())
        genuine = _Connection.run

        async def full(self, sql, params=()):
            if sql.startswith("INSERT INTO outbox"):
                raise CatalogFull("no room")
            await genuine(self, sql, params)

        with monkeypatch.context() as patched:
            patched.setattr(_Connection, "run", full)
            with pytest.raises((StorageFull, StoreError)):
                await bench.put("a")
        assert (await bench.names(), await waiting(bench)) == ([], [])


@asynchronous
async def test_each_process_knows_of_a_rule_from_the_first_change_after_it(tmp_path):
    async with open_bench(tmp_path) as bench, open_bench(tmp_path, new=False) as other:
        other.principal, other.bucket = bench.principal, bench.bucket
        await other.put("before")
        await set_rules(bench, rule())
        await other.put("after")
        assert [event.name for event in await waiting(bench)] == [b"after"]
        await set_rules(bench)
        await other.put("later")
        assert await waiting(bench) == []


@asynchronous
async def test_a_bucket_without_rules_runs_no_statement_more(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:
        said = []
        for method in ("one", "all", "run", "many"):
            genuine = getattr(_Connection, method)

            async def spy(self, sql, *rest, genuine=genuine):
                said.append(sql)
                return await genuine(self, sql, *rest)

            monkeypatch.setattr(_Connection, method, spy)

        async def statements():
            said.clear()
            made = await bench.put("a")
            await bench.store.files.delete_version(bench.principal, bench.bucket, "a", str(made.file_id))
            return [sql for sql in said if "outbox" in sql or "notification" in sql], len(said)

        await statements()
        plain, without = await statements()
        assert plain == []
        await set_rules(bench, rule(object_name_prefix="elsewhere/"))
        await statements()
        assert await statements() == ([], without)
        await set_rules(bench, rule())
        await statements()
        of_events, with_rule = await statements()
        assert (len(of_events), with_rule) == (4, without + 4)
