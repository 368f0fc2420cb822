from __future__ import annotations

import hashlib

import pytest

DATA = b"0123456789"
PART = b"p" * 5_000_000
BAD_REQUEST = (400, "bad_request")


@pytest.fixture
def source(b2, bucket):
    return b2.upload(bucket["bucketId"], "source", DATA, {"X-Bz-Info-a": "b"})


def copy(b2, source, **options):
    options.setdefault("fileName", "copy")
    return b2.call("b2_copy_file", sourceFileId=source["fileId"], **options)


def test_the_answer_says_copy_once_and_the_copy_inherits(b2, bucket, source):
    made = copy(b2, source).ok()
    assert made["action"] == "copy"
    for member in ("contentLength", "contentSha1", "contentMd5", "contentType", "fileInfo", "bucketId"):
        assert made[member] == source[member]
    assert made["fileId"] != source["fileId"]
    assert b2.versions(bucket["bucketId"]) == [("copy", "upload"), ("source", "upload")]
    assert b2.download(bucket["bucketName"], "copy").body == DATA


def test_a_copy_goes_to_another_bucket(b2, source, public_bucket):
    made = copy(b2, source, destinationBucketId=public_bucket["bucketId"]).ok()
    assert made["bucketId"] == public_bucket["bucketId"]
    assert b2.download(public_bucket["bucketName"], "copy", headers={}).body == DATA


def test_a_copy_outlives_its_source(b2, bucket):
    source = b2.upload(bucket["bucketId"], "source", PART)
    copy(b2, source).ok()
    b2.call("b2_delete_file_version", fileName="source", fileId=source["fileId"]).ok()
    assert b2.download(bucket["bucketName"], "copy").body == PART


def test_replace_sets_type_and_info_anew(b2, source):
    made = copy(
        b2, source, metadataDirective="REPLACE", contentType="b2/x-auto", fileInfo={"New": "1"}, fileName="n.png"
    )
    assert (made.ok()["contentType"], made.ok()["fileInfo"]) == ("image/png", {"new": "1"})
    bare = copy(b2, source, metadataDirective="REPLACE", contentType="text/css").ok()
    assert (bare["contentType"], bare["fileInfo"]) == ("text/css", {})


@pytest.mark.parametrize(
    "options",
    [
        {"contentType": "text/css"},
        {"metadataDirective": "COPY", "fileInfo": {"a": "b"}},
        {"metadataDirective": "REPLACE"},
        {"metadataDirective": "MOVE"},
        {"range": "0-4"},
        {"range": "bytes=4-1"},
        {"range": "bytes=0-1,3-4"},
        {"fileName": ""},
        {"fileName": "a\x7fb"},
        {"destinationServerSideEncryption": {"mode": "SSE-B2"}},
        {"sourceServerSideEncryption": {"mode": "SSE-C", "algorithm": "AES256", "customerKey": "x"}},
    ],
)
def test_options_outside_the_rules_are_refused(b2, bucket, source, options):
    assert copy(b2, source, **options).refusal == BAD_REQUEST
    assert b2.names(bucket["bucketId"]) == ["source"]


@pytest.mark.parametrize(
    ("asked", "data"), [("bytes=2-4", b"234"), ("bytes=8-99", b"89"), ("bytes=3-", DATA[3:]), ("bytes=-2", b"89")]
)
def test_a_range_copies_a_part_with_a_sha1_of_its_own(b2, bucket, source, asked, data):
    made = copy(b2, source, range=asked).ok()
    assert made["contentLength"] == len(data)
    assert made["contentSha1"] == hashlib.sha1(data).hexdigest()
    assert b2.download(bucket["bucketName"], "copy").body == data


def test_a_range_behind_the_end_is_not_satisfiable(b2, source):
    assert copy(b2, source, range="bytes=10-12").refusal == (416, "range_not_satisfiable")


def test_a_large_file_is_copied_whole_with_its_info(b2, bucket):
    source = b2.large_file(bucket["bucketId"], "large", PART, b"end", fileInfo={"large_file_sha1": "0" * 40})
    made = copy(b2, source).ok()
    assert (made["contentLength"], made["fileInfo"]) == (5_000_003, {"large_file_sha1": "0" * 40})
    assert b2.download(bucket["bucketName"], "copy").body == PART + b"end"


def test_an_unknown_source_is_not_found_and_a_malformed_one_a_bad_request(b2, bucket, source):
    b2.call("b2_delete_file_version", fileName="source", fileId=source["fileId"]).ok()
    assert copy(b2, source).refusal == (404, "not_found")
    assert copy(b2, {"fileId": "nonsense"}).refusal == BAD_REQUEST


def test_hide_markers_and_unfinished_files_are_no_sources(b2, bucket, source):
    marker = b2.call("b2_hide_file", bucketId=bucket["bucketId"], fileName="source").ok()
    assert copy(b2, marker).refusal == BAD_REQUEST
    assert copy(b2, b2.start(bucket["bucketId"], "large")).refusal == BAD_REQUEST


def test_an_unknown_destination_is_refused(b2, source):
    assert copy(b2, source, destinationBucketId="f" * 24).refusal == (400, "bad_bucket_id")


def test_a_copy_needs_reading_at_the_source_and_writing_at_the_destination(b2, bucket, public_bucket, source):
    unauthorized = (401, "unauthorized", "")
    assert copy(b2.restricted(["writeFiles"]), source).error == unauthorized
    assert copy(b2.restricted(["readFiles"]), source).error == unauthorized
    elsewhere = b2.restricted(["readFiles", "writeFiles"], bucketIds=[public_bucket["bucketId"]])
    assert copy(elsewhere, source, destinationBucketId=public_bucket["bucketId"]).error == unauthorized
    here = b2.restricted(["readFiles", "writeFiles"], bucketIds=[bucket["bucketId"]])
    assert copy(here, source, destinationBucketId=public_bucket["bucketId"]).error == unauthorized
    assert copy(here, source).status == 200


def test_a_public_source_needs_no_right_to_read(b2, bucket, public_bucket):
    source = b2.upload(public_bucket["bucketId"], "source", DATA)
    writer = b2.restricted(["writeFiles"], bucketIds=[bucket["bucketId"]])
    assert copy(writer, source, destinationBucketId=bucket["bucketId"]).ok()["contentLength"] == len(DATA)


def test_a_copy_stays_within_its_account(b2, second_account, public_bucket, new_name):
    source = b2.upload(public_bucket["bucketId"], "source", DATA)
    own = second_account.create_bucket(new_name("own"))
    large = second_account.start(own["bucketId"], "large")
    unauthorized = (401, "unauthorized", "")
    assert copy(second_account, source, destinationBucketId=own["bucketId"]).error == unauthorized
    fields = {"sourceFileId": source["fileId"], "largeFileId": large["fileId"], "partNumber": 1}
    assert second_account.call("b2_copy_part", **fields).error == unauthorized
    second_account.call("b2_cancel_large_file", fileId=large["fileId"]).ok()
    second_account.call("b2_delete_bucket", accountId=second_account.account_id, bucketId=own["bucketId"]).ok()
