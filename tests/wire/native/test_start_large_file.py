from __future__ import annotations

import re

import pytest


def start(b2, bucket, **settings):
    body = {"bucketId": bucket["bucketId"], "fileName": "large", "contentType": "b2/x-auto", **settings}
    return b2.call("b2_start_large_file", **body)


def test_the_answer_is_an_unfinished_version(b2, bucket):
    made = start(b2, bucket, fileName="movie.mp4", fileInfo={"Large_File_SHA1": "0" * 40}).ok()
    assert re.match(r"4_z[0-9a-f]{24}_f2", made.pop("fileId"))
    assert isinstance(made.pop("uploadTimestamp"), int)
    assert made == {
        "accountId": b2.account_id,
        "action": "start",
        "bucketId": bucket["bucketId"],
        "contentLength": 0,
        "contentMd5": None,
        "contentSha1": "none",
        "contentType": "video/mp4",
        "fileInfo": {"large_file_sha1": "0" * 40},
        "fileName": "movie.mp4",
        "fileRetention": {"isClientAuthorizedToRead": True, "value": {"mode": None, "retainUntilTimestamp": None}},
        "legalHold": {"isClientAuthorizedToRead": True, "value": None},
        "serverSideEncryption": {"algorithm": "AES256", "mode": "SSE-B2"},
    }


def test_an_unfinished_file_shows_in_versions_only_and_hides_nothing(b2, bucket):
    b2.upload(bucket["bucketId"], "large", b"old")
    start(b2, bucket).ok()
    assert b2.names(bucket["bucketId"]) == ["large"]
    assert b2.versions(bucket["bucketId"]) == [("large", "start"), ("large", "upload")]
    assert b2.download(bucket["bucketName"], "large").body == b"old"


@pytest.mark.parametrize("timestamp", ["1300000000123", 1300000000123])
def test_a_custom_timestamp_is_a_string_or_a_number(b2, bucket, timestamp):
    assert start(b2, bucket, customUploadTimestamp=timestamp).ok()["uploadTimestamp"] == 1300000000123


def test_null_options_are_no_options(b2, bucket):
    nulls = dict.fromkeys(["fileInfo", "fileRetention", "legalHold", "serverSideEncryption", "customUploadTimestamp"])
    assert start(b2, bucket, **nulls).ok()["fileInfo"] == {}


@pytest.mark.parametrize(
    "setting",
    [
        {"fileName": ""},
        {"fileName": "a\x01b"},
        {"fileName": "a" * 1025},
        {"contentType": ""},
        {"contentType": "text/plain\r\nX-Evil: 1"},
        {"contentType": None},
        {"fileInfo": {"a b": "c"}},
        {"fileInfo": {"b2-bogus": "c"}},
        {"fileInfo": {"a": "1", "A": "2"}},
        {"fileInfo": {"a": 1}},
        {"fileInfo": {"a": "x" * 7000}},
        {"custom_upload_timestamp": 1},
        {"customUploadTimestamp": "soon"},
        {"serverSideEncryption": {"mode": "SSE-B2"}},
    ],
)
def test_settings_outside_the_rules_are_refused_and_nothing_is_begun(b2, bucket, setting):
    assert start(b2, bucket, **setting).refusal == (400, "bad_request")
    assert b2.versions(bucket["bucketId"]) == []


def test_starting_needs_write_files(b2, bucket):
    assert start(b2.restricted(["readFiles"]), bucket).error == (401, "unauthorized", "")
