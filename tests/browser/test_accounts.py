"""Signing in and out, second factors, products, sessions (console reference, T01 to T13, T80, T86)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pyotp import TOTP

from harness.clients import boto3_client
from harness.console import PASSWORD, Console, console_of
from harness.mail_server import serving_mail
from undercroft.console.navigation import B2_GROUP

BETTER_PASSWORD = "seven quiet harbours"
LONG_MS = 90_000  # Hashing is slow on purpose, and the machine may be busy.


@pytest.fixture
def account(server, new_name) -> str:
    """An account of the test's own, by its address."""
    email = f"{new_name('person')}@example.com"
    server.create_account(email)
    return email


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    """A server that anybody may sign up at, and that sends mail."""
    from harness.server import Server

    with serving_mail() as (box, port):
        running = Server(
            tmp_path_factory.mktemp("open") / "data",
            options=(
                "--smtp-url",
                f"smtp://127.0.0.1:{port}",
                "--mail-from",
                "console@example.com",
                "--sign-up",
                "open",
            ),
        ).start()
        yield running, box
        running.stop()


def begin(console: Console, email: str, password: str) -> None:
    """The two first steps of signing in."""
    console.page.get_by_label("E-mail address").fill(email)
    console.page.get_by_role("button", name="Next").click()
    console.page.get_by_label("Password", exact=True).fill(password)
    console.page.get_by_role("button", name="Sign in").click()


def set_up_app(console: Console) -> tuple[TOTP, list[str]]:
    """Enable two-factor verification from Security; the app and the recovery codes."""
    page = console.page
    console.open("/settings/security")
    page.get_by_role("link", name="Switch on").click()
    app = TOTP(page.locator(".enroll code").inner_text().replace(" ", ""))
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    code_field(page).fill("000000")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator("#e-code")).to_contain_text("wrong")
    code_field(page).fill(app.now())
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator(".recovery-codes code")).to_have_count(10)
    return app, page.locator(".recovery-codes code").all_inner_texts()


def code_field(page: Page):
    return page.get_by_role("textbox", name="Code", exact=True)


def enter_code(page: Page, code: str, *, trust: bool = False) -> None:
    code_field(page).fill(code)
    if trust:
        page.get_by_label("Trust this browser").check()
    page.get_by_role("button", name="Sign in").click()


def is_signed_in(page: Page) -> None:
    expect(page.get_by_label("User menu")).to_be_visible(timeout=LONG_MS)


def test_t01_a_protected_page_shows_sign_in_and_comes_back_afterwards(stranger_console, account):
    stranger_console.open("/settings/security")
    expect(stranger_console.page.get_by_role("heading", name="Sign in")).to_be_visible()
    stranger_console.sign_in(account)
    expect(stranger_console.page).to_have_url(re.compile(r"/settings/security$"))


def test_t02_sign_in_asks_for_the_address_then_the_password_with_tokens_for_password_managers(stranger_console):
    page = stranger_console.page
    stranger_console.open("/sign-in")
    email = page.get_by_label("E-mail address")
    expect(email).to_be_focused()
    expect(email).to_have_attribute("autocomplete", "username")
    expect(page.get_by_label("Password", exact=True)).to_have_count(0)
    email.fill("anybody@example.com")
    page.keyboard.press("Enter")
    password = page.get_by_label("Password", exact=True)
    expect(password).to_be_focused()
    expect(password).to_have_attribute("autocomplete", "current-password")
    expect(page.get_by_label("E-mail address")).to_have_attribute("autocomplete", "username")
    password.fill("shown")
    page.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "text")


def test_t03_a_wrong_password_gives_one_neutral_message_and_keeps_the_address(stranger_console, account):
    page = stranger_console.page
    for email in (account, "nobody@example.com"):
        stranger_console.open("/sign-in")
        begin(stranger_console, email, "not the password")
        expect(page.locator(".error")).to_have_text("E-mail address or password is wrong.", timeout=LONG_MS)
        expect(page.get_by_label("E-mail address")).to_have_value(email)


def test_t04_and_t05_enabling_an_app_signs_out_then_a_code_is_needed_and_a_recovery_code_works_once(
    stranger_console, account
):
    page = stranger_console.page
    stranger_console.sign_in(account)
    app, codes = set_up_app(stranger_console)
    assert len(set(codes)) == 10
    stranger_console.open("/buckets")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    begin(stranger_console, account, PASSWORD)
    expect(code_field(page)).to_be_focused(timeout=LONG_MS)
    expect(code_field(page)).to_have_attribute("autocomplete", "one-time-code")
    enter_code(page, "123456" if app.now() != "123456" else "654321")
    expect(page.locator("#e-code")).to_be_visible()
    enter_code(page, codes[0])
    is_signed_in(page)
    stranger_console.open("/settings/security")
    expect(page.get_by_text("9 of 10 left")).to_be_visible()
    page.context.clear_cookies()
    stranger_console.open("/sign-in")
    begin(stranger_console, account, PASSWORD)
    enter_code(page, codes[0])
    expect(page.locator("#e-code")).to_contain_text("has been used")


def test_t06_a_trusted_browser_skips_the_code_there_and_nowhere_else(stranger_console, browser, server, account):
    page = stranger_console.page
    stranger_console.sign_in(account)
    _, codes = set_up_app(stranger_console)
    page.get_by_role("link", name="Sign in again").click()
    begin(stranger_console, account, PASSWORD)
    enter_code(page, codes[0], trust=True)
    is_signed_in(page)
    page.get_by_label("User menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    stranger_console.sign_in(account)
    fresh = console_of(server, browser)
    fresh.open("/sign-in")
    begin(fresh, account, PASSWORD)
    expect(code_field(fresh.page)).to_be_visible(timeout=LONG_MS)
    fresh.page.context.close()


def test_t07_forgot_password_sends_a_mail_whose_link_works_once(open_server, browser, new_email):
    server, box = open_server
    email = new_email("forgetful")
    server.create_account(email)
    signed_in = console_of(server, browser)
    signed_in.sign_in(email)
    console = console_of(server, browser)
    page = console.page
    console.open("/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("link", name="Forgot Password?").click()
    expect(page.get_by_label("E-mail address")).to_have_value(email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    link = box.link_to(email, "Reset")
    page.goto(link)
    page.get_by_text("1 session that ends").click()
    page.get_by_label("New password", exact=True).fill(BETTER_PASSWORD)
    page.get_by_label("New password again", exact=True).fill(BETTER_PASSWORD)
    page.get_by_role("button", name="Reset Password").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=LONG_MS)
    signed_in.open("/buckets")
    expect(signed_in.page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=LONG_MS)
    signed_in.page.context.close()
    console.sign_in(email, BETTER_PASSWORD)
    page.goto(link)
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    page.context.close()


def test_sign_up_by_mail_leads_to_an_account_whose_address_is_proven(open_server, browser, new_email):
    server, box = open_server
    email = new_email("fresh")
    console = console_of(server, browser)
    page = console.page
    console.open("/sign-in")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Send the link").click()
    page.goto(box.link_to(email, "Your account"))
    expect(page.get_by_label("E-mail address")).to_have_value(email)
    page.get_by_label("Password", exact=True).fill(BETTER_PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    is_signed_in(page)
    expect(page.get_by_role("checkbox", name="B2 Cloud Storage")).not_to_be_checked()
    page.context.close()


@pytest.mark.parametrize(("password", "reason"), [("short one", "too short"), ("password1234", "lists of common")])
def test_t08_a_short_or_leaked_password_is_refused_with_a_reason(console, password, reason):
    console.open("/settings/security")
    dialog = console.dialog("Change Password")
    dialog.get_by_label("Current password", exact=True).fill(PASSWORD)
    dialog.get_by_label("New password", exact=True).fill(password)
    dialog.get_by_label("New password again", exact=True).fill(password)
    dialog.get_by_role("button", name="Change Password").click()
    expect(dialog.locator("[id$=e-password]")).to_contain_text(reason, timeout=LONG_MS)


def test_t09_other_sessions_are_listed_and_ended_one_by_one_and_by_a_new_password(
    stranger_console, browser, server, account
):
    page = stranger_console.page
    stranger_console.sign_in(account)
    others = [console_of(server, browser) for _ in range(2)]
    for other in others:
        other.sign_in(account)
    stranger_console.open("/settings/security")
    rows = page.get_by_role("row").filter(has=page.get_by_role("button", name="End the session"))
    expect(rows).to_have_count(3)
    expect(rows.filter(has_text="This browser")).to_have_count(1)
    rows.filter(has_not_text="This browser").first.get_by_role("button").click()
    expect(rows).to_have_count(2)
    dialog = stranger_console.dialog("Change Password")
    dialog.get_by_label("Current password", exact=True).fill(PASSWORD)
    dialog.get_by_label("New password", exact=True).fill(BETTER_PASSWORD)
    dialog.get_by_label("New password again", exact=True).fill(BETTER_PASSWORD)
    dialog.get_by_role("button", name="Change Password").click()
    expect(rows).to_have_count(1, timeout=LONG_MS)
    for other in others:
        other.open("/buckets")
        expect(other.page.get_by_role("heading", name="Sign in")).to_be_visible()
        other.page.context.close()


def test_t10_the_user_menu_at_the_top_right_holds_my_settings_and_sign_out(console):
    console.open("/buckets")
    menu = console.page.get_by_label("User menu")
    box, width = menu.bounding_box(), console.page.viewport_size["width"]
    assert box["y"] < 48
    assert box["x"] + box["width"] > width - 48
    menu.click()
    inside = console.page.locator("details.menu[open]")
    expect(inside.get_by_role("link", name="My Settings")).to_be_visible()
    expect(inside.get_by_role("button", name="Sign out")).to_be_visible()


@pytest.fixture
def newcomer(make_server, browser) -> Callable[[], Console]:
    """Somebody who has signed up just now, at a server that is open and has no mail."""
    server = make_server("--sign-up", "open").start()
    console = console_of(server, browser)
    console.open("/sign-up")
    page = console.page
    page.get_by_label("E-mail address").fill("new@example.com")
    page.get_by_label("Password", exact=True).fill(BETTER_PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    is_signed_in(page)
    yield console
    page.context.close()
    server.stop()


def test_t11_to_t13_the_product_is_enabled_by_accepting_its_terms(newcomer):
    page = newcomer.page
    rail = page.get_by_role("navigation", name="Main")
    newcomer.open("/buckets")
    expect(page).to_have_url(re.compile(r"/settings/products$"))
    expect(rail.get_by_role("heading", name=B2_GROUP)).to_have_count(0)
    box = page.get_by_role("checkbox", name="B2 Cloud Storage")
    box.click()
    dialog = page.get_by_role("dialog", name="Terms and Conditions")
    expect(dialog).to_contain_text("You are responsible for what you store here")
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_have_count(0)
    expect(box).not_to_be_checked()
    expect(rail.get_by_role("heading", name=B2_GROUP)).to_have_count(0)
    box.click()
    dialog.get_by_role("button", name="OK").click()
    expect(rail.get_by_role("heading", name=B2_GROUP)).to_be_visible()
    expect(box).to_be_checked()
    # The reference's, and Jobs, which is ours.
    expect(rail.locator("ul").first.get_by_role("link")).to_have_text(
        [
            "Buckets",
            "Browse Files",
            "Snapshots",
            "Jobs",
            "Reports",
            "Caps & Alerts",
            "Cloud Replication",
            "Application Keys",
        ]
    )
    box.click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(rail.get_by_role("heading", name=B2_GROUP)).to_have_count(0)


def test_t80_the_audit_page_shows_what_was_done_in_the_console_by_whom_and_from_where(console, server, owner, new_name):
    name = new_name("audited")
    console.open("/buckets")
    for _ in range(2):
        dialog = console.dialog("Create a Bucket")
        dialog.get_by_label("Bucket Unique Name").fill(name)
        dialog.get_by_role("button", name="Create a Bucket").click()
    expect(dialog.locator("[id$=e-name]")).to_be_visible()
    s3 = boto3_client(server, key=(owner.key_id, owner.application_key))
    s3.put_object(Bucket=name, Key="old news.txt", Body=b"text")
    console.open(f"/buckets/{name}/files")
    page = console.page
    page.get_by_label("Select all on this page").check()
    page.locator("[data-selection-bar]").get_by_role("button", name="Delete").click()
    page.locator("dialog[open]").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The selection is deleted")).to_be_visible()
    console.open("/keys")
    dialog = console.dialog("Add a New Application Key")
    dialog.get_by_label("Name of Key").fill(f"key-of-{name}")
    dialog.get_by_role("button", name="Create New Key").click()
    secret = dialog.get_by_text(re.compile(r"^K[0-9]{3}[A-Za-z0-9+/]{27}$")).first.inner_text()
    for action, target in (("Delete files", "old news.txt"), ("Create key", f"key-of-{name}")):
        console.open(f"/audit?action={action}&text={name}")
        row = page.get_by_role("row").filter(has_text=action)
        expect(row).to_have_count(1)
        for words in (target, owner.email, "127.0.0.1", "Done"):
            expect(row).to_contain_text(words)
    assert secret not in page.content()
    console.open(f"/audit?action=Create+bucket&text={name}")
    rows = console.page.get_by_role("row").filter(has_text=name)
    expect(rows).to_have_count(2)
    for row, outcome in ((rows.nth(0), "Refused"), (rows.nth(1), "Done")):
        for words in ("Create bucket", owner.email, "127.0.0.1", outcome):
            expect(row).to_contain_text(words)
    with console.page.expect_download() as download:
        console.page.get_by_role("link", name="Export CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("time,account,actor,")
    assert len([line for line in lines if name in line and owner.account_id in line]) == 2
    assert secret not in download.value.path().read_text()


def test_t86_the_end_of_a_session_is_told_can_be_put_off_and_loses_no_typing(stranger_console, account):
    page = stranger_console.page
    page.clock.install()
    stranger_console.sign_in(account)
    stranger_console.open("/settings")
    page.get_by_label("Name").fill("Somebody New")
    page.clock.fast_forward((12 * 3600 - 299) * 1000)
    warning = page.get_by_role("alertdialog")
    expect(warning).to_contain_text(re.compile(r"ends in 4 min \d+ s"))
    warning.get_by_role("button", name="Stay signed in").click()
    expect(warning).to_have_count(0)
    expect(page.get_by_label("Name")).to_have_value("Somebody New")
    page.clock.fast_forward((12 * 3600 - 299) * 1000)
    expect(warning).to_be_visible()
    page.context.clear_cookies()
    page.clock.fast_forward(600_000)
    expect(warning).to_contain_text("You are signed out")
    with page.context.expect_page() as opened:
        warning.get_by_role("link", name="Sign in again").click()
    Console(stranger_console.server, opened.value).sign_in(account)
    expect(warning).to_have_count(0)  # The other page has told this one.
    expect(page.get_by_label("Name")).to_have_value("Somebody New")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Somebody New")
