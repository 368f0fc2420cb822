"""The two forms of time that signatures and their errors use, at one second's resolution."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=256)
def parse_timestamp(text: bytes) -> int:
    """Milliseconds since the epoch of `yyyyMMddTHHmmssZ`. Raises `ValueError` for anything else.

    The cache serves busy seconds: all requests of one share its text.
    """
    if len(text) != 16 or text[8:9] != b"T" or text[15:] != b"Z" or not (text[:8] + text[9:15]).isdigit():
        raise ValueError("The time is not in ISO 8601's basic form.")
    moment = datetime(
        int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[9:11]), int(text[11:13]), int(text[13:15]), tzinfo=UTC
    )
    return int(moment.timestamp()) * 1000


def format_timestamp(at_ms: int) -> bytes:
    """The time as `yyyyMMddTHHmmssZ`."""
    return server_time(at_ms).replace("-", "").replace(":", "").encode()


def server_time(at_ms: int) -> str:
    """The time as error documents show it: `yyyy-MM-ddTHH:mm:ssZ`."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).replace(tzinfo=None).isoformat() + "Z"
