"""Continuation tokens: where the next page of a list begins, opaque to clients and safe in a URL.

A token says no more than a marker does, and grants nothing: whoever sends one still needs the right to list. So it is
not signed, only checked for being one of ours at all.
"""

from __future__ import annotations

import base64
import binascii

from undercroft.s3.errors import invalid_argument

_VERSION = b"1"


def write_token(after: str) -> str:
    """The token of a page that begins after this name or common prefix."""
    return base64.urlsafe_b64encode(_VERSION + after.encode("utf-8")).decode("ascii")


def read_token(token: str) -> str:
    """The name or common prefix that a token was made of; an empty token is the beginning. Raises `InvalidArgument`."""
    if not token:
        return ""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        if raw[:1] != _VERSION:
            raise ValueError("A token of another kind.")
        return raw[1:].decode("utf-8")
    except (ValueError, binascii.Error) as error:
        message = "The continuation token provided is incorrect"
        raise invalid_argument("continuation-token", token, message) from error
