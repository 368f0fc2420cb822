"""Lines 95 to 115 of the checklist: large files."""

from __future__ import annotations

import pytest

from harness.native_session import sha1

BAD_REQUEST = (400, "bad_request")
FIRST, LAST = bytes(5_000_000), b"the end"


@pytest.fixture
def unfinished(b2, bucket):
    """A large file with no part yet."""
    return b2.start(bucket["bucketId"], "large", fileInfo={"large_file_sha1": sha1(FIRST + LAST)})


@pytest.fixture
def finished(b2, unfinished):
    """The answers of the start and of the finish."""
    for number, data in enumerate((FIRST, LAST), 1):
        assert b2.try_part(unfinished["fileId"], number, data).status == 200
    return unfinished, finish(b2, unfinished, FIRST, LAST).ok()


def finish(b2, large, *parts):
    return b2.call("b2_finish_large_file", fileId=large["fileId"], partSha1Array=[sha1(data) for data in parts])


def parts(b2, large, **options):
    return b2.call("b2_list_parts", fileId=large["fileId"], **options).ok()


def unfinished_files(b2, bucket, **options):
    return b2.call("b2_list_unfinished_large_files", bucketId=bucket["bucketId"], **options).ok()


def test_095_a_start_answers_an_unfinished_version(unfinished):
    assert (unfinished["action"], unfinished["contentLength"]) == ("start", 0)
    assert (unfinished["contentSha1"], unfinished["contentMd5"]) == ("none", None)


def test_096_a_small_part_is_taken_but_must_be_the_last(b2, bucket):
    small = FIRST[:4_999_999]
    for order, status in (((small, FIRST), 400), ((FIRST, small), 200)):
        large = b2.start(bucket["bucketId"], "n")
        for number, data in enumerate(order, 1):
            assert b2.try_part(large["fileId"], number, data).status == 200
        assert finish(b2, large, *order).status == status


def test_097_parts_are_listed_in_order_and_in_pages(b2, unfinished):
    for number in (3, 1, 2):
        assert b2.try_part(unfinished["fileId"], number, b"part %d" % number).status == 200
    page = parts(b2, unfinished, maxPartCount=2)
    assert ([part["partNumber"] for part in page["parts"]], page["nextPartNumber"]) == ([1, 2], 3)
    page = parts(b2, unfinished, startPartNumber=page["nextPartNumber"], maxPartCount=2)
    assert ([part["partNumber"] for part in page["parts"]], page["nextPartNumber"]) == ([3], None)


def test_098_a_part_number_uploaded_again_is_replaced(b2, unfinished):
    for data in (b"old", b"new"):
        assert b2.try_part(unfinished["fileId"], 1, data).status == 200
    assert [part["contentSha1"] for part in parts(b2, unfinished)["parts"]] == [sha1(b"new")]


def test_099_part_numbers_are_1_to_10000(b2, unfinished):
    for number in (0, 10_001):
        assert b2.try_part(unfinished["fileId"], number, b"part").refusal == BAD_REQUEST
    for number in (1, 10_000):
        assert b2.try_part(unfinished["fileId"], number, b"part").status == 200


def test_100_a_gap_is_a_missing_part(b2, unfinished):
    for number in (1, 3):
        assert b2.try_part(unfinished["fileId"], number, FIRST).status == 200
    assert finish(b2, unfinished, FIRST, FIRST, FIRST).refusal == (400, "missing_part")


def test_101_a_wrong_sha1_at_the_finish_is_a_mismatch(b2, unfinished):
    for number, data in enumerate((FIRST, LAST), 1):
        assert b2.try_part(unfinished["fileId"], number, data).status == 200
    assert finish(b2, unfinished, FIRST, b"other").refusal == (400, "part_sha1_mismatch")


def test_102_one_part_is_too_few(b2, unfinished):
    assert b2.try_part(unfinished["fileId"], 1, FIRST).status == 200
    status, code, message = finish(b2, unfinished, FIRST).error
    assert (status, code) == BAD_REQUEST
    assert "large files must have at least 2 parts" in message


def test_103_a_finished_file_has_no_digests(finished):
    assert (finished[1]["contentSha1"], finished[1]["contentMd5"]) == ("none", None)
    assert finished[1]["contentLength"] == len(FIRST + LAST)


def test_104_a_finished_file_has_the_time_of_its_start(finished):
    assert finished[1]["uploadTimestamp"] == finished[0]["uploadTimestamp"]


def test_105_a_finished_file_keeps_its_id(finished):
    assert finished[1]["fileId"] == finished[0]["fileId"]


def test_106_large_file_sha1_survives(b2, finished):
    expected = {"large_file_sha1": sha1(FIRST + LAST)}
    assert finished[1]["fileInfo"] == expected
    assert b2.call("b2_get_file_info", fileId=finished[1]["fileId"]).ok()["fileInfo"] == expected


def test_107_a_cancel_answers_four_members_and_a_second_one_is_refused(b2, unfinished):
    cancelled = b2.call("b2_cancel_large_file", fileId=unfinished["fileId"]).ok()
    assert cancelled == {name: unfinished[name] for name in ("accountId", "bucketId", "fileId", "fileName")}
    status, code, message = b2.call("b2_cancel_large_file", fileId=unfinished["fileId"]).error
    assert (status, code) == BAD_REQUEST
    assert message.startswith("No active upload for:")


def test_108_unfinished_files_are_listed_from_an_inclusive_id_under_a_prefix(b2, bucket):
    made = [b2.start(bucket["bucketId"], name)["fileId"] for name in ("a/1", "a/2", "b/1")]
    listed = unfinished_files(b2, bucket, startFileId=made[1])
    assert [row["fileId"] for row in listed["files"]] == made[1:]
    listed = unfinished_files(b2, bucket, namePrefix="a/")
    assert [row["fileId"] for row in listed["files"]] == made[:2]


def test_109_unfinished_rows_carry_what_resuming_compares(b2, bucket, unfinished):
    (row,) = unfinished_files(b2, bucket)["files"]
    for member in ("fileInfo", "serverSideEncryption", "fileRetention", "legalHold"):
        assert row[member] == unfinished[member]


def test_110_an_unfinished_file_can_be_deleted(b2, bucket, unfinished):
    b2.call("b2_delete_file_version", fileName="large", fileId=unfinished["fileId"]).ok()
    assert unfinished_files(b2, bucket)["files"] == []


def test_111_a_copied_part_has_a_real_sha1(b2, bucket, unfinished):
    source = b2.upload(bucket["bucketId"], "source", b"0123456789")
    copied = b2.call(
        "b2_copy_part", sourceFileId=source["fileId"], largeFileId=unfinished["fileId"], partNumber=1, range="bytes=2-4"
    ).ok()
    assert copied["contentSha1"] == sha1(b"234")


def test_112_a_copied_part_of_six_bytes_is_taken(b2, bucket, unfinished):
    source = b2.upload(bucket["bucketId"], "source", b"sixsix")
    copied = b2.call("b2_copy_part", sourceFileId=source["fileId"], largeFileId=unfinished["fileId"], partNumber=1)
    assert copied.ok()["contentLength"] == 6


def test_113_a_part_with_a_wrong_sha1_is_not_listed(b2, unfinished):
    assert b2.try_part(unfinished["fileId"], 1, b"part", {"X-Bz-Content-Sha1": sha1(b"other")}).refusal == BAD_REQUEST
    assert parts(b2, unfinished)["parts"] == []


def test_114_an_unfinished_file_is_a_version_but_no_name(b2, bucket, unfinished):
    assert b2.names(bucket["bucketId"]) == []
    assert b2.versions(bucket["bucketId"]) == [("large", "start")]


def test_115_an_unfinished_file_hides_nothing(b2, bucket):
    b2.upload(bucket["bucketId"], "n", b"older")
    b2.start(bucket["bucketId"], "n")
    assert b2.names(bucket["bucketId"]) == ["n"]
    assert b2.download(bucket["bucketName"], "n").body == b"older"
