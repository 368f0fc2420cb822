"""File info as the native API takes it: keys folded to lower case, `b2-…` entries checked as the headers they become.

Characters, lengths and the budget of name and info together are the store's to judge, since both protocols share them.
"""

from __future__ import annotations

from undercroft.http.header_grammar import INFO_HEADERS, INFO_PREFIX
from undercroft.http.request import Request
from undercroft.native import header_grammar
from undercroft.native.encoding import decode
from undercroft.native.errors import BadRequest

HEADER_PREFIX = b"x-bz-info-"


def folded_keys(info: dict[str, str], what: str) -> dict[str, str]:
    """The map with its keys in lower case. Raises `BadRequest` where two keys differ in their case alone."""
    folded = {key.lower(): value for key, value in info.items()}
    if len(folded) != len(info):
        raise BadRequest(f"{what} has keys that differ in their letter case alone")
    return folded


def checked_info(info: dict[str, str] | None) -> dict[str, str]:
    """File info ready to store. Raises `BadRequest` for clashing keys, a reserved key or a bad `b2-…` value."""
    folded = folded_keys(info or {}, "fileInfo")
    for key, value in folded.items():
        if key.startswith(INFO_PREFIX):
            header = INFO_HEADERS.get(key)
            if header is None:
                raise BadRequest(f"fileInfo has the reserved key {key!r}")
            header_grammar.check(header, value, key)
    return folded


def info_of_headers(request: Request) -> dict[str, str]:
    """The file info of an upload's `X-Bz-Info-…` headers. Raises `BadRequest` as `checked_info`."""
    info: dict[str, str] = {}
    for name, value in request.headers:
        if name.startswith(HEADER_PREFIX):
            key = name[len(HEADER_PREFIX) :].decode("latin-1")
            if key in info:
                raise BadRequest(f"The header X-Bz-Info-{key} is given twice")
            info[key] = decode(value.strip(), f"X-Bz-Info-{key}")
    return checked_info(info) if info else info
