from __future__ import annotations

import pytest

DATA = b"0123456789"
UNAUTHORIZED = (401, "unauthorized", "")


@pytest.fixture
def made(b2, bucket):
    return b2.upload(bucket["bucketId"], "dir/n ä+.txt", DATA, {"X-Bz-Info-Key": "v%20w"})


def ranged(b2, bucket, name, asked):
    return b2.download(bucket["bucketName"], name, headers={"Authorization": b2.token, "Range": asked})


def test_a_download_has_the_headers_of_its_file(b2, bucket, made):
    answer = b2.download(bucket["bucketName"], made["fileName"])
    assert (answer.status, answer.body) == (200, DATA)
    expected = {
        "content-type": "text/plain",
        "content-length": "10",
        "accept-ranges": "bytes",
        "x-bz-file-id": made["fileId"],
        "x-bz-file-name": "dir/n%20%C3%A4%2B.txt",
        "x-bz-content-sha1": made["contentSha1"],
        "x-bz-upload-timestamp": str(made["uploadTimestamp"]),
        "x-bz-info-key": "v%20w",
        "x-content-type-options": "nosniff",
    }
    assert expected.items() <= answer.headers.items()
    assert "cache-control" not in answer.headers
    assert "content-security-policy" not in answer.headers


def test_head_has_the_headers_of_get_and_no_body(b2, bucket, made):
    got = b2.download(bucket["bucketName"], made["fileName"])
    head = b2.download(bucket["bucketName"], made["fileName"], method="HEAD")
    assert (head.status, head.body) == (200, b"")
    got.headers.pop("date")
    head.headers.pop("date")
    assert head.headers == got.headers


def test_names_in_urls_may_be_encoded_in_any_way(b2, bucket, made):
    for path in ("dir/n+%C3%A4%2B.txt", "dir%2Fn%20%c3%a4%2B.txt", "%64ir/n+%C3%A4%2B%2Etxt"):
        url = f"{b2.url}/file/{bucket['bucketName']}/{path}"
        assert b2.fetch(url, {"Authorization": b2.token}).body == DATA


@pytest.mark.parametrize(
    ("asked", "data", "content_range"),
    [
        ("bytes=5-8", b"5678", "bytes 5-8/10"),
        ("bytes=5-", b"56789", "bytes 5-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=0-999", DATA, "bytes 0-9/10"),
        ("bytes=-999", DATA, "bytes 0-9/10"),
    ],
)
def test_a_range_is_partial_content_with_the_sha1_of_the_whole(b2, bucket, made, asked, data, content_range):
    answer = ranged(b2, bucket, made["fileName"], asked)
    assert (answer.status, answer.body) == (206, data)
    assert answer.headers["content-range"] == content_range
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["x-bz-content-sha1"] == made["contentSha1"]


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_a_range_behind_the_end_is_not_satisfiable(b2, bucket, made, asked):
    answer = ranged(b2, bucket, made["fileName"], asked)
    assert answer.refusal == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == "bytes */10"


def test_any_range_of_an_empty_file_is_not_satisfiable(b2, bucket):
    b2.upload(bucket["bucketId"], "empty")
    assert ranged(b2, bucket, "empty", "bytes=0-0").refusal == (416, "range_not_satisfiable")
    assert b2.download(bucket["bucketName"], "empty").body == b""


@pytest.mark.parametrize("asked", ["bytes=8-5", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", ""])
def test_a_range_that_is_none_is_ignored(b2, bucket, made, asked):
    answer = ranged(b2, bucket, made["fileName"], asked)
    assert (answer.status, answer.body) == (200, DATA)


def test_a_private_bucket_is_closed_to_nobody(b2, bucket, made):
    assert b2.download(bucket["bucketName"], made["fileName"], headers={}).error == UNAUTHORIZED
    assert b2.download(bucket["bucketName"], "unknown", headers={}).error == UNAUTHORIZED
    head = b2.download(bucket["bucketName"], made["fileName"], method="HEAD", headers={})
    assert (head.status, head.body) == (401, b"")


def test_a_public_bucket_is_open_to_anybody_but_a_bad_token_is_judged(b2, public_bucket):
    b2.upload(public_bucket["bucketId"], "n", DATA)
    name = public_bucket["bucketName"]
    assert b2.download(name, "n", headers={}).body == DATA
    assert b2.download(name, "n").body == DATA
    assert b2.download(name, "n", method="HEAD", headers={}).status == 200
    assert b2.download(name, "n", headers={"Authorization": "nonsense"}).error == (401, "bad_auth_token", "")
    powerless = b2.restricted(["listBuckets"])
    assert powerless.download(name, "n").body == DATA
    assert b2.download(name, "unknown", headers={}).refusal == (404, "not_found")


def test_unknown_names_and_buckets_are_not_found(b2, bucket):
    name = bucket["bucketName"]
    assert b2.download(name, "a b").error == (404, "not_found", f"bucket {name} does not have file: a b")
    assert b2.download("no-such-bucket", "n").refusal == (404, "not_found")
    assert b2.download(name, "").refusal == (404, "not_found")
    head = b2.download(name, "unknown", method="HEAD")
    assert (head.status, head.body) == (404, b"")


def test_a_bucket_is_found_in_any_letter_case(b2, bucket, made):
    assert b2.download(bucket["bucketName"].upper(), made["fileName"]).body == DATA


OVERRIDES = {
    "b2ContentDisposition": ("content-disposition", 'attachment; filename="x.txt"'),
    "b2ContentLanguage": ("content-language", "fr"),
    "b2Expires": ("expires", "Thu, 01 Dec 2033 16:00:00 GMT"),
    "b2CacheControl": ("cache-control", "no-store"),
    "b2ContentEncoding": ("content-encoding", "identity"),
    "b2ContentType": ("content-type", "image/png"),
}


@pytest.mark.parametrize("parameter", OVERRIDES)
def test_override_parameters_set_their_headers(b2, bucket, made, parameter):
    header, value = OVERRIDES[parameter]
    query = "?" + parameter + "=" + value.replace(" ", "%20").replace('"', "%22")
    answer = b2.download(bucket["bucketName"], made["fileName"], query=query)
    assert (answer.status, answer.headers[header]) == (200, value)


def test_override_parameters_need_a_token_even_in_a_public_bucket(b2, public_bucket):
    b2.upload(public_bucket["bucketId"], "n", DATA)
    name = public_bucket["bucketName"]
    assert b2.download(name, "n", query="?b2ContentType=text/html", headers={}).error == UNAUTHORIZED
    assert b2.download(name, "n", query="?b2ContentType=text/html").status == 200


@pytest.mark.parametrize(
    "query", ["b2Expires=soon", "b2ContentType=a%0d%0aX-Evil:1", "b2ContentDisposition=%22", "b2ContentLanguage=", "b2ContentType=%ff"]
)  # fmt: skip
def test_override_values_outside_their_grammar_are_refused(b2, bucket, made, query):
    answer = b2.download(bucket["bucketName"], made["fileName"], query=f"?{query}")
    assert answer.refusal == (400, "bad_request")


@pytest.mark.parametrize(
    "content_type", ["text/html", "TEXT/HTML; charset=utf-8", "image/svg+xml", "text/xml", "application/xhtml+xml"]
)
def test_what_a_browser_would_render_is_sandboxed(b2, bucket, content_type):
    b2.upload(bucket["bucketId"], "page", b"<p>", {"Content-Type": content_type})
    answer = b2.download(bucket["bucketName"], "page")
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_override_to_html_is_sandboxed_too(b2, bucket, made):
    answer = b2.download(bucket["bucketName"], made["fileName"], query="?b2ContentType=text/html")
    assert answer.headers["content-security-policy"] == "sandbox"


def test_cache_control_comes_from_the_query_then_the_file_then_the_bucket(b2, bucket):
    b2.call(
        "b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"],
        bucketInfo={"Cache-Control": "max-age=1"},
    ).ok()  # fmt: skip
    b2.upload(bucket["bucketId"], "own", b"", {"X-Bz-Info-b2-cache-control": "max-age=2"})
    b2.upload(bucket["bucketId"], "plain", b"")
    name = bucket["bucketName"]
    assert b2.download(name, "plain").headers["cache-control"] == "max-age=1"
    assert b2.download(name, "own").headers["cache-control"] == "max-age=2"
    assert b2.download(name, "own", query="?b2CacheControl=max-age=3").headers["cache-control"] == "max-age=3"


def test_only_get_and_head_are_downloads(b2, bucket, made):
    answer = b2.download(bucket["bucketName"], made["fileName"], method="DELETE")
    assert answer.refusal == (405, "method_not_allowed")


def test_a_customer_key_for_a_plain_file_is_refused(b2, bucket, made):
    headers = {"Authorization": b2.token, "X-Bz-Server-Side-Encryption-Customer-Algorithm": "AES256"}
    assert b2.download(bucket["bucketName"], made["fileName"], headers=headers).refusal == (400, "bad_request")


def test_a_private_download_needs_read_files(b2, bucket, made):
    session = b2.restricted(["listFiles", "writeFiles"])
    assert session.download(bucket["bucketName"], made["fileName"]).error == UNAUTHORIZED
