"""CORS of downloads and upload URLs (reference, 13.6)."""

from __future__ import annotations

import re

import pytest

from harness.native_session import Session

PAGE = "https://page.example"
OTHER = "https://other.example"
METHOD, HEADERS = "Access-Control-Request-Method", "Access-Control-Request-Headers"
DOWNLOADS = ["b2_download_file_by_name", "b2_download_file_by_id"]
UPLOADS = ["b2_upload_file", "b2_upload_part"]


def rule(operations, **changes):
    return {
        "corsRuleName": "the-rule", "allowedOrigins": [PAGE], "allowedOperations": operations,
        "allowedHeaders": ["authorization", "Range", "x-bz-*"], "exposeHeaders": ["x-bz-content-sha1"],
        "maxAgeSeconds": 3600, **changes,
    }  # fmt: skip


def set_rules(b2, bucket, *rules):
    return b2.call("b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"], corsRules=list(rules))


@pytest.fixture
def shown(b2, public_bucket):
    """A public bucket with a file `in/file` that pages of one origin may download."""
    set_rules(b2, public_bucket, rule(DOWNLOADS)).ok()
    made = b2.upload(public_bucket["bucketId"], "in/file", b"hello")
    return {
        "name": f"{b2.url}/file/{public_bucket['bucketName']}/in/file",
        "id": f"{b2.url}/b2api/v3/b2_download_file_by_id?fileId={made['fileId']}",
        "bucket": public_bucket,
    }


def allowed_origin(answer):
    return answer.headers.get("access-control-allow-origin")


def preflight(b2, url, origin=PAGE, method="GET", headers=None):
    sent = {"Origin": origin, METHOD: method} | ({} if headers is None else {HEADERS: headers})
    return b2.fetch(url, sent, method="OPTIONS")


@pytest.mark.parametrize("way", ["name", "id"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_download_is_shown_to_pages_of_the_origin_allowed_and_to_no_others(b2, shown, way, method):
    answer = b2.fetch(shown[way], {"Origin": PAGE}, method=method)
    assert (answer.status, answer.body) == (200, b"hello" if method == "GET" else b"")
    assert allowed_origin(answer) == PAGE
    assert answer.headers["access-control-expose-headers"] == "x-bz-content-sha1"
    assert answer.headers["vary"].startswith("Origin")
    refused = b2.fetch(shown[way], {"Origin": OTHER}, method=method)
    assert refused.status == 200
    assert not [name for name in refused.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("way", ["name", "id"])
def test_a_preflight_of_a_download_is_answered_by_the_rules(b2, shown, way):
    answer = preflight(b2, shown[way], headers="Range, X-Bz-Any")
    assert (answer.status, answer.body) == (200, b"")
    told = {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}
    assert told == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "GET, HEAD",
        "access-control-allow-headers": "range, x-bz-any",
        "access-control-expose-headers": "x-bz-content-sha1",
        "access-control-max-age": "3600",
    }
    assert answer.headers["vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


@pytest.mark.parametrize(
    "asked",
    [{"origin": OTHER}, {"origin": "null"}, {"method": "POST"}, {"method": "PUT"}, {"headers": "range, x-other"}],
)
@pytest.mark.parametrize("way", ["name", "id"])
def test_a_preflight_that_no_rule_allows_is_refused_and_grants_nothing(b2, shown, way, asked):
    answer = preflight(b2, shown[way], **asked)
    assert answer.refusal == (403, "access_denied")
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_without_rules_every_preflight_is_refused_as_for_a_bucket_that_is_not_there(b2, public_bucket):
    for name in (public_bucket["bucketName"], "no-such-bucket", "%ff"):
        assert preflight(b2, f"{b2.url}/file/{name}/x").refusal == (403, "access_denied")
    for query in (
        "",
        "?fileId=x",
        "?fileId=%ff",
        f"?fileId=4_z{'0' * 24}_f{'0' * 16}_d20260101_m000000_c000_v0000000_t0000",
    ):
        assert preflight(b2, f"{b2.url}/b2api/v3/b2_download_file_by_id{query}").refusal == (403, "access_denied")


@pytest.mark.parametrize(
    ("target", "status"), [("name/x", 404), ("name?b2Expires=never", 400), ("id", 404), ("name-range", 416)]
)
def test_an_error_is_shown_too(b2, shown, target, status):
    headers = {"Origin": PAGE}
    if target == "name-range":
        url, headers["Range"] = shown["name"], "bytes=99-"
    else:
        unknown = re.sub("_f([1-4])...", r"_f\g<1>000", shown["id"])
        url = unknown if target == "id" else shown["name"] + target.removeprefix("name")
    answer = b2.fetch(url, headers)
    assert (answer.error[0], allowed_origin(answer)) == (status, PAGE)


def test_an_error_of_authorization_is_shown_too(b2, bucket):
    set_rules(b2, bucket, rule(DOWNLOADS)).ok()
    answer = b2.download(bucket["bucketName"], "x", headers={"Origin": PAGE})
    assert (answer.refusal, allowed_origin(answer)) == ((401, "unauthorized"), PAGE)
    answer = b2.download(bucket["bucketName"], "x", headers={"Origin": PAGE, "Authorization": "nonsense"})
    assert (answer.refusal, allowed_origin(answer)) == ((401, "bad_auth_token"), PAGE)


def test_a_download_authorization_works_from_a_page_and_an_account_token_does_not(b2, bucket):
    set_rules(b2, bucket, rule(DOWNLOADS, allowedOrigins=["https"])).ok()
    b2.upload(bucket["bucketId"], "in/file", b"hello")
    grant = b2.call(
        "b2_get_download_authorization", bucketId=bucket["bucketId"], fileNamePrefix="in/", validDurationInSeconds=60
    ).ok()["authorizationToken"]
    name = bucket["bucketName"]
    shown = b2.download(name, "in/file", headers={"Origin": PAGE, "Authorization": grant})
    assert (shown.body, allowed_origin(shown)) == (b"hello", PAGE)
    url = f"{b2.url}/file/{name}/in/file"
    assert allowed_origin(b2.fetch(f"{url}?Authorization={grant}", {"Origin": PAGE})) == PAGE
    assert preflight(b2, f"{url}?Authorization={grant}").status == 200
    hidden = b2.download(name, "in/file", headers={"Origin": PAGE, "Authorization": b2.token})
    assert (hidden.status, allowed_origin(hidden)) == (200, None)
    for query in (f"?Authorization={b2.token}", f"?%41uthorization={b2.token}"):
        assert allowed_origin(b2.fetch(url + query, {"Origin": PAGE})) is None
        assert preflight(b2, url + query).refusal == (403, "access_denied")


def test_an_upload_is_shown_to_pages_of_the_origin_allowed(b2, bucket):
    set_rules(b2, bucket, rule(["b2_upload_file"], allowedHeaders=["*"])).ok()
    target = b2.upload_url(bucket["bucketId"])
    asked = preflight(b2, target["uploadUrl"], method="POST", headers="authorization,x-bz-file-name,content-type")
    assert (asked.status, asked.headers["access-control-allow-methods"]) == (200, "POST")
    assert preflight(b2, target["uploadUrl"], OTHER, "POST").refusal == (403, "access_denied")
    assert preflight(b2, target["uploadUrl"], method="GET").refusal == (403, "access_denied")
    done = b2.try_upload(bucket["bucketId"], "f", b"x", {"Origin": PAGE}, target=target)
    assert (done.ok()["fileName"], allowed_origin(done)) == ("f", PAGE)
    failed = b2.try_upload(
        bucket["bucketId"], "f", b"x", {"Origin": PAGE, "X-Bz-Content-Sha1": "0" * 40}, target=target
    )
    assert (failed.error[0], allowed_origin(failed)) == (400, PAGE)
    expired = {"Origin": PAGE, "Authorization": "nonsense"}
    answer = b2.try_upload(bucket["bucketId"], "f", b"x", expired, target=target)
    assert (answer.refusal, allowed_origin(answer)) == ((401, "bad_auth_token"), PAGE)
    other = b2.try_upload(bucket["bucketId"], "f", b"x", {"Origin": OTHER}, target=target)
    assert (other.status, allowed_origin(other)) == (200, None)


def test_a_part_is_an_operation_of_its_own(b2, bucket):
    set_rules(b2, bucket, rule(["b2_upload_file"], allowedHeaders=["*"])).ok()
    file_id = b2.start(bucket["bucketId"], "large")["fileId"]
    url = b2.call("b2_get_upload_part_url", fileId=file_id).ok()["uploadUrl"]
    assert preflight(b2, url, method="POST").refusal == (403, "access_denied")
    assert allowed_origin(b2.try_part(file_id, 1, b"x", {"Origin": PAGE})) is None
    set_rules(b2, bucket, rule(["b2_upload_part"], allowedHeaders=["*"])).ok()
    assert preflight(b2, url, method="POST", headers="x-bz-part-number").status == 200
    assert allowed_origin(b2.try_part(file_id, 1, b"x", {"Origin": PAGE})) == PAGE
    assert preflight(b2, b2.upload_url(bucket["bucketId"])["uploadUrl"], method="POST").status == 403


def test_calls_of_the_api_do_not_speak_cors(b2, shown, bucket):
    set_rules(b2, bucket, rule([*DOWNLOADS, *UPLOADS], allowedOrigins=["*"], allowedHeaders=["*"])).ok()
    for call in ("b2_list_file_names", "b2_authorize_account", "b2_get_upload_url", "no_such_call"):
        url = f"{b2.url}/b2api/v3/{call}"
        answer = b2.post(url, {"Origin": PAGE, "Authorization": b2.token}, b"{}")
        refused = preflight(b2, url, method="POST", headers="authorization")
        assert refused.status >= 400
        assert allowed_origin(answer) is allowed_origin(refused) is None
    by_id = b2.post(shown["id"].partition("?")[0], {"Origin": PAGE}, b'{"fileId": "x"}')
    assert (by_id.refusal, allowed_origin(by_id)) == ((400, "bad_request"), None)


def test_changed_rules_hold_at_once(b2, shown):
    assert allowed_origin(b2.fetch(shown["name"], {"Origin": PAGE})) == PAGE
    for origins, seen in ((["*"], "*"), ([OTHER], None), ([PAGE], PAGE)):
        set_rules(b2, shown["bucket"], rule(DOWNLOADS, allowedOrigins=origins)).ok()
        assert allowed_origin(b2.fetch(shown["name"], {"Origin": PAGE})) == seen
    set_rules(b2, shown["bucket"]).ok()
    assert allowed_origin(b2.fetch(shown["name"], {"Origin": PAGE})) is None
    assert preflight(b2, shown["name"]).status == 403


def test_caches_are_told_that_an_answer_depends_on_the_origin_where_there_are_rules(b2, shown):
    assert b2.fetch(shown["name"], {}).headers["vary"].startswith("Origin")
    assert b2.fetch(shown["id"], {}).headers["vary"].startswith("Origin")
    for origin in (PAGE, OTHER, "null"):
        assert b2.fetch(shown["name"], {"Origin": origin}).headers["vary"].startswith("Origin")
    set_rules(b2, shown["bucket"]).ok()
    for headers in ({}, {"Origin": PAGE}):
        assert "vary" not in b2.fetch(shown["name"], headers).headers


@pytest.mark.parametrize(
    "wrong",
    [
        {"allowedOperations": ["b2_list_buckets"]}, {"allowedOperations": []}, {"allowedOrigins": ["https://*.*.com"]},
        {"allowedOrigins": []}, {"maxAgeSeconds": 86_401}, {"corsRuleName": "short"}, {"allowedHeaders": ["a b"]},
        {"exposeHeaders": ["*"]},
    ],
)  # fmt: skip
def test_rules_that_cannot_be_are_refused_and_change_nothing(b2, bucket, wrong):
    before = set_rules(b2, bucket, rule(DOWNLOADS)).ok()
    assert set_rules(b2, bucket, rule(DOWNLOADS, **wrong)).refusal == (400, "bad_request")
    assert (
        b2.call("b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"]).ok()["corsRules"]
        == before["corsRules"]
    )


def test_a_bucket_has_a_hundred_rules_at_most(b2, bucket):
    rules = [rule(DOWNLOADS, corsRuleName=f"rule-{number:03}") for number in range(101)]
    assert set_rules(b2, bucket, *rules).refusal == (400, "bad_request")
    assert set_rules(b2, bucket, *rules[:100]).ok()["corsRules"] == rules[:100]
    assert set_rules(b2, bucket, rule(DOWNLOADS, maxAgeSeconds=86_400)).ok()["corsRules"][0]["maxAgeSeconds"] == 86_400


# -- The console --------------------------------------------------------------------------------------------------------
@pytest.fixture
def console(server):
    """The origin of the console's pages."""
    return server.console_url


def test_the_console_uploads_and_downloads_whatever_the_rules_of_the_bucket_say(b2, bucket, console):
    for rules in ([], [rule(DOWNLOADS + UPLOADS)]):
        set_rules(b2, bucket, *rules).ok()
        target = b2.upload_url(bucket["bucketId"])
        asked = preflight(
            b2,
            target["uploadUrl"],
            console,
            "POST",
            headers="authorization,content-type,x-bz-file-name,x-bz-content-sha1",
        )
        assert (asked.status, allowed_origin(asked)) == (200, console)
        assert asked.headers["access-control-allow-methods"] == "POST"
        done = b2.try_upload(bucket["bucketId"], "in/f", b"x", {"Origin": console}, target=target)
        assert (done.ok()["fileName"], allowed_origin(done)) == ("in/f", console)
        assert done.headers["vary"].startswith("Origin")
        file_id = b2.start(bucket["bucketId"], "large")["fileId"]
        url = b2.call("b2_get_upload_part_url", fileId=file_id).ok()["uploadUrl"]
        assert preflight(b2, url, console, "POST", headers="authorization,x-bz-part-number").status == 200
        assert allowed_origin(b2.try_part(file_id, 1, b"x", {"Origin": console})) == console
        grant = b2.call(
            "b2_get_download_authorization",
            bucketId=bucket["bucketId"],
            fileNamePrefix="in/",
            validDurationInSeconds=60,
        ).ok()["authorizationToken"]
        shown = b2.download(bucket["bucketName"], "in/f", headers={"Origin": console, "Authorization": grant})
        assert (shown.body, allowed_origin(shown)) == (b"x", console)


def test_a_server_told_where_its_console_is_knows_no_other(make_server, new_name):
    running = make_server("--workers", "1", "--console-url", "https://Console.example:443").start()
    session = Session(running.api_url, running.key_id, running.application_key)
    target = session.upload_url(session.create_bucket(new_name("told"))["bucketId"])["uploadUrl"]
    assert allowed_origin(preflight(session, target, "https://console.example", "POST")) == "https://console.example"
    for other in (f"http://127.0.0.1:{running.console_port}", "https://console.example:444", "http://console.example"):
        assert preflight(session, target, other, "POST").refusal == (403, "access_denied")
