"""b2sdk's emerger: files put together from local and stored ranges that may overlap, as lists and as streams."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from b2sdk.v3 import CopySource, UploadMode, UploadSourceBytes, WriteIntent

from harness.trees import random_bytes

PART_BYTES = 5_000_000
SIZES = {"recommended_upload_part_size": PART_BYTES, "min_part_size": PART_BYTES}


@pytest.fixture
def opened(b2sdk: Any, bucket: str) -> Any:
    """The bucket as b2sdk knows it."""
    return b2sdk.get_bucket_by_name(bucket)


def read(opened: Any, name: str) -> bytes:
    """All bytes of a file."""
    target = io.BytesIO()
    opened.download_file_by_name(name).save(target)
    return target.getvalue()


@pytest.mark.parametrize("way", ["create_file", "create_file_stream"])
def test_overlapping_pieces_make_one_file_of_copies_and_uploads(opened: Any, way: str) -> None:
    whole = random_bytes(4 * PART_BYTES)
    stored = opened.upload_bytes(whole[: 3 * PART_BYTES], "stored")
    intents = [
        WriteIntent(CopySource(stored.id_, offset=0, length=2 * PART_BYTES), 0),
        WriteIntent(UploadSourceBytes(whole[PART_BYTES + 99 : 3 * PART_BYTES + 1]), PART_BYTES + 99),
        WriteIntent(UploadSourceBytes(whole[3 * PART_BYTES :]), 3 * PART_BYTES),
    ]
    given = intents if way == "create_file" else iter(intents)
    made = getattr(opened, way)(given, "made", content_type="x/y", file_info={"a": "b"}, **SIZES)
    assert (made.content_type, made.file_info["a"], made.size) == ("x/y", "b", len(whole))
    assert read(opened, "made") == whole


def test_a_stream_of_pieces_is_joined_in_order(opened: Any) -> None:
    pieces = [random_bytes(PART_BYTES + number, number) for number in range(3)]
    sources = (UploadSourceBytes(piece) for piece in pieces)
    opened.concatenate_stream(sources, "joined", recommended_upload_part_size=PART_BYTES)
    assert read(opened, "joined") == b"".join(pieces)


def test_a_stream_without_a_known_length_becomes_a_large_file(opened: Any) -> None:
    data = random_bytes(2 * PART_BYTES + 17)
    opened.upload_unbound_stream(io.BytesIO(data), "streamed", buffer_size=PART_BYTES, **SIZES)
    assert read(opened, "streamed") == data


def test_an_incremental_upload_sends_what_was_appended(opened: Any, tmp_path: Path) -> None:
    source, data = tmp_path / "log", random_bytes(2 * PART_BYTES)
    source.write_bytes(data[:PART_BYTES])
    opened.upload_local_file(source, "log", min_part_size=PART_BYTES)
    source.write_bytes(data)
    version = opened.upload_local_file(source, "log", min_part_size=PART_BYTES, upload_mode=UploadMode.INCREMENTAL)
    assert read(opened, "log") == data
    assert version.file_info["large_file_sha1"] == hashlib.sha1(data).hexdigest()
