"""What every page does for those who work with it (console reference, section 31): messages that are kept, undoing, keys, refusals."""

from __future__ import annotations

import csv
import hashlib
import re

import pytest
from playwright.sync_api import expect

NOTIFICATIONS = re.compile("^Notifications")


def until(page, condition):
    """Wait for a function of the page to say yes. Playwright's own way needs `eval`, which the pages' policy forbids."""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)  # Playwright's own way to let the browser go on.
    raise AssertionError(condition)


def hide(files, name="a.txt"):
    """Hide a file from its page."""
    version = files.put(name)
    files.open_file(version)
    files.console.page.get_by_role("button", name="Hide", exact=True).click()
    files.toast("The file is hidden")


def test_messages_stay_in_a_list_when_the_corner_is_empty_again_until_they_are_cleared(files):
    hide(files)
    page = files.console.page
    page.locator("[data-toasts]").get_by_role("button", name="Close").click()
    files.open()
    expect(page.locator("[data-toasts] .alert")).to_have_count(0)
    page.get_by_label("Notifications, 1 new").click()
    kept = page.locator("[data-notices] li")
    expect(kept).to_contain_text("The file is hidden")
    expect(page.locator("[data-notices] summary")).to_have_attribute("aria-label", "Notifications")
    page.reload()
    expect(page.locator("[data-notices] summary")).to_have_attribute("aria-label", "Notifications")
    page.get_by_label("Notifications").click()
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator("[data-notices]")).to_be_hidden()


def test_kept_messages_are_gone_when_somebody_signs_out(stranger_console, owner):
    stranger_console.sign_in(owner.email)
    page = stranger_console.page
    stranger_console.open("/settings?notice=profile-saved")
    expect(page.get_by_label(NOTIFICATIONS)).to_be_visible()
    page.get_by_label("User menu").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in**")
    until(page, "() => sessionStorage.getItem('undercroft-notices') === null")


@pytest.mark.parametrize("place", ["details", "folder"])
def test_hiding_can_be_undone_from_the_message_that_tells_it(files, place):
    hide(files)
    page = files.console.page
    if place == "folder":
        undo = page.locator("[data-toasts] input[name=id]").get_attribute("value")
        files.open(notice="file-hidden", undo=undo)
        expect(files.row("a.txt")).to_have_count(0)
    page.locator("[data-toasts]").get_by_role("button", name="Undo").click()
    files.toast("visible again")
    assert "undo=" not in page.url
    files.open()
    expect(files.row("a.txt")).to_be_visible()
    assert files.stored() == [("a.txt", False)]


def test_the_list_of_keys_has_those_of_tables_where_there_is_one_and_switches_single_keys_off(files):
    files.put("a.txt")
    files.open()
    page = files.console.page
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_contain_text("Rename or move")
    expect(keys).to_contain_text("Select all on the page")
    keys.get_by_label("Keys of one character").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("u")
    page.keyboard.press("?")
    page.keyboard.press("g")
    page.keyboard.press("k")
    expect(page.locator("dialog")).to_have_count(0)
    assert page.url.endswith("/files")
    page.keyboard.press("Control+k")
    expect(page.locator("[data-find]")).to_be_focused()
    page.get_by_label("User menu").click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(keys).not_to_contain_text("Sign out")
    keys.get_by_label("Keys of one character").check()
    page.keyboard.press("Escape")
    page.locator("main").focus()
    page.keyboard.press("u")
    expect(page.get_by_role("dialog", name="Upload to")).to_be_visible()


def test_a_refusal_says_the_id_of_its_request_which_is_in_the_headers_too(console):
    answer = console.page.goto(console.server.console_url + "/buckets/no-such-bucket/files")
    request_id = answer.headers["x-request-id"]
    assert answer.status == 404
    expect(console.page.locator("main")).to_contain_text(f"request {request_id}")
    said = console.page.request.get(
        console.server.console_url + "/buckets/no-such-bucket/files", headers={"accept": "application/json"}
    )
    assert said.json()["request_id"] == said.headers["x-request-id"] != request_id


def test_a_form_with_several_faults_sums_them_up_and_one_with_a_single_fault_does_not(files):
    files.console.open("/caps")
    files.console.page.locator(f"main a[href='/caps/buckets/{files.name}']").click()
    dialog = files.console.page.locator("dialog[open]")
    dialog.get_by_label("Size cap").fill("much")
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog.locator(".error")).to_have_count(1)
    expect(dialog.locator("[data-error-summary]")).to_have_count(0)
    dialog.get_by_label("Files cap").fill("more")
    dialog.get_by_role("button", name="Update Caps").click()
    summary = dialog.get_by_role("alert").filter(has_text="2 things need another look")
    for said in dialog.locator(".field .error").all_inner_texts():
        expect(summary).to_contain_text(said)


def test_a_button_that_cannot_be_pressed_says_why(console):
    console.open("/buckets")
    dialog = console.dialog("Create a Bucket")
    button = dialog.get_by_role("button", name="Create a Bucket")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "It needs a name that can be taken.")


def test_at_320_pixels_the_open_tab_is_in_view_and_the_way_is_readable(files):
    page = files.console.page
    page.set_viewport_size({"width": 320, "height": 640})
    files.console.open(f"/buckets/{files.name}/logs")
    expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=1)
    here = page.locator(".crumbs [aria-current]")
    assert here.evaluate("(one) => one.scrollWidth <= one.clientWidth")


def test_while_something_is_uploaded_the_screen_stays_on(files):
    page = files.console.page
    page.add_init_script("""
        const held = (window.held = []);
        Object.defineProperty(navigator, "wakeLock", { value: { request: async (kind) => {
            const lock = Object.assign(new EventTarget(), { kind, release: () => { lock.released = true; } });
            held.push(lock);
            return lock;
        } } });
    """)
    files.open()
    held, passing = [], []
    page.route(re.compile(r".*/b2_upload_file/.*"), lambda route: route.continue_() if passing else held.append(route))
    page.locator("[data-upload]").evaluate("""(zone) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(["x"], "a.txt"));
        zone.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
    }""")
    until(page, "() => held.length === 1 && held[0].kind === 'screen' && !held[0].released")
    passing.append(True)
    for route in held:
        route.continue_()
    until(page, "() => held[0].released")


def test_the_rail_shrinks_to_icons_stays_so_and_one_comes_back_to_where_one_was(files):
    files.put("below/a.txt")
    files.open("below/")
    page = files.console.page
    rail = page.get_by_role("navigation", name="Main")
    wide = rail.bounding_box()["width"]
    page.get_by_role("button", name="Show icons only").click()
    page.get_by_role("button", name="Show the names of the pages").wait_for()
    assert "prefix=below" in page.url
    assert rail.bounding_box()["width"] < wide / 3
    files.console.open("/buckets")
    assert rail.bounding_box()["width"] < wide / 3
    rail.get_by_role("link", name="Application Keys").click()  # The name is there for who does not see the icon.
    page.get_by_role("button", name="Show the names of the pages").click()
    page.get_by_role("button", name="Show icons only").wait_for()
    assert rail.bounding_box()["width"] == wide
    assert page.url.endswith("/keys")


def test_cards_are_put_in_order_and_keys_are_filtered_as_one_types(files):
    other = f"{files.name}-fuller"
    files.s3.create_bucket(Bucket=other)
    files.s3.put_object(Bucket=other, Key="large", Body=b"x" * 70_000)
    page = files.console.page
    files.console.open(f"/buckets?filter={files.name}")
    names = page.locator(".card h2")
    expect(names).to_have_text([files.name, other])
    page.get_by_role("navigation", name="Order").get_by_role("link", name="Size").click()
    expect(names).to_have_text([other, files.name])


def test_the_files_below_a_folder_and_the_buckets_are_tables_to_keep(files):
    files.put("out.txt")
    version = files.put('in/"odd", name.txt', b"12345", ContentType="text/plain")
    files.put("in/deep/=formula.txt", b"")
    files.open("in/")
    page = files.console.page
    with page.expect_download() as download:
        page.get_by_label("Export the files as CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text("utf-8").splitlines()))
    assert [row["name"] for row in rows] == ['in/"odd", name.txt', "in/deep/=formula.txt"]
    assert (rows[0]["size"], rows[0]["content_type"], rows[0]["file_id"]) == ("5", "text/plain", version)
    assert rows[0]["sha1"] == hashlib.sha1(b"12345").hexdigest()
    assert rows[0]["uploaded"].endswith("Z")
    files.console.open("/buckets")
    with page.expect_download() as download:
        page.get_by_label("Export the buckets as CSV").click()
    rows = {row["name"]: row for row in csv.DictReader(download.value.path().read_text("utf-8").splitlines())}
    assert (rows[files.name]["files"], rows[files.name]["type"]) == ("3", "private")
