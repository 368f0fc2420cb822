from __future__ import annotations

import json

import pytest

DATA = b"0123456789"


@pytest.fixture
def made(b2, bucket):
    return b2.upload(bucket["bucketId"], "n", DATA)


def by_id(b2, file_id, headers=None, *, method="GET", query=""):
    url = f"{b2.url}/b2api/v4/b2_download_file_by_id?fileId={file_id}{query}"
    return b2.fetch(url, {"Authorization": b2.token} if headers is None else headers, method=method)


def test_by_id_and_by_name_give_the_same_headers(b2, bucket, made):
    one, other = by_id(b2, made["fileId"]), b2.download(bucket["bucketName"], "n")
    assert one.body == other.body == DATA
    one.headers.pop("date")
    other.headers.pop("date")
    assert one.headers == other.headers
    head = by_id(b2, made["fileId"], method="HEAD")
    assert (head.status, head.headers["content-length"], head.body) == (200, "10", b"")


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4"])
def test_a_post_with_json_downloads_on_every_version(b2, made, version):
    url = f"{b2.url}/b2api/{version}/b2_download_file_by_id"
    body = json.dumps({"fileId": made["fileId"], "b2ContentType": "image/png"}).encode()
    answer = b2.post(url, {"Authorization": b2.token}, body)
    assert (answer.body, answer.headers["content-type"]) == (DATA, "image/png")


def test_a_range_works_by_id(b2, made):
    answer = by_id(b2, made["fileId"], {"Authorization": b2.token, "Range": "bytes=5-8"})
    assert (answer.status, answer.body, answer.headers["content-range"]) == (206, b"5678", "bytes 5-8/10")


def test_superseded_versions_can_be_read_by_their_ids(b2, bucket, made):
    b2.upload(bucket["bucketId"], "n", b"newer")
    assert by_id(b2, made["fileId"]).body == DATA


def test_a_public_file_needs_no_token_by_id(b2, public_bucket):
    made = b2.upload(public_bucket["bucketId"], "n", DATA)
    assert by_id(b2, made["fileId"], {}).body == DATA
    assert by_id(b2, made["fileId"], {}, query="&b2ContentType=text/html").error == (401, "unauthorized", "")


def test_a_private_file_needs_one(b2, made):
    assert by_id(b2, made["fileId"], {}).error == (401, "unauthorized", "")
    head = by_id(b2, made["fileId"], {}, method="HEAD")
    assert (head.status, head.body) == (401, b"")


def test_hide_markers_and_unfinished_files_have_no_bytes(b2, bucket, made):
    marker = b2.call("b2_hide_file", bucketId=bucket["bucketId"], fileName="n").ok()
    assert by_id(b2, marker["fileId"]).refusal == (404, "not_found")
    started = b2.start(bucket["bucketId"], "large")
    assert by_id(b2, started["fileId"]).refusal == (404, "not_found")


def test_unknown_and_malformed_ids(b2, made):
    assert by_id(b2, "nonsense").error == (400, "bad_request", "bad fileId: nonsense")
    assert by_id(b2, "").refusal == (400, "bad_request")
    b2.call("b2_delete_file_version", fileName="n", fileId=made["fileId"]).ok()
    assert by_id(b2, made["fileId"]).refusal == (404, "not_found")
