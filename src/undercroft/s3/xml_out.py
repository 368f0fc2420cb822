"""What S3's documents hold: times, owners, checksums, names under `encoding-type`, and errors."""

from __future__ import annotations

import re
import time
from functools import lru_cache

from undercroft.http.xml_out import DECLARATION, element
from undercroft.s3.errors import S3Error
from undercroft.store.model import Checksum

_IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # Not even as a reference.
_UNSAFE = re.compile("[^A-Za-z0-9_.~/-]+")
_PERCENT = [f"%{byte:02X}" for byte in range(256)]
_SECONDS = [f"{second:02}" for second in range(60)]
_MILLIS = [f".{milli:03}Z" for milli in range(1000)]


def url_encode(text: str) -> str:
    """The text under `encoding-type=url`: `/` stays, a space is `%20` and a plus `%2B`, which every client decodes."""
    return _UNSAFE.sub(_percent_encoded, text)


def _percent_encoded(match: re.Match[str]) -> str:
    return "".join([_PERCENT[byte] for byte in match[0].encode()])


def error_document(error: S3Error, resource: str, request_id: str, host_id: str) -> bytes:
    """The body of an error. It has no namespace, and its elements stand in the order of the reference, section 3.

    Other than a list, it is readable whatever it repeats: a client that cannot parse an error does not learn its code.
    """
    fields = {"Code": error.code, "Message": error.message, **error.extras, "Resource": resource}
    fields |= {"RequestId": request_id, "HostId": host_id}
    elements = "".join(element(name, _IMPOSSIBLE.sub("\ufffd", text)) for name, text in fields.items())
    return f"{DECLARATION}<Error>{elements}</Error>".encode()


def owner(tag: str, account_id: str) -> str:
    """An owner or initiator. The display name is present and empty, as B2 answers."""
    return f"<{tag}><ID>{account_id}</ID><DisplayName></DisplayName></{tag}>"


def iso_time(at_ms: int) -> str:
    """A time as XML has it: `2026-11-22T15:45:00.123Z`."""
    minute, millis = divmod(at_ms, 60_000)
    return f"{_minute(minute)}{_SECONDS[millis // 1000]}{_MILLIS[millis % 1000]}"


@lru_cache(maxsize=4096)
def _minute(minute: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:", time.gmtime(minute * 60))


def checksum_value(checksum: Checksum | None) -> str:
    """The element of a stored checksum's value, or nothing."""
    if checksum is None:
        return ""
    name = f"Checksum{checksum.algorithm.upper()}"
    return f"<{name}>{checksum.value}</{name}>"


def checksum_elements(checksum: Checksum | None) -> str:
    """The elements of a stored checksum's value and type, or nothing."""
    if checksum is None:
        return ""
    return f"{checksum_value(checksum)}<ChecksumType>{checksum.type}</ChecksumType>"
