"""A real browser, and pages for it on origins of their own.

Playwright's blocking interface keeps an event loop running in the thread for as long as the browser is open, so the browser
is closed before tests that run loops themselves have their turn: its fixture belongs to one module.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

_FETCH = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        return {status: answer.status, body: await answer.text(), headers: Object.fromEntries(answer.headers)};
    } catch (error) {
        return {refused: error.name};
    }
}"""


def find_browser() -> str | None:
    """The path of Debian's Chromium, or None where it is not installed."""
    return shutil.which("chromium")


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """The browser without a window. It needs Chromium (`find_browser`)."""
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Root, as in containers, cannot have Chromium's sandbox.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=sandbox)
        try:
            yield browser
        finally:
            browser.close()


class _BlankPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>A page</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def two_origins() -> Iterator[tuple[str, str]]:
    """Two origins that serve a blank page each. They are one server under two names, which is all that an origin is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _BlankPage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def fetch(page: Page, url: str, **options: Any) -> dict[str, Any]:
    """What JavaScript's `fetch` gives the page: status, body and the headers it may see, or `{"refused": …}`."""
    answer: dict[str, Any] = page.evaluate(_FETCH, [url, options])
    return answer
