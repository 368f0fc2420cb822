"""The format of a stored blob, version 1: bytes in, bytes out, no input or output. DESIGN.md draws it.

Checksums cover the bytes as they are stored, so a scrub needs no key. They stand in a footer and not between the frames:
frames then begin at fixed places, whole ranges are read without copying, and a writer needs to know no length beforehand.
The id stands in header and footer, so that a file in the wrong place is found out.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable
from typing import NamedTuple

from awscrt.checksums import crc32c

from undercroft import limits
from undercroft.blobs.contract import BLOB_ID_BYTES, BlobCorrupt, BlobTooNew

FORMAT = 1
CIPHER_NONE = 0  # Bytes are stored as they came.
CIPHER_AES_256_GCM = 1  # Each frame is encrypted by itself (`sealing`); its tag of 16 bytes stands in the footer.

_HEADER_MAGIC = b"\x89UCBLOB\n"  # Not text, and damaged by whatever "repairs" line ends.
_FOOTER_MAGIC = b"\x89UCDONE\n"
_HEADER = struct.Struct("<8sHBxI16s4060x")  # magic, format, cipher, frame size, id, zeros
_TRAILER = struct.Struct("<QIHBx16s20x")  # bytes, frames, format, cipher, id, zeros
_CHECKSUM = struct.Struct("<I")
_CHECKSUM_BYTES, _TAG_BYTES = 4, 16
_ENTRY_BYTES = {
    CIPHER_NONE: _CHECKSUM_BYTES,
    CIPHER_AES_256_GCM: _CHECKSUM_BYTES + _TAG_BYTES,
}  # Of a frame in the footer.

HEADER_BYTES = _HEADER.size + _CHECKSUM.size
TRAILER_BYTES = _TRAILER.size + _CHECKSUM.size + len(_FOOTER_MAGIC)
MAX_BYTES = limits.BLOB_FRAMES_MAX * limits.FRAME_BYTES


class Footer(NamedTuple):
    """What the end of a blob says: how many bytes it holds, and of each frame the checksum, 4 bytes little-endian, and,
    where it is encrypted, the tag, 16 bytes.
    """

    size: int
    checksums: bytes
    tags: bytes = b""

    def tag(self, frame: int) -> bytes:
        """The tag of a frame that is encrypted."""
        return self.tags[frame * _TAG_BYTES : (frame + 1) * _TAG_BYTES]


def checksum(data: bytes | memoryview, before: int = 0) -> int:
    """The CRC32C of the data, or of everything up to here where `before` is the checksum of what came before it."""
    return crc32c(data, before)  # type: ignore[no-any-return]


def frames_of(size: int) -> int:
    """How many frames hold so many bytes."""
    return -(-size // limits.FRAME_BYTES)


def stored_bytes(size: int, cipher: int = CIPHER_NONE) -> int:
    """How long the stored form of a blob of `size` bytes is."""
    return HEADER_BYTES + size + frames_of(size) * _ENTRY_BYTES[cipher] + TRAILER_BYTES


class FrameChecksums:
    """The checksums of frames, from data that comes in blocks of any length. Nothing is kept or copied of the data."""

    __slots__ = ("_complete", "_current", "_filled", "size")

    def __init__(self) -> None:
        self.size = 0
        self._complete = array("I")
        self._current = 0
        self._filled = 0  # Bytes of the current frame that `_current` covers.

    def update(self, data: memoryview) -> None:
        """Take the next bytes (a contiguous view of bytes)."""
        position, end = 0, len(data)
        while position < end:
            step = min(limits.FRAME_BYTES - self._filled, end - position)
            self._current = crc32c(data[position : position + step], self._current)
            self._filled += step
            position += step
            if self._filled == limits.FRAME_BYTES:
                self._complete.append(self._current)
                self._current = self._filled = 0
        self.size += end

    def table(self) -> bytes:
        """The checksums so far, 4 bytes little-endian each; that of a last, shorter frame included."""
        last = [self._current] if self._filled else []
        count = len(self._complete) + len(last)
        return struct.pack(f"<{count}I", *self._complete, *last)


def pack_header(blob_id: bytes, cipher: int = CIPHER_NONE) -> bytes:
    """The header of a blob."""
    assert len(blob_id) == BLOB_ID_BYTES
    body = _HEADER.pack(_HEADER_MAGIC, FORMAT, cipher, limits.FRAME_BYTES, blob_id)
    return body + _CHECKSUM.pack(checksum(body))


def check_header(data: bytes, blob_id: bytes) -> int:
    """The cipher that a blob's header names.

    Raises `BlobCorrupt` if the data is not the sound header of this blob, and `BlobTooNew` if it is one of tomorrow.

    Magic, format and checksum stay where they are in every format to come, so the second can be told from the first.
    """
    if len(data) != HEADER_BYTES:
        raise BlobCorrupt(blob_id, "it ends within its header")
    body = data[: _HEADER.size]
    magic, form, cipher, frame_bytes, found_id = _HEADER.unpack(body)
    if magic != _HEADER_MAGIC or checksum(body) != _CHECKSUM.unpack_from(data, _HEADER.size)[0]:
        raise BlobCorrupt(blob_id, "its header is damaged")
    if form != FORMAT or cipher not in _ENTRY_BYTES or frame_bytes != limits.FRAME_BYTES:
        raise BlobTooNew(blob_id, f"format {form}, cipher {cipher}, frames of {frame_bytes} bytes")
    if found_id != blob_id:
        raise BlobCorrupt(blob_id, f"its header belongs to blob {found_id.hex()}")
    return cipher  # type: ignore[no-any-return]


def pack_footer(blob_id: bytes, size: int, checksums: bytes, tags: bytes | None = None) -> bytes:
    """The footer that ends a blob of `size` bytes: the table of `FrameChecksums`, and the tags where it is encrypted."""
    frames = frames_of(size)
    assert len(checksums) == frames * _CHECKSUM_BYTES
    assert tags is None or len(tags) == frames * _TAG_BYTES
    cipher = CIPHER_NONE if tags is None else CIPHER_AES_256_GCM
    body = checksums + (tags or b"") + _TRAILER.pack(size, frames, FORMAT, cipher, blob_id)
    return body + _CHECKSUM.pack(checksum(body)) + _FOOTER_MAGIC


def footer_reach(stored: int, cipher: int = CIPHER_NONE) -> int:
    """How many bytes at the end of a stored blob, `stored` bytes long as a whole, are sure to hold its footer.

    Bounded, however long a damaged file is. The header, which comes first, has been checked.
    """
    frames = min(frames_of(stored), limits.BLOB_FRAMES_MAX)
    return min(stored - HEADER_BYTES, frames * _ENTRY_BYTES[cipher] + TRAILER_BYTES)


def parse_footer(tail: bytes, stored: int, blob_id: bytes, cipher: int = CIPHER_NONE) -> Footer:
    """The footer at the end of `tail`, which are the last `footer_reach(stored, cipher)` bytes of a stored blob whose
    header names this cipher.

    Raises `BlobCorrupt` unless every byte of it is sound and the lengths agree with `stored`.
    """
    if len(tail) != footer_reach(stored, cipher) or len(tail) < TRAILER_BYTES or not tail.endswith(_FOOTER_MAGIC):
        raise BlobCorrupt(blob_id, "it has no footer: it was never finished, or was cut off")
    trailer_at = len(tail) - TRAILER_BYTES
    size, frames, form, found_cipher, found_id = _TRAILER.unpack_from(tail, trailer_at)
    table_at = trailer_at - frames * _ENTRY_BYTES[cipher]
    if size > MAX_BYTES or frames != frames_of(size) or stored != stored_bytes(size, cipher):
        raise BlobCorrupt(blob_id, "the lengths in its footer are wrong")
    checked = memoryview(tail)[table_at : trailer_at + _TRAILER.size]
    if checksum(checked) != _CHECKSUM.unpack_from(tail, trailer_at + _TRAILER.size)[0]:
        raise BlobCorrupt(blob_id, "its footer is damaged")
    if form != FORMAT or found_cipher != cipher or found_id != blob_id:
        raise BlobCorrupt(blob_id, "its footer does not belong to its header")
    tags_at = table_at + frames * _CHECKSUM_BYTES
    return Footer(size, tail[table_at:tags_at], tail[tags_at:trailer_at])


def frame_span(offset: int, length: int, size: int) -> tuple[int, int]:
    """The bytes [first, end) of a blob of `size` bytes that hold every frame which the range touches."""
    first = offset // limits.FRAME_BYTES * limits.FRAME_BYTES
    return first, min(frames_of(offset + length) * limits.FRAME_BYTES, size)


def verify(data: bytes | memoryview, first: int, footer: Footer, blob_id: bytes) -> None:
    """Check whole frames, which begin at byte `first` of the blob, against the footer. Raises `BlobCorrupt`."""
    view = memoryview(data)
    frames = (view[at : at + limits.FRAME_BYTES] for at in range(0, len(data), limits.FRAME_BYTES))
    verify_each(frames, first, footer, blob_id)


def verify_each(frames: Iterable[memoryview], first: int, footer: Footer, blob_id: bytes) -> None:
    """As `verify`, for frames that do not lie one behind the other in memory."""
    for number, frame in enumerate(frames, first // limits.FRAME_BYTES):
        (expected,) = _CHECKSUM.unpack_from(footer.checksums, number * _CHECKSUM_BYTES)
        if crc32c(frame) != expected:
            raise BlobCorrupt(blob_id, f"frame {number} differs from its checksum")
