from __future__ import annotations

import hashlib
import http.client
import re
import time
from urllib.parse import urlsplit

import pytest

from harness.native_session import hold_upload_token
from harness.processes import wait_until

DATA = b"hello, undercroft"
SHA1 = hashlib.sha1(DATA).hexdigest()
MD5 = hashlib.md5(DATA).hexdigest()
UNSET_LOCK = {
    "fileRetention": {"isClientAuthorizedToRead": True, "value": {"mode": None, "retainUntilTimestamp": None}},
    "legalHold": {"isClientAuthorizedToRead": True, "value": None},
    "serverSideEncryption": {"algorithm": "AES256", "mode": "SSE-B2"},
}
BAD_REQUEST = (400, "bad_request")


def test_the_answer_has_every_member_of_a_file_version(b2, bucket):
    before_ms = time.time() * 1000
    made = b2.upload(bucket["bucketId"], "dir/näme.txt", DATA, {"X-Bz-Info-src_last_modified_millis": "12"})
    assert abs(made.pop("uploadTimestamp") - before_ms) < 60_000
    pattern = r"4_z[0-9a-f]{24}_f1[0-9a-f]{15}_d\d{8}_m\d{6}_c\d{3}_v\d{7}_t\d{4}(_u\d{14})?"
    assert re.fullmatch(pattern, made.pop("fileId"))
    assert made == {
        "accountId": b2.account_id,
        "action": "upload",
        "bucketId": bucket["bucketId"],
        "contentLength": len(DATA),
        "contentMd5": MD5,
        "contentSha1": SHA1,
        "contentType": "text/plain",
        "fileInfo": {"src_last_modified_millis": "12"},
        "fileName": "dir/näme.txt",
        **UNSET_LOCK,
    }


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3_000_000])
def test_bodies_of_any_size_come_back_as_they_were(b2, bucket, size):
    data = bytes(range(256)) * (size // 256 + 1)
    made = b2.upload(bucket["bucketId"], "sized", data[:size])
    assert made["contentLength"] == size
    assert b2.download(bucket["bucketName"], "sized").body == data[:size]


def test_a_wrong_sha1_is_refused_and_nothing_is_stored(b2, bucket):
    answer = b2.try_upload(bucket["bucketId"], "bad", DATA, {"X-Bz-Content-Sha1": "0" * 40})
    assert answer.error == (400, "bad_request", "Checksum did not match data received")
    assert b2.versions(bucket["bucketId"]) == []


@pytest.mark.parametrize("sha1", ["", "abc", "z" * 40, "0" * 41, "sha1"])
def test_a_malformed_or_missing_sha1_is_refused(b2, bucket, sha1):
    answer = b2.try_upload(bucket["bucketId"], "bad", DATA, {"X-Bz-Content-Sha1": sha1})
    assert answer.refusal == BAD_REQUEST


def test_a_sha1_in_capitals_is_taken_and_stored_in_lower_case(b2, bucket):
    assert b2.upload(bucket["bucketId"], "n", DATA, {"X-Bz-Content-Sha1": SHA1.upper()})["contentSha1"] == SHA1


def test_do_not_verify_marks_the_sha1_as_unverified(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n", DATA, {"X-Bz-Content-Sha1": "do_not_verify"})
    assert made["contentSha1"] == f"unverified:{SHA1}"
    assert b2.download(bucket["bucketName"], "n").headers["x-bz-content-sha1"] == f"unverified:{SHA1}"


@pytest.mark.parametrize("size", [0, 1, 39, 40, 41, 200_000])
def test_hex_digits_at_end_are_verified_and_not_part_of_the_file(b2, bucket, size):
    data = b"x" * size
    digits = hashlib.sha1(data).hexdigest().encode()
    made = b2.upload(bucket["bucketId"], "n", data + digits, {"X-Bz-Content-Sha1": "hex_digits_at_end"})
    assert (made["contentLength"], made["contentSha1"]) == (size, digits.decode())
    assert b2.download(bucket["bucketName"], "n").body == data


@pytest.mark.parametrize("ending", [b"0" * 40, b"z" * 40, SHA1.encode()[:39] + b"g", b""])
def test_bad_digits_at_the_end_are_refused(b2, bucket, ending):
    answer = b2.try_upload(bucket["bucketId"], "n", DATA + ending, {"X-Bz-Content-Sha1": "hex_digits_at_end"})
    assert answer.refusal == BAD_REQUEST
    assert b2.versions(bucket["bucketId"]) == []


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.txt", "text/plain"),
        ("A.JPG", "image/jpeg"),
        ("dir.txt/noextension", "application/octet-stream"),
        ("a.b.unknown", "application/octet-stream"),
        ("a.json", "application/json"),
        (".txt", "application/octet-stream"),
    ],
)
def test_automatic_content_types_go_by_the_extension(b2, bucket, name, content_type):
    made = b2.upload(bucket["bucketId"], name, b"", {"Content-Type": "b2/x-auto"})
    assert made["contentType"] == content_type


@pytest.mark.parametrize("header", ["X-Bz-File-Name", "Content-Type", "X-Bz-Content-Sha1"])
def test_required_headers_are_named_when_they_are_missing(b2, bucket, header):
    status, code, message = b2.try_upload(bucket["bucketId"], "n", DATA, {header: ""}).error
    assert (status, code) == BAD_REQUEST
    assert header in message


def test_file_info_keys_are_folded_and_values_decoded(b2, bucket):
    headers = {"X-Bz-Info-Foo": "a%20b+c%2Bd%0Ae", "X-Bz-Info-umlaut": "%C3%BC", "X-Bz-Info-empty": "%20"}
    made = b2.upload(bucket["bucketId"], "n", DATA, headers)
    assert made["fileInfo"] == {"foo": "a b c+d\ne", "umlaut": "ü", "empty": " "}
    got = b2.download(bucket["bucketName"], "n").headers
    assert got["x-bz-info-foo"] == "a%20b%20c%2Bd%0Ae"
    assert got["x-bz-info-umlaut"] == "%C3%BC"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("b2-bogus", "x"),
        ("b2-expires", "tomorrow"),
        ("b2-content-disposition", "attachment; filename*0=a"),
        ("b2-content-language", "!"),
        ("b2-cache-control", "a%0Ab"),
        ("x" * 51, "v"),
        ("bad%zz", "%zz"),
        ("latin", "%ff"),
    ],
)
def test_bad_file_info_is_refused(b2, bucket, key, value):
    assert b2.try_upload(bucket["bucketId"], "n", DATA, {f"X-Bz-Info-{key}": value}).refusal == BAD_REQUEST
    assert b2.versions(bucket["bucketId"]) == []


def test_special_entries_are_headers_on_download_and_entries_in_file_info(b2, bucket):
    entries = {
        "b2-cache-control": "max-age=60",
        "b2-content-disposition": 'attachment; filename="a b.txt"',
        "b2-content-language": "de-CH",
        "b2-expires": "Thu, 01 Dec 2033 16:00:00 GMT",
        "b2-content-encoding": "gzip",
    }
    headers = {f"X-Bz-Info-{key}": value.replace(" ", "%20").replace('"', "%22") for key, value in entries.items()}
    made = b2.upload(bucket["bucketId"], "n", DATA, headers)
    assert made["fileInfo"] == entries
    got = b2.download(bucket["bucketName"], "n").headers
    for key, value in entries.items():
        assert got[key.removeprefix("b2-")] == value
        assert f"x-bz-info-{key}" not in got


@pytest.mark.parametrize(
    ("encoded", "name"), [("a%20b", "a b"), ("a+b", "a b"), ("a%2Bb", "a+b"), ("%C3%A9/~!'", "é/~!'"), ("a%2fb", "a/b")]
)
def test_names_are_percent_decoded_and_plus_is_a_space(b2, bucket, encoded, name):
    made = b2.upload(bucket["bucketId"], "", DATA, {"X-Bz-File-Name": encoded})
    assert made["fileName"] == name
    assert b2.names(bucket["bucketId"]) == [name]


@pytest.mark.parametrize("encoded", ["a%01b", "a%7Fb", "%zz", "a%", "%ff%fe", "a" * 1025, "%00"])
def test_names_outside_the_rules_are_refused(b2, bucket, encoded):
    assert b2.try_upload(bucket["bucketId"], "", DATA, {"X-Bz-File-Name": encoded}).refusal == BAD_REQUEST


def test_a_name_of_1024_bytes_is_accepted(b2, bucket):
    assert b2.upload(bucket["bucketId"], "a" * 1024, DATA)["fileName"] == "a" * 1024


def test_metadata_above_its_budget_is_refused(b2, bucket):
    headers = {f"X-Bz-Info-k{number}": "v" * 500 for number in range(5)}
    assert b2.try_upload(bucket["bucketId"], "n", DATA, headers).refusal == BAD_REQUEST
    del headers["X-Bz-Info-k0"]
    assert b2.try_upload(bucket["bucketId"], "n", DATA, headers).status == 200


def test_an_upload_token_works_at_its_own_url_only(b2, bucket):
    first, second = b2.upload_url(bucket["bucketId"]), b2.upload_url(bucket["bucketId"])
    mixed = {"authorizationToken": first["authorizationToken"], "uploadUrl": second["uploadUrl"]}
    assert b2.try_upload(bucket["bucketId"], "n", DATA, target=mixed).error == (401, "bad_auth_token", "")
    account = {"authorizationToken": b2.token, "uploadUrl": second["uploadUrl"]}
    assert b2.try_upload(bucket["bucketId"], "n", DATA, target=account).error == (401, "bad_auth_token", "")


def test_an_upload_token_is_no_account_token(b2, bucket):
    token = b2.upload_url(bucket["bucketId"])["authorizationToken"]
    assert b2.call("b2_list_file_names", token=token, bucketId=bucket["bucketId"]).error == (401, "bad_auth_token", "")
    assert b2.download(bucket["bucketName"], "n", headers={"Authorization": token}).status == 401


def test_an_upload_url_takes_one_upload_after_another(b2, bucket):
    target = b2.upload_url(bucket["bucketId"])
    for number in range(3):
        assert b2.try_upload(bucket["bucketId"], f"n{number}", DATA, target=target).status == 200
    assert b2.names(bucket["bucketId"]) == ["n0", "n1", "n2"]


def test_a_second_upload_on_a_token_is_refused_while_the_first_is_in_flight(b2, one_worker):
    session, bucket = one_worker
    target, first, refusal = hold_upload_token(session, bucket["bucketId"], 2)
    status, code, message = refusal.error
    assert (status, code) == (400, "auth_token_limit")
    match = re.fullmatch(r"more than one upload using auth token (?P<token>[^)]+)", message)
    assert match
    assert target["authorizationToken"] not in message
    first.send(b"y")
    assert first.getresponse().status == 200
    first.close()
    assert session.try_upload(bucket["bucketId"], "third", DATA, target=target).status == 200
    assert "first" in session.names(bucket["bucketId"])


def test_a_token_is_free_again_as_soon_as_its_upload_broke_off(b2, one_worker):
    session, bucket = one_worker
    target, broken, _ = hold_upload_token(session, bucket["bucketId"], 100)
    broken.close()
    wait_until(
        lambda: session.try_upload(bucket["bucketId"], "after", DATA, target=target).status == 200, "the token is free"
    )
    assert "first" not in session.names(bucket["bucketId"])


def test_an_upload_without_a_content_length_is_refused(b2, bucket):
    target = b2.upload_url(bucket["bucketId"])
    parts = urlsplit(target["uploadUrl"])
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    headers = {
        "Authorization": target["authorizationToken"],
        "X-Bz-File-Name": "n",
        "Content-Type": "text/plain",
        "X-Bz-Content-Sha1": "do_not_verify",
    }
    connection.request("POST", parts.path, body=iter([b"abc"]), headers=headers, encode_chunked=True)
    response = connection.getresponse()
    assert response.status == 400
    assert b'"bad_request"' in response.read()
    connection.close()
    assert b2.versions(bucket["bucketId"]) == []


def test_an_upload_that_expects_to_be_told_to_go_on_is_told(b2, bucket):
    target = b2.upload_url(bucket["bucketId"])
    headers = {"Expect": "100-continue"}
    assert b2.try_upload(bucket["bucketId"], "n", DATA, headers, target=target).status == 200


def test_a_custom_timestamp_becomes_the_upload_timestamp_and_decides_the_order(b2, bucket):
    b2.upload(bucket["bucketId"], "n", b"new")
    made = b2.upload(bucket["bucketId"], "n", b"old", {"X-Bz-Custom-Upload-Timestamp": "1300000000123"})
    assert made["uploadTimestamp"] == 1300000000123
    assert b2.download(bucket["bucketName"], "n").body == b"new"


@pytest.mark.parametrize("timestamp", ["soon", "-1", "99999999999999", "1.5"])
def test_a_custom_timestamp_that_is_no_past_time_is_refused(b2, bucket, timestamp):
    answer = b2.try_upload(bucket["bucketId"], "n", DATA, {"X-Bz-Custom-Upload-Timestamp": timestamp})
    assert answer.refusal == BAD_REQUEST


def test_the_same_name_twice_makes_two_versions_newest_first(b2, bucket):
    first, second = (b2.upload(bucket["bucketId"], "n", data) for data in (b"1", b"2"))
    rows = b2.call("b2_list_file_versions", bucketId=bucket["bucketId"]).ok()["files"]
    assert [row["fileId"] for row in rows] == [second["fileId"], first["fileId"]]
    assert b2.download(bucket["bucketName"], "n").body == b"2"


def test_lock_members_are_withheld_from_a_key_that_may_not_read_them(b2, bucket):
    made = b2.restricted(["writeFiles"]).upload(bucket["bucketId"], "n", DATA)
    assert made["fileRetention"] == made["legalHold"] == {"isClientAuthorizedToRead": False, "value": None}


def test_an_upload_is_a_post(b2, bucket):
    target = b2.upload_url(bucket["bucketId"])
    parts = urlsplit(target["uploadUrl"])
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("PUT", parts.path, body=DATA, headers={"Authorization": target["authorizationToken"]})
    response = connection.getresponse()
    assert response.status == 405
    assert b'"method_not_allowed"' in response.read()
    connection.close()
