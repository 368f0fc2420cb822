"""CORS rules held against origins, operations and headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft import limits
from undercroft.http.cors import Policies, Policy, preflight_of
from undercroft.http.request import Request

GET, PUT = "s3_get", "s3_put"


def rule(*origins, operations=(GET,), headers=None, exposed=None, max_age=60):
    return {
        "corsRuleName": "rule-1", "allowedOrigins": list(origins), "allowedOperations": list(operations),
        "allowedHeaders": headers, "exposeHeaders": exposed, "maxAgeSeconds": max_age,
    }  # fmt: skip


def allowed(pattern, origin):
    grant = Policy([rule(pattern)]).grant(origin.encode(), GET)
    return None if grant is None else grant.origin.decode()


@pytest.mark.parametrize(
    ("pattern", "origin"),
    [
        ("https", "https://a.example"), ("https", "https://a.example:8443"), ("http", "http://[::1]:80"),
        ("https://a.example", "https://a.example"), ("https://A.example", "https://a.example"),
        ("https://a.example:443", "https://a.example"), ("http://a.example", "http://a.example:80"),
        ("http://a.example:8080", "http://a.example:8080"), ("https://*.example", "https://a.example"),
        ("https://*.example", "https://a.b.example"), ("https://*", "https://a.example"), ("http://*:80", "http://a.example"),
        ("http://*:8080", "http://localhost:8080"), ("https://www.*.example", "https://www.a.example"),
        ("https://a*.example", "https://a.example"),
    ],
)  # fmt: skip
def test_an_origin_that_fits_is_repeated_as_it_was_sent(pattern, origin):
    assert allowed(pattern, origin) == origin


@pytest.mark.parametrize(
    ("pattern", "origin"),
    [
        ("https", "http://a.example"), ("http", "https://a.example"), ("https", "https"), ("https", "httpsx://a.example"),
        ("https://a.example", "https://a.example:8443"), ("https://a.example", "https://b.a.example"),
        ("https://a.example", "https://a.example.evil.example"), ("https://*.example", "https://example"),
        ("https://*.example", "https://a.example:8443"), ("https://*.example", "http://a.example"),
        ("https://*.example", "https://evil.test/.example"), ("https://*.example", "https://evil.test?.example"),
        ("https://*.example", "https://user@a.example"), ("https://*", "https://a.example:8443"),
        ("http://*:8080", "http://a.example"), ("https://aa*aa.example", "https://aaa.example"),
        ("https", "null"), ("https", ""), ("https", "https://a.example https://b.example"),
        ("https", "https://a.example,https://b.example"), ("https", "https://a.example/"), ("https", "https://\u00e9.example"),
    ],
)  # fmt: skip
def test_an_origin_that_does_not_fit_is_allowed_nothing(pattern, origin):
    assert allowed(pattern, origin) is None


@pytest.mark.parametrize("origin", ["https://a.example", "null", "chrome-extension://abc", "file://", "a b"])
def test_a_rule_for_every_origin_says_so_and_repeats_none(origin):
    assert allowed("*", origin) == "*"


def test_the_first_rule_for_operation_origin_and_headers_decides():
    policy = Policy(
        [
            rule("*", operations=[PUT], max_age=1),
            rule("https://a.example", headers=["x-one"], max_age=2),
            rule("https", headers=["X-*"], max_age=3),
            rule("*", headers=["*"], max_age=4),
        ]
    )

    def decides(origin, operation, *headers):
        grant = policy.grant(origin, operation, headers)
        return grant and int(grant.rule.max_age)

    assert decides(b"https://a.example", PUT) == 1
    assert decides(b"https://a.example", PUT, "x-one") is None
    assert decides(b"https://a.example", GET) == 2
    assert decides(b"https://a.example", GET, "x-one") == 2
    assert decides(b"https://a.example", GET, "x-one", "x-two") == 3
    assert decides(b"https://b.example", GET) == 3
    assert decides(b"https://a.example", GET, "x-one", "y") == 4
    assert decides(b"http://a.example", GET) == 4
    assert decides(b"https://a.example", "s3_head") is None


def test_an_answer_names_the_origin_and_what_may_be_seen():
    policy = Policy([rule("https", headers=["a"], exposed=["ETag", "x-bz-file-id"], max_age=5)])
    grant = policy.grant(b"https://a.example", GET, ("a",))
    assert dict(grant.answer_headers()) == {
        b"access-control-allow-origin": b"https://a.example",
        b"access-control-expose-headers": b"ETag, x-bz-file-id",
        b"vary": b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }
    assert dict(grant.preflight_headers("GET")) == {
        **dict(grant.answer_headers()),
        b"access-control-allow-methods": b"GET",
        b"access-control-allow-headers": b"a",
        b"access-control-max-age": b"5",
    }
    bare = dict(Policy([rule("*")]).grant(b"null", GET).preflight_headers("GET"))
    assert bare.keys() == {
        b"access-control-allow-origin", b"access-control-allow-methods", b"access-control-max-age", b"vary"
    }  # fmt: skip


def options(**headers):
    sent = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {
        "method": "OPTIONS", "raw_path": b"/", "query_string": b"", "scheme": "http", "client": None, "headers": sent
    }  # fmt: skip
    return preflight_of(Request.of_scope(scope, None))


def test_a_preflight_has_an_origin_and_a_method():
    assert options(origin="null", access_control_request_method=" GET ") == (b"null", "GET", ())
    assert options(origin="null") is None
    assert options(access_control_request_method="GET") is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()), ("X-A", ("x-a",)), ("x-a, X-B ,,x-c", ("x-a", "x-b", "x-c")), ("x a", None), ("x-a, x\u00e9", None),
        (",".join(["x"] * limits.CORS_REQUEST_HEADERS_MAX), ("x",) * limits.CORS_REQUEST_HEADERS_MAX),
        (",".join(["x"] * (limits.CORS_REQUEST_HEADERS_MAX + 1)), None),
    ],
)  # fmt: skip
def test_the_headers_of_a_preflight_are_names_and_not_too_many(text, names):
    asked = options(origin="null", access_control_request_method="GET", access_control_request_headers=text)
    assert asked.headers == names


def test_headers_that_cannot_be_are_allowed_by_no_rule():
    policy = Policy([rule("*", headers=["*"])])
    assert policy.grant(b"null", GET, ("anything",))
    assert policy.grant(b"null", GET, None) is None


def test_rules_are_made_ready_once_and_again_when_they_change():
    policies = Policies()
    first, second = [rule("*")], [rule("https")]
    assert policies.of("b", first) is policies.of("b", first)
    assert policies.of("b", second).grant(b"http://a.example", GET) is None
    for number in range(2 * limits.CORS_POLICIES_REMEMBERED):
        policies.of(str(number), first)
    assert len(policies._policies) <= limits.CORS_POLICIES_REMEMBERED


label = st.text("ab-", min_size=1, max_size=3)
hosts = st.lists(label, min_size=1, max_size=3).map(".".join)
ports = st.sampled_from(["", ":80", ":443", ":8080"])
schemes = st.sampled_from(["http", "https"])


def split(origin):
    """Scheme, host and port of an origin, its ordinary port included."""
    scheme, _, rest = origin.partition("://")
    host, _, port = rest.partition(":")
    return scheme, host, port or {"http": "80", "https": "443"}[scheme]


@given(schemes, hosts, ports, schemes, hosts, ports, st.integers(0, 9), st.integers(0, 9))
def test_a_star_stands_for_part_of_the_host_and_nothing_else(s1, h1, p1, s2, h2, p2, cut, length):
    pattern = f"{s1}://{h1[:cut]}*{h1[cut + length :]}{p1}"
    origin = f"{s2}://{h2}{p2}"
    (scheme, host, port), (ours, theirs, at) = split(pattern), split(origin)
    before, after = host.split("*")
    fits = theirs.startswith(before) and theirs.endswith(after) and len(theirs) >= len(before) + len(after)
    expected = origin if (scheme, port) == (ours, at) and fits else None
    assert allowed(pattern, origin) == expected
