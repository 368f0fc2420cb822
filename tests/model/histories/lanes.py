"""Connections of one client, one to each of the server's workers, and requests on them as they are on the wire."""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

from harness.hostile import Signer, as_request
from harness.wire import Connection
from harness.workers import Workers

OPENINGS_MAX = 60  # How many connections to open in search of a worker that has not accepted one yet.
PATIENCE_S = 20.0


class Target(NamedTuple):
    """All that a client process has to know of the server."""

    api_url: str
    host: str
    supervisor_pid: int
    workers: int
    signer: Signer
    token: str  # An account authorization token of the native face.
    bucket: str
    bucket_id: str


class Answer(NamedTuple):
    """A response, and between which moments and on which worker it came about."""

    status: int
    headers: dict[str, str]
    body: bytes


class NoAnswer(Exception):
    """The connection ended before an answer came: what was asked may have happened or not."""


class Lane:
    """A connection that stays open, and the worker that serves it."""

    def __init__(self, connection: Connection, worker: int) -> None:
        self._connection = connection
        self.worker = worker

    async def ask(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """One request and its answer. Raises `NoAnswer`, after which the lane is of no use."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._connection.send(as_request(method, target, headers, body))
                return await _answer(self._connection, method)
        except (OSError, EOFError) as error:  # Of which the timeout and the end of the stream are kinds.
            raise NoAnswer(f"{method} {target}: {error!r}") from error

    async def close(self) -> None:
        """Let go of the connection."""
        with contextlib.suppress(OSError):
            await self._connection.close()


class Lanes:
    """A client's lanes: as far as they can be had, one to every worker."""

    def __init__(self, target: Target, workers: Workers) -> None:
        self._target = target
        self._workers = workers
        self.open: list[Lane] = []

    async def fill(self) -> None:
        """Open connections until every worker serves one; second ones of a worker are closed in the end."""
        spare: list[Lane] = []
        for _ in range(OPENINGS_MAX):
            if len(self.open) >= self._target.workers:
                break
            lane = await self._connect()
            if lane is None:
                await asyncio.sleep(0.02)  # The server, or this worker, is not there at present.
            elif lane.worker in {other.worker for other in self.open}:
                spare.append(lane)  # Stays open for now, so that this worker is not the idlest.
            else:
                self.open.append(lane)
        for lane in spare:
            await lane.close()

    async def drop(self, lane: Lane) -> None:
        """Forget a lane that failed; more than one of its askers may find that out."""
        if lane in self.open:
            self.open.remove(lane)
            await lane.close()

    async def close(self) -> None:
        """Let go of all."""
        while self.open:
            await self.open.pop().close()

    async def _connect(self) -> Lane | None:
        try:
            connection = await Connection.open(self._target)
        except OSError:
            return None
        lane = Lane(connection, 0)
        try:
            await lane.ask("GET", "/healthz", {"Host": self._target.host})
        except NoAnswer:
            await lane.close()
            return None
        worker = self._workers.serving(connection.local_port)
        if worker is None:
            await lane.close()
            return None
        lane.worker = worker
        return lane


async def _answer(connection: Connection, method: str) -> Answer:
    status, headers = await connection.head()
    bodiless = method == "HEAD" or status in {204, 304}
    length = 0 if bodiless else int(headers["content-length"])
    return Answer(status, headers, await connection.reader.readexactly(length) if length else b"")
