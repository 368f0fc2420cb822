from __future__ import annotations

import pytest

NAMES = ["a", "a b", "a/b/1", "a/b/2", "a/c", "a0", "b/1", "ä", "☃", "😀", "zz", "Z"]


@pytest.fixture
def filled(b2, bucket):
    target = b2.upload_url(bucket["bucketId"])
    for name in NAMES:
        b2.try_upload(bucket["bucketId"], name, b"x", target=target).ok()
    return bucket["bucketId"]


def page(b2, bucket_id, **options):
    answer = b2.call("b2_list_file_names", bucketId=bucket_id, **options).ok()
    return [row["fileName"] for row in answer["files"]], answer["nextFileName"]


def pages(b2, bucket_id, **options):
    names, start = [], None
    while True:
        found, following = page(b2, bucket_id, startFileName=start, **options)
        names += found
        if following is None:
            return names
        assert len(found) == options["maxFileCount"]
        start = following


def test_names_come_in_the_order_of_their_bytes(b2, filled):
    assert page(b2, filled) == (sorted(NAMES, key=str.encode), None)


def test_a_page_ends_with_the_name_after_its_last(b2, filled):
    assert page(b2, filled, maxFileCount=2) == (["Z", "a"], "a ")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 12])
def test_pages_neither_repeat_nor_skip(b2, filled, size):
    assert pages(b2, filled, maxFileCount=size) == sorted(NAMES, key=str.encode)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_with_folders_neither_repeat_nor_skip(b2, filled, size):
    expected = ["Z", "a", "a b", "a/", "a0", "b/", "zz", "ä", "☃", "😀"]
    assert pages(b2, filled, maxFileCount=size, delimiter="/") == expected
    assert pages(b2, filled, maxFileCount=size, delimiter="/", prefix="a/") == ["a/b/", "a/c"]


def test_a_folder_row_has_the_members_of_one(b2, filled):
    answer = b2.call("b2_list_file_names", bucketId=filled, prefix="b", delimiter="/").ok()
    assert answer["files"] == [
        {
            "accountId": b2.account_id,
            "action": "folder",
            "bucketId": filled,
            "contentLength": 0,
            "contentMd5": None,
            "contentSha1": None,
            "contentType": None,
            "fileId": None,
            "fileInfo": {},
            "fileName": "b/",
            "uploadTimestamp": 0,
        }
    ]


def test_the_start_is_inclusive_and_a_start_inside_a_folder_shows_the_folder(b2, filled):
    assert page(b2, filled, startFileName="zz")[0] == ["zz", "ä", "☃", "😀"]
    assert page(b2, filled, startFileName="a/b/2", delimiter="/", maxFileCount=2)[0] == ["a/", "a0"]
    assert page(b2, filled, startFileName="zzz", prefix="a") == ([], None)


def test_a_prefix_limits_the_list(b2, filled):
    assert page(b2, filled, prefix="a/")[0] == ["a/b/1", "a/b/2", "a/c"]
    assert page(b2, filled, prefix="nothing") == ([], None)


def test_a_name_that_is_the_prefix_and_ends_in_the_delimiter_is_a_file(b2, bucket):
    b2.upload(bucket["bucketId"], "dir/")
    b2.upload(bucket["bucketId"], "dir/a")
    assert page(b2, bucket["bucketId"], prefix="dir/", delimiter="/")[0] == ["dir/", "dir/a"]
    assert page(b2, bucket["bucketId"], delimiter="/")[0] == ["dir/"]


def test_a_row_is_what_the_upload_answered(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n", b"data", {"X-Bz-Info-a": "b"})
    assert b2.call("b2_list_file_names", bucketId=bucket["bucketId"]).ok() == {"files": [made], "nextFileName": None}


def test_rows_of_version_1_have_a_size_and_no_account_or_lock_members(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n", b"data")
    row = b2.call("b2_list_file_names", version="v1", bucketId=bucket["bucketId"]).ok()["files"][0]
    assert row["size"] == 4
    assert set(row) == {
        "action", "bucketId", "contentSha1", "contentType", "fileId", "fileInfo", "fileName", "size", "uploadTimestamp",
    }  # fmt: skip
    assert row["fileId"] == made["fileId"]


def test_counts_outside_their_range_are_refused_and_zero_is_the_default(b2, bucket):
    answer = b2.call("b2_list_file_names", bucketId=bucket["bucketId"], maxFileCount=10_001)
    assert answer.error == (400, "out_of_range", "maxFileCount out of range: 10001")
    assert b2.call("b2_list_file_names", bucketId=bucket["bucketId"], maxFileCount=-1).refusal == (400, "out_of_range")
    assert page(b2, bucket["bucketId"], maxFileCount=0) == ([], None)
    assert page(b2, bucket["bucketId"], maxFileCount=10_000) == ([], None)


def test_bad_bucket_ids_have_codes_of_their_own(b2):
    malformed = b2.call("b2_list_file_names", bucketId="nonsense")
    assert malformed.error == (400, "invalid_bucket_id", "Invalid bucketId: nonsense")
    unknown = b2.call("b2_list_file_names", bucketId="f" * 24)
    assert unknown.error == (400, "bad_bucket_id", f"Bucket {'f' * 24} does not exist")


def test_a_hundred_rows_are_the_default(b2, bucket):
    target = b2.upload_url(bucket["bucketId"])
    for number in range(101):
        b2.try_upload(bucket["bucketId"], f"{number:03}", target=target).ok()
    names, following = page(b2, bucket["bucketId"])
    assert (len(names), following) == (100, "099 ")


def test_listing_needs_list_files(b2, bucket):
    session = b2.restricted(["readFiles"])
    assert session.call("b2_list_file_names", bucketId=bucket["bucketId"]).error == (401, "unauthorized", "")
    assert b2.get("b2_list_file_names", bucketId=bucket["bucketId"], maxFileCount=5).ok()["files"] == []
