from __future__ import annotations

import hashlib

import pytest

DATA = b"p" * 5_000_000 + b"0123456789"


def sha1(data):
    return hashlib.sha1(data).hexdigest()


@pytest.fixture
def source(b2, bucket):
    return b2.upload(bucket["bucketId"], "source", DATA)


def copy_part(b2, source, large, number, **options):
    return b2.call(
        "b2_copy_part", sourceFileId=source["fileId"], largeFileId=large["fileId"], partNumber=number, **options
    )


def test_copied_parts_have_real_sha1s_and_can_be_finished(b2, bucket, source):
    large = b2.start(bucket["bucketId"], "large")
    first = copy_part(b2, source, large, 1).ok()
    second = copy_part(b2, source, large, 2, range="bytes=5000000-5000005").ok()
    assert (first["contentSha1"], first["contentLength"]) == (sha1(DATA), len(DATA))
    assert (second["contentSha1"], second["contentLength"]) == (sha1(b"012345"), 6)
    assert (second["partNumber"], second["fileId"]) == (2, large["fileId"])
    sha1s = [first["contentSha1"], second["contentSha1"]]
    b2.call("b2_finish_large_file", fileId=large["fileId"], partSha1Array=sha1s).ok()
    assert b2.download(bucket["bucketName"], "large").body == DATA + b"012345"


def test_a_part_number_copied_again_replaces_the_part(b2, bucket, source):
    large = b2.start(bucket["bucketId"], "large")
    copy_part(b2, source, large, 1).ok()
    copy_part(b2, source, large, 1, range="bytes=0-4").ok()
    parts = b2.call("b2_list_parts", fileId=large["fileId"]).ok()["parts"]
    assert [part["contentLength"] for part in parts] == [5]


@pytest.mark.parametrize("number", [0, 10_001, -1])
def test_part_numbers_outside_their_range_are_refused(b2, bucket, source, number):
    large = b2.start(bucket["bucketId"], "large")
    assert copy_part(b2, source, large, number).refusal == (400, "bad_request")


def test_a_range_behind_the_end_is_not_satisfiable(b2, bucket, source):
    large = b2.start(bucket["bucketId"], "large")
    answer = copy_part(b2, source, large, 1, range="bytes=6000000-6000001")
    assert answer.refusal == (416, "range_not_satisfiable")


def test_a_file_that_is_not_unfinished_takes_no_parts(b2, bucket, source):
    answer = copy_part(b2, source, source, 1)
    assert answer.error == (400, "bad_request", f"No active upload for: {source['fileId']}")


def test_copying_a_part_needs_reading_and_writing(b2, bucket, source):
    large = b2.start(bucket["bucketId"], "large")
    unauthorized = (401, "unauthorized", "")
    assert copy_part(b2.restricted(["writeFiles"]), source, large, 1).error == unauthorized
    assert copy_part(b2.restricted(["readFiles"]), source, large, 1).error == unauthorized
