"""Every page and dialog for everybody: axe, 320 pixels, the keyboard alone (console reference, T81, T82, T84).

The pages come from the console's own table, so a new one is looked at by itself. One with a parameter needs a value in
`harness.console_tour`, and its test fails until there is one.
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from harness.console_tour import NO_PAGES, Stop, Tour
from undercroft.console.page import Page as Row
from undercroft.console.sections import PAGES

SHOWN = [row for row in PAGES if row.method == "GET" and row.path not in NO_PAGES]
every_page = pytest.mark.parametrize("row", SHOWN, ids=[row.path for row in SHOWN])
_SERIOUS = {"serious", "critical"}
_SIDEWAYS = """() => {
    const wide = document.documentElement.clientWidth;
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


def go(tour: Tour, page: Page, stop: Stop) -> None:
    """Open a page, and see that it is a page and no refusal."""
    answer = page.goto(tour.server.console_url + stop.address)
    assert answer is not None
    assert answer.status == 200, (stop, answer.status)
    assert page.url == tour.server.console_url + stop.address


def scan(page: Page) -> None:
    """Have axe look for what shuts people out, in light and in dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(page).response["violations"]
        said = [
            f"{scheme}: {one['id']}: {one['help']}: {node['html'][:200]} {node['failureSummary']}"
            for one in found
            if one["impact"] in _SERIOUS
            for node in one["nodes"]
        ]
        assert not said, "\n".join(said)


@every_page
def test_t81_axe_finds_nothing_serious_on_the_page_in_light_and_dark(tour: Tour, row: Row):
    for stop in tour.stops(row):
        page = tour.page(stop.visitor)
        go(tour, page, stop)
        scan(page)
        if page.locator("[data-dialog-body]").count() and page.locator(".rail").count():
            page.goto(tour.server.console_url + str(page.locator("a[data-close]").first.get_attribute("href")))
            page.evaluate(_OPEN_AS_DIALOG, stop.address)
            expect(page.locator("dialog[open]")).to_be_visible()
            scan(page)
        page.close()


@every_page
def test_t84_at_320_pixels_nothing_scrolls_sideways(tour: Tour, row: Row):
    for stop in tour.stops(row):
        page = tour.page(stop.visitor)
        page.set_viewport_size({"width": 320, "height": 640})
        go(tour, page, stop)
        assert page.evaluate(_SIDEWAYS) == []
        page.close()
