"""The log of what is managed through the APIs: one transaction with the deed, bounded refusals, nothing for those who name no source."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.stores import Bytes, open_as_it_is, open_bench
from undercroft import limits
from undercroft.catalog import audit
from undercroft.store import errors
from undercroft.store.identity.audit import Actor, Filter
from undercroft.store.identity.principals import Principal, Source
from undercroft.store.model import NewFile

BY_S3 = Source("s3", "203.0.113.7", "CreateBucket")
HOUR_MS = 3_600_000


async def entries(bench, **filters):
    page = await bench.store.audit.page(bench.bucket.account_id, Filter(**filters), limit=500)
    return page.entries[::-1]


@asynchronous
async def test_a_deed_is_told_once_and_only_of_whoever_says_where_the_call_came_from(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.store.buckets.create(bench.principal, "quiet-bucket", "allPrivate")
        asking = bench.principal.asking_from(BY_S3)
        await bench.store.buckets.create(asking, "told-bucket", "allPrivate")
        [entry] = await entries(bench)
        key = bench.principal.key
        assert (entry.actor, entry.way, entry.address) == (f"{key.name} ({key.key_id})", "s3", "203.0.113.7")
        assert (entry.action, entry.target, entry.details, entry.result) == (
            "Create bucket", "told-bucket", {"call": "CreateBucket"}, "",
        )  # fmt: skip


@asynchronous
async def test_what_cannot_be_told_is_not_done(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:
        asking = bench.principal.asking_from(BY_S3)

        async def fail(*_):
            raise errors.Busy("No row today.")

        monkeypatch.setattr(audit, "insert", fail)
        with pytest.raises(errors.Busy):
            await bench.store.buckets.delete(asking, bench.bucket.bucket_id)
        monkeypatch.undo()
        assert (await bench.store.buckets.find(bucket_id=bench.bucket.bucket_id)).name == bench.bucket.name


@asynchronous
async def test_a_client_hears_why_it_was_refused_also_where_the_log_has_no_room(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:

        async def fail(*_):
            raise errors.StorageFull("Full.")

        await bench.put("a")
        monkeypatch.setattr(audit, "insert", fail)
        with pytest.raises(errors.BucketNotEmpty):
            await bench.store.buckets.delete(bench.principal.asking_from(BY_S3), bench.bucket.bucket_id)


@asynchronous
async def test_a_flood_of_refusals_is_a_few_rows_an_hour_and_the_number_of_the_others(tmp_path):
    most = limits.AUDIT_REFUSALS_PER_HOUR
    async with open_bench(tmp_path) as bench:
        weak = await bench.store.identity.keys.create(bench.principal, "weak", ["listBuckets"])
        asking = Principal.of_key(weak).asking_from(BY_S3)

        async def ask(times):
            for _ in range(times):
                with pytest.raises(errors.Unauthorized):
                    await bench.store.buckets.create(asking, "no-such-luck", "allPrivate")

        for asked, told in ((most - 1, most - 1), (1, most), (1, most), (499, most)):
            await ask(asked)
            assert len(await entries(bench)) == told
        assert {entry.result for entry in await entries(bench)} == {"Not allowed: the key lacks writeBuckets."}
        await bench.put("a")
        with pytest.raises(errors.BucketNotEmpty):  # Another key's are counted by themselves.
            await bench.store.buckets.delete(bench.principal.asking_from(BY_S3), bench.bucket.bucket_id)
        assert len(await entries(bench)) == most + 1
        bench.clock.ms += HOUR_MS
        await ask(2)
        late = (await entries(bench))[-2:]
        assert sorted(entry.details.get("not written down before", "") for entry in late) == ["", "500 refused calls"]


@asynchronous
async def test_very_many_keys_that_are_refused_take_no_more_room_than_there_is(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_REFUSED_KEYS_KEPT", 2)
    async with open_bench(tmp_path) as bench:
        for name in ("one", "two", "three"):
            weak = await bench.store.identity.keys.create(bench.principal, name, ["listBuckets"])
            with pytest.raises(errors.Unauthorized):
                await bench.store.buckets.create(Principal.of_key(weak).asking_from(BY_S3), "x-bucket", "allPrivate")
        assert [entry.actor.partition(" ")[0] for entry in await entries(bench)] == ["one", "two"]


@asynchronous
async def test_refusals_never_drive_out_what_was_done(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_REFUSALS_PER_ACCOUNT", 2)
    monkeypatch.setattr(limits, "AUDIT_ROWS_PER_ACCOUNT", 5)
    async with open_bench(tmp_path) as bench:
        log, owner = bench.store.audit, bench.bucket.account_id
        for number in range(3):
            await log.record(owner, Actor("a"), f"done {number}")
            bench.clock.ms += 1
        for number in range(4):
            await log.record(owner, Actor("a"), f"refused {number}", result="No.")
            bench.clock.ms += 1
        while await log.prune():
            pass
        assert [entry.action for entry in await entries(bench)] == [
            "done 0", "done 1", "done 2", "refused 2", "refused 3",
        ]  # fmt: skip


@asynchronous
async def test_a_bucket_of_another_account_stays_unnamed(tmp_path):
    async with open_bench(tmp_path) as bench:
        other = await bench.store.identity.accounts.create("other@example.com", "a long password")
        asking = Principal.of_key(other.key).asking_from(BY_S3)
        for refused in (
            bench.store.buckets.delete(asking, bench.bucket.bucket_id),
            bench.store.notifications.set_rules(asking, bench.bucket.bucket_id, []),
            bench.store.files.update_legal_hold(asking, bench.bucket, "a", "x", on=True),
        ):
            with pytest.raises(errors.Unauthorized):
                await refused
        page = await bench.store.audit.page(other.account.account_id, Filter(), limit=9)
        assert {entry.target.partition("/")[0] for entry in page.entries} == {"a bucket of another account"}
        assert await entries(bench) == []


@asynchronous
async def test_a_deletion_past_governance_is_told_only_where_governance_kept_the_version(tmp_path):
    async with open_bench(tmp_path) as bench:
        asking = bench.principal.asking_from(BY_S3)
        version = await bench.store.files.upload(asking, bench.bucket, "a", NewFile("text/plain"), Bytes(b"data"))
        await bench.store.files.delete_version(asking, bench.bucket, "a", str(version.file_id), bypass_governance=True)
        assert await entries(bench) == []


@asynchronous
async def test_a_change_that_is_made_again_after_others_changed_the_bucket_has_one_row(tmp_path):
    async with open_bench(tmp_path) as bench, open_as_it_is(tmp_path, bench.clock) as other:
        asking = bench.principal.asking_from(BY_S3)
        await bench.store.buckets.find(bucket_id=bench.bucket.bucket_id)
        await other.store.buckets.update(bench.principal, bench.bucket.bucket_id, info={"a": "1"})
        await bench.store.buckets.update(asking, bench.bucket.bucket_id, info={"a": "2"})
        [entry] = await entries(bench)
        assert [(change.before, change.after) for change in entry.changes.values()] == [("1", "2")]
