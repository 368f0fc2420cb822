"""GetObject and HeadObject."""

from __future__ import annotations

import urllib.request
from datetime import timedelta

import pytest

BODY = b"0123456789"


@pytest.fixture
def put(s3, bucket):
    return s3.put_object(Bucket=bucket, Key="k", Body=BODY, ContentType="text/plain")


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=8-100", 206, b"89", "bytes 8-9/10"),
        ("bytes=-100", 206, BODY, "bytes 0-9/10"),
        ("bytes=3-1", 200, BODY, None),
        ("bytes=0-1,3-4", 200, BODY, None),
        ("lines=0-1", 200, BODY, None),
        ("bytes=", 200, BODY, None),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
    ],
)
def test_ranges_follow_the_table(raw, bucket, put, asked, status, body, content_range):
    got = raw("GET", f"/{bucket}/k", headers={"range": asked})
    assert got.status == status
    assert got.headers.get("content-range") == content_range
    head = raw("HEAD", f"/{bucket}/k", headers={"range": asked})
    assert (head.status, head.body) == (status, b"")
    if body is None:
        assert got.code == "InvalidRange"
        assert got.xml.findtext("ActualObjectSize") == "10"
    else:
        assert got.body == body
        assert head.headers["content-length"] == got.headers["content-length"] == str(len(body))


def test_head_has_the_headers_of_get(raw, bucket, put):
    got, head = raw("GET", f"/{bucket}/k"), raw("HEAD", f"/{bucket}/k")
    varying = {"date", "x-amz-request-id", "x-amz-id-2"}
    assert {k: v for k, v in got.headers.items() if k not in varying} == {
        k: v for k, v in head.headers.items() if k not in varying
    }
    assert got.headers["accept-ranges"] == "bytes"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert head.body == b""


def test_a_range_has_no_checksum_of_the_whole(s3, bucket, put):
    whole = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert whole["ChecksumCRC32"] == put["ChecksumCRC32"]
    part = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED", Range="bytes=0-1")
    assert "ChecksumCRC32" not in part


def test_conditions_are_judged(s3, bucket, put, refused):
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    s3.get_object(Bucket=bucket, Key="k", IfMatch=put["ETag"])
    with refused("PreconditionFailed", 412):
        s3.get_object(Bucket=bucket, Key="k", IfMatch='"x"')
    with refused("304", 304):
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=put["ETag"])
    with refused("304", 304):
        s3.head_object(Bucket=bucket, Key="k", IfModifiedSince=modified)
    with refused("412", 412):
        s3.head_object(Bucket=bucket, Key="k", IfUnmodifiedSince=modified - timedelta(seconds=1))


def test_what_is_not_modified_has_an_etag_and_no_body(raw, bucket, put):
    answer = raw("GET", f"/{bucket}/k", headers={"if-none-match": put["ETag"]})
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == put["ETag"]
    assert "last-modified" in answer.headers


def test_the_answer_takes_the_headers_asked_for(s3, bucket, put):
    got = s3.get_object(
        Bucket=bucket,
        Key="k",
        ResponseCacheControl="no-cache",
        ResponseContentDisposition="attachment",
        ResponseContentEncoding="identity",
        ResponseContentLanguage="de",
        ResponseContentType="a/b",
    )
    assert (got["CacheControl"], got["ContentDisposition"], got["ContentEncoding"]) == (
        "no-cache",
        "attachment",
        "identity",
    )
    assert (got["ContentLanguage"], got["ContentType"]) == ("de", "a/b")


def test_an_override_cannot_split_the_answer(raw, bucket, put):
    answer = raw("GET", f"/{bucket}/k?response-content-type=a%0D%0ASet-Cookie%3A%20b")
    assert answer.code == "InvalidArgument"
    assert "set-cookie" not in answer.headers


def test_markup_is_sandboxed(s3, raw, bucket):
    s3.put_object(Bucket=bucket, Key="page", Body=b"<script>", ContentType="text/html")
    assert raw("GET", f"/{bucket}/page").headers["content-security-policy"] == "sandbox"


def test_anybody_reads_a_public_bucket_as_it_is(s3, raw, public_bucket):
    s3.put_object(Bucket=public_bucket, Key="k", Body=BODY)
    assert raw("GET", f"/{public_bucket}/k", signed=False).body == BODY
    assert raw("HEAD", f"/{public_bucket}/k", signed=False).status == 200
    assert raw("GET", f"/{public_bucket}/missing", signed=False).code == "NoSuchKey"
    assert raw("GET", f"/{public_bucket}/k?response-content-type=a%2Fb", signed=False).code == "InvalidRequest"
    assert raw("GET", f"/{public_bucket}/k?acl", signed=False).code == "AccessDenied"
    assert raw("GET", f"/{public_bucket}/k?tagging", signed=False).code == "AccessDenied"
    assert raw("GET", f"/{public_bucket}", signed=False).code == "AccessDenied"


def test_nobody_reads_a_private_bucket(s3, raw, bucket, put, stranger, refused):
    assert raw("GET", f"/{bucket}/k", signed=False).code == "AccessDenied"
    with refused("AccessDenied", 403):
        stranger.get_object(Bucket=bucket, Key="k")
    with refused("AccessDenied", 403):
        stranger.get_object(Bucket=bucket, Key="k", VersionId=put["VersionId"])


def test_what_is_missing_is_named(s3, raw, bucket, new_name, refused):
    answer = raw("GET", f"/{bucket}/missing")
    assert (answer.status, answer.code, answer.xml.findtext("Key")) == (404, "NoSuchKey", "missing")
    with refused("NoSuchBucket", 404):
        s3.get_object(Bucket=new_name(), Key="k")
    assert raw("HEAD", f"/{bucket}/missing").status == 404


def test_versions_are_read_by_their_ids(s3, bucket, put, refused):
    newer = s3.put_object(Bucket=bucket, Key="k", Body=b"newer")
    old = s3.get_object(Bucket=bucket, Key="k", VersionId=put["VersionId"])
    assert old["Body"].read() == BODY
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=newer["VersionId"])["Body"].read() == b"newer"
    s3.put_object(Bucket=bucket, Key="other", Body=b"")
    with refused("NoSuchVersion", 404):
        s3.get_object(Bucket=bucket, Key="other", VersionId=put["VersionId"])
    with refused("NoSuchVersion", 404):
        s3.get_object(Bucket=bucket, Key="k", VersionId="null")
    with refused("InvalidArgument", 400):
        s3.get_object(Bucket=bucket, Key="k", VersionId="junk")


def test_a_hidden_key_is_not_there_and_its_marker_cannot_be_read(s3, raw, bucket, put):
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    for method in ("GET", "HEAD"):
        hidden = raw(method, f"/{bucket}/k")
        assert hidden.status == 404
        assert (hidden.headers["x-amz-delete-marker"], hidden.headers["x-amz-version-id"]) == ("true", marker)
        by_id = raw(method, f"/{bucket}/k?versionId={marker}")
        assert by_id.status == 405
        assert (by_id.headers["x-amz-delete-marker"], by_id.headers["allow"]) == ("true", "DELETE")
        assert "last-modified" in by_id.headers


def test_an_unfinished_upload_is_no_version(s3, bucket, refused):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    with refused("NoSuchVersion", 404):
        s3.get_object(Bucket=bucket, Key="k", VersionId=upload)


def test_a_plain_object_is_its_own_only_part(s3, raw, bucket, put):
    got = s3.get_object(Bucket=bucket, Key="k", PartNumber=1)
    assert got["Body"].read() == BODY
    assert got["ContentRange"] == "bytes 0-9/10"
    assert "PartsCount" not in got
    assert raw("GET", f"/{bucket}/k?partNumber=2").code == "InvalidPartNumber"
    for number in ("0", "10001", "x", ""):
        assert raw("GET", f"/{bucket}/k?partNumber={number}").code == "InvalidArgument"
    assert raw("GET", f"/{bucket}/k?partNumber=1", headers={"range": "bytes=0-1"}).code == "InvalidRequest"


def test_an_empty_object_has_no_range(s3, raw, bucket):
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    assert raw("GET", f"/{bucket}/empty").body == b""
    assert raw("GET", f"/{bucket}/empty", headers={"range": "bytes=0-0"}).code == "InvalidRange"
    assert raw("GET", f"/{bucket}/empty?partNumber=1").status == 200


def test_a_large_body_arrives_whole(s3, bucket):
    body = bytes(range(251)) * 20_000
    s3.put_object(Bucket=bucket, Key="large", Body=body)
    assert s3.get_object(Bucket=bucket, Key="large")["Body"].read() == body
    got = s3.get_object(Bucket=bucket, Key="large", Range="bytes=65530-4000000")
    assert got["Body"].read() == body[65530:4000001]


def test_a_presigned_url_reads(s3, bucket, put):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    with urllib.request.urlopen(url) as response:
        assert response.read() == BODY


def test_the_last_modified_of_head_is_that_of_the_list_with_milliseconds_cut_off(s3, bucket, put):
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]["LastModified"]
    assert s3.head_object(Bucket=bucket, Key="k")["LastModified"] == listed.replace(microsecond=0)


def test_a_preflight_is_refused_while_there_are_no_rules(raw, bucket):
    headers = {"origin": "http://example.com", "access-control-request-method": "GET"}
    assert raw("OPTIONS", f"/{bucket}/k", headers=headers, signed=False).code == "AccessForbidden"
    assert raw("OPTIONS", f"/{bucket}/k", signed=False).code == "BadRequest"
