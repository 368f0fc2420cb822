"""What attacks people: guessing, telling who has an account, planted sessions, poisoned links, and others' sections."""

from __future__ import annotations

import json
import re

import pytest
import requests

from harness.console_forms import PASSWORD, Browser
from harness.mail_server import serving_mail
from harness.native_session import Session, send
from harness.server import run_command
from undercroft import limits

OPERATOR_PAGES = (
    "/operator/accounts", "/operator/accounts/new", "/operator/invitations", "/operator/invitations/new",
    "/operator/audit", "/operator/audit.csv",
)  # fmt: skip


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A server with mail and open signing up, that has one account besides the operator's."""
    from harness.server import Server

    with serving_mail() as (box, port):
        running = Server(
            tmp_path_factory.mktemp("people") / "data",
            options=(
                "--smtp-url",
                f"smtp://127.0.0.1:{port}",
                "--mail-from",
                "console@example.com",
                "--sign-up",
                "open",
            ),
        ).start()
        running.create_account("known@example.com")
        yield running, box
        running.stop()


def without_chance(text: str, *emails: str) -> str:
    """A page without what differs each time: tokens, and the address that was typed."""
    for email in emails:
        text = text.replace(email, "")
    return re.sub(r"[0-9a-f]{64}", "", text)


@pytest.mark.parametrize("path", ["/forgot-password", "/sign-up"])
def test_known_and_unknown_addresses_are_answered_alike(people, path):
    server, _ = people
    known, unknown = "known@example.com", "nobody@example.com"
    answers = [Browser(server).post(path, {"email": email}) for email in (known, unknown)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert without_chance(answers[0].text, known) == without_chance(answers[1].text, unknown)


def test_a_link_names_the_operators_console_whatever_host_was_asked(people, new_email):
    server, box = people
    email = new_email("linked")
    server.create_account(email)
    browser = Browser(server)
    port = server.console_url.rpartition(":")[2]
    answer = browser.post(
        "/forgot-password",
        {"email": email},
        token=browser.token("/forgot-password", host="evil.example"),
        origin="http://evil.example",
        headers={"host": "evil.example"},
    )
    assert answer.status_code == 200
    assert box.link_to(email, "Reset").startswith(f"http://127.0.0.1:{port}/reset-password/")


@pytest.mark.parametrize("secret", ["x", "a" * 43, "%2e%2e", "é", "a" * 5000])
def test_a_link_that_is_none_says_nothing_but_that(people, secret):
    server, _ = people
    for path in ("/reset-password/", "/sign-up/"):
        answer = Browser(server).get(path + secret)
        assert answer.status_code == 410
        assert "This link does not work" in answer.text


def test_a_session_that_was_planted_is_replaced_by_one_of_our_own(server, new_email):
    email = new_email("planted")
    server.create_account(email)
    browser = Browser(server)
    name = f"undercroft_session_{server.console_url.rpartition(':')[2]}"
    browser.session.cookies.set(name, "planted", domain="127.0.0.1", path="/")
    answer = browser.sign_in(email)
    assert answer.status_code == 303
    assert f"{name}=planted" not in answer.headers["set-cookie"]
    assert (
        requests.get(server.console_url + "/buckets", cookies={name: "planted"}, allow_redirects=False, timeout=60)
        .headers["location"]
        .startswith("/sign-in")
    )


def test_the_second_step_opens_nothing_without_the_first(server):
    browser = Browser(server)
    assert browser.get("/sign-in/code").headers["location"] == "/sign-in"
    answer = browser.post("/sign-in/code", {"code": "123456"})
    assert answer.headers["location"].startswith("/sign-in?")
    assert not [cookie for cookie in browser.session.cookies if "session" in cookie.name]


def test_guessing_ends_after_so_many_attempts_with_429_and_starts_over_for_nobody(make_server):
    server = make_server("--workers", "1").start()
    server.create_account("guessed@example.com")
    statuses = [
        Browser(server).sign_in("guessed@example.com", "wrong").status_code
        for _ in range(limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT + 1)
    ]
    assert statuses == [422] * limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT + [429]
    assert Browser(server).sign_in("guessed@example.com").status_code == 429


@pytest.fixture(scope="module")
def other(server, new_email):
    """Somebody who is no operator."""
    email = new_email("no-operator")
    server.create_account(email)
    browser = Browser(server)
    assert browser.sign_in(email).status_code == 303
    return browser


@pytest.mark.parametrize("path", OPERATOR_PAGES)
def test_the_operators_section_is_for_operators_alone(server, other, path):
    assert other.get(path).status_code == 403
    assert requests.get(server.console_url + path, allow_redirects=False, timeout=60).status_code == 303


@pytest.mark.parametrize("deed", ["suspend", "resume", "lift-trial", "caps", "second-factor", "operator", "delete"])
def test_nobody_but_an_operator_does_anything_to_another_account(server, other, deed):
    fields = {"grant": "yes", "confirm": "x", "storage": "1"}
    answer = other.post(f"/operator/accounts/{server.account_id}/{deed}", fields)
    assert answer.status_code == 403
    assert not run_command("account", "show", server.account_id, "--data", str(server.data_dir), home=server.data_dir)[
        "suspended"
    ]


def test_an_operator_works_on_accounts_and_both_logs_have_it(make_server):
    server = make_server(
        "--workers", "1",
        environment={
            "UNDERCROFT_BOOTSTRAP_EMAIL": "operator@example.com", "UNDERCROFT_BOOTSTRAP_PASSWORD": PASSWORD,
        },
    ).start()  # fmt: skip
    operator = Browser(server)
    assert operator.sign_in("operator@example.com").status_code == 303
    form = {"email": "made@example.com", "password": "seven quiet harbours"}
    path = operator.post("/operator/accounts/new", form).headers["location"].partition("?")[0]
    made = Browser(server)
    made.sign_in("made@example.com", "seven quiet harbours")
    assert operator.post(path + "/caps", {"storage": "1000", "class_b": "x"}).status_code == 422
    assert operator.post(path + "/caps", {"storage": "1000"}).status_code == 303
    assert "0 of 1,000 used" in operator.get(path).text
    assert operator.post(path + "/suspend", {}).status_code == 303
    assert made.get("/buckets").headers["location"].startswith("/sign-in")
    assert operator.post(path + "/resume", {}).status_code == 303
    assert made.get("/buckets").status_code == 200
    for log in (made.get("/audit.csv").text, operator.get("/audit.csv").text):
        for action in ("Create account", "Set caps", "Suspend account", "Resume account"):
            assert f",{action},made@example.com," in log
        assert "seven quiet harbours" not in log
    page = operator.post("/operator/invitations/new", {"email": ""}).text
    link = re.search(r"http://[^\s\"<]+/sign-up/[\w-]{43}", page)[0]
    assert Browser(server).get(link.removeprefix(server.console_url)).status_code == 200
    own = f"/operator/accounts/{server.account_id}"
    assert operator.post(own + "/suspend", {}).status_code == 422
    assert operator.post(path + "/delete", {"confirm": "other@example.com"}).status_code == 422
    assert operator.post(path + "/delete", {"confirm": "made@example.com"}).status_code == 303
    assert operator.get(path).status_code == 404


def test_an_operator_sees_a_trials_end_and_lifts_it(server, home, new_email):
    email, prospect = new_email("partner"), new_email("on-trial")
    made = server.create_account(email)
    data = ("--data", str(server.data_dir))
    group = run_command("group", "create", "trials", "--admin", made["accountId"], *data, home=home)
    partner = Session(server.api_url, made["keyId"], made["applicationKey"], "v3")
    partner.authorize().ok()
    url, order = f"{server.api_url}/b2api/v3/b2_reserve_trial_create_account", {"term": 7, "storage": 1}
    body = json.dumps([{"email": prospect, **order}]).encode()
    [on_trial] = send("POST", url, {"Authorization": partner.token}, body).ok()
    run_command("group", "delete", group["groupId"], *data, home=home)
    run_command("account", "grant-operator", made["accountId"], *data, home=home)
    operator = Browser(server)
    assert operator.sign_in(email, "a long enough password").status_code == 303
    path = f"/operator/accounts/{on_trial['accountId']}"
    assert ">Trial<" in operator.get("/operator/accounts?search=" + prospect).text
    assert "Trial ends" in operator.get(path).text
    assert operator.post(path + "/lift-trial", {}).status_code == 303
    assert "Trial ends" not in operator.get(path).text
    assert operator.post(path + "/lift-trial", {}).status_code == 303, "Somebody else was faster."
    assert f",Lift trial,{prospect}," in operator.get("/operator/audit.csv").text


def test_every_cookie_of_signing_in_is_out_of_reach_of_scripts_and_other_sites(people):
    server, _ = people
    answer = requests.get(server.console_url + "/sign-in", timeout=60)
    for cookie in answer.headers["set-cookie"].split(", "):
        if "=" in cookie.partition(";")[0]:
            assert "HttpOnly" in cookie
            assert "SameSite=strict" in cookie


def test_a_new_address_is_asked_for_alike_whether_it_has_an_account_and_its_link_is_for_who_asked(people, new_email):
    server, box = people
    email = new_email("moves")
    server.create_account(email)
    browser = Browser(server)
    assert browser.sign_in(email).status_code == 303
    answers, unknown = [], new_email("unknown")
    for wanted in ("known@example.com", unknown):
        form = {"email": wanted, "again": wanted, "password": PASSWORD}
        answer = browser.post("/settings/email", form, token=browser.token("/settings/email"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/settings?notice=email-asked")
        answers.append(without_chance(browser.get("/settings").text, wanted))
    assert re.sub(r"left\" content=\"\d+", "", answers[0]) == re.sub(r"left\" content=\"\d+", "", answers[1])
    link = box.link_to(unknown, "Confirm")
    assert link.startswith(f"{server.console_url}/settings/email/")
    path = link.removeprefix(server.console_url)
    assert Browser(server).get(path).headers["location"].startswith("/sign-in?next=")
    stranger = Browser(server)
    stranger.sign_in("known@example.com")
    assert stranger.get(path).status_code == 410
    assert stranger.post(path, {}, token=stranger.token("/settings")).status_code == 410
    token = browser.token("/settings")
    assert browser.post(path, {}, token=token).headers["location"] == "/settings?notice=email-changed"
    assert browser.post(path, {}, token=token).status_code == 410
    assert f"<span>{unknown}</span>" in browser.get("/settings").text
    log = browser.get("/audit.csv").text
    assert path.rpartition("/")[2] not in log
    assert f"e-mail address: {email} → {unknown}" in log


def test_a_new_address_that_is_taken_back_is_not_confirmed(people, new_email):
    server, box = people
    email, wanted = new_email("moves"), new_email("wanted")
    server.create_account(email)
    browser = Browser(server)
    browser.sign_in(email)
    token = browser.token("/settings")
    form = {"email": wanted, "again": wanted, "password": "not the password"}
    assert browser.post("/settings/email", form, token=token).status_code == 422
    browser.post("/settings/email", {**form, "password": PASSWORD}, token=token)
    path = box.link_to(wanted, "Confirm").removeprefix(server.console_url)
    assert "Waiting for confirmation" in browser.get("/settings").text
    browser.post("/settings/email/take-back", {}, token=token)
    assert "Waiting for confirmation" not in browser.get("/settings").text
    assert browser.get(path).status_code == 410


def test_who_invites_is_shown_the_link_only_where_it_was_not_mailed(people, new_email):
    server, box = people
    email = new_email("inviter")
    server.create_account(email)
    browser = Browser(server)
    browser.sign_in(email)
    token = browser.token("/members")
    for refuses in (False, True):
        box.refuses = refuses
        invited = new_email("invited")
        try:
            form = {"email": invited, "role": "objectViewer", "scope": "account"}
            answer = browser.post("/members/invite", form, token=token)
        finally:
            box.refuses = False
        assert answer.status_code == 200
        assert invited in answer.text
        assert ("/join/" in answer.text) == refuses
        if not refuses:
            path = box.link_to(invited, "invites you").removeprefix(server.console_url)
            assert Browser(server).get(path).status_code == 200


def test_an_operator_who_invites_is_shown_the_link_only_where_it_was_not_mailed(people, new_email):
    server, box = people
    email = new_email("operator")
    made = server.create_account(email)
    data = ("--data", str(server.data_dir))
    run_command("account", "grant-operator", made["accountId"], *data, home=server.data_dir.parent)
    browser = Browser(server)
    browser.sign_in(email)
    token = browser.token("/operator/invitations")
    for refuses in (False, True):
        box.refuses = refuses
        invited = new_email("invited")
        try:
            answer = browser.post("/operator/invitations/new", {"email": invited}, token=token)
        finally:
            box.refuses = False
        assert answer.status_code == 200
        assert invited in answer.text
        assert ("/sign-up/" in answer.text) == refuses
        if not refuses:
            path = box.link_to(invited, "Your account").removeprefix(server.console_url)
            assert Browser(server).get(path).status_code == 200
    assert "/sign-up/" in browser.post("/operator/invitations/new", {"email": ""}, token=token).text


def test_the_page_of_a_reset_says_which_sessions_end_and_the_log_what_was_done(people, new_email):
    server, box = people
    email = new_email("forgetful")
    server.create_account(email)
    browser, other = Browser(server), Browser(server)
    other.session.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
    for one in (browser, other):
        one.sign_in(email)
    Browser(server).post("/forgot-password", {"email": email})
    path = box.link_to(email, "Reset").removeprefix(server.console_url)
    stranger = Browser(server)
    page = stranger.get(path).text
    assert "2 sessions that end" in page
    assert "Firefox on Linux" in page
    assert "127.0.0.1" not in page.replace(server.console_url, "")  # Whoever has the link need not be the owner.
    password = "nine quiet harbours"
    differs = {"password": password, "password_again": "another"}
    refused = stranger.post(path, differs)
    assert (refused.status_code, "2 sessions that end" in refused.text) == (422, True)
    done = stranger.post(path, {"password": password, "password_again": password, "remove": ["0" * 16, "x"]})
    assert done.headers["location"] == "/sign-in?notice=password-reset"
    assert other.get("/settings").headers["location"].startswith("/sign-in")
    assert stranger.get(path).status_code == 410
    browser.sign_in(email, password)
    assert "Reset password" in browser.get("/audit.csv").text
