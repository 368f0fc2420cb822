from __future__ import annotations

import asyncio
import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft.http.request import Request
from undercroft.native.errors import BadRequest
from undercroft.native.upload_body import NativeBody

UNKNOWN = -1  # As a length: none is declared.


def request(sha1, chunks, *, length=None, headers=()):
    messages = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks) - 1}
        for number, chunk in enumerate(chunks or [b""])
    ]

    async def receive():
        return messages.pop(0)

    size = sum(map(len, chunks)) if length in (None, UNKNOWN) else length
    sent = [*([] if length is UNKNOWN else [(b"content-length", b"%d" % size)]), *headers]
    if sha1 is not None:
        sent.append((b"x-bz-content-sha1", sha1))
    scope = {
        "method": "POST", "raw_path": b"/", "query_string": b"", "scheme": "http", "client": None, "headers": sent,
    }  # fmt: skip
    return Request.of_scope(scope, receive)


def read(body):
    async def collect():
        return [chunk async for chunk in body.chunks()]

    return asyncio.run(collect())


def cut(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.binary(max_size=300), st.lists(st.integers(0, 10_000), max_size=8))
def test_digits_at_the_end_are_told_from_the_payload_however_the_body_is_cut(data, places):
    digest = hashlib.sha1(data).digest()
    body = NativeBody(request(b"hex_digits_at_end", cut(data + digest.hex().encode(), places)))
    assert body.length == len(data)
    assert b"".join(read(body)) == data
    assert body.expected() == {"sha1": digest}


def test_large_chunks_are_passed_on_but_for_the_digits():
    chunks = [b"a" * 100_000, b"b" * 100_000 + b"0" * 40]
    got = read(NativeBody(request(b"hex_digits_at_end", chunks)))
    assert b"".join(got) == b"a" * 100_000 + b"b" * 100_000
    assert len(got) <= 2 * len(chunks)


@pytest.mark.parametrize("ending", [b"z" * 40, b"0" * 39 + b" "])
def test_digits_at_the_end_must_be_hex(ending):
    with pytest.raises(BadRequest, match="hex"):
        read(NativeBody(request(b"hex_digits_at_end", [b"data", ending])))


def test_a_body_shorter_than_its_digits_is_refused_at_once():
    with pytest.raises(BadRequest):
        NativeBody(request(b"hex_digits_at_end", [b"0" * 39]))
    assert NativeBody(request(b"hex_digits_at_end", [b"0" * 40])).length == 0


def test_a_digest_in_the_header_is_expected_in_any_letter_case():
    digest = hashlib.sha1(b"data").digest()
    for text in (digest.hex(), digest.hex().upper()):
        body = NativeBody(request(text.encode(), [b"data"]))
        assert (body.length, body.expected(), body.unverified) == (4, {"sha1": digest}, False)
        assert read(body) == [b"data"]


def test_do_not_verify_expects_nothing():
    body = NativeBody(request(b"do_not_verify", [b"data"]))
    assert (body.expected(), body.unverified, body.algorithms) == ({}, True, frozenset())


@pytest.mark.parametrize("sha1", [None, b"", b"abc", b"0" * 39, b"0" * 41, b"g" * 40, b"DO_NOT_VERIFY"])
def test_other_values_are_refused(sha1):
    with pytest.raises(BadRequest):
        NativeBody(request(sha1, [b"data"]))


def test_a_length_must_be_declared():
    with pytest.raises(BadRequest, match="Chunked"):
        NativeBody(request(b"do_not_verify", [b"data"], headers=[(b"transfer-encoding", b"chunked")]))
    with pytest.raises(BadRequest, match="Content-Length"):
        NativeBody(request(b"do_not_verify", [b"data"], length=UNKNOWN))
