"""Caps by the day of buckets and keys: requests, and bytes up and down."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.notifications import Inbox
from harness.people import Postbox
from harness.stores import Bytes, open_bench
from undercroft import limits
from undercroft.catalog import quotas as statements
from undercroft.native.transactions import CLASSES as NATIVE_CLASSES
from undercroft.s3.transactions import CLASSES as S3_CLASSES
from undercroft.store import errors
from undercroft.store.accounting.alert_settings import AlertSettings
from undercroft.store.accounting.model import DAY_MS, GIVING_BACK, Done, Quotas
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.identity.people import People
from undercroft.store.identity.principals import Principal
from undercroft.store.model import BucketCaps, NewFile


@asynccontextmanager
async def with_a_key(folder, **given):
    """A bench, and a key of its account."""
    async with open_bench(folder, **given) as bench:
        yield bench, await bench.store.identity.keys.create(bench.principal, "laptop", ["listFiles", "writeFiles"])


async def of_bucket(bench, **quotas):
    """Set what may be done in the bench's bucket a day, and have this process learn it."""
    await bench.store.buckets.set_caps(bench.principal, bench.bucket.bucket_id, BucketCaps(), Quotas(**quotas))
    await bench.store.accounting.learn()


async def of_key(bench, key, **quotas):
    await bench.store.accounting.quotas.change_key(bench.principal, key.key_id, Quotas(**quotas))
    await bench.store.accounting.learn()


def charge(bench, call="GetObject", of_class="B", transactions=1, bucket_id=None, key_id=""):
    place = bench.bucket.bucket_id if bucket_id is None else bucket_id
    bench.store.accounting.charge(bench.bucket.account_id, call, of_class, transactions, place, key_id)


async def upload(bench, key, size, **body):
    files, principal = bench.store.files, Principal.of_key(key)
    return await files.upload(principal, bench.bucket, "file", NewFile("text/plain"), Bytes(bytes(size), **body))


async def alerts(bench):
    found = await bench.store.accounting.alerts.recent(bench.bucket.account_id, days=30)
    return sorted((one.subject.kind, one.subject.name, one.category, one.percent, one.used) for one in found)


@asynchronous
async def test_requests_of_every_class_in_a_bucket_end_exactly_at_its_cap_whoever_asks(tmp_path):
    async with with_a_key(tmp_path) as (bench, key):
        await of_bucket(bench, requests=4)
        charge(bench, "b2_upload_file", "A", key_id=key.key_id)
        charge(bench, "b2_list_file_names", "C", 2)
        with pytest.raises(errors.RequestsCapExceeded, match="the bucket has a cap on requests a day"):
            charge(bench, "b2_list_file_names", "C", 2)
        charge(bench)
        for call, of_class in (("GetObject", "B"), ("PutObject", "A"), ("ListObjectsV2", "C")):
            with pytest.raises(errors.TransactionCapExceeded):
                charge(bench, call, of_class)
        charge(bench, bucket_id="")
        charge(bench, bucket_id="another")


@asynchronous
async def test_a_key_ends_at_its_cap_in_all_buckets_and_without_any_and_others_go_on(tmp_path):
    async with with_a_key(tmp_path) as (bench, key):
        await of_key(bench, key, requests=2)
        charge(bench, key_id=key.key_id)
        charge(bench, "b2_authorize_account", "C", bucket_id="", key_id=key.key_id)
        for bucket_id in ("", bench.bucket.bucket_id):
            with pytest.raises(errors.RequestsCapExceeded, match="the application key has a cap"):
                charge(bench, bucket_id=bucket_id, key_id=key.key_id)
        charge(bench, key_id="another")


@asynchronous
async def test_what_one_cap_refuses_is_taken_off_no_other(tmp_path):
    async with with_a_key(tmp_path) as (bench, key):
        await bench.store.accounting.caps.change(bench.bucket.account_id, {"class_b": 5})
        await of_bucket(bench, requests=3, download=100)
        await of_key(bench, key, requests=1, download=10)
        for _ in range(3):
            with pytest.raises(errors.RequestsCapExceeded):
                charge(bench, transactions=2, key_id=key.key_id)
            with pytest.raises(errors.DownloadCapExceeded, match="the application key"):
                bench.store.accounting.meter.downloads(bench.bucket.account_id, 11, bench.bucket.bucket_id, key.key_id)
        charge(bench, transactions=3)
        charge(bench, transactions=2, bucket_id="")
        with pytest.raises(errors.TransactionCapExceeded, match=r"Transaction cap exceeded\. See"):
            charge(bench, bucket_id="")
        bench.store.accounting.meter.downloads(bench.bucket.account_id, 100, bench.bucket.bucket_id, "")


@asynchronous
async def test_what_gives_room_back_is_never_refused_and_counts(tmp_path):
    assert set(NATIVE_CLASSES) | set(S3_CLASSES) >= GIVING_BACK
    async with with_a_key(tmp_path) as (bench, key):
        await of_bucket(bench, requests=0)
        await of_key(bench, key, requests=len(GIVING_BACK))
        for call in sorted(GIVING_BACK):
            charge(bench, call, {**NATIVE_CLASSES, **S3_CLASSES}[call], key_id=key.key_id)
        with pytest.raises(errors.RequestsCapExceeded):
            charge(bench, bucket_id="", key_id=key.key_id)


@asynchronous
async def test_uploaded_bytes_end_at_the_cap_of_the_key_whether_they_say_how_many_they_are_or_not(tmp_path):
    async with with_a_key(tmp_path) as (bench, key):
        await of_key(bench, key, upload=100)
        await upload(bench, key, 60)
        for said in ({}, {"length": None}):
            with pytest.raises(errors.UploadCapExceeded, match="the application key has a cap on bytes uploaded"):
                await upload(bench, key, 41, **said)
        large = await bench.store.files.start_large_file(
            Principal.of_key(key), bench.bucket, "large", NewFile("text/plain")
        )
        for said in ({}, {"length": None}):
            with pytest.raises(errors.UploadCapExceeded):
                await bench.store.files.upload_part(
                    Principal.of_key(key), bench.bucket, large, 1, Bytes(bytes(41), **said)
                )
        await bench.store.files.upload_part(Principal.of_key(key), bench.bucket, large, 1, Bytes(bytes(40)))
        with pytest.raises(errors.UploadCapExceeded):
            await upload(bench, key, 1)
        await bench.put("by another", bytes(1000))
        assert await bench.names() == ["by another", "file"]


@asynchronous
async def test_bytes_of_a_bucket_end_at_its_cap_and_those_that_stayed_can_be_had_again(tmp_path):
    async with with_a_key(tmp_path) as (bench, _):
        meter, about = bench.store.accounting.meter, (bench.bucket.bucket_id, "")
        await of_bucket(bench, download=100, upload=10)
        day = meter.downloads(bench.bucket.account_id, 90, *about)
        with pytest.raises(errors.DownloadCapExceeded, match="the bucket"):
            meter.downloads(bench.bucket.account_id, 11, *about)
        meter.kept_back(bench.bucket.account_id, 50, day, *about)
        meter.downloads(bench.bucket.account_id, 60, *about)
        with pytest.raises(errors.UploadCapExceeded, match="the bucket"):
            await bench.put("large", bytes(11))


@asynchronous
async def test_what_others_did_is_taken_off_once_it_is_learnt_and_the_next_day_begins_anew(tmp_path):
    async with with_a_key(tmp_path) as (bench, key):
        accounting = bench.store.accounting
        await of_key(bench, key, requests=10, download=100, upload=100)
        for _ in range(4):
            charge(bench, key_id=key.key_id)
        accounting.meter.downloads(bench.bucket.account_id, 70, bench.bucket.bucket_id, key.key_id)
        await accounting.settle()
        charge(bench, transactions=2, key_id=key.key_id)
        await accounting.learn()  # What is not written down yet counts too.
        with pytest.raises(errors.RequestsCapExceeded):
            charge(bench, transactions=5, key_id=key.key_id)
        with pytest.raises(errors.DownloadCapExceeded):
            accounting.meter.downloads(bench.bucket.account_id, 31, bench.bucket.bucket_id, key.key_id)
        charge(bench, transactions=4, key_id=key.key_id)
        await accounting.settle()
        done = await accounting.quotas.done_today("key", bench.bucket.account_id, key.key_id)
        assert done == Done(10, 70, 0)
        bench.clock.ms += DAY_MS
        charge(bench, transactions=10, key_id=key.key_id)
        with pytest.raises(errors.RequestsCapExceeded):
            charge(bench, key_id=key.key_id)
        await of_key(bench, key)
        charge(bench, key_id=key.key_id)


@asynchronous
async def test_quotas_alert_at_75_and_100_percent_and_when_they_refuse_and_name_bucket_and_key(tmp_path):
    box, inbox = Postbox(), Inbox()
    async with with_a_key(tmp_path, visit=inbox, people=People(mailer=box)) as (bench, key):
        accounting, name = bench.store.accounting, bench.bucket.name
        settings = AlertSettings(thresholds={"upload": (50,)})
        await accounting.alert_settings.change_own(bench.principal, settings, Target("https://hooks.example.com"))
        await of_bucket(bench, requests=4)
        await of_key(bench, key, requests=100, upload=10)
        charge(bench, transactions=3)
        await upload(bench, key, 5)
        await accounting.settle()
        await accounting.alerts.look()
        assert await alerts(bench) == [("bucket", name, "requests", 75, 3), ("key", "laptop", "upload", 50, 5)]
        assert await accounting.caps.blocking(bench.bucket.account_id) == []
        with pytest.raises(errors.RequestsCapExceeded):
            charge(bench, transactions=2)
        with pytest.raises(errors.UploadCapExceeded):
            await upload(bench, key, 6)
        await accounting.settle()
        await accounting.alerts.look()
        assert ("bucket", name, "requests", 100, 3) in await alerts(bench)
        assert ("key", "laptop", "upload", 100, 5) in await alerts(bench)
        blocking = await accounting.caps.blocking(bench.bucket.account_id)
        assert [(one.subject.kind, one.category) for one in blocking] == [("bucket", "requests"), ("key", "upload")]
        await bench.store.work.notices.run()
        await bench.store.work.notices.finish_turns()
        [mail] = box.mails
        assert f"3 of 4 requests were made today in the bucket {name}. Nothing is refused yet" in mail.text
        assert f"5 of 10 bytes have been uploaded today with the key laptop ({key.key_id})" in mail.text
        told = [(one.get("bucketName"), one.get("keyId")) for one in json.loads(inbox.posted[0][2])["alerts"]]
        assert sorted(told, key=str) == sorted([(name, None), (None, key.key_id)] * 2, key=str)


@asynchronous
async def test_a_twin_of_a_key_has_its_caps_and_what_is_deleted_leaves_none(tmp_path):
    async with with_a_key(tmp_path) as (bench, key):
        store = bench.store
        await of_key(bench, key, requests=5, upload=7)
        twin = await store.identity.keys.rotate(bench.principal, key.key_id)
        assert await store.accounting.quotas.of_key(twin.key_id) == Quotas(requests=5, upload=7)
        await store.identity.keys.delete(bench.principal, key.key_id)
        assert await store.accounting.quotas.of_key(key.key_id) == Quotas()
        other = await store.buckets.create(bench.principal, "another-bucket", "allPrivate")
        await store.buckets.set_caps(bench.principal, other.bucket_id, BucketCaps(files=1), Quotas(requests=1))
        changed = await store.buckets.set_caps(bench.principal, other.bucket_id, BucketCaps(files=2))
        assert changed.caps == BucketCaps(files=2)
        assert await store.accounting.quotas.of_bucket(other.bucket_id) == Quotas(requests=1), "it was not named"
        await store.buckets.delete(bench.principal, other.bucket_id)
        assert await store.accounting.quotas.of_bucket(other.bucket_id) == Quotas()
        await store.buckets.delete(bench.principal, bench.bucket.bucket_id)
        await store.identity.accounts.delete(bench.bucket.account_id)
        assert await statements.of_account(bench.catalog.rows, bench.bucket.account_id) == []


@asynchronous
async def test_quotas_are_set_within_their_limits_by_who_may_and_change_nothing_where_they_are_refused(tmp_path):
    async with with_a_key(tmp_path) as (bench, key):
        quotas = bench.store.accounting.quotas
        for wrong in (-1, limits.CAP_MAX + 1):
            for category in ("requests", "download", "upload"):
                with pytest.raises(errors.OutOfRange):
                    await quotas.change_key(bench.principal, key.key_id, Quotas(**{category: wrong}))
                with pytest.raises(errors.OutOfRange):
                    await of_bucket(bench, **{category: wrong})
        await of_key(bench, key, requests=limits.CAP_MAX)
        with pytest.raises(errors.NoSuchKey):
            await quotas.change_key(bench.principal, "0" * 25, Quotas(requests=1))
        with pytest.raises(errors.Unauthorized):
            await quotas.change_key(Principal.of_key(key), key.key_id, Quotas(requests=1))
        with mock.patch.object(limits, "QUOTAS_PER_ACCOUNT", 3):
            await of_bucket(bench, requests=1, upload=1)
            with pytest.raises(errors.InvalidRequest, match="at most 3 "):
                await bench.store.buckets.set_caps(
                    bench.principal, bench.bucket.bucket_id, BucketCaps(files=9), Quotas(1, 1, 1)
                )
            with pytest.raises(errors.InvalidRequest):
                await bench.store.identity.keys.rotate(bench.principal, key.key_id)
        assert await quotas.of_bucket(bench.bucket.bucket_id) == Quotas(requests=1, upload=1)
        assert (await bench.store.buckets.find(bucket_id=bench.bucket.bucket_id)).caps is None


@asynchronous
async def test_another_accounts_key_has_quotas_of_that_account_alone(tmp_path):
    async with with_a_key(tmp_path) as (bench, key):
        made = await bench.store.identity.accounts.create("other@example.com", "a long password")
        stranger = await bench.store.identity.accounts.operator(made.account.account_id)
        with pytest.raises(errors.NoSuchKey):
            await bench.store.accounting.quotas.change_key(stranger, key.key_id, Quotas(requests=0))
        assert await bench.store.accounting.quotas.bounded(stranger) == {}


@asynchronous
async def test_a_key_with_a_quota_counts_by_itself_however_many_there_are(tmp_path):
    async with with_a_key(tmp_path) as (bench, key):
        await of_key(bench, key, requests=2)
        with mock.patch.object(limits, "ACCOUNTING_KEYS_PER_DAY", 1):
            for each in ("0 first", "1 second", key.key_id):
                charge(bench, key_id=each)
                await bench.store.accounting.settle()
        account_id = bench.bucket.account_id
        counted = {
            each: (await bench.store.accounting.quotas.done_today("key", account_id, each)).requests
            for each in ("0 first", "1 second", key.key_id, "other")
        }
        assert counted == {"0 first": 1, "1 second": 0, key.key_id: 1, "other": 1}


@asynchronous
async def test_quotas_of_many_accounts_are_learnt_page_by_page(tmp_path):
    async with with_a_key(tmp_path) as (bench, _):
        ids = []
        for number in range(3):
            made = await bench.store.identity.accounts.create(f"n{number}@example.com", "a long password")
            ids.append(made.account.account_id)
            principal = await bench.store.identity.accounts.operator(ids[-1])
            await bench.store.accounting.quotas.change_key(principal, ids[-1], Quotas(requests=0))
        with mock.patch.object(limits, "ACCOUNTING_BATCH", 1):
            await bench.store.accounting.learn()
        for account_id in ids:
            with pytest.raises(errors.RequestsCapExceeded):
                bench.store.accounting.charge(account_id, "ListBuckets", "C", key_id=account_id)
