"""The five checksums of S3: their headers, their text form, and what becomes of those of a multipart upload's parts.

A value is the base64 of the digest's big-endian bytes. A multipart upload's checksum is either composite (the digest of
its parts' digests, with `-N` after it) or that of the whole object, which for the CRCs follows from the parts' values
and lengths without reading a byte again.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64encode
from collections.abc import Iterable, Sequence

from awscrt import checksums as crt

from undercroft.http.request import Request
from undercroft.s3.errors import S3Error

# Digest sizes in bytes. The names are the suffixes of the headers.
SIZES = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}
_CRCS = {"crc32": crt.crc32, "crc32c": crt.crc32c, "crc64nvme": crt.crc64nvme}
_COMBINE = {"crc32": crt.combine_crc32, "crc32c": crt.combine_crc32c, "crc64nvme": crt.combine_crc64nvme}
COMBINED = frozenset(_COMBINE)  # The algorithms whose value for a whole follows from that of its parts.
_PREFIX = b"x-amz-checksum-"
_NOT_VALUES = frozenset((b"x-amz-checksum-type", b"x-amz-checksum-algorithm", b"x-amz-checksum-mode"))


def parse_algorithm(name: str | None) -> str | None:
    """The algorithm that a header such as x-amz-sdk-checksum-algorithm names, in any case; None where it names none.

    Raises `InvalidRequest` for one that is unknown or not supported: it is better refused than stored unverified.
    """
    algorithm = (name or "").strip().lower()
    if not algorithm:
        return None
    if algorithm not in SIZES:
        supported = ", ".join(known.upper() for known in SIZES)
        raise S3Error("InvalidRequest", f"The checksum algorithm {name} is not supported. Use one of {supported}.")
    return algorithm


def algorithm_of_header(header: bytes) -> str | None:
    """The algorithm whose values the header carries; None where the name is not that of a checksum's header.

    Raises `InvalidRequest` for the header of an algorithm that is unknown or not supported.
    """
    if not header.startswith(_PREFIX) or header in _NOT_VALUES:
        return None
    return parse_algorithm(header[len(_PREFIX) :].decode("latin-1"))


def header_name(algorithm: str) -> bytes:
    """The header that carries the algorithm's values."""
    return _PREFIX + algorithm.encode("ascii")


def to_text(digest: bytes) -> str:
    """A digest as S3 writes it."""
    return b64encode(digest).decode("ascii")


def from_text(algorithm: str, text: str) -> bytes:
    """The digest in a checksum's text. Raises `InvalidRequest` where it is not base64 of the algorithm's length."""
    digest = decode_base64(text)
    if digest is None or len(digest) != SIZES[algorithm]:
        raise S3Error("InvalidRequest", f"Value for x-amz-checksum-{algorithm} header is invalid.")
    return digest


def decode_base64(text: str) -> bytes | None:
    """The bytes of strict, padded base64 text, or None where it is not that."""
    try:
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def declared(request: Request) -> tuple[str, bytes] | None:
    """The algorithm and digest of the request's checksum header, or None where it has none.

    Raises `InvalidRequest` for more than one such header, an unknown one, or a malformed value.
    """
    found: tuple[str, bytes] | None = None
    for header, value in request.header_map.items():
        algorithm = algorithm_of_header(header)
        if algorithm is not None:
            if found is not None:
                raise S3Error("InvalidRequest", "Expecting a single x-amz-checksum- header")
            found = algorithm, from_text(algorithm, value.decode("latin-1").strip())
    return found


def digest(algorithm: str, data: bytes) -> bytes:
    """The digest of bytes in memory; `md5` is understood as well."""
    crc = _CRCS.get(algorithm)
    if crc is not None:
        return int(crc(data)).to_bytes(SIZES[algorithm], "big")
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()


def composite(algorithm: str, digests: Sequence[bytes]) -> str:
    """The composite checksum of a multipart upload from its parts' digests in order, as S3 writes it."""
    return f"{to_text(digest(algorithm, b''.join(digests)))}-{len(digests)}"


def of_whole(algorithm: str, parts: Iterable[tuple[bytes, int]]) -> bytes:
    """The CRC of a whole object from its parts' CRCs and lengths in bytes, in order. For the three CRCs only."""
    combine = _COMBINE[algorithm]
    whole = 0
    for part_digest, length in parts:
        whole = combine(whole, int.from_bytes(part_digest, "big"), length)
    return whole.to_bytes(SIZES[algorithm], "big")
