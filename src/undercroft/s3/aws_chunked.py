"""Decoding of aws-chunked bodies: S3's own framing of chunks, signed or not, with checksums after the last one.

A state machine without I/O: bytes go in as they arrive, cut anywhere, and payload comes out at once. It holds at most
one line of framing; a chunk's size is only counted down, never allocated. A signed chunk's payload is handed on before
its signature can be checked, since a signature covers the whole chunk: whoever stores it must make nothing visible until
`finish` has returned.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum, auto

from undercroft import limits
from undercroft.s3.errors import S3Error
from undercroft.s3.sigv4 import EMPTY_SHA256, ChunkSeed, sign

_HEX = b"0123456789abcdefABCDEF"
_SIZE_MAX_DIGITS = 16
_SIGNATURE_EXTENSION = b"chunk-signature="
_TRAILER_SIGNATURE = b"x-amz-trailer-signature"


class _State(Enum):
    SIZE = auto()  # Within the line that begins a chunk.
    DATA = auto()
    DATA_END = auto()  # Within the line break after a chunk's data.
    TRAILER = auto()  # After the chunk of size zero, up to the end of the body.


class ChunkSignatures:
    """The chain of a body's signatures: each covers its chunk and the signature before it."""

    def __init__(self, seed: ChunkSeed) -> None:
        self._seed = seed
        self._previous = seed.signature
        self._digest = hashlib.sha256()

    def update(self, data: bytes) -> None:
        """Take in bytes of the chunk that is arriving."""
        self._digest.update(data)

    def check_chunk(self, signature: bytes) -> None:
        """End the chunk. Raises `SignatureDoesNotMatch` unless the signature is that of its bytes."""
        lines = (b"AWS4-HMAC-SHA256-PAYLOAD", EMPTY_SHA256.encode(), self._digest.hexdigest().encode())
        self._check(lines, signature)
        self._digest = hashlib.sha256()

    def check_trailer(self, canonical: bytes, signature: bytes) -> None:
        """Raises `SignatureDoesNotMatch` unless the signature is that of the trailer."""
        digest = hashlib.sha256(canonical).hexdigest().encode()
        self._check((b"AWS4-HMAC-SHA256-TRAILER", digest), signature)

    def _check(self, lines: tuple[bytes, ...], signature: bytes) -> None:
        seed = self._seed
        text = b"\n".join((lines[0], seed.timestamp, seed.scope, self._previous, *lines[1:]))
        expected = sign(seed.key, text)
        if not hmac.compare_digest(expected, signature):
            raise S3Error("SignatureDoesNotMatch", "The signature of a chunk or trailer of the body does not match.")
        self._previous = expected


class ChunkedDecoder:
    """Decodes one body.

    `length` is the number of payload bytes that the request declares. `signatures` is None for the unsigned kind.
    `announced` are the lower-case names of x-amz-trailer; a body whose kind has no trailer announces none. After
    `finish`, `trailers` has the announced trailers' values.
    """

    def __init__(self, length: int, signatures: ChunkSignatures | None, announced: frozenset[bytes]) -> None:
        self.trailers: dict[bytes, bytes] = {}
        self._length = length
        self._signatures = signatures
        self._announced = announced
        self._state = _State.SIZE
        self._line = b""  # What has arrived of the line of framing that is incomplete yet.
        self._signature = b""  # Of the chunk that is arriving.
        self._chunk = 0  # The number of the chunk that is arriving, from 1.
        self._chunk_size = limits.AWS_CHUNK_MIN_BYTES  # Of the chunk before, which may be small only if it is the last.
        self._missing = 0  # How many bytes of the chunk are still to come.
        self._promised = 0  # Payload bytes of all chunks begun, with those that are still missing.
        self._trailer_bytes = 0
        self._trailer_signature: bytes | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Take in the next bytes of the body and return the payload in them, in order.

        Raises `IncompleteBody` for broken framing or too many payload bytes, `InvalidChunkSizeError` for a small chunk
        that is not the last, `SignatureDoesNotMatch`, and `MalformedTrailerError`.
        """
        pieces: list[bytes] = []
        position = 0
        end = len(data)
        while position < end:
            if self._state is _State.DATA:
                stop = min(end, position + self._missing)
                piece = data if stop - position == end else data[position:stop]
                self._missing -= len(piece)
                position = stop
                if self._signatures is not None:
                    self._signatures.update(piece)
                pieces.append(piece)
                if not self._missing:
                    self._state = _State.DATA_END
            else:
                position = self._take_line(data, position)
        return pieces

    def finish(self) -> None:
        """The body has ended. Raises what `feed` raises where it ended too early or lacks what it announced."""
        if self._state is not _State.TRAILER:
            raise self._incomplete()
        if self._line:
            self._end_line(self._line)
            self._line = b""
        if self._promised != self._length:
            raise self._incomplete()
        missing = self._announced - self.trailers.keys()
        if missing:
            names = ", ".join(sorted(name.decode("latin-1") for name in missing))
            raise S3Error("MalformedTrailerError", f"The body ends without the trailer that it announces: {names}.")
        if self._signatures is not None and (self.trailers or self._trailer_signature is not None):
            if self._trailer_signature is None:
                raise S3Error("MalformedTrailerError", "The trailer has no x-amz-trailer-signature.")
            canonical = b"".join(b"%b:%b\n" % trailer for trailer in self.trailers.items())
            self._signatures.check_trailer(canonical, self._trailer_signature)

    def _incomplete(self) -> S3Error:
        received = self._promised - self._missing
        extras = {"NumberBytesExpected": str(self._length), "NumberBytesProvided": str(received)}
        return S3Error("IncompleteBody", extras=extras)

    def _take_line(self, data: bytes, position: int) -> int:
        """Take in a line of framing, or what has arrived of it; returns where the data goes on."""
        newline = data.find(b"\n", position)
        stop = len(data) if newline < 0 else newline + 1
        if len(self._line) + stop - position > limits.AWS_CHUNK_LINE_MAX_BYTES:
            raise self._incomplete()
        self._line += data[position:stop]
        if newline >= 0:
            line, self._line = self._line, b""
            self._end_line(line)
        return stop

    def _end_line(self, line: bytes) -> None:
        if self._state is _State.SIZE:
            self._begin_chunk(line)
        elif self._state is _State.DATA_END:
            if line != b"\r\n":
                raise self._incomplete()
            if self._signatures is not None:
                self._signatures.check_chunk(self._signature)
            self._state = _State.SIZE
        else:
            self._take_trailer(line)

    def _begin_chunk(self, line: bytes) -> None:
        """Read the line that begins a chunk: its size and, where chunks are signed, its signature."""
        if not line.endswith(b"\r\n"):
            raise self._incomplete()
        digits, _, extension = line[:-2].partition(b";")
        if not digits or len(digits) > _SIZE_MAX_DIGITS or digits.strip(_HEX):
            raise self._incomplete()
        size = int(digits, 16)
        if self._signatures is not None:
            if not extension.startswith(_SIGNATURE_EXTENSION):
                raise self._incomplete()
            self._signature = extension[len(_SIGNATURE_EXTENSION) :]
        if not size:
            if self._signatures is not None:
                self._signatures.check_chunk(self._signature)
            self._state = _State.TRAILER
            return
        if self._chunk_size < limits.AWS_CHUNK_MIN_BYTES:
            extras = {"Chunk": str(self._chunk), "BadChunkSize": str(self._chunk_size)}
            raise S3Error("InvalidChunkSizeError", extras=extras)
        if self._promised + size > self._length:
            raise self._incomplete()
        self._chunk += 1
        self._chunk_size = self._missing = size
        self._promised += size
        self._state = _State.DATA

    def _take_trailer(self, line: bytes) -> None:
        """Read a line after the last chunk. Clients end these lines, and the body, in several ways: blanks are nothing."""
        self._trailer_bytes += len(line)
        if self._trailer_bytes > limits.AWS_TRAILERS_MAX_BYTES:
            raise S3Error("MalformedTrailerError", "The trailer is too long.")
        line = line.strip()
        if not line:
            return
        name, colon, value = line.partition(b":")
        name = name.strip().lower()
        value = value.strip()
        if self._signatures is not None and name == _TRAILER_SIGNATURE and self._trailer_signature is None:
            self._trailer_signature = value
        elif not colon or name not in self._announced or name in self.trailers:
            shown = name.decode("latin-1")
            raise S3Error("MalformedTrailerError", f"The trailer {shown!r} is malformed, repeated or not announced.")
        else:
            self.trailers[name] = value
