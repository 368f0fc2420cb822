"""A line of an access log, as S3 writes them: 25 fields with spaces between, so that what reads S3's logs reads these.

No client can forge a line or a field: what a client sent has its quotes, control characters and non-ASCII bytes percent-encoded,
and outside of quotes its spaces as well. No line tells a secret (P8): of a URL that is itself a credential, the signature and
the token are left out.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

import msgspec

from undercroft import limits
from undercroft.store.model import Bucket

_SAFE_IN_QUOTES = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in '"\\')
_SAFE_OUTSIDE = _SAFE_IN_QUOTES.replace(" ", "")
# What most values are, and needs no encoding: to see that costs a tenth of encoding nothing.
_CLEAN_NAME = re.compile(r"[A-Za-z0-9_.~/-]+").fullmatch
_CLEAN_OUTSIDE = re.compile(r"[!#-\[\]-~]+").fullmatch
_CLEAN_IN_QUOTES = re.compile(rb"[ !#-\[\]-~]+").fullmatch
# A query parameter whose name has one of these in it is a credential, or may be one.
_SECRET_WORDS = (b"signature", b"token", b"authorization", b"customer-key", b"secret", b"password")
_HIDDEN = b"REDACTED"
_NOTHING = "-"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """A request on a bucket that has been answered, as its face saw it. What is empty or None is unknown.

    Bytes and texts are as the client sent them: nothing is escaped yet. `sent_bytes` is of the answer's body; `ready_ms` is how
    long the answer took to begin, and `total_ms` how long to end.
    """

    method: str
    target: bytes  # Path and query.
    operation: str
    status: int
    began_ms: int
    address: str = ""
    key_id: str = ""
    request_id: str = ""
    name: str = ""
    error_code: str = ""
    sent_bytes: int | None = None
    object_size: int | None = None
    total_ms: int = 0
    ready_ms: int = 0
    referrer: bytes = b""
    agent: bytes = b""
    version_id: str = ""
    host_id: str = ""
    signature_version: str = ""
    authentication: str = ""  # AuthHeader or QueryString.
    host: bytes = b""


def line_of(bucket: Bucket, access: Access) -> bytes:
    """The line, with its end."""
    request = b"%s %s HTTP/1.1" % (access.method.encode("latin-1", "replace"), without_secrets(access.target))
    fields = (
        bucket.account_id,
        bucket.name,
        _moment(access.began_ms // 1000),
        _plain(access.address),
        _plain(access.key_id),
        _plain(access.request_id),
        _plain(access.operation),
        access.name if _CLEAN_NAME(access.name) else quote(access.name, errors="replace") or _NOTHING,
        _quoted(request),
        str(access.status),
        _plain(access.error_code),
        _number(access.sent_bytes),
        _number(access.object_size),
        str(access.total_ms),
        str(access.ready_ms),
        _quoted(without_secrets(access.referrer)),
        _quoted(access.agent),
        _plain(access.version_id),
        _plain(access.host_id),
        _plain(access.signature_version),
        _NOTHING,  # The cipher suite, which the server is not told.
        _plain(access.authentication),
        _plain(access.host.decode("latin-1")),
        _NOTHING,  # The version of TLS, neither.
        _NOTHING,  # Access points, of which there are none.
    )
    return " ".join(fields).encode("ascii") + b"\n"


def without_secrets(url: bytes) -> bytes:
    """The URL, or path and query, without the values of parameters that open something to whoever reads them here."""
    path, mark, query = url.partition(b"?")
    if not mark:
        return url
    return path + mark + b"&".join(map(_harmless, query.split(b"&")))


def _harmless(parameter: bytes) -> bytes:
    name, _, value = parameter.partition(b"=")
    plain = unquote_to_bytes(name).lower()
    return name + b"=" + _HIDDEN if value and any(word in plain for word in _SECRET_WORDS) else parameter


@lru_cache(maxsize=64)
def _moment(seconds: int) -> str:
    return time.strftime("[%d/%b/%Y:%H:%M:%S +0000]", time.gmtime(seconds))


def _plain(text: str) -> str:
    text = text[: limits.ACCESS_LOG_VALUE_MAX_BYTES]
    return text if _CLEAN_OUTSIDE(text) else quote(text, _SAFE_OUTSIDE) or _NOTHING


def _quoted(value: bytes) -> str:
    value = value[: limits.ACCESS_LOG_VALUE_MAX_BYTES]
    text = value.decode("ascii") if _CLEAN_IN_QUOTES(value) else quote_from_bytes(value, _SAFE_IN_QUOTES)
    return f'"{text or _NOTHING}"'


def _number(count: int | None) -> str:
    return _NOTHING if count is None else str(count)
