"""The browser, and pages on two origins."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from harness.browser import find_browser, open_browser, two_origins


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module: see `harness.browser`."""
    if find_browser() is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with open_browser() as running:
        yield running


@pytest.fixture(scope="module")
def origins() -> Iterator[tuple[str, str]]:
    """Two origins."""
    with two_origins() as found:
        yield found


@pytest.fixture(scope="module")
def open_page(browser: Browser) -> Callable[[str], Page]:
    """Opens a page of an origin, without memory of other pages, such as of the preflights they made."""
    numbers = itertools.count(1)

    def make(origin: str) -> Page:
        page = browser.new_context().new_page()
        page.goto(f"{origin}/page-{next(numbers)}")
        return page

    return make
