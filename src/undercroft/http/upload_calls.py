"""The calls of the native protocol that take bytes, to which the console's pages send theirs as well."""

from __future__ import annotations

UPLOAD_FILE = "b2_upload_file"
UPLOAD_PART = "b2_upload_part"


def call_path(version: str, call: str) -> str:
    """The path of a call in a version of the protocol."""
    return f"/b2api/{version}/{call}"
