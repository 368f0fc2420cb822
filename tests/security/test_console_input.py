"""Input that no page of the console would send (CWE-20): it is refused as what it is, and never an error of ours."""

from __future__ import annotations

import http.client
import re

import pytest

from harness.console_forms import TIMEOUT_S, Browser

HUGE = "9" * 5000  # Python refuses to read more than 4300 digits.
DEEP = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.fixture(scope="module")
def browser(server, new_name):
    """Somebody who is signed in, and may use B2 Cloud Storage."""
    email = f"{new_name('odd')}@example.com"
    server.create_account(email)
    made = Browser(server)
    assert made.sign_in(email).status_code == 303
    return made


@pytest.fixture(scope="module")
def token(browser):
    return browser.token("/buckets")


@pytest.fixture(scope="module")
def bucket(browser, token, new_name):
    name = new_name("odd-input")
    form = {"name": name, "type": "allPrivate", "encryption": "disable", "lock": "on"}
    assert browser.post("/buckets/new", form, token=token).status_code == 303
    return f"/buckets/{name}"


def revision_of(browser, bucket):
    """The revision that a form of the bucket is opened at: any change makes another."""
    return re.search(r'name="revision" value="([0-9]+)"', browser.get(f"{bucket}/settings").text)[1]


@pytest.mark.parametrize("revision", ["", "x", "-1", "1.5", "٣", "9" * 25, HUGE])
@pytest.mark.parametrize(
    ("page", "fields"),
    [
        ("settings", {"type": "allPublic", "encryption": "disable"}),
        ("lifecycle", {"choice": "last"}),
        ("cors", {"choice": "any"}),
    ],
)
def test_a_form_with_a_revision_that_is_no_number_changes_nothing(browser, token, bucket, page, fields, revision):
    before = revision_of(browser, bucket)
    answer = browser.post(f"{bucket}/{page}", {**fields, "revision": revision}, token=token)
    assert answer.status_code == 422
    assert revision_of(browser, bucket) == before


@pytest.mark.parametrize("fields", [{"choice": "x"}, {"choice": ""}, {"choice": "any", "face": "x"}])
def test_a_choice_that_is_not_offered_changes_no_cors_rules(browser, token, bucket, fields):
    before = revision_of(browser, bucket)
    assert browser.post(f"{bucket}/cors", {**fields, "revision": before}, token=token).status_code == 422
    assert revision_of(browser, bucket) == before


def test_numbers_of_very_many_digits_are_refused_beside_their_fields(browser, token, bucket):
    for page, fields in {
        "lock": {"mode": "governance", "days": HUGE},
        "events/new": {"name": "a-rule-of-mine", "url": "https://example.com/", "event": "b2:ObjectCreated:*", "batch": HUGE},
    }.items():  # fmt: skip
        assert browser.post(f"{bucket}/{page}", fields, token=token).status_code == 422, page


@pytest.mark.parametrize("start", ["x", "1-", "9" * 25 + "-1", "1-" + "9" * 19, "1-" + "9" * 25, HUGE + "-1", "٣-٣"])
def test_a_place_in_the_audit_log_that_there_is_not_is_its_beginning(browser, start):
    answer = browser.get(f"/audit?start={start}")
    assert answer.status_code == 200
    assert "Create bucket" in answer.text


@pytest.mark.parametrize("body", [DEEP, b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"[]", b"{", b"", b"null"])
def test_json_that_cannot_be_read_is_answered_with_400(browser, token, bucket, body):
    for call in ("look", "start", "part-address", "parts", "finish", "cancel"):
        answer = browser.session.post(
            f"{browser.origin}{bucket}/uploads/{call}",
            data=body,
            headers={
                "accept": "application/json",
                "content-type": "application/json",
                "origin": browser.origin,
                "x-csrf-token": token,
            },
            timeout=TIMEOUT_S,
        )
        assert (call, answer.status_code, answer.json()["title"]) == (call, 400, "This request cannot be read")


@pytest.mark.parametrize("body", [DEEP, b'{"a":"\xff"}'])
def test_json_where_a_form_belongs_is_refused_as_a_form_without_fields(browser, token, bucket, body):
    answer = browser.session.post(
        f"{browser.origin}/buckets/new",
        data=body,
        headers={"content-type": "text/plain", "origin": browser.origin, "x-csrf-token": token},
        timeout=TIMEOUT_S,
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("host", ["[::::]", "[1.2.3.4]", "[:.]:80", "[fe80::1%25x]", "x:99999", "a b", "@", ""])
def test_a_host_that_is_none_gets_an_answer_all_the_same(server, host):
    for path in ("/sign-in", "/no-such-page", "/s/x", "/static/x/style.css"):
        connection = http.client.HTTPConnection("127.0.0.1", server.console_port, timeout=TIMEOUT_S)
        connection.request("GET", path, headers={"Host": host})
        assert connection.getresponse().status < 500, path
        connection.close()


@pytest.mark.parametrize(
    "referer", ["http://[x/", "http://[::1", "//evil.example", "{own}//evil.example", "{own}@evil.example/"]
)
def test_a_form_leads_to_no_page_that_a_strange_referer_names(browser, token, bucket, referer):
    answer = browser.post(
        f"{bucket}/selection/hold",
        {"choose": "name:no-such-file"},
        token=token,
        headers={"referer": referer.format(own=browser.origin)},
    )
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{bucket}/files?")
