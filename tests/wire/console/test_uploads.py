"""What the scripts of uploads ask of the console: addresses for bytes, and large files begun, resumed, finished and given up."""

from __future__ import annotations

import hashlib
import re

import pytest
import requests

from harness.native_session import Session
from undercroft import limits

PASSWORD = "a long enough password"
PART = limits.BROWSER_PART_BYTES


def sha1(data):
    return hashlib.sha1(data).hexdigest()


class Script:
    """What a page's scripts do: JSON with the token of the page."""

    def __init__(self, server, email):
        self.origin = server.console_url
        self.session = requests.Session()
        token = self._token("/sign-in")
        fields = {"email": email, "password": PASSWORD, "csrf_token": token}
        self.session.post(self.origin + "/sign-in/password", data=fields, headers={"origin": self.origin}, timeout=30)
        self.token = self._token("/buckets")

    def _token(self, path):
        page = self.session.get(self.origin + path, timeout=30).text
        return re.search(r'name="csrf-token" content="([0-9a-f]{64})"', page)[1]

    def ask(self, bucket, call, body, **headers):
        sent = {"origin": self.origin, "accept": "application/json", "x-csrf-token": self.token, **headers}
        url = f"{self.origin}/buckets/{bucket}/uploads/{call}"
        return self.session.post(url, json=body, headers=sent, timeout=60)


class Owner:
    def __init__(self, server, name):
        email = f"{name}@example.com"
        made = server.create_account(email)
        self.api = Session(server.api_url, made["keyId"], made["applicationKey"])
        self.script = Script(server, email)


@pytest.fixture(scope="module")
def owner(server, new_name):
    return Owner(server, new_name("uploader"))


@pytest.fixture(scope="module")
def other(server, new_name):
    return Owner(server, new_name("other-uploader"))


@pytest.fixture
def bucket(owner, new_name):
    return owner.api.create_bucket(new_name("uploads"))


@pytest.fixture
def ask(owner, bucket):
    def call(name, /, **body):
        answer = owner.script.ask(bucket["bucketName"], name, body)
        return answer.status_code, answer.json()

    return call


def start(ask, size=PART + 1, **changes):
    return ask("start", **{"name": "in/large", "size": size, "modified": 1_700_000_000_123, **changes})


def send_part(started, number, data, address=0):
    target = started["addresses"][address]
    return requests.post(
        target["url"],
        data=data,
        headers={"Authorization": target["token"], "X-Bz-Part-Number": str(number), "X-Bz-Content-Sha1": sha1(data)},
        timeout=60,
    )


def test_an_address_takes_a_file_at_the_api_and_not_at_the_console(owner, bucket, ask, server):
    status, address = ask("address")
    assert status == 200
    assert address["url"].startswith(server.api_url + "/b2api/v4/b2_upload_file/")
    headers = {
        "Authorization": address["token"], "X-Bz-File-Name": "f%20%C3%A9", "X-Bz-Content-Sha1": sha1(b"x"),
        "Content-Type": "b2/x-auto",
    }  # fmt: skip
    assert requests.post(address["url"], data=b"x", headers=headers, timeout=30).status_code == 200
    assert owner.api.versions(bucket["bucketId"]) == [("f é", "upload")]


def test_a_large_file_is_begun_looked_at_finished_and_has_its_sha1_and_time(owner, bucket, ask, server):
    status, started = start(ask, contentType="b2/x-auto", info={"author": "ann", "b2-cache-control": "max-age=5"})
    assert (status, started["partSize"], len(started["addresses"])) == (200, PART, limits.BROWSER_PARTS_AT_ONCE)
    assert all(one["url"].startswith(server.api_url + "/b2api/v4/b2_upload_part/") for one in started["addresses"])
    first, last = b"p" * PART, b"q"
    file_id = started["fileId"]
    assert send_part(started, 2, last).status_code == 200
    assert ask("parts", fileId=file_id) == (200, {"parts": [[2, sha1(last)]]})
    assert send_part(started, 1, first, 1).status_code == 200
    whole = sha1(first + last)
    for _ in range(2):  # The second is that of a page that lost the answer.
        assert ask("finish", fileId=file_id, parts=[sha1(first), sha1(last)], sha1=whole) == (200, {"fileId": file_id})
    assert ask("parts", fileId=file_id) == (200, {"finished": True})
    made = owner.api.call("b2_get_file_info", fileId=file_id).ok()
    assert made["fileInfo"] == {
        "src_last_modified_millis": "1700000000123", "large_file_sha1": whole, "author": "ann", "b2-cache-control": "max-age=5",
    }  # fmt: skip
    assert (made["contentLength"], made["contentType"]) == (PART + 1, "application/octet-stream")


def test_cancel_leaves_nothing_and_may_be_repeated(owner, bucket, ask):
    _, started = start(ask)
    assert ask("cancel", fileId=started["fileId"]) == (200, {})
    assert owner.api.versions(bucket["bucketId"]) == []
    assert ask("cancel", fileId=started["fileId"]) == (200, {"gone": True})
    assert ask("parts", fileId=started["fileId"]) == (200, {})
    assert ask("finish", fileId=started["fileId"], parts=["0" * 40] * 2, sha1="0" * 40)[0] >= 400


def test_names_that_exist_are_counted_with_their_versions(owner, bucket, ask):
    for name in ("one", "two", "two"):
        owner.api.upload(bucket["bucketId"], name, b"x")
    status, said = ask("look", names=["one", "two", "none"])
    assert (status, said) == (200, {"versions": {"one": 1, "two": 2}, "largeAbove": PART})
    assert ask("look", names=["x"] * (limits.NAMES_LOOKED_UP_MAX + 1))[0] == 422


@pytest.mark.parametrize(
    ("size", "part_size"),
    [(PART + 1, PART), (PART * 10_000, PART), (PART * 10_000 + 1, PART + limits.MIB), (10**13, 954 * limits.MIB)],
)
def test_parts_are_never_too_many(ask, size, part_size):
    status, started = start(ask, size=size)
    assert (status, started["partSize"]) == (200, part_size)
    assert -(-size // part_size) <= limits.PART_NUMBER_MAX


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": PART}, {"size": -1}, {"size": 10**13 + 1}, {"size": "5"}, {"name": ""}, {"name": "x" * 1025}, {"name": 1},
        {"contentType": "a\r\nb"}, {"contentType": ""}, {"info": {"b2-cache-control": "a\nb"}}, {"info": {"b2-other": "x"}},
        {"info": {"a b": "x"}}, {"info": {"k": "v" * 7000}}, {"retention": {"mode": "other", "untilMs": 1}},
        {"retention": {"mode": "governance", "untilMs": 1}},
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_is_refused_and_nothing_is_begun(owner, bucket, ask, wrong):
    status, said = start(ask, **wrong)
    assert 400 <= status < 500
    assert said["title"]
    assert owner.api.versions(bucket["bucketId"]) == []


def test_names_that_are_no_text_are_refused(owner, bucket):
    headers = {"content-type": "application/json"}
    script = owner.script
    for raw in (b'{"names": ["\\ud800"]}', b'{"names": ["\xff"]}', b"{", b"[]", b'{"names": [1]}'):
        answer = script.session.post(
            f"{script.origin}/buckets/{bucket['bucketName']}/uploads/look",
            data=raw,
            headers={"origin": script.origin, "accept": "application/json", "x-csrf-token": script.token, **headers},
            timeout=30,
        )
        assert answer.status_code == 400, raw


CALLS = {
    "look": {"names": ["f"]}, "address": {}, "start": {"name": "f", "size": PART + 1, "modified": 1},
    "part-address": {"fileId": ""}, "parts": {"fileId": ""}, "finish": {"fileId": "", "parts": ["0" * 40] * 2, "sha1": "0" * 40},
    "cancel": {"fileId": ""},
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_nobody_uploads_to_the_bucket_of_another_account(owner, other, bucket, call):
    file_id = owner.api.start(bucket["bucketId"], "begun")["fileId"]
    body = CALLS[call] | ({"fileId": file_id} if "fileId" in CALLS[call] else {})
    answer = other.script.ask(bucket["bucketName"], call, body)
    assert answer.status_code in {403, 404}, answer.text
    own = other.api.create_bucket(bucket["bucketName"] + "-own")
    if "fileId" in body:  # Nor by way of a bucket of their own.
        assert other.script.ask(own["bucketName"], call, body).status_code in {403, 404}
    assert owner.api.versions(bucket["bucketId"]) == [("begun", "start")]


@pytest.mark.parametrize("call", CALLS)
def test_without_the_token_of_the_page_nothing_is_done(owner, bucket, call):
    for headers in ({"x-csrf-token": ""}, {"x-csrf-token": "0" * 64}, {"origin": "https://evil.example"}):
        assert owner.script.ask(bucket["bucketName"], call, CALLS[call], **headers).status_code == 403
    assert owner.api.versions(bucket["bucketId"]) == []
