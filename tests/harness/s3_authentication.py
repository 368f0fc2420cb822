"""Requests that are judged by the S3 face, and what comes of it, for unit tests."""

from __future__ import annotations

import asyncio

import pytest

from harness.s3_requests import (
    HOST,
    KEY_ID,
    SECRET,
    Keys,
    application_key,
    request,
    sign_header,
)
from undercroft.s3.authenticate import Authentication, authenticate
from undercroft.s3.errors import S3Error
from undercroft.s3.sigv4 import Claim, canonical_query, sign, signing_key, string_to_sign
from undercroft.s3.timestamp import format_timestamp, parse_timestamp

NOW_MS = parse_timestamp(b"20250601T120000Z")
MINUTE_MS = 60_000
V2_MESSAGE = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."


def check(made, now_ms=NOW_MS, keys=None) -> Authentication:
    return asyncio.run(authenticate(made, keys or Keys(application_key()), now_ms))


def refused(made, now_ms=NOW_MS, keys=None) -> S3Error:
    with pytest.raises(S3Error) as caught:
        check(made, now_ms, keys)
    return caught.value


def signed(method="GET", target="/b/k", headers=None, *, extra=(), **options):
    """A request signed by botocore, with further headers that it does not sign, and the time of signing."""
    sent, now_ms = sign_header(method, target, headers, **options)
    return request(method, target, [*sent, *extra]), now_ms


def signed_at(moment_ms, *, date_header: bytes | None = None, names=b"host", more=(), query=b""):
    """A request signed by hand, at any time and with any headers."""
    stamp = format_timestamp(moment_ms)
    claim = Claim(KEY_ID, stamp[:8], b"r", names, b"", stamp, b"UNSIGNED-PAYLOAD", query)
    headers = [(b"x-amz-date", stamp)] if date_header is None else [(b"date", date_header)]
    headers += [(b"x-amz-content-sha256", b"UNSIGNED-PAYLOAD"), *more]
    names = b";".join(sorted([b"host", *(name for name, _ in headers)]))
    values = {b"host": HOST.encode(), **dict(headers)}
    block = b"".join(b"%b:%b\n" % (name, values[name]) for name in names.split(b";"))
    text = b"\n".join((b"GET", b"/b/k", canonical_query(query), block, names, b"UNSIGNED-PAYLOAD"))
    signature = sign(signing_key(SECRET, claim.date, b"r"), string_to_sign(stamp, claim.scope, text))
    value = b"AWS4-HMAC-SHA256 Credential=%b/%b,SignedHeaders=%b,Signature=%b"
    authorization = value % (KEY_ID.encode(), claim.scope, names, signature)
    return request("GET", b"/b/k?" + query, [*headers, (b"authorization", authorization)])
