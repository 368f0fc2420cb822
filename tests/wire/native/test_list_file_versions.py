from __future__ import annotations

import pytest


@pytest.fixture
def history(b2, bucket):
    """Versions in the order in which they are listed: name, action and id."""
    bucket_id = bucket["bucketId"]
    made = []
    for name in ("b", "a", "c/1", "c/2"):
        made += [b2.upload(bucket_id, name, b"x") for _ in range(2)]
    made.append(b2.call("b2_hide_file", bucketId=bucket_id, fileName="a").ok())
    made.append(b2.start(bucket_id, "b"))
    newest_first = sorted(enumerate(made), key=lambda pair: (pair[1]["fileName"], -pair[0]))
    return [(row["fileName"], row["action"], row["fileId"]) for _, row in newest_first]


def page(b2, bucket, **options):
    answer = b2.call("b2_list_file_versions", bucketId=bucket["bucketId"], **options).ok()
    rows = [(row["fileName"], row["action"], row["fileId"]) for row in answer["files"]]
    return rows, answer["nextFileName"], answer["nextFileId"]


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000])
def test_pages_hold_every_version_once_newest_first_inside_a_name(b2, bucket, history, size):
    rows, name, file_id = [], None, None
    while True:
        found, name, file_id = page(b2, bucket, startFileName=name, startFileId=file_id, maxFileCount=size)
        rows += found
        if name is None:
            break
    assert file_id is None
    assert rows == history


def test_deleting_the_row_under_a_cursor_neither_repeats_nor_skips(b2, bucket, history):
    first, name, file_id = page(b2, bucket, maxFileCount=4)
    gone = next(row for row in history if row[2] == file_id)
    b2.call("b2_delete_file_version", fileName=gone[0], fileId=gone[2]).ok()
    rest, _, _ = page(b2, bucket, startFileName=name, startFileId=file_id)
    assert first + rest == [row for row in history if row != gone]


def test_an_id_of_another_name_counts_for_nothing(b2, bucket, history):
    rows, _, _ = page(b2, bucket, startFileName="c0", startFileId=history[0][2])
    assert rows == []
    rows, _, _ = page(b2, bucket, startFileName="b0", startFileId=history[0][2])
    assert rows == [row for row in history if row[0].startswith("c/")]


def test_the_start_id_is_inclusive(b2, bucket, history):
    rows, _, _ = page(b2, bucket, startFileName=history[1][0], startFileId=history[1][2])
    assert rows == history[1:]


def test_a_start_id_needs_a_start_name_and_must_be_an_id(b2, bucket, history):
    lonely = b2.call("b2_list_file_versions", bucketId=bucket["bucketId"], startFileId=history[0][2])
    assert lonely.refusal == (400, "bad_request")
    malformed = b2.call("b2_list_file_versions", bucketId=bucket["bucketId"], startFileName="a", startFileId="nonsense")
    assert malformed.refusal == (400, "invalid_file_id")


def test_folders_hold_any_kind_of_version(b2, bucket, history):
    b2.start(bucket["bucketId"], "d/unfinished")
    answer = b2.call("b2_list_file_versions", bucketId=bucket["bucketId"], delimiter="/", maxFileCount=1000).ok()
    rows = [(row["fileName"], row["action"]) for row in answer["files"]]
    assert rows == [(name, action) for name, action, _ in history if "/" not in name] + [
        ("c/", "folder"), ("d/", "folder"),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_with_folders_neither_repeat_nor_skip(b2, bucket, history, size):
    b2.upload(bucket["bucketId"], "e", b"x")
    rows, name, file_id = [], None, None
    while True:
        answer = b2.call(
            "b2_list_file_versions", bucketId=bucket["bucketId"], delimiter="/", startFileName=name,
            startFileId=file_id, maxFileCount=size,
        ).ok()  # fmt: skip
        rows += [row["fileName"] for row in answer["files"]]
        name, file_id = answer["nextFileName"], answer["nextFileId"]
        if name is None:
            break
    assert rows == ["a", "a", "a", "b", "b", "b", "c/", "e"]


def test_only_markers_and_folders_lack_lock_members(b2, bucket, history):
    for row in b2.call("b2_list_file_versions", bucketId=bucket["bucketId"]).ok()["files"]:
        assert ("legalHold" in row) == ("fileRetention" in row) == (row["action"] != "hide")


def test_rows_of_version_1_have_a_size_and_a_null_sha1_for_large_files(b2, bucket):
    b2.start(bucket["bucketId"], "large")
    row = b2.call("b2_list_file_versions", version="v1", bucketId=bucket["bucketId"]).ok()["files"][0]
    assert (row["action"], row["size"], row["contentSha1"]) == ("start", 0, None)
    assert "contentLength" not in row


def test_too_many_rows_are_out_of_range(b2, bucket):
    answer = b2.call("b2_list_file_versions", bucketId=bucket["bucketId"], maxFileCount=10_001)
    assert answer.error == (400, "out_of_range", "maxFileCount out of range: 10001")
