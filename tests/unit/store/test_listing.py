"""Lists, compared with what a few lines of Python say they should be."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.asynchronous import asynchronous
from harness.stores import Bytes, md5, open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.dialect import S3
from undercroft.store.identity.principals import Principal
from undercroft.store.model import FileVersion, Folder, NewFile

_names = st.text(alphabet="ab/é\U0001f600\x01", min_size=1, max_size=6)


def _folded(names, prefix, delimiter, start):
    rows = []
    for name in sorted(set(names), key=str.encode):
        if not name.startswith(prefix) or name.encode() < start.encode():
            continue
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        row = name if cut < 0 else name[: cut + len(delimiter)]
        if row not in rows:
            rows.append(row)
    return rows


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    names=st.lists(_names, max_size=12),
    hidden=st.lists(_names, max_size=3),
    prefix=st.text(alphabet="ab/é", max_size=2),
    delimiter=st.sampled_from(["", "/", "a", "/b", "é"]),
    start=st.text(alphabet="ab/", max_size=3),
    limit=st.integers(1, 5),
)
def test_pages_of_names_and_versions_are_what_sorting_and_folding_say(names, hidden, prefix, delimiter, start, limit):
    async def check():
        with tempfile.TemporaryDirectory() as folder:
            async with open_bench(Path(folder)) as bench:
                for name in names:
                    await bench.put(name, b"")
                for name in hidden:
                    await bench.store.files.hide(bench.principal, bench.bucket, name, S3)
                visible = set(names) - set(hidden)
                options = {"prefix": prefix, "delimiter": delimiter}
                expected = _folded(visible, prefix, delimiter, start)
                assert await bench.names(start=start, **options) == expected
                page = await bench.store.files.list_names(
                    bench.principal, bench.bucket, start=start, limit=limit, **options
                )
                assert [row.name for row in page.rows] == expected[:limit]
                assert (page.following.name if page.following else None) == (expected[limit:] or [None])[0]
                await _check_versions(bench, names + hidden, start, options, limit)

    asyncio.run(check())


async def _check_versions(bench, names, start, options, limit):
    """All pages of the versions, one after another, are the one list of all versions."""
    whole = await bench.store.files.list_versions(bench.principal, bench.bucket, start=start, limit=1000, **options)
    folded = _folded(names, options["prefix"], options["delimiter"], start)
    assert list(dict.fromkeys(row.name for row in whole.rows)) == folded
    paged, position = [], {"start": start}
    while True:
        page = await bench.store.files.list_versions(bench.principal, bench.bucket, limit=limit, **position, **options)
        paged += page.rows
        following = page.following
        if following is None:
            break
        position = {"start": following.name}
        if isinstance(following, FileVersion):
            position["start_file_id"] = str(following.file_id)
    assert [_row(row) for row in paged] == [_row(row) for row in whole.rows]


def _row(row):
    return row if isinstance(row, Folder) else (row.name, row.file_id, row.action, row.is_latest)


@asynchronous
async def test_a_cursor_whose_version_was_deleted_neither_skips_nor_repeats(tmp_path):
    async with open_bench(tmp_path) as bench:
        made = []
        for _ in range(4):
            bench.clock.ms += 10
            made.append(await bench.put("name"))
        cursor = made[1]
        await bench.store.files.delete_version(bench.principal, bench.bucket, "name", str(cursor.file_id))
        page = await bench.store.files.list_versions(
            bench.principal, bench.bucket, start="name", start_file_id=str(cursor.file_id), limit=10
        )
        assert [row.file_id for row in page.rows] == [made[0].file_id]


@asynchronous
async def test_a_cursor_that_was_deleted_skips_nothing_though_its_upload_began_before_versions_below_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        bench.clock.ms += 100
        below = await bench.put("name")
        bench.clock.ms -= 50  # As with a slow upload, which began before the other was there.
        cursor = await bench.put("name")
        assert cursor.uploaded_ms == below.uploaded_ms
        await bench.store.files.delete_version(bench.principal, bench.bucket, "name", str(cursor.file_id))
        page = await bench.store.files.list_versions(
            bench.principal, bench.bucket, start="name", start_file_id=str(cursor.file_id), after=True, limit=10
        )
        assert [row.file_id for row in page.rows] == [below.file_id]


@asynchronous
async def test_a_cursor_that_was_a_large_file_skips_nothing_that_was_uploaded_while_it_was_put_together(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, who, bucket = bench.store.files, bench.principal, bench.bucket
        large = await files.start_large_file(who, bucket, "name", NewFile("a/b"))
        await files.upload_part(who, bucket, large, 1, Bytes(b"part"))
        bench.clock.ms += 100
        below = await bench.put("name")
        bench.clock.ms += 100
        await files.finish_s3(who, bucket, large, [(1, md5(b"part"))])
        assert await bench.versions() == [("name", "UPLOAD"), ("name", "UPLOAD")]
        await files.delete_version(who, bucket, "name", str(large.file_id))
        page = await files.list_versions(
            who, bucket, start="name", start_file_id=str(large.file_id), after=True, limit=10
        )
        assert [row.file_id for row in page.rows] == [below.file_id]


@asynchronous
async def test_a_start_id_of_another_name_counts_for_nothing(tmp_path):
    async with open_bench(tmp_path) as bench:
        other = await bench.put("a")
        await bench.put("b")
        page = await bench.store.files.list_versions(
            bench.principal, bench.bucket, start="b", start_file_id=str(other.file_id), limit=10
        )
        assert [row.name for row in page.rows] == ["b"]


@asynchronous
async def test_listing_with_a_delimiter_does_not_grow_with_what_lies_under_a_folder(tmp_path):
    async with open_bench(tmp_path) as bench:
        await asyncio.gather(*(bench.put(f"deep/{number:05}", b"") for number in range(3000)))
        await bench.put("z", b"")
        steps = 0

        def count():
            nonlocal steps
            steps += 1
            return False

        connection = bench.catalog._connect()
        bench.catalog._scan_connections.append(connection)
        connection.raw.set_progress_handler(count, 100)
        assert await bench.names(delimiter="/") == ["deep/", "z"]
        assert steps < 20, "thousands of rows were walked for two entries"


@asynchronous
async def test_versions_are_counted_by_name_with_hide_markers_and_without_what_is_unfinished(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        for name in ("once", "twice", "twice", "hidden", "other"):
            await bench.put(name)
        await files.hide(bench.principal, bench.bucket, "hidden", S3)
        await files.start_large_file(bench.principal, bench.bucket, "once", NewFile("a/b"))
        await files.start_large_file(bench.principal, bench.bucket, "begun", NewFile("a/b"))
        asked = ["once", "twice", "hidden", "begun", "none", "twice"]
        counted = await files.count_versions(bench.principal, bench.bucket, asked)
        assert counted == {"once": 1, "twice": 2, "hidden": 2}


@asynchronous
async def test_counting_versions_ends_at_its_limits(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        for _ in range(limits.VERSIONS_COUNTED_MAX + 1):
            await bench.put("many", b"")
        names = [f"n{number}" for number in range(limits.NAMES_LOOKED_UP_MAX - 1)]
        counted = await files.count_versions(bench.principal, bench.bucket, ["many", *names])
        assert counted == {"many": limits.VERSIONS_COUNTED_MAX}
        with pytest.raises(errors.OutOfRange):
            await files.count_versions(bench.principal, bench.bucket, ["many", "more", *names])


@asynchronous
async def test_counting_versions_needs_a_key_that_may_list_every_one_of_the_names(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("in/a")
        key = await bench.store.identity.keys.create(
            bench.principal, "narrow", ["listFiles"], bucket_ids=[bench.bucket.bucket_id], name_prefix="in/"
        )
        narrow = Principal.of_key(key)
        with pytest.raises(errors.Unauthorized):
            await bench.store.files.count_versions(narrow, bench.bucket, ["in/a", "out"])
        assert await bench.store.files.count_versions(narrow, bench.bucket, ["in/a"]) == {"in/a": 1}
