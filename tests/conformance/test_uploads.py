"""Lines 70 to 94 of the checklist: uploads in one piece."""

from __future__ import annotations

import contextlib
import re
import time

from harness.native_session import hold_upload_token, send, sha1

BAD_REQUEST = (400, "bad_request")
DATA = b"hello, checklist"


def digits_at_end(b2, bucket, data, digits):
    headers = {"X-Bz-Content-Sha1": "hex_digits_at_end"}
    return b2.try_upload(bucket["bucketId"], "n", data + digits, headers)


def test_070_an_upload_url_has_exactly_three_members(b2, bucket):
    assert set(b2.upload_url(bucket["bucketId"])) == {"authorizationToken", "bucketId", "uploadUrl"}


def test_071_uploads_of_nothing_work(b2, bucket):
    made = b2.upload(bucket["bucketId"], "empty", b"")
    assert (made["contentLength"], made["contentSha1"]) == (0, sha1(b""))
    assert b2.download(bucket["bucketName"], "empty").body == b""


def test_072_a_wrong_sha1_stores_nothing(b2, bucket):
    refused = b2.try_upload(bucket["bucketId"], "n", DATA, {"X-Bz-Content-Sha1": sha1(b"other")})
    assert refused.refusal == BAD_REQUEST
    assert b2.versions(bucket["bucketId"]) == []


def test_073_do_not_verify_marks_the_sha1(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n", DATA, {"X-Bz-Content-Sha1": "do_not_verify"})
    assert made["contentSha1"] == f"unverified:{sha1(DATA)}"


def test_074_hex_digits_at_the_end_are_verified(b2, bucket):
    made = digits_at_end(b2, bucket, DATA, sha1(DATA).encode()).ok()
    assert (made["contentSha1"], made["contentLength"]) == (sha1(DATA), len(DATA))


def test_075_bad_digits_at_the_end_are_refused(b2, bucket):
    for digits in (sha1(b"other").encode(), b"x" * 40):
        assert digits_at_end(b2, bucket, DATA, digits).refusal == BAD_REQUEST


def test_076_the_automatic_content_type_goes_by_the_extension(b2, bucket):
    for name, expected in (("a.TXT", "text/plain"), ("a.html", "text/html"), ("a.unknown", "application/octet-stream")):
        assert b2.upload(bucket["bucketId"], name, DATA, {"Content-Type": "b2/x-auto"})["contentType"] == expected


def test_077_name_and_content_type_are_required(b2, bucket):
    for header in ("X-Bz-File-Name", "Content-Type"):
        assert b2.try_upload(bucket["bucketId"], "n", DATA, {header: ""}).refusal == BAD_REQUEST


def test_078_info_keys_come_back_in_lower_case(b2, bucket):
    assert b2.upload(bucket["bucketId"], "n", DATA, {"X-Bz-Info-Foo": "Bar"})["fileInfo"] == {"foo": "Bar"}


def test_079_unknown_b2_entries_are_refused(b2, bucket):
    assert b2.try_upload(bucket["bucketId"], "n", DATA, {"X-Bz-Info-b2-bogus": "x"}).refusal == BAD_REQUEST


def test_080_cache_control_is_a_header_on_download_and_an_entry_in_file_info(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n", DATA, {"X-Bz-Info-b2-cache-control": "max-age=7"})
    assert made["fileInfo"] == {"b2-cache-control": "max-age=7"}
    headers = b2.download(bucket["bucketName"], "n").headers
    assert headers["cache-control"] == "max-age=7"
    assert "x-bz-info-b2-cache-control" not in headers


def test_081_spaces_may_be_plus_and_plus_is_encoded(b2, bucket):
    for encoded, name in (("a%20b", "a b"), ("a+b", "a b"), ("a%2Bb", "a+b")):
        assert b2.upload(bucket["bucketId"], "", DATA, {"X-Bz-File-Name": encoded})["fileName"] == name


def test_082_names_have_no_control_characters_and_at_most_1024_bytes(b2, bucket):
    for encoded in ("a%0Ab", "a%00b", "a%7Fb", "a" * 1025, "%C3%A9" * 513):
        assert b2.try_upload(bucket["bucketId"], "", DATA, {"X-Bz-File-Name": encoded}).refusal == BAD_REQUEST
    assert b2.upload(bucket["bucketId"], "a" * 1024, DATA)["fileName"] == "a" * 1024


def test_083a_metadata_above_7000_bytes_is_refused(b2, bucket):
    assert b2.try_upload(bucket["bucketId"], "n", DATA, {"X-Bz-Info-k": "v" * 7001}).status == 400
    assert b2.try_upload(bucket["bucketId"], "n", DATA, {"X-Bz-Info-k": "v" * 1900}).status == 200


def test_083b_metadata_above_2048_bytes_is_refused_with_encryption(b2, bucket):
    headers = {"X-Bz-Server-Side-Encryption": "AES256"}
    assert b2.try_upload(bucket["bucketId"], "n", DATA, {**headers, "X-Bz-Info-k": "v" * 2049}).status == 400
    assert b2.try_upload(bucket["bucketId"], "n", DATA, {**headers, "X-Bz-Info-k": "v" * 1900}).status == 200


def test_084_a_second_upload_on_a_token_is_refused_while_the_first_is_under_way(b2, bucket):
    target, first, refusal = hold_upload_token(b2, bucket["bucketId"], 2)
    with contextlib.closing(first):
        assert refusal.error[:2] == (400, "auth_token_limit")
        assert re.match(r"^more than one upload using auth token (?P<token>[^)]+)$", refusal.error[2])
        for _ in range(10):
            assert b2.try_upload(bucket["bucketId"], "probe", DATA, target=target).error == refusal.error
        first.send(b"y")
        assert first.getresponse().status == 200
    assert b2.try_upload(bucket["bucketId"], "next", DATA, target=target).status == 200


def test_085_an_upload_token_is_for_its_own_url(b2, bucket):
    one, other = b2.upload_url(bucket["bucketId"]), b2.upload_url(bucket["bucketId"])
    mixed = {"authorizationToken": one["authorizationToken"], "uploadUrl": other["uploadUrl"]}
    assert b2.try_upload(bucket["bucketId"], "n", DATA, target=mixed).status == 401


def test_086_the_answer_has_every_member_with_nulls_written_out(b2, bucket):
    made = b2.upload(bucket["bucketId"], "n", DATA)
    assert set(made) == {
        "accountId", "action", "bucketId", "contentLength", "contentMd5", "contentSha1", "contentType", "fileId",
        "fileInfo", "fileName", "fileRetention", "legalHold", "serverSideEncryption", "uploadTimestamp",
    }  # fmt: skip
    assert made["fileRetention"] == {
        "isClientAuthorizedToRead": True,
        "value": {"mode": None, "retainUntilTimestamp": None},
    }
    assert made["legalHold"] == {"isClientAuthorizedToRead": True, "value": None}
    assert set(made["serverSideEncryption"]) == {"algorithm", "mode"}


def test_087_the_upload_timestamp_is_in_milliseconds(b2, bucket):
    assert abs(b2.upload(bucket["bucketId"], "n", DATA)["uploadTimestamp"] - time.time() * 1000) < 60_000


def test_088_file_ids_have_the_form_of_the_service(b2, bucket):
    pattern = r"4_z[0-9a-f]{24}_f1[0-9a-f]{15}_d\d{8}_m\d{6}_c\d{3}_v\d{7}_t\d{4}(_u\d{14})?"
    assert re.fullmatch(pattern, b2.upload(bucket["bucketId"], "n", DATA)["fileId"])


def test_089_the_same_name_twice_makes_two_versions_newest_first(b2, bucket):
    made = [b2.upload(bucket["bucketId"], "n", data)["fileId"] for data in (b"old", b"new")]
    rows = b2.call("b2_list_file_versions", bucketId=bucket["bucketId"]).ok()["files"]
    assert [row["fileId"] for row in rows] == made[::-1]


def test_090_the_buckets_encryption_and_retention_are_in_the_answer(b2, bucket):
    encryption = {"mode": "SSE-B2", "algorithm": "AES256"}
    retention = {"mode": "governance", "period": {"duration": 1, "unit": "days"}}
    b2.call(
        "b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"], fileLockEnabled=True,
        defaultRetention=retention, defaultServerSideEncryption=encryption,
    ).ok()  # fmt: skip
    made = b2.upload(bucket["bucketId"], "n", DATA)
    assert made["serverSideEncryption"] == encryption
    until_ms = made["uploadTimestamp"] + 86_400_000
    assert made["fileRetention"]["value"] == {"mode": "governance", "retainUntilTimestamp": until_ms}


def test_091_a_custom_timestamp_needs_permission(b2, bucket):
    headers = {"X-Bz-Custom-Upload-Timestamp": "1300000000000"}
    withdrawn = {**headers, "X-Bz-Test-Mode": "custom_timestamp_not_allowed"}
    refused = b2.try_upload(bucket["bucketId"], "n", DATA, withdrawn)
    assert refused.refusal == (400, "custom_timestamp_not_allowed")
    assert b2.versions(bucket["bucketId"]) == []
    assert b2.upload(bucket["bucketId"], "n", DATA, headers)["uploadTimestamp"] == 1_300_000_000_000


def test_092_a_chunked_upload_is_refused(b2, bucket):
    target = b2.upload_url(bucket["bucketId"])
    headers = {
        "Authorization": target["authorizationToken"], "X-Bz-File-Name": "n", "Content-Type": "text/plain",
        "X-Bz-Content-Sha1": sha1(DATA), "Transfer-Encoding": "chunked",
    }  # fmt: skip
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(DATA), DATA)
    assert send("POST", target["uploadUrl"], headers, framed).refusal == BAD_REQUEST
    assert b2.versions(bucket["bucketId"]) == []


def test_093_encryption_none_is_refused(b2, bucket):
    headers = {"X-Bz-Server-Side-Encryption": "NONE"}
    assert b2.try_upload(bucket["bucketId"], "n", DATA, headers).refusal == BAD_REQUEST


def test_094_retention_needs_mode_and_timestamp(b2, bucket):
    for headers in (
        {"X-Bz-File-Retention-Mode": "governance"},
        {"X-Bz-File-Retention-Retain-Until-Timestamp": "4102444800000"},
    ):
        assert b2.try_upload(bucket["bucketId"], "n", DATA, headers).refusal == BAD_REQUEST
