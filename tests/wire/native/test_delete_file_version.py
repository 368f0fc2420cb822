from __future__ import annotations


def delete(b2, name, file_id, **options):
    return b2.call("b2_delete_file_version", fileName=name, fileId=file_id, **options)


def test_the_answer_has_two_members_and_the_next_version_shows(b2, bucket):
    b2.upload(bucket["bucketId"], "n", b"old")
    newest = b2.upload(bucket["bucketId"], "n", b"new")
    assert delete(b2, "n", newest["fileId"], bypassGovernance=False).ok() == {
        "fileId": newest["fileId"], "fileName": "n",
    }  # fmt: skip
    assert b2.download(bucket["bucketName"], "n").body == b"old"


def test_an_unknown_version_is_not_present(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n")
    delete(b2, "n", made["fileId"]).ok()
    answer = delete(b2, "n", made["fileId"])
    assert answer.error == (400, "file_not_present", f"File not present: n {made['fileId']}")


def test_name_and_id_must_belong_together(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n")
    assert delete(b2, "other", made["fileId"]).refusal == (400, "file_not_present")
    assert b2.names(bucket["bucketId"]) == ["n"]


def test_a_malformed_id_is_a_bad_request(b2):
    assert delete(b2, "n", "nonsense").error == (400, "bad_request", "Bad fileId: nonsense")


def test_an_unfinished_large_file_can_be_deleted(b2, bucket):
    started = b2.start(bucket["bucketId"], "large")
    delete(b2, "large", started["fileId"]).ok()
    assert b2.versions(bucket["bucketId"]) == []


def test_deleting_needs_delete_files_and_bypassing_its_own_capability(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n")
    writer = b2.restricted(["writeFiles"])
    assert delete(writer, "n", made["fileId"]).error == (401, "unauthorized", "")
    deleter = b2.restricted(["deleteFiles"])
    assert delete(deleter, "n", made["fileId"], bypassGovernance=True).error == (401, "unauthorized", "")
    assert delete(deleter, "n", made["fileId"]).status == 200
