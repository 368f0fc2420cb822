from __future__ import annotations

import pytest


@pytest.fixture
def uploads(s3, bucket):
    """Uploads as (key, id), by key and then from the oldest."""
    keys = ("a", "a", "b b", "d/1", "d/2")
    made = [(key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in keys]
    s3.put_object(Bucket=bucket, Key="done", Body=b"")
    return made


def rows(page):
    return [(row["Key"], row["UploadId"]) for row in page.get("Uploads", [])]


def test_uploads_are_listed_by_key_and_age(s3, bucket, uploads, server):
    page = s3.list_multipart_uploads(Bucket=bucket)
    assert rows(page) == uploads
    assert page["Uploads"][0]["Initiator"]["ID"] == server.account_id
    assert (page["MaxUploads"], page["KeyMarker"], page["UploadIdMarker"]) == (1000, "", "")


@pytest.mark.parametrize("size", [1, 2, 3])
def test_paging_gives_every_upload_once(s3, bucket, uploads, size):
    got = []
    config = {"PageSize": size}
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig=config):
        got += rows(page)
    assert got == uploads


def test_prefix_and_delimiter_group_uploads(s3, bucket, uploads):
    assert rows(s3.list_multipart_uploads(Bucket=bucket, Prefix="a")) == uploads[:2]
    page = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert rows(page) == uploads[:3]
    assert [row["Prefix"] for row in page["CommonPrefixes"]] == ["d/"]


def test_an_id_marker_counts_only_beside_a_key_marker(s3, raw, bucket, uploads):
    assert rows(s3.list_multipart_uploads(Bucket=bucket, UploadIdMarker="junk")) == uploads
    answer = raw("GET", f"/{bucket}?uploads&key-marker=a&upload-id-marker=junk")
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert rows(s3.list_multipart_uploads(Bucket=bucket, KeyMarker="a")) == uploads[2:]


def test_what_is_done_or_aborted_is_not_listed(s3, bucket, uploads):
    key, upload_id = uploads[0]
    s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    assert rows(s3.list_multipart_uploads(Bucket=bucket)) == uploads[1:]


def test_an_upload_begun_natively_is_listed(s3, native, server, bucket):
    buckets = native.call("b2_list_buckets", accountId=server.account_id, bucketName=bucket)["buckets"]
    made = native.call(
        "b2_start_large_file", bucketId=buckets[0]["bucketId"], fileName="native", contentType="text/plain"
    )
    assert rows(s3.list_multipart_uploads(Bucket=bucket)) == [("native", made["fileId"])]
