"""P12: after a failed sync, or an I/O error of the catalog, the whole server stops; what it acknowledged is all there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from harness.clients import boto3_client
from harness.failing_disk import FailingDisk
from harness.load import Load
from harness.native import NativeCaller, NativeError
from harness.processes import blob_files, wait_until
from harness.server import Server

FATAL_EXIT = 74
BUCKET = "failing-disk"
INLINE = os.urandom(30_000)
BLOB = os.urandom(700_000)
NO_ANSWER = (HTTPClientError, NoConnectionError, urllib3.exceptions.HTTPError)


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> FailingDisk:
    return FailingDisk(tmp_path_factory.mktemp("disk"))


@pytest.fixture
def server(make_server, disk) -> Iterator[Server]:
    yield make_server("--workers", "2", environment=disk.environment).start()
    disk.heal()


class Client:
    """Both faces, one try each, and a ledger."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.s3 = boto3_client(server, retries={"total_max_attempts": 1}, read_timeout=20)
        self.native = NativeCaller(server)
        with suppress(ClientError):  # It is there since before a restart.
            self.s3.create_bucket(Bucket=BUCKET)
        found = self.native.call("b2_list_buckets", accountId=server.account_id, bucketName=BUCKET)
        self.bucket_id = found["buckets"][0]["bucketId"]

    def put_s3(self, name: str, body: bytes) -> str:
        return self.s3.put_object(Bucket=BUCKET, Key=name, Body=body, Metadata={"sha256": sha256(body)})["VersionId"]

    def put_native(self, name: str, body: bytes) -> str:
        return self.native.upload(self.bucket_id, name, body, {"sha256": sha256(body)})["fileId"]

    def read(self, name: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()

    def names(self) -> list[str]:
        return [row["Key"] for row in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def close(self) -> None:
        self.native.pool.clear()
        self.s3.close()


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


CI_FAULTS = 3  # The others fail in the same places of the program.
FATAL: dict[str, tuple[str, Callable[[Client], Any]]] = {
    "the sync of a blob": ("fdatasync /blobs/", lambda client: client.put_s3("lost", BLOB)),
    "the sync of the log": ("fdatasync catalog.db-wal|", lambda client: client.put_s3("lost", INLINE)),
    "a read of the catalog": ("read catalog.db", lambda client: client.s3.list_object_versions(Bucket=BUCKET)),
    "the sync of a blob's directory": ("fsync /blobs/", lambda client: client.put_native("lost", BLOB)),
    "a write to the log": ("write catalog.db-wal|", lambda client: client.put_native("lost", INLINE)),
    "the sync of the database at a checkpoint": (
        "fdatasync catalog.db|",
        lambda client: [client.put_s3(f"kept-{number}", os.urandom(60_000)) for number in range(1000)],
    ),
}


def test_p12_after_a_fatal_error_of_the_disk_the_server_stops_and_has_acknowledged_only_what_is_there(
    server, disk, full_size
):
    acknowledged = {"kept-inline": INLINE, "kept-blob": BLOB, "kept-native": BLOB}
    for what, (rule, request) in list(FATAL.items())[: None if full_size else CI_FAULTS]:
        with closing(Client(server)) as client:
            client.put_s3("kept-inline", INLINE)
            client.put_s3("kept-blob", BLOB)
            client.put_native("kept-native", BLOB)
            disk.fail(rule)
            with pytest.raises(NO_ANSWER):
                request(client)
        wait_until(lambda: server.exit_code() is not None, f"the server outlived {what}")
        assert server.exit_code() == FATAL_EXIT, f"{what}: {server.log_tail()}"
        assert "storage_failed" in server.log_tail(), what
        disk.heal()
        server.kill()
        server.start()
        with closing(Client(server)) as client:
            # The catalog's log may hold a write that was never acknowledged, but never in part.
            visible = {name: client.s3.get_object(Bucket=BUCKET, Key=name) for name in client.names()}
            bodies = {name: answer["Body"].read() for name, answer in visible.items()}
            assert all(visible[name]["Metadata"]["sha256"] == sha256(body) for name, body in bodies.items()), what
            lost = acknowledged.items() - bodies.items()
            assert not lost, (what, [name for name, _ in lost])
    server.stop()


def test_p12_a_log_that_cannot_be_synced_under_load_costs_no_acknowledged_write(server, disk):
    load = Load(server)
    with load.running():
        wait_until(lambda: load.acknowledged > 20, "the load does not run")
        disk.fail("fdatasync catalog.db-wal|")
        wait_until(lambda: server.exit_code() is not None, "the server outlived the failed sync")
    assert server.exit_code() == FATAL_EXIT
    disk.heal()
    server.kill()
    server.start()
    load.verify()
    server.stop()


def test_a_blob_that_cannot_be_written_is_a_500_to_its_client_and_to_nobody_else(server, disk):
    with closing(Client(server)) as client:
        client.put_s3("before", BLOB)
        files = blob_files(server)
        disk.fail("write /blobs/")
        with pytest.raises(ClientError) as s3_error:
            client.put_s3("lost", BLOB)
        with pytest.raises(NativeError) as native_error:
            client.put_native("lost", BLOB)
        client.put_s3("inline", INLINE)
        assert client.read("before") == BLOB
        disk.heal()
        assert s3_error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert s3_error.value.response["Error"]["Code"] == "InternalError"
        assert native_error.value.status == 500
        assert b'"internal_error"' in native_error.value.body
        assert client.names() == ["before", "inline"]
        wait_until(lambda: blob_files(server) == files, "bytes of the failed uploads are left")
        client.put_native("after", BLOB)
        assert client.read("after") == BLOB
    assert server.log_tail().count("storage_error") == 2
    server.stop()


def test_a_blob_that_cannot_be_read_is_a_500_and_comes_back_with_the_disk(server, disk):
    with closing(Client(server)) as client:
        client.put_s3("blob", BLOB)
        client.put_s3("inline", INLINE)
        disk.fail("read /blobs/")
        with pytest.raises(ClientError) as s3_error:
            client.read("blob")
        download = f"{server.api_url}/file/{BUCKET}/blob"
        answer = client.native.pool.request("GET", download, headers={"Authorization": client.native.token})
        assert client.read("inline") == INLINE
        disk.heal()
        assert s3_error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert answer.status == 500
        assert b'"internal_error"' in answer.data
        assert client.read("blob") == BLOB
    assert server.exit_code() is None
    server.stop()
