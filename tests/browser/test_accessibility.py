"""Every page, dialog and refused form for everybody: axe, 320 pixels, the keyboard alone (console reference, T81, T82, T84).

They come from the console's own table, so a new one is looked at by itself. A page with a parameter needs a value in
`harness.console_tour`, a form a word in `harness.console_refusals`; their tests fail until there is one. Each is loaded once, and looked at in
light, in dark and at 320 pixels as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from harness.console_refusals import NEVER_REFUSED, REFUSED
from harness.console_tour import NO_PAGES, Stop, Tour
from undercroft.console.page import Page as Row
from undercroft.console.sections import PAGES

SHOWN = [row for row in PAGES if row.method == "GET" and row.path not in NO_PAGES]
FORMS = [row for row in PAGES if row.method == "POST" and row.path not in NEVER_REFUSED]
every_page = pytest.mark.parametrize("row", SHOWN, ids=[row.path for row in SHOWN])
every_form = pytest.mark.parametrize("row", FORMS, ids=[row.path for row in FORMS])
WIDE, NARROW = {"width": 1280, "height": 720}, {"width": 320, "height": 640}
_SERIOUS = {"serious", "critical"}
_SIDEWAYS = """() => {
    const wide = document.documentElement.clientWidth;
    const dialog = document.querySelector("dialog[open]");
    if (dialog && dialog.scrollWidth > dialog.clientWidth) return [dialog.scrollWidth, "the dialog"];
    if (document.documentElement.scrollWidth <= wide) return [];
    const out = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > wide + 1);
    return [document.documentElement.scrollWidth, ...out.slice(0, 5).map((one) => one.outerHTML.slice(0, 160))];
}"""
_OPEN_AS_DIALOG = """(href) => {
    const link = Object.assign(document.createElement("a"), { href });
    link.dataset.dialog = "";
    document.body.append(link);
    link.click();
    link.remove();
}"""
_SCAN = "([at, options]) => axe.run(at, options).then((found) => found.violations)"
# Ids that are there twice, and references to none.
_ASTRAY = """() => {
    const ids = [...document.querySelectorAll("[id]")].map((one) => one.getAttribute("id"));
    const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
    const named = ["for", "aria-describedby", "aria-labelledby", "form", "list"].flatMap((name) =>
        [...document.querySelectorAll(`[${name}]`)].flatMap((one) => one.getAttribute(name).split(/\\s+/).filter(Boolean)));
    return [...twice, ...named.filter((id) => !ids.includes(id))];
}"""


def look(page: Page, *, at: str = "html", in_dark: bool = True) -> None:
    """Look at what is open, or at the part of it that the selector names, for what shuts people out.

    Colours are the same wherever a part stands, so the dark ones of a dialog are seen on its page.
    """
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.evaluate(AXE_SCRIPT)
    said = [f"light: {one}" for one in _found(page, at, {})]
    if in_dark:
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        said += [
            f"dark: {one}" for one in _found(page, at, {"runOnly": ["color-contrast"]})
        ]  # All that a theme changes.
    assert not said, "\n".join(said)
    assert page.evaluate(_ASTRAY) == []
    page.set_viewport_size(NARROW)
    assert page.evaluate(_SIDEWAYS) == []
    page.set_viewport_size(WIDE)


def _found(page: Page, at: str, options: dict[str, Any]) -> list[str]:
    found = page.evaluate(_SCAN, [at, {"resultTypes": ["violations"], "preload": False, **options}])
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        if one["impact"] in _SERIOUS
        for node in one["nodes"]
    ]


@pytest.fixture(scope="module")
def visitors(tour: Tour) -> Iterator[Callable[[str], Page]]:
    """The page that a visitor looks at everything with: one for all tests, since a new one takes as long as what it shows."""
    pages: dict[str, Page] = {}

    def page_of(visitor: str) -> Page:
        if visitor not in pages:
            pages[visitor] = tour.page(visitor)
        pages[visitor].set_viewport_size(WIDE)
        return pages[visitor]

    yield page_of
    for page in pages.values():
        page.close()


def go(tour: Tour, page: Page, stop: Stop) -> None:
    """Open a page, and see that it is a page and no refusal."""
    answer = page.goto(tour.server.console_url + stop.address)
    assert answer is not None
    assert answer.status == 200, (stop, answer.status)
    assert page.url == tour.server.console_url + stop.address


@every_page
def test_t81_t84_axe_finds_nothing_serious_in_light_and_dark_and_at_320_pixels_nothing_scrolls_sideways(
    tour: Tour, visitors: Callable[[str], Page], row: Row
):
    for stop in tour.stops(row):
        page = visitors(stop.visitor)
        go(tour, page, stop)
        look(page)
        if page.locator("[data-dialog-body]").count() and page.locator(".rail").count():
            page.evaluate(_OPEN_AS_DIALOG, stop.address)  # Over itself, where most names would clash.
            expect(page.locator("dialog[open]")).to_be_visible()
            look(page, at="dialog[open]", in_dark=False)


@every_form
def test_t81_t84_a_refused_form_says_what_is_wrong_to_everybody(tour: Tour, visitors: Callable[[str], Page], row: Row):
    assert row.path in REFUSED, f"say in tests/harness/console_refusals.py how {row.path} is refused"
    refused = REFUSED[row.path]
    page = visitors(refused.visitor or tour.visitor_of(row))
    status = tour.send_refused(page, row.path, refused)
    assert status == refused.status
    expect(page.locator(".error, .alert").first).to_be_visible()
    look(page)


def test_no_form_is_said_to_be_refused_or_not_that_there_is_no_more():
    forms = {row.path for row in PAGES if row.method == "POST"}
    assert set(REFUSED) | NEVER_REFUSED == forms
    assert not set(REFUSED) & NEVER_REFUSED
