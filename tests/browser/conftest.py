"""The browser, and pages on two origins."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.browser import find_browser, open_browser, two_origins
from harness.certificates import Certificates
from harness.clients import b2_api, boto3_client
from harness.console import Console, console_of
from harness.console_files import BucketPages
from harness.console_tour import Tour, touring
from harness.server import Server

expect.set_options(timeout=30_000)  # A busy machine takes its time; what is there is seen at once.


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


class Owner(NamedTuple):
    """An account with its keys, as `undercroft account create` gives them."""

    email: str
    account_id: str
    key_id: str
    application_key: str


_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def owner(server: Server) -> Owner:
    """An account of the module's own, so that modules see none of each other's buckets and keys."""
    email = f"owner-{os.getpid()}-{next(_numbers)}@example.com"
    made = server.create_account(email)
    return Owner(email, made["accountId"], made["keyId"], made["applicationKey"])


@pytest.fixture(scope="module")
def signed_in_state(server: Server, browser: Browser, owner: Owner) -> Any:
    """What a browser keeps of having signed in: hashing a password is slow on purpose, so a module does it once."""
    console = console_of(server, browser)
    console.sign_in(owner.email)
    state = console.page.context.storage_state()
    console.page.context.close()
    return state


@pytest.fixture
def console(server: Server, browser: Browser, signed_in_state: Any) -> Iterator[Console]:
    """A page that is signed in as the module's owner. Its scripts must have raised nothing when the test ends."""
    made = console_of(server, browser, storage_state=signed_in_state)
    yield made
    made.page.context.close()
    assert not made.messages, made.messages


@pytest.fixture
def stranger_console(server: Server, browser: Browser) -> Iterator[Console]:
    """A page of a browser that nobody has signed in with."""
    made = console_of(server, browser)
    yield made
    made.page.context.close()
    assert not made.messages, made.messages


@pytest.fixture
def files(console: Console, server: Server, owner: Owner, new_name: Callable[[str], str]) -> BucketPages:
    """A bucket of the owner's, and its pages."""
    key = (owner.key_id, owner.application_key)
    s3 = boto3_client(server, key=key)
    name = new_name("files")
    s3.create_bucket(Bucket=name)
    return BucketPages(console, s3, b2_api(server, key=key), name)


@pytest.fixture(scope="module")
def tour(browser: Browser, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """A server with something of everything on it, for those who look at every page."""
    with touring(browser, certificates, tmp_path_factory.mktemp("tour") / "data") as made:
        yield made
