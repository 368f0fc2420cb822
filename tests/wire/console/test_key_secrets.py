"""A secret is shown once: in the answer to the form that made it, which nobody keeps, and nowhere else (P8)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from harness.clients import boto3_client
from harness.console_forms import Browser
from harness.native_session import Session

SECRET = re.compile(r"K000[A-Za-z0-9+/]{27}")
NEW_KEY = {"name": "once", "bucket": "", "access": "readWrite", "prefix": "", "duration": "", "expires_on": ""}


@pytest.fixture
def account(server, new_name):
    return server.create_account(f"{new_name('keys')}@example.com")


@pytest.fixture
def browser(server, account):
    made = Browser(server)
    assert made.sign_in(account["email"]).status_code == 303
    return made


def secret_in(answer):
    [secret] = set(SECRET.findall(answer.text.replace("&#43;", "+")))
    return secret


def key_ids(browser):
    return re.findall(r'data-key-id="([0-9a-f]+)"', browser.get("/keys").text)


def test_the_answer_that_has_a_secret_is_kept_by_nobody_and_no_page_has_it_afterwards(server, browser):
    answer = browser.post("/keys/new", NEW_KEY)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "location" not in answer.headers
    secret = secret_in(answer)
    key_id = key_ids(browser)[-1]
    for path in ("/keys", "/keys/new", f"/keys/{key_id}/rotate", f"/keys/{key_id}/delete", "/keys/master", "/buckets"):
        page = browser.get(path)
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert secret not in page.text.replace("&#43;", "+")
    assert secret not in server.log_file.read_text()


@pytest.mark.parametrize("attack", [{"origin": "https://evil.example.com"}, {"token": "0" * 64}, {"token": ""}])
def test_a_form_of_another_page_generates_no_master_key_and_makes_rotates_and_deletes_none(
    server, account, browser, attack
):
    before = key_ids(browser)
    forms = {
        "/keys/master": {},
        "/keys/new": NEW_KEY,
        f"/keys/{before[0]}/rotate": {"retire": "3600"},
        f"/keys/{before[0]}/delete": {},
        "/caps/edit": {"storage": "0"},
    }
    for path, fields in forms.items():
        assert browser.post(path, fields, **attack).status_code == 403
    assert key_ids(browser) == before
    assert Session(server.api_url, account["accountId"], account["masterApplicationKey"]).authorize().status == 200


def test_nobody_comes_to_the_keys_of_another_account(server, browser, new_email):
    other = server.create_account(new_email("others-keys"))
    for path in (
        f"/keys/{other['keyId']}/rotate",
        f"/keys/{other['keyId']}/delete",
        f"/keys/{other['accountId']}/delete",
    ):
        assert browser.get(path).status_code == 404
        assert browser.post(path, {"retire": "3600"}).status_code == 404
    assert other["keyId"] not in browser.get(f"/keys?start={other['accountId']}").text
    boto3_client(server, key=(other["keyId"], other["applicationKey"])).list_buckets()


def test_the_own_master_key_is_neither_deleted_nor_given_a_twin(server, account, browser):
    for word in ("delete", "rotate"):
        assert browser.post(f"/keys/{account['accountId']}/{word}", {}).status_code == 404
    assert Session(server.api_url, account["accountId"], account["masterApplicationKey"]).authorize().status == 200


def test_who_is_not_signed_in_makes_no_key(server):
    answer = Browser(server).post("/keys/new", NEW_KEY)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


def test_what_a_key_is_called_and_restricted_to_is_shown_as_text(browser):
    prefix = "<script>alert(1)</script>/"
    browser.post("/keys/new", {**NEW_KEY, "prefix": prefix})
    page = browser.get("/keys").text
    assert prefix not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;/" in page


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"), ({"name": "under_score"}, "name"), ({"name": "x" * 101}, "name"),
        ({"bucket": "0" * 24}, "bucket"), ({"bucket": "some"}, "bucket"), ({"access": "everything"}, "access"),
        ({"access": "custom"}, "access"), ({"access": "custom", "capabilities": "flyToTheMoon"}, "access"),
        ({"prefix": "p" * 1025}, "prefix"), ({"duration": "86400000"}, "duration"), ({"duration": "1" * 5000}, "duration"),
        ({"duration": "1000 days"}, "duration"), ({"duration": "0 days"}, "duration"), ({"duration": "9 weeks"}, "duration"),
        ({"expires_on": "soon"}, "expires_on"), ({"expires_on": "2020-02-02"}, "expires_on"), ({"expires_on": "9999-12-31"}, "expires_on"),
        ({"expires_on": "2999-02-30"}, "expires_on"), ({"duration": "60", "expires_on": "2999-01-01"}, "expires_on"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_its_field_and_makes_no_key(browser, wrong, field):
    before = key_ids(browser)
    answer = browser.post("/keys/new", {**NEW_KEY, **wrong})
    assert answer.status_code == 422
    assert f'id="e-{field}"' in answer.text
    assert key_ids(browser) == before


@pytest.mark.parametrize(
    ("given", "days"), [({"duration": "90 days"}, 90), ({"duration": "1day"}, 1), ({"duration": "864000"}, 10)]
)
def test_a_duration_is_in_seconds_or_in_days(browser, given, days):
    assert expiry_of(browser, given) == pytest.approx(time.time() + days * 86_400, abs=120)


def test_a_key_works_until_the_end_of_its_last_day(browser):
    last_day = datetime.now(UTC).date() + timedelta(days=30)
    midnight = datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC) + timedelta(days=1)
    assert expiry_of(browser, {"expires_on": last_day.isoformat()}) == pytest.approx(midnight.timestamp(), abs=60)


def expiry_of(browser, given):
    """When a key expires that is made with these fields: seconds since the epoch, as the list of keys has it."""
    before = set(key_ids(browser))
    assert browser.post("/keys/new", {**NEW_KEY, **given}).status_code == 200
    [made] = set(key_ids(browser)) - before
    row = browser.get("/keys").text.partition(f'data-key-id="{made}"')[2].partition("</tr>")[0]
    times = [datetime.fromisoformat(found) for found in re.findall(r'<time datetime="([^"]+)"', row)]
    return max(one.timestamp() for one in times)
