"""Lifecycle rules: when something is hidden, deleted or canceled, and what keeps it."""

from __future__ import annotations

import asyncio
import os
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.lifecycle import DAY_MS, apply, days, picture, run_to_end, set_rules, versions_of
from harness.stores import START_MS, Bytes, SetClock, md5, open_bench, sha1
from undercroft import limits
from undercroft.catalog import lifecycle, usage
from undercroft.store import errors
from undercroft.store.buckets.lock import LockChange
from undercroft.store.dialect import NATIVE, S3
from undercroft.store.model import NewFile, Retention
from undercroft.store.work.lifecycle import DAILY, Schedule

HOUR_MS = 3_600_000


async def hide(bench, name):
    return await bench.store.files.hide(bench.principal, bench.bucket, name, S3)


async def start(bench, name):
    return await bench.store.files.start_large_file(bench.principal, bench.bucket, name, NewFile("a/b"))


# -- Days -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("age_ms", "hidden"), [(3 * DAY_MS - 1, 0), (3 * DAY_MS, 1), (3 * DAY_MS + 1, 1)])
@asynchronous
async def test_a_file_is_hidden_so_many_days_after_its_upload(tmp_path, age_ms, hidden):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(hide=3))
        await bench.put("a")
        bench.clock.ms += age_ms
        tally, _ = await apply(bench)
        assert tally.hidden == hidden
        assert await bench.names() == ["a"][hidden:]


@pytest.mark.parametrize(("age_ms", "deleted"), [(2 * DAY_MS - 1, 0), (2 * DAY_MS, 1)])
@pytest.mark.parametrize("by", ["upload", "hide marker"])
@asynchronous
async def test_a_version_is_deleted_so_many_days_after_a_newer_one_came(tmp_path, by, age_ms, deleted):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(delete=2))
        await bench.put("a", b"old")
        bench.clock.ms += 100 * DAY_MS
        newer = await (bench.put("a", b"new") if by == "upload" else hide(bench, "a"))
        bench.clock.ms += age_ms
        tally, _ = await apply(bench)
        assert tally.deleted == deleted
        if by == "upload":
            assert await bench.get("a") == b"new"
            assert len(await versions_of(bench)) == 2 - deleted
        else:
            assert tally.hide_markers_deleted == deleted
            left = [version.file_id for version in await versions_of(bench)]
            assert left == ([] if deleted else [newer.file_id, left[-1]])


@pytest.mark.parametrize(("age_ms", "canceled"), [(7 * DAY_MS - 1, 0), (7 * DAY_MS, 1)])
@asynchronous
async def test_an_unfinished_large_file_is_canceled_so_many_days_after_its_start(tmp_path, age_ms, canceled):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(cancel=7))
        await bench.put("a")
        large = await start(bench, "a")
        await bench.store.files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(os.urandom(100_000)))
        bench.clock.ms += age_ms
        tally, _ = await apply(bench)
        assert (tally.canceled, tally.hidden, tally.deleted) == (canceled, 0, 0)
        expected = [("a", "UPLOAD")] if canceled else [("a", "START"), ("a", "UPLOAD")]
        assert await bench.versions() == expected
        bench.clock.ms += limits.RECLAIM_GRACE_S * 1000
        await bench.store.work.reclaim.run()
        assert bench.blob_count() == (0 if canceled else 1)


@asynchronous
async def test_with_both_numbers_a_file_lives_for_their_sum_and_leaves_nothing(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(hide=2, delete=3))
        await bench.put("a", os.urandom(100_000))
        seen = []
        for _ in range(5):
            bench.clock.ms += DAY_MS
            seen.append([deed for deed, _, _ in (await apply(bench))[1]])
        assert seen == [[], ["hide"], [], [], ["delete", "deleteHideMarker"]]
        assert await versions_of(bench) == []
        assert (await usage.of_bucket(bench.catalog.rows, bench.bucket.bucket_id))[:2] == (0, 0)


@asynchronous
async def test_the_only_version_of_a_name_is_never_deleted(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(delete=1))
        await bench.put("a")
        bench.clock.ms += 10_000 * DAY_MS
        assert (await apply(bench))[1] == []


# -- What ages count from ---------------------------------------------------------------------------------------------
@asynchronous
async def test_a_custom_timestamp_makes_no_version_older_than_it_is(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(hide=2, delete=1))
        await bench.put("a", b"shown")
        bench.clock.ms += 10 * DAY_MS
        old = NewFile("a/b", uploaded_ms=START_MS - 5000 * DAY_MS)
        below = await bench.put("a", b"below", new=old)
        alone = await bench.put("b", b"alone", new=old)
        await set_rules(bench, days(delete=1))
        bench.clock.ms += DAY_MS - 1
        assert (await apply(bench))[1] == []
        bench.clock.ms += 1
        assert (await apply(bench))[1] == [("delete", "a", str(below.file_id))]
        await set_rules(bench, days(hide=2, prefix="b"))
        bench.clock.ms += DAY_MS - 1
        assert (await apply(bench))[1] == []
        bench.clock.ms += 1
        assert (await apply(bench))[1] == [("hide", "b", str(alone.file_id))]


@asynchronous
async def test_a_native_large_file_hides_what_is_older_from_its_finish_on_not_from_its_start(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(delete=2))
        await bench.put("a", b"old")
        bench.clock.ms += DAY_MS
        large = await start(bench, "a")
        parts = [os.urandom(limits.NATIVE_PART_MIN_BYTES), b"tail"]
        for number, part in enumerate(parts, 1):
            await bench.store.files.upload_part(bench.principal, bench.bucket, large, number, Bytes(part))
        bench.clock.ms += 30 * DAY_MS
        finished = await bench.store.files.finish_native(
            bench.principal, bench.bucket, large, [sha1(part) for part in parts]
        )
        assert (finished.uploaded_ms, finished.received_ms) == (START_MS + DAY_MS, bench.clock.ms)
        bench.clock.ms += 2 * DAY_MS - 1
        assert (await apply(bench))[1] == []
        bench.clock.ms += 1
        assert [deed for deed, _, _ in (await apply(bench))[1]] == ["delete"]
        assert (await versions_of(bench))[0].file_id == finished.file_id


@asynchronous
async def test_a_version_is_hidden_since_the_first_newer_one_came_not_the_last(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(delete=3))
        for content in (b"1", b"2", b"3", b"4"):
            await bench.put("a", content)
            bench.clock.ms += DAY_MS
        # Received on days 0, 1, 2, 3; it is day 4: only the first has been hidden for three days.
        assert (await apply(bench))[0].deleted == 1
        assert [await bench.bytes_of(version) for version in await versions_of(bench)] == [b"4", b"3", b"2"]
        bench.clock.ms += DAY_MS
        assert (await apply(bench))[0].deleted == 1


@pytest.mark.parametrize(("between", "deleted"), [(2, 1), (3, 0)])
@asynchronous
async def test_the_search_for_what_hid_a_version_long_ago_is_bounded_and_errs_by_keeping_it(tmp_path, between, deleted):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(delete=2))
        past_ms = START_MS - 100 * DAY_MS
        await bench.put("a", b"oldest", new=NewFile("a/b", uploaded_ms=past_ms))
        await bench.put("a", b"newest")
        bench.clock.ms += 2 * DAY_MS
        for number in range(between):
            await bench.put("a", b"between", new=NewFile("a/b", uploaded_ms=past_ms + 1 + number))
        with mock.patch.object(limits, "LIFECYCLE_NEWER_MAX", 3):
            assert (await apply(bench))[0].deleted == deleted


# -- Hide markers -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "gone"), [(days(hide=9), True), (days(delete=9), True), (days(cancel=9), False)], ids=str
)
@asynchronous
async def test_a_hide_marker_over_nothing_goes_under_a_rule_for_files(tmp_path, rule, gone):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, rule)
        await hide(bench, "a")
        assert (await apply(bench))[0].hide_markers_deleted == int(gone)
        assert await bench.versions() == ([] if gone else [("a", "HIDE")])


@asynchronous
async def test_a_hide_marker_stays_over_an_unfinished_large_file_that_would_come_to_lie_under_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(delete=1, cancel=2))
        await start(bench, "a")
        bench.clock.ms += DAY_MS
        await hide(bench, "a")
        assert (await apply(bench))[1] == []
        bench.clock.ms += DAY_MS
        assert [deed for deed, _, _ in (await apply(bench))[1]] == ["cancel", "deleteHideMarker"]


@asynchronous
async def test_a_hide_marker_goes_from_under_an_unfinished_large_file_begun_after_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(delete=1))
        await hide(bench, "a")
        bench.clock.ms += 1
        await start(bench, "a")
        assert [deed for deed, _, _ in (await apply(bench))[1]] == ["deleteHideMarker"]
        assert await bench.versions() == [("a", "START")]


# -- Names ------------------------------------------------------------------------------------------------------------
@asynchronous
async def test_a_rule_is_about_names_with_its_prefix_and_no_others(tmp_path):
    async with open_bench(tmp_path) as bench:
        names = ["a", "logs", "logs/", "logs/\U0001f600", "logs0", "é", "é/1", "\U0010ffff"]
        for name in names:
            await bench.put(name)
        await set_rules(bench, days(hide=1, prefix="é"), days(hide=2, prefix="logs/"), days(hide=3, prefix="nothing"))
        bench.clock.ms += DAY_MS
        assert [name for _, name, _ in (await apply(bench))[1]] == ["é", "é/1"]
        bench.clock.ms += DAY_MS
        assert [name for _, name, _ in (await apply(bench))[1]] == ["logs/", "logs/\U0001f600"]
        bench.clock.ms += DAY_MS
        await set_rules(bench, days(hide=1))
        assert {name for _, name, _ in (await apply(bench))[1]} == {"a", "logs", "logs0", "\U0010ffff"}


# -- The steward's run ------------------------------------------------------------------------------------------------
@asynchronous
async def test_a_rule_is_first_carried_out_at_the_beginning_of_the_next_period(tmp_path):
    async with open_bench(tmp_path) as bench:
        bench.clock.ms = 20_000 * DAY_MS + 5 * HOUR_MS
        await bench.put("a")
        bench.clock.ms += 100 * DAY_MS
        assert await run_to_end(bench) == 1
        await set_rules(bench, days(hide=1))
        for later_ms, names in ((0, ["a"]), (19 * HOUR_MS - 1, ["a"]), (1, [])):
            bench.clock.ms += later_ms
            await run_to_end(bench)
            assert await bench.names() == names


@pytest.mark.parametrize(
    ("schedule", "moment_ms", "next_ms"),
    [
        (DAILY, 10 * DAY_MS, 11 * DAY_MS),
        (Schedule(86_400, 3), 10 * DAY_MS + 3 * HOUR_MS, 11 * DAY_MS + 3 * HOUR_MS),
        (Schedule(900), 10 * DAY_MS, 10 * DAY_MS + 900_000),
    ],
)
def test_a_period_begins_at_the_hour_and_lasts_for_the_interval(schedule, moment_ms, next_ms):
    assert schedule.period(moment_ms - 1) + 1 == schedule.period(moment_ms) == schedule.period(next_ms - 1)
    assert schedule.period(next_ms) == schedule.period(moment_ms) + 1


@asynchronous
async def test_a_period_has_one_run_also_after_the_clock_was_ahead(tmp_path):
    async with open_bench(tmp_path) as bench:
        await run_to_end(bench)
        await set_rules(bench, days(hide=1))
        bench.clock.ms += 1000 * DAY_MS
        await run_to_end(bench)
        bench.clock.ms = START_MS + 2 * DAY_MS
        await bench.put("a")
        bench.clock.ms += DAY_MS
        await run_to_end(bench)
        assert await bench.names() == []
        await bench.put("b", new=NewFile("a/b"))
        period = (await lifecycle.find(bench.catalog.rows)).period
        assert (await lifecycle.find(bench.catalog.rows)).ended_ms == bench.clock.ms
        bench.clock.ms += 1000
        assert await run_to_end(bench) == 1
        assert (await lifecycle.find(bench.catalog.rows)).period == period


@asynchronous
async def test_a_run_that_stopped_anywhere_is_taken_up_there_by_another_process(tmp_path):
    clock = SetClock()
    async with open_bench(tmp_path, clock=clock) as bench:
        await run_to_end(bench)
        await set_rules(bench, days(hide=5, delete=1, cancel=1))
        for name in ("a", "b", "c"):
            for content in (b"1", b"2", b"3"):
                await bench.put(name, content)
            await hide(bench, name)
            await start(bench, name)
        principal, bucket = bench.principal, bench.bucket
    clock.ms += DAY_MS
    turns = 0
    with mock.patch.multiple(limits, LIFECYCLE_PAGE=1, LIFECYCLE_TURN_PAGES=1, LIFECYCLE_TRANSACTION_WEIGHT=1):
        more = True
        while more:
            async with open_bench(tmp_path, clock=clock, new=False) as bench:
                more = await bench.store.work.lifecycle.run(DAILY)
                turns += 1
    assert turns > 15
    async with open_bench(tmp_path, clock=clock, new=False) as bench:
        bench.principal, bench.bucket = principal, bucket
        assert await versions_of(bench) == []
        run = await lifecycle.find(bench.catalog.rows)
        assert (run.looked_at, run.hidden, run.deleted, run.canceled) == (15, 0, 12, 3)
        assert (await usage.of_bucket(bench.catalog.rows, bucket.bucket_id))[:2] == (0, 0)


@asynchronous
async def test_two_stewards_at_once_do_nothing_twice(tmp_path):
    clock = SetClock()
    with mock.patch.multiple(limits, LIFECYCLE_PAGE=2, LIFECYCLE_TURN_PAGES=3, LIFECYCLE_TRANSACTION_WEIGHT=1):
        async with open_bench(tmp_path, clock=clock) as one, open_bench(tmp_path, clock=clock, new=False) as other:
            await run_to_end(one)
            await set_rules(one, days(hide=1, delete=1))
            for number in range(12):
                await one.put(f"{number:02}", b"1")
                await one.put(f"{number:02}", b"2")
            clock.ms += DAY_MS
            await asyncio.gather(run_to_end(one), run_to_end(other))
            # Whoever was overtaken left the rest to the other: a turn of either now finishes the run.
            await run_to_end(other)
            run = await lifecycle.find(one.catalog.rows)
            assert (run.hidden, run.deleted, run.looked_at, run.ended_ms) == (12, 12, 24, clock.ms)
            assert picture(await versions_of(one)) == [
                (name, action, file_id)
                for name, _, file_id in picture(await versions_of(one))[1::2]
                for action, file_id in (("HIDE", ""), ("UPLOAD", file_id))
            ]


@asynchronous
async def test_buckets_without_rules_are_not_looked_at_and_all_others_are(tmp_path):
    async with open_bench(tmp_path) as bench:
        await run_to_end(bench)
        first = bench.bucket
        for number in range(4):
            bench.bucket = await bench.store.buckets.create(
                bench.principal, f"bucket-{number}", "allPrivate", lifecycle_rules=[days(hide=1)] if number % 2 else []
            )
            await bench.put("a")
        bench.clock.ms += DAY_MS
        await run_to_end(bench)
        run = await lifecycle.find(bench.catalog.rows)
        assert (run.looked_at, run.hidden) == (2, 2)
        assert first.lifecycle_rules == []


# -- What happens meanwhile -------------------------------------------------------------------------------------------
class _Between:
    """Does something between the look of a run and its deeds."""

    def __init__(self, bench, work):
        self._genuine = bench.store.work.lifecycle._act
        self._work = work

    async def __call__(self, *arguments):
        work, self._work = self._work, None
        if work is not None:
            await work()
        return await self._genuine(*arguments)


@pytest.mark.parametrize("meanwhile", ["uploaded", "hidden", "deleted"])
@asynchronous
async def test_a_file_that_is_not_the_newest_any_more_is_not_hidden(tmp_path, meanwhile):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(hide=1))
        old = await bench.put("a", b"old")
        bench.clock.ms += DAY_MS

        async def work():
            if meanwhile == "uploaded":
                await bench.put("a", b"new")
            elif meanwhile == "hidden":
                await hide(bench, "a")
            else:
                await bench.store.files.delete_version(bench.principal, bench.bucket, "a", str(old.file_id))

        with mock.patch.object(bench.store.work.lifecycle, "_act", _Between(bench, work)):
            tally, seen = await apply(bench)
        assert (tally.hidden, seen) == (0, [])
        assert len(await versions_of(bench)) == {"uploaded": 2, "hidden": 2, "deleted": 0}[meanwhile]


@asynchronous
async def test_a_version_that_has_become_visible_again_is_not_deleted(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(delete=1))
        await bench.put("a", b"old")
        marker = await hide(bench, "a")
        bench.clock.ms += DAY_MS

        async def work():
            await bench.store.files.delete_version(bench.principal, bench.bucket, "a", str(marker.file_id))

        with mock.patch.object(bench.store.work.lifecycle, "_act", _Between(bench, work)):
            assert (await apply(bench))[1] == []
        assert await bench.get("a") == b"old"


@asynchronous
async def test_a_large_file_that_was_finished_meanwhile_is_not_canceled(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(cancel=1))
        large = await start(bench, "a")
        await bench.store.files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(b"all of it"))
        bench.clock.ms += DAY_MS

        async def work():
            await bench.store.files.finish_s3(bench.principal, bench.bucket, large, [(1, md5(b"all of it"))])

        with mock.patch.object(bench.store.work.lifecycle, "_act", _Between(bench, work)):
            assert (await apply(bench))[1] == []
        assert await bench.get("a") == b"all of it"


@pytest.mark.parametrize("rules", [[], [days(hide=1, prefix="b")], [days(hide=2)]], ids=str)
@asynchronous
async def test_rules_that_change_in_the_middle_of_a_run_count_from_then_on(tmp_path, rules):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(hide=1))
        await bench.put("a")
        await bench.put("b")
        bench.clock.ms += DAY_MS
        with mock.patch.object(bench.store.work.lifecycle, "_act", _Between(bench, lambda: set_rules(bench, *rules))):
            _, seen = await apply(bench)
        assert [name for _, name, _ in seen] == (["b"] if rules and rules[0]["fileNamePrefix"] == "b" else [])


@asynchronous
async def test_a_bucket_that_is_deleted_in_the_middle_of_a_run_ends_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(hide=1))
        version = await bench.put("a")
        bench.clock.ms += DAY_MS

        async def work():
            await bench.store.files.delete_version(bench.principal, bench.bucket, "a", str(version.file_id))
            await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)

        with mock.patch.object(bench.store.work.lifecycle, "_act", _Between(bench, work)):
            assert (await apply(bench))[1] == []


# -- Locks ------------------------------------------------------------------------------------------------------------
async def lock_bucket(bench):
    lock = LockChange(enabled=True)
    bench.bucket = await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, lock=lock)


async def hold(bench, version, *, on):
    await bench.store.files.update_legal_hold(bench.principal, bench.bucket, version.name, str(version.file_id), on=on)


@pytest.mark.parametrize("mode", ["governance", "compliance"])
@asynchronous
async def test_p7_a_retained_version_stays_until_its_time_is_over_and_so_does_the_hide_marker_over_it(tmp_path, mode):
    async with open_bench(tmp_path) as bench:
        await lock_bucket(bench)
        await set_rules(bench, days(hide=1, delete=1))
        new = NewFile("a/b", retention=Retention(mode, START_MS + 5 * DAY_MS))
        await bench.put("a", b"older")
        await bench.put("a", b"retained", new=new)
        bench.clock.ms += DAY_MS
        assert [deed for deed, _, _ in (await apply(bench))[1]] == ["hide", "delete"]
        bench.clock.ms = START_MS + 5 * DAY_MS - 1
        for dry_run in (True, False):
            tally, seen = await apply(bench, dry_run=dry_run)
            assert (tally.locked, seen) == (1, [])
        assert await bench.versions() == [("a", "HIDE"), ("a", "UPLOAD")]
        bench.clock.ms += 1
        assert [deed for deed, _, _ in (await apply(bench))[1]] == ["delete", "deleteHideMarker"]


@asynchronous
async def test_p7_a_version_under_legal_hold_stays_and_those_around_it_go(tmp_path):
    async with open_bench(tmp_path) as bench:
        await run_to_end(bench)
        await lock_bucket(bench)
        await set_rules(bench, days(delete=1))
        listed = [await bench.put("a", content) for content in (b"1", b"2", b"3", b"4")]
        await hold(bench, listed[1], on=True)
        bench.clock.ms += DAY_MS
        await run_to_end(bench)
        assert [await bench.bytes_of(version) for version in await versions_of(bench)] == [b"4", b"2"]
        assert (await lifecycle.find(bench.catalog.rows)).locked == 1
        await hold(bench, listed[1], on=False)
        assert (await apply(bench))[0].deleted == 1


@asynchronous
async def test_p7_a_version_that_was_locked_meanwhile_is_not_deleted(tmp_path):
    async with open_bench(tmp_path) as bench:
        await lock_bucket(bench)
        await set_rules(bench, days(delete=1))
        old = await bench.put("a", b"old")
        await bench.put("a", b"new")
        await bench.put("b", b"old")
        await bench.put("b", b"new")
        bench.clock.ms += DAY_MS
        with mock.patch.object(bench.store.work.lifecycle, "_act", _Between(bench, lambda: hold(bench, old, on=True))):
            assert [name for _, name, _ in (await apply(bench))[1]] == ["b"]
        assert len(await versions_of(bench)) == 3


# -- Size -------------------------------------------------------------------------------------------------------------
@asynchronous
async def test_transactions_stay_small_and_a_version_of_many_parts_has_one_of_its_own(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(hide=1))
        for number in range(7):
            await bench.put(f"{number}")
        bench.clock.ms += DAY_MS
        genuine, sizes = bench.store.work.lifecycle._act, []

        async def act(page, part, now_ms):
            sizes.append(len(part))
            return await genuine(page, part, now_ms)

        with (
            mock.patch.object(limits, "LIFECYCLE_TRANSACTION_WEIGHT", 3),
            mock.patch.object(bench.store.work.lifecycle, "_act", act),
        ):
            assert (await apply(bench))[0].hidden == 7
        assert sizes == [3, 3, 1]


@pytest.mark.parametrize("changes", [1, 2, 3, 5, 6])
@asynchronous
async def test_a_turn_ends_after_so_many_changes(tmp_path, changes):
    async with open_bench(tmp_path) as bench:
        await run_to_end(bench)
        await set_rules(bench, days(hide=1))
        for number in range(5):
            await bench.put(f"{number}")
        bench.clock.ms += DAY_MS
        with mock.patch.multiple(limits, LIFECYCLE_PAGE=1, LIFECYCLE_TURN_CHANGES=changes):
            hidden = []
            while await bench.store.work.lifecycle.run(DAILY):
                hidden.append((await lifecycle.find(bench.catalog.rows)).hidden)
        assert hidden == [min(changes * turn, 5) for turn in range(1, 5 // changes + 1)]
        assert await bench.names() == []


@pytest.mark.parametrize(("pages", "looked_at"), [(1, 1), (2, 2), (4, 4)])
@asynchronous
async def test_a_turn_ends_after_so_many_pages(tmp_path, pages, looked_at):
    async with open_bench(tmp_path) as bench:
        await run_to_end(bench)
        await set_rules(bench, days(hide=9))
        for number in range(5):
            await bench.put(f"{number}")
        bench.clock.ms += DAY_MS
        with mock.patch.multiple(limits, LIFECYCLE_PAGE=1, LIFECYCLE_TURN_PAGES=pages):
            assert await bench.store.work.lifecycle.run(DAILY)
        assert (await lifecycle.find(bench.catalog.rows)).looked_at == looked_at


@asynchronous
async def test_hiding_what_is_hidden_already_is_still_an_error_natively(tmp_path):
    async with open_bench(tmp_path) as bench:
        await set_rules(bench, days(hide=1))
        await bench.put("a")
        bench.clock.ms += DAY_MS
        await apply(bench)
        with pytest.raises(errors.AlreadyHidden):
            await bench.store.files.hide(bench.principal, bench.bucket, "a", NATIVE)
