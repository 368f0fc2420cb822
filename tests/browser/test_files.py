"""Browse Files (console reference, T49 to T60): folders, versions, hiding, restoring, names, and what is unfinished."""

from __future__ import annotations

import io
import re
import zipfile
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import expect

from harness.clients import boto3_client
from harness.console import console_of
from harness.many_files import fill
from harness.native_session import Session
from harness.processes import wait_until
from undercroft import limits

ODD_NAME = "sp ace + plus 100% é 😀 مرحبا.txt"


def test_t49_expanding_the_count_lists_both_versions_each_with_a_download(files):
    files.put("a.txt", b"first version")
    files.put("a.txt", b"second")
    files.put("b.txt")
    files.open()
    files.console.page.get_by_label("2 versions of a.txt").click()
    expect(files.versions()).to_have_count(2)
    newest, oldest = files.versions().all()
    expect(newest).to_contain_text("6 bytes")
    expect(oldest).to_contain_text("13 bytes")
    with files.console.page.expect_download() as download:
        oldest.get_by_label(re.compile("^Download version")).click()
    assert download.value.path().read_bytes() == b"first version"
    assert download.value.suggested_filename == "a.txt"
    files.console.page.get_by_label("2 versions of a.txt").click()
    expect(files.versions()).to_have_count(0)


def test_t50_deleting_the_newest_version_brings_the_older_one_forward(files):
    files.put("a.txt", b"older")
    files.put("a.txt", b"the newest")
    files.open(open="a.txt")
    files.versions().first.get_by_label(re.compile("^Delete version")).click()
    dialog = files.console.page.locator("dialog[open]")
    expect(dialog).to_contain_text("comes forward in its place")
    dialog.get_by_role("button", name="Delete version").click()
    files.toast("The version is deleted")
    expect(files.row("a.txt")).to_contain_text("5 bytes")
    assert files.s3.get_object(Bucket=files.name, Key="a.txt")["Body"].read() == b"older"


def test_t51_a_hidden_file_vanishes_and_comes_back(files):
    files.publish()
    version = files.put("a.txt", b"here")
    page = files.console.page
    files.open_file(version)
    address = page.locator("[data-details] a.mono").first.get_attribute("href")
    assert page.request.get(address).status == 200
    page.get_by_role("button", name="Hide", exact=True).click()
    files.toast("The file is hidden")
    assert page.request.get(address).status == 404
    files.open()
    expect(files.row("a.txt")).to_have_count(0)
    files.open(hidden="1")
    expect(files.row("a.txt")).to_contain_text("Hidden")
    page.get_by_label("Un-hide a.txt").click()
    files.toast("visible again")
    files.open()
    expect(files.row("a.txt")).to_be_visible()
    assert page.request.get(address).body() == b"here"


def test_t51_hiding_a_selection_can_be_undone_in_the_message_that_tells_of_it(files):
    for key in ("in/one", "in/two", "top", "stays"):
        files.put(key)
    files.s3.delete_object(Bucket=files.name, Key="in/two")  # It was hidden before, and stays so.
    page = files.console.page
    for is_alone in (True, False):
        files.open()
        files.choose("in/", "top")
        page.get_by_role("group", name="Selection").get_by_role("button", name="Delete").click()
        dialog = page.locator("dialog[open]")
        dialog.get_by_role("radio", name="Hide").check()
        dialog.get_by_role("button", name="Delete").click()
        expect(page.get_by_text("The selection is hidden.").first).to_be_visible()
        expect(files.row("top")).to_have_count(0)
        if not is_alone:
            files.s3.delete_object(Bucket=files.name, Key="stays")
            files.put("top", b"newer")
        page.locator("[data-toasts]").get_by_role("button", name="Undo").click()
        expect(page.get_by_text("The hidden files are visible again.").first).to_be_visible()
        expect(files.row("top")).to_be_visible()
        names = [one["Key"] for one in files.s3.list_objects_v2(Bucket=files.name)["Contents"]]
        assert names == (["in/one", "stays", "top"] if is_alone else ["in/one", "top"])


def test_t52_restore_copies_an_old_version_to_the_top(files):
    files.put("a.txt", b"good", ContentType="text/x-good", Metadata={"color": "blue"})
    files.put("a.txt", b"a mistake")
    files.open(open="a.txt")
    files.versions().nth(1).get_by_label(re.compile("^Restore version")).click()
    files.toast("newest one now")
    expect(files.console.page.get_by_label("3 versions of a.txt")).to_be_visible()
    found = files.s3.get_object(Bucket=files.name, Key="a.txt")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (
        b"good",
        "text/x-good",
        {"color": "blue"},
    )


def test_t53_a_new_folder_is_shown_and_its_placeholder_is_not(files):
    files.open()
    dialog = files.console.dialog("New Folder")
    dialog.get_by_label("Name").fill("pictures")
    dialog.get_by_role("button", name="Create").click()
    expect(files.console.page.get_by_text("This folder is empty")).to_be_visible()
    expect(files.console.page.get_by_label("Where you are")).to_contain_text("pictures")
    files.open()
    assert files.labels() == ["pictures/"]
    assert files.stored() == [("pictures/.bzEmpty", False)]
    dialog = files.console.dialog("New Folder")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.locator("[id$=e-folder]")).to_contain_text("A folder has a name")


def test_t54_a_folder_of_100_000_files_shows_its_first_rows_at_once_and_scrolls_on_to_its_end(files, server):
    fill(server.data_dir, files.bucket_id, "many/file-", 100_000)
    page = files.console.page
    files.open("many/")
    expect(files.row("file-000000")).to_be_visible(timeout=20_000)
    row_count = page.locator("table.files tbody tr").count()
    page.locator("table.files tbody tr").last.scroll_into_view_if_needed()
    expect(page.locator("table.files tbody tr")).not_to_have_count(row_count)
    expect(files.row("file-000150")).to_be_attached()
    page.get_by_role("link", name="Last page").click()
    expect(files.row("file-099999")).to_be_visible()
    page.get_by_role("link", name="Previous page").click()
    expect(files.row("file-099899")).to_be_visible()
    page.get_by_label("Filter: names that begin with").fill("file-0777")
    expect(files.row("file-077700")).to_be_visible()
    expect(files.row("file-099899")).to_have_count(0)
    assert "typed=file-0777" in page.url
    page.reload()
    expect(files.row("file-077700")).to_be_visible()


def test_of_a_long_folder_few_rows_are_in_the_page_and_all_are_reached_and_chosen(files, server):
    """The keyboard, what is chosen, and what is told to screen readers, know of the rows that are out of the page too."""
    fill(server.data_dir, files.bucket_id, "many/file-", 900)
    page = files.console.page
    page.set_viewport_size({"width": 1280, "height": 720})
    files.open("many/")
    files.choose("file-000000")
    page.keyboard.press("ArrowDown")

    def is_at_the_end():
        page.keyboard.press("End")
        return page.evaluate("document.activeElement.dataset.name") == "many/file-000899"

    wait_until(is_at_the_end, "the last row is not reached")
    expect(files.row("file-000000")).to_have_count(0)
    assert page.locator("tr[data-kind]").count() <= 500
    table, last = page.locator("table.files"), files.row("file-000899")
    expect(last).to_be_in_viewport()
    expect(last).to_have_attribute("aria-rowindex", "901")
    expect(table).to_have_attribute("aria-rowcount", "901")
    expect(page.locator("tr[data-kind][tabindex='0']")).to_have_count(1)
    page.keyboard.press(" ")
    expect(page.locator("[data-selection-count]")).to_have_text("2 selected")
    page.keyboard.press("Delete")
    expect(page.locator("dialog[open]")).to_contain_text("2 files with 2 versions")
    expect(page.locator("dialog[open]")).to_contain_text("file-000000")
    page.keyboard.press("Escape")
    last.focus()
    page.keyboard.press("Home")
    expect(files.row("file-000000")).to_be_in_viewport()
    expect(files.row("file-000000")).to_be_focused()
    expect(files.row("file-000000").get_by_role("checkbox")).to_be_checked()
    expect(last).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("[data-selection-bar]")).to_be_hidden()
    page.keyboard.press("Control+a")
    expect(page.locator("[data-selection-count]")).to_have_text("900 selected")


def test_a_folder_is_put_in_order_by_size_and_time_whatever_page_its_files_are_on(files):
    for number in range(limits.FOLDER_PAGE):
        files.put(f"{number:03d}.txt", b"x")
    files.put("last-and-largest.txt", b"x" * 5000)
    files.put("below/inside.txt")
    files.open()
    page = files.console.page
    expect(files.row("last-and-largest.txt")).to_have_count(0)
    page.get_by_role("columnheader", name="Size").get_by_role("button").click()
    expect(page.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "descending")
    assert files.labels()[0] == "last-and-largest.txt"
    page.get_by_role("link", name="Next page").scroll_into_view_if_needed()
    expect(files.row("below/")).to_be_attached()
    assert files.labels()[-2:] == [f"{limits.FOLDER_PAGE - 1:03d}.txt", "below/"]
    expect(page.get_by_role("navigation", name="Pages").get_by_role("link")).to_have_count(0)
    page.get_by_role("columnheader", name="Size").get_by_role("button").click()
    expect(page.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "ascending")
    assert files.labels()[0] == "000.txt"
    page.goto(urljoin(page.url, page.get_by_role("link", name="Next page").get_attribute("href")))
    assert files.labels() == ["last-and-largest.txt", "below/"]
    expect(page.get_by_role("link", name="Next page")).to_have_count(0)
    page.get_by_role("link", name="First page").click()
    expect(files.row("000.txt")).to_be_visible()
    page.get_by_role("columnheader", name="Uploaded").get_by_role("button").click()
    expect(page.get_by_role("columnheader", name="Uploaded")).to_have_attribute("aria-sort", "descending")
    assert files.labels()[:2] == ["last-and-largest.txt", f"{limits.FOLDER_PAGE - 1:03d}.txt"]
    page.get_by_placeholder("Names that begin with").fill("00")
    expect(page.locator("table.files tbody tr")).to_have_count(10)
    assert files.labels()[0] == "009.txt"
    page.get_by_role("columnheader", name="Name").get_by_role("button").click()
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    expect(page.get_by_role("columnheader", name="Name").get_by_role("button")).to_be_focused()
    assert files.labels()[0] == "000.txt"


def test_t55_go_to_path_opens_a_deep_folder_and_a_file(files):
    files.put("a/very/deep/folder/file.txt")
    page = files.console.page
    files.open()
    for path, crumb in (("a/very/deep", "deep"), ("/a/very/deep/folder/", "folder")):
        page.get_by_label("Go to path").locator("visible=true").first.click()
        page.get_by_role("textbox", name="Go to path").fill(path)
        page.keyboard.press("Enter")
        expect(page.get_by_label("Where you are").locator("[aria-current]")).to_have_text(crumb)
    expect(files.row("file.txt")).to_be_visible()
    page.get_by_label("Go to path").locator("visible=true").first.click()
    page.get_by_role("textbox", name="Go to path").fill("a/very/deep/folder/file.txt")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="File Details")).to_be_visible()


def test_t56_a_search_of_the_whole_bucket_finds_what_is_on_no_page_yet(files, server):
    fill(server.data_dir, files.bucket_id, "many/file-", 30_000)
    files.put("zz/deep/The Needle.txt")
    page = files.console.page
    files.open("many/")
    page.get_by_role("link", name="Search bucket").click()
    page.get_by_label("Search the whole bucket").fill("needle")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="The Needle.txt")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("status").filter(has_text="looked at")).to_contain_text("30,001 names looked at")
    page.get_by_role("link", name="zz/deep/").click()
    expect(files.row("The Needle.txt")).to_be_visible()


def test_t57_rename_and_move_keep_content_type_and_file_info(files):
    files.put("old.txt", b"content", ContentType="text/x-odd", Metadata={"color": "blue"})
    files.put("taken.txt", b"other")
    page = files.console.page
    files.open()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("F2")
    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_label("New path")).to_have_value("old.txt")
    dialog.get_by_label("New path").fill("taken.txt")
    dialog.get_by_role("button", name="Rename").click()
    expect(dialog.locator("[id$=e-path]")).to_contain_text("already")
    dialog.get_by_label("New path").fill("in/a folder/new.txt")
    dialog.get_by_role("button", name="Rename").click()
    files.toast("The file has moved")
    expect(files.row("new.txt")).to_be_visible()
    found = files.s3.get_object(Bucket=files.name, Key="in/a folder/new.txt")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (
        b"content",
        "text/x-odd",
        {"color": "blue"},
    )
    assert files.stored() == [("in/a folder/new.txt", False), ("taken.txt", False)]


def test_t58_select_all_then_delete_states_the_exact_number_of_files_and_versions(files):
    for key in ("a.txt", "a.txt", "a.txt", "in/1.txt", "in/2.txt", "in/2.txt"):
        files.put(key, b"1234")
    files.open()
    files.console.page.get_by_label("Select all on this page").check()
    expect(files.console.page.locator("[data-selection-bar]")).to_contain_text("2 selected")
    dialog = files.press("Delete")
    expect(dialog).to_contain_text("3 files with 6 versions, 24 bytes in all")
    dialog.get_by_role("button", name="Delete").click()
    files.toast("The selection is deleted")
    assert files.stored() == []


def test_t58_what_is_locked_is_named_and_stays(files):
    files.enable_lock()
    files.put("free.txt")
    version = files.put("kept.txt")
    files.open_file(version)
    dialog = files.console.dialog("Change")
    dialog.get_by_text("Compliance", exact=True).click()
    dialog.get_by_label("Retain until (UTC)").fill("2001-01-01T00:00")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.locator("[id$=e-until]")).to_be_visible()
    dialog.get_by_label("Retain until (UTC)").fill("2999-05-06T07:08")
    dialog.get_by_role("button", name="Save").click()
    expect(files.console.page.locator("[data-details]")).to_contain_text(
        "Compliance Mode, until 2999-05-06 07:08:00 UTC"
    )
    files.open()
    files.console.page.get_by_label("Select all on this page").check()
    dialog = files.press("Delete")
    expect(dialog).to_contain_text("1 version is locked and will stay, the last until 2999-05-06 07:08:00 UTC")
    expect(dialog.get_by_role("listitem").filter(has_text="until")).to_have_text(
        "kept.txt until 2999-05-06 07:08:00 UTC"
    )
    dialog.get_by_role("button", name="Delete").click()
    files.toast("but for locked versions")
    assert files.stored() == [("kept.txt", False)]


def test_t59_odd_names_are_listed_downloaded_and_have_addresses_that_work(files):
    files.publish()
    files.put(f"fol der/{ODD_NAME}", b"odd", ContentType="text/plain")
    page = files.console.page
    files.open()
    page.get_by_role("link", name="fol der/", exact=True).click()
    expect(files.row(ODD_NAME)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_label(f"Download {ODD_NAME}").click()
    assert download.value.path().read_bytes() == b"odd"
    assert download.value.suggested_filename == ODD_NAME
    page.get_by_role("link", name=ODD_NAME, exact=True).click()
    expect(page.get_by_role("heading", name="File Details")).to_be_visible()
    addresses = [link.get_attribute("href") for link in page.locator("[data-details] a.mono").all()]
    assert len(addresses) == 3
    for address in addresses:
        assert page.goto(address).body() == b"odd", address
        page.go_back()


def test_t60_an_unfinished_upload_is_listed_and_cancelled(files):
    upload = files.s3.create_multipart_upload(Bucket=files.name, Key="big.iso")["UploadId"]
    files.s3.upload_part(Bucket=files.name, Key="big.iso", UploadId=upload, PartNumber=1, Body=b"part")
    files.open()
    expect(files.console.page.get_by_text("This bucket is empty")).to_be_visible()
    files.console.page.get_by_text("Show", exact=True).click()
    files.console.page.get_by_role("menuitemcheckbox", name="Unfinished large files").click()
    expect(files.row("big.iso")).to_contain_text("Unfinished")
    files.console.page.get_by_label("Cancel unfinished big.iso").click()
    files.console.page.locator("dialog[open]").get_by_role("button", name="Cancel upload").click()
    expect(files.row("big.iso")).to_have_count(0)
    assert "Uploads" not in files.s3.list_multipart_uploads(Bucket=files.name)


def test_t60_every_unfinished_upload_of_the_bucket_is_listed_from_its_card_and_several_are_cancelled_at_once(files):
    for key in ("deep/down/big.iso", "old.iso", "wanted.iso"):
        files.s3.create_multipart_upload(Bucket=files.name, Key=key)
    page = files.console.page
    files.console.open("/buckets")
    page.locator(f"#bucket-{files.name}").get_by_role("link", name="Unfinished Large Files").click()
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.filter(has_text="deep/down/big.iso")).to_have_count(1)
    for name in ("deep/down/big.iso", "old.iso"):
        page.get_by_label(f"Select {name}").check()
    page.get_by_role("button", name="Cancel the selected").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cancel 2 uploads")
    page.get_by_role("button", name="Cancel uploads").click()
    expect(rows).to_have_count(1)
    assert urlsplit(page.url).path.endswith("/unfinished")
    assert [one["Key"] for one in files.s3.list_multipart_uploads(Bucket=files.name)["Uploads"]] == ["wanted.iso"]


def test_when_the_last_row_of_a_later_page_of_unfinished_uploads_is_cancelled_the_first_page_is_shown(files):
    for key in ("first.iso", "second.iso"):
        files.s3.create_multipart_upload(Bucket=files.name, Key=key)
    second = files.s3.list_multipart_uploads(Bucket=files.name)["Uploads"][1]["UploadId"]
    page = files.console.page
    files.console.open(f"/buckets/{files.name}/unfinished?from={second}")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(1)
    page.get_by_label("Cancel second.iso").click()
    page.locator("dialog[open]").get_by_role("button", name="Cancel upload").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("first.iso")
    expect(page.get_by_text("The version is deleted.").first).to_be_visible()


def test_t68_files_and_a_folder_are_one_valid_zip_with_right_paths(files):
    for key in ("top/a.txt", "top/in/b.txt", "top/in/deep/ü.txt", "top/not.txt", "other.txt"):
        files.put(key, key.encode())
    files.open("top/")
    files.choose("a.txt", "in/")
    with files.console.page.expect_download() as download:
        files.console.page.locator("[data-selection-bar]").get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "top.zip"
    made = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    assert made.testzip() is None
    assert {name: made.read(name).decode() for name in made.namelist()} == {
        "a.txt": "top/a.txt",
        "in/b.txt": "top/in/b.txt",
        "in/deep/ü.txt": "top/in/deep/ü.txt",
    }


def test_the_table_is_worked_with_the_keyboard_alone(files):
    for key in ("in/x.txt", "a.txt", "b.txt", "c.txt"):
        files.put(key)
    page = files.console.page
    files.open()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("[data-selection-count]")).to_have_text("2 selected")
    page.keyboard.press("Escape")
    expect(page.locator("[data-selection-bar]")).to_be_hidden()
    page.keyboard.press("Control+a")
    expect(page.locator("[data-selection-count]")).to_have_text("4 selected")
    page.keyboard.press("Delete")
    expect(page.locator("dialog[open]")).to_contain_text("4 files with 4 versions")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("Escape")
    page.locator("tr[data-kind=folder]").focus()
    page.keyboard.press("Enter")
    expect(files.row("x.txt")).to_be_visible()
    page.wait_for_load_state()  # The page's scripts listen by then.
    page.keyboard.press("Backspace")
    expect(files.row("a.txt")).to_be_visible()
    assert urlsplit(page.url).query == ""


def test_the_page_works_without_script(server, browser, signed_in_state, files):
    files.put("a.txt", b"1")
    files.put("a.txt", b"22")
    files.put("in/b.txt")
    context = browser.new_context(storage_state=signed_in_state, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.console_url}/buckets/{files.name}/files")
    page.get_by_label("2 versions of a.txt").click()
    expect(page.locator("tr.version")).to_have_count(2)
    page.get_by_label("Select a.txt", exact=True).check()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("main")).to_contain_text("1 file with 2 versions")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_label("Select in/")).to_be_visible()
    assert files.stored() == [("in/b.txt", False)]
    context.close()


def test_everything_is_searched_from_every_page(server, browser, new_name):
    word = new_name("findme")
    account = server.create_account(f"{word}@example.com")
    s3 = boto3_client(server, key=(account["keyId"], account["applicationKey"]))
    console = console_of(server, browser)
    console.sign_in(account["email"])
    names = [f"{word}-1", new_name("other")]
    for name in names:
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key=f"in/{word.upper()}.txt", Body=b"x")
    console.open("/keys")
    page = console.page
    page.keyboard.press("Control+k")
    field = page.get_by_role("searchbox", name="Search everything")
    expect(field).to_be_focused()
    field.fill(word)
    field.press("Enter")
    expect(page.get_by_role("heading", name="Buckets")).to_be_visible()
    expect(page.get_by_role("table", name="Buckets").get_by_role("link")).to_have_text([names[0]])
    for name in names:
        expect(
            page.get_by_role("table", name=f"Files in {name}").get_by_role("link", name=f"{word.upper()}.txt")
        ).to_be_visible()
    page.locator("main").get_by_role("searchbox").fill(f"{names[1]}/in/")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=f"Go to {names[1]}/in/").click()
    expect(page.get_by_role("link", name=f"{word.upper()}.txt", exact=True)).to_be_visible()
    page.context.close()


def test_a_large_bucket_keeps_nobody_from_seeing_what_a_small_one_has(server, browser, new_name):
    word = new_name("needle")
    account = server.create_account(f"{word}@example.com")
    key = (account["keyId"], account["applicationKey"])
    s3 = boto3_client(server, key=key)
    large, small = new_name("a-large"), new_name("b-small")
    bucket_id = Session(server.api_url, *key).create_bucket(large)["bucketId"]
    fill(server.data_dir, bucket_id, "hay/", limits.SEARCH_STEP_NAMES + 1)
    s3.create_bucket(Bucket=small)
    s3.put_object(Bucket=small, Key=f"{word}.txt", Body=b"x")
    console = console_of(server, browser)
    console.sign_in(account["email"])
    console.open(f"/find?text={word}")
    page = console.page
    expect(page.get_by_role("table", name=f"Files in {small}").get_by_role("link", name=f"{word}.txt")).to_be_visible()
    expect(page.locator("main")).to_contain_text(large)  # Which was not searched to its end.
    page.context.close()
