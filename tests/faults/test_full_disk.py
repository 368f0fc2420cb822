"""P12 and P13 at a real server on a real file system that is full: uploads are refused, everything else goes on.

Each scenario is a process of its own, which alone sees the file system and starts the server on it: this file, run as a
program. A false `assert` in it is told by its line.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.background import work_later
from harness.clients import boto3_client
from harness.native import NativeCaller, NativeError
from harness.processes import blob_files, wait_until
from harness.server import Server
from harness.small_disk import KINDS, fill, free_bytes, run_on_small_disk
from undercroft import limits
from undercroft.store import Store

MIB = 1 << 20
DISK_BYTES = limits.DISK_RESERVE_BYTES + limits.DISK_SPARE_BYTES + 80 * MIB
PART = os.urandom(5_000_000)
BLOB = os.urandom(4 * MIB)
INLINE = os.urandom(30_000)
BUCKET = "full-disk"
SCENARIOS: dict[str, Callable[[Path], None]] = {}


def scenario(function: Callable[[Path], None]) -> Callable[[Path], None]:
    SCENARIOS[function.__name__] = function
    return function


class Client:
    """Both faces of one server, a ledger of what they hold, and a look at each refusal."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.s3 = boto3_client(server, retries={"total_max_attempts": 1}, read_timeout=30)
        self.native = NativeCaller(server)
        self.kept: dict[str, tuple[str, bytes]] = {}  # File id and content by name.

    def make_bucket(self) -> None:
        self.s3.create_bucket(Bucket=BUCKET)

    @property
    def bucket_id(self) -> str:
        return self.native.call("b2_list_buckets", accountId=self.server.account_id)["buckets"][0]["bucketId"]

    def put_s3(self, name: str, body: bytes) -> None:
        self.kept[name] = (self.s3.put_object(Bucket=BUCKET, Key=name, Body=body)["VersionId"], body)

    def put_native(self, name: str, body: bytes) -> None:
        self.kept[name] = (self.native.upload(self.bucket_id, name, body, {})["fileId"], body)

    def start_s3(self, name: str) -> str:
        return self.s3.create_multipart_upload(Bucket=BUCKET, Key=name)["UploadId"]

    def start_native(self, name: str) -> str:
        fields = {"bucketId": self.bucket_id, "fileName": name, "contentType": "text/plain"}
        return self.native.call("b2_start_large_file", **fields)["fileId"]

    def delete_s3(self, name: str) -> None:
        file_id, _ = self.kept.pop(name)
        self.s3.delete_object(Bucket=BUCKET, Key=name, VersionId=file_id)

    def delete_native(self, name: str) -> None:
        file_id, _ = self.kept.pop(name)
        self.native.call("b2_delete_file_version", fileName=name, fileId=file_id)

    def verify(self) -> None:
        """What was acknowledged is there, through both faces, and nothing else is."""
        listed = self.native.call("b2_list_file_versions", bucketId=self.bucket_id, maxFileCount=1000)["files"]
        uploads = {row["fileName"]: row["fileId"] for row in listed if row["action"] == "upload"}
        assert uploads == {name: file_id for name, (file_id, _) in self.kept.items()}, uploads
        for number, (name, (file_id, body)) in enumerate(self.kept.items()):
            if number % 2:
                assert self.s3.get_object(Bucket=BUCKET, Key=name, VersionId=file_id)["Body"].read() == body
            else:
                assert download(self, name) == body


def download(client: Client, name: str) -> bytes:
    url = f"{client.server.api_url}/file/{BUCKET}/{name}"
    answer = client.native.pool.request("GET", url, headers={"Authorization": client.native.token})
    assert answer.status == 200, answer.data
    return answer.data


def assert_refused_for_room(*attempts: Callable[[], Any]) -> None:
    """Each of these gets 503 in its own dialect."""
    for number, attempt in enumerate(attempts):
        with pytest.raises((ClientError, NativeError)) as caught:
            attempt()
        error = caught.value
        if isinstance(error, NativeError):
            status, code = error.status, json.loads(error.body)["code"]
        else:
            status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
        assert (status, code) in {(503, "service_unavailable"), (503, "ServiceUnavailable")}, (number, status, code)


def reclaim(server: Server, free_count: int) -> None:
    """What the steward does, without waiting for the grace to pass."""

    async def run(store: Store) -> None:
        await store.work.reclaim.run()

    before = len(blob_files(server))
    work_later(server, 2 * limits.RECLAIM_GRACE_S, run)
    assert len(blob_files(server)) == before - free_count


def started(place: Path) -> tuple[Server, Client]:
    (place / "home").mkdir()
    server = Server(place / "home" / "data", options=("--workers", "2")).start()
    client = Client(server)
    client.make_bucket()
    client.put_s3("inline", INLINE)
    client.put_s3("blob", BLOB)
    client.put_native("native", BLOB)
    return server, client


@scenario
def uploads_are_refused_at_the_reserve_and_deletes_make_room(place: Path) -> None:
    server, client = started(place)
    s3, native = client.s3, client.native
    processes = [child.pid for child in server.children()]
    upload, large = client.start_s3("parts-s3"), client.start_native("parts-native")
    s3.upload_part(Bucket=BUCKET, Key="parts-s3", UploadId=upload, PartNumber=1, Body=PART)
    native.upload_part(large, 1, PART)

    # The disk is filled by uploads until one of them meets the reserve in the middle.
    number = 0
    refused: ClientError | None = None
    while refused is None:
        try:
            client.put_s3(f"filler-{number}", BLOB)
        except ClientError as error:
            refused = error
        else:
            number += 1
    assert refused.response["Error"]["Code"] == "ServiceUnavailable", refused
    assert number >= 5
    # Each of the two workers trusts one look at the free space for so much.
    assert free_bytes(place) >= limits.DISK_RESERVE_BYTES - 2 * limits.DISK_SPACE_TRUSTED_BYTES - MIB
    client.verify()

    # Somebody else goes below the reserve: nothing that stores anything is let in, of any size, by any way.
    ballast = fill(place, limits.DISK_RESERVE_BYTES - MIB)
    files = blob_files(server)
    source = {"Bucket": BUCKET, "Key": "blob"}
    blob_id = client.kept["blob"][0]
    part = {"Bucket": BUCKET, "Key": "parts-s3", "UploadId": upload, "PartNumber": 2}
    assert_refused_for_room(
        lambda: s3.put_object(Bucket=BUCKET, Key="refused", Body=BLOB),
        lambda: s3.put_object(Bucket=BUCKET, Key="refused", Body=INLINE),
        lambda: s3.put_object(Bucket=BUCKET, Key="refused", Body=b""),
        lambda: native.upload(client.bucket_id, "refused", BLOB, {}),
        lambda: native.upload(client.bucket_id, "refused", INLINE, {}),
        lambda: s3.upload_part(**part, Body=PART),
        lambda: s3.upload_part(**part, Body=INLINE),
        lambda: native.upload_part(large, 2, PART),
        lambda: native.upload_part(large, 2, INLINE),
        lambda: s3.copy_object(Bucket=BUCKET, Key="refused", CopySource=source),
        lambda: s3.upload_part_copy(**part, CopySource=source),
        lambda: native.call("b2_copy_file", sourceFileId=blob_id, fileName="refused"),
        lambda: native.call("b2_copy_part", sourceFileId=blob_id, largeFileId=large, partNumber=2),
        lambda: client.start_s3("refused"),
        lambda: client.start_native("refused"),
    )
    assert blob_files(server) == files
    assert len(s3.list_parts(Bucket=BUCKET, Key="parts-s3", UploadId=upload)["Parts"]) == 1
    assert len(native.call("b2_list_parts", fileId=large)["parts"]) == 1
    client.verify()

    # Everything that takes away works (P13).
    client.delete_s3("filler-0")
    client.delete_native("filler-1")
    client.delete_s3("filler-3")
    client.delete_native("filler-4")
    file_id, _ = client.kept.pop("filler-2")
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "filler-2", "VersionId": file_id}]})
    marker = s3.delete_object(Bucket=BUCKET, Key="inline")["VersionId"]
    s3.delete_object(Bucket=BUCKET, Key="inline", VersionId=marker)
    native.call("b2_hide_file", bucketId=client.bucket_id, fileName="native")
    s3.abort_multipart_upload(Bucket=BUCKET, Key="parts-s3", UploadId=upload)
    native.call("b2_cancel_large_file", fileId=large)
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads") is None
    reclaim(server, 7)  # Five files and two parts.

    # And what it freed can be filled again.
    assert free_bytes(place) > limits.DISK_RESERVE_BYTES
    client.put_s3("again", BLOB)
    client.put_native("again-native", INLINE)
    again = client.start_s3("parts-again")
    parts = s3.upload_part(Bucket=BUCKET, Key="parts-again", UploadId=again, PartNumber=1, Body=PART)
    assert parts["ETag"] == f'"{hashlib.md5(PART).hexdigest()}"'
    assert [child.pid for child in server.children()] == processes, "a process died of the full disk"
    native.call("b2_delete_file_version", fileName="native", fileId=newest(client, "native"))
    ballast.unlink()
    server.stop()
    server.start()
    client.verify()
    server.stop()


def newest(client: Client, name: str) -> str:
    listed = client.native.call("b2_list_file_versions", bucketId=client.bucket_id, startFileName=name, maxFileCount=1)
    return listed["files"][0]["fileId"]


@scenario
def a_server_lives_on_a_disk_that_others_filled_to_the_last_byte(place: Path) -> None:
    server, client = started(place)
    client.put_native("doomed-native", INLINE)
    client.put_s3("doomed-s3", INLINE)
    for number in range(3):
        client.put_s3(f"doomed-{number}", BLOB)
    upload, large = client.start_s3("parts-s3"), client.start_native("parts-native")
    processes = [child.pid for child in server.children()]
    ballast = fill(place, 0)
    for number in range(12):
        assert_refused_for_room(
            lambda number=number: client.s3.put_object(Bucket=BUCKET, Key=f"refused-{number}", Body=INLINE),
            lambda number=number: client.native.upload(client.bucket_id, f"refused-{number}", BLOB, {}),
        )
    client.verify()

    # Deleting and aborting still work, in the room that the catalog's spare gives up (P13).
    client.delete_native("doomed-native")
    client.delete_s3("doomed-s3")
    client.s3.abort_multipart_upload(Bucket=BUCKET, Key="parts-s3", UploadId=upload)
    client.native.call("b2_cancel_large_file", fileId=large)
    rows = [{"Key": name, "VersionId": client.kept.pop(name)[0]} for name in ("doomed-0", "doomed-1", "doomed-2")]
    deleted = client.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": rows})
    assert len(deleted["Deleted"]) == len(rows), deleted
    # So does hiding, and taking the markers away again.
    marker = client.s3.delete_object(Bucket=BUCKET, Key="inline")["VersionId"]
    client.native.call("b2_hide_file", bucketId=client.bucket_id, fileName="native")
    visible = client.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert {row["Key"] for row in visible} == client.kept.keys() - {"inline", "native"}
    client.s3.delete_object(Bucket=BUCKET, Key="inline", VersionId=marker)
    client.native.call("b2_delete_file_version", fileName="native", fileId=newest(client, "native"))
    client.verify()
    # And the background gives back the room of what was deleted.
    reclaim(server, 3)
    fill(place, 0)
    assert server.get("/readyz")[0] == 200
    assert server.get("/metrics", console=True)[0] == 200
    time.sleep(2 * limits.METRICS_FLUSH_S)  # The counts of the requests above have gone to their files, or not.
    assert [child.pid for child in server.children()] == processes, "a process died of the full disk"

    # A process that dies of something else comes back.
    victim = server.children()[0]
    victim.kill()
    wait_until(lambda: len(server.children()) == len(processes) and victim not in server.children(), "not restarted")
    time.sleep(2 * limits.METRICS_FLUSH_S)
    for _ in range(3):
        client.verify()
    assert server.exit_code() is None
    assert server.log_tail(100_000).count("process_ended") == 1, server.log_tail()

    # So does a server that was stopped.
    server.stop()
    server.start()
    client.verify()
    assert_refused_for_room(lambda: client.s3.put_object(Bucket=BUCKET, Key="refused", Body=INLINE))
    ballast.unlink()
    client.put_s3("again", BLOB)
    client.delete_native("native")
    client.verify()
    assert list(server.data_dir.rglob("*.spare")), "with room again, the spare is kept again"
    server.stop()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list(SCENARIOS))
def test_p12_p13_on_a_full_disk(kind, name, tmp_path):
    run_on_small_disk(kind, DISK_BYTES, tmp_path / "disk", Path(__file__), name, str(tmp_path / "disk"))


def run_scenario(name: str, place: Path) -> None:
    try:
        SCENARIOS[name](place)
    except BaseException:
        for log in place.rglob("*.log"):
            print(log.read_text()[-4000:])  # noqa: T201 - it goes with the disk otherwise.
        raise


if __name__ == "__main__":
    run_scenario(sys.argv[1], Path(sys.argv[2]))
