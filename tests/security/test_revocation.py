"""Insufficient session expiration (CWE-613): what is revoked stops at once, also in the middle of a request (P6)."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
import struct
import termios
import time
from urllib.parse import urlsplit

import pytest

from harness.hostile import Client, as_request, parse_answers
from harness.server import run_command
from undercroft.store.operations import ALL_CAPABILITIES

BODY = os.urandom(300_000)  # More than what is stored inline, so that it has begun to be written.


class SlowUpload:
    """A request of which all but the last byte has been sent and taken."""

    def __init__(self, server, method, target, headers, body=BODY):
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        self._rest = body[-1:]
        data = as_request(method, target, {**headers, "Connection": "close"}, body)
        self._socket.sendall(data[:-1])
        # The server reads no further than its buffers before the request's right is judged: when the other side has taken
        # everything, the upload is under way.
        deadline = time.monotonic() + 10
        while _unsent(self._socket) and time.monotonic() < deadline:
            time.sleep(0.005)

    def finish(self):
        """Send the last byte and read the answer."""
        with contextlib.closing(self._socket):
            with contextlib.suppress(ConnectionError):
                self._socket.sendall(self._rest)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := self._socket.recv(65_536):
                    received += piece
        (answer,) = parse_answers(received)
        return answer


def _unsent(connection: socket.socket) -> int:
    """Bytes that the other side's system has not taken yet (tcp(7), SIOCOUTQ)."""
    return int(struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))[0])


@pytest.fixture
def bucket(make_bucket):
    return make_bucket()


def uploads_in_flight(client: Client, name: str, bucket_id: str) -> dict[str, SlowUpload]:
    """One upload of every kind, nearly done."""
    server = client.server
    started = {}
    headers = client.signer.headers("PUT", f"/{name}/s3")
    started["PutObject"] = SlowUpload(server, "PUT", f"/{name}/s3", headers)
    started["presigned"] = SlowUpload(server, "PUT", client.signer.presign("PUT", f"/{name}/presigned"), {})
    upload_id = client.s3("POST", f"/{name}/large?uploads").texts("UploadId")[0]
    target = f"/{name}/large?partNumber=1&uploadId={upload_id}"
    started["UploadPart"] = SlowUpload(server, "PUT", target, client.signer.headers("PUT", target))
    sha1 = {"X-Bz-Content-Sha1": hashlib.sha1(BODY).hexdigest(), "Content-Type": "text/plain"}
    file_target = client.ok("b2_get_upload_url", bucketId=bucket_id)
    part_target = client.ok("b2_get_upload_part_url", fileId=upload_id)
    for kind, target, extra in (
        ("b2_upload_file", file_target, {"X-Bz-File-Name": "native"}),
        ("b2_upload_part", part_target, {"X-Bz-Part-Number": "2"}),
    ):
        headers = {"Authorization": target["authorizationToken"], **sha1, **extra}
        started[kind] = SlowUpload(server, "POST", urlsplit(target["uploadUrl"]).path, headers)
    small = client.signer.headers("PUT", f"/{name}/small")
    started["inline"] = SlowUpload(server, "PUT", f"/{name}/small", small, b"small")
    return started


def assert_all_refused(started: dict[str, SlowUpload]) -> None:
    for kind, upload in started.items():
        answer = upload.finish()
        assert answer.refusal[0] in {401, 403}, (kind, answer.status, answer.body)


def stored(owner: Client, bucket_id: str) -> tuple[list[str], list[int]]:
    """The names of finished files, and the numbers of parts of unfinished ones."""
    rows = owner.ok("b2_list_file_versions", bucketId=bucket_id, maxFileCount=1000)["files"]
    unfinished = [row["fileId"] for row in rows if row["action"] == "start"]
    parts = [part["partNumber"] for one in unfinished for part in owner.ok("b2_list_parts", fileId=one)["parts"]]
    return [row["fileName"] for row in rows if row["action"] != "start"], parts


def test_uploads_that_nobody_revokes_are_stored(owner, bucket):
    started = uploads_in_flight(owner.restricted(ALL_CAPABILITIES), *bucket)
    assert {kind: upload.finish().status for kind, upload in started.items()} == dict.fromkeys(started, 200)
    assert stored(owner, bucket[1]) == (["native", "presigned", "s3", "small"], [1, 2])


def test_a_key_deleted_in_the_middle_of_uploads_has_uploaded_nothing(owner, bucket):
    key = owner.restricted(ALL_CAPABILITIES)
    started = uploads_in_flight(key, *bucket)
    owner.ok("b2_delete_key", applicationKeyId=key.key_id)
    assert_all_refused(started)
    assert stored(owner, bucket[1]) == ([], [])


def test_a_key_that_expires_in_the_middle_of_uploads_has_uploaded_nothing(owner, bucket):
    key = owner.restricted(ALL_CAPABILITIES, validDurationInSeconds=3)
    started = uploads_in_flight(key, *bucket)
    while key.s3("HEAD", f"/{bucket[0]}").status == 200:
        time.sleep(0.05)
    assert_all_refused(started)
    assert stored(owner, bucket[1]) == ([], [])


def test_a_bucket_deleted_in_the_middle_of_an_upload_takes_nothing(owner, make_bucket):
    name, bucket_id = make_bucket()
    upload = SlowUpload(owner.server, "PUT", f"/{name}/k", owner.signer.headers("PUT", f"/{name}/k"))
    owner.ok("b2_delete_bucket", accountId=owner.account_id, bucketId=bucket_id)
    assert upload.finish().refusal == (404, "NoSuchBucket")


def test_an_account_suspended_in_the_middle_of_uploads_stops_whole_and_comes_back(server, make_bucket, tmp_path):
    email = f"suspended{os.getpid()}@example.com"
    made = server.create_account(email)
    account = Client(server, made["keyId"], made["applicationKey"])
    name, bucket_id = make_bucket("allPublic", of=account)
    assert account.s3("PUT", f"/{name}/public", body=b"x").status == 200
    grant = account.ok(
        "b2_get_download_authorization", bucketId=bucket_id, fileNamePrefix="", validDurationInSeconds=600
    )["authorizationToken"]
    presigned = account.signer.presign("GET", f"/{name}/public")
    started = uploads_in_flight(account, name, bucket_id)
    run_command("account", "suspend", email, "--data", str(server.data_dir), home=tmp_path)
    assert_all_refused(started)
    for answer in (
        account.s3("GET", f"/{name}/public"),
        account.send("GET", presigned),
        account.authorize(),
        account.native("b2_list_buckets", accountId=account.account_id),
        account.send("GET", f"/file/{name}/public", {"Authorization": grant}),
    ):
        assert answer.refusal[0] in {401, 403}
    run_command("account", "resume", email, "--data", str(server.data_dir), home=tmp_path)
    assert stored(account, bucket_id) == (["public"], [])
    assert account.send("GET", presigned).body == b"x"


def test_everything_that_a_deleted_key_has_issued_is_dead_on_every_worker(owner, bucket):
    name, bucket_id = bucket
    assert owner.s3("PUT", f"/{name}/k", body=b"x").status == 200
    key = owner.restricted(ALL_CAPABILITIES)
    target = key.ok("b2_get_upload_url", bucketId=bucket_id)
    grant = key.ok("b2_get_download_authorization", bucketId=bucket_id, fileNamePrefix="", validDurationInSeconds=600)
    presigned_get, presigned_put = (key.signer.presign(method, f"/{name}/k") for method in ("GET", "PUT"))
    token = key.token

    def outcomes():
        download = {"Authorization": grant["authorizationToken"]}
        return {
            "account token": key.native("b2_list_buckets", token=token, accountId=owner.account_id).status,
            "grant": key.send("GET", f"/file/{name}/k", download).status,
            "grant of HEAD": key.send("HEAD", f"/file/{name}/k", download).status,
            "account token for a download": key.send("GET", f"/file/{name}/k", {"Authorization": token}).status,
            "presigned GET": key.send("GET", presigned_get).status,
            "signed GET": key.s3("GET", f"/{name}/k").status,
        }

    for _ in range(4):  # On connections of their own, so that every worker remembers the key.
        assert set(outcomes().values()) == {200}
    owner.ok("b2_delete_key", applicationKeyId=key.key_id)
    for _ in range(4):
        assert set(outcomes().values()) == {401, 403}
        assert key.upload(target, b"x").refusal == (401, "bad_auth_token")
        assert key.send("PUT", presigned_put, body=b"x").refusal == (403, "InvalidAccessKeyId")
        assert key.authorize().refusal == (401, "unauthorized")
    assert owner.s3("GET", f"/{name}/k").body == b"x"


def test_a_bucket_made_private_is_private_for_the_next_request_on_every_worker(owner, nobody, make_world):
    world = make_world("allPublic")
    targets = [f"/{world.name}/in/file", f"/file/{world.name}/in/file"]
    for _ in range(4):
        assert [nobody.send("GET", target).status for target in targets] == [200, 200]
    owner.ok("b2_update_bucket", accountId=owner.account_id, bucketId=world.bucket_id, bucketType="allPrivate")
    for _ in range(4):
        assert [nobody.send("GET", target).status for target in targets] == [403, 401]


def test_a_new_key_never_has_the_id_of_a_deleted_one(owner):
    key_ids = []
    for _ in range(5):
        key = owner.restricted(["readFiles"])
        key_ids.append(key.key_id)
        owner.ok("b2_delete_key", applicationKeyId=key.key_id)
    assert len(set(key_ids)) == len(key_ids)
