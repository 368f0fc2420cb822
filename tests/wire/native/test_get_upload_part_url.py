from __future__ import annotations

import re


def test_the_answer_has_exactly_three_members_and_a_url_of_the_calls_version(b2, bucket):
    file_id = b2.start(bucket["bucketId"], "large")["fileId"]
    for version in ("v1", "v4"):
        answer = b2.call("b2_get_upload_part_url", version=version, fileId=file_id).ok()
        assert set(answer) == {"authorizationToken", "fileId", "uploadUrl"}
        assert answer["fileId"] == file_id
        pattern = f"{re.escape(b2.url)}/b2api/{version}/b2_upload_part/{file_id}/[a-z0-9_]+"
        assert re.fullmatch(pattern, answer["uploadUrl"])


def test_a_file_that_is_not_unfinished_has_no_active_upload(b2, bucket):
    made = b2.upload(bucket["bucketId"], "small")
    answer = b2.call("b2_get_upload_part_url", fileId=made["fileId"])
    assert answer.error == (400, "bad_request", f"No active upload for: {made['fileId']}")


def test_a_malformed_id_is_a_bad_request(b2):
    answer = b2.call("b2_get_upload_part_url", fileId="bad-id")
    assert answer.error == (400, "bad_request", "Invalid fileId: bad-id")


def test_it_needs_write_files(b2, bucket):
    file_id = b2.start(bucket["bucketId"], "large")["fileId"]
    session = b2.restricted(["readFiles", "listFiles"])
    assert session.call("b2_get_upload_part_url", fileId=file_id).error == (401, "unauthorized", "")
