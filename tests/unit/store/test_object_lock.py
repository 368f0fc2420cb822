"""Object Lock in the store: what is locked stays (P7), whatever is tried, and what is not can go."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.asynchronous import asynchronous
from harness.stores import START_MS, Bytes, open_bench
from undercroft import limits
from undercroft.catalog import versions
from undercroft.catalog.versions import VersionRow
from undercroft.store import dialect, errors
from undercroft.store.buckets.lock import LockChange
from undercroft.store.files import lock_rules
from undercroft.store.model import DefaultRetention, NewFile, Retention

DAY_MS = 86_400_000
LOCKING = LockChange(enabled=True)
GOVERNED, COMPLIANT = "governance", "compliance"


def a_row(**fields: object) -> VersionRow:
    row = VersionRow("b", b"n", 0, 0, 1, 0, 0, versions.UPLOAD, 1, "t/t", "none", "", None, "{}", 0, 0)
    return row._replace(**fields)


@contextlib.asynccontextmanager
async def locking_bench(folder, change=LOCKING):
    async with open_bench(folder) as bench:
        bench.bucket = await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, lock=change)
        yield bench


async def delete(bench, version, *, bypass=False):
    await bench.store.files.delete_version(
        bench.principal, bench.bucket, version.name, str(version.file_id), bypass_governance=bypass
    )


async def retain(bench, version, retention, *, bypass=False):
    return await bench.store.files.update_retention(
        bench.principal, bench.bucket, version.name, str(version.file_id), retention, bypass=bypass
    )


# -- The rules --------------------------------------------------------------------------------------------------------
MODES = st.sampled_from([GOVERNED, COMPLIANT])
RETENTIONS = st.none() | st.builds(Retention, MODES, st.integers(START_MS + 1, START_MS + 1000))


@given(before=RETENTIONS, wanted=RETENTIONS, bypass=st.booleans(), elapsed=st.integers(0, 1200))
def test_no_allowed_change_makes_a_running_retention_weaker_without_bypass(before, wanted, bypass, elapsed):
    now_ms = START_MS + elapsed
    row = a_row() if before is None else a_row(retention_mode=before.mode, retain_until_ms=before.until_ms)
    running = before is not None and before.until_ms > now_ms
    keeps = not running or (
        wanted is not None
        and wanted.until_ms >= before.until_ms
        and (before.mode == GOVERNED or wanted.mode == COMPLIANT)
    )
    try:
        lock_rules.check_retention_change(row, wanted, now_ms, bypass=bypass)
    except errors.RetentionProtected:
        assert not keeps
        assert not (bypass and before.mode == GOVERNED)
    else:
        assert keeps or (bypass and before.mode == GOVERNED)


@given(
    mode=st.none() | MODES | st.just("unheard-of"),
    until_ms=st.none() | st.integers(START_MS - 5, START_MS + 5),
    hold=st.none() | st.booleans(),
    bypass=st.booleans(),
)
def test_a_version_goes_only_when_nothing_holds_it_and_what_cannot_be_read_holds(mode, until_ms, hold, bypass):
    row = a_row(retention_mode=mode, retain_until_ms=until_ms, legal_hold=None if hold is None else int(hold))
    ended = mode is None or (until_ms is not None and until_ms <= START_MS)
    removable = not hold and (ended or (bypass and mode == GOVERNED))
    with contextlib.nullcontext() if removable else pytest.raises(errors.VersionLocked):
        lock_rules.check_removable(row, START_MS, bypass=bypass)


def test_an_unfinished_large_file_and_a_hide_marker_are_not_held():
    for action in (versions.START, versions.HIDE):
        row = a_row(action=action, retention_mode=COMPLIANT, retain_until_ms=START_MS + 1, legal_hold=1)
        lock_rules.check_removable(row, START_MS, bypass=False)


@pytest.mark.parametrize(
    ("begin", "default", "end"),
    [
        ("2024-02-29T12:00:00.5", DefaultRetention(GOVERNED, 1, "years"), "2025-03-01T12:00:00.5"),
        ("2024-02-29T12:00:00.5", DefaultRetention(GOVERNED, 4, "years"), "2028-02-29T12:00:00.5"),
        ("2026-11-22T23:59:59.999", DefaultRetention(COMPLIANT, 100, "years"), "2126-11-22T23:59:59.999"),
        ("2026-11-22T00:00:00", DefaultRetention(COMPLIANT, 30, "days"), "2026-12-22T00:00:00"),
    ],
)
def test_a_default_retention_ends_so_many_days_or_on_the_same_date_so_many_years_later(begin, default, end):
    def ms(text):
        return round(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() * 1000)

    assert lock_rules.end_of(default, ms(begin)) == ms(end)


@pytest.mark.parametrize(
    "default",
    [
        DefaultRetention("none", 1, "days"),
        DefaultRetention(GOVERNED, 0, "days"),
        DefaultRetention(GOVERNED, -1, "years"),
        DefaultRetention(GOVERNED, 1, "weeks"),
        DefaultRetention(COMPLIANT, limits.RETENTION_MAX_DAYS + 1, "days"),
        DefaultRetention(COMPLIANT, limits.RETENTION_MAX_YEARS + 1, "years"),
    ],
)
@asynchronous
async def test_a_default_retention_outside_its_rules_is_refused_and_changes_nothing(tmp_path, default):
    async with locking_bench(tmp_path) as bench:
        with pytest.raises(errors.InvalidRequest):
            await bench.store.buckets.update(
                bench.principal, bench.bucket.bucket_id, lock=LockChange(default_retention=default)
            )
        assert (await bench.store.buckets.find(name=bench.bucket.name)).revision == bench.bucket.revision


# -- Buckets ----------------------------------------------------------------------------------------------------------
@asynchronous
async def test_a_lock_is_never_taken_off_a_bucket(tmp_path):
    async with locking_bench(tmp_path) as bench:
        with pytest.raises(errors.LockCannotBeDisabled):
            await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, lock=LockChange(enabled=False))
        again = await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, lock=LOCKING)
        assert again.lock.enabled


@asynchronous
async def test_a_default_retention_needs_a_lock_and_both_can_be_set_at_once(tmp_path):
    default = DefaultRetention(GOVERNED, 7, "days")
    async with open_bench(tmp_path) as bench:
        buckets, bucket_id = bench.store.buckets, bench.bucket.bucket_id
        with pytest.raises(errors.MissingLock):
            await buckets.update(bench.principal, bucket_id, lock=LockChange(default_retention=default))
        both = await buckets.update(bench.principal, bucket_id, lock=LockChange(True, default))
        assert both.lock.default_retention == default
        cleared = await buckets.update(bench.principal, bucket_id, lock=LockChange(clears_default=True))
        assert cleared.lock.enabled
        assert cleared.lock.default_retention is None


# -- Files ------------------------------------------------------------------------------------------------------------
@asynchronous
async def test_new_files_get_the_default_from_when_they_came_and_their_own_wins(tmp_path):
    default = LockChange(True, DefaultRetention(COMPLIANT, 7, "days"))
    async with locking_bench(tmp_path, default) as bench:
        files = bench.store.files
        plain = await bench.put("plain")
        old = await bench.put("old", new=NewFile("t/t", uploaded_ms=1_300_000_000_000))
        own = await bench.put("own", new=NewFile("t/t", retention=Retention(GOVERNED, START_MS + 1)))
        copied = await files.copy(bench.principal, own, bench.bucket, "copied")
        week = Retention(COMPLIANT, START_MS + 7 * DAY_MS)
        assert [file.retention for file in (plain, old, copied)] == [week] * 3
        assert own.retention == Retention(GOVERNED, START_MS + 1)


@asynchronous
async def test_a_default_that_is_set_while_an_upload_is_under_way_protects_it(tmp_path):
    async with locking_bench(tmp_path) as bench:
        default = LockChange(default_retention=DefaultRetention(COMPLIANT, 7, "days"))

        class Slow(Bytes):
            async def chunks(self):
                yield self.data
                await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, lock=default)

        made = await bench.store.files.upload(bench.principal, bench.bucket, "n", NewFile("t/t"), Slow(b"slow"))
        assert made.retention == Retention(COMPLIANT, START_MS + 7 * DAY_MS)


@asynchronous
async def test_a_lock_in_a_bucket_without_one_is_refused_for_every_new_file(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, source = bench.store.files, await bench.put("source")
        for new in (NewFile("t/t", retention=Retention(GOVERNED, START_MS + 1)), NewFile("t/t", legal_hold=False)):
            with pytest.raises(errors.MissingLock):
                await bench.put("n", new=new)
            with pytest.raises(errors.MissingLock):
                await files.start_large_file(bench.principal, bench.bucket, "n", new)
            with pytest.raises(errors.MissingLock):
                await files.copy(bench.principal, source, bench.bucket, "n", new)
        with pytest.raises(errors.MissingLock):
            await retain(bench, source, None)
        assert await bench.names() == ["source"]


@asynchronous
async def test_what_is_retained_goes_when_its_time_is_over_and_not_a_millisecond_before(tmp_path):
    async with locking_bench(tmp_path) as bench:
        made = await bench.put("n", new=NewFile("t/t", retention=Retention(COMPLIANT, START_MS + 1000)))
        bench.clock.ms = START_MS + 999
        with pytest.raises(errors.VersionLocked):
            await delete(bench, made, bypass=True)
        assert await bench.get("n") == b"data"
        bench.clock.ms = START_MS + 1000
        await delete(bench, made)
        assert await bench.versions() == []


@asynchronous
async def test_a_legal_hold_holds_whatever_the_retention_says_until_it_is_taken_off(tmp_path):
    async with locking_bench(tmp_path) as bench:
        made = await bench.put("n", new=NewFile("t/t", legal_hold=True))
        with pytest.raises(errors.VersionLocked):
            await delete(bench, made, bypass=True)
        off = await bench.store.files.update_legal_hold(bench.principal, bench.bucket, "n", str(made.file_id), on=False)
        assert off.legal_hold is False
        await delete(bench, made)


@asynchronous
async def test_a_locked_file_can_be_hidden_and_written_over_and_stays(tmp_path):
    async with locking_bench(tmp_path) as bench:
        made = await bench.put("n", b"kept", new=NewFile("t/t", retention=Retention(COMPLIANT, START_MS + 1000)))
        await bench.put("n", b"newer")
        await bench.store.files.hide(bench.principal, bench.bucket, "n", dialect.NATIVE)
        version = await bench.store.files.version(bench.principal, str(made.file_id))
        assert await bench.bytes_of(version) == b"kept"
        with pytest.raises(errors.BucketNotEmpty):
            await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)


@asynchronous
async def test_a_lock_survives_the_finish_of_a_large_file_in_both_dialects(tmp_path):
    retention = Retention(COMPLIANT, START_MS + 1000)
    async with locking_bench(tmp_path) as bench:
        files, made = bench.store.files, []
        for name in ("native", "s3"):
            large = await files.start_large_file(
                bench.principal, bench.bucket, name, NewFile("t/t", retention=retention, legal_hold=True)
            )
            parts = [
                await files.upload_part(bench.principal, bench.bucket, large, number, Bytes(b"p" * 5_000_000))
                for number in (1, 2)
            ]
            if name == "native":
                made.append(
                    await files.finish_native(
                        bench.principal, bench.bucket, large, [part.content_sha1 for part in parts]
                    )
                )
            else:
                listed = [(part.part_number, part.md5) for part in parts]
                made.append(await files.finish_s3(bench.principal, bench.bucket, large, listed))
        assert [(file.retention, file.legal_hold) for file in made] == [(retention, True)] * 2
        for file in made:
            with pytest.raises(errors.VersionLocked):
                await delete(bench, file, bypass=True)


@asynchronous
async def test_a_large_file_gets_the_default_of_its_finish_however_long_ago_it_was_started(tmp_path):
    async with locking_bench(tmp_path) as bench:
        files = bench.store.files
        started = {
            name: await files.start_large_file(bench.principal, bench.bucket, name, NewFile("t/t", retention=own))
            for name, own in (("native", None), ("s3", None), ("own", Retention(GOVERNED, START_MS + 5 * DAY_MS)))
        }
        default = LockChange(default_retention=DefaultRetention(COMPLIANT, 1, "days"))
        await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, lock=default)
        bench.clock.ms += 2 * DAY_MS
        retained = {}
        for name, large in started.items():
            assert large.retention == (None if name != "own" else Retention(GOVERNED, START_MS + 5 * DAY_MS))
            part = await files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(b"part"))
            if name == "s3":
                listed = [(1, part.md5)]
                made = await files.finish_s3(bench.principal, bench.bucket, large, listed)
            else:
                part = await files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(b"p" * 5_000_000))
                last = await files.upload_part(bench.principal, bench.bucket, large, 2, Bytes(b"p"))
                digests = [part.content_sha1, last.content_sha1]
                made = await files.finish_native(bench.principal, bench.bucket, large, digests)
            retained[name] = made.retention
            with pytest.raises(errors.VersionLocked):
                await delete(bench, made)
        tomorrow = Retention(COMPLIANT, START_MS + 3 * DAY_MS)
        assert retained == {"native": tomorrow, "s3": tomorrow, "own": Retention(GOVERNED, START_MS + 5 * DAY_MS)}


@asynchronous
async def test_an_unfinished_large_file_with_a_lock_can_be_cancelled(tmp_path):
    async with locking_bench(tmp_path) as bench:
        new = NewFile("t/t", retention=Retention(COMPLIANT, START_MS + 1000), legal_hold=True)
        large = await bench.store.files.start_large_file(bench.principal, bench.bucket, "n", new)
        await bench.store.files.cancel(bench.principal, bench.bucket, large)
        assert await bench.versions() == []


# -- Histories --------------------------------------------------------------------------------------------------------
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("retain"), RETENTIONS, st.booleans()),
        st.tuples(st.just("hold"), st.booleans()),
        st.tuples(st.just("delete"), st.booleans()),
        st.tuples(st.just("wait"), st.integers(1, 600)),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_after_any_history_the_file_is_there_unless_a_deletion_was_due(tmp_path_factory, steps):
    @asynchronous
    async def history(folder):
        async with locking_bench(folder) as bench:
            version = await bench.put("n")
            retention, hold = None, False
            for step, *how in steps:
                now_ms = bench.clock.ms
                retained = retention is not None and retention.until_ms > now_ms
                if step == "wait":
                    bench.clock.ms += how[0]
                elif step == "hold":
                    hold = how[0]
                    await bench.store.files.update_legal_hold(
                        bench.principal, bench.bucket, "n", str(version.file_id), on=hold
                    )
                elif step == "retain":
                    with contextlib.suppress(errors.RetentionProtected, errors.RetentionPast):
                        await retain(bench, version, how[0], bypass=how[1])
                        assert not (retained and retention.mode == COMPLIANT) or how[0].until_ms >= retention.until_ms
                        retention = how[0]
                else:
                    free = not hold and (not retained or (how[0] and retention.mode == GOVERNED))
                    with contextlib.nullcontext() if free else pytest.raises(errors.VersionLocked):
                        await delete(bench, version, bypass=how[0])
                    if free:
                        assert await bench.names() == []
                        return
                assert await bench.get("n") == b"data"

    history(tmp_path_factory.mktemp("history"))
