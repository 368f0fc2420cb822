"""Numbers as people type them, and as addresses and forms bring them."""

from __future__ import annotations

_DIGITS_MAX = 15  # More than anything here counts; it fits into the catalog, and Python reads it at once.


def whole_number(text: str) -> int | None:
    """The whole number that a text of digits is; None for any other text, and for what is absurdly large."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else None


def signed_number(text: str) -> int | None:
    """The same, with a minus before it or not."""
    number = whole_number(text.removeprefix("-"))
    return -number if number is not None and text.startswith("-") else number
