from __future__ import annotations

import pytest

from undercroft.native.lock_shapes import LockView
from undercroft.native.shapes import bucket_shape, filtered, key_shape, old_row, part_shape, version_shape
from undercroft.store.identity.principals import NOBODY, Principal
from undercroft.store.ids import FileId
from undercroft.store.model import Action, ApplicationKey, Bucket, FileVersion, Part, Retention

BUCKET_ID = "1df2dee6ab62f7f577c70e1a"


def principal(*capabilities):
    return Principal.of_key(key(capabilities=frozenset(capabilities)))


def key(**changes):
    values = {
        "key_id": "000d2e6b27577ea0000000001", "account_id": "d2e6b27577ea", "name": "k", "secret": "SECRET",
        "capabilities": frozenset({"b", "a"}), "bucket_ids": None, "name_prefix": None, "expires_ms": None,
        "created_ms": 0,
    }  # fmt: skip
    return ApplicationKey(**{**values, **changes})


def version(**changes):
    values = {
        "bucket_id": BUCKET_ID, "account_id": "d2e6b27577ea", "name": "n", "file_id": FileId(BUCKET_ID, 1, 5, 1000),
        "action": Action.UPLOAD, "size": 4, "content_type": "text/plain", "content_sha1": "s" * 40, "etag": "e" * 32,
        "checksum": None, "info": {}, "uploaded_ms": 7, "received_ms": 7, "part_count": 0,
    }  # fmt: skip
    return FileVersion(**{**values, **changes})


def test_a_value_is_shown_to_holders_of_its_capability_alone():
    assert filtered(principal("x"), "x", 1) == {"isClientAuthorizedToRead": True, "value": 1}
    assert filtered(principal("y"), "x", 1) == {"isClientAuthorizedToRead": False, "value": None}
    assert filtered(NOBODY, "x", 1) == {"isClientAuthorizedToRead": False, "value": None}


@pytest.mark.parametrize(
    ("capability", "member"),
    [
        ("readBucketEncryption", "defaultServerSideEncryption"),
        ("readBucketRetentions", "fileLockConfiguration"),
        ("readBucketReplications", "replicationConfiguration"),
    ],
)
def test_each_filtered_member_of_a_bucket_has_its_own_capability(capability, member):
    bucket = Bucket(BUCKET_ID, "d2e6b27577ea", "bucket", "allPrivate", 2, 0, {}, [], [])
    shape = bucket_shape(bucket, principal(capability), None)
    seen = {name for name, value in shape.items() if isinstance(value, dict) and value.get("isClientAuthorizedToRead")}
    assert seen == {member}


def test_retention_and_legal_hold_have_their_own_capabilities():
    locked = version(retention=Retention("governance", 5), legal_hold=True)
    retention = {"mode": "governance", "retainUntilTimestamp": 5}
    row = version_shape(locked, LockView.of(principal("readFileRetentions")))
    assert (row["fileRetention"]["value"], row["legalHold"]["value"]) == (retention, None)
    row = version_shape(locked, LockView.of(principal("readFileLegalHolds")))
    assert (row["fileRetention"]["value"], row["legalHold"]["value"]) == (None, "on")


def test_a_key_is_shown_without_its_secret_and_in_the_versions_own_spelling():
    restricted = key(bucket_ids=(BUCKET_ID,))
    assert key_shape(restricted, multi_bucket=False)["bucketId"] == BUCKET_ID
    assert key_shape(restricted, multi_bucket=True)["bucketIds"] == (BUCKET_ID,)
    assert key_shape(key(), multi_bucket=False)["bucketId"] is None
    assert key_shape(key(), multi_bucket=True)["bucketIds"] is None
    assert "SECRET" not in repr(key_shape(key(), multi_bucket=True))


def test_a_finished_large_file_has_no_md5():
    lock = LockView.of(NOBODY)
    assert version_shape(version(), lock)["contentMd5"] == "e" * 32
    assert version_shape(version(etag="e" * 32 + "-2", content_sha1="none"), lock)["contentMd5"] is None


def test_an_old_row_spells_none_as_null_and_the_length_as_size():
    lock = LockView.of(NOBODY)
    row = old_row(version_shape(version(content_sha1="none", action=Action.START, etag=""), lock))
    assert (row["contentSha1"], row["size"]) == (None, 0)
    assert old_row(version_shape(version(), lock))["size"] == 4


def test_a_part_names_the_large_file_it_belongs_to():
    part = Part(3, 5, "s" * 40, "m" * 32, None, 9)
    assert part_shape(part, "4_zid") == {
        "contentLength": 5, "contentMd5": "m" * 32, "contentSha1": "s" * 40, "fileId": "4_zid", "partNumber": 3,
        "serverSideEncryption": {"algorithm": None, "mode": None}, "uploadTimestamp": 9,
    }  # fmt: skip
