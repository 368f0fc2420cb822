"""Which upload tokens have an upload in flight in this process: one at a time each (reference, section 9.6)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from undercroft.native.errors import NativeError

_SHOWN_CHARACTERS = 12  # A token is a secret: the message names enough of it to tell it from others.


class UploadSlots:
    """The tokens in use. Memory is bounded by the number of connections."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    @contextmanager
    def take(self, token: str) -> Iterator[None]:
        """Hold the token's slot inside the `with`, however that ends.

        Raises 400 `auth_token_limit` where another upload holds it. Clients match the text of the message.
        """
        if token in self._taken:
            shown = f"{token[:_SHOWN_CHARACTERS]}..."
            raise NativeError(400, "auth_token_limit", f"more than one upload using auth token {shown}")
        self._taken.add(token)
        try:
            yield
        finally:
            self._taken.discard(token)
