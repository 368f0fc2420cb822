"""The console without a browser: a session that is signed in and sends forms as a browser would."""

from __future__ import annotations

import re

import requests

from harness.console import PASSWORD
from harness.server import Server


class Forms:
    """A session of `requests` with the console; a stranger's where no e-mail address is given."""

    def __init__(self, server: Server, email: str | None = None) -> None:
        self.origin = server.console_url
        self.session = requests.Session()
        if email is not None:
            answer = self.post("/sign-in/password", page="/sign-in", email=email, password=PASSWORD)
            assert answer.status_code == 303, answer.text

    def get(self, path: str) -> requests.Response:
        """A page."""
        return self.session.get(self.origin + path, allow_redirects=False, timeout=60)

    def post(self, path: str, /, *, page: str = "/buckets", **fields: str | list[str]) -> requests.Response:
        """What the console answers to a form with these fields; `page` is where its token is read."""
        text = self.session.get(self.origin + page, timeout=60).text
        found = re.search(r'name="csrf-token" content="([0-9a-f]{64})"', text)
        assert found, text
        return self.session.post(
            self.origin + path,
            data={**fields, "csrf_token": found[1]},
            headers={"origin": self.origin},
            allow_redirects=False,
            timeout=60,
        )
