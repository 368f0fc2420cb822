"""Replication to another installation: a real server under TLS takes what a store, or another server, sends it."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import urllib.request
from base64 import b64encode
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from harness.asynchronous import asynchronous
from harness.clients import boto3_client
from harness.native import NativeCaller
from harness.processes import wait_until
from harness.receiver import LOOPBACK
from harness.replication import READING, Pair, accept, rule, set_rules, statuses
from harness.server import COMMAND, clean_environment
from harness.stores import Bench, Bytes, SetClock, md5, open_bench
from undercroft import limits
from undercroft.catalog import replications
from undercroft.outgoing.client import Outgoing
from undercroft.outgoing.contract import Answer, Bounds, Headers, TargetError, Visitor
from undercroft.store import errors
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.lock import LockChange
from undercroft.store.dialect import S3
from undercroft.store.model import Bucket, NewFile, Retention

PART = limits.NATIVE_PART_MIN_BYTES
DAY_MS = 86_400_000


class Line:
    """The way to the target, which can be cut: before a request arrives, or after, when only its answer is lost."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self.calls: list[str] = []
        self.cut: dict[str, str] = {}  # What happens to the next call of a name: "before" or "after".
        self.answers: dict[str, list[Answer]] = {}  # What the next calls of a name are answered with, by nobody.

    def to(self, url: str) -> Visitor:
        return _Visitor(self, url, self._outgoing.to(url))

    def count(self, name: str) -> int:
        return self.calls.count(name)


class _Visitor:
    def __init__(self, line: Line, url: str, visitor: Visitor) -> None:
        self._line = line
        self._name = url.split("/")[5].partition("?")[0]
        self._visitor = visitor

    async def post(self, headers: Headers, body: bytes, bounds: Bounds) -> Answer:
        self._line.calls.append(self._name)
        if self._line.answers.get(self._name):
            return self._line.answers[self._name].pop(0)
        cut = self._line.cut.pop(self._name, None)
        if cut == "before":
            raise TargetError("the line is cut")
        answer = await self._visitor.post(headers, body, bounds)
        if cut == "after":
            raise TargetError("the line is cut")
        return answer

    async def close(self) -> None:
        await self._visitor.close()


class Scene(NamedTuple):
    """A store whose bucket has a rule to a bucket of the server under TLS."""

    bench: Bench
    pair: Pair
    line: Line
    there: Any  # A boto3 client of the target.
    bucket_name: str

    async def work(self) -> None:
        """Let the steward's two jobs run until nothing is left that could be done now."""
        work = self.bench.store.work
        while await work.replication.is_wanted() or await work.remote_replication.is_wanted():
            await work.replication.run()
            await work.remote_replication.run()
            await work.remote_replication.finish_turns()

    async def later(self) -> None:
        """As `work`, once every wait is over."""
        self.bench.clock.ms += limits.REPLICATION_WAIT_MAX_S * 1000
        await self.work()

    def versions(self) -> list[tuple[str, bool, int]]:
        """Key, whether it is a hide marker, and time in seconds, in the order of lists."""
        page = self.there.list_object_versions(Bucket=self.bucket_name)
        rows = [(one, False) for one in page.get("Versions", [])] + [
            (one, True) for one in page.get("DeleteMarkers", [])
        ]
        return sorted((one["Key"], hidden, int(one["LastModified"].timestamp())) for one, hidden in rows)

    async def status(self) -> list[str | None]:
        return [status for _, status in await statuses(self.bench, self.pair.source)]

    async def reason(self) -> str:
        queue = await replications.queue(self.bench.catalog.rows, self.pair.source.bucket_id, "rule-1")
        assert queue is not None
        return queue.reason or ""


@asynccontextmanager
async def scene_of(
    folder, tls_server, certificates, new_name, *, reading=READING, key=None, existing=False, locked=False
):
    there, name = boto3_client(tls_server), new_name("target")
    there.create_bucket(Bucket=name)
    if locked:
        lock_bucket(tls_server, name)
    line = Line(Outgoing(allowed=[LOOPBACK], ca_file=certificates.ca_file))
    clock = SetClock()
    clock.ms = Ambient().now_ms() - DAY_MS  # The target takes no times of the future.
    async with open_bench(folder, clock=clock, visit=line.to) as bench:
        accounts = bench.store.identity.accounts
        account = await accounts.find(bench.principal.account_id)
        target = await bench.store.replication_targets.add(
            account, "there", endpoint=tls_server.api_url, key_id=tls_server.key_id,
            key=key or tls_server.application_key, bucket_name=name,
        )  # fmt: skip
        reader = await bench.store.identity.keys.create(bench.principal, "reader", list(reading))
        destination = Bucket(target.target_id, account.account_id, name, "allPrivate", 2, 0, {}, [], [])
        pair = Pair(bench.bucket, destination, reader.key_id, "")
        scene = Scene(bench, pair, line, there, name)
        if existing:
            await bench.put("before")
        await set_rules(bench, pair, rule(destination, include_existing_files=existing))
        yield scene


def lock_bucket(server, name):
    """Enable Object Lock, which boto3 cannot."""
    context = ssl.create_default_context(cafile=str(server.ca_file))

    def call(url, token, body):
        asked = urllib.request.Request(url, json.dumps(body).encode(), {"Authorization": token})
        with urllib.request.urlopen(asked, context=context) as answer:
            return json.load(answer)

    basic = "Basic " + b64encode(f"{server.key_id}:{server.application_key}".encode()).decode()
    account = call(f"{server.api_url}/b2api/v4/b2_authorize_account", basic, {})
    token, api = account["authorizationToken"], f"{server.api_url}/b2api/v4"
    asked = {"accountId": account["accountId"], "bucketName": name}
    [bucket] = call(f"{api}/b2_list_buckets", token, asked)["buckets"]
    changed = {"accountId": account["accountId"], "bucketId": bucket["bucketId"], "fileLockEnabled": True}
    call(f"{api}/b2_update_bucket", token, changed)


@asynchronous
async def test_files_arrive_with_content_info_and_time_and_hide_markers_follow(
    tmp_path, tls_server, certificates, new_name
):
    async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
        bench = scene.bench
        info = {"colour": "blue & \N{SNOWMAN}", "b2-cache-control": "max-age=7"}
        file = await bench.put("in/\N{SNOWMAN} +%", b"content", new=NewFile("text/plain; charset=utf-8", info))
        await bench.put("empty", b"")
        await bench.put("hidden")
        bench.clock.ms += 1000
        await bench.store.files.hide(bench.principal, bench.bucket, "hidden", S3)
        assert await scene.status() == ["PENDING"] * 4
        await scene.work()
        assert await scene.status() == ["COMPLETED"] * 4
        shown = scene.versions()
        assert [(name, hidden) for name, hidden, _ in shown] == [
            ("empty", False), ("hidden", False), ("hidden", True), ("in/\N{SNOWMAN} +%", False)
        ]  # fmt: skip
        assert shown[-1][2] == file.uploaded_ms // 1000
        got = scene.there.get_object(Bucket=scene.bucket_name, Key=file.name)
        assert got["Body"].read() == b"content"
        assert (got["ContentType"], got["CacheControl"]) == ("text/plain; charset=utf-8", "max-age=7")
        assert set(got["Metadata"]) == {"colour"}


@asynchronous
async def test_versions_of_one_name_arrive_in_their_order(tmp_path, tls_server, certificates, new_name):
    async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
        for number in range(4):
            await scene.bench.put("a", b"%d" % number)
            scene.bench.clock.ms += 1000 * (number % 2)
        await scene.work()
        page = scene.there.list_object_versions(Bucket=scene.bucket_name)["Versions"]
        bodies = [
            scene.there.get_object(Bucket=scene.bucket_name, Key="a", VersionId=one["VersionId"])["Body"].read()
            for one in page
        ]
        assert bodies == [b"3", b"2", b"1", b"0"]


@pytest.mark.parametrize("call", ["b2_upload_file", "b2_authorize_account", "b2_list_buckets", "b2_get_upload_url"])
@pytest.mark.parametrize("cut", ["before", "after"])
@asynchronous
async def test_a_line_that_is_cut_at_any_call_loses_and_repeats_nothing(
    tmp_path, tls_server, certificates, new_name, call, cut
):
    async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
        await scene.bench.put("a")
        await scene.bench.put("b")
        scene.line.cut[call] = cut
        await scene.work()
        assert await scene.status() == ["PENDING"] * 2
        assert await scene.reason() == "the line is cut"
        await scene.later()
        assert await scene.status() == ["COMPLETED"] * 2
        assert await scene.reason() == ""
        assert [(name, hidden) for name, hidden, _ in scene.versions()] == [("a", False), ("b", False)]


@pytest.mark.parametrize("call", ["b2_start_large_file", "b2_upload_part", "b2_finish_large_file"])
@pytest.mark.parametrize("cut", ["before", "after"])
@asynchronous
async def test_a_large_file_goes_on_where_it_was_cut(tmp_path, tls_server, certificates, new_name, call, cut):
    with mock.patch.object(limits, "REPLICATION_REMOTE_PART_BYTES", PART):
        async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
            data = os.urandom(2 * PART + 5)
            await scene.bench.put("large", data)
            scene.line.cut[call] = cut
            await scene.work()
            assert await scene.status() == ["PENDING"]
            await scene.later()
            assert await scene.status() == ["COMPLETED"]
            [(name, _, _)] = scene.versions()
            assert scene.there.get_object(Bucket=scene.bucket_name, Key=name)["Body"].read() == data
            assert scene.there.list_multipart_uploads(Bucket=scene.bucket_name).get("Uploads", []) == []
            started_twice, part_twice = (
                (call, cut) == (what, "before") for what in ("b2_start_large_file", "b2_upload_part")
            )
            assert scene.line.count("b2_start_large_file") == 1 + started_twice
            assert scene.line.count("b2_upload_part") == 3 + part_twice


@asynchronous
async def test_a_part_that_a_busy_url_refuses_is_sent_again(tmp_path, tls_server, certificates, new_name):
    with mock.patch.object(limits, "REPLICATION_REMOTE_PART_BYTES", PART):
        async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
            data = os.urandom(PART + 5)
            await scene.bench.put("large", data)
            scene.line.answers = {"b2_upload_part": [Answer(503, b'{"code": "service_unavailable", "status": 503}')]}
            await scene.work()
            assert await scene.status() == ["COMPLETED"]
            assert scene.there.get_object(Bucket=scene.bucket_name, Key="large")["Body"].read() == data
            assert scene.line.count("b2_upload_part") == 3


@asynchronous
async def test_a_part_is_sent_anew_where_the_target_has_other_bytes(tmp_path, tls_server, certificates, new_name):
    with mock.patch.object(limits, "REPLICATION_REMOTE_PART_BYTES", PART):
        async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
            data = os.urandom(PART + 5)
            await scene.bench.put("large", data)
            scene.line.cut["b2_finish_large_file"] = "before"
            await scene.work()
            [begun] = scene.there.list_multipart_uploads(Bucket=scene.bucket_name)["Uploads"]
            scene.there.upload_part(
                Bucket=scene.bucket_name, Key="large", UploadId=begun["UploadId"], PartNumber=2, Body=b"other"
            )
            await scene.later()
            assert await scene.status() == ["COMPLETED"]
            assert scene.there.get_object(Bucket=scene.bucket_name, Key="large")["Body"].read() == data
            assert scene.line.count("b2_upload_part") == 3


@asynchronous
async def test_a_cap_on_downloads_puts_the_rule_off(tmp_path, tls_server, certificates, new_name):
    async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
        bench, account_id = scene.bench, scene.bench.principal.account_id
        await bench.put("a", b"content")
        await bench.store.accounting.caps.change(account_id, {"download": 6})
        await bench.store.accounting.learn()
        await scene.work()
        assert await scene.status() == ["PENDING"]
        assert "cap on downloads" in await scene.reason()
        await bench.store.accounting.caps.change(account_id, {"download": 7})
        await bench.store.accounting.learn()
        await scene.later()
        assert await scene.status() == ["COMPLETED"]


@asynchronous
async def test_a_large_file_of_the_source_is_one_of_the_target(tmp_path, tls_server, certificates, new_name):
    with mock.patch.object(limits, "REPLICATION_REMOTE_PART_BYTES", PART):
        async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
            bench, parts = scene.bench, (os.urandom(PART), b"tail")
            large = await bench.store.files.start_large_file(
                bench.principal, bench.bucket, "large", NewFile("a/b", {"x": "y"})
            )
            for number, part in enumerate(parts, 1):
                await bench.store.files.upload_part(bench.principal, bench.bucket, large, number, Bytes(part))
            listed = [(number, md5(part)) for number, part in enumerate(parts, 1)]
            await bench.store.files.finish_s3(bench.principal, bench.bucket, large, listed)
            await scene.work()
            got = scene.there.get_object(Bucket=scene.bucket_name, Key="large")
            assert got["Body"].read() == b"".join(parts)
            assert got["Metadata"] == {"x": "y"}


@asynchronous
async def test_existing_files_are_sent_once_however_often_they_are_looked_for(
    tmp_path, tls_server, certificates, new_name
):
    async with scene_of(tmp_path, tls_server, certificates, new_name, existing=True) as scene:
        await scene.work()
        for priority in (2, 3):
            changed = rule(scene.pair.destination, include_existing_files=True, priority=priority)
            await set_rules(scene.bench, scene.pair, changed)
            await scene.work()
        assert [name for name, _, _ in scene.versions()] == ["before"]
        assert scene.line.count("b2_upload_file") == 1


@asynchronous
async def test_a_token_and_an_upload_url_that_have_worn_out_are_renewed(tmp_path, tls_server, certificates, new_name):
    async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
        expired = Answer(401, b'{"code": "expired_auth_token", "message": "", "status": 401}')
        busy = Answer(503, b'{"code": "service_unavailable", "message": "", "status": 503}')
        scene.line.answers = {"b2_get_upload_url": [expired], "b2_upload_file": [busy]}
        await scene.bench.put("a")
        await scene.work()
        assert await scene.status() == ["COMPLETED"]
        assert scene.line.count("b2_authorize_account") == 2
        assert scene.line.count("b2_upload_file") == 2


@asynchronous
async def test_a_target_that_takes_no_custom_times_gets_the_files_all_the_same(
    tmp_path, tls_server, certificates, new_name
):
    async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
        refusal = Answer(400, b'{"code": "custom_timestamp_not_allowed", "message": "", "status": 400}')
        scene.line.answers = {"b2_upload_file": [refusal]}
        file = await scene.bench.put("a")
        await scene.work()
        [(_, _, at_s)] = scene.versions()
        assert at_s > file.uploaded_ms // 1000 + DAY_MS // 2000
        assert await scene.status() == ["COMPLETED"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(200, b"<html>"), "not as the B2 Native API does"),
        (Answer(200, b"{}"), "not as the B2 Native API does"),
        (Answer(500, b""), "not as the B2 Native API does"),
        (Answer(403, b'{"code": "storage_cap_exceeded", "message": "no room", "status": 403}'), "no room"),
        (Answer(401, b'{"code": "unauthorized", "message": "", "status": 401}'), "unauthorized"),
    ],
)
@asynchronous
async def test_what_holds_for_all_files_puts_the_rule_off_and_fails_them_in_the_end(
    tmp_path, tls_server, certificates, new_name, answer, reason
):
    async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
        scene.line.answers = {"b2_authorize_account": [answer] * 10}
        await scene.bench.put("a")
        await scene.work()
        assert await scene.status() == ["PENDING"]
        assert reason in await scene.reason()
        scene.bench.clock.ms += limits.REPLICATION_REFUSED_MAX_S * 1000
        await scene.work()
        assert await scene.status() == ["FAILED"]


@asynchronous
async def test_a_file_that_the_target_refuses_fails_alone(tmp_path, tls_server, certificates, new_name):
    async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
        refusal = Answer(400, b'{"code": "bad_request", "message": "File names must not", "status": 400}')
        scene.line.answers = {"b2_upload_file": [refusal]}
        await scene.bench.put("a")
        await scene.bench.put("b")
        await scene.work()
        assert await scene.status() == ["FAILED", "COMPLETED"]
        [failure] = await scene.bench.store.work.replication_reports.failures(scene.bench.bucket, 10)
        assert "File names must not" in failure.reason


@asynchronous
async def test_p8_a_target_that_repeats_our_secrets_does_not_get_them_into_reasons(
    tmp_path, tls_server, certificates, new_name
):
    async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
        key, key_id = tls_server.application_key, tls_server.key_id
        basic = b64encode(f"{key_id}:{key}".encode()).decode()
        said = {"code": key, "message": f"you said Basic {basic}, which is {key}", "status": 403}
        scene.line.answers = {"b2_authorize_account": [Answer(401, json.dumps(said).encode())]}
        await scene.bench.put("a")
        await scene.work()
        reason = await scene.reason()
        assert "you said" in reason
        assert key not in reason
        assert basic not in reason


@asynchronous
async def test_a_deleted_source_key_sends_nothing(tmp_path, tls_server, certificates, new_name):
    async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
        await scene.bench.store.identity.keys.delete(scene.bench.principal, scene.pair.reader_id)
        await scene.bench.put("a")
        await scene.work()
        assert scene.line.calls == []
        assert "The source key" in await scene.reason()


@pytest.mark.parametrize("locked", [True, False])
@asynchronous
async def test_p7_a_locked_file_is_locked_there_or_is_not_there(tmp_path, tls_server, certificates, new_name, locked):
    async with scene_of(tmp_path, tls_server, certificates, new_name, locked=locked) as scene:
        bench = scene.bench
        await set_rules(bench, scene.pair)
        bench.bucket = await bench.store.buckets.update(
            bench.principal, bench.bucket.bucket_id, lock=LockChange(enabled=True),
            replication=type(bench.bucket.replication)(),
        )  # fmt: skip
        await set_rules(bench, scene.pair, rule(scene.pair.destination))
        retention = Retention("governance", Ambient().now_ms() + DAY_MS)
        await bench.put("a", new=NewFile("a/b", retention=retention, legal_hold=True))
        await scene.work()
        if not locked:
            assert (await scene.status(), scene.versions()) == (["FAILED"], [])
            return
        assert await scene.status() == ["COMPLETED"]
        version_id = scene.there.list_object_versions(Bucket=scene.bucket_name)["Versions"][0]["VersionId"]
        with pytest.raises(ClientError):
            scene.there.delete_object(Bucket=scene.bucket_name, Key="a", VersionId=version_id)


@asynchronous
async def test_a_rule_may_change_between_a_bucket_and_a_target(tmp_path, tls_server, certificates, new_name):
    async with scene_of(tmp_path, tls_server, certificates, new_name) as scene:
        bench = scene.bench
        near = await bench.store.buckets.create(bench.principal, "near-bucket", "allPrivate")
        writer = await bench.store.identity.keys.create(bench.principal, "writer", ["writeFiles"])
        await accept(bench, near, {scene.pair.reader_id: writer.key_id})
        await bench.put("far")
        await scene.work()
        await set_rules(bench, scene.pair, rule(near))
        await bench.put("near")
        await scene.work()
        await set_rules(bench, scene.pair, rule(scene.pair.destination))
        await bench.put("far-again")
        await scene.work()
        assert [name for name, _, _ in scene.versions()] == ["far", "far-again"]
        assert [name for name, _ in await statuses(bench, near)] == ["near"]


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "http://b2.example.com"},
        {"endpoint": "https://user@b2.example.com"},
        {"endpoint": "https://b2.example.com/path"},
        {"endpoint": "https://"},
        {"endpoint": "https://[b2"},
        {"endpoint": "https://b2.example.com:99999"},
        {"key": ""},
        {"key_id": "a\nb"},
        {"bucket_name": "no"},
        {"name": "a b"},
    ],
)
@asynchronous
async def test_a_target_that_cannot_be_is_refused(tmp_path, changes):
    async with open_bench(tmp_path) as bench:
        account = await bench.store.identity.accounts.find(bench.principal.account_id)
        given = {
            "endpoint": "https://b2.example.com",
            "key_id": "k",
            "key": "s",
            "bucket_name": "a-bucket",
            "name": "n",
        }
        await bench.store.replication_targets.add(account, given.pop("name"), **given)
        given = {"name": "n2", **given, **changes}
        with pytest.raises(errors.InvalidRequest):
            await bench.store.replication_targets.add(account, given.pop("name"), **given)


@asynchronous
async def test_a_target_of_another_account_is_no_destination(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.store.identity.accounts.create("other@example.com", "a long password")
        other = await bench.store.identity.accounts.find("other@example.com")
        target = await bench.store.replication_targets.add(
            other, "n", endpoint="https://b2.example.com", key_id="k", key="s", bucket_name="a-bucket"
        )
        reader = await bench.store.identity.keys.create(bench.principal, "reader", ["readFiles"])
        destination = Bucket(target.target_id, other.account_id, "", "allPrivate", 2, 0, {}, [], [])
        with pytest.raises(errors.NoSuchBucket):
            await set_rules(bench, Pair(bench.bucket, destination, reader.key_id, ""), rule(destination))


# -- Two servers ------------------------------------------------------------------------------------------------------
@pytest.mark.timeout(180)
def test_one_server_replicates_to_another_though_its_steward_is_killed_in_the_middle(
    make_server, tls_server, certificates, new_name, tmp_path
):
    there, name = boto3_client(tls_server), new_name("target")
    there.create_bucket(Bucket=name)
    server = make_server(
        "--workers", "1", "--allow-targets", LOOPBACK, "--target-ca", str(certificates.ca_file)
    ).start()
    command = [
        COMMAND, "replication", "target", "add", "there", "--account", server.account_id, "--endpoint", tls_server.api_url,
        "--key-id", tls_server.key_id, "--bucket", name, "--key-stdin", "--data", str(server.data_dir), "--json",
    ]  # fmt: skip
    done = subprocess.run(
        command, input=tls_server.application_key + "\n", capture_output=True, text=True, check=True,
        env=clean_environment(tmp_path),
    )  # fmt: skip
    assert tls_server.application_key not in done.stdout + done.stderr
    target = json.loads(done.stdout)
    native = NativeCaller(server)
    reader = native.call("b2_create_key", accountId=server.account_id, keyName="r", capabilities=["readFiles"])
    replicated = {
        "destinationBucketId": target["destinationBucketId"], "fileNamePrefix": "", "includeExistingFiles": False,
        "isEnabled": True, "priority": 1, "replicationRuleName": "far",
    }  # fmt: skip
    source = {"replicationRules": [replicated], "sourceApplicationKeyId": reader["applicationKeyId"]}
    bucket_id = native.call(
        "b2_create_bucket", accountId=server.account_id, bucketName="far-away", bucketType="allPrivate",
        replicationConfiguration={"asReplicationSource": source},
    )["bucketId"]  # fmt: skip
    large = os.urandom(3 * limits.REPLICATION_REMOTE_PART_BYTES)
    file = native.upload(bucket_id, "large", large, {})
    wait_until(
        lambda: there.list_multipart_uploads(Bucket=name).get("Uploads") or there_is(there, name, "large"),
        "it does not begin",
        60.0,
    )
    server.children()[-1].kill()
    native.upload(bucket_id, "small", b"small", {})
    for key, body in (("large", large), ("small", b"small")):
        wait_until(lambda key=key: there_is(there, name, key), f"{key} does not arrive", 90.0)
        assert there.get_object(Bucket=name, Key=key)["Body"].read() == body
    wait_until(
        lambda: native.call("b2_get_file_info", fileId=file["fileId"])["replicationStatus"] == "COMPLETED",
        "nobody says so", 60.0,
    )  # fmt: skip
    assert len(there.list_object_versions(Bucket=name)["Versions"]) == 2
    server.stop()


def there_is(there, bucket_name, key):
    return any(one["Key"] == key for one in there.list_objects_v2(Bucket=bucket_name).get("Contents", []))
