"""Targets: the two framings of a body, S3's aws-chunked and the native API's digest at the end.

An input of the first is the kind of body, how it is cut into pieces, and the bytes, in which an `@` stands for 8,192 bytes of
payload: no chunk but the last may be smaller. What comes out must not depend on the cuts, must be what a plain reader of the
format finds, and where chunks are signed must be what was signed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator

from harness.fuzz.campaign import Target
from harness.fuzz.dialects import looped, native_refusal, s3_refusal
from harness.s3_requests import request
from undercroft import limits
from undercroft.native import upload_body
from undercroft.native.errors import NativeError
from undercroft.s3 import aws_chunked
from undercroft.s3.errors import S3Error
from undercroft.s3.sigv4 import EMPTY_SHA256, ChunkSeed, sign

BLOCK = b"8" * limits.AWS_CHUNK_MIN_BYTES
SEED = ChunkSeed(b"k" * 32, b"20261122T180000Z", b"20261122/us-west-000/s3/aws4_request", b"5" * 64)
CODES = frozenset({"IncompleteBody", "InvalidChunkSizeError", "SignatureDoesNotMatch", "MalformedTrailerError"})
ANNOUNCED = frozenset({b"x-amz-checksum-crc32"})
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(;[^\n]*)?\r\n")


class _Refused(Exception):
    """With the code."""


def _decode(
    body: bytes, length: int, announced: frozenset[bytes], cuts: list[int], *, signed: bool
) -> tuple[bytes, dict[bytes, bytes]]:
    signatures = aws_chunked.ChunkSignatures(SEED) if signed else None
    decoder = aws_chunked.ChunkedDecoder(length, signatures, announced)
    payload = bytearray()
    start = 0
    try:
        for end in (*cuts, len(body)):
            if end > start:
                for piece in decoder.feed(body[start:end]):
                    payload += piece
                start = end
            assert len(payload) <= length
            assert len(decoder._line) <= limits.AWS_CHUNK_LINE_MAX_BYTES
        decoder.finish()
    except S3Error as error:
        code = s3_refusal(error)
        assert code in CODES
        raise _Refused(code) from None
    return bytes(payload), decoder.trailers


def _plain_reading(body: bytes) -> bytes:
    """The payload of a well-formed body, by a reader that knows neither limits nor signatures."""
    payload = b""
    while True:
        match = _CHUNK.match(body)
        assert match is not None
        size = int(match[1], 16)
        if not size:
            return payload
        payload += body[match.end() : match.end() + size]
        assert body[match.end() + size :][:2] == b"\r\n"
        body = body[match.end() + size + 2 :]


def _same(one: str, other: str) -> None:
    assert one == other, "How the body is cut decides why it is refused."


def check_aws_chunked(data: bytes) -> str:
    """Byte 0: the kind of body. Byte 1: the cuts. Two bytes: the declared length. Then the body."""
    kind, cutting, declared = data[0:1], data[1:2], data[2:4]
    signed = kind in {b"s", b"t"}
    announced = ANNOUNCED if kind in {b"t", b"u"} else frozenset[bytes]()
    body = data[4:].replace(b"@", BLOCK)[:262_144]
    length = int.from_bytes(declared, "big")
    step = 1 + int.from_bytes(cutting, "big") * 97
    try:
        payload, trailers = _decode(body, length, announced, [], signed=signed)
    except _Refused as refused:
        code = str(refused)
        try:
            _decode(body, length, announced, list(range(step, len(body), step)), signed=signed)
        except _Refused as again:
            _same(str(again), code)
            return code
        raise AssertionError("Refused whole and accepted in pieces.") from None
    assert _decode(body, length, announced, list(range(step, len(body), step)), signed=signed) == (payload, trailers)
    assert len(payload) == length
    assert payload == _plain_reading(body)
    assert trailers.keys() == announced
    if signed:
        assert hashlib.sha256(payload).digest() in _SIGNED_PAYLOADS
        assert not trailers or trailers == _TRAILERS
    return "signed" if signed else "plain"


_TRAILERS = {b"x-amz-checksum-crc32": b"AAAAAA=="}
_PAYLOADS = ((), (b"hello",), (b"@", b"end"), (b"@@", b"@", b"x"))
_SIGNED_PAYLOADS = frozenset(
    hashlib.sha256(b"".join(chunks).replace(b"@", BLOCK)).digest() for chunks in _PAYLOADS
)  # fmt: skip


def framed(kind: bytes, chunks: tuple[bytes, ...]) -> bytes:
    """A valid input with these chunks."""
    previous = SEED.signature
    lines = b""
    for chunk in (*chunks, b""):
        payload = chunk.replace(b"@", BLOCK)
        extension = b""
        if kind in {b"s", b"t"}:
            digest = hashlib.sha256(payload).hexdigest().encode()
            text = (b"AWS4-HMAC-SHA256-PAYLOAD", SEED.timestamp, SEED.scope, previous, EMPTY_SHA256.encode(), digest)
            previous = sign(SEED.key, b"\n".join(text))
            extension = b";chunk-signature=" + previous
        lines += b"%x%b\r\n%b" % (len(payload), extension, chunk + b"\r\n" if chunk else b"")
    if kind in {b"t", b"u"}:
        canonical = b"".join(b"%b:%b\n" % item for item in _TRAILERS.items())
        lines += canonical.replace(b"\n", b"\r\n")
        if kind == b"t":
            digest = hashlib.sha256(canonical).hexdigest().encode()
            text = (b"AWS4-HMAC-SHA256-TRAILER", SEED.timestamp, SEED.scope, previous, digest)
            lines += b"x-amz-trailer-signature:" + sign(SEED.key, b"\n".join(text)) + b"\r\n"
    length = sum(len(chunk.replace(b"@", BLOCK)) for chunk in chunks)
    return kind + b"\x01" + length.to_bytes(2, "big") + lines + b"\r\n"


def check_digest_at_end(data: bytes) -> str:
    """Byte 0: how the body is cut. Byte 1: what vouches for it. Then the body."""
    body = data[2:]
    step = max(1 + data[0] if data else 1, len(body) // 256)  # The loop takes its time over each piece.
    pieces = [body[start : start + step] for start in range(0, len(body), step)] or [b""]
    way = (b"hex_digits_at_end", b"do_not_verify", hashlib.sha1(body).hexdigest().encode(), body[:40])[
        data[1] % 4 if len(data) > 1 else 0
    ]
    headers = [(b"content-length", b"%d" % len(body)), (b"x-bz-content-sha1", way)]
    received = b""

    async def collect(chunks: AsyncIterator[bytes]) -> bytes:
        return b"".join([chunk async for chunk in chunks])

    try:
        upload = upload_body.NativeBody(request("POST", "/", headers, pieces))
        received = looped(collect(upload.chunks()))
    except NativeError as error:
        return native_refusal(error)
    if way != b"hex_digits_at_end":
        assert received == body
        return "plain"
    assert received == body[:-40]
    assert upload.length == len(received)
    assert upload.expected() == {"sha1": bytes.fromhex(body[-40:].decode("ascii"))}
    return "at end"


_WORDS = (
    b"@", b"2000", b"2000\r\n", b"0\r\n", b"0;chunk-signature=", b"\r\n", b"\n", b"\r", b";chunk-signature=", b"ffffffffffffffff", b"0000000000000005",
    b"5\r\nhello\r\n", b"x-amz-checksum-crc32:AAAAAA==\r\n", b"x-amz-trailer-signature:", b"x-amz-checksum-sha256:", b";a=b", b";", b"5" * 64, b"\x20\x00",
    b"u\x01\x00\x05", b"s\x01\x00\x05", b"n\x00\x00\x00", b"t\x00\x20\x03", b"00", b" ",
)  # fmt: skip
_KINDS = (b"n", b"u", b"s", b"t")  # Plain; with a trailer; signed; signed with a trailer.

TARGETS = (
    Target(
        "aws-chunked", check_aws_chunked, tuple(framed(kind, chunks) for kind in _KINDS for chunks in _PAYLOADS), _WORDS, (aws_chunked,),
        CODES | {"plain", "signed"},
        slow_s=0.2,  # Byte by byte, a quarter of a megabyte, twice.
    ),
    Target(
        "digest-at-end", check_digest_at_end,
        tuple(bytes((step, way)) + b"payload" * 9 + b"0123456789abcdef" * 3 for step in (0, 7, 255) for way in range(4)),
        (b"0" * 40, b"f" * 40, b"G", b"\x00\x00", b"\x05\x02"), (upload_body,), frozenset({"at end", "plain", "bad_request"}), slow_s=0.1,
    ),
)  # fmt: skip
