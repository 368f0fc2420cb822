"""The console as its users have it: a page of a real browser, signed in, on a real server."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.sync_api import Browser, Locator, Page, expect

from harness.server import Server

PASSWORD = "a long enough password"  # What `Server.create_account` gives accounts.


@dataclass
class Console:
    """A browser page on the console of a server. `messages` has what the page's scripts complained of."""

    server: Server
    page: Page
    messages: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a path of the console."""
        self.page.goto(self.server.console_url + path)

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """Sign in, from whatever page the browser is at."""
        if "/sign-in" not in self.page.url:
            self.open("/sign-in")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_role("button", name="Next").click()
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_label("User menu")).to_be_visible()

    def dialog(self, opener: str) -> Locator:
        """The dialog that the link or button of this name opens."""
        self.page.locator("main").get_by_role("link", name=opener).or_(
            self.page.locator("main").get_by_role("button", name=opener)
        ).first.click()
        dialog = self.page.locator("dialog[open]")
        expect(dialog).to_be_visible()
        return dialog


def console_of(server: Server, browser: Browser, **context: object) -> Console:
    """A page in a browser context of its own, at no address yet. Errors of its scripts are kept."""
    made = Console(server, browser.new_context(**context).new_page())
    # That a change of pages came before the last one had faded in is what the browser tells its developers, and no error of a script.
    made.page.on(
        "pageerror", lambda error: made.messages.append(str(error)) if "Transition" not in str(error) else None
    )
    made.page.on(
        "console", lambda message: made.messages.append(message.text) if "Content Security" in message.text else None
    )
    # The browser hands choosers over while somebody listens, and only from a moment after that begins: so from the start.
    made.page.on("filechooser", lambda _: None)
    return made
