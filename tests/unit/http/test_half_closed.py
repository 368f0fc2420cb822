"""A client that sends no more, and still reads: it gets every answer that it asked for."""

from __future__ import annotations

import asyncio

import pytest

from undercroft import limits
from undercroft.http.response import Response

GET = b"GET /bucket/key HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.mark.parametrize("count", [1, 3])
def test_a_client_that_closes_its_half_gets_every_answer_that_it_asked_for(serve, count):
    begun, may_answer = [], asyncio.Event()

    async def slow(request):
        body = await request.read(limits.MIB)
        if request.method == "PUT":
            begun.append(body)
            await may_answer.wait()
        return Response(200, [], body)

    async def scenario(serving):
        client = await serving.client()
        await client.send(
            b"".join(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n%d" % n for n in range(count))
        )
        await serving.until(lambda: begun)
        client.writer.write_eof()
        await serving.ask(GET)  # What came before it is noticed by then.
        may_answer.set()
        answers = [await client.answer() for _ in range(count)]
        assert [answer.body for answer in answers] == [b"%d" % number for number in range(count)]
        assert [answer.headers.get("connection") for answer in answers] == [None] * (count - 1) + ["close"]
        assert await client.rest() == b""
        await serving.until(lambda: len(serving.state.connections) <= 1)

    serve(slow, scenario)


@pytest.mark.parametrize("sent", [b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx", b"GET / HT", b""])
def test_a_client_that_closes_its_half_in_the_middle_of_a_request_is_gone(serve, echo, sent):
    async def scenario(serving):
        client = await serving.client()
        await client.send(sent)
        client.writer.write_eof()
        assert await client.rest() == b""

    serve(echo, scenario)


def test_a_refusal_comes_after_the_answers_before_it_also_where_the_client_has_closed_its_half(serve):
    begun, may_answer = [], asyncio.Event()

    async def slow(request):
        if request.method == "PUT":
            begun.append(request)
            await may_answer.wait()
        return Response(200, [], b"first")

    async def scenario(serving):
        client = await serving.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\n\r\nGET no request\r\n\r\n")
        await serving.until(lambda: begun)
        client.writer.write_eof()
        await serving.ask(GET)
        may_answer.set()
        assert (await client.answer()).body == b"first"
        assert (await client.answer()).status == 400
        assert await client.rest() == b""

    serve(slow, scenario)
