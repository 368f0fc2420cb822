from __future__ import annotations

import re

import pytest


def test_the_answer_has_exactly_three_members(b2, bucket):
    answer = b2.upload_url(bucket["bucketId"])
    assert set(answer) == {"authorizationToken", "bucketId", "uploadUrl"}
    assert answer["bucketId"] == bucket["bucketId"]


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4"])
def test_the_url_has_the_version_of_the_call_that_issued_it(b2, bucket, version):
    url = b2.call("b2_get_upload_url", version=version, bucketId=bucket["bucketId"]).ok()["uploadUrl"]
    assert re.fullmatch(f"{b2.url}/b2api/{version}/b2_upload_file/{bucket['bucketId']}/[a-z0-9_]+", url)


def test_every_url_is_another(b2, bucket):
    assert b2.upload_url(bucket["bucketId"])["uploadUrl"] != b2.upload_url(bucket["bucketId"])["uploadUrl"]


def test_an_unknown_bucket_is_refused(b2):
    answer = b2.call("b2_get_upload_url", bucketId="f" * 24)
    assert answer.error == (400, "bad_bucket_id", f"Bucket {'f' * 24} does not exist")


def test_it_needs_write_files_in_the_bucket(b2, bucket, public_bucket):
    unauthorized = (401, "unauthorized", "")
    reader = b2.restricted(["readFiles", "listFiles"])
    assert reader.call("b2_get_upload_url", bucketId=bucket["bucketId"]).error == unauthorized
    elsewhere = b2.restricted(["writeFiles"], bucketIds=[bucket["bucketId"]])
    assert elsewhere.call("b2_get_upload_url", bucketId=public_bucket["bucketId"]).error == unauthorized
    assert elsewhere.call("b2_get_upload_url", bucketId=bucket["bucketId"]).status == 200
