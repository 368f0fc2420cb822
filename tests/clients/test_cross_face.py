"""P10: what one face writes, the other reads, with the mapping of metadata, digests, versions and markers."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from b2sdk.v3 import BucketRetentionSetting, LegalHold, RetentionMode, RetentionPeriod, UploadSourceBytes
from b2sdk.v3.exception import B2Error
from botocore.exceptions import ClientError

from harness.trees import random_bytes

PART_BYTES = 5 * 1024 * 1024


@pytest.fixture
def native(b2sdk: Any, bucket: str) -> Any:
    """The bucket, through the native face; `bucket` and `s3` are the same through the other."""
    return b2sdk.get_bucket_by_name(bucket)


def native_bytes(source: Any) -> bytes:
    """All bytes of a native download."""
    target = io.BytesIO()
    source.save(target)
    return target.getvalue()


@pytest.mark.parametrize("size", [0, 5, 65_536, 65_537, 200_000])
def test_a_native_upload_is_an_s3_object(native: Any, s3: Any, bucket: str, size: int) -> None:
    body = random_bytes(size)
    version = native.upload_bytes(
        body, "folder/ü n", content_type="text/x-test", file_info={"colour": "blue", "b2-cache-control": "max-age=7"}
    )
    got = s3.get_object(Bucket=bucket, Key="folder/ü n")
    assert got["Body"].read() == body
    assert got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert got["VersionId"] == version.id_
    assert got["Metadata"]["colour"] == "blue"
    assert (got["ContentType"], got["CacheControl"]) == ("text/x-test", "max-age=7")
    assert int(got["LastModified"].timestamp()) == version.upload_timestamp // 1000


@pytest.mark.parametrize("size", [0, 5, 65_536, 65_537, 200_000])
def test_an_s3_object_is_a_native_file(native: Any, s3: Any, bucket: str, size: int) -> None:
    body = random_bytes(size)
    put = s3.put_object(
        Bucket=bucket, Key="folder/ü n", Body=body, ContentType="text/x-test",
        Metadata={"colour": "blue"}, ContentDisposition="inline",
    )  # fmt: skip
    downloaded = native.download_file_by_name("folder/ü n")
    assert native_bytes(downloaded) == body
    version = downloaded.download_version
    assert version.id_ == put["VersionId"]
    assert version.content_sha1 == hashlib.sha1(body).hexdigest()
    assert version.file_info["colour"] == "blue"
    assert (version.content_type, version.content_disposition) == ("text/x-test", "inline")
    listed = next(entry for entry, _ in native.ls(recursive=True))
    assert (listed.id_, listed.size) == (put["VersionId"], size)
    assert listed.content_md5 == hashlib.md5(body).hexdigest()


def test_a_hide_marker_is_a_delete_marker_and_back(native: Any, s3: Any, bucket: str) -> None:
    native.upload_bytes(b"x", "hidden-by-b2")
    marker = native.hide_file("hidden-by-b2")
    with pytest.raises(ClientError) as raised:
        s3.get_object(Bucket=bucket, Key="hidden-by-b2")
    assert raised.value.response["Error"]["Code"] == "NoSuchKey"
    markers = s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]
    assert [(row["Key"], row["VersionId"]) for row in markers] == [("hidden-by-b2", marker.id_)]

    s3.put_object(Bucket=bucket, Key="deleted-by-s3", Body=b"x")
    deleted = s3.delete_object(Bucket=bucket, Key="deleted-by-s3")
    actions = [(version.action, version.id_) for version in native.list_file_versions("deleted-by-s3")]
    assert actions[0] == ("hide", deleted["VersionId"])
    assert actions[1][0] == "upload"
    assert [version.file_name for version, _ in native.ls(recursive=True)] == []
    s3.delete_object(Bucket=bucket, Key="hidden-by-b2", VersionId=marker.id_)
    assert native_bytes(native.download_file_by_name("hidden-by-b2")) == b"x"


def test_versions_of_both_faces_stand_in_one_order(native: Any, s3: Any, bucket: str) -> None:
    ids = []
    for number in range(3):
        ids.append(native.upload_bytes(b"native %d" % number, "k").id_)
        ids.append(s3.put_object(Bucket=bucket, Key="k", Body=b"s3 %d" % number)["VersionId"])
    ids.reverse()
    assert [version.id_ for version in native.list_file_versions("k")] == ids
    assert [row["VersionId"] for row in s3.list_object_versions(Bucket=bucket)["Versions"]] == ids


def test_a_native_large_file_is_an_s3_object_with_a_multipart_etag(native: Any, s3: Any, bucket: str) -> None:
    body = random_bytes(2 * PART_BYTES + 9)
    native.concatenate(
        [UploadSourceBytes(body)], "large", recommended_upload_part_size=PART_BYTES, min_part_size=PART_BYTES
    )
    got = s3.get_object(Bucket=bucket, Key="large")
    assert got["Body"].read() == body
    assert "-" in got["ETag"]
    ranged = s3.get_object(Bucket=bucket, Key="large", Range=f"bytes={PART_BYTES - 5}-{PART_BYTES + 4}")
    assert ranged["Body"].read() == body[PART_BYTES - 5 : PART_BYTES + 5]


def test_an_s3_multipart_upload_is_a_native_large_file(native: Any, s3: Any, bucket: str) -> None:
    parts = [random_bytes(PART_BYTES, 1), random_bytes(1000, 2)]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="large", Metadata={"a": "b"})["UploadId"]
    assert [entry.file_id for entry in native.list_unfinished_large_files()] == [upload]
    tags = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=number, Body=part)["ETag"],
        }
        for number, part in enumerate(parts, 1)
    ]
    assert [(part.part_number, part.content_length) for part in native.list_parts(upload)] == [
        (1, PART_BYTES),
        (2, 1000),
    ]
    done = s3.complete_multipart_upload(Bucket=bucket, Key="large", UploadId=upload, MultipartUpload={"Parts": tags})
    version = native.get_file_info_by_name("large")
    assert (version.id_, version.size) == (done["VersionId"], PART_BYTES + 1000)
    assert version.content_sha1 == "none"
    assert native_bytes(native.download_file_by_name("large")) == b"".join(parts)


def test_an_upload_begun_by_one_face_is_finished_by_the_other(native: Any, s3: Any, b2sdk: Any, bucket: str) -> None:
    parts = [random_bytes(PART_BYTES, 1), random_bytes(PART_BYTES, 2)]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="mixed")["UploadId"]
    for number, part in enumerate(parts, 1):
        s3.upload_part(Bucket=bucket, Key="mixed", UploadId=upload, PartNumber=number, Body=part)
    b2sdk.session.finish_large_file(upload, [hashlib.sha1(part).hexdigest() for part in parts])
    assert native_bytes(native.download_file_by_name("mixed")) == b"".join(parts)
    assert s3.get_object(Bucket=bucket, Key="mixed")["Body"].read() == b"".join(parts)


def test_a_copy_made_by_one_face_is_read_by_the_other(native: Any, s3: Any, bucket: str) -> None:
    body = random_bytes(100_000)
    source = native.upload_bytes(body, "source", file_info={"a": "b"})
    native.copy(source.id_, "by-b2")
    s3.copy_object(Bucket=bucket, Key="by-s3", CopySource={"Bucket": bucket, "Key": "source", "VersionId": source.id_})
    got = s3.get_object(Bucket=bucket, Key="by-b2")
    assert (got["Body"].read(), got["Metadata"]) == (body, {"a": "b"})
    copied = native.download_file_by_name("by-s3")
    assert native_bytes(copied) == body
    assert copied.download_version.content_sha1 == hashlib.sha1(body).hexdigest()


def test_both_faces_list_names_in_the_same_order(native: Any, s3: Any, bucket: str) -> None:
    names = ["Z", "a", "a/b", "a b", "é", "日本", "😀", "~"]
    for number, name in enumerate(names):
        if number % 2:
            native.upload_bytes(b"x", name)
        else:
            s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    expected = sorted(names, key=str.encode)
    assert [row["Key"] for row in s3.list_objects_v2(Bucket=bucket)["Contents"]] == expected
    assert [version.file_name for version, _ in native.ls(recursive=True)] == expected


def test_bucket_settings_are_the_same_through_both_faces(b2sdk: Any, s3: Any, bucket: str) -> None:
    assert b2sdk.get_bucket_by_name(bucket).type_ == "allPrivate"
    b2sdk.get_bucket_by_name(bucket).update(bucket_type="allPublic")
    grants = s3.get_bucket_acl(Bucket=bucket)["Grants"]
    assert any(grant["Grantee"].get("URI", "").endswith("/AllUsers") for grant in grants)


def test_p7_a_lock_set_by_one_face_is_shown_and_kept_by_the_other(
    b2sdk: Any, s3: Any, new_name: Callable[[str], str]
) -> None:
    until = datetime(2999, 1, 1, tzinfo=UTC)
    name = new_name("locked")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    native = b2sdk.get_bucket_by_name(name)
    assert native.is_file_lock_enabled
    native.update(default_retention=BucketRetentionSetting(RetentionMode.GOVERNANCE, RetentionPeriod(days=7)))
    shown = s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
    assert shown["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 7}
    by_s3 = s3.put_object(
        Bucket=name, Key="by-s3", Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until,
        ObjectLockLegalHoldStatus="ON",
    )["VersionId"]  # fmt: skip
    version = native.get_file_info_by_name("by-s3")
    assert (version.file_retention.mode, version.legal_hold) == (RetentionMode.GOVERNANCE, LegalHold.ON)
    assert version.file_retention.retain_until == until.timestamp() * 1000
    with pytest.raises(B2Error):
        native.delete_file_version(by_s3, "by-s3", bypass_governance=True)
    by_b2 = native.upload_bytes(b"x", "by-b2", legal_hold=LegalHold.ON).id_
    head = s3.head_object(Bucket=name, Key="by-b2")
    assert (head["ObjectLockMode"], head["ObjectLockLegalHoldStatus"]) == ("GOVERNANCE", "ON")
    with pytest.raises(ClientError) as raised:
        s3.delete_object(Bucket=name, Key="by-b2", VersionId=by_b2, BypassGovernanceRetention=True)
    assert raised.value.response["Error"]["Code"] == "AccessDenied"
    answer = s3.delete_objects(
        Bucket=name, Delete={"Objects": [{"Key": "by-b2", "VersionId": by_b2}]}, BypassGovernanceRetention=True
    )
    assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    for key, version_id in (("by-s3", by_s3), ("by-b2", by_b2)):
        s3.put_object_legal_hold(Bucket=name, Key=key, VersionId=version_id, LegalHold={"Status": "OFF"})
        native.delete_file_version(version_id, key, bypass_governance=True)
    s3.delete_bucket(Bucket=name)


def test_a_key_restricted_to_a_prefix_means_the_same_in_s3(server: Any, b2sdk: Any, s3: Any, bucket: str) -> None:
    from harness.clients import boto3_client

    native = b2sdk.get_bucket_by_name(bucket)
    for name in ("in/x", "out/x"):
        native.upload_bytes(b"x", name)
    made = b2sdk.create_key(
        ["listBuckets", "listFiles", "readFiles", "writeFiles"], "prefixed", bucket_ids=[native.id_], name_prefix="in/"
    )
    limited = boto3_client(server, key=(made.id_, made.application_key))
    assert limited.get_object(Bucket=bucket, Key="in/x")["Body"].read() == b"x"
    limited.put_object(Bucket=bucket, Key="in/y", Body=b"y")
    assert [row["Key"] for row in limited.list_objects_v2(Bucket=bucket, Prefix="in/")["Contents"]] == ["in/x", "in/y"]
    refused: list[tuple[str, dict[str, Any]]] = [
        ("get_object", {"Key": "out/x"}),
        ("put_object", {"Key": "out/y", "Body": b"y"}),
        ("list_objects_v2", {}),
        ("delete_object", {"Key": "in/x", "VersionId": s3.head_object(Bucket=bucket, Key="in/x")["VersionId"]}),
        ("copy_object", {"Key": "in/z", "CopySource": {"Bucket": bucket, "Key": "out/x"}}),
    ]
    for operation, arguments in refused:
        with pytest.raises(ClientError) as raised:
            getattr(limited, operation)(Bucket=bucket, **arguments)
        assert raised.value.response["Error"]["Code"] == "AccessDenied", operation
    b2sdk.delete_key(made)
    with pytest.raises(ClientError) as raised:
        limited.get_object(Bucket=bucket, Key="in/x")
    assert raised.value.response["Error"]["Code"] == "InvalidAccessKeyId"
