"""Lines 160 to 162, 165, 166, 168 and 172 to 174 of the checklist: hiding, deleting, and what is left over."""

from __future__ import annotations

from harness.native_session import Session, hold_upload_token, sha1
from harness.processes import wait_until

NO_ENCRYPTION = {"algorithm": None, "mode": None}
SSE_B2 = {"algorithm": "AES256", "mode": "SSE-B2"}


def hide(b2, bucket, name):
    return b2.call("b2_hide_file", bucketId=bucket["bucketId"], fileName=name)


def delete(b2, name, file_id):
    return b2.call("b2_delete_file_version", fileName=name, fileId=file_id)


def test_160_hiding_twice_and_hiding_nothing_have_codes_of_their_own(b2, bucket):
    b2.upload(bucket["bucketId"], "n", b"data")
    hide(b2, bucket, "n").ok()
    assert hide(b2, bucket, "n").refusal == (400, "already_hidden")
    assert hide(b2, bucket, "unknown").refusal == (400, "no_such_file")


def test_161_a_delete_answers_two_members_and_an_unknown_version_is_not_present(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n", b"data")
    assert delete(b2, "n", made["fileId"]).ok() == {"fileId": made["fileId"], "fileName": "n"}
    assert delete(b2, "n", made["fileId"]).refusal == (400, "file_not_present")


def test_162_deleting_the_hide_marker_shows_the_file_again(b2, bucket):
    b2.upload(bucket["bucketId"], "n", b"data")
    marker = hide(b2, bucket, "n").ok()
    delete(b2, "n", marker["fileId"]).ok()
    assert b2.download(bucket["bucketName"], "n").body == b"data"


def encryption_of_everything(b2, bucket):
    """What a plain upload, a copy and a large file answer for their encryption."""
    made = b2.upload(bucket["bucketId"], "n", b"data")
    copied = b2.call("b2_copy_file", sourceFileId=made["fileId"], fileName="copy").ok()
    return [version["serverSideEncryption"] for version in (made, copied, b2.start(bucket["bucketId"], "large"))]


def set_default(b2, bucket, **encryption):
    return b2.call(
        "b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"],
        defaultServerSideEncryption=encryption,
    )  # fmt: skip


def test_165_with_sse_b2_as_the_default_everything_is_encrypted_and_nothing_switches_it_off(b2, bucket):
    assert bucket["defaultServerSideEncryption"]["value"] == SSE_B2
    assert encryption_of_everything(b2, bucket) == [SSE_B2] * 3
    assert set_default(b2, bucket, mode=None).ok()["defaultServerSideEncryption"]["value"] == SSE_B2
    assert set_default(b2, bucket, mode="none").status == 400


def test_166_with_none_as_the_default_nothing_is_and_both_forms_switch_it_off(make_server):
    running = make_server("--default-encryption", "none").start()
    b2 = Session(running.api_url, running.key_id, running.application_key)
    bucket = b2.create_bucket("checklist-166")
    assert encryption_of_everything(b2, bucket) == [NO_ENCRYPTION] * 3
    for off in (None, "none"):
        assert set_default(b2, bucket, **SSE_B2).ok()["defaultServerSideEncryption"]["value"] == SSE_B2
        assert set_default(b2, bucket, mode=off).ok()["defaultServerSideEncryption"]["value"] == NO_ENCRYPTION


def test_168_a_start_id_of_another_name_begins_at_the_start_name(b2, bucket):
    other = b2.upload(bucket["bucketId"], "a", b"data")
    made = [b2.upload(bucket["bucketId"], "b", data)["fileId"] for data in (b"1", b"2")]
    page = b2.call(
        "b2_list_file_versions", bucketId=bucket["bucketId"], startFileName="b", startFileId=other["fileId"]
    ).ok()  # fmt: skip
    assert [row["fileId"] for row in page["files"]] == made[::-1]


def test_172_a_line_feed_in_file_info_comes_back(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n", b"data", {"X-Bz-Info-text": "one%0Atwo"})
    assert made["fileInfo"] == {"text": "one\ntwo"}
    assert b2.call("b2_get_file_info", fileId=made["fileId"]).ok()["fileInfo"] == {"text": "one\ntwo"}
    assert b2.download(bucket["bucketName"], "n").headers["x-bz-info-text"] == "one%0Atwo"


def test_173_the_token_of_an_upload_that_broke_off_takes_the_next_at_once(b2, bucket):
    target, broken, _ = hold_upload_token(b2, bucket["bucketId"], 100)
    broken.close()
    wait_until(
        lambda: b2.try_upload(bucket["bucketId"], "n", b"data", target=target).status == 200, "the token is free"
    )
    assert "first" not in b2.names(bucket["bucketId"])
    assert sha1(b2.download(bucket["bucketName"], "n").body) == sha1(b"data")


def test_174_a_v4_token_of_a_multi_bucket_key_lists_one_of_its_buckets_on_v1(b2, bucket, public_bucket):
    session = b2.restricted(["listBuckets"], bucketIds=[bucket["bucketId"], public_bucket["bucketId"]])
    for one in (bucket, public_bucket):
        listed = session.call("b2_list_buckets", version="v1", accountId=b2.account_id, bucketId=one["bucketId"]).ok()
        assert [row["bucketId"] for row in listed["buckets"]] == [one["bucketId"]]
