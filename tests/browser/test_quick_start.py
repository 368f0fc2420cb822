"""From nothing to a file that is fetched by a new key: the quick-start, through the browser, the way its readers go.

How long it takes is written down (`record_property`, and printed with `-s`), and never judged: the machine may be busy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.clients import aws_client
from harness.console import Console, console_of
from harness.server import Server

PASSWORD = "seven quiet harbours"
LONG_MS = 90_000  # Hashing is slow on purpose, and the machine may be busy.
BODY = "It was a dark and stormy night.\n"


@pytest.fixture
def nobody(make_server: Callable[..., Server], browser: Browser) -> Iterator[Console]:
    """A browser at a fresh server that anybody may sign up at."""
    console = console_of(make_server("--sign-up", "open").start(), browser)
    yield console
    console.page.context.close()
    assert not console.messages, console.messages


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    """What is uploaded."""
    path = tmp_path / "letter.txt"
    path.write_text(BODY)
    return path


def fetch(server: Server, home: Path, key: tuple[str, str], bucket: str) -> str:
    """What AWS CLI, in a process of its own, gets with the key."""
    target = home / "fetched.txt"
    aws_client(server, home, key=key).run("s3", "cp", f"s3://{bucket}/letter.txt", target)
    return target.read_text()


def key_shown(page: Page) -> tuple[str, str]:
    """The key of the panel that is shown once."""
    panel = page.locator("[data-once]")
    expect(panel.get_by_text("applicationKey", exact=True)).to_be_visible(timeout=LONG_MS)
    return tuple(  # type: ignore[return-value]
        panel.get_by_role("button", name=f"Copy {term}", exact=True).get_attribute("data-copy")
        for term in ("keyID", "applicationKey")
    )


def test_the_quick_start_from_sign_up_to_a_file_fetched_with_a_new_key(nobody, letter, tmp_path, record_property):
    page = nobody.page
    began = time.monotonic()
    nobody.open("/sign-up")
    page.get_by_label("E-mail address").fill("new@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_label("User menu")).to_be_visible(timeout=LONG_MS)
    page.get_by_role("checkbox", name="B2 Cloud Storage").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Buckets").click()
    dialog = nobody.dialog("Create a Bucket")
    dialog.get_by_label("Bucket Unique Name").fill("first-bucket")
    dialog.get_by_role("button", name="Create a Bucket").click()
    page.get_by_role("link", name="Upload/Download").click()
    dialog = nobody.dialog("Upload")
    with page.expect_file_chooser() as chooser:
        dialog.get_by_role("button", name="Choose files").click()
    chooser.value.set_files(str(letter))
    expect(page.locator(".tray [role=status]")).to_have_text("1 file uploaded", timeout=LONG_MS)
    page.get_by_role("link", name="letter.txt", exact=True).click()
    expect(page.get_by_text("Fguid")).to_be_visible()

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Application Keys").click()
    dialog = nobody.dialog("Add a New Application Key")
    dialog.get_by_label("Name of Key").fill("laptop")
    dialog.get_by_role("button", name="Create New Key").click()
    key = key_shown(page)
    in_browser = time.monotonic() - began
    assert fetch(nobody.server, tmp_path, key, "first-bucket") == BODY
    everything = time.monotonic() - began
    record_property("seconds_in_browser", round(in_browser, 1))
    record_property("seconds", round(everything, 1))
    print(f"\nquick start: {in_browser:.1f} s in the browser, {everything:.1f} s with AWS CLI")  # noqa: T201


def tab_to(page: Page, name: str, role: str = "link") -> None:
    """Press Tab until what has this name has the focus, as who has no mouse does."""
    wanted = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
    expect(wanted.first).to_be_visible(timeout=LONG_MS)
    for _ in range(80):
        if any(one.evaluate("one => one === document.activeElement") for one in wanted.all()):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {role} {name!r}")


def go_by_key(page: Page, letter: str) -> None:
    """Go to a section by its shortcut, once the page's scripts listen: they run before the page counts as loaded."""
    page.wait_for_load_state()
    page.keyboard.press("g")
    page.keyboard.press(letter)


def test_t82_the_quick_start_is_done_by_keyboard_alone(nobody, letter, tmp_path):
    page, keyboard = nobody.page, nobody.page.keyboard
    nobody.open("/sign-up")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    keyboard.type("new@example.com")
    tab_to(page, "Password", "textbox")
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    tab_to(page, "B2 Cloud Storage", "checkbox")
    keyboard.press(" ")
    tab_to(page, "OK", "button")
    keyboard.press("Enter")

    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Buckets")).to_be_visible()
    expect(page.locator("dialog")).to_have_count(0)
    go_by_key(page, "b")
    tab_to(page, "Create a Bucket")
    keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Bucket Unique Name")).to_be_focused()
    keyboard.type("keyboard-bucket")
    keyboard.press("Enter")
    tab_to(page, "Upload/Download")
    keyboard.press("Enter")
    tab_to(page, "Upload")
    keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to(page, "Choose files", "button")
    with page.expect_file_chooser() as chooser:
        keyboard.press("Enter")
    chooser.value.set_files(str(letter))
    expect(page.locator(".tray [role=status]")).to_have_text("1 file uploaded", timeout=LONG_MS)
    tab_to(page, "letter.txt")
    keyboard.press("Enter")
    expect(page.get_by_text("Fguid")).to_be_visible()

    go_by_key(page, "k")
    tab_to(page, "Add a New Application Key")
    keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Name of Key")).to_be_focused()
    keyboard.type("laptop")
    keyboard.press("Enter")
    assert fetch(nobody.server, tmp_path, key_shown(page), "keyboard-bucket") == BODY
