from __future__ import annotations

import hashlib

import pytest

PART = b"p" * 5_000_000
SMALL = b"the rest"


def sha1(data):
    return hashlib.sha1(data).hexdigest()


def finish(b2, file_id, *sha1s):
    return b2.call("b2_finish_large_file", fileId=file_id, partSha1Array=list(sha1s))


def test_a_finished_file_keeps_its_id_and_time_and_has_no_sha1(b2, bucket):
    started = b2.start(bucket["bucketId"], "large", fileInfo={"large_file_sha1": sha1(PART + SMALL)})
    b2.try_part(started["fileId"], 2, SMALL).ok()
    b2.try_part(started["fileId"], 1, PART).ok()
    made = finish(b2, started["fileId"], sha1(PART), sha1(SMALL)).ok()
    assert made == {**started, "action": "upload", "contentLength": len(PART + SMALL)}
    assert (made["contentSha1"], made["contentMd5"]) == ("none", None)
    assert b2.versions(bucket["bucketId"]) == [("large", "upload")]
    answer = b2.download(bucket["bucketName"], "large")
    assert answer.body == PART + SMALL
    assert answer.headers["x-bz-content-sha1"] == "none"
    assert answer.headers["x-bz-info-large_file_sha1"] == sha1(PART + SMALL)
    ranged = b2.download(
        bucket["bucketName"], "large", headers={"Authorization": b2.token, "Range": "bytes=4999998-5000001"}
    )
    assert (ranged.status, ranged.body) == (206, b"ppth")


def test_finishing_twice_has_no_active_upload(b2, bucket):
    made = b2.large_file(bucket["bucketId"], "large", PART, SMALL)
    answer = finish(b2, made["fileId"], sha1(PART), sha1(SMALL))
    assert answer.error == (400, "bad_request", f"No active upload for: {made['fileId']}")


@pytest.fixture
def two_parts(b2, bucket):
    file_id = b2.start(bucket["bucketId"], "large")["fileId"]
    b2.try_part(file_id, 1, PART).ok()
    b2.try_part(file_id, 2, SMALL).ok()
    return file_id


def test_one_part_is_too_few(b2, two_parts):
    status, code, message = finish(b2, two_parts, sha1(PART)).error
    assert (status, code) == (400, "bad_request")
    assert "large files must have at least 2 parts" in message


def test_a_missing_part_is_missing(b2, two_parts):
    assert finish(b2, two_parts, sha1(PART), sha1(SMALL), sha1(SMALL)).refusal == (400, "missing_part")


def test_a_sha1_that_is_not_the_parts_is_a_mismatch(b2, two_parts):
    assert finish(b2, two_parts, sha1(SMALL), sha1(PART)).refusal == (400, "part_sha1_mismatch")
    assert finish(b2, two_parts, sha1(PART).upper(), sha1(SMALL)).status == 200


def test_a_malformed_sha1_is_refused(b2, two_parts):
    assert finish(b2, two_parts, "unverified", sha1(SMALL)).refusal == (400, "bad_request")


def test_a_small_part_is_accepted_at_first_and_refused_at_the_finish_unless_last(b2, bucket):
    file_id = b2.start(bucket["bucketId"], "large")["fileId"]
    almost = PART[:-1]
    b2.try_part(file_id, 1, almost).ok()
    b2.try_part(file_id, 2, SMALL).ok()
    assert finish(b2, file_id, sha1(almost), sha1(SMALL)).refusal == (400, "bad_request")
    assert b2.versions(bucket["bucketId"]) == [("large", "start")]


def test_an_unverified_part_is_finished_with_its_bare_sha1(b2, bucket):
    file_id = b2.start(bucket["bucketId"], "large")["fileId"]
    b2.try_part(file_id, 1, PART, {"X-Bz-Content-Sha1": "do_not_verify"}).ok()
    b2.try_part(file_id, 2, SMALL).ok()
    assert finish(b2, file_id, sha1(PART), sha1(SMALL)).status == 200


def test_a_newer_upload_stays_the_current_version_over_a_file_started_before_it(b2, bucket):
    file_id = b2.start(bucket["bucketId"], "n")["fileId"]
    b2.upload(bucket["bucketId"], "n", b"newer")
    b2.try_part(file_id, 1, PART).ok()
    b2.try_part(file_id, 2, SMALL).ok()
    finish(b2, file_id, sha1(PART), sha1(SMALL)).ok()
    assert b2.download(bucket["bucketName"], "n").body == b"newer"
