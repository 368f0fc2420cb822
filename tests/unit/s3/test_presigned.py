"""Who sends a request of S3, by what a presigned URL has in its query."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.s3_authentication import (
    NOW_MS,
    V2_MESSAGE,
    check,
    refused,
    signed,
    signed_at,
)
from harness.s3_requests import (
    HOST,
    KEY_ID,
    SECRET,
    application_key,
    presign,
    request,
    sign_header,
)
from undercroft import limits
from undercroft.http.errors import MalformedURL
from undercroft.s3.errors import S3Error
from undercroft.s3.presign import parse_claim
from undercroft.s3.sigv4 import EMPTY_SHA256, Claim, canonical_query, sign, signing_key, string_to_sign
from undercroft.s3.timestamp import format_timestamp
from undercroft.store.identity.principals import NOBODY


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
# What makes up an ordinary query, among the above: in canonical order, and in that of boto3's presigned URLs.
USUAL = ((0, 1, 5, 7, 10, 12), (0, 1, 5, 10, 7, 12))


@given(st.sampled_from(USUAL), st.lists(st.sampled_from(PARAMETERS), max_size=8), st.integers(0, 6))
def test_an_ordinary_query_says_what_the_same_parameters_say_in_any_other_order(usual, replaced, count):
    """The order decides whether the query is matched as a whole or taken apart; nothing else may depend on it."""
    items = {item.partition(b"=")[0]: item for item in [PARAMETERS[index] for index in usual]}
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


@pytest.mark.parametrize("usual", USUAL)
def test_an_ordinary_query_is_not_taken_apart(usual):
    claim = parse_claim(request("GET", b"/b/k?" + b"&".join([PARAMETERS[index] for index in usual])), NOW_MS)
    assert claim.query_is_canonical
    assert claim.query == canonical_query(claim.query)


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
