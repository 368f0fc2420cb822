"""Which headers of proxies are believed."""

from __future__ import annotations

import pytest

from undercroft.http.origin import at_port, client_of, console_origin_of, origin_of
from undercroft.http.request import Request
from undercroft.settings import load


def request_from(peer, *, scheme="http", **headers):
    async def receive():
        raise AssertionError("nobody asked for a body")

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request.of_scope(
        {
            "method": "GET", "raw_path": b"/", "query_string": b"", "scheme": scheme, "headers": named,
            "client": (peer, 1) if peer else None,
        },
        receive,
    )  # fmt: skip


def settings_with(**flags):
    return load({"data": "/d", **flags}, {})


BEHIND = {"trusted_proxy": ["10.0.0.0/8", "::1/128"]}


@pytest.mark.parametrize(
    ("flags", "peer", "headers", "expected"),
    [
        ({}, "1.2.3.4", {"host": "h:8620"}, "http://h:8620"),
        ({}, "1.2.3.4", {"host": "[::1]:8620"}, "http://[::1]:8620"),
        ({}, "1.2.3.4", {}, "http://127.0.0.1:8620"),
        ({}, "1.2.3.4", {"host": "a b"}, "http://127.0.0.1:8620"),
        ({}, "1.2.3.4", {"host": "evil/@h"}, "http://127.0.0.1:8620"),
        ({}, "1.2.3.4", {"host": "[::::]"}, "http://127.0.0.1:8620"),
        ({}, "1.2.3.4", {"host": "[1.2.3.4]:8620"}, "http://127.0.0.1:8620"),
        (BEHIND, "10.0.0.1", {"host": "h", "x_forwarded_host": "[::::]"}, "http://h"),
        ({"public_url": "https://pub/"}, "1.2.3.4", {"host": "h"}, "https://pub"),
        ({}, "10.0.0.1", {"host": "h", "x_forwarded_proto": "https", "x_forwarded_host": "pub"}, "http://h"),
        (BEHIND, "10.0.0.1", {"host": "h", "x_forwarded_proto": "https", "x_forwarded_host": "pub"}, "https://pub"),
        (BEHIND, "11.0.0.1", {"host": "h", "x_forwarded_proto": "https", "x_forwarded_host": "pub"}, "http://h"),
        (BEHIND, "10.0.0.1", {"host": "h", "x_forwarded_proto": "gopher", "x_forwarded_host": "a/b"}, "http://h"),
        (BEHIND, "10.0.0.1", {"host": "h", "x_forwarded_host": "forged, real"}, "http://real"),
        (BEHIND, "", {"host": "h", "x_forwarded_host": "pub"}, "http://h"),
    ],
)
def test_origin_is_the_public_url_or_what_a_believable_request_says(flags, peer, headers, expected):
    assert origin_of(request_from(peer, **headers), settings_with(**flags)) == expected


@pytest.mark.parametrize(
    ("flags", "peer", "headers", "expected"),
    [
        ({}, "1.2.3.4", {"host": "h:8620"}, "http://h:8621"),
        ({}, "1.2.3.4", {"host": "H"}, "http://h:8621"),
        ({}, "1.2.3.4", {"host": "[::1]:8620"}, "http://[::1]:8621"),
        ({}, "1.2.3.4", {"host": "evil/@h"}, "http://127.0.0.1:8621"),
        ({"console_listen": "h:80"}, "1.2.3.4", {"host": "h:8620"}, "http://h"),
        ({"public_url": "https://pub:444"}, "1.2.3.4", {"host": "h"}, "https://pub:8621"),
        ({"console_url": "https://Con:443/", "public_url": "https://pub"}, "1.2.3.4", {"host": "h"}, "https://con"),
        (
            BEHIND,
            "10.0.0.1",
            {"host": "h", "x_forwarded_proto": "https", "x_forwarded_host": "pub"},
            "https://pub:8621",
        ),
        (BEHIND, "11.0.0.1", {"host": "h", "x_forwarded_proto": "https", "x_forwarded_host": "pub"}, "http://h:8621"),
    ],
)
def test_the_console_is_at_its_url_or_beside_the_api_at_its_own_port(flags, peer, headers, expected):
    assert console_origin_of(request_from(peer, **headers), settings_with(**flags)) == expected


@pytest.mark.parametrize(
    ("origin", "port", "expected"),
    [
        ("https://h:443", None, "https://h"),
        ("http://h:443", None, "http://h:443"),
        ("https://h:80", 443, "https://h"),
        ("http://h", 80, "http://h"),
        ("http://[::1]", 443, "http://[::1]:443"),
    ],
)
def test_an_origin_is_without_the_port_that_its_scheme_has_anyway(origin, port, expected):
    assert at_port(origin, port) == expected


def test_origin_has_the_scheme_of_the_connection():
    assert origin_of(request_from("1.1.1.1", scheme="https", host="h"), settings_with()) == "https://h"


@pytest.mark.parametrize(
    ("flags", "peer", "forwarded_for", "expected"),
    [
        ({}, "9.9.9.9", "1.1.1.1", "9.9.9.9"),
        (BEHIND, "9.9.9.9", "1.1.1.1", "9.9.9.9"),
        (BEHIND, "10.0.0.1", "1.1.1.1", "1.1.1.1"),
        (BEHIND, "10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        (BEHIND, "10.0.0.1", "10.0.0.3", "10.0.0.3"),
        (BEHIND, "10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1"),
        (BEHIND, "::1", "2001:db8::1", "2001:db8::1"),
        (BEHIND, "10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_client_is_the_nearest_that_is_no_trusted_proxy(flags, peer, forwarded_for, expected):
    request = request_from(peer, x_forwarded_for=forwarded_for)
    assert client_of(request, settings_with(**flags)) == expected
