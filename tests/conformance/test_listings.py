"""Lines 122 to 131 of the checklist: lists of names and versions."""

from __future__ import annotations

import pytest


def names(b2, bucket, **options):
    return b2.call("b2_list_file_names", bucketId=bucket["bucketId"], **options)


def versions(b2, bucket, **options):
    return b2.call("b2_list_file_versions", bucketId=bucket["bucketId"], **options)


@pytest.fixture
def filled(b2, bucket):
    """Three names, one of them in a folder and one hidden."""
    for name in ("a", "dir/b", "hidden"):
        b2.upload(bucket["bucketId"], name, b"data")
    b2.call("b2_hide_file", bucketId=bucket["bucketId"], fileName="hidden").ok()
    return bucket


def test_122_10001_rows_are_out_of_range(b2, bucket):
    assert names(b2, bucket, maxFileCount=10_001).error == (400, "out_of_range", "maxFileCount out of range: 10001")
    assert names(b2, bucket, maxFileCount=10_000).status == 200


def test_123_zero_rows_are_a_hundred(b2, bucket):
    target = b2.upload_url(bucket["bucketId"])
    for number in range(101):
        assert b2.try_upload(bucket["bucketId"], f"{number:03d}", target=target).status == 200
    assert len(names(b2, bucket, maxFileCount=0).ok()["files"]) == 100


def test_124_a_full_page_ends_with_the_last_name_and_a_space(b2, filled):
    page = names(b2, filled, maxFileCount=1).ok()
    assert page["nextFileName"] == "a "
    following = names(b2, filled, maxFileCount=1, startFileName=page["nextFileName"]).ok()
    assert [row["fileName"] for row in following["files"]] == ["dir/b"]


def test_125_prefix_and_delimiter_make_folder_rows(b2, filled):
    rows = names(b2, filled, prefix="", delimiter="/").ok()["files"]
    assert [row["fileName"] for row in rows] == ["a", "dir/"]
    folder = rows[1]
    assert folder == {
        "accountId": b2.account_id, "action": "folder", "bucketId": filled["bucketId"], "contentLength": 0,
        "contentMd5": None, "contentSha1": None, "contentType": None, "fileId": None, "fileInfo": {},
        "fileName": "dir/", "uploadTimestamp": 0,
    }  # fmt: skip
    assert [row["fileName"] for row in names(b2, filled, prefix="dir/", delimiter="/").ok()["files"]] == ["dir/b"]


def test_126_hidden_names_are_versions_but_no_names(b2, filled):
    assert b2.names(filled["bucketId"]) == ["a", "dir/b"]
    assert b2.versions(filled["bucketId"], prefix="hidden") == [("hidden", "hide"), ("hidden", "upload")]


def test_127_names_are_in_the_order_of_their_utf_8_bytes(b2, bucket):
    made = ["B", "a", "a b", "a!", "a/", "ü", "\uffff", "\U0001f600"]
    for name in made:
        b2.upload(bucket["bucketId"], name)
    assert b2.names(bucket["bucketId"]) == sorted(made, key=lambda name: name.encode())


def test_128_version_rows_have_lock_members_except_hide_markers_and_folders(b2, filled):
    rows = versions(b2, filled, delimiter="/").ok()["files"]
    found = {row["action"]: {"fileRetention", "legalHold"} <= set(row) for row in rows}
    assert found == {"upload": True, "hide": False, "folder": False}


def test_129_rows_of_v1_have_a_size(b2, filled):
    for rows in (names(b2.at("v1"), filled), versions(b2.at("v1"), filled)):
        assert [row["size"] for row in rows.ok()["files"]][:2] == [4, 4]


def test_130_a_start_id_needs_a_start_name(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n")
    assert versions(b2, bucket, startFileId=made["fileId"]).refusal == (400, "bad_request")


def test_131_deleting_the_row_under_a_cursor_does_not_break_paging(b2, bucket):
    made = [b2.upload(bucket["bucketId"], "n", b"%d" % number)["fileId"] for number in range(4)][::-1]
    page = versions(b2, bucket, maxFileCount=2).ok()
    assert [row["fileId"] for row in page["files"]] == made[:2]
    b2.call("b2_delete_file_version", fileName="n", fileId=made[2]).ok()
    following = versions(b2, bucket, startFileName=page["nextFileName"], startFileId=page["nextFileId"]).ok()
    assert [row["fileId"] for row in following["files"]] == made[3:]
