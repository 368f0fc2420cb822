"""Moments as addresses and forms of pages have them: in UTC, since a page does not know where its reader is."""

from __future__ import annotations

from datetime import UTC, datetime

from undercroft.console.nouns import day_in_words
from undercroft.console.numbers import whole_number

_DAY_MS = 86_400_000


def moment_of(text: str) -> int | None:
    """Milliseconds since the epoch of what a date-time field says, or of such a number; None where it is neither."""
    if text.isascii() and text.isdigit():
        return whole_number(text)
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        return None
    utc = named if named.tzinfo is not None else named.replace(tzinfo=UTC)
    return round(utc.timestamp() * 1000) if utc.year >= 1970 else None


def for_field(at_ms: int) -> str:
    """What a date-time field is to show of a moment, to the second."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}"


def day_name(day: int) -> str:
    """A day, counted from the epoch."""
    when = datetime.fromtimestamp(day * 86_400, UTC)
    return f"{day_in_words(when)} {when.year}"


def end_of(day: int, now_ms: int) -> int:
    """The last moment of a day that has come."""
    return min((day + 1) * _DAY_MS - 1, now_ms)
