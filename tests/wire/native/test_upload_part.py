from __future__ import annotations

import hashlib

import pytest

DATA = b"part of a whole"
SHA1 = hashlib.sha1(DATA).hexdigest()


@pytest.fixture
def file_id(b2, bucket):
    return b2.start(bucket["bucketId"], "large")["fileId"]


def test_the_answer_is_a_part(b2, file_id):
    part = b2.try_part(file_id, 7, DATA).ok()
    assert isinstance(part.pop("uploadTimestamp"), int)
    assert part == {
        "contentLength": len(DATA),
        "contentMd5": hashlib.md5(DATA).hexdigest(),
        "contentSha1": SHA1,
        "fileId": file_id,
        "partNumber": 7,
        "serverSideEncryption": {"algorithm": "AES256", "mode": "SSE-B2"},
    }


def test_uploading_a_part_number_again_replaces_the_part(b2, file_id):
    b2.try_part(file_id, 1, b"first").ok()
    b2.try_part(file_id, 1, DATA).ok()
    parts = b2.call("b2_list_parts", fileId=file_id).ok()["parts"]
    assert [(part["partNumber"], part["contentSha1"]) for part in parts] == [(1, SHA1)]


def test_digits_at_the_end_are_verified_and_not_part_of_the_part(b2, file_id):
    part = b2.try_part(file_id, 1, DATA + SHA1.encode(), {"X-Bz-Content-Sha1": "hex_digits_at_end"}).ok()
    assert (part["contentLength"], part["contentSha1"]) == (len(DATA), SHA1)


def test_do_not_verify_marks_the_part(b2, file_id):
    part = b2.try_part(file_id, 1, DATA, {"X-Bz-Content-Sha1": "do_not_verify"}).ok()
    assert part["contentSha1"] == f"unverified:{SHA1}"


def test_a_wrong_sha1_is_refused_and_the_part_is_not_listed(b2, file_id):
    answer = b2.try_part(file_id, 1, DATA, {"X-Bz-Content-Sha1": "0" * 40})
    assert answer.error == (400, "bad_request", "Checksum did not match data received")
    assert b2.call("b2_list_parts", fileId=file_id).ok()["parts"] == []


@pytest.mark.parametrize("number", ["0", "10001", "", "x", "-1", "99999999999999999999", "1.0"])
def test_part_numbers_outside_their_range_are_refused(b2, file_id, number):
    assert b2.try_part(file_id, 1, DATA, {"X-Bz-Part-Number": number}).refusal == (400, "bad_request")


@pytest.mark.parametrize("number", [1, 10_000])
def test_part_numbers_at_the_ends_of_their_range_are_accepted(b2, file_id, number):
    assert b2.try_part(file_id, number, DATA).ok()["partNumber"] == number


def test_a_part_of_a_finished_or_cancelled_file_has_no_active_upload(b2, file_id):
    target = b2.call("b2_get_upload_part_url", fileId=file_id).ok()
    b2.call("b2_cancel_large_file", fileId=file_id).ok()
    headers = {"Authorization": target["authorizationToken"], "X-Bz-Part-Number": "1", "X-Bz-Content-Sha1": SHA1}
    answer = b2.post(target["uploadUrl"], headers, DATA)
    assert answer.error == (400, "bad_request", f"No active upload for: {file_id}")


def test_a_part_token_works_at_its_own_url_only(b2, bucket, file_id):
    other = b2.start(bucket["bucketId"], "other")["fileId"]
    token = b2.call("b2_get_upload_part_url", fileId=other).ok()["authorizationToken"]
    assert b2.try_part(file_id, 1, DATA, {"Authorization": token}).error == (401, "bad_auth_token", "")


def test_half_of_a_customers_key_is_refused(b2, file_id):
    headers = {"X-Bz-Server-Side-Encryption-Customer-Algorithm": "AES256"}
    assert b2.try_part(file_id, 1, DATA, headers).refusal == (400, "bad_request")
