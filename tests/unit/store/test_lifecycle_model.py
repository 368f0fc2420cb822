"""Lifecycle rules on random histories, compared with what a few plain lines say the rules mean."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.lifecycle import DAY_MS, apply, days, expected_picture, picture, run_to_end, set_rules, versions_of
from harness.stores import Bytes, md5, open_bench
from undercroft import limits
from undercroft.catalog import lifecycle
from undercroft.store.dialect import S3
from undercroft.store.model import Action, NewFile
from undercroft.store.work.lifecycle import DAILY

HOUR_MS = 3_600_000
EXAMPLES = 1000 if os.environ.get("UNDERCROFT_TEST_SIZE") == "full" else 25
NAMES = ("a", "ab", "b/", "b/c", "é")

_count = st.none() | st.integers(1, 4)
_rule = st.builds(days, _count, _count, _count).filter(lambda rule: any(type(each) is int for each in rule.values()))
_rules = st.one_of(
    _rule.map(lambda rule: [rule]),
    st.lists(_rule, min_size=1, max_size=3).map(
        lambda rules: [
            {**rule, "fileNamePrefix": prefix} for rule, prefix in zip(rules, ("b/", "a", "é"), strict=False)
        ]
    ),
)
_name = st.sampled_from(NAMES)
_step = st.one_of(
    st.tuples(st.just("put"), _name),
    st.tuples(st.just("put in the past"), _name, st.integers(0, 200)),
    st.tuples(st.just("hide"), _name),
    st.tuples(st.just("start"), _name),
    st.tuples(st.just("finish"), st.integers(0, 20)),
    st.tuples(st.just("delete"), st.integers(0, 20)),
    st.tuples(st.just("wait"), st.sampled_from([1, 12, 24, 24, 25, 60])),
    st.tuples(st.just("set clock back"), st.sampled_from([1, 30])),
    st.tuples(st.just("carry out")),
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rules=_rules,
    steps=st.lists(_step, min_size=5, max_size=25),
    page=st.sampled_from([1, 2, 3, 1000]),
    weight=st.sampled_from([1, 2, 100]),
    as_steward=st.booleans(),
)
def test_a_run_leaves_what_the_rules_say_and_a_dry_run_says_just_that(rules, steps, page, weight, as_steward):
    async def check():
        with tempfile.TemporaryDirectory() as folder:
            async with open_bench(Path(folder)) as bench:
                await run_to_end(bench)
                await set_rules(bench, *rules)
                for step in steps:
                    await _do(bench, rules, step, as_steward=as_steward)
                bench.clock.ms += 2 * DAY_MS
                await _carry_out(bench, rules, as_steward=as_steward)

    with mock.patch.multiple(limits, LIFECYCLE_PAGE=page, LIFECYCLE_TURN_PAGES=1, LIFECYCLE_TRANSACTION_WEIGHT=weight):
        asyncio.run(check())


async def _do(bench, rules, step, *, as_steward):
    files, principal, bucket = bench.store.files, bench.principal, bench.bucket
    match step:
        case ("put", name):
            await bench.put(name)
        case ("put in the past", name, hours):
            await bench.put(name, new=NewFile("a/b", uploaded_ms=bench.clock.ms - hours * HOUR_MS))
        case ("hide", name):
            await files.hide(principal, bucket, name, S3)
        case ("start", name):
            large = await files.start_large_file(principal, bucket, name, NewFile("a/b"))
            await files.upload_part(principal, bucket, large, 1, Bytes(b"part"))
        case ("finish", index):
            started = [one for one in await versions_of(bench) if one.action is Action.START]
            if started:
                await files.finish_s3(principal, bucket, started[index % len(started)], [(1, md5(b"part"))])
        case ("delete", index):
            listed = await versions_of(bench)
            if listed:
                gone = listed[index % len(listed)]
                await files.delete_version(principal, bucket, gone.name, str(gone.file_id))
        case ("wait", hours):
            bench.clock.ms += hours * HOUR_MS
        case ("set clock back", hours):
            bench.clock.ms -= hours * HOUR_MS
        case _:
            await _carry_out(bench, rules, as_steward=as_steward)


async def _carry_out(bench, rules, *, as_steward):
    before = await versions_of(bench)
    said, planned = await apply(bench, dry_run=True)
    assert picture(await versions_of(bench)) == picture(before), "a dry run changed something"
    if as_steward:
        # Another period than the last that had a run, so that there is one; the clock may have been set back since.
        ran = await lifecycle.find(bench.catalog.rows)
        while DAILY.period(bench.clock.ms) == ran.period:
            bench.clock.ms += HOUR_MS
        _, planned = await apply(bench, dry_run=True)
        await run_to_end(bench)
    else:
        assert await apply(bench) == (said, planned)
    after = await versions_of(bench)
    assert picture(after) == expected_picture(before, rules, bench.clock.ms)
    ids = [str(one.file_id) for one in after]
    before_ids = [str(one.file_id) for one in before]
    assert {file_id for deed, _, file_id in planned if deed != "hide"} == set(before_ids) - set(ids)
    assert len([deed for deed, _, _ in planned if deed == "hide"]) == len(set(ids) - set(before_ids))
    assert (await apply(bench, dry_run=True))[1] == [], "a run left something to the next"
