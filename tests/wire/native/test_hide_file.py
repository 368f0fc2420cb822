from __future__ import annotations

import re


def hide(b2, bucket, name, **options):
    return b2.call("b2_hide_file", bucketId=bucket["bucketId"], fileName=name, **options)


def test_a_hide_marker_has_the_members_of_one_and_no_others(b2, bucket):
    b2.upload(bucket["bucketId"], "n", b"data")
    marker = hide(b2, bucket, "n").ok()
    assert re.match("4_z", marker.pop("fileId"))
    assert isinstance(marker.pop("uploadTimestamp"), int)
    assert marker == {
        "accountId": b2.account_id,
        "action": "hide",
        "bucketId": bucket["bucketId"],
        "contentLength": 0,
        "contentMd5": "d41d8cd98f00b204e9800998ecf8427e",
        "contentSha1": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "contentType": "application/x-bz-hide-marker",
        "fileInfo": {},
        "fileName": "n",
    }


def test_a_hide_marker_makes_a_name_vanish_from_names_but_not_from_versions(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n", b"data")
    marker = hide(b2, bucket, "n").ok()
    assert b2.names(bucket["bucketId"]) == []
    assert b2.versions(bucket["bucketId"]) == [("n", "hide"), ("n", "upload")]
    answer = b2.download(bucket["bucketName"], "n")
    assert answer.error == (404, "not_found", f"bucket {bucket['bucketName']} does not have file: n")
    by_id = b2.get("b2_download_file_by_id", fileId=made["fileId"])
    assert by_id.body == b"data"
    b2.call("b2_delete_file_version", fileName="n", fileId=marker["fileId"]).ok()
    assert b2.download(bucket["bucketName"], "n").body == b"data"


def test_hiding_twice_is_already_hidden(b2, bucket):
    b2.upload(bucket["bucketId"], "n")
    hide(b2, bucket, "n").ok()
    assert hide(b2, bucket, "n").refusal == (400, "already_hidden")


def test_hiding_an_unknown_name_is_no_such_file(b2, bucket):
    assert hide(b2, bucket, "unknown").refusal == (400, "no_such_file")


def test_hiding_needs_write_files(b2, bucket):
    b2.upload(bucket["bucketId"], "n")
    session = b2.restricted(["readFiles", "deleteFiles"])
    assert hide(session, bucket, "n").error == (401, "unauthorized", "")
    assert b2.names(bucket["bucketId"]) == ["n"]
