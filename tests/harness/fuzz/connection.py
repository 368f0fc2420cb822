"""Targets: the head of a request as pure functions, and a whole connection fed with bytes in pieces.

The connection is the product's own protocol class on a transport that keeps what is written; behind it stands an application
that notes what it was asked. Nothing may escape from it but answers of the protocol, and what it understands must not depend on
how the bytes were cut: two ends of a connection that disagree on where a request ends are how requests are smuggled.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from harness.fuzz.campaign import Target
from harness.fuzz.dialects import assert_native_document, assert_s3_document, looped
from harness.hostile import parse_answers
from undercroft import limits
from undercroft.http import exchange, head, protocol, refusal
from undercroft.http.adapter import Adapter
from undercroft.http.errors import BodyTooLarge
from undercroft.http.head import Refused
from undercroft.http.metrics import RequestMeter
from undercroft.http.request import Request
from undercroft.http.response import Response

STATUSES = frozenset({100, 200, 400, 405, 408, 501, 503, 505})
TURNS = 12  # Of the event loop: a request is answered in three, and PIPELINED_REQUESTS_MAX of them follow one another.
_BODY_MAX = 200_000
_seen: list[tuple[str, bytes, bytes, bytes]] = []


async def _note(request: Request) -> Response:
    """The application: reads every other body, and says which request it was."""
    body = b""
    if request.method != "DELETE":
        try:
            body = await request.read(_BODY_MAX)
        except BodyTooLarge:
            _seen.append((request.method, request.raw_path, request.raw_query, b"too large"))
            return Response(400, [(b"content-type", b"text/plain")], b"too large")
    _seen.append((request.method, request.raw_path, request.raw_query, body))
    for name, value in request.headers:
        assert name == name.lower()
        assert not re.search(rb"[\x00\r\n]", name + value)
    assert re.fullmatch(rb"[!-~]*", request.raw_path + request.raw_query), request.raw_path
    return Response(200, [(b"content-type", b"text/plain")], b"%d" % len(body))


class _Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.paused = self.closing = self.ended = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("192.0.2.1", 5), "sockname": ("192.0.2.2", 80)}.get(name, default)

    def write(self, data: Any) -> None:
        assert not self.ended, "Written after the end."
        self.written += data

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def is_closing(self) -> bool:
        return self.closing

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closing = self.ended = True

    abort = close


def _config() -> uvicorn.Config:
    config = uvicorn.Config(
        Adapter(_note, RequestMeter()),
        ws="none",
        lifespan="off",
        log_config=None,
        interface="asgi3",
        proxy_headers=False,
    )
    config.load()
    return config


_CONFIG = _config()


async def _converse(data: bytes, cuts: list[int]) -> tuple[bytes, list[tuple[str, bytes, bytes, bytes]]]:
    """What one connection answers and understands of these bytes."""
    _seen.clear()
    loop = asyncio.get_running_loop()
    failures: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: failures.append(context))
    state = ServerState()
    connection = protocol.HTTPProtocol(_CONFIG, state, {}, loop)
    transport = _Transport()
    connection.connection_made(transport)
    bounds = [0, *(cut for cut in cuts if 0 < cut < len(data)), len(data)]
    for start, end in itertools.pairwise(bounds):
        for _ in range(50 * TURNS):
            if not transport.paused or transport.closing:
                break
            await asyncio.sleep(0)
        if transport.closing:
            break
        assert not transport.paused, "Reading stays paused for ever."
        connection.data_received(data[start:end])
    for _ in range(50 * TURNS):
        if not transport.paused or transport.closing:
            break
        await asyncio.sleep(0)
    for _ in range(TURNS):
        await asyncio.sleep(0)
    seen = list(_seen)
    connection.connection_lost(None)
    for _ in range(TURNS):
        await asyncio.sleep(0)
    assert not state.tasks, "A request goes on after its connection."
    assert not failures, failures
    return bytes(transport.written), seen


def check_connection(data: bytes) -> str:
    """Byte 0: how the rest is cut. Then what the client sends."""
    step = 1 + (data[0] if data else 0) * 5
    body = data[1:_BODY_MAX]
    step = max(step, len(body) // 64)
    whole, seen = looped(_converse(body, []))
    pieces, seen_in_pieces = looped(_converse(body, list(range(step, len(body), step))))
    label = _judge(whole, body)
    _judge(pieces, body)
    # The parser gets the first line of a pipelined request uncleaned where it comes with the one before (`_with_clean_line`).
    plain = body.isascii() and b"pgrade" not in body
    if plain and len(seen) == len(seen_in_pieces):
        assert seen == seen_in_pieces, (seen, seen_in_pieces)
    elif plain and len(seen) <= limits.PIPELINED_REQUESTS_MAX:
        shorter, longer = sorted((seen, seen_in_pieces), key=len)
        # A connection that is ended by what comes later may not have begun what came before; it never understands it otherwise.
        assert longer[: len(shorter)] == shorter, (seen, seen_in_pieces)
    return label


def _judge(written: bytes, sent: bytes) -> str:
    """Every answer is one of the protocol."""
    label = "silence"
    for answer in parse_answers(_without_head_bodies(written, sent)):
        assert answer.status in STATUSES, answer
        label = str(answer.status)
        if answer.status >= 400 and answer.body:
            if answer.headers["content-type"].startswith("application/json"):
                assert_native_document(answer.status, answer.body)
            elif answer.headers["content-type"] == "application/xml":
                label = _s3_code(answer.status, answer.body)
    return label


def _s3_code(status: int, body: bytes) -> str:
    if status in {405, 408, 501, 505}:  # The codes of these are those of the connection, not all in the face's table.
        return str(status)
    return assert_s3_document(status, body) if b"<Code>BadRequest<" not in body else "BadRequest"


def _without_head_bodies(written: bytes, sent: bytes) -> bytes:
    """Answers to HEAD say the length of a body that does not come; their length is taken for 0."""
    if b"HEAD" not in sent:
        return written
    return re.sub(
        rb"content-length: \d+\r\n((?:[^\r\n]+\r\n)*\r\n)(?=HTTP/1\.1 |\Z)", rb"content-length: 0\r\n\1", written
    )


def check_head(data: bytes) -> str:
    """The functions of bytes: a clean line, the framing, the target."""
    end = data.find(b"\n")
    if end >= 0:
        cleaned = head.clean(data, end)
        assert cleaned.partition(b"\n")[0].isascii()
        assert cleaned[: end + 1] == data[: end + 1] or not data[:end].isascii() or b"pgrade:" in data
    line, *rest = data.split(b"\n")
    fields = [tuple(part.strip() for part in one.partition(b":")[::2]) for one in rest]
    framing_fields = [
        (name, value)
        for name, value in fields
        if name in head.FRAMING and (name != b"content-length" or value.isdigit())
    ]
    try:
        framing = head.read_framing(framing_fields[:256], "1.1" if len(data) % 3 else "1.0")
        path, query, authority = head.split_target(line, b"OPTIONS" if len(data) % 2 else b"GET")
    except Refused as refused:
        answer = refusal.refuse(refused.reason, line)
        assert refusal.to_bytes(answer).startswith(b"HTTP/1.1 ")
        return str(answer.status)
    assert path == b"*" or path.startswith(b"/")
    assert b"#" not in path + query
    assert b"?" not in path
    assert authority is None or re.fullmatch(rb"[A-Za-z0-9.:\[\]_~-]+", authority)
    assert framing.content_length is None or framing.content_length >= 0
    assert head.without_authority(line).startswith((b"/", b"*", b"?")) or authority is not None
    return "absolute" if authority else "read"


_GET = b"GET /bucket/key?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n"
_PUT = b"PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
_CHUNKED = b"POST /b2api/v4/x HTTP/1.1\r\nHost: a:80\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: z\r\n\r\n"
_WORDS = (
    b"GET ", b"PUT ", b"POST ", b"HEAD ", b"DELETE ", b"OPTIONS ", b"CONNECT ", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"/", b"*", b"http://localhost/", b"https://a", b"?", b"#",
    b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/2.0\r\n", b" HTTP/1.1\n", b"HTTP/0.9", b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"Host: localhost\r\n", b"Host: b\r\n", b"Host:\r\n",
    b"Host: a b\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length: -1\r\n", b"Content-Length: 5, 5\r\n", b"Content-Length: +5\r\n", b"Content-Length : 5\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding:\x0bchunked\r\n", b"Transfer-Encoding: chunked, chunked\r\n",
    b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"Upgrade: websocket\r\n", b"x: y\r\n", b" folded\r\n",
    b"x y: z\r\n", b": z\r\n", b"x\r\n", b"\0", b"\x80", b"\xc3\xa9", b"5\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nx: y\r\n\r\n", b"5;ext\r\n", b"fffffffffffffffff\r\n", b"5 \r\n", b"0x5\r\n", _GET, _PUT,
)  # fmt: skip

TARGETS = (
    Target(
        "http-connection", check_connection,
        tuple(bytes((cut,)) + text for cut in (0, 1, 9) for text in (
            _GET, _PUT, _CHUNKED, _GET + _PUT + _GET, _PUT + _CHUNKED, b"HEAD / HTTP/1.0\r\n\r\n",
            b"PUT /k HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
            b"GET http://bucket.s3.localhost/k HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            b"DELETE /k HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody" + _GET, b"GET /sch\xc3\xb6n HTTP/1.1\r\nHost: h\r\n\r\n",
        )),
        _WORDS, (protocol, exchange, head, refusal), frozenset({"200", "BadRequest", "silence", "501", "505"}),
        slow_s=0.3,  # Two connections, and up to a hundred turns of the loop for the requests that are pipelined.
    ),
    Target(
        "http-head", check_head,
        (
            b"/bucket/key?a=b\nhost:localhost\ncontent-length:5", b"http://localhost:80/x\nhost:[::1]:80\ntransfer-encoding:chunked", b"*\nhost:a\nexpect:100-continue\ncontent-length:1",
            b"GET /sch\xc3\xb6n HTTP/1.1\r\nUpgrade: h2c\r\n\r\n",
        ),
        (b"\nhost:", b"\ncontent-length:", b"\ntransfer-encoding:", b"\nexpect:", b"chunked", b"gzip", b"http://", b"https://", b"a@b", b"[::1]", b":80", b"/", b"#", b"?", b"*", b"\n", b"pgrade:", b"\r\n\r\n"),
        (head, refusal), frozenset({"read", "absolute", "400", "501"}),
    ),
)  # fmt: skip
