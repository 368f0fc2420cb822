"""P4: a steward that is killed in the middle of a job, at any of its steps, costs nothing: another one takes the work up.

For each job, a process that does just what the steward does dies before its n-th call to the disk, for n = 1, 2, … until
the job passes; after each death a successor looks at what is left and finishes the work. All that runs in a program
with the killing library in front of it, which is this file, and which forks for each death.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
import zipfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec
import pytest

from harness import kill_at
from harness.notifications import Inbox, events_in, first_time
from harness.notifications import rule as notification_rule
from harness.replication import Pair, new_bucket, pair_of, picture, rule, set_rules, statuses
from harness.stores import Bench, Bytes, SetClock, open_bench
from undercroft import limits, steward
from undercroft.catalog import accounting, attempts, notices, trials
from undercroft.catalog.accounting import CallRow, TransferRow
from undercroft.catalog.contract import Transaction
from undercroft.catalog.notices import NoticeRow
from undercroft.outgoing.contract import NoWayOut, Visitor
from undercroft.serve import logs
from undercroft.store import errors
from undercroft.store.accounting.alert_settings import AlertSettings
from undercroft.store.accounting.telling import WEBHOOK
from undercroft.store.buckets.lock import LockChange
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.dialect import S3
from undercroft.store.identity.audit import Actor
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, NewFile
from undercroft.store.work.jobs.model import Empty, Rewind, Snapshot, State, Transfer

BLOB_BYTES = 70_000
PART = os.urandom(BLOB_BYTES)
OLD_S = limits.ORPHAN_AGE_S + 3600
DAY_S = 86_400
FAR = "https://far.example.com"
TOLD = "https://told.example.com"
STRIDE = 9  # At CI size, one in so many calls is a death.
STEPS_MAX = 2000
GONE = [(event, "a") for event in ("b2:ObjectCreated:Upload", "b2:ObjectDeleted:Delete")]
ON_TRIAL = "trial@example.com"
PROGRAM_TIMEOUT_S = 1500


# -- What the job finds -----------------------------------------------------------------------------------------------
class Asked(NamedTuple):
    """A job that somebody asked for, and what its bucket must hold in the end: names of files, and how many versions."""

    principal: Principal
    bucket: Bucket
    job_id: str
    names: list[str]
    versions: int


class Scene(NamedTuple):
    """A data directory with work for every job, and what must be true of it at any time."""

    folder: Path
    principal: Principal
    bucket: Bucket
    now_ms: int
    kept: dict[str, bytes]  # Content by name.
    deleted: list[str]  # File ids.
    doomed: Bucket  # Lifecycle rules empty it in the next days.
    stranger: Principal  # Of another account, which no cap holds up.
    pair: Pair  # A bucket of the stranger with much to be replicated, and where to.
    told: list[tuple[str, str]]  # The events of its notification rule that wait: type and name.
    asked: dict[str, Asked]  # Jobs of three accounts, by kind.
    gone: str  # The id of a bucket that is deleted; the events of `GONE` wait.

    @property
    def inbox(self) -> Inbox:
        """Where its events go. What arrived is kept over deaths."""
        return Inbox(log=self.folder / "received")

    def visit(self, url: str) -> Visitor:
        """The way out, on which nobody gets as far as another installation."""
        if url == TOLD:
            return Inbox(log=self.folder / "told")(url)
        return NoWayOut(url) if url.startswith(FAR) else self.inbox(url)


async def build(folder: Path) -> Scene:
    clock = SetClock()
    clock.ms = time.time_ns() // 1_000_000
    kept: dict[str, bytes] = {}
    deleted: list[str] = []
    async with open_bench(folder, clock=clock) as bench:
        files, principal, bucket = bench.store.files, bench.principal, bench.bucket
        for number in range(3):
            kept[f"inline-{number}"] = os.urandom(1000)
            kept[f"blob-{number}"] = os.urandom(BLOB_BYTES)
        for name, data in kept.items():
            await bench.put(name, data)
        # A blob that is looked at because one of the two that share it went, and one of which both went.
        for name in ("shared", "gone"):
            source = await bench.put(name, data := os.urandom(BLOB_BYTES))
            await files.copy(principal, source, bucket, f"copy-of-{name}")
            deleted.append(await remove(bench, name))
        kept["copy-of-shared"] = await bench.get("copy-of-shared")
        deleted.append(await remove(bench, "copy-of-gone"))
        for number in range(4):
            await bench.put(f"doomed-{number}", os.urandom(BLOB_BYTES))
            deleted.append(await remove(bench, f"doomed-{number}"))
        large = await files.start_large_file(principal, bucket, "large", NewFile("a/b"))
        part = await files.upload_part(principal, bucket, large, 1, Bytes(PART))
        await files.finish_s3(principal, bucket, large, [(1, part.md5)])
        kept["large"] = PART
        given_up = await files.start_large_file(principal, bucket, "given-up", NewFile("a/b"))
        await files.upload_part(principal, bucket, given_up, 1, Bytes(PART))
        await files.cancel(principal, bucket, given_up)
        for age_s in (OLD_S, OLD_S, 0):  # What crashes left behind, long ago and just now.
            writer = await bench.blobs.create()
            await writer.write(os.urandom(BLOB_BYTES))
            await writer.finish()
            path = folder / "blobs" / writer.blob_id.hex()[:2] / writer.blob_id.hex()
            os.utime(path, (time.time() - age_s,) * 2)
        for number in range(5):
            key = await bench.store.identity.keys.create(principal, f"key-{number}", ["listFiles"])
            await bench.store.identity.keys.delete(principal, key.key_id)
        await build_far(bench)
        stranger, pair = await build_replicated(bench)
        doomed, told = await build_doomed(bench)
        gone = await build_gone(bench)
        await build_usage(bench)
        await build_people(bench)
        asked = await build_jobs(bench, stranger)
        return Scene(folder, principal, bucket, clock.ms, kept, deleted, doomed, stranger, pair, told, asked, gone)


async def build_usage(bench: Bench) -> None:
    """Counts of two workers from the day before, and a cap that calls for an alert."""
    account_id, day = bench.bucket.account_id, bench.clock.ms // (DAY_S * 1000) - 1
    for slot in (3, 4):
        calls = [CallRow(account_id, day, "C", "b2_list_buckets", 5)]
        transfers = [TransferRow(account_id, day, 100, 10)]

        async def add(tx: Transaction, slot: int = slot, calls: Any = calls, transfers: Any = transfers) -> None:
            await accounting.CALLS.add(tx, slot, calls)
            await accounting.TRANSFERS.add(tx, slot, transfers)

        await bench.catalog.write(add)
    await bench.store.accounting.caps.change(account_id, {"storage": 1})
    settings = AlertSettings(tells_owner=False)
    await bench.store.accounting.alert_settings.change_own(bench.principal, settings, Target(TOLD))
    await bench.store.identity.keys.create(bench.principal, "ending", ["listFiles"], valid_s=8 * DAY_S)
    notice = NoticeRow(account_id, WEBHOOK, bench.clock.ms, "class_c 75 100", "cap", "{}")
    await bench.catalog.write(lambda tx: notices.add(tx, notice))


def check_usage(scene: Scene, *, done: bool) -> None:
    """Nothing is counted twice or lost, and an alert is raised once; when all is `done`, it is, and all is folded."""
    with closing(apsw.Connection(str(scene.folder / "catalog.db"))) as catalog:
        assert catalog.execute("SELECT sum(transactions) FROM call_days").get == 10
        assert catalog.execute("SELECT sum(downloaded), sum(uploaded) FROM transfer_days").get == (200, 20)
        alerts = catalog.execute("SELECT count(*) FROM cap_alerts WHERE percent = 100").get
        if done:
            assert alerts == 1
            assert catalog.execute("SELECT count(*) FROM storage_days").get > 1
            assert not catalog.execute("SELECT count(*) FROM call_days WHERE slot <> 0").get
            assert not catalog.execute("SELECT count(*) FROM notices").get
        else:
            assert alerts <= 1


async def build_people(bench: Bench) -> None:
    """What is kept of people and is past its time: entries of the audit log, a session, the attempts to get one; and a trial."""
    identity, account_id = bench.store.identity, bench.principal.account_id
    now_ms = bench.clock.ms
    bench.clock.ms -= (limits.AUDIT_KEPT_DAYS + 1) * DAY_S * 1000
    for number in range(3):
        await bench.store.audit.record(account_id, Actor("somebody", "console"), f"act {number}")
    await identity.sessions.begin(account_id, address="127.0.0.1", user_agent="a browser")
    past_ms = bench.clock.ms
    await bench.catalog.write(lambda tx: attempts.take(tx, "somebody", past_ms, past_ms + 1))
    bench.clock.ms = now_ms
    await bench.store.audit.record(account_id, Actor("somebody", "console"), "act now")
    trial = (await identity.accounts.create(ON_TRIAL, "a long password")).account
    await bench.catalog.write(lambda tx: trials.begin(tx, trial.account_id, now_ms + DAY_S * 1000, account_id))


def check_people(scene: Scene, *, done: bool) -> None:
    """What is recent stays, and when all is `done`, nothing else does."""
    with closing(apsw.Connection(str(scene.folder / "catalog.db"))) as catalog:
        ordered = "SELECT action FROM audit WHERE actor <> 'steward' ORDER BY at_ms, action"
        actions = [action for (action,) in catalog.execute(ordered)]
        assert actions[-1] == "act now"
        if done:
            assert actions == ["act now"]
            assert catalog.execute("SELECT email FROM accounts WHERE suspended = 1").fetchall() == [(ON_TRIAL,)]
            for table in ("sessions", "attempts"):
                assert not catalog.execute(f"SELECT count(*) FROM {table}").get, table


async def build_jobs(bench: Bench, stranger: Principal) -> dict[str, Asked]:
    """Jobs of each kind, one an account, since accounts take turns, and of accounts without caps: rewind, empty, and move a folder."""
    accounts = bench.store.identity.accounts
    names_of_others = ("rewinder", "mover", "snapper")
    others = [await accounts.create(f"{each}@example.com", "a long password") for each in names_of_others]
    rewinder, mover, snapper = (Principal.of_key(each.key) for each in others)
    own = bench.principal, bench.bucket
    asked: dict[str, Asked] = {}
    lock = LockChange(enabled=True)
    for kind, principal in (
        ("rewind", rewinder), ("empty", stranger), ("transfer", mover), ("snapshot", snapper),
    ):  # fmt: skip
        files, bench.principal = bench.store.files, principal
        bench.bucket = bucket = await bench.store.buckets.create(principal, f"{kind}-bucket", "allPrivate", lock=lock)
        for name in ("a/0", "a/1", "a/2", "a/gone"):
            await bench.put(name, os.urandom(BLOB_BYTES))
        then_ms = bench.clock.ms
        bench.clock.ms += 1
        await bench.put("a/0", os.urandom(1000))
        await bench.put("a/new", new=NewFile("a/b", legal_hold=True))
        await files.hide(principal, bucket, "a/gone", S3)
        large = await files.start_large_file(principal, bucket, "a/large", NewFile("a/b"))
        await files.upload_part(principal, bucket, large, 1, Bytes(PART))
        bench.clock.ms += 1
        parameters, names, versions = {
            "rewind": (Rewind(then_ms), ["a/0", "a/1", "a/2", "a/gone"], 11),
            "empty": (Empty(), ["a/new"], 1),
            "transfer": (
                Transfer("a/", bucket.bucket_id, "b/", is_move=True, is_purged=True),
                ["b/0", "b/1", "b/2", "b/new"],
                # The four, what is locked under its hide marker, what was hidden before, and the unfinished one.
                9,
            ),
            "snapshot": (Snapshot("a/", ("a/",)), ["a/0", "a/1", "a/2", "a/new"], 8),
        }[kind]
        job = await bench.store.jobs.begin(principal, bucket, parameters)
        asked[kind] = Asked(principal, bucket, job.job_id, names, versions)
    bench.principal, bench.bucket = own
    return asked


async def check_jobs(bench: Bench, scene: Scene) -> None:
    """Every job has come to its end, and has done all of its work once."""
    for kind, (principal, bucket, job_id, names, versions) in scene.asked.items():
        job = await bench.store.jobs.find(principal, job_id)
        assert job.state is State.DONE, (kind, job.state, job.reason)
        listed = await bench.store.files.list_names(principal, bucket, limit=1000)
        assert [row.name for row in listed.rows] == names, kind
        every = await bench.store.files.list_versions(principal, bucket, limit=1000)
        assert len(every.rows) == versions, kind
    snapper = scene.asked["snapshot"].principal
    [kept] = await bench.store.snapshots.list(snapper)
    zipped = zipfile.ZipFile(io.BytesIO(await bench.bytes_of(kept.version)))
    assert zipped.testzip() is None
    assert zipped.namelist() == ["0", "1", "2", "new"]
    bucket = await bench.store.snapshots.bucket(snapper)
    every = await bench.store.files.list_versions(snapper, bucket, limit=1000)
    assert [row.file_id for row in every.rows] == [kept.version.file_id], "something of a snapshot is left"


async def build_doomed(bench: Bench) -> tuple[Bucket, list[tuple[str, str]]]:
    """A bucket with work for every lifecycle rule, of a store that has had its first run, and the events of its making."""
    await bench.store.work.lifecycle.run()
    rule = {"daysFromUploadingToHiding": 3, "daysFromHidingToDeleting": 1}
    rule["daysFromStartingToCancelingUnfinishedLargeFiles"] = 1
    files, principal = bench.store.files, bench.principal
    doomed = await bench.store.buckets.create(
        principal, "doomed-bucket", "allPrivate", lifecycle_rules=[{"fileNamePrefix": "", **rule}]
    )
    wanted = notification_rule(max_events_per_batch=2)
    await bench.store.notifications.set_rules(principal, doomed.bucket_id, [wanted])
    for name in ("inline", "blob"):
        for _ in range(2):
            data = os.urandom(1000 if name == "inline" else BLOB_BYTES)
            await files.upload(principal, doomed, name, NewFile("a/b"), Bytes(data))
    await files.upload(principal, doomed, "hidden", NewFile("a/b"), Bytes(b"hidden"))
    await files.hide(principal, doomed, "hidden", S3)
    large = await files.start_large_file(principal, doomed, "large", NewFile("a/b"))
    await files.upload_part(principal, doomed, large, 1, Bytes(PART))
    uploads = [("b2:ObjectCreated:Upload", name) for name in ("inline", "inline", "blob", "blob", "hidden")]
    return doomed, [*uploads, ("b2:HideMarkerCreated:Hide", "hidden")]


async def build_gone(bench: Bench) -> str:
    """The id of a bucket that was deleted before the events of its one file were delivered."""
    own = bench.bucket
    bench.bucket = gone = await new_bucket(bench, "gone-bucket")
    await bench.store.notifications.set_rules(bench.principal, gone.bucket_id, [notification_rule()])
    await bench.put("a")
    await remove(bench, "a")
    await bench.store.buckets.delete(bench.principal, gone.bucket_id)
    bench.bucket = own
    return gone.bucket_id


async def build_far(bench: Bench) -> None:
    """A bucket with a file that waits for another installation, as the replication has found out."""
    own, account_id = bench.bucket, bench.principal.account_id
    bench.bucket = source = await new_bucket(bench, "far-bucket")
    account = await bench.store.identity.accounts.find(account_id)
    target = await bench.store.replication_targets.add(
        account, "far", endpoint=FAR, key_id="key", key="secret", bucket_name="a-bucket"
    )
    reader = await bench.store.identity.keys.create(bench.principal, "far", ["readFiles"])
    destination = msgspec.structs.replace(source, bucket_id=target.target_id)
    await set_rules(bench, Pair(source, destination, reader.key_id, ""), rule(destination))
    await bench.put("a", os.urandom(1000))
    await bench.store.work.replication.run()
    bench.bucket = own


async def build_replicated(bench: Bench) -> tuple[Principal, Pair]:
    """A bucket of an account of its own with files from before its rule, which asks for them, and with files of every kind that wait under it."""
    own = bench.principal, bench.bucket
    account = await bench.store.identity.accounts.create("stranger@example.com", "a long password")
    bench.principal = principal = Principal.of_key(account.key)
    files = bench.store.files
    bench.bucket = source = await new_bucket(bench, "source-bucket")
    for number in range(3):
        await bench.put(f"before-{number}", os.urandom(1000))
    pair = await pair_of(bench)
    await set_rules(bench, pair, rule(pair.destination, include_existing_files=True))
    await bench.put("inline", os.urandom(1000))
    await bench.put("blob", os.urandom(BLOB_BYTES))
    large = await files.start_large_file(principal, source, "large", NewFile("a/b"))
    part = await files.upload_part(principal, source, large, 1, Bytes(PART))
    await files.finish_s3(principal, source, large, [(1, part.md5)])
    await bench.put("hidden", os.urandom(BLOB_BYTES))
    await files.hide(principal, source, "hidden", S3)
    bench.principal, bench.bucket = own
    return principal, pair


async def remove(bench: Bench, name: str) -> str:
    version = await bench.store.files.current(bench.principal, bench.bucket, name)
    await bench.store.files.delete_version(bench.principal, bench.bucket, name, str(version.file_id))
    return str(version.file_id)


# -- Dying and taking over --------------------------------------------------------------------------------------------
async def run_job(store: Any, name: str) -> bool:
    """What the steward does when the time of a job has come; False where another one has the lease."""
    job = next(job for job in steward.jobs(store) if job.name == name)
    if not await store.work.leases.take(job.name, job.lease_s):
        return False
    await job.run()
    await store.work.deliveries.finish_turns()
    await store.work.notices.finish_turns()
    await store.work.remote_replication.finish_turns()
    await store.work.snapshots.finish_turns()
    return True


async def die(scene: Scene, name: str, at: int, later_s: int) -> int:
    """Does the job and dies at this call; how many calls it took where it did not."""
    clock = SetClock()
    clock.ms = scene.now_ms + later_s * 1000
    async with open_bench(scene.folder, clock=clock, new=False, visit=scene.visit) as bench:
        kill_at.arm(at)
        assert await run_job(bench.store, name)
        return kill_at.calls()


async def take_over(scene: Scene, name: str, later_s: int) -> None:
    """The successor of one that died: waits for the lease, finishes the work, and finds everything in order."""
    check_names(scene)
    check_usage(scene, done=False)
    check_people(scene, done=False)
    clock = SetClock()
    clock.ms = scene.now_ms + later_s * 1000
    async with open_bench(scene.folder, clock=clock, new=False, visit=scene.visit) as bench:
        bench.principal, bench.bucket = scene.principal, scene.bucket
        await check_files(bench, scene)
        bench.principal = scene.stranger
        replicas = await picture(bench, scene.pair.destination)
        assert len(set(replicas)) == len(replicas), "something was replicated twice"
        assert set(replicas) <= set(await picture(bench, scene.pair.source)), "a replica differs from its source"
        bench.principal = scene.principal
        until_ms = leased_until(scene, name)
        if until_ms is not None:
            assert not await run_job(bench.store, name), "the lease of the dead does not hold"
            clock.ms = until_ms
        assert await run_job(bench.store, name), "the lease of the dead does not end"
        if name == "deliveries":
            check_events(scene, whole=True)
        if name == "key-warnings":
            assert warnings_in(scene) == 1, "nobody is warned, or twice"
        if name == "notices":
            assert (scene.folder / "told").read_bytes().startswith(b'{"alerts":[{}]'), "nobody was told"
        clock.ms += (limits.RECLAIM_GRACE_S + limits.ORPHAN_AGE_S) * 1000
        clock.ms = max(clock.ms, scene.now_ms + 3 * DAY_S * 1000)
        # Twice, a day later again: what one job leaves is work for another.
        for job in steward.jobs(bench.store) * 2:
            clock.ms += int(job.lease_s * 1000) + DAY_S * 500
            assert await run_job(bench.store, job.name)
        await check_files(bench, scene)
        await check_jobs(bench, scene)
        listed = await bench.store.files.list_versions(bench.principal, scene.doomed, limit=1000)
        assert listed.rows == [], "the lifecycle rules are not carried out"
        bench.principal = scene.stranger
        assert await picture(bench, scene.pair.destination) == await picture(bench, scene.pair.source)
        assert {status for _, status in await statuses(bench, scene.pair.source)} == {"COMPLETED"}
        bench.principal = scene.principal
        far = await bench.store.buckets.find(name="far-bucket")
        [report] = await bench.store.work.replication_reports.of_bucket(far)
        assert report.pending + report.failed == 1
        assert await statuses(bench, far) == [("a", "PENDING" if report.pending else "FAILED")]
        assert report.reason == "No connections to targets are made here"
    check_names(scene)
    check_events(scene, whole=name != "prune-events")
    with closing(apsw.Connection(str(scene.folder / "catalog.db"))) as catalog:
        for table in ("orphaned_rules", "notification_queues"):
            assert not catalog.execute(f"SELECT count(*) FROM {table} WHERE bucket_id = ?", (scene.gone,)).get, table
    check_usage(scene, done=True)
    check_people(scene, done=True)
    assert on_disk(scene) == named(scene), "what nothing names is still there"


def leased_until(scene: Scene, name: str) -> int | None:
    with closing(apsw.Connection(str(scene.folder / "catalog.db"))) as catalog:
        return catalog.execute("SELECT until_ms FROM leases WHERE work = ?", (name,)).get


def warnings_in(scene: Scene) -> int:
    with closing(apsw.Connection(str(scene.folder / "catalog.db"))) as catalog:
        count: int = catalog.execute("SELECT count(*) FROM notices WHERE kind = 'key'").get
        return count


def named(scene: Scene) -> set[str]:
    with closing(apsw.Connection(str(scene.folder / "catalog.db"))) as catalog:
        rows = catalog.execute("SELECT DISTINCT blob_id FROM extents WHERE blob_id IS NOT NULL")
        return {blob_id.hex() for (blob_id,) in rows}


def on_disk(scene: Scene) -> set[str]:
    return {path.name for path in (scene.folder / "blobs").rglob("*") if path.is_file()}


def check_names(scene: Scene) -> None:
    assert named(scene) <= on_disk(scene), "the catalog names a blob that is missing"
    with closing(apsw.Connection(str(scene.folder / "catalog.db"))) as catalog:
        assert catalog.pragma("integrity_check") == "ok"


def check_events(scene: Scene, *, whole: bool) -> None:
    """At least once and in order: what waited comes first, unless it was too old by then, and all that follows is lifecycle."""
    events = first_time(events_in(scene.folder / "received"))
    of_gone, heard = (
        [(event["eventType"], event["objectName"]) for event in events if (event["bucketId"] == scene.gone) is is_gone]
        for is_gone in (True, False)
    )
    assert of_gone == (GONE if whole else [told for told in GONE if told in of_gone])
    waited = scene.told if whole else [told for told in scene.told if told in heard]
    assert heard[: len(waited)] == waited, heard
    assert all(event_type.endswith(":LifecycleRule") for event_type, _ in heard[len(waited) :]), heard


async def check_files(bench: Bench, scene: Scene) -> None:
    assert await bench.names() == sorted(scene.kept)
    for name, data in scene.kept.items():
        assert await bench.get(name) == data, name
    for file_id in scene.deleted:
        try:
            await bench.store.files.version(bench.principal, file_id)
        except errors.NoSuchVersion:
            continue
        raise AssertionError(f"{file_id} lives again")


# -- The program ------------------------------------------------------------------------------------------------------
def forked(work: Callable[[], Awaitable[object]]) -> int:
    """The exit status of a process that does the work: 0 where it ended well, minus the signal where one killed it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = int(asyncio.run(work()) or 0) and 2
        except BaseException:  # noqa: BLE001 - the outermost handler of the process.
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_program(place: Path, name: str, later_s: int, stride: int) -> None:
    """Dies at every `stride`-th call of the job, beginning anywhere, and prints how many deaths and calls there were."""
    scene_of: list[Scene] = []

    async def prepare() -> None:
        scene_of.append(await build(place / "scene"))

    asyncio.run(prepare())
    (scene,) = scene_of
    deaths, at = 0, random.randint(1, stride)
    while at < STEPS_MAX:
        attempt = scene._replace(folder=place / f"attempt-{at}")
        shutil.copytree(scene.folder, attempt.folder)
        code = forked(lambda attempt=attempt, at=at: die(attempt, name, at, later_s))
        assert code in {2, -signal.SIGKILL}, f"at call {at}: exit code {code}"
        assert forked(lambda attempt=attempt: take_over(attempt, name, later_s)) == 0, f"after a death at call {at}"
        shutil.rmtree(attempt.folder)
        if code == 2:
            print(json.dumps({"deaths": deaths, "calls": at}))  # noqa: T201 - the program's answer.
            return
        deaths += 1
        at += stride
    raise AssertionError(f"the job is not done after {STEPS_MAX} calls")


# Each job, how much later it runs, so that it has work to do, and how many calls that takes at least.
JOBS = {
    "lifecycle": (3 * DAY_S, 30),
    "reclaim": (2 * limits.RECLAIM_GRACE_S, 30),
    "sweep": (limits.ORPHAN_AGE_S // 2, 15),
    "prune-invalidations": (25 * 3600, 20),
    "deliveries": (0, 30),
    "prune-events": (limits.EVENT_KEPT_S + 1, 15),
    "prune-audit": (0, 3),
    "prune-people": (0, 3),
    "trials": (2 * DAY_S, 5),
    "cap-alerts": (0, 20),
    "key-warnings": (2 * DAY_S, 10),
    "notices": (0, 10),
    "usage": (DAY_S, 20),
    "replication": (0, 30),
    "remote-replication": (0, 30),
    "jobs": (1, 30),
    "snapshots": (1, 20),
}


@pytest.mark.timeout(PROGRAM_TIMEOUT_S)
@pytest.mark.parametrize("name", JOBS)
def test_p4_a_steward_that_dies_anywhere_in_a_job_leaves_it_to_another_and_breaks_nothing(name, tmp_path, full_size):
    later_s, calls_min = JOBS[name]
    stride = 1 if full_size else STRIDE
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path), name, str(later_s), str(stride)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PROGRAM_TIMEOUT_S,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "LD_PRELOAD": str(kill_at.make_library(tmp_path)),
        },
    )
    assert done.returncode == 0, done.stderr[-6000:]
    answer = json.loads(done.stdout.splitlines()[-1])  # Before it stands what the steward logged.
    assert answer["calls"] >= calls_min
    assert answer["deaths"] >= calls_min // stride - 1
    print(f"{name}: {answer['deaths']} deaths in {answer['calls']} calls")  # noqa: T201 - the figure of the note.


async def _names_of_jobs(folder: Path) -> set[str]:
    async with open_bench(folder) as bench:
        return {job.name for job in steward.jobs(bench.store)}


def test_every_job_of_the_steward_is_killed_here(tmp_path):
    # A server has no webhook for alerts unless the operator names one; tests/unit/store/test_alert_webhook.py has its one write.
    assert asyncio.run(_names_of_jobs(tmp_path)) == set(JOBS) | {"alert-webhook"}


if __name__ == "__main__":
    logs.configure("test")  # The answer is all that goes to standard output.
    run_program(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
