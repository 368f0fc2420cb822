"""Lines 132 to 144 of the checklist: downloads."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from harness.native_session import sha1

DATA = b"0123456789"
UNAUTHORIZED = (401, "unauthorized", "")
NEEDS_KEY = (
    "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve "
    "the object."
)
LOCK_HEADERS = "X-Bz-File-Retention-Mode,X-Bz-File-Retention-Retain-Until-Timestamp,X-Bz-File-Legal-Hold"


@pytest.fixture
def made(b2, bucket):
    return b2.upload(bucket["bucketId"], "dir/n", DATA, {"X-Bz-Info-Colour": "blue"})


def by_id(b2, made, *, method="GET", headers=None):
    url = f"{b2.url}/b2api/v4/b2_download_file_by_id?fileId={made['fileId']}"
    return b2.fetch(url, {"Authorization": b2.token} if headers is None else headers, method=method)


def test_132_by_name_by_id_head_and_get_have_the_same_headers(b2, bucket, made):
    answers = [
        b2.download(bucket["bucketName"], "dir/n"),
        b2.download(bucket["bucketName"], "dir/n", method="HEAD"),
        by_id(b2, made),
        by_id(b2, made, method="HEAD"),
    ]
    headers = [{name: value for name, value in answer.headers.items() if name != "date"} for answer in answers]
    assert [answer.status for answer in answers] == [200] * 4
    assert all(one == headers[0] for one in headers)
    assert [answer.body for answer in answers] == [DATA, b"", DATA, b""]


def test_133_partial_content_has_the_sha1_of_the_whole(b2, bucket, made):
    headers = {"Authorization": b2.token, "Range": "bytes=5-8"}
    assert b2.download(bucket["bucketName"], "dir/n", headers=headers).headers["x-bz-content-sha1"] == sha1(DATA)


def test_134_a_range_is_partial_content(b2, bucket, made):
    answer = b2.download(bucket["bucketName"], "dir/n", headers={"Authorization": b2.token, "Range": "bytes=5-8"})
    assert (answer.status, answer.body) == (206, b"5678")
    assert answer.headers["content-range"] == "bytes 5-8/10"


def test_135_a_range_past_the_end_is_not_satisfiable(b2, bucket, made):
    answer = b2.download(bucket["bucketName"], "dir/n", headers={"Authorization": b2.token, "Range": "bytes=10-"})
    assert answer.refusal == (416, "range_not_satisfiable")


def test_136_a_public_bucket_needs_no_token_unless_headers_are_overridden(b2, public_bucket):
    b2.upload(public_bucket["bucketId"], "n", DATA)
    name = public_bucket["bucketName"]
    query = "?b2ContentType=text/html"
    assert b2.download(name, "n", headers={}).body == DATA
    assert b2.download(name, "n", query=query, headers={}).status == 401
    assert b2.download(name, "n", query=query).headers["content-type"] == "text/html"


def test_137_a_private_bucket_without_a_token_is_401(b2, bucket, made):
    assert b2.download(bucket["bucketName"], "dir/n", headers={}).error == UNAUTHORIZED
    head = b2.download(bucket["bucketName"], "dir/n", headers={}, method="HEAD")
    assert (head.status, head.body) == (401, b"")


def test_138_a_download_token_reads_by_name_under_its_prefix_alone(b2, bucket, made):
    b2.upload(bucket["bucketId"], "other", DATA)
    token = b2.call(
        "b2_get_download_authorization", bucketId=bucket["bucketId"], fileNamePrefix="dir/", validDurationInSeconds=60
    ).ok()["authorizationToken"]
    header = {"Authorization": token}
    for method in ("GET", "HEAD"):
        assert b2.download(bucket["bucketName"], "dir/n", method=method, headers=header).status == 200
        query = f"?Authorization={token}"
        assert b2.download(bucket["bucketName"], "dir/n", method=method, headers={}, query=query).status == 200
        assert by_id(b2, made, method=method, headers=header).status == 401
        assert b2.download(bucket["bucketName"], "other", method=method, headers=header).status == 401


def test_139_an_override_in_the_token_must_be_in_the_url(b2, bucket, made):
    token = b2.call(
        "b2_get_download_authorization", bucketId=bucket["bucketId"], fileNamePrefix="", validDurationInSeconds=60,
        b2ContentDisposition="attachment",
    ).ok()["authorizationToken"]  # fmt: skip
    header = {"Authorization": token}
    for query, status in (
        ("?b2ContentDisposition=attachment", 200), ("", 401), ("?b2ContentDisposition=inline", 401),
    ):  # fmt: skip
        assert b2.download(bucket["bucketName"], "dir/n", headers=header, query=query).status == status


def test_140_a_large_file_has_no_sha1_but_what_its_uploader_said(b2, bucket):
    data = (bytes(5_000_000), b"end")
    b2.large_file(bucket["bucketId"], "large", *data, fileInfo={"large_file_sha1": sha1(b"".join(data))})
    headers = b2.download(bucket["bucketName"], "large", method="HEAD").headers
    assert headers["x-bz-content-sha1"] == "none"
    assert headers["x-bz-info-large_file_sha1"] == sha1(b"".join(data))


def test_141_a_hidden_file_is_not_found_by_name_but_by_its_id(b2, bucket, made):
    b2.call("b2_hide_file", bucketId=bucket["bucketId"], fileName="dir/n").ok()
    assert b2.download(bucket["bucketName"], "dir/n").refusal == (404, "not_found")
    assert by_id(b2, made).body == DATA


def customer_key(byte):
    """The three headers that carry a customer's key."""
    key = bytes([byte]) * 32
    return {
        "X-Bz-Server-Side-Encryption-Customer-Algorithm": "AES256",
        "X-Bz-Server-Side-Encryption-Customer-Key": base64.b64encode(key).decode(),
        "X-Bz-Server-Side-Encryption-Customer-Key-Md5": base64.b64encode(hashlib.md5(key).digest()).decode(),
    }


def test_142_a_file_under_a_customers_key_needs_that_key(b2, bucket):
    b2.upload(bucket["bucketId"], "n", DATA, customer_key(1))
    token = {"Authorization": b2.token}
    assert b2.download(bucket["bucketName"], "n").error == (400, "bad_request", NEEDS_KEY)
    wrong = b2.download(bucket["bucketName"], "n", headers={**token, **customer_key(2)})
    assert wrong.refusal == (403, "access_denied")
    assert b2.download(bucket["bucketName"], "n", headers={**token, **customer_key(1)}).body == DATA


def test_143_info_headers_are_encoded_and_without_b2_keys(b2, bucket):
    headers = {"X-Bz-Info-name": "a%20b%2Bc%C3%BC", "X-Bz-Info-b2-content-language": "de"}
    b2.upload(bucket["bucketId"], "n", DATA, headers)
    got = b2.download(bucket["bucketName"], "n").headers
    assert re.fullmatch(r"a(%20|\+)b%2Bc%C3%BC", got["x-bz-info-name"])
    assert got["content-language"] == "de"
    assert not [name for name in got if name.startswith("x-bz-info-b2-")]


def test_144_withheld_lock_headers_are_named(b2, new_name):
    locked = b2.create_bucket(new_name("locked"), fileLockEnabled=True)
    b2.upload(locked["bucketId"], "n", DATA, {"X-Bz-File-Legal-Hold": "off"})
    reader = b2.restricted(["readFiles"])
    assert reader.download(locked["bucketName"], "n").headers["x-bz-client-unauthorized-to-read"] == LOCK_HEADERS
