from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

HELLO = b"hello world"
CHECKSUMS = {
    "CRC32": "DUoRhQ==",
    "CRC32C": "yZRlqg==",
    "CRC64NVME": "jSnVw/bqjr4=",
    "SHA1": "Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
    "SHA256": "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
}


@pytest.mark.parametrize("size", [0, 1, 11, 65_536, 65_537, 3_000_000])
def test_what_is_put_is_got_with_its_md5_as_etag(s3, bucket, size):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    put = s3.put_object(Bucket=bucket, Key="k", Body=body)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert put["ETag"] == got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert put["VersionId"] == got["VersionId"]


def test_everything_said_of_an_object_comes_back(s3, bucket):
    said = {
        "CacheControl": "max-age=60",
        "ContentDisposition": "attachment; filename=x",
        "ContentEncoding": "gzip",
        "ContentLanguage": "de-CH",
        "ContentType": "text/plain; charset=utf-8",
        "Metadata": {"mtime": "1.5", "src_last_modified_millis": "1500", "empty": ""},
    }
    s3.put_object(Bucket=bucket, Key="k", Body=HELLO, Expires="Thu, 01 Dec 2033 16:00:00 GMT", **said)
    for answer in (s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")):
        assert {name: answer[name] for name in said} == said
        assert answer["ExpiresString"] == "Thu, 01 Dec 2033 16:00:00 GMT"


def test_metadata_names_are_merged_whatever_their_case(raw, bucket):
    headers = {"x-amz-meta-Key": "v1", "content-type": ""}
    assert raw("PUT", f"/{bucket}/k", headers=headers).status == 200
    answer = raw("HEAD", f"/{bucket}/k")
    assert answer.headers["x-amz-meta-key"] == "v1"
    assert answer.headers["content-type"] == "binary/octet-stream"


@pytest.mark.parametrize(
    "key",
    [
        "a b",
        "a+b",
        "a%2Fb",
        "a%b",
        "q?x",
        "h#x",
        "a&b=c",
        "ü",
        "😀",
        "a/../b",
        "./a",
        "a//b",
        "/a",
        "a/",
        "<&>\"'",
        "a\tb",
    ],
)
def test_keys_are_taken_as_they_are(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [row["Key"] for row in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)


@pytest.mark.parametrize(("length", "accepted"), [(1023, True), (1024, True), (1025, False)])
def test_a_key_has_at_most_1024_bytes(s3, bucket, refused, length, accepted):
    if accepted:
        s3.put_object(Bucket=bucket, Key="k" * length, Body=b"")
    else:
        with refused("KeyTooLongError", 400):
            s3.put_object(Bucket=bucket, Key="k" * length, Body=b"")


@pytest.mark.parametrize("algorithm", sorted(CHECKSUMS))
def test_a_checksum_is_verified_kept_and_returned(s3, raw, bucket, algorithm):
    field, value = f"Checksum{algorithm}", CHECKSUMS[algorithm]
    put = s3.put_object(Bucket=bucket, Key="k", Body=HELLO, **{field: value})
    assert (put[field], put["ChecksumType"]) == (value, "FULL_OBJECT")
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[field] == value
    assert field not in s3.head_object(Bucket=bucket, Key="k")
    wrong = raw("PUT", f"/{bucket}/wrong", headers={f"x-amz-checksum-{algorithm.lower()}": value}, body=b"other")
    assert (wrong.status, wrong.code) == (400, "BadDigest")
    assert raw("HEAD", f"/{bucket}/wrong").status == 404


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-md5": "bad"}, "InvalidDigest"),
        ({"content-md5": ""}, "InvalidDigest"),
        ({"content-md5": base64.b64encode(bytes(16)).decode()}, "BadDigest"),
        ({"x-amz-checksum-crc32": "bad"}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": "DUoRhQ==", "x-amz-checksum-crc32c": "yZRlqg=="}, "InvalidRequest"),
        ({"x-amz-checksum-md5": "XrY7u+Ae7tCTyyK7j1rNww=="}, "InvalidRequest"),
        ({"x-amz-sdk-checksum-algorithm": "CRC32"}, "InvalidRequest"),
        ({"x-amz-server-side-encryption": "aws:kms"}, "InvalidArgument"),
        ({"x-amz-server-side-encryption-customer-algorithm": "AES256"}, "InvalidArgument"),
        ({"x-amz-object-lock-mode": "COMPLIANCE"}, "InvalidArgument"),
        ({"x-amz-object-lock-legal-hold": "ON"}, "InvalidRequest"),
        ({"x-amz-object-lock-event-hold": "ON"}, "NotImplemented"),
        ({"x-amz-website-redirect-location": "/x"}, "NotImplemented"),
        ({"x-amz-grant-read": "id=1"}, "NotImplemented"),
        ({"x-amz-tagging": "a=b"}, "NotImplemented"),
        ({"x-amz-storage-class": "GLACIER"}, "InvalidStorageClass"),
        ({"x-amz-acl": "public-read"}, "InvalidArgument"),
        ({"x-amz-meta-b2-x": "y"}, "InvalidArgument"),
        ({"x-amz-meta-long": "x" * 7001}, "MetadataTooLarge"),
        ({"x-amz-content-sha256": "0" * 64}, "XAmzContentSHA256Mismatch"),
        ({"x-amz-expected-bucket-owner": "0" * 12}, "AccessDenied"),
        ({"x-amz-write-offset-bytes": "0"}, "NotImplemented"),
        ({"if-match": "x", "if-none-match": "*"}, "NotImplemented"),
    ],
)
def test_a_refused_put_leaves_nothing(raw, bucket, headers, code):
    answer = raw("PUT", f"/{bucket}/k", headers=headers, body=HELLO)
    assert answer.code == code
    assert raw("GET", f"/{bucket}?versions").xml.findall("{*}Version") == []


def test_what_is_so_anyway_may_be_asked_for(raw, bucket):
    headers = {"x-amz-acl": "private", "x-amz-storage-class": "STANDARD", "x-amz-tagging": ""}
    assert raw("PUT", f"/{bucket}/k", headers=headers, body=HELLO).status == 200


def test_creating_only_once_succeeds_once(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfNoneMatch="*")


def test_replacing_needs_the_right_etag(s3, bucket, refused):
    with refused("NoSuchKey", 404):
        s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfMatch="*")
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch='"other"')
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch="*")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"3"


def test_of_many_who_create_at_once_one_wins(s3, bucket):
    def create(number: int) -> int:
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
        return 200

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(create, range(8)))
    assert sorted(statuses) == [200] + [412] * 7


def test_a_put_into_a_missing_bucket_says_so(s3, new_name, refused):
    with refused("NoSuchBucket", 404):
        s3.put_object(Bucket=new_name(), Key="k", Body=HELLO)


def test_nobody_writes_into_a_public_bucket(raw, public_bucket):
    assert raw("PUT", f"/{public_bucket}/k", body=HELLO, signed=False).code == "AccessDenied"


@pytest.mark.parametrize("query", ["partNumber=1", "uploadId=x", "versionId=x", "brand-new"])
def test_a_put_with_a_parameter_that_it_does_not_take_is_no_put(raw, bucket, query):
    assert raw("PUT", f"/{bucket}/k?{query}", body=HELLO).status in {400, 501}
    assert raw("HEAD", f"/{bucket}/k").status == 404


def test_metadata_that_a_presigned_url_carries_in_its_query_is_kept(s3, raw, bucket):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k", "Metadata": {"a": "1"}})
    target = url.removeprefix(raw.endpoint)
    headers = {} if "x-amz-meta-a" in url.partition("SignedHeaders")[0].lower() else {"x-amz-meta-a": "1"}
    assert raw.send("PUT", target, headers, HELLO).status == 200
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"a": "1"}
