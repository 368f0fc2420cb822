"""Attacks by way of the rule that lets pages of the console send uploads: it is for that origin, those URLs and narrow tokens."""

from __future__ import annotations

import pytest

from harness.native_fixtures import b2, bucket, public_bucket
from harness.native_session import Session

__all__ = ["b2", "bucket", "public_bucket"]
UPLOAD_HEADERS = "authorization,x-bz-file-name,x-bz-content-sha1,content-type"


def granted(answer):
    return [name for name in answer.headers if name.startswith("access-control-")]


def asked(b2, url, origin, method="POST", **headers):
    sent = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": UPLOAD_HEADERS}
    return b2.fetch(url, sent | headers, method="OPTIONS")


@pytest.fixture
def lookalikes(server):
    """Origins that are not the console's, though they look like it."""
    port = server.console_port
    return [
        "null", "https://evil.example", f"http://evil.example:{port}", f"https://127.0.0.1:{port}",
        f"http://localhost:{port}", f"http://127.0.0.1:{port}0", f"http://127.0.0.1:{port}@evil.example",
        f"http://127.0.0.1:{port}.evil.example", f"http://x127.0.0.1:{port}", "http://127.0.0.1", server.api_url,
        f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{port},http://evil.example", f"http://evil.example http://127.0.0.1:{port}",
    ]  # fmt: skip


def test_no_origin_but_the_consoles_gains_anything(b2, public_bucket, lookalikes):
    target = b2.upload_url(public_bucket["bucketId"])
    b2.upload(public_bucket["bucketId"], "f", b"x")
    for origin in lookalikes:
        refused = asked(b2, target["uploadUrl"], origin)
        assert (refused.refusal, granted(refused)) == ((403, "access_denied"), []), origin
        done = b2.try_upload(public_bucket["bucketId"], "f", b"x", {"Origin": origin}, target=target)
        assert (done.status, granted(done)) == (200, []), origin
        shown = b2.download(public_bucket["bucketName"], "f", headers={"Origin": origin})
        assert (shown.status, granted(shown)) == (200, []), origin


def test_the_console_too_sees_nothing_of_the_api_itself(b2, server, bucket):
    b2.upload(bucket["bucketId"], "f", b"x")
    console = server.console_url
    for call in (
        "b2_authorize_account",
        "b2_list_buckets",
        "b2_get_upload_url",
        "b2_delete_file_version",
        "no_such_call",
    ):
        url = f"{b2.url}/b2api/v3/{call}"
        assert granted(asked(b2, url, console)) == []
        assert granted(b2.post(url, {"Origin": console, "Authorization": b2.token}, b"{}")) == []
    target = b2.upload_url(bucket["bucketId"])["uploadUrl"]
    for method in ("GET", "PUT", "DELETE"):
        assert asked(b2, target, console, method).refusal == (403, "access_denied")
    for url in (f"{b2.url}/{bucket['bucketName']}/f", f"{b2.url}/"):
        assert granted(asked(b2, url, console, "PUT")) == []


def test_the_console_too_sees_nothing_that_was_asked_for_with_an_account_token(b2, server, bucket):
    b2.upload(bucket["bucketId"], "f", b"x")
    console = server.console_url
    shown = b2.download(bucket["bucketName"], "f", headers={"Origin": console, "Authorization": b2.token})
    assert (shown.status, granted(shown)) == (200, [])
    refused = asked(b2, f"{b2.url}/file/{bucket['bucketName']}/f?Authorization={b2.token}", console, "GET")
    assert refused.refusal == (403, "access_denied")


def test_no_answer_ever_allows_credentials_that_a_browser_adds_by_itself(b2, server, bucket):
    target = b2.upload_url(bucket["bucketId"])
    answers = [
        asked(b2, target["uploadUrl"], server.console_url),
        b2.try_upload(bucket["bucketId"], "f", b"x", {"Origin": server.console_url}, target=target),
    ]
    for answer in answers:
        assert granted(answer)
        assert "access-control-allow-credentials" not in answer.headers


def test_a_host_header_moves_the_console_only_to_where_its_sender_is_already(b2, server, bucket):
    """A name that an attacker lets point here is the attacker's own origin: it gets no token by that, and no other origin."""
    target = b2.upload_url(bucket["bucketId"])["uploadUrl"]
    for host in ("evil.example", "evil.example:1", "evil.example/@x", "a b", ""):
        for origin in ("http://other.example", f"https://evil.example:{server.console_port}"):
            refused = asked(b2, target, origin, Host=host)
            assert (refused.status in {400, 403}, granted(refused)) == (True, [])


def test_without_its_token_an_upload_of_the_console_is_refused(b2, server, bucket):
    target = b2.upload_url(bucket["bucketId"])
    other = b2.upload_url(bucket["bucketId"])
    headers = {"Origin": server.console_url, "Authorization": other["authorizationToken"]}
    assert b2.try_upload(bucket["bucketId"], "f", b"x", headers, target=target).refusal == (401, "bad_auth_token")
    assert b2.versions(bucket["bucketId"]) == []


def test_a_forwarded_host_moves_the_console_only_when_a_trusted_proxy_says_so(make_server, new_name):
    for proxies, status in (((), 403), (("--trusted-proxy", "127.0.0.1/32"), 200)):
        running = make_server("--workers", "1", *proxies).start()
        session = Session(running.api_url, running.key_id, running.application_key)
        target = session.upload_url(session.create_bucket(new_name("proxied"))["bucketId"])["uploadUrl"]
        forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
        answer = asked(session, target, f"https://evil.example:{running.console_port}", **forwarded)
        assert answer.status == status
