"""Pages in other languages: which one, how it is chosen, and what becomes of a translation that is wrong."""

from __future__ import annotations

import re

import pytest

from harness.console_forms import Browser
from harness.pseudo_language import pseudo, write_pseudo
from harness.server import Server, ServerFailed


@pytest.fixture(scope="module")
def translated(tmp_path_factory):
    data = tmp_path_factory.mktemp("translated")
    write_pseudo(data / "languages", "he", "eo")
    server = Server(data).start()
    yield server
    server.stop()


@pytest.fixture
def browser(translated):
    return Browser(translated)


def test_a_page_is_in_the_language_that_the_browser_asks_for_and_else_in_english(browser):
    hebrew = browser.get("/sign-in", headers={"accept-language": "he-IL, en;q=0.5"}).text
    assert '<html lang="he" dir="rtl"' in hebrew
    assert pseudo("Skip to content") in hebrew
    english = browser.get("/sign-in", headers={"accept-language": "xx, *;q=0.5"}).text
    assert '<html lang="en" dir="ltr"' in english
    assert "Skip to content" in english


def test_the_language_that_was_chosen_goes_before_that_of_the_browser(browser):
    answer = browser.post("/preferences/language", {"language": "eo", "back": "/sign-in"})
    assert answer.headers["location"] == "/sign-in"
    assert '<html lang="eo" dir="ltr"' in browser.get("/sign-in", headers={"accept-language": "he"}).text
    browser.post("/preferences/language", {"language": "../../etc", "back": "//evil.example"})
    assert '<html lang="en"' in browser.get("/sign-in", headers={"accept-language": "he"}).text


def test_scripts_have_their_texts_from_an_address_that_names_its_version(browser):
    page = browser.get("/sign-in", headers={"accept-language": "he"}).text
    address = re.search(r'<script defer src="(/languages/[^"]+)"', page)[1]
    answer = browser.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert browser.get("/languages/old/he.js").headers["cache-control"] == "no-cache"
    assert browser.get("/languages/old/en.js").status_code == 404
    assert "/languages/" not in browser.get("/sign-in").text.partition("<body")[0]


def test_what_scripts_are_answered_is_in_the_language_too(browser):
    asked = {"accept": "application/json", "accept-language": "he"}
    answer = browser.get("/nothing-here", headers=asked)
    assert (answer.status_code, answer.json()["title"]) == (404, pseudo("There is no such page"))


def test_what_the_audit_log_keeps_is_english_whatever_language_was_spoken(browser, translated):
    account = translated.announcement
    browser.sign_in(account["email"], account["password"])
    browser.post("/preferences/language", {"language": "eo"})
    refused = browser.post("/keys/new", {"name": "", "access": "readWrite"})
    assert refused.status_code == 422
    log = browser.get("/audit.csv").text
    assert "⟦" not in log


def test_a_server_does_not_start_with_a_translation_that_it_cannot_read(tmp_path):
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "de.po").write_text('msgid ""\nmsgstr ""\n\nmsgid "Cancel"\nmsgstr "%(x)s"\n')
    server = Server(tmp_path)
    with pytest.raises(ServerFailed, match=r"de\.po:4: .*has other values"):
        server.start()
