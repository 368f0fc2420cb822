"""A secret is shown once: in the answer to the form that made it, which nobody keeps, and nowhere else (P8)."""

from __future__ import annotations

import re

import pytest

from harness.clients import boto3_client
from harness.console_forms import Browser
from harness.native_session import Session

SECRET = re.compile(r"K000[A-Za-z0-9+/]{27}")
NEW_KEY = {"name": "once", "bucket": "", "access": "readWrite", "prefix": "", "duration": ""}


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


def test_nobody_comes_to_the_keys_of_another_account(server, browser):
    other = server.create_account("others-keys@example.com")
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
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_its_field_and_makes_no_key(browser, wrong, field):
    before = key_ids(browser)
    answer = browser.post("/keys/new", {**NEW_KEY, **wrong})
    assert answer.status_code == 422
    assert f'id="e-{field}"' in answer.text
    assert key_ids(browser) == before
