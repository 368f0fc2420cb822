"""The Range header (RFC 9110, 14.2), read as S3 and B2 read it: one range of bytes, or as if the header were not there."""

from __future__ import annotations

import re

from undercroft.store.model import ByteRange

# Twenty digits are more than any file has bytes, and keep a hostile number from costing time.
_RANGE = re.compile(r"bytes=[ \t]*(\d{0,20})-(\d{0,20})[ \t]*\Z", re.ASCII | re.IGNORECASE)


def parse_range(header: str | None) -> ByteRange | None:
    """The one range that a Range header asks for; None where it is absent, malformed, reversed or lists several.

    A server may ignore a Range header, and both protocols do so rather than fail; whether a well-formed range can be
    satisfied is decided by `ByteRange.resolve`, which knows the size.
    """
    if header is None:
        return None
    match = _RANGE.match(header.strip(" \t"))
    if match is None:
        return None
    first, last = match.groups()
    if not first:
        return ByteRange(None, int(last)) if last else None
    if not last:
        return ByteRange(int(first), None)
    return ByteRange(int(first), int(last)) if int(first) <= int(last) else None
