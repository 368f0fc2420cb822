from __future__ import annotations

import pytest


@pytest.fixture
def file_id(b2, bucket):
    started = b2.start(bucket["bucketId"], "large")["fileId"]
    for number in (3, 1, 7, 2):
        b2.try_part(started, number, b"%d" % number).ok()
    return started


def numbers(answer):
    return [part["partNumber"] for part in answer["parts"]]


def test_parts_come_in_order_and_in_pages(b2, file_id):
    first = b2.call("b2_list_parts", fileId=file_id, maxPartCount=3).ok()
    assert (numbers(first), first["nextPartNumber"]) == ([1, 2, 3], 7)
    second = b2.call("b2_list_parts", fileId=file_id, startPartNumber=7, maxPartCount=3).ok()
    assert (numbers(second), second["nextPartNumber"]) == ([7], None)


def test_a_row_is_a_part(b2, file_id):
    row = b2.call("b2_list_parts", fileId=file_id).ok()["parts"][0]
    assert row["fileId"] == file_id
    assert set(row) == {
        "contentLength", "contentMd5", "contentSha1", "fileId", "partNumber", "serverSideEncryption",
        "uploadTimestamp",
    }  # fmt: skip


def test_null_options_are_defaults(b2, file_id):
    answer = b2.call("b2_list_parts", fileId=file_id, startPartNumber=None, maxPartCount=None).ok()
    assert numbers(answer) == [1, 2, 3, 7]
    assert numbers(b2.call("b2_list_parts", fileId=file_id, startPartNumber=0).ok()) == [1, 2, 3, 7]


def test_counts_and_numbers_outside_their_range_are_refused(b2, file_id):
    assert b2.call("b2_list_parts", fileId=file_id, maxPartCount=10_001).refusal == (400, "out_of_range")
    for number in (-1, 10_001):
        assert b2.call("b2_list_parts", fileId=file_id, startPartNumber=number).refusal == (400, "bad_request")


def test_a_finished_file_has_no_active_upload(b2, bucket):
    made = b2.upload(bucket["bucketId"], "small")
    answer = b2.call("b2_list_parts", fileId=made["fileId"])
    assert answer.error == (400, "bad_request", f"No active upload for: {made['fileId']}")
