"""Signatures in the query (presigned URLs): finding them, reading their claim, and the headers they carry.

SDKs move some `x-amz-*` headers of a presigned request into its query ("hoisting"), where the signature covers them.
Once that is verified, `hoist` turns them back into headers, so that no operation has to look in two places.
"""

from __future__ import annotations

import re

from undercroft import limits
from undercroft.http.request import Request, percent_decode
from undercroft.s3.errors import S3Error, invalid_argument
from undercroft.s3.sigv4 import ALGORITHM, Claim
from undercroft.s3.timestamp import parse_timestamp, server_time

_REQUIRED = (
    b"X-Amz-Algorithm",
    b"X-Amz-Credential",
    b"X-Amz-Date",
    b"X-Amz-Expires",
    b"X-Amz-SignedHeaders",
    b"X-Amz-Signature",
)
_MARKS_OF_V4 = frozenset((b"X-Amz-Algorithm", b"X-Amz-Credential", b"X-Amz-Signature"))
_PAYLOAD_HASH = b"X-Amz-Content-Sha256"
PARAMETERS = frozenset((*_REQUIRED, _PAYLOAD_HASH))  # What a signature in the query consists of.
# What SDKs write, and nothing else in the query, which is not split: canonical as it stands, or as botocore has it, with two
# of the parameters the other way round.
_BEGINNING = (
    rb"(X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=([0-9a-f]+)%2F([0-9]{8})%2F([a-z0-9-]+)%2Fs3%2Faws4_request"
    rb"&X-Amz-Date=([0-9TZ]+))"
)
_END = rb"&X-Amz-Signature=([0-9a-f]+)"
_CANONICAL = re.compile(_BEGINNING + rb"(&X-Amz-Expires=([0-9]+)&X-Amz-SignedHeaders=([a-z0-9-]+))" + _END)
_BOTOCORES = re.compile(_BEGINNING + rb"(&X-Amz-SignedHeaders=([a-z0-9-]+))(&X-Amz-Expires=([0-9]+))" + _END)
_OF_THE_SIGNATURE = frozenset(name.decode().lower() for name in (*PARAMETERS, b"X-Amz-Security-Token"))


def has_v4(raw_query: bytes) -> bool:
    """Whether the query says that it is signed with Signature Version 4, however incompletely."""
    if raw_query.startswith(b"X-Amz-Algorithm="):
        return True
    return raw_query.find(b"X-Amz-") >= 0 and not _MARKS_OF_V4.isdisjoint(_names(raw_query))


def has_v2(raw_query: bytes) -> bool:
    """Whether the query is signed with the abandoned Signature Version 2."""
    return b"AWSAccessKeyId=" in raw_query and b"AWSAccessKeyId" in _names(raw_query)


def _names(raw_query: bytes) -> list[bytes]:
    return [item.partition(b"=")[0] for item in raw_query.split(b"&")]


def _malformed(message: str) -> S3Error:
    return S3Error("AuthorizationQueryParametersError", message)


def parse_claim(request: Request, now_ms: int) -> Claim:
    """The claim in the query of a presigned URL that is valid now.

    Raises `AuthorizationQueryParametersError` for missing, repeated or malformed parameters, `AccessDenied` for a URL
    that is expired or not valid yet, and `InvalidToken` for one that carries a session token.
    """
    is_canonical = True
    payload_hash = b""
    if found := _CANONICAL.fullmatch(request.raw_query):
        beginning, key_id, date, region, timestamp, rest, expires, signed_headers, signature = found.groups()
        query = beginning + rest
    elif found := _BOTOCORES.fullmatch(request.raw_query):
        beginning, key_id, date, region, timestamp, second, signed_headers, first, expires, signature = found.groups()
        query = beginning + first + second
    else:
        is_canonical = False
        values, query = _parameters(request.raw_query)
        _, credential, timestamp, expires, signed_headers, signature = [values[name] for name in _REQUIRED]
        key_id, date, region = _credential(credential)
        payload_hash = values.get(_PAYLOAD_HASH, b"")
    if len(region) > limits.REGION_MAX_LENGTH:
        raise _malformed("The region of X-Amz-Credential is too long.")
    if date != timestamp[:8]:
        raise _malformed("The date of X-Amz-Credential differs from that of X-Amz-Date.")
    _check_validity(timestamp, expires, now_ms)
    payload_hash = payload_hash or request.header_map.get(b"x-amz-content-sha256", b"").strip()
    return Claim(
        key_id=key_id.decode("utf-8"),
        date=date,
        region=region,
        signed_headers=signed_headers,
        signature=signature,
        timestamp=timestamp,
        payload_hash=payload_hash or b"UNSIGNED-PAYLOAD",
        query=query,
        query_is_canonical=is_canonical,
    )


def _parameters(raw_query: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """The parameters that make up the signature, and the query that it covers."""
    values: dict[bytes, bytes] = {}
    covered = []
    for item in raw_query.split(b"&"):
        name, _, value = item.partition(b"=")
        if name in PARAMETERS:
            if name in values:
                raise _malformed(f"The query has more than one {name.decode()}.")
            values[name] = percent_decode(value).encode()
        elif name == b"X-Amz-Security-Token":
            raise S3Error("InvalidToken")
        if name != b"X-Amz-Signature":
            covered.append(item)
    for name in _REQUIRED:
        if not values.get(name):
            raise _malformed(f"A signature in the query needs the parameter {name.decode()}.")
    if values[b"X-Amz-Algorithm"] != ALGORITHM:
        raise _malformed('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256".')
    return values, b"&".join(covered)


def _credential(credential: bytes) -> tuple[bytes, bytes, bytes]:
    """The key id, date and region of the credential."""
    parts = credential.split(b"/")
    if len(parts) != 5:
        raise _malformed("X-Amz-Credential must be KEY-ID/yyyyMMdd/REGION/s3/aws4_request.")
    key_id, date, region, service, terminal = parts
    if service != b"s3" or terminal != b"aws4_request":
        raise _malformed("The scope of X-Amz-Credential must end in s3/aws4_request.")
    return key_id, date, region


def _check_validity(timestamp: bytes, expires: bytes, now_ms: int) -> None:
    """Whether the URL is valid now: from its date (less the skew of clocks) until it expires."""
    try:
        signed_ms = parse_timestamp(timestamp)
    except ValueError:
        raise _malformed("X-Amz-Date must be in the form yyyyMMdd'T'HHmmss'Z'.") from None
    if not expires.isdigit():
        raise _malformed("X-Amz-Expires must be a whole number of seconds, and not negative.")
    # The digits are counted first, so that no megabyte of them is ever converted.
    if len(expires) > 10 or int(expires) > limits.PRESIGN_VALID_MAX_S:
        raise _malformed(f"X-Amz-Expires must be at most {limits.PRESIGN_VALID_MAX_S} seconds (a week).")
    if signed_ms > now_ms + limits.CLOCK_SKEW_MAX_S * 1000:
        raise S3Error("AccessDenied", "Request is not valid yet", extras={"ServerTime": server_time(now_ms)})
    valid_s = int(expires)
    expires_ms = signed_ms + valid_s * 1000
    if now_ms > expires_ms or valid_s == 0:
        extras = {
            "X-Amz-Expires": str(valid_s),
            "Expires": server_time(expires_ms),
            "ServerTime": server_time(now_ms),
        }
        raise S3Error("AccessDenied", "Request has expired", extras=extras)


def hoist(request: Request, query: dict[str, str]) -> dict[str, str]:
    """The query of a presigned URL without its signature, and its `x-amz-*` parameters as headers of the request.

    The signature must have been verified. A header that was really sent stays as it is. Raises `InvalidArgument` for a
    value that no header could have: an encoded line break would otherwise split the answer that repeats it.
    """
    rest: dict[str, str] = {}
    sent = request.header_map
    for name, value in query.items():
        lower = name.lower()
        if not lower.startswith("x-amz-"):
            rest[name] = value
        elif lower not in _OF_THE_SIGNATURE and (header := lower.encode()) not in sent:
            if not (name.isascii() and name.isprintable()) or any(
                ord(letter) < 32 or ord(letter) == 127 for letter in value
            ):
                raise invalid_argument(name, value, "The parameter has characters that no header may have.")
            encoded = value.encode()
            request.headers.append((header, encoded))
            sent[header] = encoded
    return rest
