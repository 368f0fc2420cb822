"""Posting over HTTPS to a URL that a user named: guarded, bounded in time and size, and never following a redirect.

h11 has the protocol; it is imported where it is used, since only the process that delivers ever needs it.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Sequence
from contextlib import aclosing, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from undercroft import limits
from undercroft.outgoing.contract import Answer, Body, Bounds, Headers, TargetError
from undercroft.outgoing.guard import Guard

if TYPE_CHECKING:
    import h11


class Outgoing:
    """The way out of one process. `ca_file` has certificates of authorities that are trusted besides the system's own."""

    def __init__(self, *, allowed: Sequence[str] = (), ca_file: Path | None = None) -> None:
        self.guard = Guard(allowed)
        self._ca_file = ca_file

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """What certificates and names of targets are checked with."""
        context = ssl.create_default_context()
        if self._ca_file is not None:
            context.load_verify_locations(self._ca_file)
        return context

    def to(self, url: str) -> HTTPSVisitor:
        """A visitor to this https URL; its `close` lets go of the connection."""
        return HTTPSVisitor(self, urlsplit(url))


class HTTPSVisitor:
    """Posts to one URL, one request after the other, over one connection for as long as the target keeps it."""

    def __init__(self, outgoing: Outgoing, url: SplitResult) -> None:
        assert url.scheme == "https", "the rules of targets are checked before"
        assert url.hostname
        self._outgoing = outgoing
        self._host = url.hostname
        self._port = url.port or 443
        self._authority = url.netloc
        self._path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._connection: _Connection | None = None

    async def post(self, headers: Headers, body: Body, bounds: Bounds | None = None) -> Answer:
        """Send a request and wait for its answer, whatever its status. Raises `TargetError`."""
        bounds = bounds or Bounds(limits.TARGET_TIMEOUT_S, limits.TARGET_ANSWER_MAX_BYTES)
        try:
            async with asyncio.timeout(bounds.timeout_s):
                return await self._post(headers, body, bounds.answer_bytes)
        except TimeoutError:
            await self.close()
            raise TargetError(f"No answer within {bounds.timeout_s:g} seconds") from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _post(self, headers: Headers, body: Body, answer_bytes: int) -> Answer:
        if self._connection is not None:
            # The target may have closed meanwhile, and then this request has not reached it, or its answer is lost.
            with suppress(_Broken):
                return await self._ask(self._connection, headers, body, answer_bytes)
            await self.close()
        self._connection = await self._connect()
        try:
            return await self._ask(self._connection, headers, body, answer_bytes)
        except _Broken as error:
            raise TargetError(f"The connection to {self._host} broke: {error}") from None

    async def _ask(self, connection: _Connection, headers: Headers, body: Body, answer_bytes: int) -> Answer:
        answer = await connection.post(self._authority, self._path, headers, body, answer_bytes)
        if not connection.can_go_on:
            await self.close()
        return answer

    async def _connect(self) -> _Connection:
        said = "no address answers"
        for address in await self._outgoing.guard.addresses(self._host, self._port):
            try:
                # To the address that was checked; the certificate must be that of the host's name all the same.
                reader, writer = await asyncio.open_connection(
                    address,
                    self._port,
                    ssl=self._outgoing.tls,
                    server_hostname=self._host,
                    limit=limits.TARGET_ANSWER_MAX_BYTES,
                )
            except ssl.SSLCertVerificationError as error:
                said = f"its certificate is not valid: {error.verify_message}"
            except ssl.SSLError as error:
                said = f"TLS failed: {error.reason or 'no TLS'}"
            except OSError as error:
                said = _said(error)
            except ValueError:  # A name that resolves, but that no certificate can be for.
                raise TargetError(f"The host {self._host} is not known") from None
            else:
                return _Connection(reader, writer)
        raise TargetError(f"No connection to {self._host}: {said}")


def _said(error: OSError) -> str:
    """What the system calls the error, without the addresses that Python adds."""
    return os.strerror(error.errno).lower() if error.errno else "it ended"


class _Broken(Exception):
    """The connection ended, or what came over it is not HTTP."""


class _Connection:
    """One connection, and where the conversation on it stands."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import h11

        self._h11 = h11
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=limits.TARGET_HEADERS_MAX_BYTES)
        self._reader = reader
        self._writer = writer
        self.can_go_on = True  # Whether another request may be sent over it.

    async def post(self, authority: str, path: str, headers: Headers, body: Body, answer_bytes: int) -> Answer:
        """One request and its answer. Raises `_Broken`, and what a streamed body raises."""
        protocol = self._h11
        length = len(body) if isinstance(body, bytes) else body.length
        own = [("Host", authority.encode()), ("Content-Length", str(length).encode())]
        request = protocol.Request(method="POST", target=path, headers=[*own, *headers])
        if isinstance(body, bytes):
            await self._send(request, protocol.Data(body), protocol.EndOfMessage())
        else:
            await self._send(request)
            async with aclosing(body.chunks()) as chunks:
                async for chunk in chunks:
                    await self._send(protocol.Data(chunk))
            await self._send(protocol.EndOfMessage())
        try:
            return await self._answer(answer_bytes)
        except protocol.RemoteProtocolError:  # Its message repeats what the target says, which may be our secrets.
            raise _Broken("it answers with something that is not HTTP") from None
        except OSError as error:
            raise _Broken(_said(error)) from None

    async def _send(self, *events: h11.Event) -> None:
        """Send some of a request. Raises `_Broken`."""
        raw = [self._state.send(event) for event in events]
        try:
            self._writer.write(b"".join(part for part in raw if part is not None))
            await self._writer.drain()
        except OSError as error:
            raise _Broken(_said(error)) from None

    async def _answer(self, answer_bytes: int) -> Answer:
        protocol = self._h11
        response: h11.Response | None = None
        body = b""
        left_bytes = 2 * answer_bytes + limits.TARGET_HEADERS_MAX_BYTES  # Some would announce, or frame, without end.
        while True:
            event = self._state.next_event()
            if event is protocol.NEED_DATA:
                data = await self._reader.read(limits.TARGET_HEADERS_MAX_BYTES)
                left_bytes -= len(data)
                if left_bytes < 0:
                    raise _Broken("it says too much")
                self._state.receive_data(data)
            elif isinstance(event, protocol.Response):
                response = event
            elif isinstance(event, protocol.Data):
                body += event.data
                if len(body) >= answer_bytes:  # Enough: the rest is neither read nor wanted.
                    self.can_go_on = False
                    break
            elif isinstance(event, (protocol.EndOfMessage, protocol.ConnectionClosed)):
                self.can_go_on = isinstance(event, protocol.EndOfMessage) and self._state.our_state is protocol.DONE
                break
        if response is None:
            raise _Broken("it closed before it answered")
        if self.can_go_on and self._state.their_state is protocol.DONE:
            self._state.start_next_cycle()
        else:
            self.can_go_on = False
        return Answer(response.status_code, body[:answer_bytes])

    async def close(self) -> None:
        """Close it at once: whoever does not take part in closing TLS holds up nobody."""
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()
