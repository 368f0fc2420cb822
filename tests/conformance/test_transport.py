"""Lines 21 to 32 of the checklist: what holds for every request and answer."""

from __future__ import annotations

import contextlib
import email.utils
import json
import re
import socket
import time
from urllib.parse import urlsplit

from harness.native_session import send, sha1


def answers(b2, bucket):
    """A success and an error of each kind of request."""
    yield b2.authorize()
    yield b2.authorize(key="wrong")
    yield b2.call("b2_list_file_names", bucketId=bucket["bucketId"])
    yield b2.call("b2_list_file_names", bucketId="f" * 24)
    yield b2.call("b2_no_such_call")
    yield b2.try_upload(bucket["bucketId"], "n", b"data")
    yield b2.try_upload(bucket["bucketId"], "n", b"data", {"X-Bz-Content-Sha1": "0" * 40})
    yield b2.download(bucket["bucketName"], "n")
    yield b2.download(bucket["bucketName"], "missing")
    yield b2.download(bucket["bucketName"], "n", headers={})


def test_021_every_answer_has_a_date_within_ten_minutes(b2, bucket):
    for answer in answers(b2, bucket):
        assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", answer.headers["date"])
        assert abs(email.utils.parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()) < 600


def test_022_json_answers_have_the_content_type_of_the_service(b2):
    answer = b2.call("b2_list_buckets", accountId=b2.account_id)
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"


def test_023_error_bodies_have_exactly_three_members(b2, bucket):
    for answer in answers(b2, bucket):
        if answer.status >= 400:
            assert set(answer.json) == {"code", "message", "status"}
            assert isinstance(answer.json["message"], str)


def test_024_the_status_in_an_error_is_the_status_of_the_answer(b2, bucket):
    for answer in answers(b2, bucket):
        if answer.status >= 400:
            assert answer.json["status"] == answer.status


def test_025_no_answer_is_a_redirect(b2, bucket):
    for answer in answers(b2, bucket):
        assert not 300 <= answer.status < 400
    for path in ("/b2api", "/b2api/v4", "/file", f"/file/{bucket['bucketName']}", "//b2api/v4/b2_list_buckets"):
        assert not 300 <= send("GET", b2.url + path).status < 400


def test_026_a_post_without_a_content_type_is_accepted(b2):
    answer = send(
        "POST",
        f"{b2.url}/b2api/v4/b2_list_buckets",
        {"Authorization": b2.token},
        json.dumps({"accountId": b2.account_id}).encode(),
    )
    assert answer.status == 200


def test_027_null_optional_fields_are_accepted(b2, bucket):
    assert b2.call(
        "b2_list_buckets", accountId=b2.account_id, bucketId=None, bucketName=None, bucketTypes=["all"]
    ).status == 200  # fmt: skip
    assert b2.call(
        "b2_list_file_versions", bucketId=bucket["bucketId"], startFileName=None, startFileId=None, prefix=None,
        maxFileCount=None, delimiter=None,
    ).status == 200  # fmt: skip
    assert b2.call("b2_list_keys", accountId=b2.account_id, startApplicationKeyId=None, maxKeyCount=None).status == 200


def test_028_errors_to_head_have_no_body(b2, bucket):
    for name, headers, status in (
        ("missing", None, 404),
        ("missing", {}, 401),
        ("missing", {"Authorization": "x"}, 401),
    ):
        answer = b2.download(bucket["bucketName"], name, method="HEAD", headers=headers)
        assert (answer.status, answer.body) == (status, b"")


def test_029_get_with_a_query_works_for_notification_rules(b2, bucket):
    answer = b2.get("b2_get_bucket_notification_rules", bucketId=bucket["bucketId"]).ok()
    assert answer == {"bucketId": bucket["bucketId"], "eventNotificationRules": []}


def test_030_uploads_that_expect_100_continue_work(b2, bucket):
    target = b2.upload_url(bucket["bucketId"])
    url = urlsplit(target["uploadUrl"])
    head = [
        f"POST {url.path} HTTP/1.1", f"Host: {url.netloc}", f"Authorization: {target['authorizationToken']}",
        "X-Bz-File-Name: n", "Content-Type: text/plain", f"X-Bz-Content-Sha1: {sha1(b'data')}", "Content-Length: 4",
        "Expect: 100-continue", "Connection: close",
    ]  # fmt: skip
    with contextlib.closing(socket.create_connection((url.hostname, url.port), timeout=20)) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"data")
        answer = connection.recv(1000)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b2.download(bucket["bucketName"], "n").body == b"data"


def test_031_json_is_not_cached(b2):
    for answer in (b2.call("b2_list_buckets", accountId=b2.account_id), b2.call("b2_list_buckets", token="x")):
        assert answer.headers["cache-control"] == "max-age=0, no-cache, no-store"


def test_032_a_wrong_method_is_405(b2):
    answer = b2.fetch(f"{b2.url}/b2api/v4/b2_list_buckets", {"Authorization": b2.token}, method="DELETE")
    assert answer.refusal == (405, "method_not_allowed")
