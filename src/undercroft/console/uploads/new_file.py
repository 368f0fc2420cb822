"""What the page says of a file that it is going to upload in parts.

A file that goes in one piece says the same to the API itself, which judges it by the same rules.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from undercroft import limits
from undercroft.console.languages import _
from undercroft.http.content_types import AUTOMATIC, content_type_of
from undercroft.http.header_grammar import INFO_HEADERS, INFO_PREFIX, fits, is_content_type
from undercroft.store.errors import InvalidRequest
from undercroft.store.model import NewFile, Retention

MODIFIED = "src_last_modified_millis"  # The info in which B2's clients keep the local time of modification.


class NewRetention(msgspec.Struct, rename="camel"):
    """How long nobody may delete the file."""

    mode: Literal["governance", "compliance"]
    until_ms: int


class NewLargeFile(msgspec.Struct, rename="camel"):
    """A file: its name, size (bytes), local time of modification (ms since the epoch), and what was chosen in the options."""

    name: str
    size: int
    modified: int
    content_type: str = AUTOMATIC
    info: dict[str, str] = {}
    retention: NewRetention | None = None


def described(asked: NewLargeFile) -> NewFile:
    """The file as the store takes it. Raises `InvalidRequest`."""
    content_type = content_type_of(asked.name) if asked.content_type == AUTOMATIC else asked.content_type
    if not is_content_type(content_type):
        raise InvalidRequest(_("%(content_type)s is no content type.", content_type=content_type), "contentType")
    for key, value in asked.info.items():
        if key.startswith(INFO_PREFIX) and not (key in INFO_HEADERS and fits(INFO_HEADERS[key], value)):
            raise InvalidRequest(
                _(
                    "%(value)s cannot be the %(what)s of a file.",
                    value=value,
                    what=key.removeprefix(INFO_PREFIX),
                ),
                "fileInfo",
            )
    retention = asked.retention
    return NewFile(
        content_type,
        {MODIFIED: str(asked.modified), **asked.info},
        sha1_follows=True,
        retention=None if retention is None else Retention(retention.mode, retention.until_ms),
    )


def part_size_of(size_bytes: int) -> int:
    """How large the parts of a file are: small enough to be sent again without pain, and never too many. Raises `InvalidRequest`."""
    if not limits.BROWSER_PART_BYTES < size_bytes <= limits.LARGE_FILE_MAX_BYTES:
        raise InvalidRequest(
            _(
                "Files in parts have %(least)s to %(most)s bytes.",
                least=limits.BROWSER_PART_BYTES + 1,
                most=limits.LARGE_FILE_MAX_BYTES,
            ),
            "size",
        )
    least = -(-size_bytes // limits.PART_NUMBER_MAX)
    return max(limits.BROWSER_PART_BYTES, -(-least // limits.MIB) * limits.MIB)
