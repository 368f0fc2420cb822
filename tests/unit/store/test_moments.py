"""A bucket as it was: lists of the past, and rewinding to it, on random histories, and what single rules say."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.asynchronous import asynchronous
from harness.jobs import as_it_was, described, done, folded, list_at, run_to_end, visible
from harness.lifecycle import versions_of
from harness.stores import Bytes, md5, open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.dialect import S3
from undercroft.store.model import NewFile
from undercroft.store.work.jobs.model import Rewind

EXAMPLES = 1000 if os.environ.get("UNDERCROFT_TEST_SIZE") == "full" else 15
NAMES = ("a", "a/", "a/b", "a/c/d", "b", "é/x")
_name = st.sampled_from(NAMES)
_put = st.tuples(st.just("put"), _name, st.integers(0, 3))
_step = st.one_of(
    _put,
    _put,
    st.tuples(st.just("put in the past"), _name, st.integers(0, 30)),
    st.tuples(st.just("hide"), _name),
    st.tuples(st.just("start"), _name),
    st.tuples(st.just("finish"), st.integers(0, 20)),
    st.tuples(st.just("copy"), _name, _name),
    st.tuples(st.just("wait"), st.integers(1, 10)),
)
_delete = st.tuples(st.just("delete"), st.integers(0, 20))
_quiet = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


async def do(bench, step):
    """One step of a history."""
    files, principal, bucket = bench.store.files, bench.principal, bench.bucket
    bench.clock.ms += 1
    match step:
        case ("put", name, content):
            await bench.put(name, b"%d" % content, new=NewFile(f"text/{content}", {"n": str(content)}))
        case ("put in the past", name, ago):
            await bench.put(name, b"past", new=NewFile("a/b", uploaded_ms=bench.clock.ms - ago))
        case ("hide", name):
            await files.hide(principal, bucket, name, S3)
        case ("start", name):
            large = await files.start_large_file(principal, bucket, name, NewFile("a/large"))
            await files.upload_part(principal, bucket, large, 1, Bytes(b"part"))
        case ("finish", number):
            found, _ = await files.list_unfinished(principal, bucket, limit=100)
            if found:
                await files.finish_s3(principal, bucket, found[number % len(found)], [(1, md5(b"part"))])
        case ("copy", name, target):
            if name in await bench.names():
                source = await files.current(principal, bucket, name)
                await files.copy(principal, source, bucket, target)
        case ("delete", number):
            found = await versions_of(bench)
            if found:
                gone = found[number % len(found)]
                await files.delete_version(principal, bucket, gone.name, str(gone.file_id))
        case ("wait", milliseconds):
            bench.clock.ms += milliseconds


@_quiet
@given(
    steps=st.lists(_step, min_size=3, max_size=25),
    prefix=st.sampled_from(["", "a", "a/", "é/"]),
    delimiter=st.sampled_from(["", "/"]),
    limit=st.sampled_from([1, 2, 1000]),
    budget=st.sampled_from([1, 3, 20_000]),
)
def test_a_list_of_the_past_is_what_the_list_was_then(steps, prefix, delimiter, limit, budget):
    async def check():
        with tempfile.TemporaryDirectory() as folder:
            async with open_bench(Path(folder)) as bench:
                seen = []
                for step in steps:
                    await do(bench, step)
                    seen.append((bench.clock.ms, await bench.names(prefix=prefix, delimiter=delimiter)))
                for at_ms, names in seen:
                    assert await list_at(bench, at_ms, prefix=prefix, delimiter=delimiter, limit=limit) == names

    with mock.patch.object(limits, "PAST_LOOKED_AT_MAX", budget):
        asyncio.run(check())


@_quiet
@given(
    steps=st.lists(st.one_of(_step, _delete), min_size=3, max_size=25),
    prefix=st.sampled_from(["", "a/"]),
    delimiter=st.sampled_from(["", "/"]),
)
def test_what_was_deleted_since_is_all_that_a_list_of_the_past_does_not_know(steps, prefix, delimiter):
    async def check():
        with tempfile.TemporaryDirectory() as folder:
            async with open_bench(Path(folder)) as bench:
                moments = []
                for step in steps:
                    await do(bench, step)
                    moments.append(bench.clock.ms)
                listed = await versions_of(bench)
                for at_ms in moments:
                    expected = folded(as_it_was(listed, at_ms), prefix, delimiter)
                    assert await list_at(bench, at_ms, prefix=prefix, delimiter=delimiter) == expected

    asyncio.run(check())


@_quiet
@given(
    steps=st.lists(st.one_of(_step, _delete), min_size=3, max_size=20),
    moment=st.integers(0, 19),
    prefix=st.sampled_from(["", "a/"]),
    page=st.sampled_from([1, 2, 1000]),
    weight=st.sampled_from([1, 100]),
)
def test_a_rewind_makes_the_bucket_what_it_was_and_the_second_time_changes_nothing(steps, moment, prefix, page, weight):
    async def check():
        with tempfile.TemporaryDirectory() as folder:
            async with open_bench(Path(folder)) as bench:
                moments = []
                for step in steps:
                    await do(bench, step)
                    moments.append(bench.clock.ms)
                bench.clock.ms += 1
                before, names = await versions_of(bench), await visible(bench)
                asked = Rewind(moments[moment % len(moments)], prefix)
                expected = {name: described(one) for name, one in as_it_was(before, asked.to_ms).items()}
                survey = await bench.store.jobs.survey(bench.principal, bench.bucket, asked, limit=None)
                tally = done(await run_to_end(bench, asked))
                assert tally == survey.tally
                assert survey.is_whole
                after = await visible(bench)
                assert {name: one for name, one in after.items() if name.startswith(prefix)} == {
                    name: one for name, one in expected.items() if name.startswith(prefix)
                }
                assert {name: one for name, one in after.items() if not name.startswith(prefix)} == {
                    name: one for name, one in names.items() if not name.startswith(prefix)
                }
                left = await versions_of(bench)
                assert {str(one.file_id) for one in before} <= {str(one.file_id) for one in left}, "something is gone"
                assert len(left) == len(before) + tally.copied + tally.hidden
                assert done(await run_to_end(bench, asked)).changes == 0
                assert len(await versions_of(bench)) == len(left)

    with mock.patch.multiple(limits, JOB_PAGE=page, JOB_TRANSACTION_WEIGHT=weight, JOB_TURN_PAGES=2):
        asyncio.run(check())


# -- Single rules -----------------------------------------------------------------------------------------------------
@asynchronous
async def test_a_moment_includes_what_came_in_its_millisecond(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        assert await list_at(bench, bench.clock.ms) == ["a"]
        assert await list_at(bench, bench.clock.ms - 1) == []


@asynchronous
async def test_a_file_with_a_time_of_long_ago_was_not_there_before_it_came(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a", new=NewFile("a/b", uploaded_ms=1_000_000))
        assert await list_at(bench, bench.clock.ms - 1) == []
        assert await list_at(bench, bench.clock.ms) == ["a"]


@asynchronous
async def test_a_page_of_the_past_ends_after_so_many_versions_and_the_next_one_goes_on(tmp_path):
    async with open_bench(tmp_path) as bench:
        for _ in range(5):
            await bench.put("many")
        then = bench.clock.ms
        bench.clock.ms += 1
        for _ in range(30):
            await bench.put("many")
        await bench.put("zoo")
        with mock.patch.object(limits, "PAST_LOOKED_AT_MAX", 10):
            page = await bench.store.files.list_at(bench.principal, bench.bucket, then, limit=5)
            assert page.rows == []
            assert page.following is not None
            assert await list_at(bench, then, limit=5) == ["many"]


@pytest.mark.parametrize("token", ["x", "e30=", "WyIiLDFd", "é", "WyJBQSIsMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0LDBd"])
@asynchronous
async def test_a_token_that_is_none_is_refused(tmp_path, token):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.InvalidRequest):
            await bench.store.files.list_at(bench.principal, bench.bucket, 0, start=token, limit=1)


@asynchronous
async def test_days_of_change_are_those_on_which_versions_came(tmp_path):
    async with open_bench(tmp_path) as bench:
        day = bench.clock.ms // 86_400_000
        await bench.put("a/1")
        await bench.put("a/1")
        await bench.put("b")
        bench.clock.ms += 3 * 86_400_000
        await bench.store.files.hide(bench.principal, bench.bucket, "a/1", S3)
        found = await bench.store.files.days_of_change(bench.principal, bench.bucket, prefix="a/")
        assert [tuple(each) for each in found.days] == [(day + 3, 1), (day, 2)]
        assert found.is_whole
        with mock.patch.object(limits, "PAST_DAYS_LOOKED_AT_MAX", 1):
            found = await bench.store.files.days_of_change(bench.principal, bench.bucket)
        assert not found.is_whole
