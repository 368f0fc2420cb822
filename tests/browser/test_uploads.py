"""Uploads from the browser (console reference, T41 to T48, T64, T83 to T85)."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from harness.native import NativeCaller
from undercroft import limits

FULL = os.environ.get("UNDERCROFT_TEST_SIZE") == "full"
PART = limits.BROWSER_PART_BYTES
MODIFIED_MS = 1_600_000_000_000
SLOW_MS = 120_000
FILE_URLS = re.compile(r".*/b2_upload_file/.*")
PART_URLS = re.compile(r".*/b2_upload_part/.*")

# Drops files, {path, text} each, on an element.
DROP = """async (zone, entries) => {
    const transfer = new DataTransfer();
    for (const { path, text } of entries) transfer.items.add(new File([text], path.split("/").pop(), { lastModified: 1600000000000 }));
    const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer });
    zone.dispatchEvent(event);
}"""
# A folder cannot be put into a DataTransfer by script, so its entries are stood in for: as the File and Directory Entries API
# describes them, with readers that hand out two entries at a time.
DROP_FOLDER = """async (zone, tree) => {
    const fileOf = (name, text) => new File([text], name, { lastModified: 1600000000000 });
    const entryOf = (name, content, path) => typeof content === "string"
        ? { isDirectory: false, isFile: true, name, fullPath: path, file: (done) => done(fileOf(name, content)) }
        : { isDirectory: true, isFile: false, name, fullPath: path, createReader: () => {
            const left = Object.entries(content);
            return { readEntries: (done) => done(left.splice(0, 2).map(([child, inner]) => entryOf(child, inner, `${path}/${child}`))) };
        } };
    const event = new Event("drop", { bubbles: true, cancelable: true });
    event.dataTransfer = { types: ["Files"], items: Object.entries(tree).map(([name, content]) => ({
        kind: "file", webkitGetAsEntry: () => entryOf(name, content, `/${name}`), getAsFile: () => typeof content === "string" ? fileOf(name, content) : null,
    })) };
    zone.dispatchEvent(event);
}"""


@pytest.fixture
def native(server, owner):
    return NativeCaller(server, key=(owner.key_id, owner.application_key))


@pytest.fixture
def bucket(native, owner, new_name):
    return native.call(
        "b2_create_bucket", accountId=owner.account_id, bucketName=new_name("up"), bucketType="allPrivate"
    )


@pytest.fixture
def folder(console, bucket):
    """Opens a folder of the bucket; the zone for drops."""

    def show(prefix=""):
        console.open(f"/buckets/{bucket['bucketName']}/files" + (f"?prefix={prefix}" if prefix else ""))
        return console.page.locator("main [data-upload]")

    return show


@pytest.fixture
def make_file(tmp_path):
    """Makes files on the disk, whose time of modification is in the past."""

    def make(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (MODIFIED_MS / 1000, MODIFIED_MS / 1000))
        return path

    return make


@pytest.fixture
def large(make_file):
    """A file of three parts."""
    data = os.urandom(2 * PART + 1_000_000)
    return make_file("large.bin", data), data


def names(native, bucket):
    return sorted(row["fileName"] for row in versions(native, bucket))


def versions(native, bucket):
    return native.call("b2_list_file_versions", bucketId=bucket["bucketId"], maxFileCount=1000)["files"]


def choose(console, *paths, button="Choose files"):
    """Upload files by the dialog of the page."""
    dialog = console.dialog("Upload")
    with console.page.expect_file_chooser() as chooser:
        dialog.get_by_role("button", name=button).click()
    chooser.value.set_files([str(path) for path in paths])
    expect(dialog).to_have_count(0)


def bar(console, name):
    return console.page.get_by_role("progressbar", name=f"Upload of {name}")


def wait_until_uploaded(console, files=1):
    words = f"{files} file{'' if files == 1 else 's'} uploaded"
    expect(console.page.locator(".tray-pill")).to_contain_text(words, timeout=SLOW_MS)


class Parts:
    """The requests of a page that carry parts. `hold` lets no more through than so many."""

    def __init__(self, page, hold=None):
        self.sent = []
        self._held = []
        self._left = hold
        page.route(PART_URLS, self._meet)

    def _meet(self, route):
        if route.request.method == "OPTIONS" or self._left is None:
            self._note(route)
            route.continue_()
        elif self._left:
            self._left -= 1
            self._note(route)
            route.continue_()
        else:
            self._held.append(route)

    def _note(self, route):
        number = route.request.headers.get("x-bz-part-number")
        if number:
            self.sent.append(int(number))

    def forget(self):
        """Let everything through, but what a page wanted that is not there any more."""
        self.sent.clear()
        self._held.clear()
        self.let_go()

    def let_go(self):
        """Let everything through from now on."""
        self._left = None
        for route in self._held:
            self._note(route)
            route.continue_()
        self._held.clear()


def wait_for_parts(native, console, bucket, count):
    """The id of the one unfinished large file, once the server has so many of its parts."""
    for _ in range(600):
        files = native.call("b2_list_unfinished_large_files", bucketId=bucket["bucketId"])["files"]
        if files and len(native.call("b2_list_parts", fileId=files[0]["fileId"])["parts"]) >= count:
            return files[0]["fileId"]
        console.page.wait_for_timeout(100)  # Playwright's own way to let the browser go on.
    raise AssertionError("the parts did not arrive")


def test_t41_a_dropped_file_is_uploaded_into_the_open_folder_and_its_row_appears_without_reload(
    console, native, bucket, folder
):
    native.upload(bucket["bucketId"], "in/first.txt", b"first", {})
    zone = folder("in/")
    console.page.evaluate("window.unchanged = true")
    zone.evaluate(DROP, [{"path": "second.txt", "text": "second"}])
    expect(console.page.get_by_role("link", name="second.txt", exact=True)).to_be_visible(timeout=SLOW_MS)
    assert console.page.evaluate("window.unchanged")
    assert names(native, bucket) == ["in/first.txt", "in/second.txt"]


def test_t42_the_picker_uploads_several_files_each_with_its_own_progress_bar(
    console, native, bucket, folder, make_file
):
    folder()
    paths = [make_file(f"file-{number}.txt", b"x" * number) for number in range(5)]
    choose(console, *paths)
    for path in paths:
        expect(bar(console, path.name)).to_have_count(1)
    wait_until_uploaded(console, 5)
    assert [(row["fileName"], row["contentLength"]) for row in versions(native, bucket)] == [
        (f"file-{number}.txt", number) for number in range(5)
    ]


def test_t43_a_dropped_folder_keeps_its_relative_paths_and_leaves_system_files_out(console, native, bucket, folder):
    zone = folder("in/")
    tree = {
        "photos": {"a.txt": "1", "b.txt": "2", "c.txt": "3", ".DS_Store": "junk", "deep": {"er": {"d é.txt": "4"}, "Thumbs.db": "junk"}},
        "single.txt": "5",
    }  # fmt: skip
    zone.evaluate(DROP_FOLDER, tree)
    wait_until_uploaded(console, 5)
    expect(console.page.get_by_text("2 system files left out")).to_be_visible()
    assert names(native, bucket) == [
        "in/photos/a.txt", "in/photos/b.txt", "in/photos/c.txt", "in/photos/deep/er/d é.txt", "in/single.txt",
    ]  # fmt: skip


def test_t43_a_picked_folder_keeps_its_relative_paths_too(console, native, bucket, folder, make_file, tmp_path):
    folder("in/")
    for name in ("tree/a.txt", "tree/sub/b.txt"):
        make_file(name, b"x")
    choose(console, tmp_path / "tree", button="Choose a folder")
    wait_until_uploaded(console, 2)
    assert names(native, bucket) == ["in/tree/a.txt", "in/tree/sub/b.txt"]


@pytest.mark.timeout(3600 if FULL else 300)
def test_t44_a_large_file_goes_by_parts_and_its_sha1_in_details_is_the_local_one(
    console, native, bucket, folder, make_file, tmp_path
):
    size = 2_000_000_000 if FULL else 64_000_000
    path = make_file("large.bin", b"")
    digest = hashlib.sha1()
    with path.open("wb") as file:
        for at in range(0, size, 1_000_000):
            block = os.urandom(min(1_000_000, size - at))
            digest.update(block)
            file.write(block)
    os.utime(path, (MODIFIED_MS / 1000, MODIFIED_MS / 1000))
    folder()
    choose(console, path)
    expect(console.page.locator(".tray-pill")).to_contain_text("1 file uploaded", timeout=20 * SLOW_MS)
    (made,) = versions(native, bucket)
    assert (made["contentLength"], made["fileInfo"]["large_file_sha1"]) == (size, digest.hexdigest())
    expect(console.page.locator(".tray-digest")).to_contain_text(digest.hexdigest())
    console.open(f"/buckets/{bucket['bucketName']}/file?id={made['fileId']}")
    expect(console.page.locator("[data-details]")).to_contain_text(digest.hexdigest())


def test_t45_after_a_reload_an_upload_is_resumed_and_only_missing_parts_are_sent(
    console, native, bucket, folder, large, make_file
):
    path, data = large
    folder()
    parts = Parts(console.page, hold=1)
    choose(console, path)
    file_id = wait_for_parts(native, console, bucket, 1)
    console.page.on("dialog", lambda dialog: dialog.accept())  # The guard of the page that is left.
    console.page.reload()
    arrived = {part["partNumber"] for part in native.call("b2_list_parts", fileId=file_id)["parts"]}
    parts.forget()
    again = console.page.get_by_role("button", name="Choose the file to go on")
    expect(console.page.get_by_text("1 upload unfinished").first).to_be_visible(timeout=SLOW_MS)
    with console.page.expect_file_chooser() as chooser:
        again.click()
    chooser.value.set_files(str(make_file("other.bin", data[:-1])))
    expect(console.page.get_by_text("This is another file")).to_be_visible()
    with console.page.expect_file_chooser() as chooser:
        again.click()
    chooser.value.set_files(str(path))
    wait_until_uploaded(console)
    assert sorted(parts.sent) == sorted({1, 2, 3} - arrived)
    (made,) = versions(native, bucket)
    assert made["fileId"] == file_id
    assert made["fileInfo"]["large_file_sha1"] == hashlib.sha1(data).hexdigest()
    console.page.reload()  # It is forgotten.
    expect(console.page.get_by_role("link", name="large.bin", exact=True)).to_be_visible()
    expect(console.page.locator(".tray")).to_be_hidden()


def test_t46_without_a_network_an_upload_waits_and_goes_on_when_it_is_back(console, native, bucket, folder, large):
    path, data = large
    folder()
    parts = Parts(console.page, hold=1)
    choose(console, path)
    wait_for_parts(native, console, bucket, 1)
    console.page.context.set_offline(True)
    expect(console.page.locator(".tray-pill")).to_contain_text("Offline", timeout=SLOW_MS)
    expect(console.page.locator(".tray-status")).to_contain_text("goes on by itself")
    parts.let_go()
    console.page.context.set_offline(False)
    wait_until_uploaded(console)
    (made,) = versions(native, bucket)
    assert made["fileInfo"]["large_file_sha1"] == hashlib.sha1(data).hexdigest()


def test_t47_cancel_removes_the_unfinished_large_file_on_the_server(console, native, bucket, folder, large):
    path, _ = large
    folder()
    Parts(console.page, hold=1)
    choose(console, path)
    wait_for_parts(native, console, bucket, 1)
    console.page.get_by_role("button", name="Cancel large.bin").click()
    expect(console.page.locator(".tray-status")).to_have_text("Canceled")
    for _ in range(600):
        if not versions(native, bucket):
            break
        console.page.wait_for_timeout(100)
    assert versions(native, bucket) == []
    console.page.reload()
    expect(console.page.get_by_role("heading", level=1)).to_be_visible()
    expect(console.page.locator(".tray")).to_be_hidden()


def test_t48_an_existing_name_announces_a_new_version_and_the_row_counts_it(console, native, bucket, folder):
    native.upload(bucket["bucketId"], "kitten.txt", b"first", {})
    zone = folder()
    zone.evaluate(DROP, [{"path": "kitten.txt", "text": "second"}, {"path": "new.txt", "text": "x"}])
    row = console.page.locator(".tray-row", has_text="kitten.txt")
    expect(row).to_contain_text("creates version 2")
    expect(console.page.locator(".tray-row", has_text="new.txt")).not_to_contain_text("version")
    expect(console.page.get_by_label("2 versions of kitten.txt")).to_have_text("(2)", timeout=SLOW_MS)


def test_a_pause_keeps_what_has_arrived_and_resume_sends_the_rest(console, native, bucket, folder, large):
    path, data = large
    folder()
    parts = Parts(console.page, hold=1)
    choose(console, path)
    wait_for_parts(native, console, bucket, 1)
    console.page.get_by_role("button", name="Pause large.bin").click()
    expect(console.page.locator(".tray-status")).to_contain_text("Paused at")
    first = list(parts.sent)
    parts.let_go()
    parts.sent.clear()
    console.page.get_by_role("button", name="Resume all").click()
    wait_until_uploaded(console)
    assert not set(first) & set(parts.sent)
    (made,) = versions(native, bucket)
    assert made["fileInfo"]["large_file_sha1"] == hashlib.sha1(data).hexdigest()


def test_a_server_that_is_busy_is_asked_again_at_another_address(console, native, bucket, folder, large):
    path, data = large
    folder()
    refused = []

    def busy(route):
        if route.request.method == "POST" and len(refused) < 2:
            refused.append(route.request.url)
            headers = {"access-control-allow-origin": console.server.console_url}
            route.fulfill(status=503, body='{"code": "service_unavailable", "message": "busy"}', headers=headers)
        else:
            if route.request.method == "POST":
                assert route.request.url not in refused
            route.continue_()

    console.page.route(PART_URLS, busy)
    choose(console, path)
    wait_until_uploaded(console)
    assert len(refused) == 2
    (made,) = versions(native, bucket)
    assert made["fileInfo"]["large_file_sha1"] == hashlib.sha1(data).hexdigest()


def test_uploads_go_on_while_one_goes_to_other_pages_and_back(console, native, bucket, folder, large):
    path, data = large
    folder()
    parts = Parts(console.page, hold=1)
    choose(console, path)
    wait_for_parts(native, console, bucket, 1)
    page = console.page
    page.evaluate("window.unchanged = true")
    page.locator(".rail").get_by_role("link", name="Buckets").click()
    expect(page).to_have_title(re.compile("^Buckets"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Buckets")
    expect(page.locator(".rail [aria-current=page]")).to_have_text("Buckets")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text(bucket["bucketName"])
    parts.let_go()
    wait_until_uploaded(console)
    assert page.evaluate("window.unchanged")
    expect(page.get_by_role("link", name="large.bin", exact=True)).to_be_visible(timeout=SLOW_MS)
    (made,) = versions(native, bucket)
    assert made["fileInfo"]["large_file_sha1"] == hashlib.sha1(data).hexdigest()
    page.evaluate("""() => document.addEventListener("click", (event) => {
        window.followed = event.defaultPrevented;
        event.preventDefault();
    })""")
    page.locator(".rail").get_by_role("link", name="Buckets").click()
    assert page.evaluate("window.followed") is False, "All is done: links change pages again."


def test_leaving_is_guarded_only_while_something_is_on_its_way(console, native, bucket, folder, large):
    path, _ = large
    folder()
    parts = Parts(console.page, hold=1)
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    console.page.on("dialog", stay)
    choose(console, path)
    wait_for_parts(native, console, bucket, 1)
    console.page.close(run_before_unload=True)
    expect(console.page.locator(".tray")).to_be_visible()
    for _ in range(100):
        if asked:
            break
        console.page.wait_for_timeout(100)
    assert asked == ["beforeunload"]
    parts.let_go()
    wait_until_uploaded(console)
    console.page.reload()
    assert asked == ["beforeunload"]


def test_options_reach_the_file_small_and_large(console, native, bucket, folder, large, make_file):
    path, _ = large
    small = make_file("small.bin", b"small")
    folder()
    dialog = console.dialog("Upload")
    dialog.get_by_text("Options").click()
    dialog.get_by_label("Content type").fill("text/x-odd")
    dialog.get_by_label("Cache control").fill("max-age=60")
    dialog.get_by_label("File info").fill("author: Ann é\nColour: blue")
    with console.page.expect_file_chooser() as chooser:
        dialog.get_by_role("button", name="Choose files").click()
    chooser.value.set_files([str(path), str(small)])
    wait_until_uploaded(console, 2)
    for made in versions(native, bucket):
        info = made["fileInfo"]
        info.pop("large_file_sha1", None)
        assert made["contentType"] == "text/x-odd"
        assert info == {
            "author": "Ann é", "colour": "blue", "b2-cache-control": "max-age=60", "src_last_modified_millis": str(MODIFIED_MS),
        }  # fmt: skip


def test_t64_the_time_of_modification_is_in_the_file_info_with_a_readable_date(
    console, native, bucket, folder, make_file
):
    folder()
    choose(console, make_file("dated.txt", b"x"))
    wait_until_uploaded(console)
    (made,) = versions(native, bucket)
    assert made["fileInfo"] == {"src_last_modified_millis": str(MODIFIED_MS)}
    console.open(f"/buckets/{bucket['bucketName']}/file?id={made['fileId']}")
    details = console.page.locator("[data-details]")
    expect(details).to_contain_text(str(MODIFIED_MS))
    expect(details).to_contain_text("2020-09-13 12:26:40")


def test_t83_enter_outside_a_form_never_opens_the_upload(console, native, bucket, folder):
    native.upload(bucket["bucketId"], "a.txt", b"x", {})
    folder()
    choosers = []
    console.page.on("filechooser", lambda _: choosers.append("opened"))
    console.page.locator("body").press("Enter")
    console.page.keyboard.press("Enter")
    console.page.locator("main").press("Enter")
    expect(console.page.locator("dialog")).to_have_count(0)
    console.page.keyboard.press("u")
    expect(console.page.locator("dialog[open]")).to_be_visible()
    console.page.keyboard.press("Escape")
    expect(console.page.locator("dialog")).to_have_count(0)
    assert choosers == []


def test_t84_at_320_pixels_an_upload_works_and_nothing_scrolls_sideways(console, native, bucket, folder, make_file):
    console.page.set_viewport_size({"width": 320, "height": 640})
    folder()
    dialog = console.dialog("Upload")
    assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    with console.page.expect_file_chooser() as chooser:
        dialog.get_by_role("button", name="Choose files").click()
    long = make_file("a-rather-long-name-of-a-file-that-does-not-fit-into-a-narrow-tray.txt", b"x")
    chooser.value.set_files(str(long))
    wait_until_uploaded(console)
    assert console.page.evaluate("document.documentElement.scrollWidth") <= 320
    box = console.page.locator(".tray").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 320
    assert names(native, bucket) == [long.name]


def test_t85_progress_is_a_progressbar_with_words_and_completion_is_announced_once(
    console, native, bucket, folder, large
):
    path, _ = large
    folder()
    page = console.page
    says = page.locator(".tray [role=status]")
    says.evaluate("""(element) => {
        window.said = [];
        new MutationObserver(() => window.said.push(element.textContent)).observe(element, { childList: true });
    }""")
    parts = Parts(page, hold=1)
    choose(console, path)
    wait_for_parts(native, console, bucket, 1)
    expect(bar(console, "large.bin")).to_have_attribute("value", "47", timeout=SLOW_MS)
    expect(bar(console, "large.bin")).to_have_attribute("aria-valuetext", re.compile(r"47 %, 8\.4 MB of 17\.8 MB"))
    parts.let_go()
    wait_until_uploaded(console)
    expect(says).to_have_text("1 file uploaded")
    said = page.evaluate("window.said")
    assert said[0] == "Uploading 1 file"
    assert said.count("1 file uploaded") == 1
    assert len(said) <= 5
    assert set(said[1:-1]) <= {"25 percent uploaded", "50 percent uploaded", "75 percent uploaded"}


def test_small_files_that_a_reload_interrupts_are_named_and_go_on_when_they_are_chosen_again(
    console, native, bucket, folder, make_file
):
    paths = [make_file(f"in/{name}.txt", name.encode()) for name in ("one", "two", "three")]
    other = make_file("two.txt", b"other")
    folder("left/")
    page = console.page
    page.route(FILE_URLS, lambda _: None)  # Never answered.
    page.on("dialog", lambda dialog: dialog.accept())
    choose(console, *paths)
    expect(page.locator(".tray-row")).to_have_count(3)
    page.reload()
    page.unroute_all()
    expect(page.locator(".tray-pill")).to_contain_text("3 uploads unfinished")
    rows = page.locator(".tray-row")
    expect(rows).to_contain_text(["Not uploaded when the page was left"] * 3)
    with page.expect_file_chooser() as chooser:
        rows.filter(has_text="two.txt").get_by_role("button", name="Choose the file").click()
    chooser.value.set_files(str(other))
    expect(rows.filter(has_text="two.txt")).to_contain_text("This is another file")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose the files again").click()
    chooser.value.set_files([str(path) for path in (*paths[:2], other)])
    expect(page.locator(".tray-pill")).to_contain_text("1 upload unfinished", timeout=SLOW_MS)
    page.get_by_role("button", name="Cancel three.txt").click()
    wait_until_uploaded(console, 2)
    assert names(native, bucket) == ["left/one.txt", "left/two.txt"]
    page.reload()  # What was uploaded or canceled is forgotten.
    expect(page.locator(".tray")).to_be_hidden()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".tray")).to_be_hidden()


def test_what_another_tab_uploads_is_not_offered(console, native, bucket, folder, make_file):
    folder()
    page = console.page
    held = []
    page.route(FILE_URLS, lambda route: held.append(route))  # noqa: PLW0108 - playwright takes no built-in.
    choose(console, make_file("mine.txt", b"x"))
    expect(page.locator(".tray-row")).to_have_count(1)
    other = page.context.new_page()
    other.goto(page.url)
    left = other.evaluate("""async () => {
        const app = document.querySelector('script[src$="/js/app.js"]').src;
        return (await (await import(app.replace("app.js", "uploads/records.js"))).abandoned()).length;
    }""")
    assert left == 0
    other.close()
    for route in held:
        route.continue_()
    page.unroute_all()
    wait_until_uploaded(console)


def test_an_unfinished_upload_is_offered_to_its_own_account_alone(console, native, bucket, folder, large, server):
    path, _ = large
    folder()
    Parts(console.page, hold=1)
    choose(console, path)
    wait_for_parts(native, console, bucket, 1)
    console.page.on("dialog", lambda dialog: dialog.accept())
    console.page.reload()
    expect(console.page.locator(".tray-pill")).to_contain_text("1 upload unfinished")
    console.page.context.clear_cookies()
    other = f"other-{bucket['bucketName']}@example.com"
    server.create_account(other)
    console.sign_in(other)
    expect(console.page.get_by_role("heading", level=1)).to_be_visible()
    recovered = console.page.evaluate("""async () => {
        const app = document.querySelector('script[src$="/js/app.js"]').src;
        const { queue } = await import(app.replace("app.js", "uploads/queue.js"));
        await queue.recover();
        return queue.transfers.length;
    }""")
    assert recovered == 0
