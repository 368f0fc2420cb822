"""What stands before every page of the console: sessions, forms of its own alone, and what browsers are told."""

from __future__ import annotations

import re
import time
from urllib.parse import quote, urlencode

import pytest
import requests

from harness.console_forms import Browser
from harness.server import free_port, run_command
from undercroft import limits


@pytest.fixture
def browser(server):
    return Browser(server)


@pytest.fixture(scope="module")
def email(server, new_name):
    address = f"{new_name('guarded')}@example.com"
    server.create_account(address)
    return address


@pytest.fixture
def signed_in(browser, email):
    assert browser.sign_in(email).status_code == 303
    return browser


def test_a_page_sends_strangers_to_sign_in_and_back(browser, email):
    answer = browser.get("/buckets?view=table")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fbuckets%3Fview%3Dtable")
    assert browser.sign_in(email, next="/buckets?view=table").headers["location"] == "/buckets?view=table"


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_to_another_host_after_signing_in(browser, email, elsewhere):
    assert browser.sign_in(email, next=elsewhere).headers["location"] == "/buckets"


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_nobody_is_sent_to_another_host_by_a_form_that_says_where_it_was_opened_from(signed_in, new_name, elsewhere):
    bucket = new_name("back")
    assert signed_in.post("/buckets/new", {"name": bucket}).status_code == 303
    for back, location in ((elsewhere, "/caps"), (f"/buckets/{bucket}/settings", f"/buckets/{bucket}/settings")):
        answer = signed_in.post(f"/caps/buckets/{bucket}", {"back": back})
        assert answer.headers["location"] == f"{location}?notice=caps-updated"


def test_a_script_that_is_not_signed_in_is_told_so(browser):
    answer = browser.get("/buckets", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["title"]) == (401, "You are not signed in")


def test_wrong_password_and_unknown_address_are_answered_alike(browser, email):
    answers = [
        browser.sign_in(address, "not the password").text.replace(address, "").replace(quote(address), "")
        for address in (email, "nobody@example.com")
    ]
    answers = [re.sub(r"[0-9a-f]{64}", "", answer) for answer in answers]
    assert answers[0] == answers[1]
    assert "is wrong" in answers[0]


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(browser, email):
    cookie = browser.sign_in(email).headers["set-cookie"]
    assert re.search(r"undercroft_session_\d+=[\w-]{43}; HttpOnly; Max-Age=\d+; Path=/; SameSite=strict", cookie), (
        cookie
    )


def test_signing_in_makes_a_new_session_and_signing_out_ends_it(signed_in, email):
    before = dict(signed_in.session.cookies)
    signed_in.sign_in(email)
    after = dict(signed_in.session.cookies)
    name = next(name for name in after if "session" in name)
    assert before[name] != after[name]
    assert signed_in.post("/sign-out", {}, token=signed_in.token("/buckets")).status_code == 303
    stolen = requests.get(signed_in.origin + "/buckets", cookies={name: after[name]}, allow_redirects=False, timeout=30)
    assert stolen.status_code == 303


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1"])
def test_a_form_from_another_origin_is_refused(signed_in, origin):
    answer = signed_in.post("/buckets/new", {"name": "forged-bucket"}, origin=origin, token=signed_in.token("/buckets"))
    assert answer.status_code == 403
    assert "forged-bucket" not in signed_in.get("/buckets").text


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_form_without_the_right_token_is_refused(signed_in, token):
    answer = signed_in.post("/buckets/new", {"name": "forged-bucket"}, token=token)
    assert answer.status_code == 403
    assert "forged-bucket" not in signed_in.get("/buckets").text


def test_the_token_of_one_session_is_none_of_another(signed_in, server, email):
    other = Browser(server)
    other.sign_in(email)
    answer = signed_in.post("/buckets/new", {"name": "forged-bucket"}, token=other.token("/buckets"))
    assert answer.status_code == 403


@pytest.mark.parametrize(("excess", "status"), [(0, 422), (1, 413)])
def test_a_form_has_a_largest_size(signed_in, excess, status):
    token = signed_in.token("/buckets")
    overhead = len(urlencode({"type": "allPrivate", "name": "", "csrf_token": token}))
    name = "x" * (limits.CONSOLE_FORM_MAX_BYTES - overhead + excess)
    assert signed_in.post("/buckets/new", {"type": "allPrivate", "name": name}, token=token).status_code == status


def test_a_form_that_is_no_utf_8_is_refused(signed_in):
    token = signed_in.token("/buckets")
    answer = signed_in.session.post(
        signed_in.origin + "/buckets/new",
        data=f"csrf_token={token}&name=%ff%fe",
        headers={"content-type": "application/x-www-form-urlencoded", "origin": signed_in.origin},
        timeout=30,
    )
    assert answer.status_code == 400


def test_what_is_not_there_and_what_cannot_be_asked_is_said(signed_in):
    assert signed_in.get("/no-such-page").status_code == 404
    assert signed_in.session.delete(signed_in.origin + "/buckets", timeout=30).status_code == 405


def test_pages_run_nothing_but_what_comes_with_them(signed_in, server):
    answer = signed_in.get("/buckets")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f"connect-src 'self' {server.api_url}" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", answer.text)


def test_assets_are_kept_for_ever_under_the_path_of_their_version(browser):
    path = re.search(r'href="(/static/\w+/style\.css)"', browser.get("/sign-in").text)[1]
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    old = browser.get(path.replace(path.split("/")[2], "0123456789ab"))
    assert (old.status_code, old.headers["cache-control"]) == (200, "no-cache")
    assert browser.get("/static/x/../guard.py").status_code == 404
    assert browser.get("/static/x/%2e%2e/guard.py").status_code == 404


def test_a_page_that_lies_open_and_asks_for_jobs_does_not_keep_its_session_alive(make_server):
    server = make_server("--workers", "1", "--session-idle", "5").start()
    browser = Browser(server)
    server.create_account("idle@example.com")
    browser.sign_in("idle@example.com")
    asked = {"accept": "application/json"}
    deadline = time.monotonic() + 60
    while (answer := browser.get("/jobs.json", headers=asked)).status_code == 200:
        assert time.monotonic() < deadline, "the session goes on"
        time.sleep(0.1)
    assert answer.status_code == 401


def test_a_suspended_account_is_signed_out_at_once(browser, server, home, new_email):
    email = new_email("suspended")
    server.create_account(email)
    browser.sign_in(email)
    assert browser.get("/buckets").status_code == 200
    run_command("account", "suspend", email, "--data", str(server.data_dir), home=home)
    assert browser.get("/buckets").status_code == 303
    assert browser.sign_in(email).status_code == 422


def test_a_console_url_is_compared_as_browsers_write_origins(make_server):
    listen = f"127.0.0.1:{free_port()}"
    server = make_server(
        "--workers", "1", "--console-listen", listen, "--console-url", "http://Console.Example:80"
    ).start()
    browser = Browser(server)
    browser.origin = f"http://{listen}"
    for origin, status in (("http://console.example", 200), ("http://console.example:81", 403)):
        assert browser.post("/sign-in", {"email": "a@b"}, origin=origin).status_code == status
