from __future__ import annotations


def info(b2, file_id):
    return b2.call("b2_get_file_info", fileId=file_id)


def test_info_is_what_the_upload_answered(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n", b"data", {"X-Bz-Info-a": "b"})
    assert info(b2, made["fileId"]).ok() == made
    assert b2.get("b2_get_file_info", fileId=made["fileId"]).ok() == made


def test_info_tells_of_hide_markers_and_unfinished_files(b2, bucket):
    b2.upload(bucket["bucketId"], "n")
    marker = b2.call("b2_hide_file", bucketId=bucket["bucketId"], fileName="n").ok()
    assert info(b2, marker["fileId"]).ok() == marker
    started = b2.start(bucket["bucketId"], "large")
    assert info(b2, started["fileId"]).ok() == started


def test_unknown_and_malformed_ids(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n")
    b2.call("b2_delete_file_version", fileName="n", fileId=made["fileId"]).ok()
    assert info(b2, made["fileId"]).refusal == (404, "not_found")
    assert info(b2, "nonsense").error == (400, "bad_request", "Bad fileId: nonsense")


def test_what_is_known_of_a_public_file_is_not_public(b2, second_account, public_bucket):
    made = b2.upload(public_bucket["bucketId"], "n", b"data")
    started = b2.start(public_bucket["bucketId"], "large")
    for file_id in (made["fileId"], started["fileId"]):
        assert info(b2.restricted(["listFiles"]), file_id).error == (401, "unauthorized", "")
        assert info(second_account, file_id).error == (401, "unauthorized", "")


def test_info_needs_read_files(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n")
    assert info(b2.restricted(["listFiles"]), made["fileId"]).error == (401, "unauthorized", "")
