"""Improper neutralisation of the Host header (CWE-644), and forwarded-for headers from whoever (CWE-348)."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.hostile import as_request, converse
from harness.world import SECRET_CONTENT


def get(server, target, host, *headers):
    """One answer to a request with just this Host."""
    data = as_request("GET", target, [("Host", host), *headers, ("Connection", "close")])
    (answer,) = converse(server, data)
    return answer


@pytest.fixture(scope="module")
def public(make_world):
    return make_world("allPublic")


@pytest.mark.parametrize(
    "host",
    [
        "{name}.s3.us-west-000.localhost",
        "{name}.s3.localhost",
        "{name}.s3.us-west-000.localhost:8620",
        "{name}.s3.us-west-000.localhost.",
        "{name}.s3.us-west-000.localhost.:443",
        "{name}.S3.US-WEST-000.LOCALHOST",
        "{upper}.s3.us-west-000.localhost",
        "  {name}.s3.localhost  ",
        "{name}.s3.localhost:",
    ],
)
def test_a_virtual_host_is_known_in_every_spelling(server, public, host):
    host = host.format(name=public.name, upper=public.name.upper())
    assert get(server, "/in/file", host).body == SECRET_CONTENT
    # Host decides before path: these are keys of the bucket.
    for path in ("/healthz", f"/file/{public.name}/in/file", "/b2api/v4/b2_list_buckets", f"/{public.name}/in/file"):
        assert get(server, path, host).refusal == (404, "NoSuchKey")


@pytest.mark.parametrize(
    "host",
    [
        "{name}.s3.us-east-1.localhost",
        "{name}.localhost",
        "{name}.s3.us-west-000.localhost.evil.example",
        "evil.example",
        "s3.us-west-000.localhost",
        ".s3.localhost",
        "localhost:99999",
        "127.0.0.1",
        "[::1]:80",
        "",
        "xs3.localhost",
        "{name}.s3xlocalhost",
    ],
)
def test_other_hosts_are_the_endpoint_itself(server, public, host):
    assert get(server, f"/{public.name}/in/file", host.format(name=public.name)).body == SECRET_CONTENT


@pytest.mark.parametrize(
    "host",
    [
        "a b", "a,b", "a/b", "a@b", "user:pass@a", "a?b", "a#b", "a\\b", "<script>", "a:b", "a:-1", "a:999999", "[::1", "[g::]", "a\tb",
        "%2e", "a%00b", "é", "a;b", "'", '"', "{name}.s3.localhost/../x",
    ],
)  # fmt: skip
def test_a_host_that_is_none_is_refused_on_both_faces(server, host):
    assert get(server, "/x/y", host).refusal == (400, "InvalidRequest")
    assert get(server, "/file/x/y", host).refusal == (400, "bad_request")


def test_two_hosts_or_none_are_refused(server):
    for fields in ([("Host", "a"), ("Host", "b")], [("Host", "a"), ("Host", "a")]):
        (answer,) = converse(server, as_request("GET", "/x/y", fields))
        assert answer.refusal == (400, "InvalidRequest")
    (answer,) = converse(server, b"GET /x/y HTTP/1.1\r\n\r\n")
    assert answer.refusal == (400, "InvalidRequest")


@pytest.mark.parametrize("authority", ["", "a b", "user@a", "a:b", "[::1", "a,b"])
def test_an_absolute_target_with_an_odd_authority_is_refused(server, authority):
    data = as_request("GET", f"http://{authority}/x/y", {"Connection": "close"})
    (answer,) = converse(server, data)
    assert answer.refusal[0] == 400


def test_an_absolute_target_takes_the_place_of_host(server, public, owner):
    (answer,) = converse(
        server,
        as_request("GET", f"http://{public.name}.s3.localhost/in/file", {"Host": "localhost", "Connection": "close"}),
    )
    assert answer.body == SECRET_CONTENT
    (answer,) = converse(
        server,
        as_request("GET", "HTTP://localhost/healthz", {"Host": f"{public.name}.s3.localhost", "Connection": "close"}),
    )
    assert answer.body == b"ok\n"
    # The signature covers the host that decides.
    host = f"{public.name}.s3.localhost"
    headers = owner.signer.headers("GET", "/in/file", host="localhost")
    (answer,) = converse(server, as_request("GET", f"http://{host}/in/file", {**headers, "Connection": "close"}))
    assert answer.refusal == (403, "SignatureDoesNotMatch")


FORWARDED = [
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Port", "1"),
    ("Forwarded", "host=evil.example;proto=https;for=127.0.0.1"),
    ("X-Original-URL", "/b2api/v4/b2_list_buckets"),
    ("X-Rewrite-URL", "/healthz"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Real-IP", "127.0.0.1"),
]


def test_headers_of_proxies_that_nobody_trusts_change_nothing(server, owner, public):
    credentials = owner.authorize()
    urls = credentials.json["apiInfo"]["storageApi"]
    said = owner.send(
        "GET", "/b2api/v4/b2_list_buckets?accountId=" + owner.account_id, [("Authorization", owner.token), *FORWARDED]
    )
    assert said.status == 200
    target = owner.send(
        "GET", f"/b2api/v4/b2_get_upload_url?bucketId={public.bucket_id}", [("Authorization", owner.token), *FORWARDED]
    )
    assert "evil" not in target.body.decode()
    assert target.json["uploadUrl"].startswith("http://localhost/")
    assert urls["apiUrl"] == "http://localhost"
    assert get(server, f"/{public.name}/in/file", "localhost", *FORWARDED).body == SECRET_CONTENT
    assert owner.s3("HEAD", f"/{public.name}/in/file").status == 200


def test_the_metrics_are_not_told_to_whoever_says_to_be_local(server):
    console = SimpleNamespace(port=server.console_port)
    assert server.get("/metrics", console=True)[0] == 200
    for name, value in (
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("Forwarded", "for=127.0.0.1"),
    ):
        (answer,) = converse(console, as_request("GET", "/metrics", {name: value, "Connection": "close"}))
        assert answer.status == 403
    (answer,) = converse(server, as_request("GET", "/metrics", {"Connection": "close"}))
    assert answer.status in {403, 404}
