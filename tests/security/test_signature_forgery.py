"""Improper verification of cryptographic signatures (CWE-347): requests that are signed wrongly, partly, or not at all."""

from __future__ import annotations

import hashlib
import time

import pytest

from harness.hostile import EMPTY_SHA256, UNSIGNED, Client, as_request, converse, timestamp
from harness.world import SECRET_CONTENT
from undercroft import limits


@pytest.fixture(scope="module", autouse=True)
def nothing_changes(world):
    before = world.snapshot()
    yield
    assert world.snapshot() == before


@pytest.fixture(scope="module")
def target(world):
    return f"/{world.name}/in/file"


def changed(headers, name, value):
    return {**headers, name: value}


def test_the_signer_of_these_tests_is_right(owner, target):
    assert owner.s3("GET", target).body == SECRET_CONTENT
    assert owner.send("GET", owner.signer.presign("GET", target)).body == SECRET_CONTENT


# -- Wrong ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "signature",
    ["", "0" * 64, "0" * 63, "x", "null", "A" * 10_000, "%00", "é"],
)
def test_another_signature_is_refused(owner, target, signature):
    headers = owner.signer.headers("GET", target)
    head = headers["Authorization"].rpartition("=")[0]
    code = owner.send("GET", target, changed(headers, "Authorization", f"{head}={signature}")).refusal
    assert code in {(403, "SignatureDoesNotMatch"), (400, "AuthorizationHeaderMalformed")}


def test_a_signature_differs_by_one_character_in_every_place(owner, target):
    headers = owner.signer.headers("GET", target)
    head, _, signature = headers["Authorization"].rpartition("=")
    for at in range(len(signature)):
        wrong = signature[:at] + ("0" if signature[at] != "0" else "1") + signature[at + 1 :]
        answer = owner.send("GET", target, changed(headers, "Authorization", f"{head}={wrong}"))
        assert answer.refusal == (403, "SignatureDoesNotMatch")
    upper = owner.send("GET", target, changed(headers, "Authorization", f"{head}={signature.upper()}"))
    assert upper.status == 200 or upper.refusal == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 ",
        "AWS4-HMAC-SHA256 Credential=",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=,Signature=",
        "AWS4-HMAC-SHA256 Credential={key}/{day}/us-west-000/s3/aws4_request,Signature=0",
        "AWS4-HMAC-SHA256 Credential={key}/{day}/us-west-000/s3/aws4_request,SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential={key}/{day}/us-west-000/iam/aws4_request,SignedHeaders=host,Signature=0",
        "AWS4-HMAC-SHA256 Credential={key}/{day}/us-west-000/s3/aws5_request,SignedHeaders=host,Signature=0",
        "AWS4-HMAC-SHA256 Credential={key}/20200101/us-west-000/s3/aws4_request,SignedHeaders=host,Signature=0",
        "AWS4-HMAC-SHA256 Credential={key}/{day}/" + "r" * 65 + "/s3/aws4_request,SignedHeaders=host,Signature=0",
        "AWS4-HMAC-SHA256 " + "Credential=x," * 100,
        "AWS4-HMAC-SHA256 Credential={key}/{day}/x/s3/aws4_request,SignedHeaders=host,Signature=0,Extra=1",
        "AWS4-HMAC-SHA1 Credential={key}/{day}/x/s3/aws4_request,SignedHeaders=host,Signature=0",
        "AWS4-ECDSA-P256-SHA256 Credential={key}/{day}/s3/aws4_request,SignedHeaders=host,Signature=0",
        "AWS {key}:c2lnbmF0dXJl",
        "Basic eDp5",
        "Bearer x",
        "Digest username=x",
        "Negotiate",
        ",",
        "=" * 1000,
    ],
)
def test_a_malformed_authorization_is_refused(owner, target, authorization):
    value = authorization.format(key=owner.key_id, day=timestamp()[:8])
    headers = {"x-amz-date": timestamp(), "x-amz-content-sha256": UNSIGNED, "Authorization": value}
    answer = owner.send("GET", target, headers)
    assert answer.error in {
        "AuthorizationHeaderMalformed", "InvalidArgument", "InvalidRequest", "NotImplemented", "AccessDenied",
        "SignatureDoesNotMatch",
    }  # fmt: skip
    assert SECRET_CONTENT not in answer.body


def test_an_unknown_key_a_wrong_secret_and_a_right_one_for_another_key(owner, stranger, target):
    unknown = Client(owner.server, owner.key_id[:-4] + "ffff", owner.secret)
    assert unknown.s3("GET", target).refusal == (403, "InvalidAccessKeyId")
    wrong = Client(owner.server, owner.key_id, stranger.secret)
    assert wrong.s3("GET", target).refusal == (403, "SignatureDoesNotMatch")
    empty = Client(owner.server, owner.key_id, "")
    assert empty.s3("GET", target).refusal == (403, "SignatureDoesNotMatch")
    other_ids = {"", "x", "0" * 25, "é", owner.key_id + "/x", "../" + owner.key_id, owner.account_id}
    other_ids |= {owner.key_id.upper()} - {owner.key_id}  # An id of digits alone is the same in upper case.
    for key_id in sorted(other_ids):
        answer = Client(owner.server, key_id, owner.secret).s3("GET", target)
        assert answer.refusal[0] in {400, 403}
        assert SECRET_CONTENT not in answer.body


def test_the_stand_in_for_unknown_keys_signs_nothing(owner, target):
    for secret in ("0" * 31, "", "0" * 32):
        stand_in = Client(owner.server, "000" + "0" * 22, secret)
        assert stand_in.s3("GET", target).refusal == (403, "InvalidAccessKeyId")


# -- The clock --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("age_s", [limits.CLOCK_SKEW_MAX_S + 5, -limits.CLOCK_SKEW_MAX_S - 5, 86_400 * 400, -86_400])
def test_a_clock_that_differs_too_much_is_refused(owner, target, age_s):
    assert owner.s3("GET", target, age_s=age_s).refusal == (403, "RequestTimeTooSkewed")


@pytest.mark.parametrize("age_s", [limits.CLOCK_SKEW_MAX_S - 30, -limits.CLOCK_SKEW_MAX_S + 30])
def test_a_clock_that_differs_little_is_accepted(owner, target, age_s):
    assert owner.s3("GET", target, age_s=age_s).status == 200


@pytest.mark.parametrize(
    "date",
    [
        "", "0", "T", "20261122T", "99999999T999999Z", "00000101T000000Z", "20260229T000000Z", "2026-11-22T00:00:00Z",
        "Mon, 1 Jan 99999999999999999999 00:00:00 GMT", "Mon, 1 Jan 2026 00:00:00 +9999999999999999",
        "Mon, 1 Jan 2026 99:99:99 GMT", "Sun, 06 Nov 1994 08:49:37", "9" * 5000, "²0261122T000000Z",
    ],
)  # fmt: skip
@pytest.mark.parametrize("header", ["x-amz-date", "Date"])
def test_a_date_that_is_none_is_refused(owner, target, header, date):
    headers = owner.signer.headers("GET", target)
    del headers["x-amz-date"]
    answer = owner.send("GET", target, {**headers, header: date})
    assert answer.refusal[0] in {400, 403}
    assert answer.refusal[1] in {"AccessDenied", "AuthorizationHeaderMalformed", "RequestTimeTooSkewed"}


# -- What the signature must cover ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-amz-copy-source", "{bucket}/in/hidden"),
        ("x-amz-acl", "public-read"),
        ("x-amz-meta-added", "by somebody on the way"),
        ("X-Amz-Meta-Case", "too"),
        ("x-amz-metadata-directive", "REPLACE"),
        ("x-amz-expected-bucket-owner", "x"),
        ("x-amz-security-token", "x"),
        ("x-amz-checksum-crc32", "AAAAAA=="),
        ("x-amz-decoded-content-length", "1"),
    ],
)
def test_an_amz_header_that_somebody_added_on_the_way_is_refused(owner, world, target, name, value):
    headers = owner.signer.headers("PUT", target)
    answer = owner.send("PUT", target, {**headers, name: value.format(bucket=world.name)}, b"x")
    assert answer.refusal[0] in {400, 403}
    assert answer.refusal[1] in {"AccessDenied", "InvalidToken"}


@pytest.mark.parametrize("left_out", ["Host", "x-amz-date", "x-amz-content-sha256"])
def test_what_decides_must_be_signed(owner, target, left_out):
    assert owner.s3("GET", target, unsigned=[left_out]).refusal == (403, "AccessDenied")


def test_signed_headers_cannot_be_changed_left_out_or_doubled(owner, world, target):
    signed = owner.signer.headers(
        "PUT", target, {"x-amz-meta-a": "1", "Content-Type": "text/plain", "Range": "bytes=0-1"}
    )
    for change in ({"x-amz-meta-a": "2"}, {"Content-Type": "text/html"}, {"Range": "bytes=1-2"}, {"Host": "127.0.0.1"}):
        assert owner.send("PUT", target, {**signed, **change}, b"x").refusal == (403, "SignatureDoesNotMatch")
    for left_out in ("x-amz-meta-a", "Content-Type", "Range"):
        fewer = {name: value for name, value in signed.items() if name != left_out}
        assert owner.send("PUT", target, fewer, b"x").refusal == (403, "SignatureDoesNotMatch")
    for doubled in ("x-amz-meta-a", "Content-Type"):
        twice = [*signed.items(), (doubled, signed[doubled])]
        assert owner.send("PUT", target, twice, b"x").refusal == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("name", ["Authorization", "x-amz-date", "x-amz-content-sha256", "Host"])
def test_a_deciding_header_that_comes_twice_is_refused(owner, target, name):
    headers = owner.signer.headers("PUT", target)
    for twice in ([*headers.items(), (name, headers[name])], [(name, headers[name]), *headers.items()]):
        assert owner.send("PUT", target, twice, b"x").refusal[0] in {400, 403}


def test_a_second_authorization_does_not_lend_its_rights(owner, stranger, target):
    own, others = stranger.signer.headers("GET", target), owner.signer.headers("GET", target)
    for pair in (
        [*own.items(), ("Authorization", others["Authorization"])],
        [("Authorization", own["Authorization"]), *others.items()],
    ):
        assert stranger.send("GET", target, pair).refusal == (400, "AuthorizationHeaderMalformed")


@pytest.mark.parametrize(
    ("method", "other"),
    [("PUT", "/{name}/in/file"), ("DELETE", "/{name}/in/file"), ("POST", "/{name}/in/file?uploads"), ("GET", "/{name}/in/hidden"),
     ("GET", "/{name}/in/file?acl"), ("GET", "/{name}/in/file?versionId={file_id}"), ("GET", "/{name}/in/fil%65"),
     ("GET", "/{name}/in//file"), ("GET", "/{name}/in/./file"), ("GET", "/"), ("HEAD", "/{name}/in/file")],
)  # fmt: skip
def test_a_signature_is_for_one_request_alone(owner, world, target, method, other):
    headers = owner.signer.headers("GET", target)
    other = other.format(name=world.name, file_id=world.file_id)
    answer = owner.send(method, other, headers, b"x" if method == "PUT" else b"")
    if other.endswith("%65"):  # Spelt otherwise, it is the same request.
        assert answer.body == SECRET_CONTENT
    elif method == "HEAD":
        assert answer.status == 403
    else:
        assert answer.refusal == (403, "SignatureDoesNotMatch")


def test_region_and_date_of_the_credential_are_signed(owner, target):
    headers = owner.signer.headers("GET", target)
    moved = changed(headers, "Authorization", headers["Authorization"].replace("us-west-000", "us-east-1"))
    assert owner.send("GET", target, moved).refusal == (403, "SignatureDoesNotMatch")
    later = changed(headers, "x-amz-date", timestamp(-1))
    assert owner.send("GET", target, later).refusal == (403, "SignatureDoesNotMatch")


# -- The body ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("claimed", [EMPTY_SHA256, hashlib.sha256(b"another").hexdigest(), "0" * 64])
def test_a_body_other_than_the_one_signed_is_refused(owner, world, claimed):
    answer = owner.s3("PUT", f"/{world.name}/in/file", body=b"the body", payload_hash=claimed)
    assert answer.refusal == (400, "XAmzContentSHA256Mismatch")
    chunked = [*owner.signer.headers("PUT", f"/{world.name}/in/file", payload_hash=claimed).items()]
    answer = owner.send(
        "PUT", f"/{world.name}/in/file", [*chunked, ("Transfer-Encoding", "chunked")], b"8\r\nthe body\r\n0\r\n\r\n"
    )
    assert answer.refusal == (400, "XAmzContentSHA256Mismatch")


def test_a_document_other_than_the_one_signed_is_refused(owner, world):
    body = b"<Delete><Object><Key>in/file</Key></Object></Delete>"
    claimed = hashlib.sha256(body.replace(b"file", b"else")).hexdigest()
    answer = owner.s3("POST", f"/{world.name}?delete", body=body, payload_hash=claimed)
    assert answer.refusal == (400, "XAmzContentSHA256Mismatch")


@pytest.mark.parametrize(
    "word", ["unsigned-payload", "UNSIGNED", "STREAMING-", "STREAMING-UNSIGNED-PAYLOAD", "e" * 63, "g" * 64, "", "*"]
)
def test_a_payload_hash_that_is_no_word_of_the_protocol_is_refused(owner, world, word):
    answer = owner.s3("PUT", f"/{world.name}/in/file", {"x-amz-content-sha256": word}, b"x", payload_hash=word)
    assert answer.refusal[0] in {400, 403}


# -- Two mechanisms, or none ------------------------------------------------------------------------------------------
def test_header_and_query_are_not_mixed(owner, stranger, target):
    presigned = owner.signer.presign("GET", target)
    for signer in (owner.signer, stranger.signer):
        headers = signer.headers("GET", presigned)
        assert owner.send("GET", presigned, headers).refusal == (400, "InvalidArgument")
    bare = {"Authorization": "AWS4-HMAC-SHA256 x"}
    assert owner.send("GET", presigned, bare).refusal == (400, "InvalidArgument")
    assert owner.send("GET", target + "?X-Amz-Signature=x", owner.signer.headers("GET", target)).refusal == (
        400,
        "InvalidArgument",
    )


def test_parameters_that_only_look_like_a_signature_make_nobody_somebody(owner, target):
    presigned = owner.signer.presign("GET", target)
    for disguised in (
        presigned.replace("X-Amz-", "x-amz-"),
        presigned.replace("X-Amz-", "X%2DAmz%2D"),
        presigned.replace("X-Amz-Algorithm", "X-Amz-Algo"),
        presigned.replace("X-Amz-Signature", "Signature"),
        presigned.replace("?", "?&;").replace("&", ";"),
    ):
        answer = owner.send("GET", disguised)
        assert answer.refusal[0] in {400, 403}
        assert answer.refusal[1] != "InternalError"
    version_2 = f"{target}?AWSAccessKeyId={owner.key_id}&Expires=9999999999&Signature=x"
    assert owner.send("GET", version_2).refusal == (400, "InvalidRequest")


def test_a_wrong_signature_is_answered_without_reading_the_body(owner, server, target):
    headers = {**owner.signer.headers("PUT", target), "Content-Length": "5000000000", "Expect": "100-continue"}
    headers["Authorization"] = headers["Authorization"][:-1] + "x"
    began = time.monotonic()
    (answer,) = converse(server, as_request("PUT", target, headers))
    assert answer.refusal == (403, "SignatureDoesNotMatch")
    assert time.monotonic() - began < 3
