"""Object metadata: between the headers of S3 and the file info of the store (reference, 1.9).

`x-amz-meta-NAME` is the entry NAME. The five headers that describe a representation are entries whose names begin with
`b2-`; they are the store's own, so no client can reach them as `x-amz-meta-b2-…`. Values are UTF-8 on both sides; bytes
that are not are read as Latin-1. What a header cannot carry is left out and counted, as S3 does it.
"""

from __future__ import annotations

from collections.abc import Mapping

from undercroft.http.response import Headers
from undercroft.s3.body import without_aws_chunked
from undercroft.s3.errors import invalid_argument

DEFAULT_CONTENT_TYPE = "binary/octet-stream"

_META = b"x-amz-meta-"
_RESERVED = "b2-"

_ENTRY_OF_HEADER: dict[bytes, str] = {
    b"cache-control": "b2-cache-control",
    b"content-disposition": "b2-content-disposition",
    b"content-encoding": "b2-content-encoding",
    b"content-language": "b2-content-language",
    b"expires": "b2-expires",
}
_HEADER_OF_ENTRY = {entry: header for header, entry in _ENTRY_OF_HEADER.items()}


def read_content_type(headers: Mapping[bytes, bytes]) -> str:
    """The content type of a new object: as sent, or S3's default."""
    return _text(headers.get(b"content-type", b"")) or DEFAULT_CONTENT_TYPE


def read_info(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    """The file info of a new object. Raises `InvalidArgument` for a name that is reserved."""
    info: dict[str, str] = {}
    for name, value in headers.items():
        if name.startswith(_META):
            entry = name[len(_META) :].decode("latin-1")
            if entry.startswith(_RESERVED):
                raise invalid_argument(name.decode("latin-1"), _text(value), "Metadata names must not begin with b2-.")
            info[entry] = _text(value)
        elif name in _ENTRY_OF_HEADER:
            text = without_aws_chunked(_text(value)) if name == b"content-encoding" else _text(value)
            if text:
                info[_ENTRY_OF_HEADER[name]] = text
    return info


def info_headers(info: Mapping[str, str]) -> Headers:
    """The headers of an object's answer that its file info makes."""
    headers: Headers = []
    missing = 0
    for entry, text in info.items():
        value = header_value(text)
        name = _HEADER_OF_ENTRY.get(entry)
        if value is None or (name is None and entry.startswith(_RESERVED)):
            missing += name is None and not entry.startswith(_RESERVED)
            continue
        headers.append((name or _META + entry.encode("utf-8"), value))
    if missing:
        headers.append((b"x-amz-missing-meta", b"%d" % missing))
    return headers


def header_value(text: str) -> bytes | None:
    """The text as the bytes of a header, or None where it has control characters, which no header may carry."""
    if not text.isprintable() and any(character < " " or character == "\x7f" for character in text):
        return None
    return text.encode("utf-8")


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8").strip()
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()
