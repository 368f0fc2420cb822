"""b2sdk: large files with parts of our choosing, copies, timestamps, and the errors that it maps."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from b2sdk.v3 import CopySource, UploadSourceBytes
from b2sdk.v3.exception import (
    BadRequest,
    BucketIdNotFound,
    DuplicateBucketName,
    FileNotPresent,
    NonExistentBucket,
    Unauthorized,
)

from harness.clients import b2_api
from harness.server import Server
from harness.trees import random_bytes

PART_BYTES = 5_000_000


@pytest.fixture
def opened(b2sdk: Any, bucket: str) -> Any:
    """The bucket as b2sdk knows it."""
    return b2sdk.get_bucket_by_name(bucket)


def read(source: Any) -> bytes:
    """All bytes of a download."""
    target = io.BytesIO()
    source.save(target)
    return target.getvalue()


def test_small_and_large_uploads_come_back_whole(opened: Any) -> None:
    small = random_bytes(65_537)
    version = opened.upload_bytes(small, "small", content_type="x/y", file_info={"a": "ü"})
    assert version.content_sha1 == hashlib.sha1(small).hexdigest()
    downloaded = opened.download_file_by_name("small")
    assert read(downloaded) == small
    assert downloaded.download_version.file_info["a"] == "ü"

    large = random_bytes(2 * PART_BYTES + 77)
    version = opened.concatenate(
        [UploadSourceBytes(large)], "large", recommended_upload_part_size=PART_BYTES, min_part_size=PART_BYTES
    )
    assert version.size == len(large)
    assert read(opened.download_file_by_name("large")) == large
    assert read(opened.download_file_by_id(version.id_, range_=(4_999_990, 5_000_010))) == large[4_999_990:5_000_011]


def test_a_file_is_put_together_from_local_and_remote_pieces(opened: Any) -> None:
    first = random_bytes(PART_BYTES + 11, 1)
    stored = opened.upload_bytes(first, "source")
    second = random_bytes(PART_BYTES + 22, 2)
    made = opened.concatenate(
        [CopySource(stored.id_, offset=0, length=len(first)), UploadSourceBytes(second)],
        "joined",
        recommended_upload_part_size=PART_BYTES,
        min_part_size=PART_BYTES,
    )
    assert read(opened.download_file_by_id(made.id_)) == first + second


def test_copies_keep_or_replace_what_describes_the_file(opened: Any) -> None:
    source = opened.upload_bytes(b"content", "source", content_type="x/old", file_info={"kind": "old"})
    kept = opened.copy(source.id_, "kept")
    assert (kept.content_type, kept.file_info) == ("x/old", {"kind": "old"})
    replaced = opened.copy(source.id_, "replaced", content_type="x/new", file_info={"kind": "new"})
    assert (replaced.content_type, replaced.file_info) == ("x/new", {"kind": "new"})
    ranged = opened.copy(source.id_, "ranged", offset=2, length=3)
    assert read(opened.download_file_by_id(ranged.id_)) == b"nte"


def test_a_custom_timestamp_is_kept_and_orders_the_versions(opened: Any) -> None:
    old = opened.upload_bytes(b"old", "k", custom_upload_timestamp=1_300_000_000_000)
    new = opened.upload_bytes(b"new", "k")
    assert old.upload_timestamp == 1_300_000_000_000
    assert [version.id_ for version in opened.list_file_versions("k")] == [new.id_, old.id_]


def test_listing_pages_through_names_and_versions(opened: Any) -> None:
    names = sorted([f"n/{number:03d}" for number in range(25)] + ["a", "z"])
    for name in names:
        opened.upload_bytes(name.encode(), name)
    assert [version.file_name for version, _ in opened.ls(recursive=True, fetch_count=7)] == names
    shallow = [(version.file_name, folder) for version, folder in opened.ls(fetch_count=7)]
    assert [folder or name for name, folder in shallow] == ["a", "n/", "z"]
    opened.hide_file("a")
    assert [folder or version.file_name for version, folder in opened.ls()] == ["n/", "z"]


def test_a_bucket_update_with_an_old_revision_is_refused(opened: Any) -> None:
    opened.update(bucket_info={"a": "1"})
    with pytest.raises(Exception, match=r"(?i)conflict|revision"):
        opened.update(bucket_info={"a": "2"}, if_revision_is=1)
    assert opened.get_fresh_state().bucket_info == {"a": "1"}


def test_errors_are_the_ones_that_the_sdk_knows(b2sdk: Any, opened: Any) -> None:
    with pytest.raises(NonExistentBucket):
        b2sdk.get_bucket_by_name("no-such-bucket-here")
    with pytest.raises(BucketIdNotFound):
        b2sdk.get_bucket_by_id("f" * 24)
    with pytest.raises(DuplicateBucketName):
        b2sdk.create_bucket(opened.name, "allPrivate")
    with pytest.raises(FileNotPresent):
        opened.get_file_info_by_name("missing")
    with pytest.raises(BadRequest):
        b2sdk.create_bucket("UPPER_case!", "allPrivate")


def test_a_deleted_key_stops_at_once(server: Server, b2sdk: Any, bucket: str, new_name: Callable[[str], str]) -> None:
    key = b2sdk.create_key(["listBuckets", "listFiles", "readFiles"], new_name("key"))
    api = b2_api(server, key=(key.id_, key.application_key))
    assert list(api.get_bucket_by_name(bucket).ls()) == []
    b2sdk.delete_key(key)
    for _ in range(20):  # Every worker, not only the one that deleted it.
        with pytest.raises(Unauthorized):
            api.session.list_file_names(api.session.account_info.get_bucket_id_or_none_from_bucket_name(bucket))
