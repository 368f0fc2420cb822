"""Requests as the faces see them: their lengths, and how long a body may take."""

from __future__ import annotations

import asyncio

import pytest

from undercroft import limits
from undercroft.http.errors import BodyBroken, BodyStalled, BodyTooLarge
from undercroft.http.request import Request


def request_of(headers=(), pieces=(), pause_s=0.0):
    """A request whose body comes in pieces, each after a pause; without a last one it never ends."""
    coming = list(pieces)

    async def receive():
        await asyncio.sleep(pause_s)
        if not coming:
            return {"type": "http.disconnect"}
        piece = coming.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(coming)}

    scope = {
        "method": "POST", "raw_path": b"/", "query_string": b"", "scheme": "http", "headers": list(headers), "client": None,
    }  # fmt: skip
    return Request.of_scope(scope, receive)


@pytest.mark.parametrize(
    ("value", "length"), [(b"5", 5), (b" 5 \t", 5), (b"0", 0), (b"", None), (b"x", None), (b"-1", None), (b"1,1", None)]
)
def test_the_length_is_the_number_that_the_header_has(value, length):
    request = request_of([(b"content-length", value)])
    assert request.content_length == length
    assert request.has_body is bool(length)


def test_a_document_is_read_whole_up_to_its_limit():
    assert asyncio.run(request_of(pieces=[b"ab", b"", b"c"]).read(3)) == b"abc"
    with pytest.raises(BodyTooLarge):
        asyncio.run(request_of(pieces=[b"ab", b"cd"]).read(3))
    with pytest.raises(BodyTooLarge):
        asyncio.run(request_of([(b"content-length", b"4")], [b"abcd"]).read(3))


def test_a_document_that_dribbles_in_is_cut_off_where_an_upload_is_not(monkeypatch):
    monkeypatch.setattr(limits, "DOCUMENT_MAX_DURATION_S", 0.05)
    pieces = [b"x"] * 20

    async def upload():
        return b"".join([chunk async for chunk in request_of(pieces=pieces, pause_s=0.01).stream()])

    with pytest.raises(BodyStalled):
        asyncio.run(request_of(pieces=pieces, pause_s=0.01).read(100))
    assert asyncio.run(upload()) == b"x" * 20


def test_a_body_that_ends_too_early_is_broken():
    request = request_of(pieces=[])
    with pytest.raises(BodyBroken):
        asyncio.run(request.read(10))
