"""Alerts about the caps of buckets: raised, told and over as those of the account's caps are."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, closing
from unittest import mock

import apsw
import pytest

from harness.asynchronous import asynchronous
from harness.notifications import SECRET, Inbox
from harness.people import Postbox
from harness.stores import Bytes, open_bench
from undercroft import limits
from undercroft.catalog import sqlite_deltas
from undercroft.catalog.schema import DELTAS
from undercroft.store import errors
from undercroft.store.accounting.alert_settings import AlertSettings
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.identity.people import People
from undercroft.store.model import BucketCaps, NewFile
from undercroft.store.work.alert_webhook import AlertWebhook

URL = "https://hooks.example.com/in"
OURS = next(number for number, delta in enumerate(DELTAS) if "cap_alerts_by_subject" in "".join(delta))


@asynccontextmanager
async def two_buckets(folder, **given):
    """A bench whose bucket may hold 100 bytes and 4 files, and another bucket of the account."""
    async with open_bench(folder, **given) as bench:
        await set_caps(bench, bench.bucket, size_bytes=100, files=4)
        yield bench, await bench.store.buckets.create(bench.principal, "Another-Bucket", "allPrivate")


async def set_caps(bench, bucket, **caps):
    await bench.store.buckets.set_caps(bench.principal, bucket.bucket_id, BucketCaps(**caps))


async def put_into(bench, bucket, name, size):
    await bench.store.files.upload(bench.principal, bucket, name, NewFile("text/plain"), Bytes(bytes(size)))


async def look(bench):
    await bench.store.accounting.settle()
    await bench.store.accounting.alerts.look()
    bench.clock.ms += 1


async def alerts(bench):
    """The alerts: of which bucket, on what, percent, used."""
    found = await bench.store.accounting.alerts.recent(bench.bucket.account_id, days=30)
    return sorted((one.subject.name, one.category, one.percent, one.used) for one in found)


async def blocking(bench):
    found = await bench.store.accounting.caps.blocking(bench.bucket.account_id)
    return [(one.subject.name, one.category) for one in found]


@asynchronous
async def test_an_alert_comes_at_75_and_100_percent_of_a_buckets_cap_each_time_it_is_crossed(tmp_path):
    async with two_buckets(tmp_path) as (bench, _):
        name = bench.bucket.name
        await bench.put("kept", bytes(74))
        await look(bench)
        assert await alerts(bench) == []
        await bench.put("one more", bytes(1))
        await look(bench)
        await look(bench)
        assert await alerts(bench) == [(name, "storage", 75, 75)]
        for times in (1, 2):
            last = await bench.put("rest", bytes(25))
            await look(bench)
            await look(bench)
            assert await blocking(bench) == [(name, "storage")]
            expected = [(name, "files", 75, 3), (name, "storage", 75, 75), *[(name, "storage", 100, 100)] * times]
            assert [one for one in await alerts(bench) if one != (name, "files", 75, 3)] == expected[1:]
            await bench.store.files.delete_version(bench.principal, bench.bucket, "rest", str(last.file_id))
            await look(bench)
            assert await blocking(bench) == []


@asynchronous
async def test_buckets_and_their_account_alert_apart(tmp_path):
    async with two_buckets(tmp_path) as (bench, other):
        await bench.store.accounting.caps.change(bench.bucket.account_id, {"storage": 100})
        await set_caps(bench, other, size_bytes=100)
        await bench.put("kept", bytes(80))
        await look(bench)
        assert await alerts(bench) == [("", "storage", 75, 80), (bench.bucket.name, "storage", 75, 80)]
        await bench.store.accounting.caps.change(bench.bucket.account_id, {"storage": None})
        await put_into(bench, other, "kept", 80)
        await look(bench)
        assert (other.name, "storage", 75, 80) in await alerts(bench)
        await set_caps(bench, bench.bucket, size_bytes=1000)
        await set_caps(bench, bench.bucket, size_bytes=100)
        await look(bench)
        assert len(await alerts(bench)) == 3, "nothing has fallen"


@asynchronous
async def test_what_a_buckets_cap_refused_is_an_alert_about_the_bucket_and_blocks_until_there_is_room(tmp_path):
    async with two_buckets(tmp_path) as (bench, _):
        await bench.store.accounting.caps.change(bench.bucket.account_id, {"storage": 1000, "files": 1000})
        kept = await bench.put("kept", bytes(50))
        for size in (51, 60):
            with pytest.raises(errors.BucketCapExceeded):
                await bench.put("large", bytes(size))
            await look(bench)
        assert await alerts(bench) == [(bench.bucket.name, "storage", 100, 50)]
        assert await blocking(bench) == [(bench.bucket.name, "storage")]
        await bench.store.files.delete_version(bench.principal, bench.bucket, "kept", str(kept.file_id))
        await look(bench)
        assert await blocking(bench) == []
        for number in range(4):
            await bench.put(f"n{number}")
        with pytest.raises(errors.BucketCapExceeded):
            await bench.put("fifth")
        with mock.patch("undercroft.store.accounting.alerts._log") as log:
            await look(bench)
        told = {"account_id": bench.bucket.account_id, "bucket": bench.bucket.name, "category": "files"}
        assert mock.call("cap_alert", **told, percent=100, used=4, cap=4) in log.warning.mock_calls


@asynchronous
async def test_the_accounts_people_and_the_operator_are_told_which_bucket_it_is(tmp_path):
    box, inbox = Postbox(), Inbox()
    async with two_buckets(tmp_path, visit=inbox, people=People(mailer=box)) as (bench, other):
        settings = AlertSettings(thresholds={"files": (50,)})
        target = Target(URL, signing_secret=SECRET)
        await bench.store.accounting.alert_settings.change_own(bench.principal, settings, target)
        await set_caps(bench, other, files=2)
        await put_into(bench, other, "one", 1)
        await look(bench)
        await put_into(bench, other, "two", 1)
        with pytest.raises(errors.BucketCapExceeded):
            await put_into(bench, other, "three", 1)
        await look(bench)
        await bench.store.work.notices.run()
        await bench.store.work.notices.finish_turns()
        letters = [(mail.subject, mail.text) for mail in box.mails]
        assert letters[0][0].startswith("2 notices about")
        assert "1 of 2 files are stored in the bucket Another-Bucket. Nothing is refused yet" in letters[0][1]
        assert "2 of 2 files are stored in the bucket Another-Bucket. More is refused" in letters[0][1]
        [(_, _, body)] = inbox.posted
        told = json.loads(body)["alerts"]
        assert [(one["bucketId"], one["bucketName"], one["percent"]) for one in told] == [
            (other.bucket_id, "Another-Bucket", 50),
            (other.bucket_id, "Another-Bucket", 100),
        ]
        operators = AlertWebhook(bench.catalog, bench.store.accounting.alerts._gate, bench.clock, inbox, URL)
        await operators.run()
        assert json.loads(inbox.posted[-1][2])["alerts"] == told
        assert not await operators.is_wanted()


@asynchronous
async def test_a_letter_about_one_bucket_has_its_name_as_it_is_written(tmp_path):
    box = Postbox()
    async with two_buckets(tmp_path, people=People(mailer=box)) as (bench, other):
        await set_caps(bench, other, size_bytes=10)
        await put_into(bench, other, "one", 10)
        await look(bench)
        await bench.store.work.notices.run()
        await bench.store.work.notices.finish_turns()
        assert [mail.subject for mail in box.mails] == [
            "The cap on storage in the bucket Another-Bucket is reached (Undercroft)"
        ]


@asynchronous
async def test_a_bucket_without_caps_and_one_that_is_gone_have_nobody_look_and_leave_their_alerts(tmp_path):
    async with open_bench(tmp_path) as bench:
        caps, account_id = bench.store.accounting.caps, bench.bucket.account_id
        assert not await caps.are_there()
        other = await bench.store.buckets.create(bench.principal, "another-bucket", "allPrivate")
        await set_caps(bench, other, files=0)
        assert await caps.are_there()
        assert [(one.account_id, one.subject.name) for one in await caps.every_standing()] == [(account_id, other.name)]
        await look(bench)
        await bench.store.buckets.delete(bench.principal, other.bucket_id)
        assert not await caps.are_there()
        assert await blocking(bench) == []
        assert await alerts(bench) == [(other.name, "files", 100, 0)]
        await set_caps(bench, bench.bucket, files=0)
        await set_caps(bench, bench.bucket)
        assert not await caps.are_there()


@asynchronous
async def test_many_alerts_are_raised_some_in_a_transaction_and_none_is_left_out(tmp_path):
    with mock.patch.object(limits, "CAP_ALERTS_RAISED_AT_ONCE", 1):
        async with two_buckets(tmp_path) as (bench, other):
            await set_caps(bench, other, size_bytes=10, files=0)
            await put_into(bench, bench.bucket, "first", 80)
            await look(bench)
            reached = [(other.name, "files", 100, 0), (bench.bucket.name, "storage", 75, 80)]
            assert await alerts(bench) == reached
            await set_caps(bench, bench.bucket, size_bytes=1000)
            await set_caps(bench, other)
            await look(bench)
            assert await blocking(bench) == []


def test_alerts_of_an_older_release_go_on_to_be_those_of_the_account(tmp_path):
    with closing(apsw.Connection(str(tmp_path / "catalog.db"))) as raw:
        with mock.patch.object(sqlite_deltas, "SCHEMA_VERSION", OURS):
            sqlite_deltas.apply_deltas(raw)
        raw.execute(
            "INSERT INTO cap_alerts (account_id, category, day, percent, cap, used, at_ms, is_over, sent_ms)"
            " VALUES ('a', 'files', 1, 75, 100, 80, 5, 1, 6)"
        )
        sqlite_deltas.apply_deltas(raw)
        row = "account_id, kind, subject_id, category, day, percent, cap, used, at_ms, is_over, sent_ms"
        assert raw.execute(f"SELECT {row} FROM cap_alerts").fetchall() == [
            ("a", "account", "", "files", 1, 75, 100, 80, 5, 1, 6)
        ]
