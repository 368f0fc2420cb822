"""Stored and reflected cross-site scripting (CWE-79): a stored file never acts as a page of the server's origin.

Browsers are told not to guess types (`nosniff`), and every type that one of them renders as a document is put into an empty
sandbox, on both faces, however the type came to be.
"""

from __future__ import annotations

from urllib.parse import quote

import pytest

SCRIPT = b"<html><script>alert(document.domain)</script></html>"
ACTIVE = [
    "text/html", "TEXT/HTML", "text/html; charset=utf-8", "text/html;charset=utf-7", " text/html", "text/html ", "text/plain, text/html",
    "text/plain;a=b, text/html", "text/html,", "image/svg+xml", "image/SVG+XML", "application/xhtml+xml", "text/xml", "application/xml",
    "application/rss+xml", "application/mathml+xml", "text/xsl", "application/xslt+xml", "multipart/x-mixed-replace; boundary=x",
    "message/rfc822", "application/vnd.wap.xhtml+xml", "x/html", "text/html\t;x",
]  # fmt: skip
PASSIVE = [
    "text/plain",
    "application/octet-stream",
    "image/png",
    "text/javascript",
    "application/pdf",
    "application/json",
    "x",
    "*/*",
]


@pytest.fixture(scope="module")
def bucket(make_bucket):
    return make_bucket("allPublic")


def assert_harmless(answer, *, active: bool):
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert ("content-security-policy" in answer.headers) is active, answer.header_list
    if active:
        assert answer.headers["content-security-policy"] == "sandbox"


@pytest.mark.parametrize("active", [True, False])
def test_files_are_sandboxed_by_the_type_that_was_stored(owner, nobody, bucket, active):
    name, _ = bucket
    for content_type in ACTIVE if active else PASSIVE:
        assert owner.s3("PUT", f"/{name}/page", {"Content-Type": content_type}, SCRIPT).status == 200
        for method in ("GET", "HEAD"):
            for target in (f"/{name}/page", f"/file/{name}/page"):
                assert_harmless(nobody.send(method, target), active=active)
                assert_harmless(nobody.send(method, target, {"Range": "bytes=0-9"}), active=active)


@pytest.mark.parametrize("active", [True, False])
def test_files_are_sandboxed_by_the_type_that_is_asked_for(owner, bucket, active):
    name, _ = bucket
    file_id = owner.s3("PUT", f"/{name}/text", {"Content-Type": "text/plain"}, SCRIPT).headers["x-amz-version-id"]
    headers = {"Authorization": owner.token}
    for content_type in ACTIVE if active else PASSIVE:
        wanted = quote(content_type, safe="")
        natives = [
            owner.send("GET", f"/file/{name}/text?b2ContentType={wanted}", headers),
            owner.send("GET", f"/b2api/v4/b2_download_file_by_id?fileId={file_id}&b2ContentType={wanted}", headers),
        ]
        for answer in natives:
            if answer.status == 200:
                assert_harmless(answer, active=active)
            else:
                assert answer.refusal == (400, "bad_request")
        answer = owner.s3("GET", f"/{name}/text?response-content-type={wanted}")
        if "\t" in content_type:
            assert answer.refusal == (400, "InvalidArgument")
        else:
            assert_harmless(answer, active=active)


def test_a_type_that_is_guessed_from_a_name_is_sandboxed_too(owner, nobody, bucket):
    name, bucket_id = bucket
    target = owner.ok("b2_get_upload_url", bucketId=bucket_id)
    for file_name in ("a.html", "a.htm", "a.svg", "a.xml", "a.xhtml", "a.shtml", "a.xsl", "a.mht"):
        fields = {"X-Bz-File-Name": file_name, "Content-Type": "b2/x-auto"}
        assert owner.upload(target, SCRIPT, fields).status == 200
        assert_harmless(nobody.send("GET", f"/file/{name}/{file_name}"), active=True)
        assert_harmless(nobody.send("GET", f"/{name}/{file_name}"), active=True)


def test_large_files_and_copies_are_no_different(owner, nobody, bucket):
    name, _ = bucket
    html = {"Content-Type": "text/html"}
    owner.s3("PUT", f"/{name}/big", html, SCRIPT + b" " * 700_000)
    owner.s3("PUT", f"/{name}/copy", {"x-amz-copy-source": f"{name}/big"})
    replaced = {"x-amz-copy-source": f"{name}/text", "x-amz-metadata-directive": "REPLACE", **html}
    owner.s3("PUT", f"/{name}/text", body=SCRIPT)
    owner.s3("PUT", f"/{name}/replaced", replaced)
    for key in ("big", "copy", "replaced"):
        for target in (f"/{name}/{key}", f"/file/{name}/{key}"):
            assert_harmless(nobody.send("GET", target), active=True)


def test_an_answer_that_a_condition_makes_short_cannot_take_the_sandbox_away(owner, nobody, bucket):
    name, _ = bucket
    owner.s3("PUT", f"/{name}/page", {"Content-Type": "text/html"}, SCRIPT)
    answer = nobody.send("GET", f"/{name}/page", {"If-None-Match": "*"})
    assert (answer.status, answer.body) == (304, b"")
    assert "content-type" not in answer.headers  # What a cache keeps of the first answer stays as it was.


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<svg/onload=alert(1)>", "]]><x/>", "<!--"]
)
def test_errors_and_lists_repeat_nothing_as_markup(owner, nobody, bucket, text):
    name, _ = bucket
    encoded = quote(text, safe="")
    owner.s3("PUT", f"/{name}/{encoded}", body=b"x")
    answers = [
        nobody.send("GET", f"/{name}x/{encoded}"),
        owner.s3("GET", f"/{name}/{encoded}none"),
        owner.s3("GET", f"/{name}/k?versionId={encoded}"),
        owner.s3("GET", f"/{name}?{encoded}"),
        owner.s3("GET", f"/{name}?list-type=2&prefix={encoded}&delimiter={encoded}"),
        owner.s3("GET", f"/{name}?versions&key-marker={encoded}"),
        owner.s3("PUT", f"/{name}/k", {"x-amz-acl": text}, b"x"),
        owner.s3("PUT", f"/{name}/k", {"x-amz-copy-source": f"{name}/{encoded}none"}),
        nobody.send("GET", f"/{name}/k", {"Authorization": text}),
    ]
    for answer in answers:
        assert answer.headers["content-type"] == "application/xml"
        assert text.encode() not in answer.body
        assert answer.xml is not None
        assert not [
            element for element in answer.xml.iter() if str(element.tag).lower() in {"script", "img", "svg", "x"}
        ]
    for answer in (
        nobody.send("GET", f"/b2api/v4/{encoded}"),
        owner.native("b2_get_file_info", fileId=text),
        owner.native(text, x=1),
        owner.native("b2_list_buckets", **{text: text}),
        nobody.send("GET", f"/file/{name}/{encoded}none"),
    ):
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.error
    owner.s3("DELETE", f"/{name}/{encoded}")


def test_no_answer_lets_another_origin_read_it(owner, nobody, bucket):
    name, _ = bucket
    owner.s3("PUT", f"/{name}/page", {"Content-Type": "text/html"}, SCRIPT)
    origin = {"Origin": "https://evil.example"}
    preflight = {**origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
    for method, target, headers in (
        ("GET", f"/{name}/page", origin),
        ("GET", f"/file/{name}/page", origin),
        ("GET", "/b2api/v4/b2_list_buckets", origin),
        ("OPTIONS", f"/{name}/page", preflight),
        ("OPTIONS", f"/file/{name}/page", preflight),
        ("OPTIONS", "/b2api/v4/b2_list_buckets", preflight),
        ("GET", "/healthz", origin),
    ):
        answer = nobody.send(method, target, headers)
        assert not [header for header, _ in answer.header_list if header.startswith("access-control-")]


def test_nothing_of_the_console_is_served_where_files_are(nobody):
    for path in (
        "/",
        "/login",
        "/console",
        "/static/app.js",
        "/favicon.ico",
        "/robots.txt",
        "/.well-known/security.txt",
        "/crossdomain.xml",
    ):
        answer = nobody.send("GET", path)
        assert answer.refusal[0] in {403, 404}
        assert "set-cookie" not in answer.headers
