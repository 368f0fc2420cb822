"""P9: memory is bounded, however many clients upload, download or just sit there at once; and others are still served."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable

import pytest

from harness.clients import boto3_client
from harness.native import NativeCaller
from harness.processes import MIB, blob_files, memory_bytes, open_blobs, open_sockets, sampled, wait_until
from harness.server import Server
from harness.wire import Connection, Wire, Wires

CLIENTS = 200
IDLE_CLIENTS = 1000
IDLE_BYTES = 64 * 1024  # What an idle connection may cost.
# P9 promises 8 MiB an upload or download; half of that is asked for here, so that a pipeline that keeps more than its five
# blocks of 512 KiB, the MiB that gathers for the disk and the buffers of the connection is noticed before the promise breaks.
IN_FLIGHT_BYTES = 4 * MIB
# How long somebody else's small requests may take meanwhile, on a machine that is busy with the clients too.
OTHERS_S = 5.0
CI_SIZES_MIB = (1, 1, 2, 1, 3, 1, 2, 8, 1, 2)
FULL_SIZES_MIB = (1, 2, 3, 4, 5, 6, 7, 8)
CI_BOTH = 50  # Of each, where uploads and downloads go on at once.
FULL_BOTH = 200
BOTH_BODY_BYTES = 2 * MIB
CI_UPLOADS = 200  # Multipart uploads left open.
FULL_UPLOADS = 5_000
UPLOADS_BYTES = 24 * MIB  # What all of them may leave in memory: caches of statements and of the catalog's pages.
LARGE_BYTES = 64 * MIB
ABREAST = 16
ROUND_REQUESTS = 240
GROWTH_BYTES = 16 * MIB  # What rounds of the same load may add: 70 KiB a request of one round.
CI_ROUNDS = 2
FULL_ROUNDS = 10
POOL = os.urandom(16 * MIB)
BUCKET = "memory-bucket"

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A server of two workers for these tests alone, with one file of 64 MiB."""
    server = Server(tmp_path_factory.mktemp("memory") / "data", options=("--workers", "2")).start()
    s3 = boto3_client(server)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="large", Body=POOL * (LARGE_BYTES // len(POOL)))
    yield server
    server.stop()


@pytest.fixture
def others(loaded):
    return Others(loaded)


class Others:
    """Somebody else, who wants something small of both faces."""

    def __init__(self, server: Server) -> None:
        self._s3 = boto3_client(server, retries={"total_max_attempts": 1}, read_timeout=60)
        self.native = NativeCaller(server)
        self.bucket_id = self.native.call("b2_list_buckets", accountId=server.account_id)["buckets"][0]["bucketId"]
        self.slowest_s = 0.0
        self.work()

    def work(self) -> None:
        for number in range(4):
            began = time.monotonic()
            self._s3.put_object(Bucket=BUCKET, Key=f"others/{number}", Body=b"small")
            assert self._s3.get_object(Bucket=BUCKET, Key=f"others/{number}")["Body"].read() == b"small"
            self.native.upload(self.bucket_id, f"others/native-{number}", b"x" * 100_000, {})
            self.native.call("b2_list_file_names", bucketId=self.bucket_id, maxFileCount=10)
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)


class Gathering:
    """Where clients wait until all of them are half way, and until somebody has looked at them."""

    def __init__(self, expected: int) -> None:
        self._missing = expected
        self._all_there = asyncio.Event()
        self._go_on = asyncio.Event()

    async def wait(self) -> None:
        self._missing -= 1
        if self._missing == 0:
            self._all_there.set()
        await self._go_on.wait()

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        async with asyncio.timeout(120):
            await self._all_there.wait()
        yield
        self._go_on.set()


def judge(what: str, before: int, peak: int, clients: int, allowed_bytes: int, others: Others) -> None:
    each = (peak - before) / clients
    print(  # noqa: T201 - the figures of the note.
        f"\n{clients} {what}: {before / MIB:.0f} MiB before, {peak / MIB:.0f} MiB at the peak, {each / MIB:.2f} MiB each; "
        f"others waited {others.slowest_s * 1000:.0f} ms at most"
    )
    assert each < allowed_bytes
    assert others.slowest_s < OTHERS_S


def upload_wires(wires: Wires, bucket_id: str, sizes_mib: tuple[int, ...], count: int) -> list[Wire]:
    """Uploads through both faces, in every way in which a body may be signed."""
    made = []
    for number, size_mib in zip(range(count), itertools.cycle(sizes_mib), strict=False):
        body = POOL[number * 1000 : number * 1000 + size_mib * MIB]
        path = f"/{BUCKET}/up/{number}"
        ways: list[Callable[[], Wire]] = [
            lambda body=body, number=number: wires.native_upload(bucket_id, f"up/{number}", body),
            lambda body=body, path=path: wires.s3_upload(path, body),
            lambda body=body, path=path: wires.s3_upload(path, body, hashed=True),
            lambda body=body, path=path: wires.s3_chunked_upload(path, body),
        ]
        made.append(ways[number % len(ways)]())
    return made


async def upload_in_two_halves(server: Server, wire: Wire, gathering: Gathering, *, slowly: bool) -> int:
    connection = await Connection.open(server)
    middle = len(wire.body) * 3 // 4
    await connection.send(wire.head)
    if slowly:
        await connection.send_slowly(wire.body[:middle], pause_s=0.01)
    else:
        await connection.send(wire.body[:middle])
    await gathering.wait()
    await connection.send(wire.body[middle:])
    answer = await connection.answer()
    await connection.close()
    return answer.status


def test_p9_memory_is_bounded_while_200_clients_upload_at_once(loaded, others, full_size):
    sizes_mib = FULL_SIZES_MIB if full_size else CI_SIZES_MIB
    requests = upload_wires(Wires(loaded, native=others.native), others.bucket_id, sizes_mib, CLIENTS)
    before = memory_bytes(loaded)

    async def load() -> list[int]:
        gathering = Gathering(CLIENTS)
        uploads = [
            asyncio.create_task(upload_in_two_halves(loaded, wire, gathering, slowly=number % 3 == 0))
            for number, wire in enumerate(requests)
        ]
        async with gathering.held():
            await asyncio.to_thread(others.work)
        return await asyncio.gather(*uploads)

    with sampled(loaded) as peak:
        statuses = asyncio.run(load())
    assert statuses == [200] * CLIENTS
    judge("uploads at once", before, peak.bytes, CLIENTS, IN_FLIGHT_BYTES, others)
    wait_until(lambda: not open_blobs(loaded), "blobs stay open after the uploads")


def test_p9_memory_is_bounded_while_200_clients_download_slowly_and_nothing_is_kept_of_those_that_leave(loaded, others):
    wires = Wires(loaded, native=others.native)
    before = memory_bytes(loaded)
    open_before = open_sockets(loaded)

    async def begin(number: int) -> Connection:
        wire = wires.s3("GET", f"/{BUCKET}/large") if number % 2 else wires.native_download(BUCKET, "large")
        connection = await Connection.open(loaded, receive_bytes=64 * 1024)
        await connection.send(wire.head)
        status, headers = await connection.head()
        assert (status, int(headers["content-length"])) == (200, LARGE_BYTES)
        await connection.reader.readexactly(100_000)
        return connection

    async def load() -> None:
        slow = await asyncio.gather(*(begin(number) for number in range(CLIENTS)))
        assert len(open_blobs(loaded)) == CLIENTS
        await asyncio.to_thread(others.work)
        async with asyncio.timeout(60):
            await asyncio.gather(*(connection.reader.readexactly(2 * MIB) for connection in slow))
            rest = await slow[0].reader.readexactly(LARGE_BYTES - 2 * MIB - 100_000)
        assert rest[-len(POOL) :] == POOL
        for connection in slow:
            connection.cut()

    with sampled(loaded) as peak:
        asyncio.run(load())
    wait_until(lambda: not open_blobs(loaded), "blobs stay open after the clients left", timeout_s=2.0)
    judge("slow downloads at once", before, peak.bytes, CLIENTS, IN_FLIGHT_BYTES, others)
    wait_until(lambda: open_sockets(loaded) <= open_before, "connections stay open after the clients left")


def test_p9_memory_is_bounded_while_as_many_upload_slowly_as_download_slowly(loaded, others, full_size):
    count = FULL_BOTH if full_size else CI_BOTH
    wires = Wires(loaded, native=others.native)
    body = POOL[:BOTH_BODY_BYTES]
    uploads = upload_wires(wires, others.bucket_id, (BOTH_BODY_BYTES // MIB,), count)
    before = memory_bytes(loaded)

    async def download(gathering: Gathering) -> int:
        connection = await Connection.open(loaded, receive_bytes=64 * 1024)
        await connection.send(wires.s3("GET", f"/{BUCKET}/large", {"Range": f"bytes=0-{len(body) - 1}"}).head)
        status, _ = await connection.head()
        await connection.reader.readexactly(1000)
        await gathering.wait()
        assert await connection.reader.readexactly(len(body) - 1000) == body[1000:]
        await connection.close()
        return status

    async def load() -> list[int]:
        gathering = Gathering(2 * count)
        tasks = [asyncio.create_task(upload_in_two_halves(loaded, wire, gathering, slowly=True)) for wire in uploads]
        tasks += [asyncio.create_task(download(gathering)) for _ in range(count)]
        async with gathering.held():
            await asyncio.to_thread(others.work)
        return await asyncio.gather(*tasks)

    with sampled(loaded) as peak:
        statuses = asyncio.run(load())
    assert statuses == [200] * count + [206] * count
    judge("slow uploads and slow downloads at once", before, peak.bytes, 2 * count, IN_FLIGHT_BYTES, others)


def test_p9_uploads_that_are_left_open_cost_disk_and_no_memory(loaded, others, full_size):
    count = FULL_UPLOADS if full_size else CI_UPLOADS
    native = others.native

    def leave_open(first: int, last: int) -> None:
        for number in range(first, last):
            large = native.call(
                "b2_start_large_file", bucketId=others.bucket_id, fileName=f"open/{number:05}", contentType="text/plain"
            )
            if number % 10 == 0:
                native.upload_part(large["fileId"], 1, b"part")

    leave_open(0, count // 10)
    before = memory_bytes(loaded)
    leave_open(count // 10, count)
    others.work()
    listed = native.call("b2_list_unfinished_large_files", bucketId=others.bucket_id, maxFileCount=100)
    assert len(listed["files"]) == 100
    judge("multipart uploads left open", before, memory_bytes(loaded), 1, UPLOADS_BYTES, others)


def test_p9_idle_connections_cost_next_to_nothing(loaded, others):
    before = memory_bytes(loaded)

    async def sit() -> int:
        connections = [await Connection.open(loaded) for _ in range(IDLE_CLIENTS)]
        for connection in connections[::2]:
            await connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await connection.answer()).status == 200
        others.work()
        held = memory_bytes(loaded)
        for connection in connections:
            connection.cut()
        return held

    judge("idle connections", before, asyncio.run(sit()), IDLE_CLIENTS, IDLE_BYTES, others)


async def mixed_round(server: Server, wires: Wires, bucket_id: str) -> None:
    """Requests of all kinds that hold memory: done, refused, and cut off in the middle."""
    body = POOL[: MIB // 2]
    targets = iter([wires.native_upload(bucket_id, f"mixed/{number}", body) for number in range(ROUND_REQUESTS // 6)])

    async def upload(wire: Wire, expected: int) -> None:
        connection = await Connection.open(server)
        await connection.send(wire.data)
        assert (await connection.answer()).status == expected
        await connection.close()

    async def cut(wire: Wire) -> None:
        connection = await Connection.open(server, receive_bytes=64 * 1024)
        await connection.send(wire.head)
        if wire.body:
            await connection.send(wire.body[: len(body) // 2])
        else:
            await connection.head()
        connection.cut()

    async def one(number: int) -> None:
        path = f"/{BUCKET}/mixed/s3-{number}"
        match number % 6:
            case 0:
                await upload(next(targets), 200)
            case 1:
                await upload(wires.s3_chunked_upload(path, body), 200)
            case 2:
                wrong = wires.s3(
                    "PUT", path, {"Content-Length": str(len(body))}, payload_hash=hashlib.sha256().hexdigest()
                )
                await upload(Wire(wrong.head, body), 400)
            case 3:
                await cut(wires.s3_upload(path, body))
            case 4:
                await cut(wires.s3("GET", f"/{BUCKET}/large"))
            case _:
                await upload(wires.s3("GET", f"/{BUCKET}/large", {"Range": "bytes=100-3000000"}), 206)

    for first in range(0, ROUND_REQUESTS, ABREAST):
        await asyncio.gather(*(one(number) for number in range(first, first + ABREAST)))


def test_p9_the_same_load_again_takes_no_more_memory_and_leaves_nothing_open(loaded, others, full_size):
    wires = Wires(loaded, native=others.native)
    files_before = len(blob_files(loaded))
    after = []
    opened = []
    for _ in range(1 + (FULL_ROUNDS if full_size else CI_ROUNDS)):
        asyncio.run(mixed_round(loaded, wires, others.bucket_id))
        wait_until(lambda: not open_blobs(loaded), "blobs stay open")
        after.append(memory_bytes(loaded))
        opened.append(open_sockets(loaded))
    figures = [size // MIB for size in after]
    print(f"\nmemory after each round of {ROUND_REQUESTS} requests: {figures} MiB")  # noqa: T201 - the same.
    assert after[-1] - after[0] < GROWTH_BYTES
    assert opened[-1] <= opened[0] + 4  # The connections of `others` come and go.
    uploaded = ROUND_REQUESTS // 6 * 2 * len(after)
    wait_until(
        lambda: len(blob_files(loaded)) == files_before + uploaded, "blobs of refused or broken uploads are left"
    )
