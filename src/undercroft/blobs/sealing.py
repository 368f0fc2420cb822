"""Encrypting what is stored: AES-256-GCM, each frame by itself, so that a range opens without the rest of the blob.

A data key is used for one blob and never again. So the number of a frame can serve as its nonce, and a frame in another
place, or of another blob, does not open. The bytes keep their length; the tag of each frame stands beside its checksum.

What lives in the catalog is one frame, with its nonce before it and its tag behind it: there a key may serve for more than
one, each with a nonce of its own (docs/decisions/010).
"""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from undercroft import limits
from undercroft.blobs.contract import BlobCorrupt
from undercroft.blobs.framing import Footer

DATA_KEY_BYTES = 32
TAG_BYTES = 16
NONCE_BYTES = 12
_STRIDE_BYTES = limits.FRAME_BYTES + TAG_BYTES


class NotSealed(Exception):
    """Bytes that this key does not open: they or the key are not what they were."""


def seal(cipher: AESGCM, number: int, data: bytes) -> bytes:
    """The data encrypted as one frame of its own. No two with the same key may have the same number."""
    nonce = _nonce(number)
    return nonce + cipher.encrypt(nonce, data, None)


def unseal(cipher: AESGCM, sealed: bytes) -> bytes:
    """What `seal` was given. Raises `NotSealed`."""
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
    except (InvalidTag, ValueError) as error:  # The second for what is too short to be anything.
        raise NotSealed("The bytes do not open with this key.") from error


class FrameSealer:
    """Encrypts the frames of one blob, from data that comes in blocks of any length. Holds less than one frame of it."""

    __slots__ = ("_cipher", "_frame", "_held", "_room", "_tags")

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._held = bytearray()
        self._room = bytearray(limits.FRAME_BYTES + TAG_BYTES)
        self._frame = 0
        self._tags = bytearray()

    @property
    def held(self) -> int:
        """How many bytes wait for their frame to be full."""
        return len(self._held)

    def update(self, data: memoryview) -> Iterator[memoryview]:
        """Take the next bytes and yield the frames that they fill; each is good until the next is asked for."""
        if self._held:
            step = limits.FRAME_BYTES - len(self._held)
            self._held += data[:step]
            data = data[step:]
            if len(self._held) == limits.FRAME_BYTES:
                yield self._seal(memoryview(self._held))
                self._held = bytearray()
        whole = len(data) // limits.FRAME_BYTES * limits.FRAME_BYTES
        for at in range(0, whole, limits.FRAME_BYTES):
            yield self._seal(data[at : at + limits.FRAME_BYTES])
        self._held += data[whole:]

    def finish(self) -> memoryview:
        """The last, shorter frame; nothing where there is none."""
        if not self._held:
            return memoryview(b"")
        last, self._held = self._held, bytearray()
        return self._seal(memoryview(last))

    def tags(self) -> bytes:
        """The tags of all frames so far."""
        return bytes(self._tags)

    def _seal(self, frame: memoryview) -> memoryview:
        room = memoryview(self._room)[: len(frame) + TAG_BYTES]
        self._cipher.encrypt_into(_nonce(self._frame), frame, None, room)
        self._tags += room[len(frame) :]
        self._frame += 1
        return room[: len(frame)]


def room_bytes(frames: int) -> int:
    """How much memory `spread` needs for so many frames."""
    return frames * _STRIDE_BYTES


def spread(memory: memoryview, length: int) -> list[memoryview]:
    """Where in the memory to put stored frames of so many bytes in all: a piece a frame, with room for its tag behind it."""
    starts = range(0, length, limits.FRAME_BYTES)
    return [
        memory[(at := number * _STRIDE_BYTES) : at + min(limits.FRAME_BYTES, length - start)]
        for number, start in enumerate(starts)
    ]


class FrameOpener:
    """Decrypts the frames of one blob."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def open(self, memory: memoryview, length: int, first: int, footer: Footer, blob_id: bytes) -> bytearray:
        """Whole frames, verified already, which begin at byte `first` of the blob, in the clear. Raises `BlobCorrupt`.

        They lie in the memory as `spread` says, and each gets its tag behind it, as the cipher wants it: to join the two
        would copy all. They are decrypted to where they stay.
        """
        opened = bytearray(length)
        room = memoryview(opened)
        number = first // limits.FRAME_BYTES
        for at, frame_at in zip(
            range(0, length, limits.FRAME_BYTES), range(0, len(memory), _STRIDE_BYTES), strict=False
        ):
            tag_at = frame_at + min(limits.FRAME_BYTES, length - at)
            memory[tag_at : tag_at + TAG_BYTES] = footer.tag(number)
            sealed = memory[frame_at : tag_at + TAG_BYTES]
            try:
                self._cipher.decrypt_into(_nonce(number), sealed, None, room[at : at + limits.FRAME_BYTES])
            except InvalidTag as error:
                raise BlobCorrupt(blob_id, f"frame {number} does not open with the key of the blob") from error
            number += 1
        return opened


def _nonce(frame: int) -> bytes:
    return frame.to_bytes(NONCE_BYTES, "big")
