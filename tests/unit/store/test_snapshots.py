"""Snapshots: zips that a job makes and the service keeps, for as long as was asked, where nobody else writes."""

from __future__ import annotations

import asyncio

import pytest

from harness.asynchronous import asynchronous
from harness.customer_keys import KEY
from harness.jobs import begin
from harness.snapshots import opened, work
from harness.stores import Bytes, open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.files.archive import NOTE
from undercroft.store.identity.principals import Principal
from undercroft.store.model import SNAPSHOT, SSE_B2, BucketCaps, NewFile
from undercroft.store.work.jobs.model import Snapshot, State

DAY_MS = 86_400_000
LARGE = bytes(range(256)) * 8192  # 2 MiB.


async def kept(bench):
    return await bench.store.snapshots.list(bench.principal)


async def of_snapshots(bench):
    bucket = await bench.store.snapshots.bucket(bench.principal)
    assert bucket is not None
    return bucket


@asynchronous
async def test_a_snapshot_is_a_zip_of_what_was_chosen_encrypted_and_told_of_in_its_job(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SNAPSHOT_PART_BYTES", 6_000_000)
    async with open_bench(tmp_path) as bench:
        for number in range(4):
            await bench.put(f"in/{number}", LARGE)
        await bench.put("in/small", b"small", new=NewFile("a/b", encryption=SSE_B2))
        await bench.put("in/secret", b"x", new=NewFile("a/b", encryption=KEY.store))
        await bench.put("out", b"not chosen")
        job = await work(bench, await begin(bench, Snapshot("in/", ("in/",), 7)))
        assert job.state is State.DONE
        assert (job.tally.packed, job.tally.packed_bytes, job.tally.skipped) == (5, 4 * len(LARGE) + 5, 1)
        [one] = await kept(bench)
        assert one.label.startswith("in-")
        assert one.label.endswith(f"{job.job_id}.zip")
        assert one.source == f"{bench.bucket.name}/in/"
        assert one.expires_ms == one.version.uploaded_ms + 7 * DAY_MS
        assert one.version.encryption.mode == SSE_B2
        made = await opened(bench, one)
        assert made.testzip() is None
        assert made.namelist() == ["0", "1", "2", "3", "small", NOTE]
        assert made.read("3") == LARGE


@asynchronous
async def test_all_snapshots_are_listed_newest_first_however_many_pages_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SNAPSHOTS_PAGE", 2)
    async with open_bench(tmp_path) as bench:
        await bench.put("in/a")
        made = []
        for days in (7, 1, None, 30, 1):
            bench.clock.ms += 1000
            made.append((await work(bench, await begin(bench, Snapshot("in/", ("in/",), days)))).job_id)
        assert [one.label.rpartition("-")[2].removesuffix(".zip") for one in await kept(bench)] == made[::-1]
        pages = [len(page) async for page in bench.store.snapshots.pages(bench.principal)]
        assert pages == [2, 2, 1]


@asynchronous
async def test_the_whole_bucket_is_kept_until_somebody_deletes_it(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        await bench.put("b/c")
        await work(bench, await begin(bench, Snapshot("", ("",))))
        [one] = await kept(bench)
        assert one.expires_ms is None
        assert (await opened(bench, one)).namelist() == ["a", "b/c"]
        bench.clock.ms += 1000 * DAY_MS
        await bench.store.work.lifecycle.run()
        assert len(await kept(bench)) == 1
        await bench.store.snapshots.delete(bench.principal, str(one.version.file_id))
        assert await kept(bench) == []
        with pytest.raises(errors.NoSuchVersion):
            await bench.store.snapshots.delete(bench.principal, str(one.version.file_id))


@asynchronous
async def test_a_snapshot_goes_when_its_days_are_over(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        await bench.store.work.lifecycle.run()
        await work(bench, await begin(bench, Snapshot("", ("a",), 1)))
        held = await bench.store.buckets.usage(bench.principal)
        for days, visible, versions in ((0, 1, 1), (1.9, 0, 2), (4, 0, 0)):
            bench.clock.ms += int(days * DAY_MS)
            await bench.store.work.lifecycle.run()
            assert len(await kept(bench)) == visible, days
            bucket = await of_snapshots(bench)
            assert len((await bench.store.files.list_versions(bench.principal, bucket, limit=9)).rows) == versions
        assert held[(await of_snapshots(bench)).bucket_id].size_bytes > 0


@asynchronous
async def test_nobody_but_the_service_changes_a_bucket_of_snapshots(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        await work(bench, await begin(bench, Snapshot("", ("a",))))
        bucket = await of_snapshots(bench)
        assert bucket.type == SNAPSHOT
        [one] = await kept(bench)
        name, file_id = one.version.name, str(one.version.file_id)
        store, me = bench.store, bench.principal
        for attempt in (
            store.files.upload(me, bucket, "x", NewFile("a/b"), Bytes(b"x")),
            store.files.start_large_file(me, bucket, "x", NewFile("a/b")),
            store.files.copy(me, await bench.put("b"), bucket, "x"),
            store.files.delete_version(me, bucket, name, file_id),
            store.buckets.update(me, bucket.bucket_id, bucket_type="allPublic"),
            store.buckets.update(me, bucket.bucket_id, lifecycle_rules=[]),
            store.buckets.set_caps(me, bucket.bucket_id, BucketCaps(files=1)),
            store.notifications.set_rules(me, bucket.bucket_id, []),
            store.jobs.begin(me, bucket, Snapshot("", ("",))),
        ):
            with pytest.raises((errors.ReadOnlyBucket, errors.InvalidRequest)):
                await attempt
        assert [each.version for each in await kept(bench)] == [one.version]


@asynchronous
async def test_who_may_not_read_makes_no_snapshot_and_who_may_not_delete_removes_none(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        await work(bench, await begin(bench, Snapshot("", ("a",))))
        [one] = await kept(bench)
        keys = bench.store.identity.keys
        reader = Principal.of_key(await keys.create(bench.principal, "r", ["listFiles", "readFiles"]))
        with pytest.raises(errors.Unauthorized):
            await bench.store.snapshots.delete(reader, str(one.version.file_id))
        # A key of one bucket and all its rights: snapshots are of all the account's.
        everything = ["listFiles", "readFiles", "deleteFiles", "writeFiles"]
        of_one = await keys.create(bench.principal, "o", everything, bucket_ids=[bench.bucket.bucket_id])
        with pytest.raises(errors.Unauthorized):
            await bench.store.snapshots.list(Principal.of_key(of_one))
        with pytest.raises(errors.Unauthorized):
            await bench.store.snapshots.delete(Principal.of_key(of_one), str(one.version.file_id))
        lister = Principal.of_key(await keys.create(bench.principal, "l", ["listFiles"]))
        with pytest.raises(errors.Unauthorized):
            await bench.store.jobs.begin(lister, bench.bucket, Snapshot("", ("a",)))
        below = Principal.of_key(
            await keys.create(
                bench.principal, "p", ["listFiles", "readFiles"], bucket_ids=[bench.bucket.bucket_id], name_prefix="in/"
            )
        )
        for asked in (Snapshot("", ("in/",)), Snapshot("in/", ("a",)), Snapshot("in/", ("",))):
            with pytest.raises((errors.Unauthorized, errors.InvalidRequest)):
                await bench.store.jobs.begin(below, bench.bucket, asked)


@asynchronous
@pytest.mark.parametrize(
    "asked",
    [
        Snapshot("", ()),
        Snapshot("", ("a",), 2),
        Snapshot("", ("x" * 1000,) * 100),
        Snapshot("", ("x",) * (limits.SNAPSHOT_NAMES_MAX + 1)),
    ],
)
async def test_what_cannot_be_a_snapshot_is_refused_at_once(tmp_path, asked):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.InvalidRequest):
            await begin(bench, asked)
        assert await bench.store.jobs.of_account(bench.principal, limit=9) == []


@asynchronous
async def test_a_snapshot_that_was_interrupted_is_made_anew_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SNAPSHOT_PART_BYTES", 6_000_000)
    async with open_bench(tmp_path) as bench:
        for number in range(5):
            await bench.put(str(number), LARGE)
        job = await begin(bench, Snapshot("", ("",)))
        reached, upload_part = asyncio.Event(), bench.store.files.upload_part

        async def stuck(principal, bucket, large, number, body):
            if number == 2:
                reached.set()
                await asyncio.Event().wait()
            return await upload_part(principal, bucket, large, number, body)

        monkeypatch.setattr(bench.store.files, "upload_part", stuck)
        await bench.store.work.snapshots.run()
        await reached.wait()
        await bench.store.work.snapshots.stop()
        halfway = await bench.store.jobs.find(bench.principal, job.job_id)
        assert halfway.state is State.RUNNING
        assert halfway.tally.packed_bytes > 0
        monkeypatch.setattr(bench.store.files, "upload_part", upload_part)
        job = await work(bench, job)
        assert (job.state, job.tally.packed) == (State.DONE, 5)
        [one] = await kept(bench)
        assert (await opened(bench, one)).testzip() is None
        bucket = await of_snapshots(bench)
        rows = (await bench.store.files.list_versions(bench.principal, bucket, limit=9)).rows
        assert [row.file_id for row in rows] == [one.version.file_id]


@asynchronous
async def test_a_canceled_snapshot_leaves_nothing_and_a_second_maker_makes_no_second_one(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        job = await begin(bench, Snapshot("", ("",)))
        upload_part = bench.store.files.upload_part

        async def meanwhile(*arguments):
            await bench.store.jobs.cancel(bench.principal, job.job_id)
            return await upload_part(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(bench.store.files, "upload_part", meanwhile)
            assert (await work(bench, job)).state is State.CANCELED
        bucket = await of_snapshots(bench)
        assert (await bench.store.files.list_versions(bench.principal, bucket, limit=9)).rows == []

        job = await begin(bench, Snapshot("", ("",)))
        move = bench.store.work.snapshots._hands.move

        async def dies(*_arguments):
            raise errors.Busy("as if the process had died right after the file was finished")

        with monkeypatch.context() as patch:
            calls = []

            async def once(row, tally, place):
                calls.append(place)
                return await (dies() if place is None else move(row, tally, place))

            patch.setattr(bench.store.work.snapshots._hands, "move", once)
            with pytest.raises(errors.Busy):
                await work(bench, job)
        assert calls[-1] is None
        assert (await work(bench, job)).state is State.DONE
        assert len(await kept(bench)) == 1


@asynchronous
async def test_a_cap_pauses_a_snapshot_and_room_lets_it_go_on(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a", LARGE)
        account_id = bench.bucket.account_id
        await bench.store.accounting.caps.change(account_id, {"storage": len(LARGE) + 1000})
        job = await work(bench, await begin(bench, Snapshot("", ("",))))
        assert (job.state, job.reason) == (State.PAUSED, "The account has reached its cap on storage.")
        assert await kept(bench) == []
        await bench.store.accounting.caps.change(account_id, {"storage": 10 * len(LARGE)})
        await bench.store.jobs.resume(bench.principal, job.job_id)
        job = await work(bench, job)
        assert (job.state, job.tally.packed) == (State.DONE, 1)


@asynchronous
async def test_an_account_is_rid_of_an_empty_bucket_of_snapshots_but_not_of_one_with_snapshots(tmp_path):
    async with open_bench(tmp_path) as bench:
        account = await bench.store.identity.accounts.create("other@example.com", "a long password")
        bench.principal = principal = Principal.of_key(account.key)
        bench.bucket = await bench.store.buckets.create(principal, "short-lived", "allPrivate")
        version = await bench.put("a")
        await work(bench, await begin(bench, Snapshot("", ("a",))))
        await bench.store.files.delete_version(principal, bench.bucket, "a", str(version.file_id))
        await bench.store.buckets.delete(principal, bench.bucket.bucket_id)
        products = bench.store.identity.products
        with pytest.raises(errors.BucketNotEmpty):
            await products.disable(principal.account_id)
        [one] = await kept(bench)
        await bench.store.snapshots.delete(principal, str(one.version.file_id))
        await products.disable(principal.account_id)
        assert await bench.store.snapshots.bucket(principal) is None
