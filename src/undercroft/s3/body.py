"""The bodies of S3 requests: uploads as the store takes them, and small documents.

Everything that headers alone can tell is checked before the first byte is asked for, so that a client that waits for
`100 Continue` never sends a body in vain. What the client declares of the bytes (Content-MD5, x-amz-content-sha256, one
checksum in a header or after the body) is handed to the store as digests to compare: it alone decides what is kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from undercroft import limits
from undercroft.http.request import Request
from undercroft.s3 import checksums
from undercroft.s3.authenticate import (
    STREAMING_SIGNED,
    Authentication,
)
from undercroft.s3.aws_chunked import ChunkedDecoder, ChunkSignatures
from undercroft.s3.errors import ErrorContext, S3Error, from_store_error
from undercroft.s3.sigv4 import UNSIGNED_PAYLOAD
from undercroft.store.errors import DigestMismatch

_LENGTH_MAX_DIGITS = 19
# MD5 and SHA-1 are computed for every upload, so they need not be asked for.
_ALWAYS_COMPUTED = frozenset(("md5", "sha1"))


class UploadBody:
    """The body of a PutObject or UploadPart, as `store.model.UploadBody`.

    `checksum_algorithm` is the one that the client uses, in a header or a trailer, or None; `payload_hash` is the hex
    digest of x-amz-content-sha256 or empty, and belongs into the `ErrorContext` of the upload's errors.

    Making one raises `S3Error` for whatever the headers get wrong: `MissingContentLength`, `InvalidDigest`,
    `InvalidRequest`, `BadDigest` (two declarations that contradict each other), `MalformedTrailerError`.
    """

    def __init__(self, request: Request, auth: Authentication) -> None:
        checksum = checksums.declared(request)
        self._request = request
        self._expected = _declared_digests(request, auth, checksum)
        self.payload_hash = _hex_payload_hash(auth)
        self._length: int | None
        if is_framed(request, auth):
            # Only the two kinds of body that are named after it have a trailer; UNSIGNED-PAYLOAD may have one.
            announced = frozenset[bytes]() if auth.payload_hash == STREAMING_SIGNED else _announced(request)
            self._trailer = _announced_checksum(announced, checksum)
            self._length = decoded_length = _decoded_length(request)
            signatures = None if auth.chunk_seed is None else ChunkSignatures(auth.chunk_seed)
            self._decoder: ChunkedDecoder | None = ChunkedDecoder(decoded_length, signatures, announced)
        else:
            self._trailer = None
            self._length = _plain_length(request)
            self._decoder = None
        self.checksum_algorithm = self._trailer if checksum is None else checksum[0]
        _check_named_algorithm(request, auth, self.checksum_algorithm)

    @property
    def length(self) -> int | None:
        """The number of payload bytes declared; None for a body in HTTP's own chunks without any other framing."""
        return self._length

    @property
    def algorithms(self) -> frozenset[str]:
        """The digests to compute besides MD5 and SHA-1."""
        wanted = set(self._expected)
        if self.checksum_algorithm is not None:
            wanted.add(self.checksum_algorithm)
        return frozenset(wanted - _ALWAYS_COMPUTED)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The payload, decoded, once. Raises the errors of HTTP's bodies and of the aws-chunked framing."""
        decoder = self._decoder
        if decoder is None:
            async for data in self._request.stream():
                yield data
            return
        async for data in self._request.stream():
            for piece in decoder.feed(data):
                yield piece
        decoder.finish()
        if self._trailer is not None:
            text = decoder.trailers[checksums.header_name(self._trailer)].decode("latin-1")
            self._expected[self._trailer] = checksums.from_text(self._trailer, text)

    def expected(self) -> Mapping[str, bytes]:
        """The digests that the client declares, raw, by algorithm; complete after the last byte."""
        return self._expected


async def read_document(
    request: Request,
    auth: Authentication,
    limit_bytes: int = limits.XML_BODY_MAX_BYTES,
    *,
    checksum_of_body: bool = True,
) -> bytes:
    """The whole of a small body, such as an XML document, with everything declared of it verified.

    `checksum_of_body` is false where the checksum header speaks of something else (CompleteMultipartUpload).

    Raises `InvalidRequest` for a body announced as aws-chunked and for malformed checksums, `InvalidDigest`,
    `BadDigest`, `XAmzContentSHA256Mismatch`, and the errors of HTTP's bodies (`BodyTooLarge` above `limit_bytes`).
    """
    if auth.streaming:
        raise S3Error("InvalidRequest", "x-amz-content-sha256 of this request must not be a STREAMING word.")
    expected = _declared_digests(request, auth, checksums.declared(request) if checksum_of_body else None)
    document = await request.read(limit_bytes)
    for algorithm, digest in expected.items():
        calculated = checksums.digest(algorithm, document)
        if calculated != digest:
            mismatch = DigestMismatch(algorithm, digest, calculated)
            raise from_store_error(mismatch, ErrorContext(payload_hash=_hex_payload_hash(auth)))
    return document


def without_aws_chunked(content_encoding: str | None) -> str | None:
    """The Content-Encoding to keep with an object: `aws-chunked` is how it was sent, not what it is."""
    if content_encoding is None or "aws-chunked" not in content_encoding.lower():
        return content_encoding
    tokens = [token.strip() for token in content_encoding.split(",")]
    return ",".join(token for token in tokens if token and token.lower() != "aws-chunked") or None


def _declared_digests(request: Request, auth: Authentication, checksum: tuple[str, bytes] | None) -> dict[str, bytes]:
    """The raw digests that the headers declare of the body, by algorithm.

    Raises `InvalidDigest` for a malformed Content-MD5, and `BadDigest` where x-amz-content-sha256 and
    x-amz-checksum-sha256 contradict each other.
    """
    expected: dict[str, bytes] = {}
    md5 = request.header("content-md5")
    if md5 is not None:
        digest = checksums.decode_base64(md5)
        if digest is None or len(digest) != 16:
            raise S3Error("InvalidDigest", extras={"Content-MD5": md5})
        expected["md5"] = digest
    payload_hash = _hex_payload_hash(auth)
    if payload_hash:
        expected["sha256"] = bytes.fromhex(payload_hash)
    if checksum is not None:
        algorithm, digest = checksum
        if expected.setdefault(algorithm, digest) != digest:
            raise S3Error("BadDigest", "x-amz-checksum-sha256 differs from x-amz-content-sha256.")
    return expected


def _hex_payload_hash(auth: Authentication) -> str:
    """The digest in x-amz-content-sha256, or an empty string where it is a word."""
    return auth.payload_hash if len(auth.payload_hash) == 64 else ""


def _announced(request: Request) -> frozenset[bytes]:
    """The names that x-amz-trailer announces."""
    value = request.header_map.get(b"x-amz-trailer", b"")
    return frozenset(name.strip().lower() for name in value.split(b",") if name.strip())


def _announced_checksum(announced: frozenset[bytes], checksum: tuple[str, bytes] | None) -> str | None:
    """The algorithm that x-amz-trailer announces. Raises `InvalidRequest` for anything but one checksum in all."""
    if not announced:
        return None
    algorithms = [checksums.algorithm_of_header(name) for name in announced]
    if None in algorithms:
        raise S3Error("InvalidRequest", "The value specified in the x-amz-trailer header is not supported")
    if len(algorithms) > 1 or checksum is not None:
        raise S3Error("InvalidRequest", "Expecting a single x-amz-checksum- header")
    return algorithms[0]


def _check_named_algorithm(request: Request, auth: Authentication, used: str | None) -> None:
    """Whether the client sends the checksum that x-amz-sdk-checksum-algorithm says it sends."""
    named = checksums.parse_algorithm(request.header("x-amz-sdk-checksum-algorithm"))
    if used is None and auth.presigned:
        return  # Whoever presigned the URL did not have the bytes.
    if named is not None and named != used:
        raise S3Error(
            "InvalidRequest",
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers "
            "were found.",
        )


def is_framed(request: Request, auth: Authentication) -> bool:
    """Whether the body is aws-chunked.

    Some builds of the Java SDK send aws-chunked bodies as UNSIGNED-PAYLOAD; the declared length gives them away, which
    a plain body does not have even where its user metadata claims to be `aws-chunked`.
    """
    if auth.streaming:
        return True
    encoding = request.header_map.get(b"content-encoding", b"")
    return (
        b"aws-chunked" in encoding.lower()
        and b"x-amz-decoded-content-length" in request.header_map
        and auth.payload_hash == UNSIGNED_PAYLOAD
    )


def _decoded_length(request: Request) -> int:
    """The number of payload bytes within the framing. Raises `MissingContentLength`."""
    text = request.header_map.get(b"x-amz-decoded-content-length", b"").strip()
    if not text.isdigit() or len(text) > _LENGTH_MAX_DIGITS:
        raise S3Error("MissingContentLength", "The x-amz-decoded-content-length header is missing or not a number.")
    return int(text)


def _plain_length(request: Request) -> int | None:
    """The number of bytes of a plain body, None in HTTP's chunks. Raises `MissingContentLength` where neither is said."""
    length = request.content_length
    if length is None and b"transfer-encoding" not in request.header_map:
        raise S3Error("MissingContentLength")
    return length
