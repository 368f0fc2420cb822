"""What holds for every call: headers, error bodies, methods, unknown paths and hostile bodies."""

from __future__ import annotations

import email.utils
import json
import time

import pytest


def post(b2, call, body, token=None):
    return b2.post(f"{b2.url}/b2api/v4/{call}", {"Authorization": token or b2.token}, body)


def test_answers_are_pretty_printed_sorted_json_that_nobody_caches(b2, bucket):
    answer = b2.call("b2_list_file_names", bucketId=bucket["bucketId"])
    assert answer.body == b'{\n  "files": [],\n  "nextFileName": null\n}'
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert answer.headers["cache-control"] == "max-age=0, no-cache, no-store"
    listed = b2.call("b2_list_buckets", accountId=b2.account_id, bucketId=bucket["bucketId"]).body
    assert listed.decode() == json.dumps(json.loads(listed), indent=2, sort_keys=True, ensure_ascii=False)


def test_every_answer_has_the_date(b2, bucket):
    for answer in (b2.call("b2_list_file_names", bucketId=bucket["bucketId"]), b2.call("b2_list_keys", token="x")):
        told = email.utils.parsedate_to_datetime(answer.headers["date"]).timestamp()
        assert abs(told - time.time()) < 600


def test_errors_have_exactly_three_members_and_are_not_cached(b2):
    answer = b2.call("b2_list_file_names", bucketId="f" * 24)
    assert answer.error == (400, "bad_bucket_id", f"Bucket {'f' * 24} does not exist")
    assert answer.headers["cache-control"] == "max-age=0, no-cache, no-store"


@pytest.mark.parametrize("token", ["", "nonsense", "Bearer x", "4_000_0_0_acct_x", "4_" + "x" * 5000, "ä"])
def test_tokens_that_are_none_are_bad(b2, token):
    answer = b2.post(f"{b2.url}/b2api/v4/b2_list_buckets", {"Authorization": token} if token else {}, b"{}")
    assert answer.error == (401, "bad_auth_token", "")


def test_an_altered_token_is_bad(b2):
    for position in range(0, len(b2.token), 7):
        other = "A" if b2.token[position] != "A" else "B"
        altered = b2.token[:position] + other + b2.token[position + 1 :]
        assert b2.call("b2_list_buckets", token=altered, accountId=b2.account_id).refusal == (401, "bad_auth_token")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(b2, method):
    url = f"{b2.url}/b2api/v4/b2_list_buckets"
    answer = b2.fetch(url, {"Authorization": b2.token}, method=method)
    assert answer.error == (405, "method_not_allowed", "Only POST is supported")


def test_head_of_a_json_call_is_not_allowed_and_has_no_body(b2):
    answer = b2.fetch(f"{b2.url}/b2api/v4/b2_list_buckets", {"Authorization": b2.token}, method="HEAD")
    assert (answer.status, answer.body) == (405, b"")


@pytest.mark.parametrize(
    "path",
    ["/b2api/", "/b2api/v4", "/b2api/v4/", "/b2api/v5/b2_list_buckets", "/b2api/v4/b2_no_such_call",
     "/b2api/v4/b2_list_buckets/extra", "/b2api/v4/b2_upload_file", "/b2api/v4/b2_authorize_account/"],
)  # fmt: skip
def test_unknown_paths_are_not_found(b2, path):
    answer = b2.post(b2.url + path, {"Authorization": b2.token}, b"{}")
    assert answer.refusal == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'"text"', b"null", b"{} trailing", b"\xff\xfe", b'{"accountId": 1}',
        b'{"accountId": "\xff"}', b"[" * 100_000, b'{"accountId":' * 50_000, b'{"accountId": null}',
        b'{"accountId": "\\ud800"}',
    ],
    ids=range(13),
)  # fmt: skip
def test_bodies_that_are_no_request_are_bad_requests(b2, body):
    assert post(b2, "b2_list_buckets", body).refusal == (400, "bad_request")


def test_an_unknown_field_is_refused_by_name(b2):
    body = json.dumps({"accountId": b2.account_id, "bucketColour": "red"}).encode()
    status, code, message = post(b2, "b2_list_buckets", body).error
    assert (status, code) == (400, "bad_request")
    assert "bucketColour" in message


def test_a_missing_field_is_named(b2):
    assert "bucketId" in post(b2, "b2_list_file_names", b"{}").error[2]


def test_a_body_above_the_limit_is_refused(b2):
    body = json.dumps({"accountId": b2.account_id, "bucketName": "x" * (1 << 20)}).encode()
    assert post(b2, "b2_list_buckets", body).refusal == (400, "bad_request")


@pytest.mark.parametrize("query", ["accountId=a&accountId=b", "bogus=1", "accountId=%ff", "accountId=x&bucketTypes=[1"])
def test_bad_queries_are_bad_requests(b2, query):
    answer = b2.fetch(f"{b2.url}/b2api/v4/b2_list_buckets?{query}", {"Authorization": b2.token})
    assert answer.refusal == (400, "bad_request")


def test_a_token_works_on_every_version(b2, bucket):
    for version in ("v1", "v2", "v3", "v4"):
        assert b2.call("b2_list_file_names", version=version, bucketId=bucket["bucketId"]).ok()["files"] == []


def test_keys_of_another_account_reach_nothing(b2, bucket, second_account):
    made = b2.upload(bucket["bucketId"], "n", b"secret")
    unauthorized = (401, "unauthorized", "")
    other = second_account
    assert other.call("b2_list_file_names", bucketId=bucket["bucketId"]).error == unauthorized
    assert other.call("b2_get_upload_url", bucketId=bucket["bucketId"]).error == unauthorized
    assert other.call("b2_get_file_info", fileId=made["fileId"]).error == unauthorized
    assert other.call("b2_delete_file_version", fileName="n", fileId=made["fileId"]).error == unauthorized
    assert other.call("b2_copy_file", sourceFileId=made["fileId"], fileName="m").error == unauthorized
    assert other.download(bucket["bucketName"], "n").error == unauthorized
    assert other.call("b2_list_buckets", accountId=b2.account_id).error == unauthorized
    assert other.call("b2_delete_key", applicationKeyId=b2.key_id).refusal == (400, "bad_request")
    assert other.call(
        "b2_update_bucket", accountId=other.account_id, bucketId=bucket["bucketId"], bucketType="allPublic"
    ).error == unauthorized  # fmt: skip
    assert other.call("b2_list_buckets", accountId=other.account_id).ok()["buckets"] == []
    assert b2.download(bucket["bucketName"], "n").body == b"secret"
