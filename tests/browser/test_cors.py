"""CORS as a real browser takes it: pages of one origin download and upload, and those of another are refused."""

from __future__ import annotations

import hashlib

import pytest

from harness.browser import fetch
from harness.clients import boto3_client
from harness.native import NativeCaller

REFUSED = {"refused": "TypeError"}  # All that a browser tells the page.
NATIVE = ["b2_download_file_by_name", "b2_download_file_by_id", "b2_upload_file", "b2_upload_part"]


@pytest.fixture(scope="module")
def native(server):
    return NativeCaller(server)


@pytest.fixture(scope="module")
def page(open_page, origins):
    """A page of the origin that the rules allow."""
    return open_page(origins[0])


@pytest.fixture(scope="module")
def stranger(open_page, origins):
    """A page of another origin."""
    return open_page(origins[1])


@pytest.fixture
def bucket(native, server, origins, new_name):
    """A private bucket whose rules allow pages of one origin everything."""
    rules = [
        {
            "corsRuleName": name, "allowedOrigins": [origins[0]], "allowedOperations": operations, "allowedHeaders": ["*"],
            "exposeHeaders": exposed, "maxAgeSeconds": 60,
        }
        for name, operations, exposed in (
            ("native-rule", NATIVE, ["x-bz-file-id", "x-bz-content-sha1"]), ("s3-rule", ["s3_get", "s3_put"], ["etag"])
        )
    ]  # fmt: skip
    made = native.call(
        "b2_create_bucket",
        accountId=server.account_id,
        bucketName=new_name("pages"),
        bucketType="allPrivate",
        corsRules=rules,
    )
    yield made
    for row in native.call("b2_list_file_versions", bucketId=made["bucketId"])["files"]:
        native.call("b2_delete_file_version", fileName=row["fileName"], fileId=row["fileId"])
    native.call("b2_delete_bucket", accountId=server.account_id, bucketId=made["bucketId"])


@pytest.fixture(params=["path", "virtual"])
def presigned(server, bucket, request):
    """Makes presigned URLs of the bucket's objects, path style or virtual host."""
    endpoint = f"http://s3.{server.region}.localhost:{server.port}"  # The browser finds every *.localhost on loopback.
    style = {"addressing_style": request.param}
    client = boto3_client(server, endpoint=endpoint, s3=style, signature_version="s3v4")

    def make(operation, key):
        return client.generate_presigned_url(operation, Params={"Bucket": bucket["bucketName"], "Key": key})

    return make


def uploading(target, data, **headers):
    """The options of a `fetch` that uploads text to a native upload URL."""
    sent = {
        "Authorization": target["authorizationToken"],
        "Content-Type": "text/plain",
        "X-Bz-Content-Sha1": hashlib.sha1(data.encode()).hexdigest(),
        **headers,
    }
    return {"method": "POST", "headers": sent, "body": data}


def test_a_page_downloads_with_a_download_authorization_and_sees_its_errors(server, native, page, stranger, bucket):
    bucket_id, name = bucket["bucketId"], bucket["bucketName"]
    made = native.upload(bucket_id, "in/file", b"hello", {})
    grant = native.call(
        "b2_get_download_authorization", bucketId=bucket_id, fileNamePrefix="in/", validDurationInSeconds=60
    )["authorizationToken"]
    url, headers = f"{server.api_url}/file/{name}/in/file", {"Authorization": grant, "Range": "bytes=1-"}
    answer = fetch(page, url, headers=headers)
    assert (answer["status"], answer["body"]) == (206, "ello")
    assert (answer["headers"]["x-bz-file-id"], "x-bz-file-name" in answer["headers"]) == (made["fileId"], False)
    assert fetch(page, f"{url}?Authorization={grant}")["body"] == "hello"
    missing = fetch(page, url + "-none", headers=headers)
    assert (missing["status"], '"not_found"' in missing["body"]) == (404, True)
    assert fetch(page, url)["status"] == 401
    for refused in (fetch(stranger, url, headers=headers), fetch(stranger, f"{url}?Authorization={grant}")):
        assert refused == REFUSED


def test_a_page_cannot_use_an_account_token(server, native, page, bucket):
    made = native.upload(bucket["bucketId"], "file", b"hello", {})
    url = f"{server.api_url}/file/{bucket['bucketName']}/file"
    headers = {"Authorization": native.token}
    assert fetch(page, url, headers=headers) == REFUSED
    assert fetch(page, f"{url}?Authorization={native.token}") == REFUSED
    by_id = f"{server.api_url}/b2api/v4/b2_download_file_by_id?fileId={made['fileId']}"
    assert fetch(page, by_id, headers=headers) == REFUSED
    listing = f"{server.api_url}/b2api/v4/b2_list_file_names"
    assert fetch(page, listing, method="POST", headers=headers, body="{}") == REFUSED


def test_a_page_downloads_by_id_from_a_public_bucket(server, native, page, stranger, bucket):
    made = native.upload(bucket["bucketId"], "file", b"hello", {})
    native.call("b2_update_bucket", accountId=server.account_id, bucketId=bucket["bucketId"], bucketType="allPublic")
    url = f"{server.api_url}/b2api/v4/b2_download_file_by_id?fileId={made['fileId']}"
    assert fetch(page, url)["body"] == "hello"
    assert fetch(stranger, url) == REFUSED


def test_a_page_uploads_to_native_upload_urls(native, page, stranger, bucket):
    bucket_id = bucket["bucketId"]
    target = native.call("b2_get_upload_url", bucketId=bucket_id)
    named = {"X-Bz-File-Name": "from-page", "X-Bz-Info-a": "b"}
    assert fetch(stranger, target["uploadUrl"], **uploading(target, "text", **named)) == REFUSED
    assert native.call("b2_list_file_names", bucketId=bucket_id)["files"] == []
    done = fetch(page, target["uploadUrl"], **uploading(target, "text", **named))
    assert (done["status"], '"from-page"' in done["body"]) == (200, True)
    wrong = fetch(page, target["uploadUrl"], **uploading(target, "text", **named | {"X-Bz-Content-Sha1": "0" * 40}))
    assert (wrong["status"], '"bad_request"' in wrong["body"]) == (400, True)
    large = native.call("b2_start_large_file", bucketId=bucket_id, fileName="large", contentType="b2/x-auto")
    target = native.call("b2_get_upload_part_url", fileId=large["fileId"])
    part = fetch(page, target["uploadUrl"], **uploading(target, "p" * 10_000, **{"X-Bz-Part-Number": "1"}))
    assert part["status"] == 200
    native.call("b2_cancel_large_file", fileId=large["fileId"])
    [row] = native.call("b2_list_file_names", bucketId=bucket_id)["files"]
    assert (row["fileName"], row["fileInfo"], row["contentLength"]) == ("from-page", {"a": "b"}, 4)


def test_a_page_puts_and_gets_by_presigned_urls_as_far_as_the_rules_go(native, page, stranger, bucket, presigned):
    options = {"method": "PUT", "headers": {"Content-Type": "text/plain"}, "body": "text"}
    assert fetch(stranger, presigned("put_object", "k"), **options) == REFUSED
    assert native.call("b2_list_file_names", bucketId=bucket["bucketId"])["files"] == []
    done = fetch(page, presigned("put_object", "k"), **options)
    assert (done["status"], done["headers"]["etag"]) == (200, f'"{hashlib.md5(b"text").hexdigest()}"')
    got = fetch(page, presigned("get_object", "k"))
    assert (got["status"], got["body"]) == (200, "text")
    assert fetch(page, presigned("get_object", "none"))["status"] == 404
    assert fetch(page, presigned("get_object", "k").replace("X-Amz-Signature=", "X-Amz-Signature=0"))["status"] == 403
    assert fetch(stranger, presigned("get_object", "k")) == REFUSED
    assert fetch(page, presigned("delete_object", "k"), method="DELETE") == REFUSED  # No rule has s3_delete.
    assert len(native.call("b2_list_file_names", bucketId=bucket["bucketId"])["files"]) == 1
