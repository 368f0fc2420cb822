from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest

from harness.s3_requests import Headers, request
from undercroft.http.errors import BodyTooLarge
from undercroft.http.request import Request
from undercroft.s3 import checksums
from undercroft.s3.authenticate import Authentication
from undercroft.s3.body import UploadBody, read_document, without_aws_chunked
from undercroft.s3.errors import S3Error
from undercroft.s3.sigv4 import EMPTY_SHA256, ChunkSeed, sign
from undercroft.store.identity.principals import NOBODY

HELLO = b"hello world"
MD5 = b"XrY7u+Ae7tCTyyK7j1rNww=="
CRC32 = b"DUoRhQ=="
SHA256 = hashlib.sha256(HELLO).hexdigest()
LENGTH = (b"content-length", b"11")
FRAMED = b"b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"
DECODED = (b"x-amz-decoded-content-length", b"11")
TRAILER = (b"x-amz-trailer", b"x-amz-checksum-crc32")
STREAMING = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def put(body: bytes | list[bytes], *headers: tuple[bytes, bytes]) -> Request:
    return request("PUT", "/b/k", headers, body)


def auth(payload_hash="UNSIGNED-PAYLOAD", *, presigned=False, seed=None) -> Authentication:
    return Authentication(NOBODY, payload_hash, {}, True, presigned, chunk_seed=seed)


def received(body: UploadBody) -> bytes:
    async def collect() -> bytes:
        return b"".join([piece async for piece in body.chunks()])

    return asyncio.run(collect())


def refused(made: Request, authentication: Authentication) -> S3Error:
    with pytest.raises(S3Error) as caught:
        received(UploadBody(made, authentication))
    return caught.value


# -- Plain bodies -----------------------------------------------------------------------------------------------------
def test_a_plain_body_is_handed_on_as_it_comes():
    body = UploadBody(put([b"hello ", b"world"], LENGTH), auth())
    assert body.length == 11
    assert body.algorithms == frozenset()
    assert body.checksum_algorithm is None
    assert received(body) == HELLO
    assert body.expected() == {}


def test_a_body_in_the_chunks_of_http_has_no_length():
    body = UploadBody(put(HELLO, (b"transfer-encoding", b"chunked")), auth())
    assert body.length is None
    assert received(body) == HELLO


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"eleven")]])
def test_a_body_of_unsaid_length_is_refused(headers):
    error = refused(put(HELLO, *headers), auth())
    assert (error.code, error.status) == ("MissingContentLength", 411)


def test_the_digests_of_the_headers_are_expected():
    headers = [(b"content-md5", MD5), (b"x-amz-checksum-crc32", CRC32), LENGTH]
    body = UploadBody(put(HELLO, *headers), auth(SHA256))
    assert body.algorithms == {"crc32", "sha256"}
    assert body.checksum_algorithm == "crc32"
    assert body.payload_hash == SHA256
    assert body.expected() == {
        "md5": base64.b64decode(MD5),
        "crc32": base64.b64decode(CRC32),
        "sha256": bytes.fromhex(SHA256),
    }


def test_sha1_need_not_be_asked_for():
    text = base64.b64encode(hashlib.sha1(HELLO).digest())
    body = UploadBody(put(HELLO, (b"x-amz-checksum-sha1", text), LENGTH), auth())
    assert body.checksum_algorithm == "sha1"
    assert body.algorithms == frozenset()
    assert body.expected() == {"sha1": hashlib.sha1(HELLO).digest()}


@pytest.mark.parametrize("value", [b"", b"bad", b"XrY7u+Ae7tCTyyK7j1rN", b"XrY7u+Ae7tCTyyK7j1rNww", b"\xff"])
def test_a_malformed_content_md5_is_an_invalid_digest(value):
    error = refused(put(HELLO, (b"content-md5", value), LENGTH), auth())
    assert (error.code, error.status) == ("InvalidDigest", 400)
    assert error.extras == {"Content-MD5": value.decode("latin-1")}


def test_two_declarations_of_the_same_digest_must_agree():
    good = base64.b64encode(bytes.fromhex(SHA256))
    assert UploadBody(put(HELLO, (b"x-amz-checksum-sha256", good), LENGTH), auth(SHA256)).checksum_algorithm == "sha256"
    error = refused(put(HELLO, (b"x-amz-checksum-sha256", good), LENGTH), auth(EMPTY_SHA256))
    assert error.code == "BadDigest"


@pytest.mark.parametrize(
    ("headers", "presigned", "code"),
    [
        ([(b"x-amz-sdk-checksum-algorithm", b"CRC32"), (b"x-amz-checksum-crc32", CRC32)], False, None),
        ([(b"x-amz-sdk-checksum-algorithm", b"CRC32")], False, "InvalidRequest"),
        ([(b"x-amz-sdk-checksum-algorithm", b"CRC32")], True, None),
        ([(b"x-amz-sdk-checksum-algorithm", b"")], False, None),
        ([(b"x-amz-sdk-checksum-algorithm", b"CRC32C"), (b"x-amz-checksum-crc32", CRC32)], False, "InvalidRequest"),
        ([(b"x-amz-sdk-checksum-algorithm", b"CRC32C"), (b"x-amz-checksum-crc32", CRC32)], True, "InvalidRequest"),
        ([(b"x-amz-sdk-checksum-algorithm", b"MD4")], True, "InvalidRequest"),
        ([(b"x-amz-checksum-crc32", b"bad")], False, "InvalidRequest"),
        ([(b"x-amz-checksum-xxhash3", b"AAAA")], False, "InvalidRequest"),
        ([(b"x-amz-checksum-crc32", CRC32), (b"x-amz-checksum-crc32c", b"yZRlqg==")], False, "InvalidRequest"),
    ],
)
def test_the_checksum_must_be_the_one_that_the_client_says_it_sends(headers, presigned, code):
    made = put(HELLO, LENGTH, *headers)
    if code is None:
        assert received(UploadBody(made, auth(presigned=presigned))) == HELLO
    else:
        assert refused(made, auth(presigned=presigned)).code == code


# -- aws-chunked bodies -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("framing", [(b"transfer-encoding", b"chunked"), (b"content-length", b"%d" % len(FRAMED))])
def test_an_unsigned_framed_body_brings_its_checksum_after_the_payload(framing):
    made = put([FRAMED[:5], FRAMED[5:]], framing, DECODED, TRAILER, (b"x-amz-sdk-checksum-algorithm", b"CRC32"))
    body = UploadBody(made, auth(STREAMING))
    assert body.length == 11
    assert body.algorithms == {"crc32"}
    assert body.checksum_algorithm == "crc32"
    assert body.expected() == {}
    assert received(body) == HELLO
    assert body.expected() == {"crc32": base64.b64decode(CRC32)}


def test_a_framed_body_needs_no_trailer():
    body = UploadBody(put(b"b\r\nhello world\r\n0\r\n\r\n", DECODED), auth(STREAMING))
    assert received(body) == HELLO
    assert body.checksum_algorithm is None
    assert body.expected() == {}


def test_a_framed_body_may_have_its_checksum_in_a_header():
    body = UploadBody(put(b"b\r\nhello world\r\n0\r\n\r\n", DECODED, (b"x-amz-checksum-crc32", CRC32)), auth(STREAMING))
    assert received(body) == HELLO
    assert body.expected() == {"crc32": base64.b64decode(CRC32)}


def signed_body(*, trailer: bool) -> tuple[bytes, ChunkSeed]:
    seed = ChunkSeed(b"k" * 32, b"20250601T120000Z", b"scope", b"0" * 64)
    previous = seed.signature
    parts = []
    for chunk in (HELLO, b""):
        digest = hashlib.sha256(chunk).hexdigest().encode()
        lines = (b"AWS4-HMAC-SHA256-PAYLOAD", seed.timestamp, seed.scope, previous, EMPTY_SHA256.encode(), digest)
        previous = sign(seed.key, b"\n".join(lines))
        parts.append(b"%x;chunk-signature=%b\r\n" % (len(chunk), previous) + (chunk + b"\r\n" if chunk else b""))
    if trailer:
        digest = hashlib.sha256(b"x-amz-checksum-crc32:DUoRhQ==\n").hexdigest().encode()
        lines = (b"AWS4-HMAC-SHA256-TRAILER", seed.timestamp, seed.scope, previous, digest)
        parts += [
            b"x-amz-checksum-crc32:DUoRhQ==\r\nx-amz-trailer-signature:",
            sign(seed.key, b"\n".join(lines)),
            b"\r\n",
        ]
    return b"".join([*parts, b"\r\n"]), seed


def test_a_body_with_signed_chunks():
    content, seed = signed_body(trailer=False)
    body = UploadBody(put(content, DECODED), auth("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", seed=seed))
    assert received(body) == HELLO


def test_signed_chunks_without_a_trailer_in_their_name_have_none():
    content, seed = signed_body(trailer=True)
    error = refused(put(content, DECODED, TRAILER), auth("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", seed=seed))
    assert error.code == "MalformedTrailerError"


def test_a_body_with_signed_chunks_and_trailer():
    content, seed = signed_body(trailer=True)
    authentication = auth("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", seed=seed)
    body = UploadBody(put(content, DECODED, TRAILER), authentication)
    assert received(body) == HELLO
    assert body.expected() == {"crc32": base64.b64decode(CRC32)}


def test_a_body_whose_chunk_has_changed_fails_as_a_whole():
    content, seed = signed_body(trailer=True)
    authentication = auth("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", seed=seed)
    made = put(content.replace(HELLO, HELLO[::-1]), DECODED, TRAILER)
    assert refused(made, authentication).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("headers", [[], [(b"x-amz-decoded-content-length", b"-1")], [(DECODED[0], b"9" * 20)]])
def test_a_framed_body_must_say_its_decoded_length(headers):
    error = refused(put(FRAMED, TRAILER, LENGTH, *headers), auth(STREAMING))
    assert (error.code, error.status) == ("MissingContentLength", 411)


def test_a_decoded_length_that_is_wrong_is_an_incomplete_body():
    error = refused(put(FRAMED, TRAILER, (DECODED[0], b"12")), auth(STREAMING))
    assert error.code == "IncompleteBody"


@pytest.mark.parametrize(
    ("headers", "end", "code"),
    [
        ([TRAILER], b"x-amz-checksum-crc32:bad", "InvalidRequest"),
        ([TRAILER], b"x-amz-checksum-sha1:DUoRhQ==", "MalformedTrailerError"),
        ([(b"x-amz-trailer", b"x-amz-meta-a")], b"x-amz-meta-a:1", "InvalidRequest"),
        ([(b"x-amz-trailer", b"x-amz-checksum-md5")], b"x-amz-checksum-md5:1", "InvalidRequest"),
        ([(b"x-amz-trailer", b"x-amz-checksum-crc32,x-amz-checksum-sha1")], b"", "InvalidRequest"),
        ([TRAILER, (b"x-amz-checksum-crc32", CRC32)], b"x-amz-checksum-crc32:DUoRhQ==", "InvalidRequest"),
        ([TRAILER, (b"x-amz-sdk-checksum-algorithm", b"SHA1")], b"x-amz-checksum-crc32:DUoRhQ==", "InvalidRequest"),
    ],
)
def test_a_trailer_must_be_one_well_formed_checksum(headers, end, code):
    made = put(b"b\r\nhello world\r\n0\r\n" + end + b"\r\n\r\n", DECODED, *headers)
    assert refused(made, auth(STREAMING)).code == code


def test_what_only_headers_tell_is_refused_before_the_body_is_asked_for():
    made = put(FRAMED, TRAILER, (b"x-amz-checksum-crc32", CRC32), DECODED)
    with pytest.raises(S3Error):
        UploadBody(made, auth(STREAMING))
    assert not made.body_ended


def test_framing_without_a_streaming_hash_is_known_by_its_two_headers():
    headers = [(b"content-encoding", b"gzip, AWS-chunked"), DECODED, TRAILER]
    body = UploadBody(put(FRAMED, *headers), auth())
    assert received(body) == HELLO
    assert body.expected() == {"crc32": base64.b64decode(CRC32)}


@pytest.mark.parametrize(
    ("headers", "payload_hash"),
    [
        ([(b"content-encoding", b"aws-chunked")], "UNSIGNED-PAYLOAD"),
        ([DECODED], "UNSIGNED-PAYLOAD"),
        ([(b"content-encoding", b"aws-chunked"), DECODED], hashlib.sha256(FRAMED).hexdigest()),
    ],
)
def test_a_plain_body_that_claims_to_be_framed_is_left_alone(headers, payload_hash):
    made = put(FRAMED, (b"content-length", b"%d" % len(FRAMED)), *headers)
    assert received(UploadBody(made, auth(payload_hash))) == FRAMED


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (None, None),
        ("gzip", "gzip"),
        ("aws-chunked", None),
        ("aws-chunked,gzip", "gzip"),
        ("gzip, AWS-Chunked, br", "gzip,br"),
        ("aws-chunked,", None),
    ],
)
def test_the_framing_is_no_encoding_to_keep(sent, kept):
    assert without_aws_chunked(sent) == kept


# -- Documents --------------------------------------------------------------------------------------------------------
def document(headers: Headers, authentication: Authentication, limit: int = 11) -> bytes:
    return asyncio.run(read_document(put([b"hello ", b"world"], *headers), authentication, limit))


@pytest.mark.parametrize("algorithm", checksums.SIZES)
def test_a_document_is_whole_where_its_digests_are_right(algorithm):
    value = checksums.to_text(checksums.digest(algorithm, HELLO)).encode()
    headers = [(b"content-md5", MD5), (checksums.header_name(algorithm), value)]
    assert document(headers, auth(SHA256)) == HELLO


@pytest.mark.parametrize(
    ("headers", "payload_hash", "code"),
    [
        ([(b"content-md5", b"AAAAAAAAAAAAAAAAAAAAAA==")], SHA256, "BadDigest"),
        ([(b"x-amz-checksum-crc32", b"AAAAAA==")], SHA256, "BadDigest"),
        ([], EMPTY_SHA256, "XAmzContentSHA256Mismatch"),
        ([(b"content-md5", b"bad")], SHA256, "InvalidDigest"),
        ([(b"x-amz-checksum-crc32", b"bad")], SHA256, "InvalidRequest"),
        ([DECODED], STREAMING, "InvalidRequest"),
    ],
)
def test_a_document_is_refused_where_a_digest_is_wrong(headers, payload_hash, code):
    with pytest.raises(S3Error) as caught:
        document(headers, auth(payload_hash))
    assert caught.value.code == code


@pytest.mark.parametrize("limit", [10, 11, 12])
def test_a_document_has_a_limit(limit):
    if limit >= 11:
        assert document([], auth(), limit) == HELLO
    else:
        with pytest.raises(BodyTooLarge):
            document([], auth(), limit)


def test_a_checksum_may_be_about_something_else_than_the_document():
    made = put(HELLO, (b"x-amz-checksum-crc32", b"AAAAAA=="))
    assert asyncio.run(read_document(made, auth(SHA256), checksum_of_body=False)) == HELLO
