"""The head of a request: what its line and headers say of the target and of the framing of the body, and what is refused.

Everything here is a function of bytes; the connection they came on is the affair of `protocol.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from undercroft import limits
from undercroft.http import refusal
from undercroft.http.refusal import Refusal

FRAMING = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})
_NON_ASCII = re.compile(rb"[\x80-\xff]")
_UPGRADE = re.compile(rb"\n[Uu]pgrade:")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
_HOST = re.compile(rb"[A-Za-z0-9._~-]*(:\d{0,5})?\Z|\[[0-9A-Fa-f:.]+\](:\d{0,5})?\Z")


@lru_cache(maxsize=limits.HOSTS_CACHED)
def _is_host(value: bytes) -> bool:
    """Whether this can stand in a Host header. Clients repeat theirs, and the expression has much to look at."""
    return _HOST.match(value.strip()) is not None


class Refused(Exception):
    """The request cannot be served, for this reason."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.message)
        self.reason = reason


class Framing(NamedTuple):
    """How the body comes: `content_length` bytes, or chunked where that is None; and whether the client waits for leave."""

    content_length: int | None
    expects_continue: bool

    @property
    def has_body(self) -> bool:
        """Whether any bytes of a body can come."""
        return self.content_length != 0


def clean(data: bytes, line_end: int) -> bytes:
    """The data from the beginning of a request, with a line of pure ASCII, and without an offer to upgrade.

    The parser refuses raw UTF-8 in a target, which many simple clients send, so it is percent-encoded. The parser would also
    take the body of a request that offers an upgrade for the other protocol; the header gets another name. `line_end` is
    where the first line ends.
    """
    line = data[:line_end]
    if not line.isascii():
        data = _NON_ASCII.sub(lambda match: b"%%%02X" % match[0][0], line) + data[line_end:]
    end = data.find(b"\r\n\r\n") + 1
    if data.find(b"pgrade:", 0, end) > 0:
        data = _UPGRADE.sub(b"\nx-upgrade:", data[:end]) + data[end:]
    return data


def read_framing(headers: Iterable[tuple[bytes, bytes]], version: str) -> Framing:
    """The framing that the headers named in `FRAMING` say. Raises `Refused`."""
    if version not in ("1.1", "1.0"):
        raise Refused(refusal.VERSION_UNSUPPORTED)
    hosts = 0
    expects_continue = chunked = False
    content_length: int | None = None
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if not _is_host(value):
                raise Refused(refusal.BAD_HOST)
        elif name == b"content-length":
            # The parser took care that it is a number of 64 bits and the only one, but takes any number of zeros before it.
            if len(value.strip()) > limits.CONTENT_LENGTH_DIGITS_MAX:
                raise Refused(refusal.BAD_REQUEST)
            content_length = int(value)
        elif name == b"expect":
            expects_continue = value.strip().lower() == b"100-continue" and version == "1.1"
        else:
            if version == "1.0":
                raise Refused(refusal.BAD_REQUEST)  # It has no codings: whoever is on the way sees another body.
            if value.strip().lower() != b"chunked":
                raise Refused(refusal.CODING_UNSUPPORTED)
            chunked = True
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise Refused(refusal.BAD_HOST)
    if chunked:
        return Framing(None, expects_continue)
    if content_length is None:
        return Framing(0, expects_continue=False)
    # Leave is given for an empty body too: the AWS command line takes an answer without it for one that ends the
    # connection, and reads the answer after it wrongly.
    return Framing(content_length, expects_continue)


def split_target(url: bytes, method: bytes) -> tuple[bytes, bytes, bytes | None]:
    """The path and query of a request target, and the authority of an absolute one, which takes the place of Host.

    Raises `Refused`.
    """
    authority = None
    if not url.startswith(b"/"):
        absolute = _ABSOLUTE.match(url)
        if absolute is not None:
            authority = absolute[1]
            if not authority or not _HOST.match(authority):
                raise Refused(refusal.BAD_TARGET)
            url = url[absolute.end() :]
            url = url if url.startswith(b"/") else b"/" + url
        elif url != b"*" or method != b"OPTIONS":
            raise Refused(refusal.BAD_TARGET)
    if url.find(b"#") >= 0:
        raise Refused(refusal.BAD_TARGET)  # A fragment is no part of a target; cutting it off could hit another file.
    path, _, query = url.partition(b"?")
    return path, query, authority


def without_authority(url: bytes) -> bytes:
    """The target from its path on, also of one that is refused."""
    return _ABSOLUTE.sub(b"", url, count=1)
