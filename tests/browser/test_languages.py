"""The whole console in a language that is none, from right to left: every text comes from the catalogue, and everything has its place.

What a page shows outside the brackets of `harness.pseudo_language` was written past the translators, unless it is what somebody stored, a name, or a
word of the protocols.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from harness.certificates import Certificates
from harness.console_refusals import NEVER_REFUSED, REFUSED
from harness.console_tour import NO_PAGES, Tour, touring
from harness.pseudo_language import CLOSES, OPENS, pseudo, write_pseudo
from undercroft.console.page import Page as Row
from undercroft.console.sections import PAGES

LANGUAGE = "he"  # From right to left.
SHOWN = [row for row in PAGES if row.method == "GET" and row.path not in NO_PAGES]
FORMS = [row for row in PAGES if row.method == "POST" and row.path not in NEVER_REFUSED]
every_page = pytest.mark.parametrize("row", SHOWN, ids=[row.path for row in SHOWN])
every_form = pytest.mark.parametrize("row", FORMS, ids=[row.path for row in FORMS])

# All that a page says, once its texts in brackets are taken out: those may have others in them, and marks of HTML. What is code, what is marked as being
# in another language, such as the audit log, and what somebody typed has no language of ours.
_OUTSIDE = """([opens, closes]) => {
    const NOT_OURS = "code, kbd, pre, script, style, noscript, textarea, time, bdi, .terms, [lang]:not(html)";
    const NAMES = ["aria-label", "title", "placeholder", "alt", "data-label"];
    let depth = 0;
    const outside = (text) => [...text].filter((letter) => {
        if (letter === opens) depth++;
        else if (letter === closes) depth--;
        return !depth && letter !== closes;
    }).join("");
    const found = [outside(document.title)];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode()); ) {
        const text = outside(node.data);
        if (!node.parentElement.closest(NOT_OURS)) found.push(text);
    }
    for (const one of document.querySelectorAll("body *")) {
        for (const name of NAMES) if (one.hasAttribute(name) && !one.closest(NOT_OURS)) found.push(outside(one.getAttribute(name)));
    }
    return found;
}"""
# Why a word may stand there all the same.
_FINE = (
    r"Mozilla/.*|[A-Z]\w+/[\w/+ -]+",  # Browsers, time zones.
    r"Undercroft|TLS|UTC|CORS|API|S3|SSE-(?:B2|C)|SHA-1|AWS CLI|Java|Ctrl K|B2 Native API|S3-Compatible API",  # Names.
    r"[KMGTP]B|min|ms",  # Units.
    r"keyID|keyName|applicationKey|(?:list|read|write|delete|share|bypass)[A-Z]\w+|ObjectCreated:\*",  # Of protocols.
    r"https?://\S*|[\w.+-]+@[\w.-]+|[a-z]+/[a-z.+-]+|max-age=\d+",  # Addresses, types.
    r"Chrome|Linux|macOS|boto3|rclone|restic|Anybody",  # Programs.
    # What the tour has stored, by its name or id.
    r"[\w./-]*(?:holiday-pictures|website|nothing-here|server-in-the-cellar|photos|copies|snapshot|a-name-that-goes|\.(?:txt|png|iso|json|zip|csv))[\w./-]*",
    r"keep-a-copy|tell-my-app|offsite|my-copies|laptop|first-key|replication-(?:source|destination)|Master|admin|[0-9a-f]{12,}|[\w-]*_z[0-9a-f]{20,}\w*",
)
# Sentences of the store with a value in them: they are the protocols', and stay English.
_OF_THE_STORE = (
    r"Bucket names have \d+ to \d+ characters\.|The CORS rule '.*|Invalid .*|Passwords have .*|This is too short: .*",
    r"A (?:name|duration|key) .*|.* is not .*|An https URL of at most .*",
    r"The (?:rule|hmacSha256SigningSecret of the rule|endpoint of a target|key id of a target|key of a target) .*",
)
_SIDEWAYS = """() => {
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth) return [];
    const out = [...document.body.querySelectorAll("*")].filter((one) => !one.closest("details:not([open]) > :not(summary)")).filter((one) => {
        const { left, right } = one.getBoundingClientRect();
        return left < -1 || right > page.clientWidth + 1;
    });
    return [page.scrollWidth, ...out.slice(0, 5).map((one) => one.outerHTML.slice(0, 160))];
}"""
_SCAN = "() => axe.run('html', { resultTypes: ['violations'], preload: false }).then((found) => found.violations)"


def outside(page: Page) -> list[str]:
    """What the page says that is not in the language."""
    found = []
    for text in page.evaluate(_OUTSIDE, [OPENS, CLOSES]):
        rest = text.strip()
        for fine in (*_OF_THE_STORE, *_FINE):
            rest = re.sub(rf"(?<![\w.-])(?:{fine})(?![\w-])", "", rest)
        if re.search(r"[^\W\d_]{2}", rest):
            found.append(text.strip())
    return found


def look(page: Page) -> None:
    """See that all is translated, and that there is room for it."""
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert outside(page) == []
    for width in (1440, 320):
        page.set_viewport_size({"width": width, "height": 800})
        sideways = page.evaluate(_SIDEWAYS)
        assert not sideways, f"{width}: {sideways}"


def shuts_out(page: Page) -> list[dict[str, Any]]:
    """What shuts people out of the page."""
    page.evaluate(AXE_SCRIPT)
    return [one for one in page.evaluate(_SCAN) if one["impact"] in {"serious", "critical"}]


@pytest.fixture(scope="module")
def tour(browser: Browser, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """The tour of a server that knows the language, whose visitors have chosen it."""
    data = tmp_path_factory.mktemp("translated") / "data"
    data.mkdir()
    write_pseudo(data / "languages", LANGUAGE)
    with touring(browser, certificates, data) as made:
        for context in made.contexts.values():
            context.add_cookies([{"name": "undercroft_language", "value": LANGUAGE, "url": made.server.console_url}])
        yield made


@pytest.fixture(scope="module")
def visitors(tour: Tour) -> Iterator[Callable[[str], Page]]:
    pages: dict[str, Page] = {}

    def page_of(visitor: str) -> Page:
        if visitor not in pages:
            pages[visitor] = tour.page(visitor)
        return pages[visitor]

    yield page_of
    for page in pages.values():
        page.close()


@every_page
def test_every_text_of_a_page_is_translated_and_has_its_place_from_right_to_left(
    tour: Tour, visitors: Callable[[str], Page], row: Row, full_size: bool
):
    for stop in tour.stops(row):
        page = visitors(stop.visitor)
        page.goto(tour.server.console_url + stop.address)
        look(page)
        if (
            full_size
        ):  # Of what axe sees, the direction changes little; in English it looks at every page (test_accessibility).
            assert shuts_out(page) == []


@every_form
def test_what_a_refused_form_says_is_translated(tour: Tour, visitors: Callable[[str], Page], row: Row):
    refused = REFUSED[row.path]
    page = visitors(refused.visitor or tour.visitor_of(row))
    assert tour.send_refused(page, row.path, refused) == refused.status
    assert outside(page) == []


def test_scripts_speak_the_language_too(tour: Tour, visitors: Callable[[str], Page]):
    page = visitors("keeper")
    page.set_viewport_size({"width": 1440, "height": 800})
    page.goto(tour.server.console_url + "/buckets")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name=pseudo("Keyboard shortcuts"))).to_be_visible()
    assert outside(page) == []


def test_the_language_is_changed_in_the_menu(tour: Tour):
    page = tour.page("keeper")
    page.goto(tour.server.console_url + "/buckets")
    page.locator("summary.user").click()
    page.locator("form.language select").select_option("en")
    page.locator("form.language button").click()
    expect(page.get_by_role("heading", name="Buckets", exact=True)).to_be_visible()
    assert page.locator("html").get_attribute("dir") == "ltr"
    page.locator("summary.user").click()
    page.locator("form.language select").select_option(LANGUAGE)
    page.locator("form.language button").click()
    expect(page.get_by_role("heading", name=pseudo("Buckets"), exact=True)).to_be_visible()
    page.close()
