"""The limits on requests and connections, at a real server: each in the words of the protocol that the path speaks."""

from __future__ import annotations

import json
import socket
import ssl
from contextlib import closing
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from lxml import etree

from undercroft import limits

NATIVE = b"/b2api/v3/b2_list_buckets"


def exchange(server, data: bytes, *, patience_s: float = 15.0) -> SimpleNamespace:
    """Send bytes as they are; the first answer, and whether the connection was closed after it."""
    url = urlsplit(server.api_url)
    with closing(socket.create_connection((url.hostname, url.port), timeout=patience_s)) as plain:
        connection = plain
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=str(server.ca_file))
            connection = context.wrap_socket(plain, server_hostname=url.hostname)
        with closing(connection):
            connection.sendall(data)
            received = b""
            while b"\r\n\r\n" not in received:
                piece = connection.recv(65_536)
                assert piece, f"closed without an answer after {received!r}"
                received += piece
            head, _, body = received.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            length = 0 if data.startswith(b"HEAD") else int(headers["content-length"])
            while len(body) < length:
                body += connection.recv(65_536)
            return SimpleNamespace(status=int(first.split(" ")[1]), headers=headers, body=body)


def request(path: bytes, *headers: bytes, method: bytes = b"GET", body: bytes = b"") -> bytes:
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", b"Host: localhost", *headers, b"", body])


def assert_refused(answer, path: bytes, status: int, s3_code: str, native_code: str) -> None:
    assert answer.status == status
    assert answer.headers["connection"] == "close"
    if path == NATIVE:
        said = json.loads(answer.body)
        assert (list(said), said["code"], said["status"]) == (["code", "message", "status"], native_code, status)
        assert said["message"]
    else:
        document = etree.fromstring(answer.body)
        assert (document.tag, document.findtext("Code")) == ("Error", s3_code)
        assert document.findtext("Message")
        assert document.findtext("RequestId") == answer.headers["x-amz-request-id"]


@pytest.fixture(params=["plain", "tls"])
def any_server(request):
    """The server, without and with TLS."""
    return request.getfixturevalue("server" if request.param == "plain" else "tls_server")


both_faces = pytest.mark.parametrize("path", [b"/some-bucket/key", NATIVE])


@both_faces
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_number_of_headers(server, path, over):
    headers = [b"x-%d: v" % number for number in range(limits.HEADER_COUNT_MAX - 1 + over)]
    answer = exchange(server, request(path, *headers))
    if over > 0:
        assert_refused(answer, path, 400, "RequestHeaderSectionTooLarge", "bad_request")
    else:
        assert answer.status in {401, 403, 404}


@both_faces
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_bytes_of_headers(server, path, over):
    room = limits.HEADERS_MAX_BYTES - len(b"Host: localhost\r\n") - len(b"x: \r\n")
    answer = exchange(server, request(path, b"x: " + b"v" * (room + over)))
    if over > 0:
        assert_refused(answer, path, 400, "RequestHeaderSectionTooLarge", "bad_request")
    else:
        assert answer.status in {401, 403, 404}


@both_faces
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_length_of_the_url(server, path, over):
    answer = exchange(server, request(path + b"?x=" + b"v" * (limits.URL_MAX_BYTES - len(path) - 3 + over)))
    if over > 0:
        assert_refused(answer, path, 400, "InvalidURI", "bad_request")
    else:
        assert answer.status in {400, 401, 403, 404}
        assert "connection" not in answer.headers


def test_twenty_megabytes_of_headers_are_cut_off_with_an_answer(any_server):
    answer = exchange(any_server, request(b"/b/k", b"x: " + b"v" * 20_000_000))
    assert_refused(answer, b"/b/k", 400, "RequestHeaderSectionTooLarge", "bad_request")


@both_faces
@pytest.mark.parametrize(
    ("headers", "status", "s3_code", "native_code"),
    [
        ((b"Content-Length: nonsense",), 400, "BadRequest", "bad_request"),
        ((b"Content-Length: 1", b"Content-Length: 2"), 400, "BadRequest", "bad_request"),
        ((b"Content-Length: 1", b"Transfer-Encoding: chunked"), 400, "BadRequest", "bad_request"),
        ((b"Transfer-Encoding: gzip, chunked",), 501, "NotImplemented", "bad_request"),
        ((b"Host: another",), 400, "InvalidRequest", "bad_request"),
        ((b"no colon",), 400, "BadRequest", "bad_request"),
    ],
)
def test_malformed_heads(server, path, headers, status, s3_code, native_code):
    assert_refused(exchange(server, request(path, *headers, method=b"PUT")), path, status, s3_code, native_code)


def test_what_is_not_http_is_refused_at_once(server):
    answer = exchange(server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert_refused(answer, b"/", 400, "BadRequest", "bad_request")


def test_a_raw_utf_8_path_reaches_its_face(any_server):
    answer = exchange(any_server, request("/some-bucket/schön".encode()))
    assert (answer.status, etree.fromstring(answer.body).findtext("Code")) == (404, "NoSuchBucket")


def test_an_absolute_target_reaches_its_face(any_server):
    assert exchange(any_server, request(b"http://localhost/healthz")).body == b"ok\n"


def test_a_virtual_host_in_an_absolute_target_counts_as_host(server):
    answer = exchange(server, request(b"http://some-bucket.s3.us-west-000.localhost/healthz"))
    assert etree.fromstring(answer.body).findtext("Code") == "NoSuchBucket"


def test_host_decides_before_path(server):
    for path in (b"/healthz", b"/file/x", NATIVE):
        data = request(path).replace(b"Host: localhost", b"Host: some-bucket.s3.localhost:8620")
        assert etree.fromstring(exchange(server, data).body).findtext("Code") == "NoSuchBucket"


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c"])
def test_an_offer_to_upgrade_is_ignored(server, upgrade):
    answer = exchange(server, request(b"/healthz", b"Connection: Upgrade", b"Upgrade: " + upgrade))
    assert (answer.status, answer.body) == (200, b"ok\n")


def test_a_refused_upload_that_waits_for_leave_gets_its_answer_and_no_leave(any_server):
    answer = exchange(any_server, request(b"/b/k", b"Expect: 100-continue", b"Content-Length: 5", method=b"PUT"))
    assert answer.status in {403, 404}
    assert answer.headers["connection"] == "close"


def test_a_refused_upload_that_sends_everything_first_gets_its_answer(any_server):
    size = limits.DRAIN_MAX_BYTES
    data = request(b"/b/k", b"Content-Length: %d" % size, method=b"PUT", body=b"x" * size)
    answer = exchange(any_server, data)
    assert answer.status in {403, 404}
    assert etree.fromstring(answer.body).tag == "Error"


def test_every_answer_has_a_date_and_no_server(server):
    for path in (b"/healthz", b"/b/k", NATIVE):
        answer = exchange(server, request(path))
        assert answer.headers["date"].endswith(" GMT")
        assert "server" not in answer.headers


def test_two_hundred_connections_at_once_are_served(server):
    url = urlsplit(server.api_url)
    connections = [socket.create_connection((url.hostname, url.port), timeout=15) for _ in range(200)]
    try:
        for connection in connections:
            connection.sendall(request(b"/healthz"))
        for connection in connections:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    finally:
        for connection in connections:
            connection.close()
