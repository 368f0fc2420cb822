"""Requests whose end two readers could see in different places: all of them are refused, and nothing after them is served.

Somebody before us, a proxy or a balancer, decides by its own reading which client a request is from. So whatever RFC 9112 lets a
server refuse or take is refused here, and what is taken ends where the RFC says.
"""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from undercroft import limits
from undercroft.http.response import Response

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"


def put(*headers: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    lines = b"".join(line + b"\r\n" for line in (b"Host: h", *headers))
    return b"PUT /a HTTP/" + version + b"\r\n" + lines + b"\r\n" + body


def chunked(body: bytes) -> bytes:
    return put(b"Transfer-Encoding: chunked", body=body)


@pytest.fixture
def heard():
    """The paths and bodies that the handler got."""
    return []


@pytest.fixture
def handler(heard):
    async def handle(request):
        body = await request.read(limits.MIB)
        heard.append((request.raw_path, body))
        return Response(200, [], b"")

    return handle


async def sent(serving, data, *, split):
    client = await serving.client()
    if split:
        for number in range(len(data)):
            try:
                await client.send(data[number : number + 1])
            except (OSError, RuntimeError):
                break  # It was refused before its end.
            await asyncio.sleep(0)
    else:
        await client.send(data)
    with contextlib.suppress(OSError, RuntimeError):
        client.writer.write_eof()
    await client.is_cut()


@pytest.mark.parametrize("split", [False, True], ids=["at once", "by bytes"])
@pytest.mark.parametrize(
    "data",
    [
        # -- Two lengths, and lengths that are no number ------------------------------------------------------------------
        put(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        put(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"),
        put(b"Content-Length: 1", b"Content-Length: 1", body=b"x"),
        put(b"Content-Length: 1, 1", body=b"x"),
        put(b"Content-Length: +1", body=b"x"),
        put(b"Content-Length: 0x1", body=b"x"),
        put(b"Content-Length: 1 1", body=b"x" * 11),
        put(b"Content-Length: 1_0", body=b"x" * 10),
        put(b"Content-Length: ", body=b"x"),
        put(b"Content-Length: 18446744073709551616", body=b"x"),
        put(b"Content-Length : 1", body=b"x"),
        # -- Codings ------------------------------------------------------------------------------------------------------
        put(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
        put(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
        put(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
        put(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
        put(b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
        put(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"),
        put(b"Transfer-Encoding: chunked,", body=b"0\r\n\r\n"),
        put(b"Transfer-Encoding: chunked;q=1", body=b"0\r\n\r\n"),
        put(b"Transfer-Encoding:", b"Content-Length: 5", body=b"0\r\n\r\n"),
        put(b"Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n"),
        put(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n", version=b"1.0"),
        # -- Ends of lines, and characters that some take for one ---------------------------------------------------------
        put(b"X: 1\r\n Content-Length: 1"),
        put(b"X: 1\nContent-Length: 5", body=b"0\r\n\r\n"),
        put(b"X: 1\rContent-Length: 5", body=b"0\r\n\r\n"),
        put(b"X: 1\r"),
        put(b"X: a\0b"),
        put(b"X\0: b"),
        put(b": 1"),
        b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\n\n",
        b"GET /a HTTP/1.1\r\nHost: h\r\n\rX",
        b"GET /a HTTP/1.1\nHost: h\r\n\r\n",
        b"GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a\x0cb HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a HTTP/1.1 \r\nHost: h\r\n\r\n",
        b"GET /a HTTP/1.10\r\nHost: h\r\n\r\n",
        # -- Chunks -------------------------------------------------------------------------------------------------------
        chunked(b"+1\r\nx\r\n0\r\n\r\n"),
        chunked(b"-1\r\nx\r\n0\r\n\r\n"),
        chunked(b"0x1\r\nx\r\n0\r\n\r\n"),
        chunked(b"1 \r\nx\r\n0\r\n\r\n"),
        chunked(b" 1\r\nx\r\n0\r\n\r\n"),
        chunked(b"\r\nx\r\n0\r\n\r\n"),
        chunked(b"FFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n"),
        chunked(b"1\nx\r\n0\r\n\r\n"),
        chunked(b"1\r\nx\n0\r\n\r\n"),
        chunked(b"1\r\nxYY0\r\n\r\n"),
        chunked(b"1\rXx\r\n0\r\n\r\n"),
        chunked(b"1;a\nx\r\n0\r\n\r\n"),
        chunked(b"1;a\rb\r\nx\r\n0\r\n\r\n"),
        chunked(b'1;a="\r\nx\r\n0\r\n\r\n'),
        chunked(b"1\r\nx\r\n0\r\n\n"),
        chunked(b"1\r\nx\r\n0\r\n\rX"),
        chunked(b"0\r\nX: a\n\n"),
        chunked(b"0\r\nno colon\r\n\r\n"),
        chunked(b"0\r\nX: a\r\n b\r\n\r\n"),
        chunked(b"0\r\nContent-Length: 9\r\n\r\n"),
        chunked(b"0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ],
)
def test_what_two_readers_could_take_differently_is_refused_with_all_that_follows(serve, handler, heard, data, split):
    async def scenario(serving):
        await sent(serving, data + HIDDEN, split=split)
        assert heard == []

    serve(handler, scenario)


@pytest.mark.parametrize("split", [False, True], ids=["at once", "by bytes"])
@pytest.mark.parametrize(
    ("data", "body"),
    [
        (put(b"Content-Length: %d\t" % len(HIDDEN), body=HIDDEN), HIDDEN),
        (put(b"Content_Length: 9"), b""),  # Another header.
        (put(b"transfer-encoding:\tCHUNKED", body=b"0\r\n\r\n"), b""),
        (chunked(b"0000000001;a=b\r\nx\r\n0\r\nX: y\r\n\r\n"), b"x"),
        (chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)), HIDDEN),
        (put(b"Content-Length: 1", b"Connection: keep-alive", body=b"x", version=b"1.0"), b"x"),
        (put(b"Content-Length: 1", body=b"x\r\n\r\n"), b"x"),  # Empty lines before the next request.
    ],
)
def test_what_is_taken_ends_where_it_says(serve, handler, heard, data, body, split):
    async def scenario(serving):
        await sent(serving, data + b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n", split=split)
        assert heard == [(b"/a", body), (b"/next", b"")]

    serve(handler, scenario)


@pytest.mark.parametrize("split", [False, True], ids=["at once", "by bytes"])
@pytest.mark.parametrize(
    "data",
    [
        put(b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
        put(b"Content-Length: %d" % len(HIDDEN), b"Expect: 100-continue", body=HIDDEN),
        chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
    ],
)
def test_a_body_that_nobody_read_is_never_taken_for_a_request(serve, heard, data, split):
    async def deaf(request):
        heard.append((request.raw_path, b""))
        return Response(403, [], b"no")

    async def scenario(serving):
        await sent(serving, data + data, split=split)
        assert {path for path, _ in heard} == {b"/a"}

    serve(deaf, scenario)
