"""Leave to send a body (RFC 9110, 10.1.1): given when the body is wanted, and only then."""

from __future__ import annotations

import pytest


def test_a_body_is_asked_for_when_it_is_read(serve, echo):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert (await client.head())[0] == 100
        await client.send(b"ok")
        answer = await client.answer()
        assert (answer.status, answer.body[-2:], "connection" in answer.headers) == (200, b"ok", False)

    serve(echo, scenario)


def test_a_body_that_is_not_wanted_is_not_asked_for_and_the_connection_closed(serve, deaf):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (403, "close")
        assert await client.rest() == b""

    serve(deaf, scenario)


def test_a_client_that_does_not_wait_for_leave_is_not_given_it(serve, echo):
    async def scenario(serving):
        answer = await serving.ask(b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok")
        assert answer.status == 200

    serve(echo, scenario)


@pytest.mark.parametrize("expect", [b"something-else", b""])
def test_other_expectations_are_ignored(serve, echo, expect):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: " + expect + b"\r\nContent-Length: 2\r\n\r\n")
        await client.send(b"ok")
        assert (await client.answer()).status == 200

    serve(echo, scenario)


def test_leave_is_not_given_where_there_is_no_body_or_no_http_1_1(serve, echo):
    async def scenario(serving):
        assert (await serving.ask(b"GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n")).status == 200
        client = await serving.client()
        await client.send(b"PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok")
        assert (await client.answer()).status == 200

    serve(echo, scenario)


def test_leave_is_given_for_an_empty_body_that_is_announced(serve, echo):
    async def scenario(serving):
        client = await serving.client()
        for _ in range(2):
            await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n")
            assert (await client.answer()).status == 100
            answer = await client.answer()
            assert (answer.status, "connection" in answer.headers) == (200, False)

    serve(echo, scenario)


def test_an_empty_body_that_is_not_asked_for_ends_the_connection(serve, deaf):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (403, "close")
        assert await client.rest() == b""

    serve(deaf, scenario)
