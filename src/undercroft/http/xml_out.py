"""XML as clients get it, written by hand.

A list of a thousand keys is the commonest large answer, and a tree library would take longer over it than the catalog.
The writers take text that is already escaped where it comes from a client; everything else they are given is ours.
"""

from __future__ import annotations

import re

DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

# What XML 1.0 cannot hold as it is: markup, and characters that a parser would change or refuse (reference, 2.2).
_SPECIAL = re.compile('[&<>"\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ud800-\udfff]')
_REFERENCES: dict[int, str] = {
    **{code: f"&#x{code:x};" for code in (*range(9), *range(0x0B, 0x20), 0x7F, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000))},
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
    ord("\r"): "&#13;",
}


def escape(text: str) -> str:
    """The text as character data. Characters that XML 1.0 has no place for become numeric references, as S3 does it."""
    return text.translate(_REFERENCES) if _SPECIAL.search(text) else text


def element(name: str, text: str) -> str:
    """One element with text of a client's."""
    return f"<{name}>{escape(text)}</{name}>"


def document(root: str, content: str) -> bytes:
    """A whole document in the S3 namespace."""
    return f'{DECLARATION}<{root} xmlns="{NAMESPACE}">{content}</{root}>'.encode()
