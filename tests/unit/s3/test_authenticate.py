from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.s3_requests import (
    ACCOUNT_ID,
    HOST,
    KEY_ID,
    SECRET,
    Keys,
    application_key,
    presign,
    request,
    sign_header,
)
from undercroft import limits
from undercroft.http.errors import MalformedURL
from undercroft.s3.authenticate import Authentication, authenticate
from undercroft.s3.errors import S3Error
from undercroft.s3.presign import parse_claim
from undercroft.s3.sigv4 import EMPTY_SHA256, Claim, canonical_query, sign, signing_key, string_to_sign
from undercroft.s3.timestamp import format_timestamp, parse_timestamp
from undercroft.store.identity.principals import NOBODY

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


def with_authorization(value: bytes, headers=()):
    return request("GET", "/b/k", [(b"authorization", value), *headers])


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


# -- The query --------------------------------------------------------------------------------------------------------
def presigned(method="GET", target="/b/k", headers=None, *, sent=(), change=None, **options):
    """A request by a URL that botocore presigned, and the time of signing. `change` alters the URL afterwards."""
    made, now_ms = presign(method, target, headers, **options)
    return request(method, change(made) if change else made, sent), now_ms


def test_a_presigned_url_is_its_keys():
    made, now_ms = presigned()
    auth = check(made, now_ms)
    assert auth.principal.key == application_key()
    assert (auth.signed, auth.presigned) == (True, True)
    assert auth.payload_hash == "UNSIGNED-PAYLOAD"


PARAMETERS = [
    b"X-Amz-Algorithm=AWS4-HMAC-SHA256",
    b"X-Amz-Credential=0" + b"1" * 24 + b"%2F20250601%2Fus-west-000%2Fs3%2Faws4_request",
    b"X-Amz-Credential=0" + b"1" * 24 + b"/20250601/us-west-000/s3/aws4_request",
    b"X-Amz-Credential=0" + b"1" * 24 + b"%2F20250531%2Fus-west-000%2Fs3%2Faws4_request",
    b"X-Amz-Credential=0" + b"1" * 24 + b"%2F20250601%2F" + b"r" * 200 + b"%2Fs3%2Faws4_request",
    b"X-Amz-Date=20250601T120000Z",
    b"X-Amz-Date=2025",
    b"X-Amz-Expires=60",
    b"X-Amz-Expires=0",
    b"X-Amz-Expires=99999999999",
    b"X-Amz-SignedHeaders=host",
    b"X-Amz-SignedHeaders=host%3Brange",
    b"X-Amz-Signature=" + b"0" * 64,
    b"a=b",
]
USUAL = (0, 1, 5, 7, 10, 12)  # What makes up an ordinary query, among the above.


@given(st.lists(st.sampled_from(PARAMETERS), max_size=8), st.integers(0, 6))
def test_an_ordinary_query_says_what_the_same_parameters_say_in_any_other_order(replaced, count):
    """The order decides whether the query is matched as a whole or taken apart; nothing else may depend on it."""
    items = {item.partition(b"=")[0]: item for item in [PARAMETERS[index] for index in USUAL]}
    items |= {item.partition(b"=")[0]: item for item in replaced[:count]}
    ordinary = list(items.values())
    claims = [claim_or_error(b"&".join(order)) for order in (ordinary, ordinary[::-1])]
    assert claims[0] == claims[1]


def claim_or_error(query: bytes):
    try:
        claim = parse_claim(request("GET", b"/b/k?" + query), NOW_MS)
    except S3Error as error:
        return error.code, str(error)
    canonical = claim.query if claim.query_is_canonical else canonical_query(claim.query)
    assert canonical == canonical_query(claim.query)
    return [getattr(claim, name) for name in claim.__struct_fields__ if not name.startswith("query")] + [canonical]


def test_the_query_of_an_ordinary_presigned_url_is_known_to_be_canonical():
    made, now_ms = presigned()
    assert parse_claim(made, now_ms).query_is_canonical
    made, now_ms = presigned(target="/b/k?versionId=4")
    assert not parse_claim(made, now_ms).query_is_canonical


def test_a_presigned_part_upload_needs_only_the_host_signed():
    made, now_ms = presigned("PUT", "/b/k?uploadId=u&partNumber=1", sent=[(b"content-type", b"a/b")])
    assert check(made, now_ms).presigned


def test_a_presigned_url_lives_until_it_expires():
    made, now_ms = presigned(expires_s=60)
    assert check(made, now_ms + 60_000).signed
    error = refused(presigned(expires_s=60)[0], now_ms + 65_000)
    assert (error.code, error.status, error.message) == ("AccessDenied", 403, "Request has expired")
    assert list(error.extras) == ["X-Amz-Expires", "Expires", "ServerTime"]
    assert error.extras["X-Amz-Expires"] == "60"


@pytest.mark.parametrize(("expires_s", "code"), [(604_800, None), (604_801, "AuthorizationQueryParametersError")])
def test_a_presigned_url_lives_a_week_at_most(expires_s, code):
    made, now_ms = presigned(expires_s=expires_s)
    if code is None:
        assert check(made, now_ms).signed
    else:
        assert refused(made, now_ms).code == code


def test_a_url_that_lives_no_time_has_expired():
    made, now_ms = presigned(expires_s=0)
    assert refused(made, now_ms).message == "Request has expired"


def test_a_presigned_url_may_be_of_the_future_only_as_far_as_clocks_differ():
    made, now_ms = presigned()
    assert check(made, now_ms - 900_000).signed
    error = refused(presigned()[0], now_ms - 960_000)
    assert (error.code, error.message) == ("AccessDenied", "Request is not valid yet")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS4-HMAC-SHA1"),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256&", ""),
        ("X-Amz-Expires=3600", "X-Amz-Expires="),
        ("X-Amz-Expires=3600", "X-Amz-Expires=-1"),
        ("X-Amz-Expires=3600", "X-Amz-Expires=soon"),
        ("X-Amz-Expires=3600", "X-Amz-Expires=" + "9" * 5000),
        ("X-Amz-Expires=3600", "X-Amz-Expires=3600&X-Amz-Expires=3600"),
        ("%2Fs3%2F", "%2Fec2%2F"),
        ("aws4_request", "aws5_request"),
        ("%2Fus-west-000%2F", "%2F"),
        ("%2Fus-west-000%2F", "%2F" + "r" * (limits.REGION_MAX_LENGTH + 1) + "%2F"),
        ("X-Amz-Date=20", "X-Amz-Date=19"),
        ("Z&X-Amz-Expires", "0&X-Amz-Expires"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="),
        ("X-Amz-Signature=", "X-Amz-Signature=&x="),
    ],
)
def test_parameters_of_a_signature_that_are_missing_or_malformed_are_refused(old, new):
    made, now_ms = presigned(change=lambda url: url.replace(old, new))
    error = refused(made, now_ms)
    assert (error.code, error.status) == ("AuthorizationQueryParametersError", 400)


def test_a_changed_presigned_url_is_refused():
    made, now_ms = presigned(change=lambda url: url.replace("/b/k", "/b/l"))
    assert refused(made, now_ms).code == "SignatureDoesNotMatch"


def test_a_presigned_content_type_must_be_sent_as_signed():
    for sent, accepted in ((b"text/plain", True), (b"text/html", False)):
        made, now_ms = presigned("PUT", headers={"Content-Type": "text/plain"}, sent=[(b"content-type", sent)])
        if accepted:
            assert check(made, now_ms).signed
        else:
            assert refused(made, now_ms).code == "SignatureDoesNotMatch"


def test_an_amz_header_beside_a_presigned_url_must_be_signed():
    made, now_ms = presigned(sent=[(b"x-amz-acl", b"public-read")])
    assert refused(made, now_ms).extras == {"HeadersNotSigned": "x-amz-acl"}


def test_amz_parameters_of_a_presigned_url_become_headers():
    target = "/b/k?x-amz-meta-Colour=" + quote("grün & blau") + "&X-Amz-Storage-Class=STANDARD&versionId=1"
    made, now_ms = presigned("PUT", target)
    check(made, now_ms)
    assert made.header_map[b"x-amz-meta-colour"].decode() == "grün & blau"
    assert (b"x-amz-storage-class", b"STANDARD") in made.headers
    assert not {b"versionid", b"x-amz-signature", b"x-amz-date", b"x-amz-credential"} & set(made.header_map)


def test_a_signed_header_wins_over_a_parameter_of_its_name():
    headers = {"x-amz-meta-a": "header"}
    made, now_ms = presigned("PUT", "/b/k?x-amz-meta-a=query", headers, sent=[(b"x-amz-meta-a", b"header")])
    check(made, now_ms)
    assert made.header("x-amz-meta-a") == "header"


@pytest.mark.parametrize("item", ["x-amz-meta-a=1%0D%0ASet-Cookie:x", "x-amz-meta-a=%00", "x-amz-meta-%0A=1"])
def test_a_parameter_that_no_header_could_be_is_refused(item):
    made, now_ms = presigned("PUT", "/b/k?" + item)
    assert refused(made, now_ms).code == "InvalidArgument"


def test_amz_parameters_of_other_requests_stay_parameters():
    made, now_ms = signed(target="/b/k?x-amz-meta-a=1")
    check(made, now_ms)
    assert b"x-amz-meta-a" not in made.header_map


def test_the_payload_hash_of_a_presigned_url_may_be_a_parameter():
    made, now_ms = presigned("PUT", "/b/k?X-Amz-Content-Sha256=" + EMPTY_SHA256)
    stamp = format_timestamp(now_ms)
    # botocore always signs UNSIGNED-PAYLOAD, so this one is signed by hand.
    query = made.raw_query.rpartition(b"&X-Amz-Signature=")[0]
    claim = Claim(KEY_ID, stamp[:8], b"us-west-000", b"host", b"", stamp, EMPTY_SHA256.encode(), query)
    block = b"host:" + HOST.encode() + b"\n"
    text = b"\n".join((b"PUT", b"/b/k", canonical_query(query), block, b"host", EMPTY_SHA256.encode()))
    key = signing_key(SECRET, claim.date, claim.region)
    made.raw_query = query + b"&X-Amz-Signature=" + sign(key, string_to_sign(stamp, claim.scope, text))
    assert check(made, now_ms).payload_hash == EMPTY_SHA256


def test_a_query_that_was_signed_with_plus_for_space_is_to_be_read_so():
    made = signed_at(NOW_MS, query=b"prefix=a%20b")
    made.raw_query = b"prefix=a+b"
    assert check(made).query == {"prefix": "a b"}
    assert check(signed_at(NOW_MS, query=b"prefix=a%2Bb")).query == {"prefix": "a+b"}


def test_a_session_token_in_the_query_is_refused():
    made, now_ms = presigned(change=lambda url: url + "&X-Amz-Security-Token=t")
    assert refused(made, now_ms).code == "InvalidToken"


def test_two_mechanisms_at_once_are_refused():
    url, now_ms = presign("GET", "/b/k")
    sent, _ = sign_header("GET", url)
    error = refused(request("GET", url, sent), now_ms)
    assert (error.code, error.status) == ("InvalidArgument", 400)
    assert error.message == "Only one auth mechanism allowed"


def test_a_version_2_url_is_refused_with_the_text_that_clients_know():
    error = refused(request("GET", "/b/k?AWSAccessKeyId=k&Signature=s&Expires=1"))
    assert (error.code, error.message) == ("InvalidRequest", V2_MESSAGE)


@pytest.mark.parametrize("query", ["prefix=X-Amz-Signature", "X-Amz-Date=1", "prefix=AWSAccessKeyId=1"])
def test_values_that_look_like_a_signature_are_none(query):
    assert check(request("GET", "/b?" + query)).principal is NOBODY


def test_a_parameter_that_is_not_utf_8_makes_the_url_malformed():
    made, now_ms = presigned(change=lambda url: url.replace("X-Amz-Credential=", "X-Amz-Credential=%ff"))
    with pytest.raises(MalformedURL):
        check(made, now_ms)


@given(
    key=st.text(st.characters(blacklist_categories=["Cs"]), max_size=16),
    query=st.dictionaries(st.text("abcdefgh-/ é", min_size=1, max_size=6), st.text(max_size=8), max_size=3),
    content_type=st.none() | st.just("text/plain; charset=utf-8"),
)
def test_whatever_botocore_presigns_is_accepted(key, query, content_type):
    target = "/bucket/" + quote(key, safe="/~")
    if query:
        target += "?" + "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items())
    headers = {} if content_type is None else {"content-type": content_type}
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    made, now_ms = presigned("PUT", target, headers, sent=sent)
    assert check(made, now_ms).presigned
    assert dict(parse_qsl(made.raw_query.decode()))["X-Amz-Expires"] == "3600"
