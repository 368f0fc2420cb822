"""The first start, finished in the console: who gets in, what is offered, and what is never asked again."""

from __future__ import annotations

import re

import pytest

from harness.console_forms import Browser
from undercroft.settings import load

NEW = "six words that nobody else has"
HINT, OFFER = "When the server first started, it printed", "Finish setting up"


@pytest.fixture
def fresh(make_server):
    return make_server().start()


def printed(server):
    return server.announcement["email"], server.announcement["password"]


def test_address_and_password_are_chosen_for_the_printed_ones_and_nothing_is_asked_again(fresh):
    email, password = printed(fresh)
    browser, elsewhere = Browser(fresh), Browser(fresh)
    assert HINT in browser.get("/sign-in").text
    assert email not in browser.get("/sign-in").text
    assert browser.sign_in(email, password).status_code == 303
    assert elsewhere.sign_in(email, password).status_code == 303
    assert OFFER in browser.get("/buckets").text
    form = {"email": "Me@Example.com", "current_password": password, "password": NEW, "password_again": NEW}
    for wrong in (
        {"email": "no address"}, {"current_password": "not the one printed"}, {"password_again": "another"},
        {"password": "short", "password_again": "short"},
    ):  # fmt: skip
        assert browser.post("/settings/set-up", {**form, **wrong}).status_code == 422, wrong
    assert OFFER in browser.get("/buckets").text
    assert browser.post("/settings/set-up", form).headers["location"] == "/operator/installation?notice=set-up"
    page = browser.get("/buckets").text
    assert OFFER not in page
    assert "me@example.com" in page
    assert elsewhere.get("/buckets").headers["location"].startswith("/sign-in")
    stranger = Browser(fresh)
    assert HINT not in stranger.get("/sign-in").text
    assert stranger.sign_in(email, password).status_code == 422
    assert stranger.sign_in("me@example.com", NEW).status_code == 303
    log = stranger.get("/audit.csv").text
    assert "Finish setting up" in log
    assert password not in log
    assert NEW not in log


def test_whoever_leaves_it_as_it_is_is_not_asked_again_and_signs_in_as_before(fresh):
    email, password = printed(fresh)
    browser = Browser(fresh)
    browser.sign_in(email, password)
    assert browser.post("/settings/set-up/leave", {}).status_code == 303
    assert OFFER not in browser.get("/buckets").text
    stranger = Browser(fresh)
    assert HINT not in stranger.get("/sign-in").text
    assert stranger.sign_in(email, password).status_code == 303


def test_a_password_that_was_given_to_the_first_start_is_chosen_already(make_server):
    server = make_server(environment={"UNDERCROFT_BOOTSTRAP_PASSWORD": NEW}).start()
    browser = Browser(server)
    assert HINT not in browser.get("/sign-in").text
    assert browser.sign_in(server.announcement["email"], NEW).status_code == 303
    assert OFFER not in browser.get("/buckets").text


def test_operators_see_how_the_server_was_started_with_lines_that_start_it_otherwise(fresh):
    browser = Browser(fresh)
    browser.sign_in(*printed(fresh))
    page = browser.get("/operator/installation").text
    assert fresh.region in page
    assert fresh.s3_endpoint in page
    lines = re.findall(r"<code>undercroft serve --data \S+ ([^<]+)</code>", page)
    assert len(lines) == 5
    for line in lines:
        words = line.split()
        flags = {
            flag.removeprefix("--").replace("-", "_"): value
            for flag, value in zip(words[::2], words[1::2], strict=True)
        }
        if "tls_cert" not in flags:  # Which wants files that are there.
            assert load({"data": "/tmp/data", **flags}, {"HOME": "/"})
    stranger = Browser(fresh)
    fresh.create_account("plain@example.com")
    stranger.sign_in("plain@example.com")
    assert stranger.get("/operator/installation").status_code == 403


def test_region_and_addresses_are_chosen_in_the_console_and_hold_from_the_next_start_on(fresh):
    email, password = printed(fresh)
    browser = Browser(fresh)
    browser.sign_in(email, password)
    before = fresh.region
    form = {"region": "eu-north-9", "public_url": "", "domain": "example.com", "current_password": password}
    path = "/operator/installation/addresses"
    for wrong in (
        {"region": "No Region"}, {"public_url": "ftp://x"}, {"public_url": "https://a/b"}, {"domain": "a b"}, {"domain": "x." * 200},
        {"current_password": "another"},
    ):  # fmt: skip
        assert browser.post(path, {**form, **wrong}).status_code == 422, wrong
    assert "From the next start" not in browser.get("/operator/installation").text
    assert browser.post(path, form).headers["location"] == "/operator/installation?notice=installation-kept"
    page = browser.get("/operator/installation").text
    assert page.count("From the next start") == 2
    assert "*.s3.eu-north-9.example.com" in page
    assert browser.get(path).text.count("eu-north-9") == 1
    log = browser.get("/audit.csv").text
    assert "eu-north-9" in log
    assert password not in log
    fresh.stop()
    fresh.start()
    assert fresh.announcement["region"] == "eu-north-9" != before
    browser = Browser(fresh)
    browser.sign_in(email, password)
    assert "From the next start" not in browser.get("/operator/installation").text
    other = {"region": "", "public_url": "https://s3.example.com", "domain": "", "current_password": password}
    assert browser.post(path, other).status_code == 303
    page = browser.get("/operator/installation").text
    assert page.count("From the next start") == 3
    assert "From the next start of the server on: https://s3.example.com" in page
    assert f"From the next start of the server on: {before}" in page


def test_what_was_given_when_the_server_was_started_wins_and_is_not_asked_for(make_server):
    server = make_server("--region", "eu-given-1").start()
    email, password = server.announcement["email"], server.announcement["password"]
    browser = Browser(server)
    browser.sign_in(email, password)
    path = "/operator/installation/addresses"
    page = browser.get(path).text
    assert 'name="region"' not in page
    assert "Given when the server was started, which wins: Region." in page
    form = {"region": "us-other-1", "domain": "example.com", "current_password": password}
    assert browser.post(path, form).status_code == 303
    page = browser.get("/operator/installation").text
    assert "us-other-1" not in page
    assert "*.s3.eu-given-1.example.com" in page


def test_nobody_but_an_operator_chooses_them(fresh):
    fresh.create_account("plain@example.com")
    stranger = Browser(fresh)
    stranger.sign_in("plain@example.com")
    path = "/operator/installation/addresses"
    assert stranger.get(path).status_code == 403
    form = {"region": "eu-north-9", "public_url": "", "domain": "", "current_password": "whatever it is"}
    assert stranger.post(path, form).status_code == 403
    assert Browser(fresh).get(path).status_code == 303
