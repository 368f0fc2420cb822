"""Inconsistent interpretation of HTTP requests (CWE-444): nothing about where a request ends is left to opinion.

A proxy in front of the server may see another end of the request than the server does. Whatever could be read in two ways is
refused and its connection closed, so that what follows is never taken for a request of its own.
"""

from __future__ import annotations

import pytest

from harness.hostile import as_request, converse

SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
FACES = {b"/bucket-x/key": "BadRequest", b"/b2api/v4/b2_list_buckets": "bad_request"}


def ambiguous(path: bytes, head: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    """An ambiguous request with another one behind it."""
    return b"POST %b HTTP/%b\r\nHost: localhost\r\n%b\r\n%b%b" % (path, version, head, body, SMUGGLED)


CHUNKED_END = b"0\r\n\r\n"
TWO_LENGTHS = {
    "length and coding": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "coding and length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n",
    "the same length twice": b"Content-Length: 5\r\nContent-Length: 5\r\n",
    "a list of lengths": b"Content-Length: 5, 5\r\n",
    "a length in another case": b"Content-Length: 5\r\ncontent-LENGTH: 0\r\n",
    "length with a sign": b"Content-Length: +5\r\n",
    "negative length": b"Content-Length: -5\r\n",
    "hexadecimal length": b"Content-Length: 0x5\r\n",
    "empty length": b"Content-Length:\r\n",
    "length of words": b"Content-Length: five\r\n",
    "length with a blank in it": b"Content-Length: 5 0\r\n",
    "length with an underscore": b"Content-Length: 1_0\r\n",
    "length with a fraction": b"Content-Length: 5.0\r\n",
    "length beyond 64 bits": b"Content-Length: 18446744073709551616\r\n",
    "length of a thousand digits": b"Content-Length: " + b"9" * 1000 + b"\r\n",
    "length of other digits": "Content-Length: ²\r\n".encode(),
    "blank before the colon of the length": b"Content-Length : 5\r\n",
    "blank before the colon of the coding": b"Transfer-Encoding : chunked\r\n",
    "NUL in the name": b"Content-Length\0: 5\r\n",
    "coding twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "coding before the last": b"Transfer-Encoding: chunked, identity\r\n",
    "vertical tab before the coding": b"Transfer-Encoding: \x0bchunked\r\n",
    "no coding beside a length": b"Transfer-Encoding:\r\nContent-Length: 5\r\n",
    "folded coding": b"Transfer-Encoding:\r\n chunked\r\n",
    "folded length": b"Content-Length: 5\r\n 0\r\n",
    "header in a folded line": b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "bare line feed": b"X: y\nContent-Length: 5\r\n",
    "bare carriage return": b"X: y\rContent-Length: 5\r\n",
    "carriage return twice": b"X: y\r\r\nContent-Length: 5\r\n",
    "a line without a colon": b"Content-Length 5\r\n",
    "a line that begins with a colon": b": x\r\nContent-Length: 5\r\n",
    "NUL in a value": b"X: a\0b\r\nContent-Length: 5\r\n",
    "a blank first line": b" X: y\r\nContent-Length: 5\r\n",
}


@pytest.mark.parametrize("path", FACES)
@pytest.mark.parametrize("head", TWO_LENGTHS.values(), ids=TWO_LENGTHS)
def test_an_ambiguous_end_is_refused_and_what_follows_is_not_answered(server, path, head):
    (answer,) = converse(server, ambiguous(path, head, b"hello"))
    assert answer.refusal == (400, FACES[path])
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "coding", [b"gzip", b"gzip, chunked", b"identity", b"xchunked", b"chunked;q=1", b'"chunked"', b"compress"]
)
def test_a_coding_that_is_not_understood_is_refused(server, coding):
    (answer,) = converse(server, ambiguous(b"/bucket-x/key", b"Transfer-Encoding: " + coding + b"\r\n", CHUNKED_END))
    assert answer.status in {400, 501}
    assert answer.error in {"BadRequest", "NotImplemented"}
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("connection", [b"", b"Connection: keep-alive\r\n"])
def test_a_coding_in_http_1_0_is_refused(server, connection):
    head = b"Transfer-Encoding: chunked\r\n" + connection
    (answer,) = converse(server, ambiguous(b"/bucket-x/key", head, CHUNKED_END, b"1.0"))
    assert answer.refusal == (400, "BadRequest")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "body",
    [
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello\r\n0\r\n\r\n",
        b"g\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"5\rhello\r0\r\r",
        b"5;a\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloXX0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"1FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
        b"5\0\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\nno colon\r\n\r\n",
        b"5\r\nhello\r\n0\r\nContent-Length: 99\r\n\r\n",
        b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX: y\n\r\n",
        b"5\r\nhello\r\n0\r\n folded: y\r\n\r\n",
    ],
)
def test_a_malformed_chunk_is_refused_and_stores_nothing(server, owner, make_bucket_once, body):
    name, bucket_id = make_bucket_once
    headers = {**owner.signer.headers("PUT", f"/{name}/k"), "Transfer-Encoding": "chunked"}
    data = as_request("PUT", f"/{name}/k", headers, body) + SMUGGLED
    answers = converse(server, data)
    assert len(answers) <= 1
    for answer in answers:
        assert answer.refusal[0] == 400
    assert owner.ok("b2_list_file_names", bucketId=bucket_id)["files"] == []


@pytest.fixture(scope="module")
def make_bucket_once(make_bucket):
    return make_bucket()


@pytest.mark.parametrize(
    "body",
    [
        b'5;name=value;other="quoted; \\" text"\r\nhello\r\n0\r\n\r\n',
        b"05\r\nhello\r\n000\r\n\r\n",
        b"2\r\nhe\r\n3\r\nllo\r\n0\r\nHost: evil\r\nAuthorization: x\r\nX-Amz-Acl: public-read\r\n\r\n",
    ],
)
def test_chunks_in_odd_but_clear_words_are_read_rightly(server, owner, make_bucket, body):
    name, _ = make_bucket()
    headers = {**owner.signer.headers("PUT", f"/{name}/k"), "Transfer-Encoding": "chunked"}
    first, second = converse(server, as_request("PUT", f"/{name}/k", headers, body) + SMUGGLED)
    assert (first.status, second.body) == (200, b"ok\n")
    assert owner.s3("GET", f"/{name}/k").body == b"hello"


def test_a_request_within_a_body_is_never_a_request(server, owner, make_bucket):
    name, _ = make_bucket()
    inner = as_request("DELETE", f"/{name}/k", owner.signer.headers("DELETE", f"/{name}/k"))
    signed = owner.signer.headers("PUT", f"/{name}/k")
    stored, after = converse(server, as_request("PUT", f"/{name}/k", signed, inner) + SMUGGLED)
    assert (stored.status, after.body) == (200, b"ok\n")
    assert owner.s3("GET", f"/{name}/k").body == inner


@pytest.mark.parametrize(
    "early",
    [
        ("PUT", "/no-such-bucket/k", {}),
        ("POST", "/b2api/v4/b2_list_buckets", {"Authorization": "x"}),
        ("GET", "/healthz", {}),
        ("POST", "/b2api/v4/no_such_call", {}),
        ("DELETE", "/no-such-bucket/k", {}),
    ],
)
def test_the_body_of_a_request_that_was_answered_early_is_not_the_next_request(server, early):
    method, target, headers = early
    first, second = converse(server, as_request(method, target, headers, SMUGGLED) + SMUGGLED)
    assert first.status in {200, 401, 403, 404}
    assert second.body == b"ok\n"


def test_a_body_whose_leave_was_not_given_is_not_the_next_request(server):
    head = as_request("PUT", "/no-such-bucket/k", {"Expect": "100-continue", "Content-Length": str(len(SMUGGLED))})
    first, *others = converse(server, head + SMUGGLED + SMUGGLED)
    assert first.refusal == (404, "NoSuchBucket")
    # Either the server waits for no body and closes, or it has seen the body and goes on behind it.
    assert [answer.body for answer in others] == ([] if first.headers.get("connection") == "close" else [b"ok\n"])


def test_head_and_bodiless_answers_do_not_shift_the_next_one(server, owner, make_bucket):
    name, _ = make_bucket()
    owner.s3("PUT", f"/{name}/k", body=b"content")
    data = b"".join(
        as_request(method, f"/{name}/{key}", owner.signer.headers(method, f"/{name}/{key}"))
        for method, key in (("HEAD", "k"), ("HEAD", "none"), ("DELETE", "none"), ("HEAD", "k"))
    )
    answers = converse(server, data + SMUGGLED.replace(b"GET", b"HEAD"), head=True)
    assert [answer.status for answer in answers] == [200, 404, 204, 200, 200]
    assert answers[0].headers["content-length"] == "7"


@pytest.mark.parametrize(
    "line",
    [
        b"GET /healthz\r\n", b"GET\t/healthz\tHTTP/1.1\r\n", b"GET /healthz HTTP/1.1 \r\n",
        b" GET /healthz HTTP/1.1\r\n", b"get /healthz HTTP/1.1\r\n", b"GET /healthz HTTP/2.0\r\n", b"GET /healthz HTTP/1.2\r\n", b"GET /healthz HTTP/1\r\n",
        b"GET /healthz http/1.1\r\n", b"GET /healthz HTTP/01.1\r\n", b"GET /healthz\0 HTTP/1.1\r\n", b"GE\0T /healthz HTTP/1.1\r\n", b"G\xc3\xa9T / HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n", b"\x16\x03\x01\x02\r\n", b"EHLO x\r\n", b"FOO /healthz HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\n", b"GET /healthz HTTP/1.1\r",
        b"GET * HTTP/1.1\r\n", b"GET healthz HTTP/1.1\r\n", b"CONNECT localhost:1 HTTP/1.1\r\n", b"GET ftp://localhost/healthz HTTP/1.1\r\n",
    ],
)  # fmt: skip
def test_a_malformed_line_is_refused_and_its_connection_closed(server, line):
    (answer,) = converse(server, line + b"Host: localhost\r\n\r\n" + SMUGGLED)
    assert answer.status in {400, 405, 505}
    assert answer.error in {"BadRequest", "InvalidURI", "MethodNotAllowed"}
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("method", ["TRACE", "PATCH", "PROPFIND", "OPTIONS", "LINK", "PURGE", "SEARCH"])
def test_other_methods_are_refused_without_repeating_the_request(nobody, method):
    for target in ("/bucket-x/key", "/b2api/v4/b2_list_buckets", "/file/bucket-x/key"):
        answer = nobody.send(method, target, {"X-Secret": "do not repeat", "Authorization": "4_x"})
        assert answer.refusal[0] in {400, 401, 403, 405}
        assert b"do not repeat" not in answer.body


@pytest.mark.parametrize("offer", ["h2c", "websocket", "TLS/1.0", "x"])
@pytest.mark.parametrize("name", ["Upgrade", "upgrade", "UPGRADE"])
def test_an_offer_to_upgrade_neither_opens_a_tunnel_nor_eats_a_body(server, owner, make_bucket_once, offer, name):
    fields = {name: offer, "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
    first, second = converse(server, as_request("GET", "/healthz", fields) + SMUGGLED)
    assert (first.status, second.status) == (200, 200)
    bucket, _ = make_bucket_once
    signed = {**owner.signer.headers("PUT", f"/{bucket}/upgraded"), **fields}
    answers = converse(server, as_request("PUT", f"/{bucket}/upgraded", signed, b"whole") + SMUGGLED)
    if answers[0].status == 200:
        assert owner.s3("GET", f"/{bucket}/upgraded").body == b"whole"
    else:
        assert len(answers) == 1
    owner.s3("DELETE", f"/{bucket}/upgraded?versionId=" + answers[0].headers.get("x-amz-version-id", "null"))
