"""B2's string encoding: percent-encoded UTF-8 in which `+` means a space (reference, section 4.3)."""

from __future__ import annotations

import re
from urllib.parse import quote

from undercroft.http.errors import MalformedURL
from undercroft.http.request import percent_decode
from undercroft.native.errors import BadRequest

# Besides letters, digits and `._-~`, which are never encoded.
_SAFE = "/!$'()*;=:@"
_ALL_SAFE = re.compile(r"[A-Za-z0-9._~/!$'()*;=:@-]*\Z")
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def encode(text: str) -> str:
    """The text as it travels in headers and URLs: only the characters that need it are encoded, a space as `%20`."""
    return text if _ALL_SAFE.match(text) else quote(text, safe=_SAFE)


def decode(raw: bytes, what: str) -> str:
    """The text of an encoded header or URL piece. `what` names it in the error.

    Raises `BadRequest` for an incomplete escape and for what is not UTF-8.
    """
    if b"%" in raw and _BROKEN_ESCAPE.search(raw):
        raise BadRequest(f"{what} has an incomplete percent escape")
    try:
        return percent_decode(raw, plus_is_space=True)
    except MalformedURL:
        raise BadRequest(f"{what} is not percent-encoded UTF-8") from None
