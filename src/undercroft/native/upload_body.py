"""The body of a native upload and the three ways in which its sender vouches for it (reference, section 9.3)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping

from undercroft.http.request import Request
from undercroft.native.errors import BadRequest

DO_NOT_VERIFY = b"do_not_verify"
AT_END = b"hex_digits_at_end"
DIGEST_CHARACTERS = 40
_HEX_DIGEST = re.compile(rb"[0-9A-Fa-f]{40}\Z")
_NO_ALGORITHMS: frozenset[str] = frozenset()


def _digest(text: bytes) -> bytes:
    """The raw SHA-1 of 40 hex digits. Raises `BadRequest` with what is wrong."""
    if len(text) != DIGEST_CHARACTERS:
        raise BadRequest("sha1 is wrong length")
    if _HEX_DIGEST.match(text) is None:
        raise BadRequest("Not a valid hex SHA1")
    return bytes.fromhex(text.decode("ascii"))


class NativeBody:
    """The payload of `b2_upload_file` or `b2_upload_part`.

    With `hex_digits_at_end` the last 40 bytes of the body are the digest: they are held back, so `length` and `chunks`
    speak of the payload alone, and `expected` knows the digest once the last chunk has gone.
    """

    __slots__ = ("_digest_at_end", "_expected", "_request", "length", "unverified")

    def __init__(self, request: Request) -> None:
        """Read the headers. Raises `BadRequest` without a Content-Length or a usable `X-Bz-Content-Sha1`."""
        if b"transfer-encoding" in request.header_map:
            raise BadRequest("Chunked uploads are not supported: send a Content-Length")
        length = request.content_length
        if length is None:
            raise BadRequest("The header Content-Length is required")
        sha1 = request.header_map.get(b"x-bz-content-sha1", b"").strip()
        if not sha1:
            raise BadRequest("The header X-Bz-Content-Sha1 is required")
        self._request = request
        self._expected: dict[str, bytes] = {}
        self._digest_at_end = sha1 == AT_END
        self.unverified = sha1 == DO_NOT_VERIFY
        if self._digest_at_end:
            if length < DIGEST_CHARACTERS:
                raise BadRequest("The body is too short to end in the 40 hex digits of its SHA1")
            length -= DIGEST_CHARACTERS
        elif not self.unverified:
            self._expected["sha1"] = _digest(sha1)
        self.length: int | None = length

    @property
    def algorithms(self) -> frozenset[str]:
        """No checksum beside the two that every upload gets."""
        return _NO_ALGORITHMS

    def expected(self) -> Mapping[str, bytes]:
        """The digest that the sender declared, if any."""
        return self._expected

    def chunks(self) -> AsyncIterator[bytes]:
        """The payload, once."""
        return self._without_digest() if self._digest_at_end else self._request.stream()

    async def _without_digest(self) -> AsyncIterator[bytes]:
        held = b""
        async for chunk in self._request.stream():
            # What is held never exceeds the digest's length, so each chunk is copied once at most.
            if len(chunk) >= DIGEST_CHARACTERS:
                if held:
                    yield held
                yield chunk[:-DIGEST_CHARACTERS]
                held = chunk[-DIGEST_CHARACTERS:]
            else:
                held += chunk
                if len(held) > DIGEST_CHARACTERS:
                    yield held[:-DIGEST_CHARACTERS]
                    held = held[-DIGEST_CHARACTERS:]
        self._expected["sha1"] = _digest(held)
