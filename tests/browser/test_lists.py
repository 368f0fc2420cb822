"""What every list does (console-look: it filters as one types, and can be downloaded)."""

from __future__ import annotations

import csv
import re

from playwright.sync_api import expect


def rows_of(download):
    return list(csv.DictReader(download.value.path().read_text("utf-8").splitlines()))


def test_a_list_is_narrowed_as_one_types_by_all_it_has_and_not_by_the_page_alone(files):
    """What is typed stands in the address, so that a reload, the other pages and the file of the list have it too."""
    for number in range(101):
        files.api.create_key(["listFiles"], f"many-{number}")
    files.api.create_key(["listFiles"], "the-very-last-key")
    page = files.console.page
    files.console.open("/keys")
    expect(page.get_by_text("the-very-last-key")).to_have_count(0)  # It is on the next page.
    field = page.get_by_label("Filter by name, id or bucket")
    field.fill("VERY-LAST")
    rows = page.locator("tr[data-key-id]")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("the-very-last-key")
    expect(page.locator("[data-filter-count]")).to_have_text("1 found")
    expect(page).to_have_url(re.compile(r"/keys\?filter=VERY-LAST$"))
    expect(field).to_be_focused()
    with page.expect_download() as download:
        page.get_by_label("Export the application keys as CSV").click()
    assert [row["name"] for row in rows_of(download)] == ["the-very-last-key"]
    page.reload()
    expect(rows).to_have_count(1)
    field.fill("many-")
    expect(rows).to_have_count(100)
    page.get_by_role("link", name="Next page").click()
    expect(rows).to_have_count(1)
    field.fill("no such key")
    expect(page.get_by_text("Nothing here has “no such key” in it.")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    expect(rows).to_have_count(100)


def test_other_orders_of_a_narrowed_list_are_narrowed_too(files):
    page = files.console.page
    files.console.open("/buckets")
    page.get_by_label("Filter by name").fill(files.name.upper())
    names = page.locator("#list h2, #list th[scope=row]")
    expect(names).to_have_text([files.name])
    page.get_by_role("link", name="Table", exact=True).click()
    expect(page.locator("#list tbody th")).to_have_text([files.name])
    page.get_by_label("Filter by name").fill("no such bucket")
    expect(page.get_by_text("No bucket's name has")).to_be_visible()


def test_heads_of_columns_are_buttons_that_put_a_list_in_order_without_script_too(
    server, browser, signed_in_state, files
):
    for key, body in (("in/a", b"xx"), ("in/b", b"x"), ("in/c", b"xxx")):
        files.put(key, body)
    page = browser.new_context(storage_state=signed_in_state, java_script_enabled=False).new_page()
    page.goto(f"{server.console_url}/buckets/{files.name}/files?prefix=in/")
    head, names = page.get_by_role("columnheader", name="Size"), page.locator("table.files tbody th a")
    for order, listed in (("descending", ["c", "a", "b"]), ("ascending", ["b", "a", "c"])):
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", order)
        expect(names).to_have_text(listed)
    page.goto(f"{server.console_url}/buckets?view=table&filter={files.name}")
    head = page.get_by_role("columnheader", name="Size")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(page.locator("#list tbody th")).to_have_text([files.name])
    page.context.close()


def test_a_list_is_narrowed_without_script(server, browser, signed_in_state, files):
    page = browser.new_context(storage_state=signed_in_state, java_script_enabled=False).new_page()
    files.api.create_key(["listFiles"], "plain-key")
    page.goto(f"{server.console_url}/keys")
    page.get_by_label("Filter by name, id or bucket").fill("plain-k")
    page.get_by_label("Filter by name, id or bucket").press("Enter")
    expect(page.locator("tr[data-key-id] th")).to_have_text(["plain-key"])
    page.context.close()
