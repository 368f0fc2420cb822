from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest


@pytest.fixture
def source(s3, bucket):
    return s3.put_object(Bucket=bucket, Key="a b+ü", Body=b"hello world", ContentType="text/plain", Metadata={"a": "1"})


def copy(s3, bucket, **settings):
    return s3.copy_object(
        **{"Bucket": bucket, "Key": "copy", "CopySource": {"Bucket": bucket, "Key": "a b+ü"}, **settings}
    )


def test_a_copy_has_the_bytes_and_the_metadata_of_its_source(s3, bucket, source):
    answer = copy(s3, bucket)
    assert answer["CopySourceVersionId"] == source["VersionId"]
    assert answer["CopyObjectResult"]["ETag"] == source["ETag"]
    got = s3.get_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello world"
    assert (got["VersionId"], got["ContentType"], got["Metadata"]) == (answer["VersionId"], "text/plain", {"a": "1"})
    assert got["ChecksumCRC32"] == source["ChecksumCRC32"]


def test_copying_ignores_the_metadata_of_the_request_unless_it_replaces(s3, bucket, source):
    copy(s3, bucket, Metadata={"b": "2"})
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"a": "1"}
    copy(s3, bucket, Metadata={"b": "2"}, MetadataDirective="REPLACE")
    replaced = s3.head_object(Bucket=bucket, Key="copy")
    assert (replaced["Metadata"], replaced["ContentType"]) == ({"b": "2"}, "binary/octet-stream")


def test_a_copy_onto_itself_must_change_something(s3, bucket, source, refused):
    with refused("InvalidRequest", 400):
        copy(s3, bucket, Key="a b+ü")
    copy(s3, bucket, Key="a b+ü", MetadataDirective="REPLACE", Metadata={"c": "3"})
    assert s3.head_object(Bucket=bucket, Key="a b+ü")["Metadata"] == {"c": "3"}


def test_an_old_version_is_restored_by_copying_it_onto_itself(s3, bucket, source):
    s3.put_object(Bucket=bucket, Key="a b+ü", Body=b"newer")
    old = {"Bucket": bucket, "Key": "a b+ü", "VersionId": source["VersionId"]}
    copy(s3, bucket, Key="a b+ü", CopySource=old)
    assert s3.get_object(Bucket=bucket, Key="a b+ü")["Body"].read() == b"hello world"


@pytest.mark.parametrize("algorithm", ["CRC32C", "SHA256", "CRC64NVME"])
def test_a_copy_can_have_another_checksum(s3, bucket, source, algorithm):
    answer = copy(s3, bucket, ChecksumAlgorithm=algorithm)["CopyObjectResult"]
    head = s3.head_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == answer[f"Checksum{algorithm}"]
    assert head["ETag"] == source["ETag"]
    assert head["Metadata"] == {"a": "1"}


def test_conditions_on_the_source_fail_with_412(s3, bucket, source, refused):
    modified = s3.head_object(Bucket=bucket, Key="a b+ü")["LastModified"]
    copy(s3, bucket, CopySourceIfMatch=source["ETag"], CopySourceIfUnmodifiedSince=modified - timedelta(hours=1))
    for condition in (
        {"CopySourceIfMatch": '"x"'},
        {"CopySourceIfNoneMatch": source["ETag"]},
        {"CopySourceIfModifiedSince": modified},
        {"CopySourceIfUnmodifiedSince": modified - timedelta(seconds=1)},
    ):
        with refused("PreconditionFailed", 412):
            copy(s3, bucket, **condition)


def test_conditions_on_the_destination_are_those_of_a_put(s3, bucket, source, refused):
    copy(s3, bucket, IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        copy(s3, bucket, IfNoneMatch="*")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "InvalidArgument"),
        ("{bucket}", "InvalidArgument"),
        ("{bucket}/%", "InvalidArgument"),
        ("{bucket}/missing", "NoSuchKey"),
        ("{bucket}/a%2520b", "NoSuchKey"),
        ("no-such-bucket-at-all/k", "NoSuchBucket"),
        ("{bucket}/k?versionId=junk", "InvalidArgument"),
        ("{bucket}/k?versionId=null", "NoSuchVersion"),
    ],
)
def test_a_source_that_is_none_is_refused(raw, bucket, source, value, code):
    answer = raw("PUT", f"/{bucket}/copy", headers={"x-amz-copy-source": value.format(bucket=bucket)})
    assert answer.code == code
    assert raw("HEAD", f"/{bucket}/copy").status == 404


@pytest.mark.parametrize("form", ["{0}/{1}", "/{0}/{1}", "{0}%2F{1}"])
def test_a_source_is_written_in_several_ways(raw, bucket, source, form):
    value = form.format(bucket, quote("a b+ü"))
    assert raw("PUT", f"/{bucket}/copy", headers={"x-amz-copy-source": value}).status == 200


def test_a_delete_marker_is_no_source(s3, bucket, source, refused):
    marker = s3.delete_object(Bucket=bucket, Key="a b+ü")["VersionId"]
    with refused("NoSuchKey", 404):
        copy(s3, bucket)
    with refused("InvalidRequest", 400):
        copy(s3, bucket, CopySource={"Bucket": bucket, "Key": "a b+ü", "VersionId": marker})


def test_an_unknown_directive_is_refused(raw, bucket, source):
    headers = {"x-amz-copy-source": f"{bucket}/{quote('a b+ü')}", "x-amz-metadata-directive": "MOVE"}
    assert raw("PUT", f"/{bucket}/copy", headers=headers).code == "InvalidArgument"


def test_both_owners_are_checked(s3, bucket, source, server, refused):
    copy(s3, bucket, ExpectedBucketOwner=server.account_id, ExpectedSourceBucketOwner=server.account_id)
    for header in ("ExpectedBucketOwner", "ExpectedSourceBucketOwner"):
        with refused("AccessDenied", 403):
            copy(s3, bucket, **{header: "0" * 12})


def test_a_stranger_copies_neither_from_nor_into_a_bucket(s3, bucket, source, stranger, new_name, refused):
    own = new_name("strange")
    stranger.create_bucket(Bucket=own)
    with refused("AccessDenied", 403):
        stranger.copy_object(Bucket=own, Key="k", CopySource={"Bucket": bucket, "Key": "a b+ü"})
    put = stranger.put_object(Bucket=own, Key="k", Body=b"")
    with refused("AccessDenied", 403):
        stranger.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": own, "Key": "k"})
    stranger.delete_object(Bucket=own, Key="k", VersionId=put["VersionId"])
    stranger.delete_bucket(Bucket=own)
