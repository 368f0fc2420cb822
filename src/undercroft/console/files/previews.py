"""What a file looks like: media from the API's address, text from here, where it is no more than text.

Whatever runs or renders as a page is shown as its source. So nothing that is stored runs in the console.
"""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

from undercroft import limits
from undercroft.console.files.addresses import can_be_fetched, granted
from undercroft.console.visit import Visit
from undercroft.store.model import FileVersion

_TEXT_TYPES = ("json", "xml", "javascript", "ecmascript", "yaml", "toml", "csv", "sql", "x-sh", "x-www-form-urlencoded")
_TEXT_NAMES = (
    ".txt", ".md", ".log", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".xml", ".html", ".htm",
    ".css", ".js", ".ts", ".py", ".rs", ".go", ".java", ".c", ".h", ".sh", ".sql", ".tex", ".srt",
)  # fmt: skip
_UNTYPED = ("application/octet-stream", "binary/octet-stream", "b2/x-auto", "")
_IMAGES = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/svg+xml", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon"}
)  # fmt: skip


class Preview(NamedTuple):
    """How a file is shown: image, video, audio and pdf by their address, text and table by what they have."""

    kind: str
    address: str = ""
    text: str = ""
    rows: list[list[str]] | None = None
    is_cut: bool = False  # Whether there is more than is shown.


def kind_of(version: FileVersion) -> str:
    """The kind of preview that a file has; empty: none."""
    if not can_be_fetched(version):
        return ""
    base = version.content_type.partition(";")[0].strip().lower()
    major = base.partition("/")[0]
    if base in _IMAGES:
        return "image"
    if major in ("video", "audio"):
        return major
    if base == "application/pdf":
        return "pdf"
    lower = version.name.lower()
    if base in ("text/csv", "text/tab-separated-values") or (base in _UNTYPED and lower.endswith((".csv", ".tsv"))):
        return "table"
    is_text = major == "text" or any(word in base for word in _TEXT_TYPES)
    return "text" if is_text or (base in _UNTYPED and lower.endswith(_TEXT_NAMES)) else ""


async def preview_of(visit: Visit, version: FileVersion) -> Preview | None:
    """The preview of a file, or None. Raises what reading raises."""
    kind = kind_of(version)
    if not kind:
        return None
    if kind not in ("text", "table"):
        return Preview(kind, address=await granted(visit, version, inline=True))
    shown = min(version.size, limits.PREVIEW_TEXT_BYTES)
    key_id = visit.principal.key_of(version.account_id)
    body = await visit.store.files.read(version, 0, shown, key_id=key_id)
    data = body if isinstance(body, bytes) else b"".join([block async for block in body])
    text = data.decode("utf-8-sig", errors="replace")
    is_cut = shown < version.size
    if kind == "table":
        rows = _table(text, is_cut=is_cut)
        if rows:
            more = len(rows) > limits.PREVIEW_TABLE_ROWS
            return Preview("table", rows=rows[: limits.PREVIEW_TABLE_ROWS], is_cut=is_cut or more)
    return Preview("text", text=text.replace("\0", "\N{SYMBOL FOR NULL}"), is_cut=is_cut)


def _table(text: str, *, is_cut: bool) -> list[list[str]]:
    """The first rows of a table of values; none where it is no such table."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) > limits.PREVIEW_TABLE_ROWS:
                return rows
    except csv.Error:
        return []
    return rows[:-1] if is_cut and len(rows) > 1 else rows  # The last one may be cut in the middle.
