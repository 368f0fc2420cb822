"""HTTP response splitting and header injection (CWE-113): nothing a client stores or asks for adds a header to an answer."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from harness.hostile import as_request, converse

EVIL = "x\r\nSet-Cookie: session=stolen\r\n\r\n<html>"
LINE_BREAKS = ["\r\n", "\n", "\r", "\0", "\x0b", "\x1f", "\x7f", "\u2028\r\n", "%0d%0a\n"]
UNICODE = [
    "\u010d\u010a",
    "\u560d\u560a",
    "\x85",
    "\u2028",
]  # Their low bytes, or a careless decoder, make line breaks of them.


@pytest.fixture(scope="module")
def bucket(make_bucket):
    return make_bucket()


def assert_unsplit(answer):
    """No header of an attacker's, and none twice."""
    names = [name for name, _ in answer.header_list]
    assert "set-cookie" not in names
    assert "x-evil" not in names
    assert len(names) == len(set(names)), names


def injections():
    return [f"a{line_break}Set-Cookie: x=y" for line_break in [*LINE_BREAKS, *UNICODE]]


@pytest.mark.parametrize("value", [*injections(), EVIL])
def test_percent_encoded_line_breaks_in_native_headers(owner, bucket, value):
    _, bucket_id = bucket
    target = owner.ok("b2_get_upload_url", bucketId=bucket_id)
    encoded = quote(value, safe="")
    for header in (
        "X-Bz-Info-note",
        "X-Bz-Info-b2-content-disposition",
        "X-Bz-Info-b2-cache-control",
        "X-Bz-File-Name",
    ):
        stored = owner.upload(target, b"x", {header: encoded})
        if stored.status != 200:
            assert stored.refusal[0] == 400
            continue
        name = quote(stored.json["fileName"], safe="")
        answer = owner.send("GET", f"/file/{bucket[0]}/{name}", {"Authorization": owner.token})
        assert answer.status == 200
        assert_unsplit(answer)
        assert_unsplit(owner.s3("GET", f"/{bucket[0]}/{name}"))
        assert_unsplit(owner.s3("HEAD", f"/{bucket[0]}/{name}"))


@pytest.mark.parametrize("value", [*injections(), EVIL])
def test_line_breaks_in_native_documents(owner, bucket, value):
    _, bucket_id = bucket
    start = {"bucketId": bucket_id, "fileName": "large", "contentType": "text/plain"}
    for change in (
        {"contentType": value},
        {"fileInfo": {"b2-content-disposition": value}},
        {"fileInfo": {"b2-content-language": value}},
        {"fileInfo": {"b2-expires": value}},
        {"fileInfo": {"b2-cache-control": value}},
        {"fileInfo": {"b2-content-encoding": value}},
        {"fileInfo": {value: "x"}},
        {"fileInfo": {"b2-evil": value}},
    ):
        assert owner.native("b2_start_large_file", **{**start, **change}).refusal == (400, "bad_request"), change
    for info in ({"cache-control": value}, {"b2-cache-control": value}, {value: "x"}):
        answer = owner.native("b2_update_bucket", accountId=owner.account_id, bucketId=bucket_id, bucketInfo=info)
        assert answer.refusal == (400, "bad_request")


@pytest.mark.parametrize("value", [*injections(), EVIL])
def test_line_breaks_in_what_a_download_asks_for(owner, make_bucket, bucket, value):
    name, bucket_id = bucket
    file_id = owner.s3("PUT", f"/{name}/k", body=b"x").headers["x-amz-version-id"]
    encoded = quote(value, safe="")
    for parameter in (
        "b2ContentType", "b2ContentDisposition", "b2CacheControl", "b2Expires", "b2ContentLanguage", "b2ContentEncoding",
    ):  # fmt: skip
        headers = {"Authorization": owner.token}
        assert owner.send("GET", f"/file/{name}/k?{parameter}={encoded}", headers).refusal == (400, "bad_request")
        by_id = f"/b2api/v4/b2_download_file_by_id?fileId={file_id}&{parameter}={encoded}"
        assert owner.send("GET", by_id, headers).refusal == (400, "bad_request")
        grant = {"bucketId": bucket_id, "fileNamePrefix": "", "validDurationInSeconds": 9, parameter: value}
        assert owner.native("b2_get_download_authorization", **grant).refusal == (400, "bad_request")
    for parameter in (
        "response-content-type", "response-content-disposition", "response-cache-control", "response-expires",
        "response-content-language", "response-content-encoding",
    ):  # fmt: skip
        answer = owner.s3("GET", f"/{name}/k?{parameter}={encoded}")
        if answer.status == 200:  # Nothing in it was a control character.
            assert not any(ord(letter) < 32 or ord(letter) == 127 for letter in value)
        else:
            assert answer.refusal == (400, "InvalidArgument")
        assert_unsplit(answer)


@pytest.mark.parametrize("value", injections())
def test_line_breaks_in_ids_names_and_parameters_that_answers_repeat(owner, bucket, value):
    name, _ = bucket
    encoded = quote(value, safe="")
    foreign = "4_z" + "ab" * 12 + encoded
    for method, target in (
        ("DELETE", f"/{name}/k?versionId={foreign}"),
        ("DELETE", f"/{name}/k?versionId={encoded}"),
        ("GET", f"/{name}/k?versionId={foreign}"),
        ("GET", f"/{name}/{encoded}"),
        ("HEAD", f"/{name}/{encoded}"),
        ("DELETE", f"/{name}/{encoded}"),
        ("PUT", f"/{name}/{encoded}?uploadId={encoded}&partNumber=1"),
        ("GET", f"/{encoded}/k"),
        ("PUT", f"/{encoded}"),
        ("GET", f"/{name}?{encoded}"),
        ("GET", f"/{name}?prefix={encoded}"),
        ("GET", f"/{name}?encoding-type={encoded}"),
        ("GET", f"/{name}?list-type=2&continuation-token={encoded}"),
    ):
        answer = owner.s3(method, target)
        assert answer.status < 500 or answer.error == "NotImplemented", (method, target, answer.body)
        assert_unsplit(answer)
    for target in (
        f"/file/{name}/{encoded}",
        f"/file/{encoded}/k",
        f"/b2api/v4/b2_download_file_by_id?fileId={foreign}",
    ):
        answer = owner.send("GET", target, {"Authorization": owner.token})
        assert answer.refusal[0] in {400, 404}
        assert_unsplit(answer)


def test_a_deletion_of_an_id_that_no_header_can_carry_is_refused(owner, bucket):
    for end in ("%0d%0aX-Evil:%201", "%00", "%C3%A9", "%20x"):
        answer = owner.s3("DELETE", f"/{bucket[0]}/k?versionId=4_z{'ab' * 12}{end}")
        assert answer.refusal == (400, "InvalidArgument")
    unknown = "4_z" + "ab" * 12 + "_f1234"
    answer = owner.s3("DELETE", f"/{bucket[0]}/k?versionId={unknown}")
    assert (answer.status, answer.headers["x-amz-version-id"]) == (204, unknown)


@pytest.mark.parametrize("control", [bytes([code]) for code in (*range(9), *range(11, 13), *range(14, 32), 127)])
def test_raw_control_characters_in_headers_are_refused(server, control):
    data = (
        b"PUT /bucket-x/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nx-amz-meta-a: b" + control + b"c\r\n\r\n"
    )
    (answer,) = converse(server, data)
    assert answer.refusal == (400, "BadRequest")


def test_values_beyond_ascii_come_back_as_they_were_sent(server, owner, bucket):
    name, _ = bucket
    for value in ("schön", "a\u010d\u010ab", "a\u2028b", "a\x85b", "😀"):
        latin = value.encode().decode("latin-1")
        signed = owner.signer.headers(
            "PUT", f"/{name}/k", {"Content-Disposition": latin, "Content-Type": f"text/{latin}"}
        )
        (stored,) = converse(server, as_request("PUT", f"/{name}/k", {**signed, "Connection": "close"}, b"x"))
        assert stored.status == 200, stored.body
        for answer in (
            owner.s3("GET", f"/{name}/k"),
            owner.send("GET", f"/file/{name}/k", {"Authorization": owner.token}),
        ):
            assert answer.status == 200
            assert_unsplit(answer)
            assert answer.headers["content-disposition"].encode("latin-1").decode() == value


def test_the_names_of_metadata_are_tokens(owner, bucket):
    name, _ = bucket
    for header in (
        "x-amz-meta-a b",
        "x-amz-meta-a:b",
        "x-amz-meta-é",
        "x-amz-meta-(a)",
        "x-amz-meta-b2-cache-control",
        "x-amz-meta-",
    ):
        answer = owner.s3("PUT", f"/{name}/k", {header: "v"}, b"x")
        assert answer.refusal[0] in {400, 403}, header


def test_a_location_and_a_redirect_name_nothing_of_the_attackers(owner, bucket):
    name, _ = bucket
    upload_id = owner.s3("POST", f"/{name}/large?uploads").texts("UploadId")[0]
    target = f"/{name}/large?partNumber=1&uploadId={upload_id}"
    etag = owner.s3("PUT", target, body=b"x").headers["etag"]
    body = (
        f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    )
    done = owner.s3("POST", f"/{name}/large?uploadId={upload_id}", {"X-Forwarded-Host": "evil.example"}, body.encode())
    assert done.texts("Location") == [f"http://localhost/{name}/large"]
