"""Floods: what hostile clients do to a server all at once, each as bytes on connections of its own.

A flood opens its connections, sends, and keeps them for as long as it is looked at. What the server does with each (answers,
closes, or waits) is its business; a flood fails only where a connection cannot even be made.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from harness.hostile import as_request
from harness.server import Server
from harness.wire import Connection, Wires
from undercroft import limits

CONNECTING = 100  # Connections being made at a time: the listener's queue is finite.
DRIP_S = 0.2
PIPELINED = 2_000


@dataclass(frozen=True)
class Flood:
    """`data` is what one connection sends, given its number; then it drips `drip` bytes, one at a time, while it is held.

    `each_bytes` is what one connection may cost the server in memory.
    """

    name: str
    data: Callable[[int], bytes]
    each_bytes: int
    drip: bytes = b""
    reads: bool = True  # Whether it reads what the server says.


async def _one(server: Server, flood: Flood, number: int, gate: asyncio.Semaphore) -> Connection:
    async with gate:
        connection = await Connection.open(server, receive_bytes=None if flood.reads else 4096)
    with contextlib.suppress(ConnectionError, TimeoutError):  # Refused in the middle, or no longer read from.
        async with asyncio.timeout(10):
            await connection.send(flood.data(number))
    return connection


async def _read_to_end(connection: Connection) -> None:
    with contextlib.suppress(ConnectionError):
        while await connection.reader.read(65_536):
            pass


async def _drip(connection: Connection, drip: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        for at in range(len(drip)):
            await connection.send(drip[at : at + 1])
            await asyncio.sleep(DRIP_S)


@contextlib.asynccontextmanager
async def flooded(server: Server, flood: Flood, connections: int) -> AsyncIterator[None]:
    """The flood, from so many connections, for as long as the block runs."""
    gate = asyncio.Semaphore(CONNECTING)
    made = await asyncio.gather(*(_one(server, flood, number, gate) for number in range(connections)))
    tasks = [asyncio.create_task(_read_to_end(connection)) for connection in made if flood.reads]
    if flood.drip:
        tasks += [asyncio.create_task(_drip(connection, flood.drip)) for connection in made]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in made:
            connection.cut()


def floods(server: Server, wires: Wires, bucket: str) -> dict[str, Flood]:
    """Every flood, by name."""
    kib = limits.KIB
    get = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    token = {"Authorization": wires.native.token}
    json_call = "/b2api/v4/b2_list_buckets"

    def document(path: str, headers: dict[str, str], body: bytes, missing: int) -> bytes:
        return as_request("POST", path, {**headers, "Content-Length": str(len(body) + missing)}, body)

    xml = b"<Delete>" + b"<Object><Key>k</Key></Object>" * 60_000
    signed_xml = wires.s3("POST", f"/{bucket}?delete", {"Content-Length": str(len(xml) + 1)}).head + xml
    whole_xml = wires.s3("POST", f"/{bucket}?delete", {"Content-Length": str(len(xml))}).head + xml
    nobody_s = document(f"/{bucket}?delete", {}, xml, 0)
    expecting = wires.s3("PUT", f"/{bucket}/expected", {"Content-Length": "1000000", "Expect": "100-continue"}).head
    wrong = wires.s3("GET", f"/{bucket}/k", {f"x-amz-meta-{number:03}": "v  " * 66 for number in range(240)}).head
    wrong = wrong.replace(b"Signature=", b"Signature=0", 1)
    large = wires.s3("GET", f"/{bucket}/large").head
    made = (
        Flood("heads without end", lambda _: get + b"x: " + b"v" * 512 * kib, 256 * kib),
        Flood("half a head", lambda _: get + b"x: " + b"v" * (60 * kib), 256 * kib),
        Flood("as many headers as may be, signed wrongly", lambda _: wrong, 512 * kib),
        Flood("slowloris in the head", lambda _: get, 64 * kib, drip=b"x: slow\r\n" * 100),
        Flood("slowloris in the first line", lambda _: b"GET /", 64 * kib, drip=b"a" * 900),
        Flood("slowloris in a JSON body", lambda _: document(json_call, token, b"{", 1000), 128 * kib, drip=b" " * 900),
        Flood("JSON that is nearly whole", lambda _: document(json_call, token, b" " * (limits.JSON_BODY_MAX_BYTES - 10), 10), 3 * limits.MIB),
        Flood("JSON beyond its limit", lambda _: document(json_call, token, b" " * limits.JSON_BODY_MAX_BYTES, 1), 512 * kib),
        Flood("nested JSON", lambda _: document(json_call, token, b"[" * (limits.JSON_BODY_MAX_BYTES - 10), 0), 3 * limits.MIB),
        Flood("XML that is nearly whole", lambda _: signed_xml, 5 * limits.MIB),
        Flood("XML of many elements", lambda _: whole_xml, 5 * limits.MIB),
        Flood("XML of nobody's", lambda _: nobody_s, 512 * kib),
        Flood("requests pipelined without end", lambda _: (get + b"\r\n") * PIPELINED, 512 * kib),
        Flood("pipelined by somebody who reads nothing", lambda _: large * 50, 4 * limits.MIB, reads=False),
        Flood("Expect: 100-continue, and then nothing", lambda _: expecting, 128 * kib),
        Flood("chunks of one byte", lambda _: as_request("POST", json_call, {**token, "Transfer-Encoding": "chunked"}, b"1\r\n \r\n" * 10_000), 4 * limits.MIB),
    )  # fmt: skip
    return {flood.name: flood for flood in made}
