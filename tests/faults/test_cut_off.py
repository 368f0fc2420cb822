"""Clients that go away in the middle: nothing of their uploads is visible or kept, nothing of their downloads stays open."""

from __future__ import annotations

import asyncio
import os

import pytest

from harness.clients import boto3_client
from harness.native import NativeCaller
from harness.processes import blob_files, open_blobs, open_sockets, wait_until
from harness.server import Server
from harness.wire import Connection, Wire, Wires

MIB = 1 << 20
BUCKET = "cut-off"
CLIENTS = 40
LET_GO_S = 2.0  # How long a server may take to notice, on a busy machine. It needs no timeout for it.
INLINE = os.urandom(30_000)
BLOB = os.urandom(8 * MIB)
LARGE = os.urandom(24 * MIB)  # More than sockets on both sides take in, beside what is read.


class Victims:
    """A server with one large file, and what its clients ask of it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.native = NativeCaller(server)
        self.wires = Wires(server, native=self.native)
        self.s3 = boto3_client(server)
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_object(Bucket=BUCKET, Key="large", Body=LARGE)
        self.bucket_id = self.native.call("b2_list_buckets", accountId=server.account_id)["buckets"][0]["bucketId"]
        self.upload = self.s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]

    def uploads(self) -> dict[str, Wire]:
        part = f"/{BUCKET}/parts?partNumber=1&uploadId={self.upload}"
        return {
            "native, inline": self.wires.native_upload(self.bucket_id, "cut/native-inline", INLINE),
            "native, a blob": self.wires.native_upload(self.bucket_id, "cut/native-blob", BLOB),
            "s3, inline": self.wires.s3_upload(f"/{BUCKET}/cut/inline", INLINE),
            "s3, a blob": self.wires.s3_upload(f"/{BUCKET}/cut/blob", BLOB),
            "s3, with a hash": self.wires.s3_upload(f"/{BUCKET}/cut/hashed", BLOB, hashed=True),
            "s3, in signed chunks": self.wires.s3_chunked_upload(f"/{BUCKET}/cut/chunked", BLOB),
            "a part": self.wires.s3_upload(part, BLOB),
        }

    def visible(self) -> list[str]:
        listed = self.native.call("b2_list_file_versions", bucketId=self.bucket_id, prefix="cut/")
        parts = self.native.call("b2_list_parts", fileId=self.upload)
        return [row["fileName"] for row in listed["files"]] + [f"part {row['partNumber']}" for row in parts["parts"]]


@pytest.fixture(scope="module")
def victims(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("cut") / "data", options=("--workers", "2")).start()
    yield Victims(server)
    server.stop()


@pytest.mark.parametrize("politely", [False, True], ids=["reset", "closed"])
@pytest.mark.parametrize("share", [0.3, 0.6, 1.0], ids=["at the beginning", "in the middle", "before the last byte"])
def test_an_upload_that_is_cut_off_leaves_nothing_visible_and_no_blob(victims, share, politely):
    server = victims.server
    files = blob_files(server)

    uploads = victims.uploads()
    in_blobs = sum(len(wire.body) >= len(BLOB) for wire in uploads.values())

    async def cut_all() -> None:
        connections = []
        for wire in uploads.values():
            connections.append(await Connection.open(server))
            await connections[-1].send(wire.head + wire.body[: min(int(len(wire.body) * share), len(wire.body) - 1)])
        await asyncio.to_thread(wait_until, lambda: len(open_blobs(server)) == in_blobs, "the uploads do not begin")
        for connection in connections:
            if politely:
                await connection.close()
            else:
                connection.cut()

    asyncio.run(cut_all())
    wait_until(lambda: blob_files(server) == files, "blobs of broken uploads are left", LET_GO_S)
    wait_until(lambda: not open_blobs(server), "blobs of broken uploads stay open", LET_GO_S)
    assert victims.visible() == []


@pytest.mark.parametrize("read_bytes", [None, 0, 100_000, 3 * MIB])
def test_a_download_that_is_cut_off_lets_go_of_its_blob_at_once(victims, read_bytes):
    server = victims.server
    before = open_sockets(server)
    ahead: list[int] = []

    async def begin(number: int) -> Connection:
        connection = await Connection.open(server, receive_bytes=64 * 1024)
        wires = victims.wires
        wire = wires.s3("GET", f"/{BUCKET}/large") if number % 2 else wires.native_download(BUCKET, "large")
        await connection.send(wire.head)
        if read_bytes is not None:
            assert (await connection.head())[0] == 200
            await connection.reader.readexactly(read_bytes)
        return connection

    async def run() -> None:
        connections = await asyncio.gather(*(begin(number) for number in range(CLIENTS)))
        ahead.append(len(open_blobs(server)))
        for connection in connections:
            connection.cut()

    asyncio.run(run())
    wait_until(lambda: not open_blobs(server), "blobs of broken downloads stay open", LET_GO_S)
    wait_until(lambda: open_sockets(server) <= before, "connections of broken downloads stay open", LET_GO_S)
    assert read_bytes is None or ahead == [CLIENTS]  # There was something to let go of.
    assert "never retrieved" not in server.log_tail()
    assert "was destroyed but it is pending" not in server.log_tail()
