"""Stored files that a browser would run or render as documents: they must never act as pages of this origin.

Every file is served with `nosniff`, so only its declared type counts, and that may be any text a client chose. A browser
takes the last valid type of a list, knows more names for markup than any table here, and renders the parts of a multipart
body. So the question is not whether the type is one of a few, but whether markup is named in it anywhere.
"""

from __future__ import annotations

import re

from undercroft.http.response import Headers

_RENDERED = re.compile("html|xml|xsl|svg|multipart|rfc822", re.IGNORECASE)
NOSNIFF = (b"x-content-type-options", b"nosniff")
SANDBOX = (b"content-security-policy", b"sandbox")


def protecting_headers(content_type: str) -> Headers:
    """The headers that keep a browser from guessing at a file of this type, and from letting it act for this origin."""
    return [NOSNIFF, SANDBOX] if _RENDERED.search(content_type) else [NOSNIFF]
