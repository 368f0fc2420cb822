"""A clock that jumps, by hours and by years, forth and back: order, tokens, leases and blobs do not depend on it.

Versions of a name are ordered by (time, sequence), and an upload's time is never before that of the newest version there.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import time
from pathlib import Path

import msgspec
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.asynchronous import asynchronous
from harness.clients import boto3_client
from harness.clock import JumpingClock
from harness.native import NativeCaller, NativeError
from harness.processes import blob_files, wait_until
from harness.stores import Bytes, SetClock, open_bench, sha1
from undercroft import limits
from undercroft.store import errors
from undercroft.store.dialect import S3
from undercroft.store.model import NewFile

HOUR_S = 3600
DAY_S = 24 * HOUR_S
YEAR_S = 365 * DAY_S
JUMPS_S = (0, 1, 2 * HOUR_S, -2 * HOUR_S, DAY_S, -DAY_S, 10 * YEAR_S, -10 * YEAR_S)
STEWARD_LATE_S = 30.0  # How long a steward may take to begin its next run of reclaim, on a busy machine.
PART = os.urandom(limits.NATIVE_PART_MIN_BYTES)
SKEW_MS = limits.CLOCK_SKEW_MAX_S * 1000
BUCKET = "jumping-clock"
BLOB = os.urandom(200_000)


# -- Order ------------------------------------------------------------------------------------------------------------
class Name:
    """One name of a store, and the versions it must have: newest first, as (file id, whether it hides)."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.files = bench.store.files
        self.expected: list[tuple[str, bool]] = []

    async def upload(self) -> None:
        self._came(await self.bench.put("name", os.urandom(8)))

    async def hide(self) -> None:
        self._came(await self.files.hide(self.bench.principal, self.bench.bucket, "name", S3), hides=True)

    async def copy(self) -> None:
        source = await self.files.current(self.bench.principal, self.bench.bucket, "source")
        self._came(await self.files.copy(self.bench.principal, source, self.bench.bucket, "name"))

    async def s3_large_file(self) -> None:
        large, part = await self._large_file_of_one_part()
        listed = [(1, part.md5)]
        self._came(await self.files.finish_s3(self.bench.principal, self.bench.bucket, large, listed))

    async def native_large_file(self) -> None:
        large, _ = await self._large_file_of_one_part(PART)
        await self.files.upload_part(self.bench.principal, self.bench.bucket, large, 2, Bytes(b"end"))
        digests = [sha1(PART), sha1(b"end")]
        self._came(await self.files.finish_native(self.bench.principal, self.bench.bucket, large, digests))

    async def delete_newest(self) -> None:
        if self.expected:
            file_id, _ = self.expected.pop(0)
            await self.files.delete_version(self.bench.principal, self.bench.bucket, "name", file_id)

    async def _large_file_of_one_part(self, data: bytes = b"part"):
        large = await self.files.start_large_file(self.bench.principal, self.bench.bucket, "name", NewFile("a/b"))
        return large, await self.files.upload_part(self.bench.principal, self.bench.bucket, large, 1, Bytes(data))

    def _came(self, version, *, hides: bool = False) -> None:
        self.expected.insert(0, (str(version.file_id), hides))

    async def check(self) -> None:
        """The list, a list in pages of one, and the visible file agree with what was done, in the order it was done."""
        principal, bucket = self.bench.principal, self.bench.bucket
        rows = (await self.files.list_versions(principal, bucket, prefix="name", limit=1000)).rows
        assert [str(row.file_id) for row in rows] == [file_id for file_id, _ in self.expected]
        times = [row.uploaded_ms for row in rows]
        assert times == sorted(times, reverse=True)
        paged: list[str] = []
        while len(paged) < len(rows):
            last = paged[-1] if paged else None
            page = await self.files.list_versions(
                principal, bucket, prefix="name", start="name", start_file_id=last, after=True, limit=1
            )
            paged.append(str(page.rows[0].file_id))
        assert paged == [file_id for file_id, _ in self.expected]
        if self.expected and not self.expected[0][1]:
            current = await self.files.current(principal, bucket, "name")
            assert str(current.file_id) == self.expected[0][0]
        else:
            with pytest.raises(errors.NoSuchFile):
                await self.files.current(principal, bucket, "name")


ACTIONS = ("upload", "hide", "copy", "s3_large_file", "native_large_file", "delete_newest")
STEPS = st.lists(st.tuples(st.sampled_from(JUMPS_S), st.sampled_from(ACTIONS)), min_size=1, max_size=10)


def examples(full_size: bool) -> int:
    return 300 if full_size else 12


@pytest.mark.timeout(1200)
def test_what_was_done_last_is_the_newest_version_however_the_clock_jumps(full_size):
    @settings(max_examples=examples(full_size), deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=STEPS)
    def run(steps) -> None:
        with tempfile.TemporaryDirectory(prefix="undercroft-clock-") as folder:
            asyncio.run(do(Path(folder), steps))

    async def do(folder: Path, steps) -> None:
        async with open_bench(folder) as bench:
            await bench.put("source", b"source")
            name = Name(bench)
            for jump_s, action in steps:
                bench.clock.ms = max(0, bench.clock.ms + jump_s * 1000)  # Linux sets no clock to before 1970.
                await getattr(name, action)()
                await name.check()

    run()


@pytest.mark.parametrize("jump_s", [jump_s for jump_s in JUMPS_S if jump_s])
@asynchronous
async def test_a_large_file_whose_clock_jumps_on_the_way_is_finished_listed_and_read(tmp_path, jump_s):
    async with open_bench(tmp_path) as bench:
        files, principal, bucket = bench.store.files, bench.principal, bench.bucket
        before = await bench.put("name", b"before")
        large = await files.start_large_file(principal, bucket, "name", NewFile("a/b"))
        await files.upload_part(principal, bucket, large, 1, Bytes(PART))
        bench.clock.ms += jump_s * 1000
        listed, _ = await files.list_unfinished(principal, bucket, limit=10)
        assert [row.file_id for row in listed] == [large.file_id]
        await files.upload_part(principal, bucket, large, 2, Bytes(b"end"))
        finished = await files.finish_native(principal, bucket, large, [sha1(PART), sha1(b"end")])
        assert finished.uploaded_ms == large.uploaded_ms >= before.uploaded_ms
        assert await bench.get("name") == PART + b"end"


# -- Tokens -----------------------------------------------------------------------------------------------------------
async def refused(*checks) -> None:
    for check in checks:
        with pytest.raises((errors.ExpiredToken, errors.BadToken)):
            await check


@pytest.mark.parametrize("ahead_s", [2 * HOUR_S, DAY_S, 10 * YEAR_S])
@asynchronous
async def test_a_token_of_a_clock_that_was_ahead_is_not_good_until_then(tmp_path, ahead_s):
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        bench.clock.ms += ahead_s * 1000
        account = await identity.account_token(bench.principal)
        path, upload = msgspec.structs.astuple(await identity.upload_address(bench.principal, "/upload", "1"))
        grant = await identity.download_grant(bench.principal, bench.bucket.bucket_id, "", 60, {})
        await identity.principal_of_account_token(account)
        bench.clock.ms -= ahead_s * 1000
        await refused(
            identity.principal_of_account_token(account),
            identity.principal_of_upload_token(upload, path),
            identity.principal_of_download_token(grant),
            identity.principal_of_download_token(account),
        )
        fresh = await identity.account_token(bench.principal)
        assert (await identity.principal_of_account_token(fresh)).key_id == bench.principal.key_id


@asynchronous
async def test_a_token_outlives_the_small_corrections_of_a_clock(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        account = await identity.account_token(bench.principal)
        bench.clock.ms -= SKEW_MS
        await identity.principal_of_account_token(account)
        bench.clock.ms -= 1000
        await refused(identity.principal_of_account_token(account))
        bench.clock.ms += 1000 + 2 * SKEW_MS
        await identity.principal_of_account_token(account)


@asynchronous
async def test_signing_keys_change_every_month_also_after_a_clock_was_years_ahead(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        bench.clock.ms += 10 * YEAR_S * 1000
        await identity.account_token(bench.principal)
        bench.clock.ms -= 10 * YEAR_S * 1000
        numbers = []
        for _ in range(3):
            token = await identity.account_token(bench.principal)
            await identity.principal_of_account_token(token)
            numbers.append(token.split("_")[3])
            bench.clock.ms += (limits.SIGNING_KEY_ROTATES_AFTER_S + HOUR_S) * 1000
        assert len(set(numbers)) == len(numbers)


@asynchronous
async def test_a_process_that_missed_the_jump_issues_tokens_that_the_others_take(tmp_path):
    clock = SetClock()
    async with open_bench(tmp_path, clock=clock) as bench, open_bench(tmp_path, clock=clock, new=False) as other:
        await other.store.identity.account_token(bench.principal)
        clock.ms += 10 * YEAR_S * 1000
        await bench.store.identity.account_token(bench.principal)
        clock.ms -= 10 * YEAR_S * 1000
        token = await other.store.identity.account_token(bench.principal)
        assert (await bench.store.identity.principal_of_account_token(token)).key_id == bench.principal.key_id


# -- The background ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ahead_s", [2 * HOUR_S, 10 * YEAR_S])
@asynchronous
async def test_a_lease_of_a_clock_that_was_ahead_holds_up_no_other_process(tmp_path, ahead_s):
    clock = SetClock()
    async with open_bench(tmp_path, clock=clock) as bench, open_bench(tmp_path, clock=clock, new=False) as other:
        clock.ms += ahead_s * 1000
        assert await bench.store.work.leases.take("reclaim", 15)
        assert not await other.store.work.leases.take("reclaim", 15)
        clock.ms -= ahead_s * 1000
        assert await other.store.work.leases.take("reclaim", 15)
        assert not await bench.store.work.leases.take("reclaim", 15)
        clock.ms += ahead_s * 1000
        assert await bench.store.work.leases.take("reclaim", 15)


@asynchronous
async def test_clocks_of_two_machines_that_differ_a_little_do_not_take_each_others_leases(tmp_path):
    ahead, behind = SetClock(), SetClock()
    ahead.ms += SKEW_MS
    async with open_bench(tmp_path, clock=ahead) as bench, open_bench(tmp_path, clock=behind, new=False) as other:
        assert await bench.store.work.leases.take("reclaim", 15)
        assert not await other.store.work.leases.take("reclaim", 15)
        assert await bench.store.work.leases.take("reclaim", 15)


@asynchronous
async def test_p4_what_was_deleted_while_the_clock_was_ahead_is_gone_within_a_day(tmp_path):
    clock = SetClock()
    clock.ms = time.time_ns() // 1_000_000
    async with open_bench(tmp_path, clock=clock) as bench:
        version = await bench.put("name", BLOB)
        clock.ms += 10 * YEAR_S * 1000
        await bench.store.files.delete_version(bench.principal, bench.bucket, "name", str(version.file_id))
        clock.ms += (DAY_S - 10 * YEAR_S) * 1000
        await bench.store.work.reclaim.run()
        await bench.store.work.reclaim.sweep()
        assert bench.blob_count() == 0


class JumpInTheMiddle(Bytes):
    """A body during which the clock jumps and a sweep of another process goes by."""

    def __init__(self, data: bytes, jump) -> None:
        super().__init__(data, chunk=100_000)
        self._jump = jump

    async def chunks(self):
        left = len(self.data)
        async for chunk in super().chunks():
            yield chunk
            left -= len(chunk)
            if left < len(self.data) // 3 and self._jump is not None:
                jump, self._jump = self._jump, None
                await jump()


@pytest.mark.parametrize("max_blob_bytes", [200_000, limits.BLOB_MAX_BYTES], ids=["many blobs", "one blob"])
@asynchronous
async def test_p4_a_sweep_after_a_jump_takes_no_blob_of_an_upload_that_is_then_acknowledged(tmp_path, max_blob_bytes):
    clock = SetClock()
    clock.ms = time.time_ns() // 1_000_000
    async with open_bench(tmp_path, clock=clock) as bench, open_bench(tmp_path, clock=clock, new=False) as steward:
        bench.blobs.max_blob_bytes = max_blob_bytes

        async def jump() -> None:
            # What has come so far is on its way to the disk in threads.
            wanted = min(3, len(data) // max_blob_bytes + 1)
            await asyncio.to_thread(wait_until, lambda: steward.blob_count() >= wanted, "no blob is begun")
            clock.ms += 10 * YEAR_S * 1000
            assert await steward.store.work.reclaim.sweep() > 0, "there was nothing to sweep"

        data = os.urandom(9_000_000)
        with pytest.raises(errors.StorageFailed):
            await bench.store.files.upload(
                bench.principal, bench.bucket, "name", NewFile("a/b"), JumpInTheMiddle(data, jump)
            )
        assert await bench.versions() == []
        await bench.put("name", data)
        assert await bench.get("name") == data


# -- A real server ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def clock(tmp_path_factory) -> JumpingClock:
    return JumpingClock(tmp_path_factory.mktemp("clock"))


class User:
    """A client of the native face, which authorizes itself anew where its token is refused, as real ones do."""

    def __init__(self, server) -> None:
        self.server = server
        self.native = NativeCaller(server)
        self.s3 = boto3_client(server, retries={"total_max_attempts": 1})
        self.bucket_id = self.native.call(
            "b2_create_bucket", accountId=server.account_id, bucketName=BUCKET, bucketType="allPrivate"
        )["bucketId"]
        self.newest_first: list[str] = []

    def work(self) -> None:
        """Writes versions of one name in every way, and checks that each is the newest."""
        body = os.urandom(1000)
        uploaded = self.native.upload(self.bucket_id, "name", body, {})
        self._came(uploaded)
        self._came(self.native.call("b2_hide_file", bucketId=self.bucket_id, fileName="name"))
        self._came(self.native.call("b2_copy_file", sourceFileId=uploaded["fileId"], fileName="name"))
        fields = {"bucketId": self.bucket_id, "fileName": "name", "contentType": "a/b"}
        large = self.native.call("b2_start_large_file", **fields)["fileId"]
        self.native.upload_part(large, 1, PART)
        self.native.upload_part(large, 2, body)
        digests = [hashlib.sha1(part).hexdigest() for part in (PART, body)]
        self._came(self.native.call("b2_finish_large_file", fileId=large, partSha1Array=digests))

    def _came(self, version: dict) -> None:
        self.newest_first.insert(0, version["fileId"])
        listed = self.native.call("b2_list_file_versions", bucketId=self.bucket_id, maxFileCount=1000)["files"]
        assert [row["fileId"] for row in listed if row["fileName"] == "name"] == self.newest_first

    def token_is_refused(self) -> bool:
        try:
            self.native.call("b2_list_buckets", accountId=self.server.account_id)
        except NativeError as error:
            if error.status != 401 or not any(code in error.body for code in (b'"expired_', b'"bad_auth_token"')):
                raise
            return True
        return False

    def delete_a_blob(self) -> None:
        stored = self.native.upload(self.bucket_id, "blob", BLOB, {})
        self.native.call("b2_delete_file_version", fileName="blob", fileId=stored["fileId"])


@pytest.mark.timeout(300)
def test_a_server_whose_clock_jumps_goes_on_in_order_and_reclaims(make_server, clock):
    clock.set(0)
    server = make_server("--workers", "2", environment=clock.environment).start()
    user = User(server)
    processes = [child.pid for child in server.children()]
    user.work()
    for ahead_s in (2 * HOUR_S, YEAR_S, -2 * HOUR_S, 10 * YEAR_S, -YEAR_S, 0):
        clock.set(ahead_s)
        user.native = NativeCaller(server) if user.token_is_refused() else user.native
        user.work()
        if ahead_s:  # A signature's time is the client's, whose clock has not moved.
            with pytest.raises(ClientError, match="RequestTimeTooSkewed"):
                user.s3.list_objects_v2(Bucket=BUCKET)
        else:
            user.s3.list_objects_v2(Bucket=BUCKET)
    assert [child.pid for child in server.children()] == processes, "a process died of the clock"

    # Years ahead, a steward takes the leases and dies; back in the present, its replacement has them all the same.
    clock.set(10 * YEAR_S)
    kept = blob_files(server)
    user.native = NativeCaller(server)
    user.delete_a_blob()
    clock.set(10 * YEAR_S + 2 * limits.RECLAIM_GRACE_S)
    wait_until(lambda: blob_files(server) == kept, "nothing is reclaimed", STEWARD_LATE_S)
    server.children()[-1].kill()
    wait_until(lambda: server.log_tail(10**6).count('"process_ended"') == 1, "its death is not noticed")
    clock.set(0)
    user.native = NativeCaller(server)
    user.delete_a_blob()
    clock.set(2 * limits.RECLAIM_GRACE_S)
    wait_until(lambda: blob_files(server) == kept, "the new steward has no lease", STEWARD_LATE_S)
    server.stop()
    assert [line for line in server.faults() if "process_ended" not in line] == []
