"""Frames under a key: what goes in comes out, in its own place alone."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from undercroft import limits
from undercroft.blobs import framing
from undercroft.blobs.contract import BlobCorrupt
from undercroft.blobs.sealing import FrameOpener, FrameSealer, NotSealed, room_bytes, seal, spread, unseal

FRAME = limits.FRAME_BYTES
KEY, OTHER = b"\x01" * 32, b"\x02" * 32
BLOB_ID = bytes(range(16))


def sealed(data: bytes, step: int = FRAME, key: bytes = KEY) -> tuple[bytes, bytes]:
    """The frames as they are stored, and their tags."""
    sealer = FrameSealer(key)
    stored = bytearray()
    for at in range(0, len(data), step):
        for frame in sealer.update(memoryview(data)[at : at + step]):
            stored += frame
        assert sealer.held == (min(at + step, len(data))) % FRAME
    stored += sealer.finish()
    return bytes(stored), sealer.tags()


def opened(stored: bytes, tags: bytes, first: int = 0, key: bytes = KEY) -> bytes:
    footer = framing.Footer(len(stored), b"", tags)
    memory = memoryview(bytearray(room_bytes(framing.frames_of(len(stored)))))
    for number, place in enumerate(spread(memory, len(stored))):
        place[:] = stored[number * FRAME : (number + 1) * FRAME]
    return bytes(FrameOpener(key).open(memory, len(stored), first, footer, BLOB_ID))


@settings(deadline=None)
@given(st.integers(0, 3 * FRAME + 5), st.integers(500, 3 * FRAME))
def test_any_data_in_blocks_of_any_length_comes_back(size, step):
    data = bytes(index % 251 for index in range(size))
    stored, tags = sealed(data, step)
    assert len(stored) == len(data)
    assert len(tags) == framing.frames_of(size) * 16
    assert opened(stored, tags) == data
    assert size < 16 or data[:16] not in stored


def test_frames_open_without_those_before_them():
    data = bytes(2 * FRAME) + b"the last one"
    stored, tags = sealed(data)
    assert opened(stored[FRAME:], tags, FRAME) == data[FRAME:]
    assert opened(stored[2 * FRAME :], tags, 2 * FRAME) == b"the last one"


def test_a_frame_opens_in_its_own_place_alone():
    stored, tags = sealed(bytes(2 * FRAME))
    swapped = stored[FRAME:] + stored[:FRAME]
    with pytest.raises(BlobCorrupt, match="frame 0 does not open"):
        opened(swapped, tags[16:] + tags[:16])


@pytest.mark.parametrize("at", [0, FRAME - 1, FRAME, FRAME + 4])
def test_a_changed_byte_does_not_open(at):
    stored, tags = sealed(bytes(FRAME + 5))
    damaged = bytearray(stored)
    damaged[at] ^= 1
    with pytest.raises(BlobCorrupt, match="does not open"):
        opened(bytes(damaged), tags)
    with pytest.raises(BlobCorrupt, match="does not open"):
        opened(stored, bytes([tags[0] ^ 1]) + tags[1:])


def test_another_key_opens_nothing():
    stored, tags = sealed(b"data")
    with pytest.raises(BlobCorrupt):
        opened(stored, tags, key=OTHER)


def test_one_frame_with_its_tag_behind_it_opens_with_its_key_alone():
    stored = seal(AESGCM(KEY), 7, b"data")
    assert unseal(AESGCM(KEY), stored) == b"data"
    for key, changed in ((OTHER, stored), (KEY, stored[:-1]), (KEY, b"x" + stored[1:]), (KEY, stored[:9]), (KEY, b"")):
        with pytest.raises(NotSealed):
            unseal(AESGCM(key), changed)
