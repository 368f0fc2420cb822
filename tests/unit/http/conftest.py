"""A real listener with our protocol on a free port, in the test's own event loop, and a client that speaks raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from undercroft import limits
from undercroft.http.adapter import Adapter
from undercroft.http.metrics import RequestMeter
from undercroft.http.protocol import HTTPProtocol
from undercroft.http.request import Request
from undercroft.http.response import Response

PATIENCE_S = 10.0


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop go on until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event.
            await asyncio.sleep(0)


class Client:
    """One connection: writes bytes as they are, reads answers by their Content-Length."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        """The status and headers of the next answer."""
        async with asyncio.timeout(PATIENCE_S):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        status, *lines = raw.decode("latin-1").split("\r\n")[:-2]
        return int(status.split(" ")[1]), {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}

    async def answer(self, *, to_head: bool = False) -> SimpleNamespace:
        """The next answer, whole."""
        status, headers = await self.head()
        async with asyncio.timeout(PATIENCE_S):
            length = 0 if to_head or status in {100, 204, 304} else int(headers["content-length"])
            body = await self.reader.readexactly(length)
        return SimpleNamespace(status=status, headers=headers, body=body)

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()

    async def is_cut(self) -> bool:
        """Whether the server closes or resets the connection; answers before that are read over."""
        with contextlib.suppress(ConnectionError):
            await self.rest()
        return True


class Serving:
    """The listener: `port`, `meter`, and new clients."""

    def __init__(self, port: int, meter: RequestMeter, state: ServerState) -> None:
        self.port = port
        self.meter = meter
        self.state = state
        self._clients: list[Client] = []

    async def client(self, **options: Any) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port, **options))
        self._clients.append(client)
        return client

    async def ask(self, data: bytes) -> SimpleNamespace:
        """One answer on a connection of its own."""
        client = await self.client()
        await client.send(data)
        return await client.answer(to_head=data.startswith(b"HEAD"))

    async def until(self, condition: Callable[[], bool]) -> None:
        await until(condition)

    async def close(self) -> None:
        for client in self._clients:
            client.writer.close()
            with contextlib.suppress(OSError):
                await client.writer.wait_closed()


Handler = Callable[[Request], Awaitable[Response]]


@contextlib.asynccontextmanager
async def _serving(handler: Handler) -> AsyncIterator[Serving]:
    meter = RequestMeter()
    config = uvicorn.Config(
        Adapter(handler, meter), ws="none", lifespan="off", log_config=None, interface="asgi3", proxy_headers=False
    )
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"Sun, 22 Nov 2026 12:00:00 GMT")]
    server = await asyncio.get_running_loop().create_server(lambda: HTTPProtocol(config, state, {}), "127.0.0.1", 0)
    serving = Serving(server.sockets[0].getsockname()[1], meter, state)
    try:
        yield serving
    finally:
        await serving.close()
        for connection in list(state.connections):
            connection.abort()
        server.close()
        await until(lambda: not state.connections and not state.tasks)


@pytest.fixture
def serve() -> Callable[[Handler, Callable[[Serving], Awaitable[None]]], None]:
    """Runs a scenario against a handler."""

    def run(handler: Handler, scenario: Callable[[Serving], Awaitable[None]]) -> None:
        async def main() -> None:
            async with asyncio.timeout(3 * PATIENCE_S), _serving(handler) as serving:
                await scenario(serving)

        uvloop.run(main())

    return run


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines short enough to wait for."""
    for name, value in {
        "HEADERS_TIMEOUT_S": 0.15,
        "KEEP_ALIVE_S": 0.15,
        "BODY_STALL_TIMEOUT_S": 0.15,
        "SEND_STALL_TIMEOUT_S": 0.15,
        "DRAIN_TIMEOUT_S": 0.15,
        "DEADLINE_CHECK_S": 0.02,
    }.items():
        monkeypatch.setattr(limits, name, value)


async def echo(request: Request) -> Response:
    """Says what it was asked, after reading the body."""
    body = await request.read(limits.MIB)
    said = "\n".join(
        [request.method, request.raw_path.decode("latin-1"), request.raw_query.decode("latin-1"), request.host]
    )
    return Response(200, [(b"content-type", b"text/plain")], said.encode("latin-1") + b"\n" + body)


async def deaf(request: Request) -> Response:
    """Answers without reading the body."""
    return Response(403, [], b"no")


@pytest.fixture(name="echo")
def _echo() -> Handler:
    return echo


@pytest.fixture(name="deaf")
def _deaf() -> Handler:
    return deaf
