from __future__ import annotations


def test_the_answer_has_four_members_and_the_file_is_gone(b2, bucket):
    file_id = b2.start(bucket["bucketId"], "large")["fileId"]
    b2.try_part(file_id, 1, b"data").ok()
    answer = b2.call("b2_cancel_large_file", fileId=file_id).ok()
    assert answer == {
        "accountId": b2.account_id, "bucketId": bucket["bucketId"], "fileId": file_id, "fileName": "large",
    }  # fmt: skip
    assert b2.versions(bucket["bucketId"]) == []
    again = b2.call("b2_cancel_large_file", fileId=file_id)
    assert again.error == (400, "bad_request", f"No active upload for: {file_id}")


def test_a_malformed_id_is_a_bad_request(b2):
    answer = b2.call("b2_cancel_large_file", fileId="bad-id")
    assert answer.error == (400, "bad_request", "Invalid fileId: bad-id")


def test_a_finished_file_cannot_be_cancelled(b2, bucket):
    made = b2.upload(bucket["bucketId"], "small", b"data")
    assert b2.call("b2_cancel_large_file", fileId=made["fileId"]).refusal == (400, "bad_request")
    assert b2.names(bucket["bucketId"]) == ["small"]


def test_cancelling_needs_write_files(b2, bucket):
    file_id = b2.start(bucket["bucketId"], "large")["fileId"]
    session = b2.restricted(["deleteFiles", "readFiles"])
    assert session.call("b2_cancel_large_file", fileId=file_id).error == (401, "unauthorized", "")
