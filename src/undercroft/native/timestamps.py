"""Custom upload timestamps: milliseconds as a decimal string or, in JSON, as a number (reference, 5.1 and 8.26)."""

from __future__ import annotations

import re

from undercroft.native.errors import BadRequest

_MILLISECONDS = re.compile(r"[0-9]{1,14}\Z")  # A file id has room for 14 digits: up to the year 5138.


def parse_timestamp(value: str | int | None, field: str) -> int | None:
    """The timestamp in milliseconds, None where none is given. Raises `BadRequest` where it is no number."""
    if value is None:
        return None
    text = str(value).strip()
    if _MILLISECONDS.match(text) is None:
        raise BadRequest(f"{field} must be a number of milliseconds since 1970: {text[:100]}")
    return int(text)
