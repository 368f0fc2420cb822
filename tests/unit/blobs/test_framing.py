"""The format of stored blobs: what is written is read again, and no damage goes unseen."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from undercroft import limits
from undercroft.blobs import framing
from undercroft.blobs.contract import BlobCorrupt, BlobTooNew

BLOB_ID = bytes(range(16))
OTHER_ID = bytes(range(1, 17))
FRAME = limits.FRAME_BYTES
SIZES = (0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME - 1, 3 * FRAME)


def sample(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def store(data: bytes, blob_id: bytes = BLOB_ID) -> bytes:
    checksums = framing.FrameChecksums()
    checksums.update(memoryview(data))
    footer = framing.pack_footer(blob_id, checksums.size, checksums.table())
    return framing.pack_header(blob_id) + data + footer


def load(stored: bytes, blob_id: bytes = BLOB_ID) -> bytes:
    """Read a whole stored blob as a driver does."""
    framing.check_header(stored[: framing.HEADER_BYTES], blob_id)
    tail = stored[len(stored) - framing.footer_reach(len(stored)) :]
    footer = framing.parse_footer(tail, len(stored), blob_id)
    data = stored[framing.HEADER_BYTES : framing.HEADER_BYTES + footer.size]
    framing.verify(data, 0, footer, blob_id)
    return data


def flip(data: bytes, bit: int) -> bytes:
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def resealed_header(**changes: object) -> bytes:
    """A header with a sound checksum and other contents."""
    fields = {"magic": b"\x89UCBLOB\n", "form": 1, "cipher": 0, "frame": FRAME, "blob_id": BLOB_ID} | changes
    body = struct.pack("<8sHBxI16s4060x", *fields.values())
    return body + struct.pack("<I", framing.checksum(body))


def resealed_footer(checksums: bytes, **changes: object) -> bytes:
    """A footer with a sound checksum and other contents."""
    fields = {"size": 1, "frames": len(checksums) // 4, "form": 1, "cipher": 0, "blob_id": BLOB_ID} | changes
    body = checksums + struct.pack("<QIHBx16s20x", *fields.values())
    return body + struct.pack("<I", framing.checksum(body)) + b"\x89UCDONE\n"


def test_checksum_is_crc32c():
    assert framing.checksum(b"123456789") == 0xE3069283  # The check value of CRC-32/ISCSI.
    assert framing.checksum(b"6789", framing.checksum(b"12345")) == 0xE3069283


@pytest.mark.parametrize("size", SIZES)
def test_what_is_stored_is_read_again_at_every_frame_boundary(size):
    stored = store(sample(size))
    assert len(stored) == framing.stored_bytes(size)
    assert load(stored) == sample(size)


def test_the_parts_of_a_stored_blob_have_the_sizes_that_the_format_fixes():
    assert framing.HEADER_BYTES == 4096
    assert framing.TRAILER_BYTES == 64
    assert len(framing.pack_header(BLOB_ID)) == 4096
    assert [framing.frames_of(size) for size in SIZES] == [0, 1, 1, 1, 2, 3, 3]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 150_000), max_size=6))
def test_checksums_do_not_depend_on_how_the_bytes_were_cut_into_blocks(lengths):
    data = sample(sum(lengths))
    cut, whole, at = framing.FrameChecksums(), framing.FrameChecksums(), 0
    for length in lengths:
        cut.update(memoryview(data)[at : at + length])
        at += length
    whole.update(memoryview(data))
    expected = [framing.checksum(data[start : start + FRAME]) for start in range(0, len(data), FRAME)]
    assert cut.table() == whole.table() == struct.pack(f"<{len(expected)}I", *expected)
    assert cut.size == whole.size == len(data)


def test_any_flipped_bit_of_the_header_is_found():
    header = framing.pack_header(BLOB_ID)
    for bit in range(8 * len(header)):
        with pytest.raises(BlobCorrupt):
            framing.check_header(flip(header, bit), BLOB_ID)


def test_any_flipped_bit_of_the_footer_is_found():
    stored = store(sample(2 * FRAME + 5))
    tail = stored[-framing.footer_reach(len(stored)) :]
    footer_bytes = 3 * 4 + framing.TRAILER_BYTES
    for bit in range(8 * (len(tail) - footer_bytes), 8 * len(tail)):
        with pytest.raises(BlobCorrupt):
            framing.parse_footer(flip(tail, bit), len(stored), BLOB_ID)


@settings(max_examples=150)
@given(st.integers(1, 2 * FRAME + 100), st.data())
def test_a_flipped_bit_anywhere_in_a_stored_blob_is_found(size, data):
    stored = store(sample(size))
    bit = data.draw(st.integers(0, 8 * len(stored) - 1))
    with pytest.raises(BlobCorrupt):
        load(flip(stored, bit))


@settings(max_examples=150)
@given(st.integers(0, 2 * FRAME), st.data())
def test_a_stored_blob_that_was_cut_off_anywhere_is_found(size, data):
    stored = store(sample(size))
    with pytest.raises(BlobCorrupt):
        load(stored[: data.draw(st.integers(0, len(stored) - 1))])


def test_two_frames_that_changed_places_are_found():
    data = sample(3 * FRAME)
    stored = store(data)
    at = framing.HEADER_BYTES
    swapped = stored[:at] + data[FRAME : 2 * FRAME] + data[:FRAME] + stored[at + 2 * FRAME :]
    with pytest.raises(BlobCorrupt, match="frame 0 differs"):
        load(swapped)


def test_verify_names_the_frame_of_the_blob_and_not_of_the_range():
    data = sample(4 * FRAME)
    stored = store(data)
    footer = framing.parse_footer(stored[-framing.footer_reach(len(stored)) :], len(stored), BLOB_ID)
    framing.verify(data[2 * FRAME :], 2 * FRAME, footer, BLOB_ID)
    with pytest.raises(BlobCorrupt, match="frame 3 differs"):
        framing.verify(flip(data[2 * FRAME :], 8 * FRAME), 2 * FRAME, footer, BLOB_ID)


def test_a_blob_under_the_name_of_another_is_found():
    with pytest.raises(BlobCorrupt, match=f"belongs to blob {OTHER_ID.hex()}"):
        load(store(b"x", OTHER_ID))


def test_a_footer_of_another_blob_is_found():
    other = store(b"x", OTHER_ID)
    with pytest.raises(BlobCorrupt, match="does not belong"):
        load(store(b"x")[: framing.HEADER_BYTES] + other[framing.HEADER_BYTES :])


@pytest.mark.parametrize("change", [{"form": 2}, {"cipher": 1}])
def test_a_footer_of_another_format_than_its_header_is_found(change):
    table = struct.pack("<I", framing.checksum(b"x"))
    with pytest.raises(BlobCorrupt, match="does not belong"):
        load(framing.pack_header(BLOB_ID) + b"x" + resealed_footer(table, **change))


@pytest.mark.parametrize("change", [{"form": 2}, {"cipher": 2}, {"frame": 2 * FRAME}])
def test_a_sound_header_of_a_newer_release_is_no_corruption(change):
    framing.check_header(resealed_header(), BLOB_ID)
    with pytest.raises(BlobTooNew, match="newer release"):
        framing.check_header(resealed_header(**change), BLOB_ID)


def test_a_file_with_another_magic_is_no_blob():
    with pytest.raises(BlobCorrupt, match="header is damaged"):
        framing.check_header(resealed_header(magic=b"\x89UCBLOB\r"), BLOB_ID)


@pytest.mark.parametrize("change", [{"frames": 2}, {"size": FRAME}, {"size": 1 << 63, "frames": 0}])
def test_lengths_that_do_not_agree_are_found_before_they_are_used(change):
    table = struct.pack("<I", framing.checksum(b"x"))
    with pytest.raises(BlobCorrupt, match="lengths"):
        load(framing.pack_header(BLOB_ID) + b"x" + resealed_footer(table, **change))


def test_the_footer_of_a_monstrous_file_is_searched_within_bounds():
    most = framing.footer_reach(framing.stored_bytes(framing.MAX_BYTES))
    assert framing.footer_reach(1 << 62) == most == limits.BLOB_FRAMES_MAX * 4 + framing.TRAILER_BYTES


@pytest.mark.parametrize("frames", [limits.BLOB_FRAMES_MAX - 1, limits.BLOB_FRAMES_MAX])
def test_a_blob_may_have_as_many_frames_as_the_limit_says(frames):
    stored = framing.stored_bytes(frames * FRAME)
    footer = framing.pack_footer(BLOB_ID, frames * FRAME, bytes(4 * frames))
    tail = footer.rjust(framing.footer_reach(stored), b"\0")
    assert framing.parse_footer(tail, stored, BLOB_ID) == (frames * FRAME, bytes(4 * frames), b"")


def test_a_blob_of_more_frames_than_the_limit_says_is_refused():
    size = (limits.BLOB_FRAMES_MAX + 1) * FRAME
    stored = framing.stored_bytes(size)
    tail = framing.pack_footer(BLOB_ID, size, bytes(4 * framing.frames_of(size)))[-framing.footer_reach(stored) :]
    with pytest.raises(BlobCorrupt, match="lengths"):
        framing.parse_footer(tail, stored, BLOB_ID)


@given(st.integers(1, 5 * FRAME), st.data())
def test_the_span_of_a_range_is_the_whole_frames_that_it_touches(size, data):
    offset = data.draw(st.integers(0, size - 1))
    length = data.draw(st.integers(1, size - offset))
    first, end = framing.frame_span(offset, length, size)
    assert first % FRAME == 0
    assert end % FRAME == 0 or end == size
    assert first <= offset < first + FRAME
    assert end - FRAME < offset + length <= end
