"""Values of headers that clients set, refused in the words of the native API where they do not fit."""

from __future__ import annotations

from undercroft.http.header_grammar import fits
from undercroft.native.errors import BadRequest


def check(header: str, value: str, field: str) -> str:
    """The value, where it fits the grammar of `header`. Raises `BadRequest` naming `field`."""
    if not fits(header, value):
        raise BadRequest(f"{field} is not a valid value for {header}")
    return value
