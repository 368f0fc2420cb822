"""Access logs: who may have them where, how lines gather, and what becomes of them where they cannot be stored."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
import structlog.testing

from harness.asynchronous import asynchronous
from harness.stores import START_MS, open_bench
from undercroft import limits
from undercroft.store.buckets.lock import LockChange
from undercroft.store.errors import BadLogDestination, InvalidRequest, Unauthorized
from undercroft.store.identity.principals import Principal
from undercroft.store.operations import ALL_CAPABILITIES, BUCKET_CAPABILITIES
from undercroft.store.work.access_log_lines import Access

ACCESS = Access(method="GET", target=b"/b/k", operation="REST.S3_GET_OBJECT", status=200, began_ms=START_MS, name="k")


@asynccontextmanager
async def logging_bench(tmp_path, prefix="logs/"):
    """A store whose bucket logs into another one, `bench.logs`."""
    async with open_bench(tmp_path) as bench:
        bench.logs = await bench.store.buckets.create(bench.principal, "bucket-of-logs", "allPrivate")
        bench.bucket = await bench.store.buckets.set_logging(
            bench.principal, bench.bucket.bucket_id, "bucket-of-logs", prefix
        )
        yield bench


async def files_of(bench, bucket):
    page = await bench.store.files.list_names(bench.principal, bucket, limit=1000)
    return [row.name for row in page.rows]


async def text_of(bench, bucket, name):
    return (await bench.bytes_of(await bench.store.files.current(bench.principal, bucket, name))).decode()


async def dropped(bench, lines=1):
    """Add lines, write, and the reasons for which they were dropped."""
    for _ in range(lines):
        bench.store.access_logs.add(bench.bucket, ACCESS)
    with structlog.testing.capture_logs() as said:
        await bench.store.access_logs.write()
    return [(entry["lines"], entry["reason"]) for entry in said if entry["event"] == "access_log_dropped"]


@asynchronous
async def test_lines_are_written_as_one_file_named_by_prefix_and_time(tmp_path):
    async with logging_bench(tmp_path) as bench:
        for status in (200, 404):
            finish = bench.store.access_logs.when_finished([(bench.bucket, ACCESS)])
            finish(status, 5, 0.25)
        assert await files_of(bench, bench.logs) == []
        assert await dropped(bench, 0) == []
        (name,) = await files_of(bench, bench.logs)
        stem, _, unique = name.rpartition("-")
        assert stem == "logs/2027-01-15-08-00-00"
        assert len(unique) == 16
        lines = (await text_of(bench, bench.logs, name)).splitlines()
        assert [line.split()[12:17] for line in lines] == [["200", "-", "5", "-", "250"], ["404", "-", "5", "-", "250"]]
        version = await bench.store.files.current(bench.principal, bench.logs, name)
        assert version.content_type == "text/plain"


@asynchronous
async def test_each_source_has_files_of_its_own_and_nothing_gathered_makes_none(tmp_path):
    async with logging_bench(tmp_path) as bench:
        other = await bench.store.buckets.create(bench.principal, "another-source", "allPrivate")
        other = await bench.store.buckets.set_logging(bench.principal, other.bucket_id, "bucket-of-logs", "other/")
        bench.store.access_logs.add(other, ACCESS)
        bench.store.access_logs.add(bench.bucket, ACCESS)
        await bench.store.access_logs.write()
        await bench.store.access_logs.write()
        assert [name[:5] for name in await files_of(bench, bench.logs)] == ["logs/", "other"]


@asynchronous
async def test_a_bucket_that_logs_into_itself_logs_no_log(tmp_path):
    async with open_bench(tmp_path) as bench:
        logs = bench.store.access_logs
        bench.bucket = await bench.store.buckets.set_logging(
            bench.principal, bench.bucket.bucket_id, bench.bucket.name, ""
        )
        logs.add(bench.bucket, ACCESS)
        for _ in range(3):
            await logs.write()
        assert len(await bench.names()) == 1


@asynchronous
async def test_a_client_that_went_away_is_logged_as_such(tmp_path):
    async with logging_bench(tmp_path) as bench:
        bench.store.access_logs.when_finished([(bench.bucket, ACCESS)])(499, 0, 0.01)
        await bench.store.access_logs.write()
        (name,) = await files_of(bench, bench.logs)
        assert (await text_of(bench, bench.logs, name)).split()[12:15] == ["499", "-", "-"]


@asynchronous
async def test_the_setting_is_kept_shown_and_taken_back(tmp_path):
    async with logging_bench(tmp_path) as bench:
        logging = (await bench.store.buckets.find(name=bench.bucket.name)).logging
        assert (logging.destination_bucket_id, logging.destination_name, logging.prefix) == (
            bench.logs.bucket_id, "bucket-of-logs", "logs/",
        )  # fmt: skip
        assert await bench.store.access_logs.logging_bucket(name=bench.bucket.name) is not None
        assert not bench.store.access_logs.is_quiet(bench.bucket.name)
        bucket = await bench.store.buckets.set_logging(bench.principal, bench.bucket.bucket_id, None)
        assert bucket.logging is None
        assert bucket.revision == bench.bucket.revision + 1
        await bench.store.buckets.find(name=bench.bucket.name)
        assert await bench.store.access_logs.logging_bucket(bucket_id=bench.bucket.bucket_id) is None
        assert bench.store.access_logs.is_quiet(bench.bucket.name)
        assert not bench.store.access_logs.is_quiet("nobody-s-bucket")


@asynchronous
async def test_p11_a_destination_must_be_the_accounts_and_without_object_lock(tmp_path):
    async with open_bench(tmp_path) as bench:
        store, bucket_id = bench.store, bench.bucket.bucket_id
        await store.buckets.create(bench.principal, "locked-bucket", "allPrivate", lock=LockChange(enabled=True))
        stranger = await store.identity.accounts.create("stranger@example.com", "a long password")
        owner = await store.identity.accounts.operator(stranger.account.account_id)
        await store.buckets.create(owner, "strangers-bucket", "allPrivate")
        for destination in ("locked-bucket", "strangers-bucket", "no-such-bucket", ""):
            with pytest.raises(BadLogDestination):
                await store.buckets.set_logging(bench.principal, bucket_id, destination)
        assert (await store.buckets.find(bucket_id=bucket_id)).logging is None


@asynchronous
async def test_a_prefix_leaves_room_for_the_rest_of_a_name(tmp_path):
    async with open_bench(tmp_path) as bench:
        longest = limits.FILE_NAME_MAX_BYTES - len("2026-01-31-12-30-00-") - 16
        await bench.store.buckets.set_logging(bench.principal, bench.bucket.bucket_id, bench.bucket.name, "x" * longest)
        for prefix in ("x" * (longest + 1), "a\nb"):
            with pytest.raises(InvalidRequest):
                await bench.store.buckets.set_logging(
                    bench.principal, bench.bucket.bucket_id, bench.bucket.name, prefix
                )


@asynchronous
async def test_p6_a_key_needs_the_capability_for_both_buckets_and_for_all_names(tmp_path):
    async with open_bench(tmp_path) as bench:
        logs = await bench.store.buckets.create(bench.principal, "bucket-of-logs", "allPrivate")
        source, both = [bench.bucket.bucket_id], [bench.bucket.bucket_id, logs.bucket_id]
        of_bucket = sorted(BUCKET_CAPABILITIES)
        for refused, capabilities, bucket_ids, prefix in (
            (True, of_bucket, source, None),
            (True, of_bucket, [logs.bucket_id], None),
            (True, sorted(set(ALL_CAPABILITIES) - {"writeBucketLogging"}), None, None),
            (True, of_bucket, both, "mine/"),
            (False, of_bucket, both, None),
            (False, ["writeBucketLogging"], None, None),
        ):
            key = await bench.store.identity.keys.create(
                bench.principal, "key", capabilities, bucket_ids=bucket_ids, name_prefix=prefix
            )
            asked = bench.store.buckets.set_logging(
                Principal.of_key(key), bench.bucket.bucket_id, "bucket-of-logs", "mine/"
            )
            if refused:
                with pytest.raises(Unauthorized):
                    await asked
            else:
                assert (await asked).logging is not None


@asynchronous
async def test_lines_without_a_destination_are_dropped_and_noted(tmp_path):
    async with logging_bench(tmp_path) as bench:
        await bench.store.buckets.delete(bench.principal, bench.logs.bucket_id)
        await bench.store.buckets.create(bench.principal, "bucket-of-logs", "allPrivate")
        assert await dropped(bench, 3) == [(3, "the destination is gone")]
        assert await dropped(bench, 0) == []


@asynchronous
async def test_lines_are_dropped_once_the_destination_gets_object_lock(tmp_path):
    async with logging_bench(tmp_path) as bench:
        await bench.store.buckets.update(bench.principal, bench.logs.bucket_id, lock=LockChange(enabled=True))
        assert await dropped(bench) == [(1, "the destination has Object Lock")]
        assert await files_of(bench, bench.logs) == []


@asynchronous
async def test_lines_of_a_suspended_account_are_dropped(tmp_path):
    async with logging_bench(tmp_path) as bench:
        await bench.store.identity.accounts.set_suspended(bench.bucket.account_id, True)
        assert await dropped(bench) == [(1, "the account is suspended")]


@asynchronous
async def test_p12_lines_beyond_the_cap_on_storage_are_dropped(tmp_path):
    async with logging_bench(tmp_path) as bench:
        await bench.store.accounting.caps.change(bench.bucket.account_id, {"storage": 10})
        ((lines, reason),) = await dropped(bench)
        assert lines == 1
        assert reason
        await bench.store.accounting.caps.change(bench.bucket.account_id, {"storage": None})
        assert await dropped(bench) == []
        assert len(await files_of(bench, bench.logs)) == 1


@asynchronous
async def test_p9_what_gathers_is_bounded_and_what_overflows_is_counted(tmp_path, monkeypatch):
    async with logging_bench(tmp_path) as bench:
        monkeypatch.setattr(limits, "ACCESS_LOG_GATHERED_MAX_BYTES", 1000)
        ((lines, _),) = await dropped(bench, 20)
        (name,) = await files_of(bench, bench.logs)
        text = await text_of(bench, bench.logs, name)
        assert len(text) <= 1000
        assert len(text.splitlines()) + lines == 20
        assert await dropped(bench) == []


@asynchronous
async def test_much_that_gathers_is_written_at_once_and_the_rest_at_the_end(tmp_path, monkeypatch):
    async with logging_bench(tmp_path) as bench:
        monkeypatch.setattr(limits, "ACCESS_LOG_WRITE_S", 3600.0)
        monkeypatch.setattr(limits, "ACCESS_LOG_WRITE_BYTES", 200)
        logs, upload, stored = bench.store.access_logs, bench.store.files.upload, asyncio.Event()

        async def uploading(*arguments: object) -> None:
            await upload(*arguments)
            stored.set()

        monkeypatch.setattr(bench.store.files, "upload", uploading)
        keeping = asyncio.create_task(logs.keep_writing())
        logs.add(bench.bucket, ACCESS)
        logs.add(bench.bucket, ACCESS)
        await asyncio.wait_for(stored.wait(), 60)
        logs.add(bench.bucket, ACCESS)
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping
        texts = [await text_of(bench, bench.logs, name) for name in await files_of(bench, bench.logs)]
        assert sorted(len(text.splitlines()) for text in texts) == [1, 2]
