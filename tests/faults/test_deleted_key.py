"""A key that is deleted stops at once: on every worker, through both faces, and for every token it was given."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from harness.clients import boto3_client
from harness.native import NativeCaller
from harness.server import Server
from harness.wire import Connection, Wires

CLIENTS = 16
CI_ROUNDS = 3
FULL_ROUNDS = 30
BEFORE_S = (0.3, 1.0)  # How long the clients work before their key is deleted: a random time between these.
AFTER_S = 0.4
BUCKET = "deleted-key"
BLOB = os.urandom(200_000)
CAPABILITIES = [
    "listBuckets", "readBuckets", "writeBuckets", "listFiles", "readFiles", "writeFiles", "deleteFiles", "shareFiles",
    "listKeys", "writeKeys", "deleteKeys", "listAllBucketNames",
]  # fmt: skip

pytestmark = pytest.mark.timeout(600)


class Done(NamedTuple):
    """One request: what it was, when it began, and what came back."""

    operation: str
    began: float
    status: int


class Account:
    """Who makes keys and deletes them, with another key."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.caller = NativeCaller(server)
        s3 = boto3_client(server)
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="inline", Body=b"inline")
        self.blob_id = s3.put_object(Bucket=BUCKET, Key="blob", Body=BLOB)["VersionId"]
        self.bucket_id = self.caller.call("b2_list_buckets", accountId=server.account_id, bucketName=BUCKET)["buckets"][
            0
        ]["bucketId"]

    def new_key(self) -> tuple[str, str]:
        made = self.caller.call(
            "b2_create_key", accountId=self.server.account_id, keyName="doomed", capabilities=CAPABILITIES
        )
        return made["applicationKeyId"], made["applicationKey"]

    def delete_key(self, key_id: str) -> None:
        self.caller.call("b2_delete_key", applicationKeyId=key_id)


class User:
    """A client with a key, which does everything that a key is good for, over and over."""

    def __init__(self, account: Account, key: tuple[str, str], number: int) -> None:
        server = account.server
        self._server = server
        self._account = account
        self._key = key
        self._name = f"user-{number}"
        self._random = random.Random(number)
        self._wires = Wires(server, key=key)
        self._connection: http.client.HTTPConnection | None = None
        self._operations: dict[str, Callable[[], int]] = self._s3() if number % 2 else self._native()

    def work(self, stop: threading.Event, done: list[Done]) -> None:
        while not stop.is_set():
            for name, operation in self._operations.items():
                began = time.monotonic()
                done.append(Done(name, began, operation()))
                if stop.is_set():
                    break
        self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _s3(self) -> dict[str, Callable[[], int]]:
        presigned = boto3_client(self._server, key=self._key).generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": "inline"}, ExpiresIn=600
        )
        url = urlsplit(presigned)
        bucket = f"/{BUCKET}"
        small = {"Content-Length": "5"}
        large = {"Content-Length": str(len(BLOB))}
        return {
            "GetObject": lambda: self._signed("GET", f"{bucket}/inline"),
            "GetObject of a blob": lambda: self._signed("GET", f"{bucket}/blob"),
            "GetObject by version": lambda: self._signed("GET", f"{bucket}/blob?versionId={self._account.blob_id}"),
            "HeadObject": lambda: self._signed("HEAD", f"{bucket}/inline"),
            "PutObject": lambda: self._signed("PUT", f"{bucket}/{self._name}", small, b"small"),
            "PutObject of a blob": lambda: self._signed("PUT", f"{bucket}/{self._name}-blob", large, BLOB),
            "CopyObject": lambda: self._signed(
                "PUT", f"{bucket}/{self._name}", {"x-amz-copy-source": f"{BUCKET}/blob"}
            ),
            "DeleteObject": lambda: self._signed("DELETE", f"{bucket}/{self._name}"),
            "ListObjectsV2": lambda: self._signed("GET", f"{bucket}?list-type=2&max-keys=5"),
            "ListObjectVersions": lambda: self._signed("GET", f"{bucket}?versions=&max-keys=5"),
            "ListMultipartUploads": lambda: self._signed("GET", f"{bucket}?uploads="),
            "CreateMultipartUpload": lambda: self._signed("POST", f"{bucket}/{self._name}?uploads="),
            "ListBuckets": lambda: self._signed("GET", "/"),
            "HeadBucket": lambda: self._signed("HEAD", bucket),
            "GetBucketLocation": lambda: self._signed("GET", f"{bucket}?location="),
            "GetBucketVersioning": lambda: self._signed("GET", f"{bucket}?versioning="),
            "GetBucketAcl": lambda: self._signed("GET", f"{bucket}?acl="),
            "presigned GetObject": lambda: self._send("GET", f"{url.path}?{url.query}", {}),
        }

    def _native(self) -> dict[str, Callable[[], int]]:
        authorization = {"Authorization": "Basic " + base64.b64encode(":".join(self._key).encode()).decode()}
        token = {
            "Authorization": json.loads(self._read("GET", "/b2api/v4/b2_authorize_account", authorization))[
                "authorizationToken"
            ]
        }
        bucket = {"bucketId": self._account.bucket_id}
        account = {"accountId": self._server.account_id}
        slot = json.loads(self._read("POST", "/b2api/v4/b2_get_upload_url", token, json.dumps(bucket).encode()))
        grant = json.loads(
            self._read(
                "POST", "/b2api/v4/b2_get_download_authorization", token,
                json.dumps({**bucket, "fileNamePrefix": "", "validDurationInSeconds": 600}).encode(),
            )
        )  # fmt: skip
        upload = {
            "Authorization": slot["authorizationToken"],
            "X-Bz-File-Name": self._name,
            "X-Bz-Content-Sha1": hashlib.sha1(BLOB).hexdigest(),
            "Content-Type": "text/plain",
        }
        started = {**bucket, "fileName": self._name, "contentType": "text/plain"}

        def call(name: str, **fields: object) -> int:
            return self._send("POST", f"/b2api/v4/{name}", token, json.dumps(fields).encode())

        return {
            "b2_authorize_account": lambda: self._send("GET", "/b2api/v4/b2_authorize_account", authorization),
            "b2_download_file_by_name": lambda: self._send("GET", f"/file/{BUCKET}/inline", token),
            "b2_download_file_by_name with a grant": lambda: self._send(
                "GET", f"/file/{BUCKET}/blob", {"Authorization": grant["authorizationToken"]}
            ),
            "b2_download_file_by_id": lambda: self._send(
                "GET", f"/b2api/v4/b2_download_file_by_id?fileId={self._account.blob_id}", token
            ),
            "b2_upload_file": lambda: self._send("POST", urlsplit(slot["uploadUrl"]).path, upload, BLOB),
            "b2_get_upload_url": lambda: call("b2_get_upload_url", **bucket),
            "b2_get_download_authorization": lambda: call(
                "b2_get_download_authorization", **bucket, fileNamePrefix="", validDurationInSeconds=60
            ),
            "b2_list_file_names": lambda: call("b2_list_file_names", **bucket, maxFileCount=5),
            "b2_list_file_versions": lambda: call("b2_list_file_versions", **bucket, maxFileCount=5),
            "b2_list_unfinished_large_files": lambda: call("b2_list_unfinished_large_files", **bucket),
            "b2_list_buckets": lambda: call("b2_list_buckets", **account),
            "b2_list_keys": lambda: call("b2_list_keys", **account),
            "b2_get_file_info": lambda: call("b2_get_file_info", fileId=self._account.blob_id),
            "b2_copy_file": lambda: call("b2_copy_file", sourceFileId=self._account.blob_id, fileName=self._name),
            "b2_start_large_file": lambda: call("b2_start_large_file", **started),
            "b2_hide_file": lambda: call("b2_hide_file", **bucket, fileName=self._name),
            "b2_create_key": lambda: call("b2_create_key", **account, keyName="more", capabilities=["listFiles"]),
        }

    def _signed(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> int:
        head = self._wires.s3(method, path, headers).head.decode().split("\r\n")[1:-2]
        return self._send(method, path, dict(line.split(": ", 1) for line in head), body)

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> int:
        return self._exchange(method, path, headers, body)[0]

    def _read(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
        status, answer = self._exchange(method, path, headers, body)
        assert status == 200, answer
        return answer

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """One request, now and then on a new connection, which any of the workers may accept."""
        if self._random.random() < 0.3:
            self.close()
        if self._connection is None:
            self._connection = http.client.HTTPConnection(urlsplit(self._server.api_url).netloc, timeout=30)
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.read()


@pytest.fixture(scope="module")
def account(tmp_path_factory) -> Iterator[Account]:
    server = Server(tmp_path_factory.mktemp("keys") / "data", options=("--workers", "3")).start()
    yield Account(server)
    server.stop()


def test_after_a_delete_is_acknowledged_no_request_of_the_key_that_begins_succeeds_on_any_worker(account, full_size):
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for _ in range(FULL_ROUNDS if full_size else CI_ROUNDS):
        key = account.new_key()
        users = [User(account, key, number) for number in range(CLIENTS)]
        done: list[Done] = []
        stop = threading.Event()
        threads = [threading.Thread(target=user.work, args=(stop, done)) for user in users]
        for thread in threads:
            thread.start()
        try:
            time.sleep(random.uniform(*BEFORE_S))
            account.delete_key(key[0])
            deleted = time.monotonic()
            time.sleep(AFTER_S)
        finally:
            stop.set()
            for thread in threads:
                thread.join(30)
        unlike = [one for one in done if one.status not in {200, 204, 401, 403}]
        assert not unlike, unlike[:5]
        late = [one for one in done if one.began > deleted]
        assert not [one for one in late if one.status < 300], [one for one in late if one.status < 300][:10]
        before.update(one.operation for one in done if one.status < 300)
        after.update(one.operation for one in late)
    missing = {*users[0]._operations, *users[1]._operations} - before.keys()
    assert not missing, f"never succeeded while the key was there: {missing}"
    missing = {*users[0]._operations, *users[1]._operations} - after.keys()
    assert not missing, f"never tried after the delete: {missing}"
    print(f"\n{before.total()} requests succeeded before, 0 of {after.total()} after the delete")  # noqa: T201 - for the note.


@pytest.mark.parametrize("face", ["native", "s3", "s3 in signed chunks"])
@pytest.mark.parametrize("size", [1000, 300_000])
def test_an_upload_under_way_when_its_key_is_deleted_is_refused_and_leaves_nothing(account, face, size):
    key_id, secret = account.new_key()
    server, name, body = account.server, f"under-way-{face.replace(' ', '-')}-{size}", os.urandom(size)
    wires = Wires(server, key=(key_id, secret))
    wire = {
        "native": lambda: wires.native_upload(account.bucket_id, name, body),
        "s3": lambda: wires.s3_upload(f"/{BUCKET}/{name}", body),
        "s3 in signed chunks": lambda: wires.s3_chunked_upload(f"/{BUCKET}/{name}", body),
    }[face]()

    async def upload() -> int:
        async with await Connection.open(server) as connection:
            await connection.send(wire.data[:-100])
            await asyncio.sleep(0.1)  # The server is in the midst of the body when the key goes; it may be, at least.
            await asyncio.to_thread(account.delete_key, key_id)
            await connection.send(wire.data[-100:])
            return (await connection.answer()).status

    assert asyncio.run(upload()) in {401, 403}
    listed = account.caller.call("b2_list_file_versions", bucketId=account.bucket_id, prefix=name)
    assert listed["files"] == []
