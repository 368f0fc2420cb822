from __future__ import annotations

ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def test_a_plain_object_tells_what_is_asked(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello world")
    told = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=ALL)
    assert (told["ETag"], told["ObjectSize"], told["StorageClass"]) == (put["ETag"].strip('"'), 11, "STANDARD")
    assert told["Checksum"] == {"ChecksumCRC32": "DUoRhQ==", "ChecksumType": "FULL_OBJECT"}
    assert told["VersionId"] == put["VersionId"]
    assert "ObjectParts" not in told
    assert "ETag" not in s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])


def test_the_parts_of_an_upload_are_paged(s3, bucket):
    created = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32")
    where = {"Bucket": bucket, "Key": "k", "UploadId": created["UploadId"]}
    parts = []
    for number, body in ((1, b"a" * 5_000_000), (2, b"b" * 5_000_000), (3, b"c")):
        answer = s3.upload_part(**where, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": answer["ChecksumCRC32"]})
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    told = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"], MaxParts=1, PartNumberMarker=1
    )["ObjectParts"]
    assert (told["TotalPartsCount"], told["NextPartNumberMarker"], told["IsTruncated"]) == (3, 2, True)
    assert told["Parts"] == [{"PartNumber": 2, "Size": 5_000_000, "ChecksumCRC32": parts[1]["ChecksumCRC32"]}]


def test_nothing_asked_and_unknown_things_are_refused(s3, raw, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert raw("GET", f"/{bucket}/k?attributes").code == "InvalidRequest"
    headers = {"x-amz-object-attributes": "ETag,Colour"}
    assert raw("GET", f"/{bucket}/k?attributes", headers=headers).code == "InvalidArgument"


def test_what_is_missing_has_no_attributes(s3, bucket, refused):
    with refused("NoSuchKey", 404):
        s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=ALL)
