from __future__ import annotations


def test_unfinished_files_come_oldest_first_and_in_pages(b2, bucket):
    started = [b2.start(bucket["bucketId"], name) for name in ("z", "a", "m")]
    first = b2.call("b2_list_unfinished_large_files", bucketId=bucket["bucketId"], maxFileCount=2).ok()
    assert first["files"] == started[:2]
    assert first["nextFileName"] is None
    second = b2.call(
        "b2_list_unfinished_large_files", bucketId=bucket["bucketId"], startFileId=first["nextFileId"]
    ).ok()
    assert (second["files"], second["nextFileId"]) == (started[2:], None)


def test_the_start_is_inclusive(b2, bucket):
    started = b2.start(bucket["bucketId"], "one")
    answer = b2.call("b2_list_unfinished_large_files", bucketId=bucket["bucketId"], startFileId=started["fileId"]).ok()
    assert answer["files"] == [started]


def test_a_prefix_limits_the_list(b2, bucket):
    wanted = b2.start(bucket["bucketId"], "a/1")
    b2.start(bucket["bucketId"], "b/1")
    answer = b2.call("b2_list_unfinished_large_files", bucketId=bucket["bucketId"], namePrefix="a/").ok()
    assert answer["files"] == [wanted]


def test_rows_carry_what_resuming_compares(b2, bucket):
    b2.start(bucket["bucketId"], "n", fileInfo={"large_file_sha1": "0" * 40, "a": "b"}, customUploadTimestamp=1234567)
    row = b2.call("b2_list_unfinished_large_files", bucketId=bucket["bucketId"]).ok()["files"][0]
    assert row["fileInfo"] == {"large_file_sha1": "0" * 40, "a": "b"}
    assert row["uploadTimestamp"] == 1234567
    assert row["legalHold"]["value"] is None
    assert row["fileRetention"]["value"] == {"mode": None, "retainUntilTimestamp": None}
    assert row["serverSideEncryption"] == {"algorithm": "AES256", "mode": "SSE-B2"}


def test_more_than_a_hundred_rows_are_out_of_range(b2, bucket):
    answer = b2.call("b2_list_unfinished_large_files", bucketId=bucket["bucketId"], maxFileCount=101)
    assert answer.refusal == (400, "out_of_range")


def test_listing_unfinished_files_needs_list_files(b2, bucket):
    session = b2.restricted(["writeFiles"])
    answer = session.call("b2_list_unfinished_large_files", bucketId=bucket["bucketId"])
    assert answer.error == (401, "unauthorized", "")
