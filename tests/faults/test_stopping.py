"""Stopping and dying under work: what is in flight finishes, what is new is refused, and who is killed comes back.

`tests/wire/test_serve.py` has the same without load, and the refusal of a second server on the same data.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from harness.clients import boto3_client
from harness.native import NativeCaller
from harness.processes import blob_files, open_blobs, wait_until
from harness.server import Server
from harness.wire import Connection, Wire, Wires
from undercroft import limits

MIB = 1 << 20
BUCKET = "stopping"
LARGE = os.urandom(24 * MIB)
BODY = os.urandom(6 * MIB)  # Half of it is more than gathers in memory before there is a file.
DEATHS = 3


class Work:
    """A server with something to download, and requests that are begun but not finished."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.s3 = boto3_client(server)
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_object(Bucket=BUCKET, Key="large", Body=LARGE)
        self.native = NativeCaller(server)
        self.wires = Wires(server, native=self.native)
        self.bucket_id = self.native.call("b2_list_buckets", accountId=server.account_id)["buckets"][0]["bucketId"]

    def uploads(self) -> list[Wire]:
        return [
            self.wires.native_upload(self.bucket_id, "native", BODY),
            self.wires.s3_upload(f"/{BUCKET}/plain", BODY),
            self.wires.s3_chunked_upload(f"/{BUCKET}/chunked", BODY),
        ]

    def downloads(self) -> list[Wire]:
        return [self.wires.native_download(BUCKET, "large"), self.wires.s3("GET", f"/{BUCKET}/large")]

    @asynccontextmanager
    async def begun(self, uploads: list[Wire]) -> AsyncIterator[tuple[list[Connection], list[Connection]]]:
        """The connections of these uploads and of some downloads, all of them half way."""
        async with AsyncExitStack() as stack:
            sending = []
            for wire in uploads:
                sending.append(await stack.enter_async_context(await Connection.open(self.server)))
                await sending[-1].send(wire.data[: len(wire.data) // 2])
            reading = []
            for wire in self.downloads():
                connection = await Connection.open(self.server, receive_bytes=64 * 1024)
                reading.append(await stack.enter_async_context(connection))
                await connection.send(wire.data)
                assert (await connection.head())[0] == 200
            await until(lambda: len(open_blobs(self.server)) == 5, "the requests do not begin")
            yield sending, reading


async def until(condition: Callable[[], bool], what: str) -> None:
    await asyncio.to_thread(wait_until, condition, what)


def accepts(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def test_stopping_lets_uploads_and_downloads_finish_and_refuses_new_connections(make_server):
    server = make_server("--workers", "2").start()
    work = Work(server)
    wires = work.uploads()

    async def stop_in_the_middle() -> None:
        async with work.begun(wires) as (uploads, downloads), await Connection.open(server) as idle:
            os.kill(server.pid, signal.SIGTERM)
            async with asyncio.timeout(5):
                assert await idle.reader.read(1) == b""  # Nobody waits for those who ask nothing.
            await until(lambda: not accepts(server), "the server still accepts connections")
            assert server.exit_code() is None
            for connection, wire in zip(uploads, wires, strict=True):
                await connection.send(wire.data[len(wire.data) // 2 :])
                answer = await connection.answer()
                assert answer.status == 200
                assert answer.headers["connection"] == "close"
                assert await connection.reader.read() == b""
            for connection in downloads:
                assert await connection.reader.read() == LARGE
            await until(lambda: server.exit_code() is not None, "the server did not stop after its last request")

    asyncio.run(stop_in_the_middle())
    assert server.exit_code() == 0
    server.kill()
    server.start()
    for name in ("native", "plain", "chunked"):
        assert work.s3.get_object(Bucket=BUCKET, Key=name)["Body"].read() == BODY
    server.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_hurries_and_what_it_cuts_off_leaves_nothing_visible(make_server, number):
    server = make_server("--workers", "2").start()
    work = Work(server)
    files = blob_files(server)

    async def hurry() -> None:
        async with work.begun(work.uploads()):
            os.kill(server.pid, number)
            if number == signal.SIGTERM:
                os.kill(server.pid, number)  # Delivered twice at once, as timeout(1) does, it is one wish.
            await asyncio.sleep(limits.STOP_REPEATED_S + 0.1)
            assert server.exit_code() is None
            os.kill(server.pid, number)
            await until(lambda: server.exit_code() is not None, "the server did not hurry")

    began = time.monotonic()
    asyncio.run(hurry())
    assert time.monotonic() - began < limits.GRACEFUL_STOP_S / 2
    assert server.exit_code() == 0
    assert "stopping_at_once" in server.log_tail()
    server.kill()
    server.start()
    listed = work.native.call("b2_list_file_versions", bucketId=work.bucket_id)["files"]
    assert [row["fileName"] for row in listed] == ["large"]
    assert set(files) <= set(blob_files(server))
    server.stop()


@pytest.mark.timeout(300)
def test_requests_that_never_end_are_cut_off_after_the_grace_and_leave_no_blob(make_server):
    server = make_server("--workers", "2").start()
    work = Work(server)
    files = blob_files(server)

    async def linger() -> float:
        async with work.begun(work.uploads()):
            os.kill(server.pid, signal.SIGTERM)
            began = time.monotonic()
            while server.exit_code() is None:
                assert time.monotonic() - began < 2 * limits.GRACEFUL_STOP_S
                await asyncio.sleep(0.1)
            return time.monotonic() - began

    took_s = asyncio.run(linger())
    assert limits.GRACEFUL_STOP_S - 1 < took_s < limits.GRACEFUL_STOP_S + limits.KILL_MARGIN_S + 3
    assert server.exit_code() == 0
    assert blob_files(server) == files
    server.kill()


def test_a_worker_that_dies_again_and_again_comes_back_ever_later_and_the_other_serves_on(make_server):
    server = make_server("--workers", "2").start()
    work = Work(server)
    other = server.children()[1]
    over = threading.Event()
    failures: list[str] = []
    served = 0

    def client() -> None:
        nonlocal served
        while not over.is_set():
            try:
                assert server.get("/healthz")[0] == 200
                served += 1
            except ConnectionError:
                pass  # It was in the hands of the one that was killed.
            except Exception as error:  # noqa: BLE001 - told by the test.
                failures.append(repr(error))

    thread = threading.Thread(target=client)
    thread.start()
    try:
        for death in range(1, DEATHS + 1):
            victim = next(child for child in server.children() if is_worker(child, server, other.pid))
            victim.kill()
            wait_until(lambda death=death: len(restarts(server)) == death, "the death is not noticed")
            before = served
            wait_until(lambda victim=victim: has_replacement(server, victim.pid, other.pid), "it does not come back")
            wait_until(lambda before=before: served > before, "nobody is served")
    finally:
        over.set()
        thread.join()
    assert failures == []
    assert other.is_running()
    delays = restarts(server)
    assert delays == [limits.RESTART_BACKOFF_MIN_S * 2**death for death in range(DEATHS)]
    assert work.s3.get_object(Bucket=BUCKET, Key="large")["Body"].read() == LARGE
    server.stop()


def restarts(server: Server) -> list[float]:
    """How long the supervisor waited each time before it started a process again, as it says in its log."""
    lines = [json.loads(line) for line in server.log_file.read_text().splitlines() if '"process_ended"' in line]
    return [line["restart_in_s"] for line in lines]


def is_worker(child, server: Server, other_pid: int) -> bool:
    """Whether the process listens on the API address and is not the other worker."""
    listening = {entry.laddr.port for entry in child.net_connections("tcp") if entry.status == "LISTEN"}
    return child.pid != other_pid and server.port in listening


def has_replacement(server: Server, victim_pid: int, other_pid: int) -> bool:
    return any(child.pid != victim_pid and is_worker(child, server, other_pid) for child in server.children())
