from __future__ import annotations

import hashlib

import pytest

BODY = bytes(range(256)) * 25_000


@pytest.fixture
def upload(s3, bucket):
    s3.put_object(Bucket=bucket, Key="source", Body=BODY)
    created = s3.create_multipart_upload(Bucket=bucket, Key="k")
    return {"Bucket": bucket, "Key": "k", "UploadId": created["UploadId"]}


def test_ranges_of_an_object_become_parts(s3, bucket, upload):
    source = {"Bucket": bucket, "Key": "source"}
    etag = s3.head_object(**source)["ETag"]
    parts = []
    for number, (first, last) in enumerate([(100, 5_999_999), (0, 9)], start=1):
        answer = s3.upload_part_copy(
            **upload,
            PartNumber=number,
            CopySource=source,
            CopySourceRange=f"bytes={first}-{last}",
            CopySourceIfMatch=etag,
        )
        result = answer["CopyPartResult"]
        assert result["ETag"] == f'"{hashlib.md5(BODY[first : last + 1]).hexdigest()}"'
        parts.append({"PartNumber": number, "ETag": result["ETag"]})
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY[100:6_000_000] + BODY[:10]


def test_a_whole_version_becomes_a_part(s3, bucket, upload):
    source = {"Bucket": bucket, "Key": "source", "VersionId": s3.head_object(Bucket=bucket, Key="source")["VersionId"]}
    answer = s3.upload_part_copy(**upload, PartNumber=1, CopySource=source)
    assert answer["CopySourceVersionId"] == source["VersionId"]
    assert answer["CopyPartResult"]["ETag"] == f'"{hashlib.md5(BODY).hexdigest()}"'


def test_a_part_copied_into_an_upload_with_checksums_has_one(s3, bucket, upload):
    created = s3.create_multipart_upload(Bucket=bucket, Key="sum", ChecksumAlgorithm="CRC32C")
    where = {"Bucket": bucket, "Key": "sum", "UploadId": created["UploadId"]}
    result = s3.upload_part_copy(**where, PartNumber=1, CopySource={"Bucket": bucket, "Key": "source"})[
        "CopyPartResult"
    ]
    part = {"PartNumber": 1, "ETag": result["ETag"], "ChecksumCRC32C": result["ChecksumCRC32C"]}
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [part]})
    assert done["ChecksumCRC32C"].endswith("-1")


@pytest.mark.parametrize("asked", ["0-2", "bytes=0-2,4-5", "bytes=5-", "bytes=-5", "bytes=3-2", f"bytes=0-{len(BODY)}"])
def test_a_range_that_is_malformed_or_beyond_the_end_is_refused(s3, bucket, upload, refused, asked):
    with refused("InvalidArgument", 400):
        s3.upload_part_copy(
            **upload, PartNumber=1, CopySource={"Bucket": bucket, "Key": "source"}, CopySourceRange=asked
        )


def test_a_condition_that_fails_is_412_and_a_missing_source_404(s3, bucket, upload, refused):
    with refused("PreconditionFailed", 412):
        s3.upload_part_copy(
            **upload, PartNumber=1, CopySource={"Bucket": bucket, "Key": "source"}, CopySourceIfMatch='"x"'
        )
    with refused("NoSuchKey", 404):
        s3.upload_part_copy(**upload, PartNumber=1, CopySource={"Bucket": bucket, "Key": "missing"})
    with refused("NoSuchUpload", 404):
        unknown = upload | {"Key": "other"}
        s3.upload_part_copy(**unknown, PartNumber=1, CopySource={"Bucket": bucket, "Key": "source"})
