"""What was judged and is not true any more when it is acted on (CWE-367): passwords, second factors, suspensions, sessions."""

from __future__ import annotations

import base64
import http.client
import json
import re
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from pyotp import TOTP

from harness.asynchronous import asynchronous
from harness.console_forms import TIMEOUT_S, Browser
from harness.people import (
    BETTER_PASSWORD,
    BROWSER,
    OWNER,
    PASSWORD,
    Postbox,
    code,
    open_people,
    proof,
    set_up_app,
    sign_in,
)
from undercroft.store import errors
from undercroft.store.identity import sessions
from undercroft.store.identity import sign_in as signing_in
from undercroft.store.identity.passkeys import Site


@pytest.fixture
def while_password_is_looked_at(monkeypatch):
    """Has something happen, once, while a password that is right is being hashed for comparison."""

    def arrange(meanwhile):
        verify, pending = sessions.verify_password, [meanwhile]

        async def verified(password, hashed):
            right = await verify(password, hashed)
            if pending:
                await pending.pop()()
            return right

        monkeypatch.setattr(sessions, "verify_password", verified)
        monkeypatch.setattr(signing_in, "verify_password", verified)

    return arrange


async def by_owner(bench):
    mine = (await sign_in(bench)).session
    await bench.store.identity.passwords.change(await proof(bench), BETTER_PASSWORD, session=mine)


async def by_operator(bench):
    await bench.store.identity.accounts.reset_password(OWNER, BETTER_PASSWORD)


async def by_link(bench):
    box, identity = bench.store.identity.letters._mailer, bench.store.identity
    await identity.passwords.request_reset(OWNER, "203.0.113.7")
    await identity.letters.sent()
    await identity.passwords.reset(box.link(), BETTER_PASSWORD)


async def suspended(bench):
    await bench.store.identity.accounts.set_suspended(OWNER, True)


CHANGES = [by_owner, by_operator, by_link, suspended]


@asynchronous
@pytest.mark.parametrize("change", CHANGES)
async def test_no_session_begins_by_a_password_that_was_changed_while_it_was_looked_at(
    tmp_path, while_password_is_looked_at, change
):
    async with open_people(tmp_path, mailer=Postbox()) as bench:
        while_password_is_looked_at(lambda: change(bench))
        with pytest.raises(errors.BadCredentials):
            await sign_in(bench)
        if change is suspended:
            await bench.store.identity.accounts.set_suspended(OWNER, False)
        left = await bench.store.identity.sessions.of_account(bench.bucket.account_id)
        assert len(left) == (1 if change is by_owner else 0)


@asynchronous
async def test_a_second_factor_that_came_while_the_password_was_looked_at_is_asked_for(
    tmp_path, while_password_is_looked_at
):
    async with open_people(tmp_path) as bench:
        while_password_is_looked_at(lambda: set_up_app(bench))
        step = await sign_in(bench)
        assert step.session == ""
        assert step.pending
        assert await bench.store.identity.sessions.of_account(bench.bucket.account_id) == []


@asynchronous
@pytest.mark.parametrize("change", [by_operator, by_link, suspended])
async def test_the_step_of_the_code_ends_with_the_password_that_led_to_it(tmp_path, change):
    async with open_people(tmp_path, mailer=Postbox()) as bench:
        app, _ = await set_up_app(bench)
        pending = (await sign_in(bench)).pending
        await change(bench)
        with pytest.raises(errors.BadLink):
            await bench.store.identity.sign_in.with_code(pending, code(bench, app), BROWSER, trust=True)
        assert (await bench.store.identity.second_factors.of(bench.bucket.account_id)).trusted_browsers == 0


@asynchronous
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("deed", ["address", "link", "password", "codes", "factor", "account"])
async def test_nothing_is_done_by_a_password_that_was_changed_while_it_was_looked_at(
    tmp_path, while_password_is_looked_at, change, deed
):
    """Whoever has stolen a session and a password must not get ahead of the owner who is changing it."""
    async with open_people(tmp_path, mailer=Postbox()) as bench:
        identity, account_id = bench.store.identity, bench.bucket.account_id
        stolen = (await sign_in(bench)).session
        await identity.accounts.set_operator(account_id, False)
        await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)
        while_password_is_looked_at(lambda: change(bench))
        given = await proof(bench)
        deeds = {
            "address": lambda: identity.accounts.set_email(given, "thief@example.com"),
            "link": lambda: identity.emails.change(given, "thief@example.com"),
            "password": lambda: identity.passwords.change(given, "nine stolen harbours", session=stolen),
            "codes": lambda: identity.second_factors.new_recovery_codes(given),
            "factor": lambda: identity.second_factors.disable(given),
            "account": lambda: identity.accounts.delete_own(given),
        }
        with pytest.raises(errors.BadCredentials):
            await deeds[deed]()
        if change is suspended:
            await identity.accounts.set_suspended(OWNER, False)
        assert (await sign_in(bench, PASSWORD if change is suspended else BETTER_PASSWORD)).session


@asynchronous
@pytest.mark.parametrize("change", [by_owner, by_operator, by_link, "end others", "second factor"])
async def test_sessions_in_which_an_operator_acts_for_somebody_end_with_the_operators_own(tmp_path, change):
    """Else whoever had the operator's session for a minute has an account of each customer for an hour."""
    async with open_people(tmp_path, mailer=Postbox()) as bench:
        identity, operator_id = bench.store.identity, bench.bucket.account_id
        other = (await identity.accounts.create("customer@example.com", "a long password")).account.account_id
        mine = (await sign_in(bench)).session
        acting = await identity.sessions.begin(other, address="", user_agent="", operator_id=operator_id)
        customers = await identity.sessions.begin(other, address="", user_agent="")
        assert (await identity.sessions.find(acting, address="")).operator.email == OWNER
        if change == "end others":
            await identity.sessions.end_others(mine, operator_id)
        elif change == "second factor":
            await set_up_app(bench)
        else:
            await change(bench)
        assert await identity.sessions.find(acting, address="") is None
        assert await identity.sessions.find(customers, address="") is not None


@asynchronous
@pytest.mark.parametrize("change", [by_owner, by_operator, by_link])
async def test_no_passkey_is_added_by_a_password_that_was_changed_meanwhile(tmp_path, monkeypatch, change):
    async with open_people(tmp_path, mailer=Postbox()) as bench:
        passkeys, site = bench.store.identity.passkeys, Site("localhost", "http://localhost")
        given = await proof(bench)
        challenge = json.loads(await passkeys.begin_adding(given, site))["challenge"]
        said = base64.urlsafe_b64encode(json.dumps({"challenge": challenge}).encode()).decode().rstrip("=")
        credential = json.dumps({"rawId": "AAAA", "response": {"clientDataJSON": said}})
        made = SimpleNamespace(credential_id=b"id", credential_public_key=b"key", sign_count=0)
        check, pending = passkeys._check_challenge, [change]

        async def checked(*arguments):
            await check(*arguments)
            if pending:
                await pending.pop()(bench)

        monkeypatch.setattr("webauthn.verify_registration_response", lambda **_: made)
        monkeypatch.setattr(passkeys, "_check_challenge", checked)
        with pytest.raises(errors.BadLink):
            await passkeys.add(given.account, site, "a thief's", credential)
        assert await passkeys.of_account(bench.bucket.account_id) == []


def test_who_acts_for_somebody_does_not_learn_the_secrets_of_a_second_factor_and_a_webhook(server, new_name):
    made = server.create_account(f"{new_name('customer')}@example.com")
    operator = Browser(server)
    assert operator.sign_in(server.announcement["email"], server.announcement["password"]).status_code == 303
    path = f"/operator/accounts/{made['accountId']}/act"
    assert operator.post(path, {"reason": "a test"}, token=operator.token("/settings")).status_code == 303
    assert operator.get("/settings/security").status_code == 200
    shown = operator.get("/settings/two-factor")
    assert shown.status_code == 403
    assert "otpauth" not in shown.text
    assert re.search(r"[A-Z2-7]{4} [A-Z2-7]{4} [A-Z2-7]{4}", shown.text) is None
    assert operator.get("/caps").status_code == 200
    assert operator.get("/caps/alerts").status_code == 403, "which shows the secret of a webhook"


def test_a_form_that_was_begun_before_its_session_ended_does_nothing_after_it(server, new_name):
    """A stolen session must not live on in a request whose body is held back."""
    email = f"{new_name('slow')}@example.com"
    server.create_account(email)
    thief, owner = Browser(server), Browser(server)
    for browser in (thief, owner):
        assert browser.sign_in(email).status_code == 303
    token = thief.token("/settings")
    body = urlencode({"name": "Stolen", "time_zone": "UTC", "csrf_token": token}).encode()
    connection = http.client.HTTPConnection(server.console_url.removeprefix("http://"), timeout=TIMEOUT_S)
    connection.putrequest("POST", "/settings")
    cookies = "; ".join(f"{each.name}={each.value}" for each in thief.session.cookies)
    for name, value in {
        "content-type": "application/x-www-form-urlencoded", "content-length": str(len(body)), "origin": thief.origin, "cookie": cookies,
        "expect": "100-continue",
    }.items():  # fmt: skip
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.sock.recv(1000).startswith(b"HTTP/1.1 100 ")  # So it waits for the body, and knows who asks.
    assert owner.post("/settings/sessions/end-others", {}, token=owner.token("/settings")).status_code == 303
    connection.send(body)
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("location")) == (303, "/sign-in")
    connection.close()
    assert 'value="Stolen"' not in owner.get("/settings").text


@asynchronous
@pytest.mark.parametrize("change", [by_owner, by_operator, by_link])
async def test_the_secret_of_an_app_that_was_begun_goes_with_the_password(tmp_path, change):
    """Whoever had the session may have seen it, and would know each code of the app that the owner sets up."""
    async with open_people(tmp_path, mailer=Postbox()) as bench:
        factors, account_id = bench.store.identity.second_factors, bench.bucket.account_id
        seen = await factors.enroll(account_id, OWNER, "Undercroft")
        await change(bench)
        assert (await factors.enroll(account_id, OWNER, "Undercroft")).secret != seen.secret


@asynchronous
async def test_a_second_factor_is_set_up_by_who_knows_the_password_and_not_by_a_session_alone(tmp_path):
    """Whoever has stolen a session would lock the owner out with it, whom no new password helps."""
    async with open_people(tmp_path) as bench:
        identity, account_id = bench.store.identity, bench.bucket.account_id
        app = TOTP((await identity.second_factors.enroll(account_id, OWNER, "Undercroft")).secret)
        given = await proof(bench)
        await identity.accounts.reset_password(OWNER, BETTER_PASSWORD)
        with pytest.raises(errors.BadCredentials):
            await identity.sign_in.confirm_enrollment(given, code(bench, app))
        assert (await identity.second_factors.of(account_id)).enabled_ms is None
