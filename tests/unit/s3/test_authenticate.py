"""Who sends a request of S3, by its Authorization header: signed by a key, wrongly, or by nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from harness.s3_authentication import (
    MINUTE_MS,
    NOW_MS,
    V2_MESSAGE,
    check,
    refused,
    signed,
    signed_at,
)
from harness.s3_requests import (
    ACCOUNT_ID,
    KEY_ID,
    SECRET,
    Keys,
    application_key,
    request,
)
from undercroft import limits
from undercroft.s3.sigv4 import EMPTY_SHA256, signing_key
from undercroft.s3.timestamp import format_timestamp
from undercroft.store.identity.principals import NOBODY


def with_authorization(value: bytes, headers=()):
    return request("GET", "/b/k", [(b"authorization", value), *headers])


# -- The Authorization header -----------------------------------------------------------------------------------------
def test_a_signed_request_is_its_keys():
    made, now_ms = signed()
    auth = check(made, now_ms)
    assert auth.principal.key == application_key()
    assert auth.signed
    assert not auth.presigned
    assert not auth.streaming
    assert auth.payload_hash == EMPTY_SHA256
    assert auth.chunk_seed is None


@pytest.mark.parametrize("region", ["us-east-1", "us-west-000", "", "anything"])
def test_any_region_is_accepted(region):
    made, now_ms = signed(region=region)
    assert check(made, now_ms).signed


@pytest.mark.parametrize("separator", [b",", b", ", b" , "])
def test_the_parts_of_the_header_may_be_separated_with_or_without_blanks(separator):
    made, now_ms = signed()
    for index, (name, value) in enumerate(made.headers):
        if name == b"authorization":
            made.headers[index] = (name, value.replace(b", ", separator))
    assert check(made, now_ms).signed


def test_the_parts_of_the_header_are_found_by_name():
    made, now_ms = signed()
    for index, (name, value) in enumerate(made.headers):
        if name == b"authorization":
            parts = value.removeprefix(b"AWS4-HMAC-SHA256 ").split(b", ")
            made.headers[index] = (name, b"AWS4-HMAC-SHA256 " + b",".join(reversed(parts)))
    assert check(made, now_ms).signed


@pytest.mark.parametrize("header", [(b"content-type", b"a/b"), (b"range", b"bytes=0-1"), (b"if-none-match", b"*")])
def test_ordinary_headers_need_not_be_signed(header):
    made, now_ms = signed(extra=[header, (b"x-amzn-trace-id", b"1")])
    assert check(made, now_ms).signed


def test_an_amz_header_that_is_not_signed_is_refused():
    made, now_ms = signed(extra=[(b"x-amz-acl", b"public-read"), (b"x-amz-meta-a", b"1")])
    error = refused(made, now_ms)
    assert (error.code, error.status) == ("AccessDenied", 403)
    assert error.extras == {"HeadersNotSigned": "x-amz-acl, x-amz-meta-a"}


@pytest.mark.parametrize("count", [limits.HEADER_COUNT_MAX, limits.HEADER_COUNT_MAX + 1])
def test_no_more_headers_can_be_signed_than_a_request_can_have(count):
    value = b"AWS4-HMAC-SHA256 Credential=%b/20250601/r/s3/aws4_request,SignedHeaders=%b,Signature=0"
    names = b";".join([b"host", b"x-amz-date", *[b"x"] * (count - 2)])
    headers = [(b"x-amz-date", b"20250601T120000Z")]
    error = refused(with_authorization(value % (KEY_ID.encode(), names), headers))
    assert error.code == ("SignatureDoesNotMatch" if count == limits.HEADER_COUNT_MAX else "InvalidRequest")


def test_a_host_that_is_not_signed_is_refused():
    stamp = format_timestamp(NOW_MS)
    value = b"AWS4-HMAC-SHA256 Credential=%b/20250601/r/s3/aws4_request,SignedHeaders=x-amz-date,Signature=0"
    error = refused(with_authorization(value % KEY_ID.encode(), [(b"x-amz-date", stamp)]))
    assert error.extras == {"HeadersNotSigned": "host"}


@pytest.mark.parametrize("minutes", [-15, -14, 14, 15])
def test_clocks_may_differ_by_fifteen_minutes(minutes):
    assert check(signed_at(NOW_MS + minutes * MINUTE_MS)).signed


@pytest.mark.parametrize("offset_s", [-limits.CLOCK_SKEW_MAX_S - 1, limits.CLOCK_SKEW_MAX_S + 1])
def test_clocks_that_differ_by_more_are_told_the_time(offset_s):
    moment_ms = NOW_MS + offset_s * 1000
    error = refused(signed_at(moment_ms))
    assert (error.code, error.status) == ("RequestTimeTooSkewed", 403)
    assert error.extras == {
        "RequestTime": format_timestamp(moment_ms).decode(),
        "ServerTime": "2025-06-01T12:00:00Z",
        "MaxAllowedSkewMilliseconds": "900000",
    }


@pytest.mark.parametrize("form", ["http", "basic"])
def test_the_date_header_counts_where_x_amz_date_is_absent(form):
    moment = datetime.fromtimestamp(NOW_MS // 1000, UTC)
    value = format_datetime(moment, usegmt=True).encode() if form == "http" else format_timestamp(NOW_MS)
    assert check(signed_at(NOW_MS, date_header=value)).signed


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"x-amz-date", b"yesterday")],
        [(b"x-amz-date", b"20250601T1200 0Z")],
        [(b"x-amz-date", b"20251301T120000Z")],
        [(b"x-amz-date", b"20250601T120000+")],
        [(b"date", b"tomorrow")],
        [(b"date", b"20250601T120000")],
        [(b"date", b"Sun, 01 Jun 2025 12:00:00 -0000")],
        [(b"date", b"Sun, 01 Jun 99999999999999999999 12:00:00 GMT")],
        [(b"date", b"Sun, 01 Jun 2025 12:00:00 +99999999999999")],
    ],
)
def test_a_request_without_a_usable_date_is_refused(headers):
    value = b"AWS4-HMAC-SHA256 Credential=%b/20250601/r/s3/aws4_request,SignedHeaders=host,Signature=0"
    error = refused(with_authorization(value % KEY_ID.encode(), headers))
    assert (error.code, error.status) == ("AccessDenied", 403)
    assert "requires a valid Date or x-amz-date header" in error.message


def test_a_scope_of_another_day_is_malformed():
    value = b"AWS4-HMAC-SHA256 Credential=%b/20250602/r/s3/aws4_request,SignedHeaders=host,Signature=0"
    error = refused(with_authorization(value % KEY_ID.encode(), [(b"x-amz-date", format_timestamp(NOW_MS))]))
    assert (error.code, error.status) == ("AuthorizationHeaderMalformed", 400)


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"Credential=k/20250601/r/s3/aws4_request",
        b"Credential=k/20250601/r/s3/aws4_request,SignedHeaders=host",
        b"Credential=k/20250601/r/s3/aws4_request,SignedHeaders=host,Signature=",
        b"Credential=k/20250601/r/s3/aws4_request,SignedHeaders=host,Signature=0,Signature=1",
        b"Credential=k/20250601/r/s3/aws4_request,SignedHeaders=host,Signature=0,More=1",
        b"Credential=k/20250601/r/s3,SignedHeaders=host,Signature=0",
        b"Credential=k/20250601/r/ec2/aws4_request,SignedHeaders=host,Signature=0",
        b"Credential=k/20250601/r/s3/aws5_request,SignedHeaders=host,Signature=0",
        b"Credential=k/2025-6-1/r/s3/aws4_request,SignedHeaders=host,Signature=0",
        b"Credential=k/202506010/r/s3/aws4_request,SignedHeaders=host,Signature=0",
        b"Credential=k/20250601/" + b"r" * (limits.REGION_MAX_LENGTH + 1) + b"/s3/aws4_request,"
        b"SignedHeaders=host,Signature=0",
    ],
)
def test_a_malformed_header_is_refused(rest):
    error = refused(with_authorization(b"AWS4-HMAC-SHA256 " + rest + b" "))
    code = "InvalidArgument" if not rest else "AuthorizationHeaderMalformed"
    assert (error.code, error.status) == (code, 400)


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        (b"AWS AKID:c2lnbmF0dXJl", "InvalidRequest", V2_MESSAGE),
        (b"Basic dXNlcjpwYXNz", "InvalidArgument", "Unsupported Authorization Type"),
        (b"AWS4-ECDSA-P256-SHA256 Credential=k", "NotImplemented", None),
        (b"4_0000000000_token", "InvalidArgument", None),
    ],
)
def test_other_kinds_of_authorization_are_told_apart(value, code, message):
    error = refused(with_authorization(value))
    assert error.code == code
    if message is not None:
        assert error.message == message
    if code == "InvalidArgument":
        assert error.extras == {"ArgumentName": "Authorization"}  # The value itself may be a secret.


def test_an_unknown_key_is_refused_by_its_id():
    made, now_ms = signed(key_id="000" + ACCOUNT_ID + "00000000ff")
    error = refused(made, now_ms)
    assert (error.code, error.status) == ("InvalidAccessKeyId", 403)
    assert error.extras == {"AWSAccessKeyId": "000" + ACCOUNT_ID + "00000000ff"}


def test_an_unknown_key_stays_unknown_even_where_its_signature_is_that_of_the_stand_in():
    made, now_ms = signed(secret="0" * 31)
    assert refused(made, now_ms, Keys()).code == "InvalidAccessKeyId"


@pytest.mark.parametrize("key_id", [ACCOUNT_ID, "AKIAIOSFODNN7EXAMPLE", KEY_ID.upper().replace("0", "X"), KEY_ID + "0"])
def test_what_no_application_key_is_called_is_refused_without_a_look(key_id):
    made, now_ms = signed(key_id=key_id)
    keys = Keys(application_key(), application_key(key_id=ACCOUNT_ID))
    error = refused(made, now_ms, keys)
    assert (error.code, error.message) == ("InvalidAccessKeyId", "Malformed Access Key Id")
    assert keys.asked == []


def test_a_master_key_is_refused_whatever_its_id_looks_like():
    made, now_ms = signed()
    error = refused(made, now_ms, Keys(application_key(account_id=KEY_ID)))
    assert (error.code, error.message) == ("InvalidAccessKeyId", "Malformed Access Key Id")


def test_a_wrong_secret_is_refused_with_the_texts_that_were_signed():
    made, now_ms = signed(secret="wrong")
    error = refused(made, now_ms)
    assert (error.code, error.status) == ("SignatureDoesNotMatch", 403)
    assert list(error.extras) == [
        "AWSAccessKeyId",
        "StringToSign",
        "SignatureProvided",
        "StringToSignBytes",
        "CanonicalRequest",
        "CanonicalRequestBytes",
    ]
    assert error.extras["StringToSign"].startswith("AWS4-HMAC-SHA256\n")
    assert error.extras["CanonicalRequest"].startswith("GET\n/b/k\n\nhost:")
    assert bytes.fromhex(error.extras["CanonicalRequestBytes"]).decode() == error.extras["CanonicalRequest"]
    assert bytes.fromhex(error.extras["StringToSignBytes"]).decode() == error.extras["StringToSign"]
    assert error.extras["CanonicalRequestBytes"].startswith("47 45 54 0a")


def test_a_customers_encryption_key_never_comes_back_in_an_error():
    headers = {"x-amz-server-side-encryption-customer-key": "dGhlIGtleQ=="}
    made, now_ms = signed(headers=headers, secret="wrong")
    error = refused(made, now_ms)
    assert error.code == "SignatureDoesNotMatch"
    assert "dGhlIGtleQ==" not in str(error.extras)
    assert "CanonicalRequest" not in error.extras


@pytest.mark.parametrize(("over", "shown"), [(-1, True), (0, True), (1, False)])
def test_a_long_canonical_request_stays_out_of_the_error(over, shown):
    def extras_of(length):
        made, now_ms = signed(headers={"x-amz-meta-a": "v" * length}, secret="wrong")
        return refused(made, now_ms).extras

    short = len(extras_of(1)["CanonicalRequest"]) - 1
    extras = extras_of(limits.CANONICAL_REQUEST_SHOWN_MAX_BYTES - short + over)
    assert ("CanonicalRequest" in extras, "CanonicalRequestBytes" in extras) == (shown, shown)
    assert "StringToSign" in extras


def test_a_session_token_is_refused():
    made, now_ms = signed(headers={"x-amz-security-token": "t"})
    assert refused(made, now_ms).code == "InvalidToken"


def test_the_error_of_a_wrong_signature_contains_no_secret():
    made, now_ms = signed(target="/b/other")
    made.raw_path = b"/b/k"
    error = refused(made, now_ms)
    assert SECRET not in f"{error} {error.extras}"


# -- The payload's hash -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "value",
    ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "ab" * 32, "AB" * 32],
)
def test_payload_hashes_that_need_no_seed(value):
    made, now_ms = signed("PUT", payload_hash=value)
    auth = check(made, now_ms)
    assert auth.payload_hash == value
    assert auth.chunk_seed is None
    assert auth.streaming is value.startswith("STREAMING")


@pytest.mark.parametrize("trailer", ["", "-TRAILER"])
def test_signed_chunks_get_the_requests_signature_as_their_seed(trailer):
    word = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + trailer
    made, now_ms = signed("PUT", payload_hash=word)
    seed = check(made, now_ms).chunk_seed
    assert seed is not None
    date = format_timestamp(now_ms)
    assert seed.key == signing_key(SECRET, date[:8], b"us-west-000")
    assert seed.timestamp == date
    assert seed.scope == date[:8] + b"/us-west-000/s3/aws4_request"
    assert made.header_map[b"authorization"].endswith(b"Signature=" + seed.signature)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("sha256", "InvalidArgument"),
        ("a" * 63, "InvalidArgument"),
        ("g" * 64, "InvalidArgument"),
        ("STREAMING-SOMETHING", "InvalidArgument"),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER", "NotImplemented"),
    ],
)
def test_other_payload_hashes_are_refused(value, code):
    made, now_ms = signed("PUT", payload_hash=value)
    error = refused(made, now_ms)
    assert error.code == code
    if code == "InvalidArgument":
        assert error.extras == {"ArgumentName": "x-amz-content-sha256", "ArgumentValue": value}


# -- Nobody -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("headers", [[], [(b"authorization", b"")]])
def test_a_request_without_a_signature_is_nobodys(headers):
    auth = check(request("GET", "/b/k?versionId=1", headers))
    assert auth.principal is NOBODY
    assert not auth.signed
    assert auth.payload_hash == "UNSIGNED-PAYLOAD"


@pytest.mark.parametrize("value", ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", EMPTY_SHA256])
def test_nobody_may_say_how_the_body_is_hashed(value):
    auth = check(request("PUT", "/b/k", [(b"x-amz-content-sha256", value.encode())]))
    assert auth.payload_hash == value


@pytest.mark.parametrize(
    ("value", "code"),
    [("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "InvalidRequest"), ("nonsense", "InvalidArgument")],
)
def test_nobody_cannot_sign_chunks(value, code):
    assert refused(request("PUT", "/b/k", [(b"x-amz-content-sha256", value.encode())])).code == code
