"""Passkeys: made and used with an authenticator that the browser plays, and what is refused."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from harness.console import PASSWORD, Console
from harness.console_forms import Browser as Forms
from harness.server import run_command


@pytest.fixture
def person(server, browser, new_name):
    """Somebody at a browser with an authenticator, at the console by its name: addresses have no passkeys."""
    email = f"{new_name('key-holder')}@example.com"
    server.create_account(email)
    page = browser.new_context().new_page()
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    console = Console(server, page)
    console.email, console.cdp, console.authenticator = email, session, made["authenticatorId"]
    console.origin = server.console_url.replace("127.0.0.1", "localhost")
    yield console
    page.context.close()


def go(person, path):
    person.page.goto(person.origin + path)


def add_passkey(person, name="My laptop", password=PASSWORD):
    go(person, "/settings/security")
    dialog = person.dialog("Add a passkey")
    dialog.get_by_label("What to call it").fill(name)
    dialog.get_by_label("Your password", exact=True).fill(password)
    dialog.get_by_role("button", name="Go on").click()
    return dialog


def sign_in_first(person):
    go(person, "/sign-in")
    person.sign_in(person.email)


def sign_out(person):
    go(person, "/settings")
    person.page.get_by_label("User menu").click()
    person.page.get_by_role("button", name="Sign out").click()
    expect(person.page.get_by_label("E-mail address")).to_be_visible()


def call(person, path, body):
    """A request of a script of the page that is open."""
    return person.page.evaluate(
        """async ([path, body]) => {
            const token = document.querySelector("meta[name=csrf-token]").content;
            const headers = { "content-type": "application/json", accept: "application/json", "x-csrf-token": token };
            const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
            return [answer.status, await answer.json()];
        }""",
        [path, body],
    )


def signed(person):
    """What the authenticator signs for a challenge that the page asked for, as the script would send it."""
    return person.page.evaluate(
        """async () => {
            const token = document.querySelector("meta[name=csrf-token]").content;
            const headers = { "content-type": "application/json", accept: "application/json", "x-csrf-token": token };
            const answer = await fetch("/sign-in/passkey/options", { method: "POST", headers, body: "{}" });
            const { options } = await answer.json();
            const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
            return (await navigator.credentials.get({ publicKey })).toJSON();
        }"""
    )


def test_a_passkey_is_added_signs_in_without_password_and_code_and_is_removed(person):
    sign_in_first(person)
    add_passkey(person)
    page = person.page
    expect(page.get_by_text("The passkey is added")).to_be_visible()
    row = page.get_by_role("table", name="Passkeys").get_by_role("row").filter(has_text="My laptop")
    expect(row).to_contain_text("never")
    sign_out(person)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_label("User menu")).to_contain_text(person.email)
    go(person, "/settings/security")
    expect(row).to_contain_text("just now")
    go(person, "/audit")
    expect(page.get_by_role("row").filter(has_text="Add passkey")).to_contain_text("My laptop")
    expect(page.get_by_role("row").filter(has_text="Sign in").first).to_contain_text("passkey")
    go(person, "/settings/security")
    row.get_by_role("button", name="Remove My laptop").click()
    expect(page.get_by_text("The passkey is removed")).to_be_visible()
    expect(row).to_have_count(0)
    sign_out(person)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("was not accepted")


def test_a_passkey_is_added_for_the_password_alone(person):
    sign_in_first(person)
    dialog = add_passkey(person, password="not my password")
    expect(dialog.get_by_role("alert")).to_contain_text("This is not your password")
    go(person, "/settings/security")
    expect(person.page.get_by_role("table", name="Passkeys")).to_have_count(0)


def test_what_was_signed_once_is_worth_nothing_again_and_nothing_with_another_challenge(person):
    sign_in_first(person)
    add_passkey(person)
    expect(person.page.get_by_text("The passkey is added")).to_be_visible()
    sign_out(person)
    credential = signed(person)
    assert call(person, "/sign-in/passkey", {"credential": credential, "next": ""})[0] == 200
    sign_out(person)
    status, _ = call(person, "/sign-in/passkey", {"credential": credential, "next": ""})
    assert status == 410
    # A fresh challenge in the place of the one that was signed.
    other, fresh = signed(person), signed(person)
    for field in ("clientDataJSON", "signature", "authenticatorData"):
        mixed = json.loads(json.dumps(fresh))
        mixed["response"][field] = other["response"][field]
        status, _ = call(person, "/sign-in/passkey", {"credential": mixed, "next": ""})
        assert status in {403, 410}, field
        fresh = signed(person)


@pytest.mark.parametrize(
    "credential",
    [{}, {"rawId": "x", "response": {"clientDataJSON": "!"}}, {"rawId": "eA", "response": {"clientDataJSON": "e30"}},
     {"rawId": "eA", "response": {"clientDataJSON": "eyJjaGFsbGVuZ2UiOiJlQSJ9"}}, {"response": [1]}, {"rawId": 7}],
)  # fmt: skip
def test_what_is_no_passkey_is_refused(person, credential):
    go(person, "/sign-in")
    status, _ = call(person, "/sign-in/passkey", {"credential": credential, "next": ""})
    assert status in {403, 410}


def test_a_suspended_account_is_not_signed_in_by_its_passkey(person, server):
    sign_in_first(person)
    add_passkey(person)
    expect(person.page.get_by_text("The passkey is added")).to_be_visible()
    sign_out(person)
    run_command("account", "suspend", "--data", str(server.data_dir), person.email, home=server.data_dir.parent)
    person.page.get_by_role("button", name="Sign in with a passkey").click()
    expect(person.page.get_by_role("alert")).to_contain_text("was not accepted")


def test_by_an_address_there_are_no_passkeys_and_the_page_says_why(server, new_name):
    email = f"{new_name('addressed')}@example.com"
    server.create_account(email)
    forms = Forms(server)
    assert forms.sign_in(email).status_code == 303
    assert "for names alone" in forms.get("/settings/passkeys/new").text
