"""An operator acts for an account: what they see, what stays closed to them, and that all of it is written down."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from harness.console import PASSWORD, console_of
from harness.console_forms import Browser as Forms
from harness.server import run_command


@pytest.fixture
def person(server, new_name):
    email = f"{new_name('helped')}@example.com"
    return email, server.create_account(email)["accountId"]


@pytest.fixture
def operator(server, new_name):
    """Another operator's e-mail address: what happens to it here concerns no other test."""
    email = f"{new_name('helper')}@example.com"
    server.create_account(email)
    run_command("account", "grant-operator", "--data", str(server.data_dir), email, home=server.data_dir.parent)
    return email


@pytest.fixture
def helper(server, operator):
    """The operator at the console, without a browser."""
    forms = Forms(server)
    assert forms.sign_in(operator).status_code == 303
    return forms


def act(forms, account_id, reason="They asked for help"):
    return forms.post(
        f"/operator/accounts/{account_id}/act", {"reason": reason}, token=forms.token("/operator/accounts")
    )


def test_an_operator_acts_for_an_account_and_both_logs_tell_of_it(server, browser, operator, person, new_name):
    email, account_id = person
    console = console_of(server, browser)
    console.sign_in(operator)
    console.open(f"/operator/accounts/{account_id}")
    page = console.page
    dialog = console.dialog("Act for this account")
    dialog.get_by_label("Reason").fill("Ticket 17")
    dialog.get_by_role("button", name="Act for this account").click()
    expect(page.get_by_text(f"You act for {email}.")).to_be_visible()
    expect(page.get_by_role("navigation", name="Main").get_by_role("heading", name="Operator")).to_have_count(0)
    name = new_name("made-for-them")
    dialog = console.dialog("Create a Bucket")
    dialog.get_by_label("Bucket Unique Name").fill(name)
    dialog.get_by_role("button", name="Create a Bucket").click()
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    page.get_by_role("button", name="Stop acting").click()
    expect(page.get_by_role("heading", name=email)).to_be_visible()
    expect(page.get_by_text("You act for")).to_have_count(0)
    console.open("/audit")
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("Create bucket")
    expect(row).to_contain_text(email)
    page.context.close()
    owner = console_of(server, browser)
    owner.sign_in(email, PASSWORD)
    owner.open("/audit")
    for told in ("Act for account", "Create bucket", "Stop acting for account"):
        expect(owner.page.get_by_role("row").filter(has_text=told).first).to_contain_text(operator)
    expect(owner.page.get_by_role("row").filter(has_text="Act for account").first).to_contain_text("Ticket 17")
    owner.page.context.close()


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/keys/new", {"name": "mine", "bucket": "", "access": "readWrite"}),
        ("/settings/password", {"current_password": PASSWORD, "password": "another long one 77", "password_again": "another long one 77"}),
        ("/settings/email", {"email": "mine@example.com", "password": PASSWORD}),
        ("/settings/sessions/end-others", {}),
        ("/settings/passkeys/options", {}),
        ("/buckets/any-bucket/file/share", {"id": "x", "kind": "link", "expiry": "never"}),
        ("/buckets/any-bucket/events/new", {"name": "rule", "url": "https://example.com/", "event": "b2:ObjectCreated:*", "batch": "1"}),
        ("/replication/new", {"rule": "rule", "source": "x", "destination": "y"}),
        ("/replication/targets/new", {"target": "t"}),
        ("/settings/delete", {"confirm": "x", "password": PASSWORD}),
    ],
)  # fmt: skip
def test_what_is_the_owners_alone_is_closed_to_who_acts_for_them(helper, person, path, fields):
    assert act(helper, person[1]).status_code == 303
    answer = helper.post(path, fields, token=helper.token("/buckets"))
    assert answer.status_code == 403
    assert "Not while you act for somebody" in answer.text


def test_nobody_acts_without_a_reason_or_for_an_operator_or_for_who_is_suspended(server, helper, operator, person):
    email, account_id = person
    assert act(helper, account_id, reason="  ").status_code == 422
    assert act(helper, server.account_id).status_code == 422
    run_command("account", "suspend", "--data", str(server.data_dir), email, home=server.data_dir.parent)
    assert act(helper, account_id).status_code == 422
    assert "You act for" not in helper.get("/buckets").text


def test_acting_ends_with_the_operators_rights_and_when_the_account_becomes_an_operators(
    server, helper, operator, person
):
    email, account_id = person
    home = server.data_dir.parent
    assert act(helper, account_id).status_code == 303
    assert email in helper.get("/buckets").text
    run_command("account", "revoke-operator", "--data", str(server.data_dir), operator, home=home)
    assert helper.get("/buckets").status_code == 303
    run_command("account", "grant-operator", "--data", str(server.data_dir), operator, home=home)
    assert helper.get("/buckets").status_code == 200
    run_command("account", "grant-operator", "--data", str(server.data_dir), email, home=home)
    assert helper.get("/buckets").status_code == 303


def test_who_acts_for_nobody_cannot_stop(helper):
    assert helper.post("/stop-acting", {}, token=helper.token("/buckets")).status_code == 404
