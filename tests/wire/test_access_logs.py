"""Access logs of both faces: every finished request on a bucket that logs has a line in the destination (console reference, 23)."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from harness.native import NativeCaller
from harness.native_session import send
from harness.processes import wait_until
from harness.s3_raw import RawS3, make_client

FIELDS = re.compile(r'"[^"]*"|\[[^]]*\]|[^ ]+')
NAMES = (
    "owner", "bucket", "time", "address", "requester", "request_id", "operation", "key", "request", "status", "error", "sent",
    "size", "total", "ready", "referrer", "agent", "version", "host_id", "signature", "cipher", "authentication", "host", "tls",
    "point",
)  # fmt: skip
DATA = b"forty-two bytes of data, or nearly so many"


class Account:
    """A server's first account through both faces, with a bucket that logs into another one."""

    def __init__(self, server) -> None:
        self.server = server
        self.s3 = make_client(server, server.key_id, server.application_key)
        self.raw = RawS3(server.s3_endpoint, server.region, server.key_id, server.application_key)
        self.native = NativeCaller(server)
        self.bucket_id = self.native.call(
            "b2_create_bucket", accountId=server.account_id, bucketName="the-source", bucketType="allPrivate"
        )["bucketId"]
        self.s3.create_bucket(Bucket="the-logs")

    def set_logging(self, source="the-source", target="the-logs"):
        logging = {"TargetBucket": target, "TargetPrefix": f"{source}/"}
        self.s3.put_bucket_logging(Bucket=source, BucketLoggingStatus={"LoggingEnabled": logging})

    def get(self, path, headers=None):
        answer = send("GET", self.server.api_url + path, headers)
        return answer.status, answer.body

    def lines(self, source="the-source", target="the-logs"):
        """The lines in all files of a source, by operation."""
        found = {}
        for one in self.s3.list_objects_v2(Bucket=target, Prefix=f"{source}/").get("Contents", []):
            assert re.fullmatch(rf"{source}/\d{{4}}(-\d\d){{5}}-[0-9A-F]{{16}}", one["Key"]), one["Key"]
            text = self.s3.get_object(Bucket=target, Key=one["Key"])["Body"].read().decode("ascii")
            for line in text.splitlines():
                fields = dict(zip(NAMES, FIELDS.findall(line), strict=True))
                found.setdefault(fields["operation"], []).append(fields)
        return found


@pytest.fixture
def account(make_server):
    """A server of the test's own: it is stopped to have its lines written, and started again to read them."""
    return Account(make_server("--workers", "1").start())


def written(account):
    """Have all lines written, which a server does when it stops."""
    account.server.stop()
    account.server.start()
    return account.lines()


def test_every_request_of_both_faces_has_a_line(account):
    s3, native, server = account.s3, account.native, account.server
    account.set_logging()
    s3.create_bucket(Bucket="another-one")

    put = s3.put_object(Bucket="the-source", Key="a folder/käse", Body=DATA)
    s3.get_object(Bucket="the-source", Key="a folder/käse", Range="bytes=0-9")
    account.raw(
        "GET", "/the-source/missing", headers={"User-Agent": 'a "quoted" agent', "Referer": "https://example.com/"}
    )
    s3.list_objects_v2(Bucket="the-source")
    s3.copy_object(Bucket="another-one", Key="copy", CopySource={"Bucket": "the-source", "Key": "a folder/käse"})
    s3.put_object(Bucket="another-one", Key="not-logged", Body=DATA)
    url = s3.generate_presigned_url("head_object", {"Bucket": "the-source", "Key": "a folder/käse"})
    assert send("HEAD", url).status == 200
    assert account.raw("DELETE", "/THE-SOURCE/x", signed=False).status == 403

    uploaded = native.upload(account.bucket_id, "native file", DATA, {})
    path = f"/file/the-source/{quote('native file')}"
    assert account.get(path, {"Authorization": native.token})[0] == 200
    grant = native.call(
        "b2_get_download_authorization", bucketId=account.bucket_id, fileNamePrefix="n", validDurationInSeconds=60
    )["authorizationToken"]
    assert account.get(f"{path}?Authorization={grant}") == (200, DATA)
    assert account.get(f"/b2api/v3/b2_download_file_by_id?fileId={uploaded['fileId']}")[0] == 401
    native.call("b2_hide_file", bucketId=account.bucket_id, fileName="native file")
    native.call("b2_delete_file_version", fileName="native file", fileId=uploaded["fileId"])

    lines = written(account)
    every = [line for of_operation in lines.values() for line in of_operation]
    assert {(line["owner"], line["bucket"]) for line in every} == {(server.account_id, "the-source")}
    assert all(line["address"] == "127.0.0.1" for line in every)

    (stored,) = lines["REST.S3_PUT_OBJECT"]
    assert (stored["key"], stored["status"], stored["error"], stored["size"], stored["version"]) == (
        "a%20folder/k%C3%A4se", "200", "-", str(len(DATA)), put["VersionId"],
    )  # fmt: skip
    assert stored["requester"] == server.key_id
    assert stored["request_id"] == put["ResponseMetadata"]["RequestId"]
    assert (stored["signature"], stored["authentication"]) == ("SigV4", "AuthHeader")
    assert stored["request"].startswith('"PUT /the-source/a%20folder/k%C3%A4se')
    read, missing = lines["REST.S3_GET_OBJECT"]
    assert (read["status"], read["sent"], read["size"], read["version"]) == (
        "206",
        "10",
        str(len(DATA)),
        put["VersionId"],
    )
    assert (missing["status"], missing["error"], missing["size"]) == ("404", "NoSuchKey", "-")
    assert (missing["agent"], missing["referrer"]) == ('"a %22quoted%22 agent"', '"https://example.com/"')
    assert lines["REST.S3_LIST_OBJECTS_V2"][0]["key"] == "-"
    (copied,) = lines["REST.S3_COPY_OBJECT_GET"]
    assert (copied["key"], copied["status"]) == ("a%20folder/k%C3%A4se", "200")
    (headed,) = lines["REST.S3_HEAD_OBJECT"]
    assert headed["authentication"] == "QueryString"
    assert "X-Amz-Signature=REDACTED" in headed["request"]
    (refused,) = lines["REST.S3_DELETE_OBJECT"]
    assert (refused["status"], refused["error"], refused["requester"], refused["key"]) == (
        "403",
        "AccessDenied",
        "-",
        "x",
    )

    (taken,) = lines["REST.B2_UPLOAD_FILE"]
    assert (taken["key"], taken["size"], taken["version"], taken["requester"]) == (
        "native%20file", str(len(DATA)), uploaded["fileId"], server.key_id,
    )  # fmt: skip
    by_token, by_grant = lines["REST.B2_DOWNLOAD_FILE_BY_NAME"]
    assert (by_token["authentication"], by_grant["authentication"]) == ("AuthHeader", "QueryString")
    for line in (by_token, by_grant):
        assert (line["status"], line["key"], line["sent"], line["size"], line["version"]) == (
            "200", "native%20file", str(len(DATA)), str(len(DATA)), uploaded["fileId"],
        )  # fmt: skip
        assert grant not in line["request"]
    (by_id,) = lines["REST.B2_DOWNLOAD_FILE_BY_ID"]
    assert (by_id["status"], by_id["error"], by_id["version"]) == ("401", "unauthorized", uploaded["fileId"])
    assert lines["REST.B2_HIDE_FILE"][0]["key"] == "native%20file"
    (removed,) = lines["REST.B2_DELETE_FILE_VERSION"]
    assert (removed["key"], removed["version"]) == ("native%20file", uploaded["fileId"])


@pytest.mark.parametrize("claimed", ["7", "9" * 5_000])
def test_a_plain_body_has_the_size_that_it_has_whatever_a_header_for_others_claims(account, claimed):
    account.set_logging()
    headers = {"x-amz-decoded-content-length": claimed}
    assert account.raw("PUT", "/the-source/plain", headers=headers, body=DATA).status == 200
    [line] = written(account)["REST.S3_PUT_OBJECT"]
    assert (line["status"], line["size"]) == ("200", str(len(DATA)))


def test_a_line_appears_within_seconds_and_none_of_a_log_being_written(account):
    account.set_logging(target="the-source")
    account.s3.put_object(Bucket="the-source", Key="k", Body=DATA)
    listed = {"Bucket": "the-source", "Prefix": "the-source/"}
    wait_until(lambda: account.s3.list_objects_v2(**listed).get("Contents"), "no log was written", timeout_s=120)
    lines = account.lines(target="the-source")
    assert len(lines["REST.S3_PUT_OBJECT"]) == 1
    assert not any("the-source/20" in line["key"] for line in lines["REST.S3_PUT_OBJECT"])


def test_a_bucket_logs_nothing_any_more_once_that_is_disabled(account):
    account.set_logging()
    account.s3.put_object(Bucket="the-source", Key="k", Body=DATA)
    account.s3.put_bucket_logging(Bucket="the-source", BucketLoggingStatus={})
    account.s3.get_object(Bucket="the-source", Key="k")
    lines = written(account)
    assert "REST.S3_PUT_OBJECT" in lines
    assert "REST.S3_GET_OBJECT" not in lines
