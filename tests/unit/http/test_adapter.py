"""How responses leave, and what becomes of errors."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from undercroft.http.response import Response

GET = b"GET /k HTTP/1.1\r\nHost: h\r\n\r\n"


def cells(meter):
    return {key: (cell.requests, cell.received, cell.sent) for key, cell in meter._cells.items()}


def test_bytes_get_their_length_and_no_second_one(serve):
    async def handler(request):
        headers = [(b"content-length", b"5")] if request.raw_path == b"/own" else []
        return Response(200, headers, b"bytes")

    async def scenario(serving):
        for path in (b"/own", b"/k"):
            client = await serving.client()
            await client.send(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            assert (await client.rest()).lower().count(b"content-length: 5\r\n") == 1

    serve(handler, scenario)


def test_head_and_body_of_a_small_answer_leave_together(serve):
    async def handler(request):
        return Response(200, [], b"body")

    async def scenario(serving):
        client = await serving.client()
        await client.send(GET)
        assert (await client.reader.read(65_536)).endswith(b"\r\n\r\nbody")

    serve(handler, scenario)


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body_have_no_length(serve, status):
    async def handler(request):
        return Response(status)

    async def scenario(serving):
        client = await serving.client()
        await client.send(GET + GET)
        for _ in range(2):
            answer = await client.answer()
            assert (answer.status, "content-length" in answer.headers) == (status, False)

    serve(handler, scenario)


@pytest.mark.parametrize("streamed", [False, True])
def test_head_keeps_the_length_and_sends_no_body(serve, streamed):
    produced = []

    async def handler(request):
        async def body():
            produced.append(1)
            yield b"xyz"

        return Response(200, [(b"content-length", b"1234")], body() if streamed else b"")

    async def scenario(serving):
        client = await serving.client()
        await client.send(b"HEAD /k HTTP/1.1\r\nHost: h\r\n\r\n" * 2)
        for _ in range(2):
            answer = await client.answer(to_head=True)
            assert answer.headers["content-length"] == "1234"
        assert produced == []

    serve(handler, scenario)


def test_a_streamed_body_leaves_whole_and_the_connection_stays(serve):
    async def handler(request):
        async def body():
            for _ in range(100):
                yield b"x" * 65_536

        return Response(200, [(b"content-length", b"6553600")], body())

    async def scenario(serving):
        client = await serving.client()
        for _ in range(2):
            await client.send(GET)
            assert (await client.answer()).body == b"x" * 6_553_600
        assert cells(serving.meter) == {("", "", 2): (2, 0, 13_107_200)}

    serve(handler, scenario)


CHUNKED = (b"transfer-encoding", b"chunked")


def test_an_answer_whose_length_nobody_knows_leaves_in_chunks_and_the_connection_stays(serve):
    async def handler(request):
        async def body():
            yield b"x" * 20
            yield b""
            yield b"yz"

        return Response(200, [CHUNKED], body())

    async def scenario(serving):
        client = await serving.client()
        for _ in range(2):
            await client.send(GET)
            status, headers = await client.head()
            assert (status, headers["transfer-encoding"], "content-length" in headers) == (200, "chunked", False)
            expected = b"14\r\n" + b"x" * 20 + b"\r\n2\r\nyz\r\n0\r\n\r\n"
            assert await client.reader.readexactly(len(expected)) == expected

    serve(handler, scenario)


def test_for_a_client_of_http_1_0_such_an_answer_ends_with_the_connection(serve):
    async def handler(request):
        async def body():
            yield b"abc"
            yield b"def"

        return Response(200, [CHUNKED], body())

    async def scenario(serving):
        client = await serving.client()
        await client.send(b"GET /k HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n")
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
        assert body == b"abcdef"
        assert b"transfer-encoding" not in head.lower()
        assert b"connection: close" in head.lower()

    serve(handler, scenario)


def test_an_answer_in_chunks_that_breaks_is_cut_off_before_its_end(serve):
    async def handler(request):
        async def body():
            yield b"abc"
            yield b"def"
            raise ValueError("broken")

        return Response(200, [CHUNKED], body())

    async def scenario(serving):
        client = await serving.client()
        await client.send(GET)
        received = b""
        with contextlib.suppress(ConnectionError):
            received = await client.rest()
        assert not received.endswith(b"0\r\n\r\n")

    serve(handler, scenario)


@pytest.mark.parametrize("pieces", [[], [b"x" * 9], [b"x" * 11], [b"x" * 9, ValueError("broken")]])
def test_a_streamed_body_that_breaks_or_has_another_length_cuts_the_connection(serve, pieces):
    async def handler(request):
        async def body():
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece

        return Response(200, [(b"content-length", b"10")], body())

    async def scenario(serving):
        client = await serving.client()
        await client.send(GET)
        received = b""
        with contextlib.suppress(ConnectionError):
            received = await client.rest()
        assert len(received.partition(b"\r\n\r\n")[2]) < 10

    serve(handler, scenario)


def test_a_stream_is_closed_when_its_client_goes_away(serve):
    closed = asyncio.Event()

    async def handler(request):
        async def body():
            try:
                while True:
                    yield b"x" * 65_536
                    await asyncio.sleep(0)
            finally:
                closed.set()

        return Response(200, [(b"content-length", b"%d" % 10**12)], body())

    async def scenario(serving):
        client = await serving.client()
        await client.send(GET)
        await client.head()
        client.writer.transport.abort()
        async with asyncio.timeout(5):
            await closed.wait()

    serve(handler, scenario)


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_a_stream_is_closed_at_its_end_and_where_it_is_not_wanted(serve, method):
    closed = []

    class Body:
        def __init__(self):
            self.left = [b"x", b"y"]

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

        async def aclose(self):
            closed.append(True)

    async def handler(request):
        return Response(200, [(b"content-length", b"2")], Body())

    async def scenario(serving):
        assert (await serving.ask(method + GET[3:])).status == 200
        assert closed == [True]

    serve(handler, scenario)


@pytest.mark.parametrize(("path", "native"), [(b"/bucket/k", False), (b"/b2api/v3/x", True), (b"/file/b/n", True)])
def test_an_unforeseen_error_is_a_500_with_an_id_and_nothing_of_the_error(serve, path, native):
    async def handler(request):
        raise RuntimeError("the secret is K000")

    async def scenario(serving):
        answer = await serving.ask(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        assert answer.status == 500
        assert b"K000" not in answer.body
        if native:
            assert json.loads(answer.body)["code"] == "internal_error"
        else:
            assert b"<Code>InternalError</Code>" in answer.body
            assert answer.headers["x-amz-request-id"].encode() in answer.body

    serve(handler, scenario)


@pytest.mark.parametrize(
    "header",
    [(b"x-a", b"1\r\nset-cookie: x"), (b"x-a", b"\x00"), (b"x-a b", b"1"), (b"x-a:", b"1"), (b"x\xc3\xa9", b"1")],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_header_that_would_split_the_answer_is_never_sent(serve, header, streamed):
    async def handler(request):
        async def body():
            yield b"x"

        return Response(200, [header, (b"content-length", b"1")], body() if streamed else b"x")

    async def scenario(serving):
        answer = await serving.ask(GET)
        assert answer.status == 500
        assert "set-cookie" not in answer.headers

    serve(handler, scenario)


def test_a_header_value_of_utf_8_and_tabs_is_sent_as_it_is(serve):
    async def handler(request):
        return Response(200, [(b"x-a", "é\t.".encode())], b"")

    async def scenario(serving):
        assert (await serving.ask(GET)).headers["x-a"].encode("latin-1") == "é\t.".encode()

    serve(handler, scenario)


def test_an_answer_may_ask_for_the_connection_to_be_closed(serve):
    async def handler(request):
        return Response(200, [], b"bye", close=True)

    async def scenario(serving):
        client = await serving.client()
        await client.send(GET)
        answer = await client.answer()
        assert (answer.body, answer.headers["connection"]) == (b"bye", "close")
        assert await client.rest() == b""

    serve(handler, scenario)


def test_requests_are_counted_by_face_operation_and_class_of_status(serve, echo):
    async def handler(request):
        request.face, request.operation = "s3", "PutObject"
        return await echo(request)

    async def scenario(serving):
        await serving.ask(b"PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
        assert cells(serving.meter) == {("s3", "PutObject", 2): (1, 3, len(b"PUT\n/k\n\nh\nabc"))}
        assert serving.meter.in_flight == 0

    serve(handler, scenario)


def test_an_upload_whose_client_goes_away_is_counted_as_gone_and_not_logged_as_an_error(serve, echo, capsys):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na")
        await serving.until(lambda: serving.meter.in_flight == 1)
        client.writer.close()
        await serving.until(lambda: serving.meter.in_flight == 0)
        assert cells(serving.meter) == {("", "", 4): (1, 1, 0)}

    serve(echo, scenario)
    assert "error" not in capsys.readouterr().out


@pytest.mark.parametrize("streamed", [False, True])
def test_whoever_asked_for_it_is_told_once_how_the_answer_ended(serve, streamed):
    told = []

    async def handler(request):
        async def body():
            yield b"12"
            yield b"345"
            if request.raw_path == b"/breaks":
                raise OSError("The disk is gone.")

        request.when_finished = lambda status, sent, seconds: told.append((status, sent, seconds >= 0))
        return Response(200, [(b"content-length", b"5")], body() if streamed else b"12345")

    async def scenario(serving):
        client = await serving.client()
        await client.send(GET)
        await client.answer()
        assert told == [(200, 5, True)]
        if streamed:
            breaking = await serving.client()
            await breaking.send(GET.replace(b"/k", b"/breaks"))
            await breaking.rest()
            assert told[1:] == [(499, 0, True)]

    serve(handler, scenario)
