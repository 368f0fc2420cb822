"""The content type that an upload, a copy or a large file asks for."""

from __future__ import annotations

from undercroft.http.content_types import AUTOMATIC, content_type_of
from undercroft.http.header_grammar import is_content_type
from undercroft.native.errors import BadRequest


def resolved_content_type(content_type: str, file_name: str) -> str:
    """The content type to store: the one named, or the name's own for `b2/x-auto`.

    Raises `BadRequest` where it is empty, too long or not printable ASCII.
    """
    if content_type == AUTOMATIC:
        return content_type_of(file_name)
    if not is_content_type(content_type):
        raise BadRequest(f"Content-Type must be a MIME type or {AUTOMATIC}")
    return content_type
