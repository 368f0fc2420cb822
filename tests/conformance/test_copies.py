"""Lines 116 to 121 of the checklist: copies."""

from __future__ import annotations

import base64
import hashlib

import pytest

BAD_REQUEST = (400, "bad_request")
DATA = b"0123456789"
PART_BYTES = 50_000_000
TOO_BIG_PARTS = 108  # 5,400,000,000 bytes: above 5 GiB, and so above 5 GB.


@pytest.fixture
def source(b2, bucket):
    return b2.upload(bucket["bucketId"], "source", DATA)


def copy(b2, source, **options):
    return b2.call("b2_copy_file", sourceFileId=source["fileId"], fileName="copy", **options)


def test_116_a_copy_says_copy_once_and_is_listed_as_an_upload(b2, bucket, source):
    made = copy(b2, source).ok()
    assert made["action"] == "copy"
    rows = b2.call("b2_list_file_versions", bucketId=bucket["bucketId"], startFileName="copy", maxFileCount=1).ok()
    assert (rows["files"][0]["fileId"], rows["files"][0]["action"]) == (made["fileId"], "upload")


def test_117_copy_takes_no_content_type_and_replace_needs_one(b2, source):
    assert copy(b2, source, metadataDirective="COPY", contentType="text/html").refusal == BAD_REQUEST
    assert copy(b2, source, metadataDirective="REPLACE").refusal == BAD_REQUEST
    assert copy(b2, source, metadataDirective="REPLACE", contentType="text/html").ok()["contentType"] == "text/html"


def test_118_a_range_copies_a_part_and_must_begin_inside(b2, bucket, source):
    assert copy(b2, source, range="bytes=2-4").ok()["contentLength"] == 3
    assert b2.download(bucket["bucketName"], "copy").body == b"234"
    assert copy(b2, source, range="bytes=10-12").refusal == (416, "range_not_satisfiable")


def test_119_a_source_above_5_gb_is_too_large(b2, bucket):
    part = b2.upload(bucket["bucketId"], "part", bytes(PART_BYTES))
    large = b2.start(bucket["bucketId"], "large")
    for number in range(1, TOO_BIG_PARTS + 1):  # No byte of them moves.
        b2.call(
            "b2_copy_part", sourceFileId=part["fileId"], largeFileId=large["fileId"], partNumber=number
        ).ok()  # fmt: skip
    sha1s = [part["contentSha1"]] * TOO_BIG_PARTS
    b2.call("b2_finish_large_file", fileId=large["fileId"], partSha1Array=sha1s).ok()
    size = PART_BYTES * TOO_BIG_PARTS
    assert copy(b2, large).error == (400, "source_too_large", f"Copy source too big: {size}")


def test_120_an_unknown_source_is_not_found(b2, source):
    last = "0" if source["fileId"][-1] != "0" else "1"
    assert copy(b2, {"fileId": source["fileId"][:-1] + last}).refusal == (404, "not_found")


def customer_key(byte):
    """The members of a request that name a customer's key."""
    key = bytes([byte]) * 32
    return {
        "mode": "SSE-C",
        "algorithm": "AES256",
        "customerKey": base64.b64encode(key).decode(),
        "customerKeyMd5": base64.b64encode(hashlib.md5(key).digest()).decode(),
    }


def test_121_a_source_under_a_customers_key_needs_that_key(b2, bucket):
    key, other = customer_key(1), customer_key(2)
    headers = {
        "X-Bz-Server-Side-Encryption-Customer-Algorithm": "AES256",
        "X-Bz-Server-Side-Encryption-Customer-Key": key["customerKey"],
        "X-Bz-Server-Side-Encryption-Customer-Key-Md5": key["customerKeyMd5"],
    }
    source = b2.upload(bucket["bucketId"], "source", DATA, headers)
    assert copy(b2, source).refusal == BAD_REQUEST
    assert copy(b2, source, sourceServerSideEncryption=other).refusal == (403, "access_denied")
    assert copy(b2, source, sourceServerSideEncryption=key).status == 200
