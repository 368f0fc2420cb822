"""Clients that do everything that a key is good for, over and over, on connections to every worker of a server.

They show that what is revoked stops at once: what they began after somebody was told of it must be refused, whatever it
is and whichever worker is asked.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from harness.clients import boto3_client
from harness.native import NativeCaller
from harness.server import Server
from harness.wire import Wires
from harness.workers import Workers

BLOB = os.urandom(200_000)
BUCKET = "revoked-at-once"
OPENINGS_MAX = 200  # How many connections to open in search of a worker that has not accepted one yet.
JOIN_TIMEOUT_S = 60.0
CAPABILITIES = [
    "listBuckets", "readBuckets", "writeBuckets", "listFiles", "readFiles", "writeFiles", "deleteFiles", "shareFiles",
    "listKeys", "writeKeys", "deleteKeys", "listAllBucketNames",
]  # fmt: skip


class Done(NamedTuple):
    """One request: what it was, on which worker, when it began (by the monotonic clock, and by the wall's) and what
    came back.
    """

    operation: str
    face: str
    worker: int
    began: float
    began_ms: float
    status: int


class Account:
    """Somebody who makes keys and revokes them, with a bucket of their own that has something of everything."""

    def __init__(
        self, server: Server, workers: int, *, key: tuple[str, str] | None = None, bucket: str = BUCKET
    ) -> None:
        self.server = server
        self.workers = workers
        self.bucket = bucket
        self.caller = NativeCaller(server, key=key)
        self.account_id = key[0][3:15] if key else server.account_id  # The account's id is part of its keys' ids.
        s3 = boto3_client(server, key=key)
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="inline", Body=b"inline")
        self.blob_id = s3.put_object(Bucket=bucket, Key="blob", Body=BLOB)["VersionId"]
        self.upload_id = s3.create_multipart_upload(Bucket=bucket, Key="unfinished")["UploadId"]
        found = self.caller.call("b2_list_buckets", accountId=self.account_id, bucketName=bucket)["buckets"]
        self.bucket_id = found[0]["bucketId"]

    def new_key(self, **restrictions: object) -> tuple[str, str]:
        """A key with every capability that its users need."""
        made = self.caller.call(
            "b2_create_key", accountId=self.account_id, keyName="doomed", capabilities=CAPABILITIES, **restrictions
        )
        self.expires_ms = made["expirationTimestamp"]
        return made["applicationKeyId"], made["applicationKey"]

    def delete_key(self, key_id: str) -> None:
        """Returns when the delete is acknowledged."""
        self.caller.call("b2_delete_key", applicationKeyId=key_id)


class OnePerWorker:
    """Connections of one thread: at first one to every worker. Each request takes any of them.

    An answer may close its connection; what is opened in its place is served by whichever worker accepts it.
    """

    def __init__(self, server: Server, workers: int) -> None:
        self._netloc = urlsplit(server.api_url).netloc
        self._finder = Workers(server.pid)
        self._connections: list[http.client.HTTPConnection] = []
        self._worker_of: dict[int, int] = {}  # By the local port of a connection.
        self.worker = 0  # Which worker was asked last; 0 where the connection was gone before that could be seen.
        spare = []
        for _ in range(OPENINGS_MAX):
            if len(self._connections) == workers:
                break
            connection = http.client.HTTPConnection(self._netloc, timeout=30)
            known = set(self._worker_of.values())
            self._exchange_on(connection, "GET", "/healthz", {})
            # A second one to the same worker stays open for now, so that this worker is not the idlest.
            (spare if self.worker in known else self._connections).append(connection)
        for connection in spare:
            connection.close()
        assert len(self._connections) == workers

    def exchange(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of one request."""
        return self._exchange_on(random.choice(self._connections), method, path, headers, body)

    def close(self) -> None:
        """Let go of all."""
        for connection in self._connections:
            connection.close()

    def _exchange_on(
        self, connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> tuple[int, bytes]:
        connection.request(method, path, body, headers)
        port = connection.sock.getsockname()[1]
        response = connection.getresponse()
        if port not in self._worker_of:
            self._worker_of[port] = self._finder.serving(port) or 0
        self.worker = self._worker_of[port]
        return response.status, response.read()


class User:
    """A client with a key, which does everything that a key is good for, over and over.

    Those of odd numbers speak S3, the others the native protocol. `connections` are opened here unless they are given.
    """

    def __init__(
        self, account: Account, key: tuple[str, str], number: int, connections: OnePerWorker | None = None
    ) -> None:
        server = account.server
        self._server = server
        self._account = account
        self._key = key
        self._name = f"user-{number}"
        self._wires = Wires(server, key=key)
        self._connections = connections or OnePerWorker(server, account.workers)
        self.face = "s3" if number % 2 else "native"
        self.operations: dict[str, Callable[[], int]] = self._s3() if number % 2 else self._native()

    def work(self, stop: threading.Event, done: list[Done]) -> None:
        """Ask for everything, over and over, until told to stop."""
        while not stop.is_set():
            for name, operation in self.operations.items():
                began, began_ms = time.monotonic(), time.time() * 1000
                status = operation()
                done.append(Done(name, self.face, self._connections.worker, began, began_ms, status))
                if stop.is_set():
                    break
        self._connections.close()

    def _s3(self) -> dict[str, Callable[[], int]]:
        name, upload_id = self._account.bucket, self._account.upload_id
        client = boto3_client(self._server, key=self._key)

        def presigned(operation: str, **parameters: object) -> str:
            url = urlsplit(client.generate_presigned_url(operation, {"Bucket": name, **parameters}, ExpiresIn=600))
            return f"{url.path}?{url.query}"

        get = presigned("get_object", Key="inline")
        put = presigned("put_object", Key=self._name)
        part = presigned("upload_part", Key="unfinished", UploadId=upload_id, PartNumber=1)
        bucket, unfinished = f"/{name}", f"/{name}/unfinished?uploadId={upload_id}"
        small = {"Content-Length": "5"}
        large = {"Content-Length": str(len(BLOB))}
        return {
            "GetObject": lambda: self._signed("GET", f"{bucket}/inline"),
            "GetObject of a blob": lambda: self._signed("GET", f"{bucket}/blob"),
            "GetObject by version": lambda: self._signed("GET", f"{bucket}/blob?versionId={self._account.blob_id}"),
            "HeadObject": lambda: self._signed("HEAD", f"{bucket}/inline"),
            "PutObject": lambda: self._signed("PUT", f"{bucket}/{self._name}", small, b"small"),
            "PutObject of a blob": lambda: self._signed("PUT", f"{bucket}/{self._name}-blob", large, BLOB),
            "CopyObject": lambda: self._signed("PUT", f"{bucket}/{self._name}", {"x-amz-copy-source": f"{name}/blob"}),
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
            "UploadPart": lambda: self._signed("PUT", f"{unfinished}&partNumber=2", small, b"small"),
            "ListParts": lambda: self._signed("GET", unfinished),
            "presigned GetObject": lambda: self._send("GET", get, {}),
            "presigned PutObject": lambda: self._send("PUT", put, {}, b"small"),
            "presigned UploadPart": lambda: self._send("PUT", part, {}, b"small"),
        }

    def _native(self) -> dict[str, Callable[[], int]]:
        authorization = {"Authorization": "Basic " + base64.b64encode(":".join(self._key).encode()).decode()}
        token: dict[str, str] = {}

        def ask(name: str, **fields: object) -> dict[str, str]:
            status, answer = self._connections.exchange(
                "POST", f"/b2api/v4/{name}", token or authorization, json.dumps(fields).encode()
            )
            assert status == 200, answer
            return dict(json.loads(answer))

        token["Authorization"] = ask("b2_authorize_account")["authorizationToken"]
        bucket, account = {"bucketId": self._account.bucket_id}, {"accountId": self._account.account_id}
        blob, unfinished = {"fileId": self._account.blob_id}, {"fileId": self._account.upload_id}
        granted = {**bucket, "fileNamePrefix": "", "validDurationInSeconds": 600}
        grant = ask("b2_get_download_authorization", **granted)["authorizationToken"]
        slot, part_slot = ask("b2_get_upload_url", **bucket), ask("b2_get_upload_part_url", **unfinished)
        sha1 = {"X-Bz-Content-Sha1": hashlib.sha1(BLOB).hexdigest()}
        upload = {"Authorization": slot["authorizationToken"], "X-Bz-File-Name": self._name, **sha1}
        upload["Content-Type"] = "text/plain"
        part = {"Authorization": part_slot["authorizationToken"], "X-Bz-Part-Number": "3", **sha1}
        started = {**bucket, "fileName": self._name, "contentType": "text/plain"}
        files = f"/file/{self._account.bucket}"

        def call(name: str, **fields: object) -> int:
            return self._send("POST", f"/b2api/v4/{name}", token, json.dumps(fields).encode())

        return {
            "b2_authorize_account": lambda: self._send("GET", "/b2api/v4/b2_authorize_account", authorization),
            "b2_download_file_by_name": lambda: self._send("GET", f"{files}/inline", token),
            "b2_download_file_by_name with a grant": lambda: self._send(
                "GET", f"{files}/blob", {"Authorization": grant}
            ),
            "b2_download_file_by_name with a grant in the query": lambda: self._send(
                "GET", f"{files}/inline?Authorization={quote(grant)}", {}
            ),
            "b2_download_file_by_id": lambda: self._send(
                "GET", f"/b2api/v4/b2_download_file_by_id?fileId={self._account.blob_id}", token
            ),
            "b2_upload_file": lambda: self._send("POST", urlsplit(slot["uploadUrl"]).path, upload, BLOB),
            "b2_upload_part": lambda: self._send("POST", urlsplit(part_slot["uploadUrl"]).path, part, BLOB),
            "b2_get_upload_part_url": lambda: call("b2_get_upload_part_url", **unfinished),
            "b2_get_upload_url": lambda: call("b2_get_upload_url", **bucket),
            "b2_get_download_authorization": lambda: call("b2_get_download_authorization", **granted),
            "b2_list_file_names": lambda: call("b2_list_file_names", **bucket, maxFileCount=5),
            "b2_list_file_versions": lambda: call("b2_list_file_versions", **bucket, maxFileCount=5),
            "b2_list_unfinished_large_files": lambda: call("b2_list_unfinished_large_files", **bucket),
            "b2_list_buckets": lambda: call("b2_list_buckets", **account),
            "b2_list_keys": lambda: call("b2_list_keys", **account),
            "b2_get_file_info": lambda: call("b2_get_file_info", **blob),
            "b2_copy_file": lambda: call("b2_copy_file", sourceFileId=self._account.blob_id, fileName=self._name),
            "b2_start_large_file": lambda: call("b2_start_large_file", **started),
            "b2_hide_file": lambda: call("b2_hide_file", **bucket, fileName=self._name),
            "b2_create_key": lambda: call("b2_create_key", **account, keyName="more", capabilities=["listFiles"]),
        }

    def _signed(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> int:
        head = self._wires.s3(method, path, headers).head.decode().split("\r\n")[1:-2]
        return self._send(method, path, dict(line.split(": ", 1) for line in head), body)

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> int:
        return self._connections.exchange(method, path, headers, body)[0]


@contextmanager
def working(users: Sequence[User]) -> Iterator[list[Done]]:
    """Within it, the users work, each in a thread of its own, and the list grows."""
    done: list[Done] = []
    stop = threading.Event()
    threads = [threading.Thread(target=user.work, args=(stop, done)) for user in users]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        stop.set()
        for thread in threads:
            thread.join(JOIN_TIMEOUT_S)
    assert not any(thread.is_alive() for thread in threads), "a user waits for an answer that does not come"
