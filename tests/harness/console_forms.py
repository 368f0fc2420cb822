"""The console without a browser: pages fetched, and forms sent as a browser sends them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import requests

from harness.console import PASSWORD
from harness.server import Server

TIMEOUT_S = 120.0  # Hashing a password is slow on purpose, and the machine may be busy.


class Browser:
    """A session of `requests` that sends forms as a browser does."""

    def __init__(self, server: Server) -> None:
        self.origin = server.console_url
        self.session = requests.Session()

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(self.origin + path, allow_redirects=False, timeout=TIMEOUT_S, **options)

    def until(self, path: str, pattern: str) -> re.Match[str]:
        """What is found on a page once the background work that it tells of is done."""
        deadline = time.monotonic() + TIMEOUT_S
        while (found := re.search(pattern, self.get(path).text)) is None:
            assert time.monotonic() < deadline, (path, pattern)
            time.sleep(0.1)
        return found

    def token(self, path: str = "/sign-in", **headers: str) -> str:
        page = self.session.get(self.origin + path, timeout=TIMEOUT_S, headers=headers)
        return re.search(r'name="csrf-token" content="([0-9a-f]{64})"', page.text)[1]

    def post(
        self,
        path: str,
        fields: Mapping[str, str | Sequence[str]],
        *,
        origin: str | None = None,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> requests.Response:
        return self.session.post(
            self.origin + path,
            data=urlencode([*fields.items(), ("csrf_token", self.token() if token is None else token)], doseq=True),
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "origin": self.origin if origin is None else origin,
                **(headers or {}),
            },
            allow_redirects=False,
            timeout=TIMEOUT_S,
        )

    def sign_in(self, email: str, password: str = PASSWORD, **fields: str) -> requests.Response:
        return self.post("/sign-in/password", {"email": email, "password": password, **fields})
