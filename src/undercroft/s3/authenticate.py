"""Who sends a request, proven: the one function of the S3 face that turns a request into a principal.

It runs before anything else looks at the request, over both signing mechanisms (Authorization header, query) and over
requests without one, which are nobody's. What it costs is on every request's bill, so the ordinary case is straight-line
slicing of bytes; everything unusual leaves it at the first sign, by an error.
"""

from __future__ import annotations

from collections.abc import Container
from email.utils import parsedate_to_datetime
from typing import Protocol

import msgspec

from undercroft import limits
from undercroft.http.request import Request
from undercroft.s3 import presign, sigv4
from undercroft.s3.errors import S3Error, invalid_argument
from undercroft.s3.sigv4 import ChunkSeed, Claim, Reading
from undercroft.s3.timestamp import format_timestamp, parse_timestamp, server_time
from undercroft.store.identity.principals import NOBODY, Principal
from undercroft.store.model import ApplicationKey

STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

_EMPTY_SHA256 = sigv4.EMPTY_SHA256.encode()
_CHUNK_SIGNED = frozenset((STREAMING_SIGNED, STREAMING_SIGNED_TRAILER))
_WORDS_FOR_PAYLOADS = frozenset(
    (b"UNSIGNED-PAYLOAD", *(word.encode() for word in (*_CHUNK_SIGNED, STREAMING_UNSIGNED_TRAILER)))
)
# s3cmd recognises this very text and goes back to version 4.
_V2_MESSAGE = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
_DATE_MESSAGE = "AWS authentication requires a valid Date or x-amz-date header"
_KEY_ID_LENGTH = 25
# What an unknown key's signature is checked with, so that the answer takes as long as that of a wrong signature.
_NOBODYS_SECRET = "0" * 31


class KeySource(Protocol):
    """Where application keys come from: the store's identity."""

    async def key(self, key_id: str) -> ApplicationKey | None:
        """The key of this id, or None where it is unknown, deleted or expired, or its account suspended."""
        ...


class Authentication(msgspec.Struct, frozen=True):
    """Who sends the request, and what the signature says of its body and its query.

    `payload_hash` is the value of x-amz-content-sha256, or UNSIGNED-PAYLOAD where there is none. `query` has the
    parameters, decoded as they were signed, without those of the signature itself. `chunk_seed` is there for the two
    kinds of body whose chunks are signed.
    """

    principal: Principal
    payload_hash: str
    query: dict[str, str]
    signed: bool = False
    presigned: bool = False
    chunk_seed: ChunkSeed | None = None

    @property
    def streaming(self) -> bool:
        """Whether the body is announced as aws-chunked, which only PutObject and UploadPart may be."""
        return self.payload_hash.startswith("STREAMING-")


async def authenticate(request: Request, identity: KeySource, now_ms: int) -> Authentication:
    """Prove who sends the request, or that nobody claims to.

    The `x-amz-*` parameters of a presigned URL are headers of `request` afterwards. Raises `S3Error` as the reference's
    2.3 to 2.6 say; the time taken does not tell an unknown key from a wrong signature.
    """
    authorization = request.header_map.get(b"authorization")
    raw_query = request.raw_query
    presigned = bool(raw_query) and presign.has_v4(raw_query)
    if authorization:
        if presigned:
            extras = {"ArgumentName": "Authorization"}
            raise S3Error("InvalidArgument", "Only one auth mechanism allowed", extras=extras)
        claim = _claim_of_header(request, authorization.strip(), now_ms)
    elif presigned:
        claim = presign.parse_claim(request, now_ms)
    elif raw_query and presign.has_v2(raw_query):
        raise S3Error("InvalidRequest", _V2_MESSAGE)
    else:
        return _anonymous(request)

    if claim.payload_hash != _EMPTY_SHA256 and claim.payload_hash:
        _check_payload_hash(claim.payload_hash)
    _check_signed_headers(request, claim.signed_headers)
    key, reading = await _verified(claim, request, identity)
    query: dict[str, str] = {}
    if not claim.query_is_canonical:
        left_out = presign.PARAMETERS if presigned else ()
        query = _decoded(request, plus_is_space=reading.plus_is_space, leaving_out=left_out)
        if presigned and query:
            query = presign.hoist(request, query)
    payload_hash = reading.payload_hash.decode("ascii")
    seed = None
    if payload_hash in _CHUNK_SIGNED:
        secret = sigv4.signing_key(key.secret, claim.date, claim.region)
        seed = ChunkSeed(secret, claim.timestamp, claim.scope, claim.signature)
    return Authentication(Principal.of_key(key), payload_hash, query, True, presigned, seed)


async def _verified(claim: Claim, request: Request, identity: KeySource) -> tuple[ApplicationKey, Reading]:
    """The key that signed the request, and how the request is to be read."""
    key_id = claim.key_id
    extras = {"AWSAccessKeyId": key_id}
    if len(key_id) != _KEY_ID_LENGTH or key_id.strip("0123456789abcdef"):
        # No application key looks like this. A master key does: its id is the account's, and S3 never takes it.
        raise S3Error("InvalidAccessKeyId", "Malformed Access Key Id", extras=extras)
    key = await identity.key(key_id)
    genuine, reading = sigv4.verify(claim, request, _NOBODYS_SECRET if key is None else key.secret)
    if not genuine and key is not None:
        request.named_account = key.account_id
        raise _mismatch(claim, reading)
    if not genuine:
        # For the time that it takes. A variable would make a circle of it: see `S3Face._refusal`.
        _mismatch(claim, reading)
    if key is None:
        raise S3Error("InvalidAccessKeyId", extras=extras)
    if key.is_master:
        raise S3Error("InvalidAccessKeyId", "Malformed Access Key Id", extras=extras)
    return key, reading


def _anonymous(request: Request) -> Authentication:
    """Nobody's request. Its body may be hashed, but chunks cannot be signed by nobody."""
    value = request.header_map.get(b"x-amz-content-sha256", b"").strip()
    if not value:
        return Authentication(NOBODY, sigv4.UNSIGNED_PAYLOAD, _decoded(request))
    _check_payload_hash(value)
    payload_hash = value.decode("ascii")
    if payload_hash in _CHUNK_SIGNED:
        raise S3Error("InvalidRequest", "A request without a signature cannot have signed chunks.")
    return Authentication(NOBODY, payload_hash, _decoded(request))


def _decoded(request: Request, *, plus_is_space: bool = False, leaving_out: Container[bytes] = ()) -> dict[str, str]:
    """The query's parameters; of one that comes twice, the first."""
    if not request.raw_query:
        return {}
    return dict(reversed(request.query_pairs(plus_is_space=plus_is_space, leaving_out=leaving_out)))


# -- The Authorization header -----------------------------------------------------------------------------------------
def _malformed(message: str) -> S3Error:
    return S3Error("AuthorizationHeaderMalformed", f"The authorization header is malformed; {message}")


def _claim_of_header(request: Request, authorization: bytes, now_ms: int) -> Claim:
    scheme, space, rest = authorization.partition(b" ")
    if scheme != sigv4.ALGORITHM or not space:
        raise _wrong_scheme(scheme, space)
    credential = signed_headers = signature = b""
    components = rest.split(b",")
    for component in components:
        name, _, value = component.strip().partition(b"=")
        if name == b"Credential":
            credential = value
        elif name == b"SignedHeaders":
            signed_headers = value
        elif name == b"Signature":
            signature = value
        else:
            raise _malformed("it has a component other than Credential, SignedHeaders and Signature.")
    if not (credential and signed_headers and signature) or len(components) != 3:
        raise _malformed("it must have one Credential, one SignedHeaders and one Signature.")

    parts = credential.split(b"/")
    if len(parts) != 5:
        raise _malformed("the Credential must be KEY-ID/yyyyMMdd/REGION/s3/aws4_request.")
    key_id, date, region, service, terminal = parts
    if service != b"s3" or terminal != b"aws4_request":
        raise _malformed("the scope of the Credential must end in s3/aws4_request.")
    if len(date) != 8 or not date.isdigit():
        raise _malformed("the date of the Credential must be in the form yyyyMMdd.")
    if len(region) > limits.REGION_MAX_LENGTH:
        raise _malformed("the region of the Credential is too long.")
    if b"x-amz-security-token" in request.header_map:
        raise S3Error("InvalidToken")

    return Claim(
        key_id.decode("utf-8", "replace"),
        date,
        region,
        signed_headers,
        signature,
        _signing_time(request, date, now_ms),
        request.header_map.get(b"x-amz-content-sha256", b"").strip(),
        request.raw_query,
    )


def _wrong_scheme(scheme: bytes, space: bytes) -> S3Error:
    """The error of an Authorization header that is not of Signature Version 4. Its value is not repeated."""
    extras = {"ArgumentName": "Authorization"}
    if not space:
        return S3Error("InvalidArgument", "The Authorization header needs a scheme and a value.", extras=extras)
    if scheme == b"AWS":
        return S3Error("InvalidRequest", _V2_MESSAGE)
    if scheme.startswith(b"AWS4-ECDSA-"):
        return S3Error("NotImplemented", "Signature Version 4A is not implemented. Please use AWS4-HMAC-SHA256.")
    return S3Error("InvalidArgument", "Unsupported Authorization Type", extras=extras)


def _signing_time(request: Request, scope_date: bytes, now_ms: int) -> bytes:
    """The time under the signature, in basic form, checked against the scope and the server's clock."""
    headers = request.header_map
    timestamp = headers.get(b"x-amz-date", b"").strip()
    try:
        if not timestamp:
            timestamp = _date_header(headers.get(b"date", b"").strip())
        signed_ms = parse_timestamp(timestamp)
    except ValueError:
        raise S3Error("AccessDenied", _DATE_MESSAGE) from None
    if timestamp[:8] != scope_date:
        raise _malformed("the date of the Credential differs from that of the request.")
    if abs(now_ms - signed_ms) > limits.CLOCK_SKEW_MAX_S * 1000:
        extras = {
            "RequestTime": timestamp.decode("ascii"),
            "ServerTime": server_time(now_ms),
            "MaxAllowedSkewMilliseconds": str(limits.CLOCK_SKEW_MAX_S * 1000),
        }
        raise S3Error("RequestTimeTooSkewed", extras=extras)
    return timestamp


def _date_header(value: bytes) -> bytes:
    """The Date header in basic form, which it may have already. Raises `ValueError` where it is no date."""
    if value[8:9] == b"T":
        return value
    try:
        moment = parsedate_to_datetime(value.decode("latin-1"))
    except OverflowError:
        raise ValueError("The date has a number that no calendar has.") from None
    if moment.tzinfo is None:
        raise ValueError("The date has no zone.")
    return format_timestamp(int(moment.timestamp()) * 1000)


# -- What a signature must cover --------------------------------------------------------------------------------------
def _check_payload_hash(value: bytes) -> None:
    """Whether the value is one that x-amz-content-sha256 may have."""
    if value in _WORDS_FOR_PAYLOADS or (len(value) == 64 and not value.strip(b"0123456789abcdefABCDEF")):
        return
    if value.startswith(b"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"):
        raise S3Error("NotImplemented", "Chunks signed with Signature Version 4A are not implemented.")
    raise invalid_argument(
        "x-amz-content-sha256",
        value.decode("latin-1"),
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING word, or the hex SHA-256 of the body.",
    )


def _check_signed_headers(request: Request, signed_headers: bytes) -> None:
    """Whether the signature covers the host and every `x-amz-*` header, so that nobody on the way can add one."""
    signed = signed_headers.split(b";")
    if len(signed) > limits.HEADER_COUNT_MAX:
        # Looking all of them up, in every reading, would cost seconds before anybody has proven to be somebody.
        raise S3Error("InvalidRequest", "The signature lists more headers than a request can have.")
    missing = [name for name in request.header_map if name.startswith(b"x-amz-") and name not in signed]
    if b"host" not in signed:
        missing.append(b"host")
    if missing:
        extras = {"HeadersNotSigned": ", ".join(name.decode("latin-1") for name in missing)}
        raise S3Error("AccessDenied", "There were headers present in the request which were not signed", extras=extras)


def _mismatch(claim: Claim, reading: Reading) -> S3Error:
    """`SignatureDoesNotMatch` with the texts that the server signs, from which a client's author sees the difference.

    A customer's encryption key is a header like any other to the signature; where there is one, the canonical request
    stays out of the answer, which may end up in a log. So it does where it is long: nobody reads through it, and whoever
    guesses at signatures would get four times the bytes they send.
    """
    text = sigv4.string_to_sign(claim.timestamp, claim.scope, reading.canonical_request)
    extras = {
        "AWSAccessKeyId": claim.key_id,
        "StringToSign": text.decode("latin-1"),
        "SignatureProvided": claim.signature.decode("latin-1"),
        "StringToSignBytes": text.hex(" "),
    }
    short = len(reading.canonical_request) <= limits.CANONICAL_REQUEST_SHOWN_MAX_BYTES
    if short and b"-customer-key" not in reading.canonical_request.lower():
        extras["CanonicalRequest"] = reading.canonical_request.decode("utf-8", "replace")
        extras["CanonicalRequestBytes"] = reading.canonical_request.hex(" ")
    return S3Error("SignatureDoesNotMatch", extras=extras)
