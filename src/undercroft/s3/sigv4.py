"""Signature Version 4 as S3 uses it: pure functions from a request and its claim to "verified" or not.

S3 differs from the other services of that scheme: the path is neither normalised nor encoded a second time. Real clients
differ among themselves as well (characters left literal in the path, `+` in the query, runs of blanks in headers), so
`verify` first tries the form that nearly all of them sign, and only when that fails the other readings, one by one. The
ordinary request thus costs one SHA-256 and one HMAC; the readings differ in spelling only, never in what they cover.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from urllib.parse import unquote_to_bytes

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from undercroft import limits
from undercroft.http.request import Request

ALGORITHM = b"AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_ENCODED = tuple(bytes((octet,)) if octet in _UNRESERVED else b"%%%02X" % octet for octet in range(256))
_ENCODED_IN_PATH = tuple(b"/" if octet == ord("/") else code for octet, code in enumerate(_ENCODED))


class Claim(msgspec.Struct, frozen=True):
    """What a request says of its own signature, from the Authorization header or from the query.

    `date` and `region` are those of the credential's scope; `timestamp` is in ISO 8601's basic form; `signed_headers` is
    the list as sent; `query` is the raw query without the signature; `payload_hash` is empty where the request has none.
    `query_is_canonical` says that the query is known to be in canonical form, and to be nothing but a signature.
    """

    key_id: str
    date: bytes
    region: bytes
    signed_headers: bytes
    signature: bytes
    timestamp: bytes
    payload_hash: bytes
    query: bytes
    query_is_canonical: bool = False

    @property
    def scope(self) -> bytes:
        """The credential's scope: date, region, service and terminal."""
        return b"%b/%b/s3/aws4_request" % (self.date, self.region)


class Reading(msgspec.Struct, frozen=True):
    """One way to read a request: its canonical form, and the choices that matter to whoever handles it."""

    canonical_request: bytes
    payload_hash: bytes
    plus_is_space: bool = False


class ChunkSeed(msgspec.Struct, frozen=True):
    """What the signatures of a body's chunks are chained to: the signing key and the request's own signature."""

    key: bytes
    timestamp: bytes
    scope: bytes
    signature: bytes


@lru_cache(maxsize=limits.SIGNING_KEYS_CACHED)
def signing_key(secret: str, date: bytes, region: bytes) -> bytes:
    """The signing key of a secret for one day and region.

    The secret itself is part of the cache's key: a credential that is made anew under an old id never meets the
    signing key of its predecessor.
    """
    key = b"AWS4" + secret.encode()
    for step in (date, region, b"s3", b"aws4_request"):
        key = hmac.digest(key, step, "sha256")
    return key


def string_to_sign(timestamp: bytes, scope: bytes, canonical_request: bytes) -> bytes:
    """The text under the signature of a request."""
    digest = hashlib.sha256(canonical_request).hexdigest().encode()
    return b"AWS4-HMAC-SHA256\n%b\n%b\n%b" % (timestamp, scope, digest)


@lru_cache(maxsize=limits.SIGNING_KEYS_CACHED)
def _begun(key: bytes) -> HMAC:
    """The HMAC of a key before the first byte. To begin one takes as long as all the rest of a signature."""
    return HMAC(key, SHA256())


def sign(key: bytes, text: bytes) -> bytes:
    """The signature of a text, in lower-case hex."""
    mac = _begun(key).copy()
    mac.update(text)
    return mac.finalize().hex().encode()


def canonical_path(raw: bytes) -> bytes:
    """The path with every octet percent-encoded exactly once, whatever the client left literal."""
    return b"".join([_ENCODED_IN_PATH[octet] for octet in unquote_to_bytes(raw)])


def canonical_query(raw: bytes, *, plus_is_space: bool = False) -> bytes:
    """The query's names and values, each percent-encoded exactly once, sorted; a name without `=` gets one."""
    if not raw:
        return b""
    if plus_is_space:
        raw = raw.replace(b"+", b" ")
    pairs = []
    for item in raw.split(b"&"):
        if item:
            name, _, value = item.partition(b"=")
            pairs.append((_canonical_component(name), _canonical_component(value)))
    pairs.sort()
    return b"&".join([name + b"=" + value for name, value in pairs])


def _canonical_component(raw: bytes) -> bytes:
    return _encoded_short(raw) if len(raw) <= _SHORT else _encoded(raw)


def _encoded(raw: bytes) -> bytes:
    if not raw.translate(None, _UNRESERVED):
        return raw
    return b"".join([_ENCODED[octet] for octet in unquote_to_bytes(raw)])


# A client's requests repeat their credential and the names, which is most of what there is in a presigned URL.
_SHORT = 128
_encoded_short = lru_cache(limits.QUERY_COMPONENTS_CACHED)(_encoded)


def _header_block(request: Request, names: list[bytes]) -> bytes:
    """The signed headers as nearly every client writes them: trimmed, runs of spaces made one, repeats joined."""
    headers = request.header_map
    lines = []
    for name in names:
        value = headers.get(name, b"").strip()
        if value.find(b"  ") >= 0:
            value = b" ".join([word for word in value.split(b" ") if word])
        lines.append(b"%b:%b\n" % (name, value))
    return b"".join(lines)


def _other_header_blocks(request: Request, names: list[bytes]) -> Iterator[bytes]:
    """The signed headers as the other clients write them: any white space made one space, or none at all.

    Go's clients sign a Content-Length of 0 and then do not send it.
    """
    values: dict[bytes, list[bytes]] = {}
    for name, value in request.headers:
        values.setdefault(name, []).append(value.strip())
    values.setdefault(b"content-length", [b"0"])
    for collapse in (True, False):
        lines = []
        for name in names:
            sent = values.get(name, [])
            if collapse:
                sent = [b" ".join(value.split()) for value in sent]
            lines.append(b"%b:%b\n" % (name, b",".join(sent)))
        yield b"".join(lines)


def _ordinary_reading(claim: Claim, request: Request) -> Reading:
    block = _header_block(request, claim.signed_headers.split(b";"))
    payload_hash = claim.payload_hash or b"UNSIGNED-PAYLOAD"
    parts = (
        request.method.encode(),
        request.raw_path,
        claim.query if claim.query_is_canonical else canonical_query(claim.query),
        block,
        claim.signed_headers,
        payload_hash,
    )
    return Reading(b"\n".join(parts), payload_hash)


def _other_readings(claim: Claim, request: Request) -> Iterator[Reading]:
    """Every other reading, at most 23 of them; only a request that is about to be refused comes here."""
    names = claim.signed_headers.split(b";")
    paths = _distinct(request.raw_path, canonical_path(request.raw_path))
    queries = [(canonical_query(claim.query), False)]
    if b"+" in claim.query:
        queries.append((canonical_query(claim.query, plus_is_space=True), True))
    blocks = _distinct(_header_block(request, names), *_other_header_blocks(request, names))
    hashes = [claim.payload_hash] if claim.payload_hash else [b"UNSIGNED-PAYLOAD", EMPTY_SHA256.encode()]
    readings = product(paths, queries, blocks, hashes)
    next(readings)  # The first is the ordinary one.
    for path, (query, plus_is_space), block, payload_hash in readings:
        parts = (request.method.encode(), path, query, block, claim.signed_headers, payload_hash)
        yield Reading(b"\n".join(parts), payload_hash, plus_is_space)


def _distinct(*values: bytes) -> list[bytes]:
    return list(dict.fromkeys(values))


def verify(claim: Claim, request: Request, secret: str) -> tuple[bool, Reading]:
    """Whether the claim's signature is that of the secret over the request, and the reading that it covers.

    Where it is not, the reading is the ordinary one, for the error's explanation. Comparisons take constant time.
    """
    key = signing_key(secret, claim.date, claim.region)
    scope = claim.scope
    ordinary = _ordinary_reading(claim, request)
    text = string_to_sign(claim.timestamp, scope, ordinary.canonical_request)
    if hmac.compare_digest(sign(key, text), claim.signature):
        return True, ordinary
    for reading in _other_readings(claim, request):
        text = string_to_sign(claim.timestamp, scope, reading.canonical_request)
        if hmac.compare_digest(sign(key, text), claim.signature):
            return True, reading
    return False, ordinary
