"""Digests as both protocols write them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def md5_of(body: bytes) -> str:
    """The MD5, in hex."""
    return hashlib.md5(body).hexdigest()


def sha1_of(body: bytes) -> str:
    """The SHA-1, in hex."""
    return hashlib.sha1(body).hexdigest()


def joined_etag(md5s: Sequence[str]) -> str:
    """The ETag of a file put together from parts."""
    return f"{md5_of(b''.join(map(bytes.fromhex, md5s)))}-{len(md5s)}"
