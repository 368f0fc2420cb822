"""Bad input on both faces: each gets the protocol's own error, with a message that helps, and changes nothing (P11).

The tables name what is wrong and the answer to it. Attacks, which send worse than mistakes, are in `tests/security`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from hashlib import sha1, sha256
from urllib.parse import quote, urlsplit

import pytest

from harness.hostile import Client, as_request, converse
from harness.world import build_world

PUT = "PUT"
GET = "GET"
POST = "POST"
DELETE = "DELETE"


@pytest.fixture(scope="module")
def owner(server):
    return Client(server, server.key_id, server.application_key)


@pytest.fixture(scope="module")
def world(owner):
    """A bucket with one of everything. No test of this file changes it, which is looked at in the end."""
    name = f"bad-input-{os.getpid()}"
    made = owner.ok("b2_create_bucket", accountId=owner.account_id, bucketName=name, bucketType="allPrivate")
    world = build_world(owner, name, made["bucketId"])
    before, keys = world.snapshot(), world.owner_keys()
    yield world
    assert world.snapshot() == before
    assert world.owner_keys() == keys
    for row in owner.ok("b2_list_file_versions", bucketId=world.bucket_id)["files"]:
        owner.ok("b2_delete_file_version", fileName=row["fileName"], fileId=row["fileId"])
    owner.ok("b2_delete_bucket", accountId=owner.account_id, bucketId=world.bucket_id)


def filled(text, world):
    """The text with the world's names and ids in it."""
    for name, value in {
        "{bucket}": world.name, "{bucket_id}": world.bucket_id, "{file_id}": world.file_id, "{upload_id}": world.upload_id,
        "{account_id}": world.owner.account_id,
    }.items():  # fmt: skip
        text = text.replace(name, value)
    return text


def assert_helps(answer):
    """The error says something, and nothing of the server's inside."""
    message = answer.json["message"] if answer.body.startswith(b"{") else answer.xml.findtext("Message")
    assert message, answer.body
    assert not any(word in message for word in ("Traceback", "Error(", "undercroft", "None", "object at 0x"))


# -- The native face: documents ---------------------------------------------------------------------------------------
B = '"bucketId":"{bucket_id}"'
NOT_JSON = [
    "{", "}", "[", "[]", "null", "true", "1", '"text"', "{]", "{'bucketId':1}", "{bucketId:1}", '{"bucketId"}', "{" + B + "}}", "{" + B + "},",
    "{" + B + ',"maxFileCount":NaN}', "{" + B + ',"maxFileCount":Infinity}', "{" + B + ',"maxFileCount":-Infinity}', "{" + B + ',"maxFileCount":01}',
    "{" + B + ',"maxFileCount":+1}', "{" + B + ',"maxFileCount":0x10}', "{" + B + ',"maxFileCount":1e400}', "{" + B + ',"maxFileCount":' + "9" * 5000 + "}",
    "{" + B + ",}", "{" + B + ',"prefix":"\t"}', "{" + B + ',"prefix":"\\x"}', "{" + B + ',"prefix":"\\u12"}', "{" + B + ',"prefix":"\\ud800"}',
    "{" + B + ',"prefix":"\\udc00\\ud800"}', "// comment\n{" + B + "}", "\ufeff{" + B + "}", "<xml/>", "bucketId=x", "[" * 100_000, '{"a":' * 100_000,
    '{"bucketInfo":' + "{" * 10_000, "\0", "{" + B + "}\0",
]  # fmt: skip
WRONG_TYPES = [
    '{"bucketId":1}', '{"bucketId":null}', '{"bucketId":["x"]}', '{"bucketId":{"$oid":"x"}}', "{}", '{"BUCKETID":"x"}', "{" + B + ',"unknown":1}',
    "{" + B + ',"maxFileCount":"1"}', "{" + B + ',"maxFileCount":1.5}', "{" + B + ',"maxFileCount":1e3}', "{" + B + ',"maxFileCount":true}',
    "{" + B + ',"maxFileCount":[]}', "{" + B + ',"prefix":1}', "{" + B + ',"prefix":{}}', "{" + B + ',"startFileName":false}', "{" + B + ',"\\u0000":1}',
]  # fmt: skip


@pytest.mark.parametrize("body", NOT_JSON + WRONG_TYPES, ids=lambda body: body[:30])
def test_a_document_that_is_none_or_of_another_shape(owner, world, body):
    answer = owner.document("b2_list_file_names", filled(body, world).encode())
    assert answer.refusal == (400, "bad_request")
    assert_helps(answer)


@pytest.mark.parametrize(
    "raw",
    [b"\xff\xfe{\0}\0", b'{"bucketId":"\xff"}', b'{"\xc3":1}', b'{"bucketId":"\xed\xa0\x80"}', b"\x80", b"{}\xff"],
)
def test_a_document_that_is_not_utf_8(owner, world, raw):
    answer = owner.document("b2_list_file_names", raw)
    assert answer.refusal == (400, "bad_request")
    assert_helps(answer)


def test_of_a_key_that_comes_twice_the_last_one_counts_and_is_judged(owner, world):
    body = filled('{"bucketId":"{bucket_id}","maxFileCount":1,"bucketId":"x"}', world)
    assert owner.document("b2_list_file_names", body.encode()).refusal == (400, "invalid_bucket_id")
    body = filled('{"bucketId":"x","bucketId":"{bucket_id}"}', world)
    assert owner.document("b2_list_file_names", body.encode()).status == 200


# -- The native face: values ------------------------------------------------------------------------------------------
HUGE = [2**31, 2**63 - 1, 2**63, 2**64, 10**40, -1, -(2**63), -(2**63) - 1]
BAD_VALUES = [
    *(("b2_list_file_names", {"bucketId": "{bucket_id}", "maxFileCount": count}, "out_of_range") for count in HUGE),
    *(("b2_list_keys", {"accountId": "{account_id}", "maxKeyCount": count}, "out_of_range") for count in HUGE),
    *(("b2_list_parts", {"fileId": "{upload_id}", "maxPartCount": count}, "out_of_range") for count in HUGE),
    *(("b2_list_parts", {"fileId": "{upload_id}", "startPartNumber": number}, "bad_request") for number in (10_001, *HUGE)),
    *(("b2_copy_part", {"sourceFileId": "{file_id}", "largeFileId": "{upload_id}", "partNumber": number}, "bad_request") for number in (0, 10_001, *HUGE)),
    *(
        ("b2_get_download_authorization", {"bucketId": "{bucket_id}", "fileNamePrefix": "", "validDurationInSeconds": seconds}, "out_of_range")
        for seconds in (0, 604_801, *HUGE)
    ),
    *(
        ("b2_create_key", {"accountId": "{account_id}", "capabilities": ["readFiles"], "keyName": "k", "validDurationInSeconds": seconds}, "out_of_range")
        for seconds in (0, *HUGE)
    ),
    *(
        ("b2_start_large_file", {"bucketId": "{bucket_id}", "fileName": "x", "contentType": "a/b", "customUploadTimestamp": at}, "bad_request")
        for at in (*HUGE[1:], "x", "", "1.5", " ", "٣", "99999999999999")
    ),
    *(
        ("b2_update_bucket", {"accountId": "{account_id}", "bucketId": "{bucket_id}", "ifRevisionIs": revision}, "conflict")
        for revision in (0, 1, 10**6, *HUGE)
    ),
    *(
        ("b2_copy_file", {"sourceFileId": "{file_id}", "fileName": "x", "range": text}, code)
        for text, code in {
            "": "bad_request", "0-1": "bad_request", "bytes=": "bad_request", "bytes=-": "bad_request", "bytes=2-1": "bad_request",
            "bytes=a-b": "bad_request", "bytes=0-1,3-4": "bad_request", "lines=0-1": "bad_request", "bytes=9999-": "range_not_satisfiable",
            "bytes=99999999999999999999-": "range_not_satisfiable", "bytes=-0": "range_not_satisfiable", "bytes=" + "9" * 30 + "-": "bad_request",
        }.items()
    ),
    *(("b2_get_file_info", {"fileId": file_id}, "bad_request") for file_id in ("", "x", "\0", "4_z", "4_z" + "g" * 24, "{file_id}\n", "{file_id}-", "x" * 500_000)),
    ("b2_get_file_info", {"fileId": "4_z" + "0" * 24 + "_f0"}, "not_found"),
    *(("b2_list_file_names", {"bucketId": bucket_id}, "invalid_bucket_id") for bucket_id in ("", "x", "\0", "{bucket}", "{bucket_id}0", "{bucket_id}\n")),
    ("b2_list_file_names", {"bucketId": "0" * 24}, "bad_bucket_id"),
    ("b2_hide_file", {"bucketId": "{bucket_id}", "fileName": "none"}, "no_such_file"),
    ("b2_hide_file", {"bucketId": "{bucket_id}", "fileName": "in/hidden"}, "already_hidden"),
    ("b2_hide_file", {"bucketId": "{bucket_id}", "fileName": ""}, "bad_request"),
    ("b2_delete_file_version", {"fileName": "other", "fileId": "{file_id}"}, "file_not_present"),
    ("b2_delete_bucket", {"accountId": "{account_id}", "bucketId": "{bucket_id}"}, "cannot_delete_non_empty_bucket"),
    ("b2_finish_large_file", {"fileId": "{upload_id}", "partSha1Array": []}, "bad_request"),
    ("b2_finish_large_file", {"fileId": "{upload_id}", "partSha1Array": ["0" * 40]}, "bad_request"),
    ("b2_finish_large_file", {"fileId": "{upload_id}", "partSha1Array": ["x" * 40] * 2}, "bad_request"),
    ("b2_finish_large_file", {"fileId": "{upload_id}", "partSha1Array": ["0" * 40] * 2}, "part_sha1_mismatch"),
    ("b2_finish_large_file", {"fileId": "{upload_id}", "partSha1Array": ["0" * 40] * 10_001}, "bad_request"),
    ("b2_finish_large_file", {"fileId": "{file_id}", "partSha1Array": ["0" * 40] * 2}, "bad_request"),
    ("b2_list_file_versions", {"bucketId": "{bucket_id}", "startFileId": "{file_id}"}, "bad_request"),
    ("b2_list_file_versions", {"bucketId": "{bucket_id}", "startFileName": "a", "startFileId": "x"}, "invalid_file_id"),
    ("b2_list_unfinished_large_files", {"bucketId": "{bucket_id}", "startFileId": "x"}, "bad_request"),
    ("b2_list_buckets", {"accountId": "{account_id}", "bucketTypes": []}, "bad_request"),
    ("b2_list_buckets", {"accountId": "{account_id}", "bucketTypes": ["x"]}, "bad_request"),
    ("b2_list_buckets", {"accountId": "{account_id}", "bucketTypes": ["all", "allPublic"]}, "bad_request"),
    ("b2_update_bucket", {"accountId": "{account_id}", "bucketId": "{bucket_id}", "bucketType": "public"}, "bad_request"),
    ("b2_delete_key", {"applicationKeyId": "x"}, "bad_request"),
    ("b2_delete_key", {"applicationKeyId": "{account_id}"}, "bad_request"),
    *(
        ("b2_create_key", {"accountId": "{account_id}", "capabilities": capabilities, "keyName": "k", **more}, "bad_request")
        for capabilities, more in (
            ([], {}), (["everything"], {}), (["readFiles", ""], {}), (["READFILES"], {}), (["readFiles"], {"keyName": ""}), (["readFiles"], {"keyName": "a b"}),
            (["readFiles"], {"keyName": "x" * 101}), (["readFiles"], {"bucketIds": []}), (["writeKeys"], {"bucketIds": ["{bucket_id}"]}),
            (["readFiles"], {"namePrefix": "x" * 1025}),
        )
    ),
    ("b2_create_key", {"accountId": "{account_id}", "capabilities": ["readFiles"], "keyName": "k", "bucketIds": ["x"]}, "bad_bucket_id"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "fields", "code"), BAD_VALUES, ids=lambda value: str(value)[:60])
def test_a_value_that_a_call_does_not_take(owner, world, call, fields, code):
    answer = owner.document(call, filled(json.dumps(fields), world).encode())
    status, said = answer.refusal
    assert said == code
    assert status == {"conflict": 409, "not_found": 404, "range_not_satisfiable": 416}.get(code, 400)
    assert_helps(answer)


BAD_BUCKET_NAMES = [
    "", "a", "abcde", "a" * 64, "has space", "under_score", "dot..dot", ".begins", "ends.", "b2-reserved", "B2-reserved", "192.168.100.100", "slash/es",
    "schöner-name", "line\nbreak", "nul\0byte", "-" * 5, "%2e%2e%2e",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_BUCKET_NAMES)
def test_a_name_that_no_bucket_can_have(owner, world, name):
    fields = {"accountId": owner.account_id, "bucketType": "allPrivate"}
    answer = owner.native("b2_create_bucket", bucketName=name, **fields)
    assert answer.refusal == (400, "bad_request")
    assert_helps(answer)
    if name:
        answer = owner.s3(PUT, f"/{quote(name, safe='')}")
        assert answer.refusal == (400, "InvalidBucketName")
        assert_helps(answer)


@pytest.mark.parametrize("name", ["", "a\0b", "a\nb", "\x7f", "\x01", "x" * 1025, "ü" * 513])
def test_a_name_that_no_file_can_have(owner, world, name):
    fields = {"bucketId": world.bucket_id, "fileName": name, "contentType": "a/b"}
    assert owner.native("b2_start_large_file", **fields).refusal == (400, "bad_request")
    assert owner.native("b2_copy_file", sourceFileId=world.file_id, fileName=name).refusal == (400, "bad_request")
    target = owner.ok("b2_get_upload_url", bucketId=world.bucket_id)
    answer = owner.upload(target, b"x", {"X-Bz-File-Name": quote(name, safe="")})
    assert answer.refusal == (400, "bad_request")
    assert_helps(answer)


# -- The native face: uploads and downloads ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Bz-File-Name": ""}, {"X-Bz-File-Name": "%"}, {"X-Bz-File-Name": "%zz"}, {"X-Bz-File-Name": "%ff"}, {"Content-Type": ""}, {"Content-Type": "é"},
        {"Content-Type": "x" * 1025}, {"X-Bz-Content-Sha1": ""}, {"X-Bz-Content-Sha1": "x"}, {"X-Bz-Content-Sha1": "0" * 40}, {"X-Bz-Content-Sha1": "g" * 40},
        {"X-Bz-Content-Sha1": "0" * 39}, {"X-Bz-Content-Sha1": "hex_digits_at_end"}, {"X-Bz-Content-Sha1": "DO_NOT_VERIFY"}, {"X-Bz-Info-a": "%zz"},
        {"X-Bz-Info-a": "%ff"}, {"X-Bz-Info-b2-unknown": "x"}, {"X-Bz-Info-b2-expires": "tomorrow"}, {"X-Bz-Info-" + "a" * 51: "x"},
        {"X-Bz-Info-a": "x" * 2048}, {"X-Bz-Info-A(b)": "x"}, {"X-Bz-Custom-Upload-Timestamp": "x"}, {"X-Bz-Custom-Upload-Timestamp": "-1"},
        {"X-Bz-Custom-Upload-Timestamp": "99999999999999"}, {"X-Bz-Custom-Upload-Timestamp": "9" * 30}, {"X-Bz-File-Legal-Hold": "maybe"},
        {"X-Bz-Server-Side-Encryption": "NONE"}, {"X-Bz-File-Retention-Mode": "governance"}, {"Transfer-Encoding": "chunked"},
    ],
    ids=str,
)  # fmt: skip
def test_a_header_that_an_upload_does_not_take(owner, world, headers):
    target = owner.ok("b2_get_upload_url", bucketId=world.bucket_id)
    body = b"1\r\nx\r\n0\r\n\r\n" if "Transfer-Encoding" in headers else b"content"
    answer = owner.upload(target, body, headers)
    assert answer.refusal == (400, "bad_request")
    assert_helps(answer)


@pytest.mark.parametrize("number", ["", "0", "10001", "-1", "x", "1.0", "9" * 30, "²", "1,2", "+1", "0x1"])
def test_a_part_number_that_is_none(owner, world, number):
    target = owner.ok("b2_get_upload_part_url", fileId=world.upload_id)
    assert owner.upload(target, b"x", {"X-Bz-Part-Number": number}).refusal == (400, "bad_request")
    s3_target = f"/{world.name}/in/large?uploadId={world.upload_id}&partNumber={quote(number)}"
    assert owner.s3(PUT, s3_target, body=b"x").refusal == (400, "InvalidArgument")


def test_a_content_length_that_lies(server, owner, world):
    """What is missing is a broken connection, what is too much is the next request, which is none; neither is stored."""
    target = owner.ok("b2_get_upload_url", bucketId=world.bucket_id)
    native = {
        "Authorization": target["authorizationToken"], "X-Bz-File-Name": "lie", "Content-Type": "a/b", "X-Bz-Content-Sha1": sha1(b"hello").hexdigest(),
    }  # fmt: skip
    s3 = owner.signer.headers(PUT, f"/{world.name}/lie", payload_hash=sha256(b"hello").hexdigest())
    for method, path, headers, code in (
        (POST, urlsplit(target["uploadUrl"]).path, native, "bad_request"),
        (PUT, f"/{world.name}/lie", s3, "XAmzContentSHA256Mismatch"),
    ):
        first, second = converse(server, as_request(method, path, {**headers, "Content-Length": "4"}, b"hello\r\n\r\n"))
        assert (first.refusal, second.status) == ((400, code), 400)
        short = as_request(method, path, {**headers, "Content-Length": "6"}, b"hello")
        with contextlib.closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as connection:
            connection.sendall(short)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(100) == b""


@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        ("/b2api/", (404, "not_found")), ("/b2api/v4", (404, "not_found")), ("/b2api/v4/", (404, "not_found")), ("/b2api/v0/b2_list_buckets", (404, "not_found")),
        ("/b2api/v99/b2_list_buckets", (404, "not_found")), ("/b2api/v4/b2_no_such_call", (404, "not_found")), ("/b2api/v4/B2_LIST_BUCKETS", (404, "not_found")),
        ("/b2api/v4/b2_list_buckets/x", (404, "not_found")), ("/b2api/v4/b2_list_buckets?accountId=%ff", (400, "bad_request")),
        ("/b2api/v4/b2_list_buckets?accountId=a&accountId=b", (400, "bad_request")), ("/b2api/v4/b2_list_buckets?x=y", (400, "bad_request")),
        ("/b2api/v4/b2_list_buckets?accountId={account_id}&bucketTypes=[", (400, "bad_request")), ("/b2api/v4/b2_upload_file/x/y", (405, "method_not_allowed")),
        ("/b2api/v4/b2_download_file_by_id", (400, "bad_request")), ("/b2api/v4/b2_download_file_by_id?fileId=x", (400, "bad_request")),
        ("/file/", (404, "not_found")), ("/file/{bucket}", (404, "not_found")), ("/file/{bucket}/", (404, "not_found")), ("/file/{bucket}/none", (404, "not_found")),
        ("/file/no-such-bucket/x", (404, "not_found")), ("/file/{bucket}/%zz", (400, "bad_request")), ("/file/{bucket}/in/file?b2ContentType=%00", (400, "bad_request")),
        ("/file/{bucket}/in/file?b2Expires=never", (400, "bad_request")), ("/file/{bucket}/in/file?b2ContentType=%ff", (400, "bad_request")),
    ],
)  # fmt: skip
def test_a_target_that_is_no_call_or_file(owner, world, target, refusal):
    answer = owner.send(GET, filled(target, world), {"Authorization": owner.token})
    assert answer.refusal == refusal
    assert_helps(answer)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_method_that_a_call_does_not_have(owner, world, method):
    for target in ("/b2api/v4/b2_list_buckets", f"/file/{world.name}/in/file", "/b2api/v4/b2_authorize_account"):
        answer = owner.send(method, target, {"Authorization": owner.token})
        assert answer.refusal == (405, "method_not_allowed")


# -- The S3 face ------------------------------------------------------------------------------------------------------
K = "/{bucket}/in/file"
U = "/{bucket}/in/large?uploadId={upload_id}"
BAD_REQUESTS = [
    (GET, "/no-such-bucket", {}, "NoSuchBucket"), (GET, "/no-such-bucket/k", {}, "NoSuchBucket"), (PUT, "/no-such-bucket/k", {}, "NoSuchBucket"),
    (GET, "/{bucket}/none", {}, "NoSuchKey"), (GET, "/{bucket}/in/hidden", {}, "NoSuchKey"), (GET, "/{bucket}/%00", {}, "NoSuchKey"),
    (GET, K + "?versionId=", {}, "InvalidArgument"), (GET, K + "?versionId=x", {}, "InvalidArgument"), (GET, K + "?versionId=%00", {}, "InvalidArgument"),
    (GET, K + "?versionId=null", {}, "NoSuchVersion"), (GET, K + "?versionId={upload_id}", {}, "NoSuchVersion"), (DELETE, K + "?versionId=x", {}, "InvalidArgument"),
    (DELETE, K + "?versionId=4_z" + "0" * 24 + "%0d%0a", {}, "InvalidArgument"),
    (GET, K + "?partNumber=0", {}, "InvalidArgument"), (GET, K + "?partNumber=x", {}, "InvalidArgument"), (GET, K + "?partNumber=2", {}, "InvalidPartNumber"),
    (GET, K + "?partNumber=" + "9" * 40, {}, "InvalidArgument"), (GET, K + "?partNumber=1", {"Range": "bytes=0-1"}, "InvalidRequest"),
    (GET, K, {"Range": "bytes=9999-"}, "InvalidRange"), (GET, K, {"Range": "bytes=99999999999999999999-"}, "InvalidRange"), (GET, K, {"Range": "bytes=-0"}, "InvalidRange"),
    (GET, K + "?response-content-type=%0d%0a", {}, "InvalidArgument"), (GET, K + "?uploadId=x", {}, "NoSuchUpload"), (GET, K + "?uploadId=", {}, "NoSuchUpload"),
    (GET, K + "?no-such-thing", {}, "NotImplemented"), (PUT, K + "?no-such-thing", {}, "NotImplemented"), (DELETE, K + "?no-such-thing", {}, "NotImplemented"),
    (PUT, K + "?%00", {}, "NotImplemented"), (GET, "/{bucket}?no-such-thing", {}, "NotImplemented"), (PUT, "/{bucket}?no-such-thing", {}, "NotImplemented"),
    (GET, K + "?acl&tagging", {}, "InvalidArgument"), (PUT, K + "?versionId={file_id}", {}, "InvalidArgument"), (DELETE, K + "?partNumber=1", {}, "InvalidArgument"),
    (PUT, K + "?partNumber=1", {}, "InvalidArgument"), (PUT, K + "?policy", {}, "InvalidRequest"), (POST, K, {}, "MethodNotAllowed"), (POST, "/{bucket}", {}, "MethodNotAllowed"),
    ("PATCH", K, {}, "MethodNotAllowed"), ("TRACE", K, {}, "MethodNotAllowed"), (PUT, "/", {}, "MethodNotAllowed"), ("HEAD", "/", {}, None),
    (PUT, "/{bucket}?tagging", {}, "NotImplemented"), (PUT, "/{bucket}?policy", {}, "NotImplemented"), (PUT, K + "?tagging", {}, "NotImplemented"),
    (GET, "/{bucket}?max-keys=x", {}, "InvalidArgument"), (GET, "/{bucket}?max-keys=-1", {}, "InvalidArgument"), (GET, "/{bucket}?max-keys=" + "9" * 40, {}, "InvalidArgument"),
    (GET, "/{bucket}?max-keys=1.5", {}, "InvalidArgument"), (GET, "/{bucket}?max-keys=%D9%A3", {}, "InvalidArgument"), (GET, "/{bucket}?encoding-type=x", {}, "InvalidArgument"),
    (GET, "/{bucket}?list-type=3", {}, "InvalidArgument"), (GET, "/{bucket}?list-type=2&continuation-token=x", {}, "InvalidArgument"),
    (GET, "/{bucket}?list-type=2&continuation-token=%00", {}, "InvalidArgument"), (GET, "/{bucket}?versions&version-id-marker=x", {}, "InvalidArgument"),
    (GET, "/{bucket}?versions&key-marker=a&version-id-marker=x", {}, "InvalidArgument"), (GET, "/{bucket}?uploads&max-uploads=x", {}, "InvalidArgument"),
    (GET, "/{bucket}?prefix=%ff", {}, "InvalidURI"), (GET, "/{bucket}/%ff", {}, "InvalidURI"), (GET, "//x", {}, "InvalidBucketName"), (GET, "/?max-buckets=0", {}, "InvalidArgument"),
    (GET, "/?max-buckets=10001", {}, "InvalidArgument"), (GET, "/?continuation-token=x", {}, "InvalidArgument"),
    (PUT, "/{bucket}/" + "x" * 1025, {}, "KeyTooLongError"), (PUT, "/{bucket}", {}, "BucketAlreadyOwnedByYou"), (DELETE, "/{bucket}", {}, "BucketNotEmpty"),
    (PUT, K, {"Content-MD5": "x"}, "InvalidDigest"), (PUT, K, {"Content-MD5": "AAAA"}, "InvalidDigest"), (PUT, K, {"Content-MD5": "A" * 22 + "=="}, "BadDigest"),
    (PUT, K, {"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"), (PUT, K, {"x-amz-checksum-crc32": "x"}, "InvalidRequest"), (PUT, K, {"x-amz-checksum-md5": "x"}, "InvalidRequest"),
    (PUT, K, {"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-crc32c": "AAAAAA=="}, "InvalidRequest"), (PUT, K, {"x-amz-sdk-checksum-algorithm": "x"}, "InvalidRequest"),
    (PUT, K, {"x-amz-sdk-checksum-algorithm": "CRC32"}, "InvalidRequest"), (PUT, K, {"x-amz-acl": "public-read-write"}, "InvalidArgument"),
    (PUT, K, {"x-amz-storage-class": "GLACIER"}, "InvalidStorageClass"), (PUT, K, {"x-amz-server-side-encryption": "x"}, "InvalidArgument"), (PUT, K, {"x-amz-tagging": "a=b"}, "NotImplemented"),
    (PUT, K, {"x-amz-object-lock-mode": "GOVERNANCE"}, "InvalidArgument"), (PUT, K, {"x-amz-meta-b2-x": "y"}, "InvalidArgument"), (PUT, K, {"x-amz-meta-" + "n" * 51: "y"}, "InvalidArgument"),
    (PUT, K, {"x-amz-meta-a": "y" * 7001}, "MetadataTooLarge"), (PUT, K, {"If-Match": '"x"'}, "PreconditionFailed"), (PUT, K, {"If-None-Match": "*"}, "PreconditionFailed"),
    (PUT, "/{bucket}/none", {"If-Match": '"x"'}, "NoSuchKey"), (PUT, K, {"If-Match": "x", "If-None-Match": "*"}, "NotImplemented"), (DELETE, K, {"If-Match": "x"}, "NotImplemented"),
    (PUT, K, {"x-amz-copy-source": ""}, "InvalidArgument"), (PUT, K, {"x-amz-copy-source": "x"}, "InvalidArgument"), (PUT, K, {"x-amz-copy-source": "%zz/x"}, "InvalidArgument"),
    (PUT, K, {"x-amz-copy-source": "{bucket}/none"}, "NoSuchKey"), (PUT, K, {"x-amz-copy-source": "no-such-bucket/x"}, "NoSuchBucket"), (PUT, K, {"x-amz-copy-source": "{bucket}/in/file"}, "InvalidRequest"),
    (PUT, "/{bucket}/c", {"x-amz-copy-source": "{bucket}/in/file?versionId=x"}, "InvalidArgument"), (PUT, "/{bucket}/c", {"x-amz-copy-source": "{bucket}/in/file", "x-amz-metadata-directive": "x"}, "InvalidArgument"),
    (PUT, "/{bucket}/c", {"x-amz-copy-source": "{bucket}/in/file", "x-amz-copy-source-if-match": "x"}, "PreconditionFailed"),
    (PUT, U + "&partNumber=2", {"x-amz-copy-source": "{bucket}/in/file", "x-amz-copy-source-range": "bytes=0-99999999999999999999"}, "InvalidArgument"),
    (PUT, U + "&partNumber=2", {"x-amz-copy-source": "{bucket}/in/file", "x-amz-copy-source-range": "x"}, "InvalidArgument"),
    (PUT, U + "&partNumber=2", {"x-amz-copy-source": "{bucket}/in/file", "x-amz-copy-source-range": "bytes=5-"}, "InvalidArgument"),
    (PUT, U + "x&partNumber=2", {}, "NoSuchUpload"), (PUT, "/{bucket}/other?partNumber=2&uploadId={upload_id}", {}, "NoSuchUpload"), (DELETE, "/{bucket}/other?uploadId={upload_id}", {}, "NoSuchUpload"),
    (GET, U + "&max-parts=x", {}, "InvalidArgument"), (GET, U + "&part-number-marker=" + "9" * 30, {}, "InvalidArgument"), (POST, "/{bucket}/x?uploads", {"x-amz-checksum-algorithm": "x"}, "InvalidRequest"),
    (POST, "/{bucket}/x?uploads", {"x-amz-checksum-type": "COMPOSITE"}, "InvalidRequest"), (POST, "/{bucket}/x?uploads", {"x-amz-checksum-algorithm": "SHA1", "x-amz-checksum-type": "FULL_OBJECT"}, "InvalidRequest"),
    (GET, K + "?attributes", {}, "InvalidRequest"), (GET, K + "?attributes", {"x-amz-object-attributes": "Everything"}, "InvalidArgument"),
    (GET, K + "?attributes", {"x-amz-object-attributes": "ETag", "x-amz-max-parts": "9" * 30}, "InvalidArgument"), (PUT, "/b2-new-bucket", {}, "InvalidBucketName"),
    (PUT, "/new-bucket-name", {"x-amz-acl": "authenticated-read"}, "InvalidArgument"), (PUT, "/new-bucket-name", {"x-amz-bucket-object-lock-enabled": "x"}, "InvalidArgument"),
    (PUT, K, {"x-amz-object-lock-retain-until-date": "2099-01-01T00:00:00Z"}, "InvalidArgument"), (PUT, K, {"x-amz-object-lock-legal-hold": "x"}, "InvalidArgument"),
    (PUT, K, {"x-amz-object-lock-mode": "x", "x-amz-object-lock-retain-until-date": "2099-01-01T00:00:00Z"}, "InvalidArgument"),
    (PUT, K, {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": "9" * 40}, "InvalidArgument"),
    (PUT, K, {"x-amz-object-lock-legal-hold": "ON"}, "InvalidRequest"), (PUT, K, {"x-amz-object-lock-event-hold": "ON"}, "NotImplemented"),
    (PUT, K, {"x-amz-object-lock-legal-hold": "ON", "x-amz-checksum-crc32": "jNwWgw=="}, "InvalidRequest"), (POST, "/{bucket}/x?uploads", {"x-amz-object-lock-legal-hold": "ON"}, "InvalidRequest"),
    (GET, "/{bucket}?object-lock", {}, "ObjectLockConfigurationNotFoundError"), (GET, K + "?retention", {}, "InvalidRequest"), (GET, K + "?legal-hold", {}, "InvalidRequest"),
    (GET, K + "?retention&versionId=x", {}, "InvalidArgument"), (GET, "/{bucket}/none?legal-hold", {}, "NoSuchKey"), (GET, "/{bucket}/in/hidden?retention", {}, "NoSuchKey"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "target", "headers", "code"), BAD_REQUESTS, ids=lambda value: str(value)[:50])
def test_a_request_that_s3_refuses(owner, world, method, target, headers, code):
    headers = {name: filled(value, world) for name, value in headers.items()}
    is_upload = method == PUT and target.count("/") > 1 and "x-amz-copy-source" not in headers
    answer = owner.s3(method, filled(target, world), headers, b"x" if is_upload else b"")
    if method == "HEAD":
        assert (answer.status, answer.body) == (405, b"")
        return
    assert answer.error == code
    assert 400 <= answer.status < 500 or code == "NotImplemented"
    assert_helps(answer)


XML_TARGETS = {
    "Delete": (POST, "/{bucket}?delete"),
    "CompleteMultipartUpload": (POST, "/{bucket}/in/large?uploadId={upload_id}"),
    "VersioningConfiguration": (PUT, "/{bucket}?versioning"),
    "CreateBucketConfiguration": (PUT, "/another-new-bucket"),
    "CORSConfiguration": (PUT, "/{bucket}?cors"),
    "LifecycleConfiguration": (PUT, "/{bucket}?lifecycle"),
    "ObjectLockConfiguration": (PUT, "/{bucket}?object-lock"),
    "Retention": (PUT, K + "?retention"),
    "LegalHold": (PUT, K + "?legal-hold"),
}
NOT_XML = [
    "x", "{}", "<", "<a", "<a>", "<a></b>", "</a>", "<a/><b/>", "<a b></a>", "<a b='1' b='2'/>", "<a>&undefined;</a>", "<a>&#0;</a>", "<a>\0</a>", "<a>\x01</a>", "<1/>",
    "<?xml version='1.0' encoding='no-such'?><a/>", "<?xml version='9'?><a/>", "<a xmlns:x='' x:y=''/>", "<x:a/>", "<!DOCTYPE a><a/>", "<!-- only a comment -->", " ", "\ufeff",
    "<wrong/>", "<DELETE/>", "<a>" * 300,
]  # fmt: skip


@pytest.mark.parametrize("root", XML_TARGETS)
def test_a_document_that_is_no_xml_or_another_one(owner, world, root):
    method, target = XML_TARGETS[root]
    for text in NOT_XML:
        answer = owner.s3(method, filled(target, world), body=text.encode())
        assert answer.refusal == (400, "MalformedXML"), text
        assert_helps(answer)
    for raw in (b"\xff\xfe", b"<a>\xff</a>", b"\x80", f"<{root}>\ud800</{root}>".encode("utf-8", "surrogatepass")):
        assert owner.s3(method, filled(target, world), body=raw).refusal == (400, "MalformedXML"), raw


LOCKS = "<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>{}</DefaultRetention></Rule>"
PART = "<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>"
BAD_DOCUMENTS = [
    ("Delete", "", "MalformedXML"), ("Delete", "<Object/>", "MalformedXML"), ("Delete", "<Object><Key/></Object>", "MalformedXML"), ("Delete", "<Key>k</Key>", "MalformedXML"),
    ("Delete", "<Object><Key>k</Key><Key>k</Key></Object>", "MalformedXML"), ("Delete", "<Object><Key>k</Key><Unknown/></Object>", "MalformedXML"),
    ("Delete", "<Quiet>maybe</Quiet><Object><Key>k</Key></Object>", "MalformedXML"), ("Delete", "<Object><Key><b>k</b></Key></Object>", "MalformedXML"), ("Delete", "<Quiet>true</Quiet>", "MalformedXML"),
    ("CompleteMultipartUpload", "", "MalformedXML"), ("CompleteMultipartUpload", "<Part/>", "MalformedXML"), ("CompleteMultipartUpload", "<Part><PartNumber>1</PartNumber></Part>", "MalformedXML"),
    *(("CompleteMultipartUpload", PART.format(number, "x"), "InvalidArgument") for number in ("", "x", "0", "10001", "-1", "1.0", "9" * 30, "٣")),
    ("CompleteMultipartUpload", PART.format(1, "x"), "InvalidPart"), ("CompleteMultipartUpload", PART.format(2, "x"), "InvalidPart"), ("CompleteMultipartUpload", PART.format(1, ""), "InvalidPart"),
    ("CompleteMultipartUpload", PART.format(2, "x") + PART.format(1, "x"), "InvalidPartOrder"), ("CompleteMultipartUpload", PART.format(1, "x") * 2, "InvalidPartOrder"),
    ("CompleteMultipartUpload", "<Part><PartNumber>1</PartNumber><ETag>x</ETag><ChecksumCRC32>x</ChecksumCRC32></Part>", "InvalidArgument"),
    ("CompleteMultipartUpload", "<Part><PartNumber>1</PartNumber><ETag>x</ETag><ChecksumMD5>x</ChecksumMD5></Part>", "InvalidArgument"),
    ("VersioningConfiguration", "", "MalformedXML"), ("VersioningConfiguration", "<Status>On</Status>", "MalformedXML"), ("VersioningConfiguration", "<Status>Suspended</Status>", "InvalidBucketState"),
    ("VersioningConfiguration", "<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>", "NotImplemented"), ("VersioningConfiguration", "<Status>Enabled</Status><X/>", "MalformedXML"),
    ("CreateBucketConfiguration", "<LocationConstraint>mars</LocationConstraint>", "InvalidLocationConstraint"), ("CreateBucketConfiguration", "<X/>", "MalformedXML"),
    ("CORSConfiguration", "", "MalformedXML"), ("CORSConfiguration", "<CORSRule/>", "MalformedXML"), ("CORSConfiguration", "<X/>", "MalformedXML"),
    ("CreateBucketConfiguration", "<Tags><Tag/></Tags>", "NotImplemented"),
    ("LifecycleConfiguration", "", "MalformedXML"), ("LifecycleConfiguration", "<Rule/>", "MalformedXML"), ("LifecycleConfiguration", "<X/>", "MalformedXML"),
    ("LifecycleConfiguration", "<Rule><Filter/><Status>Enabled</Status><Transition/></Rule>", "NotImplemented"), ("LifecycleConfiguration", "<Rule><Filter/><Status>Enabled</Status></Rule>", "InvalidRequest"),
    *(("ObjectLockConfiguration", inside, "MalformedXML") for inside in ("", "<ObjectLockEnabled>Disabled</ObjectLockEnabled>", "<Rule/>", "<X/>", LOCKS.format("<Mode/>"), LOCKS.format("<Days>1</Days>"))),
    *(("ObjectLockConfiguration", LOCKS.format(f"<Mode>GOVERNANCE</Mode><Days>{days}</Days>"), "InvalidArgument") for days in ("0", "-1", "36501", "9" * 30)),
    *(("ObjectLockConfiguration", LOCKS.format(f"<Mode>GOVERNANCE</Mode><Days>{days}</Days>"), "MalformedXML") for days in ("", "x", "1.0", "٣")),
    ("Retention", "", "InvalidRequest"), ("Retention", "<Mode>GOVERNANCE</Mode>", "MalformedXML"), ("Retention", "<Mode>X</Mode><RetainUntilDate>2099-01-01T00:00:00Z</RetainUntilDate>", "MalformedXML"),
    ("Retention", "<Mode>GOVERNANCE</Mode><RetainUntilDate>2099-01-01T00:00:00Z</RetainUntilDate>", "InvalidRequest"), ("Retention", "<X/>", "MalformedXML"),
    ("LegalHold", "", "MalformedXML"), ("LegalHold", "<Status>MAYBE</Status>", "MalformedXML"), ("LegalHold", "<Status>ON</Status>", "InvalidRequest"),
]  # fmt: skip


@pytest.mark.parametrize(("root", "inside", "code"), BAD_DOCUMENTS, ids=lambda value: str(value)[:60])
@pytest.mark.parametrize("namespace", ["", ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'])
def test_a_document_that_an_operation_does_not_take(owner, world, root, inside, code, namespace):
    method, target = XML_TARGETS[root]
    answer = owner.s3(method, filled(target, world), body=f"<{root}{namespace}>{inside}</{root}>".encode())
    assert answer.error == code
    assert_helps(answer)


def test_no_bucket_came_of_all_this(owner, world):
    names = [bucket["bucketName"] for bucket in owner.ok("b2_list_buckets", accountId=owner.account_id)["buckets"]]
    assert not {"new-bucket-name", "another-new-bucket", "b2-new-bucket"} & set(names)


def test_an_error_is_readable_whatever_it_repeats(owner, world):
    """A list shows such names as references that strict parsers refuse (as S3 does it); an error must be understood."""
    for key in ("%00", "%01%02", "%EF%BF%BE", "%1B", "%0D%0A", "%3C%26%22", "%F0%9F%98%80"):
        answer = owner.s3(GET, f"/{world.name}/none{key}")
        assert answer.refusal == (404, "NoSuchKey")
        assert answer.texts("Resource") == [f"/{world.name}/none{key}"]
        assert owner.s3(GET, f"/{world.name}?x{key}").error == "NotImplemented"
        assert owner.send(GET, f"/file/{world.name}/none{key}", {"Authorization": owner.token}).refusal == (
            404,
            "not_found",
        )


def test_errors_to_head_have_the_status_alone(owner, world):
    for target, status in (
        (f"/{world.name}/none", 404),
        (f"/{world.name}/in/file?versionId=x", 400),
        ("/no-such-bucket", 404),
        (f"/{world.name}/%ff", 400),
    ):
        answer = owner.s3("HEAD", target)
        assert (answer.status, answer.body) == (status, b"")
        assert answer.headers["x-amz-request-id"]
    headers = {"Authorization": owner.token}
    for target, status in (
        (f"/file/{world.name}/none", 404),
        ("/file/no-such-bucket/x", 404),
        ("/b2api/v4/b2_download_file_by_id?fileId=x", 400),
    ):
        answer = owner.send("HEAD", target, headers)
        assert (answer.status, answer.body) == (status, b"")
