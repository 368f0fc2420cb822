"""Amounts as people write them: `10 GB`, `2,500`; and the names that categories of caps have on pages."""

from __future__ import annotations

import re
from decimal import Decimal

from undercroft.console.languages import N_, _
from undercroft.console.templates import count, size
from undercroft.store.accounting.model import Category, Subject

NAMES: dict[Category, str] = {
    "storage": N_("Daily Storage Caps"),
    "files": N_("Stored Files Caps"),
    "download": N_("Daily Download Bandwidth Caps"),
    "class_b": N_("Daily Class B Transaction Caps"),
    "class_c": N_("Daily Class C Transaction Caps"),
    "requests": N_("Daily Request Caps"),
    "upload": N_("Daily Upload Caps"),
}
# What a cap of a bucket or a key is on, as alerts name it.
OF_SUBJECTS: dict[Category, str] = {
    "storage": N_("Size"),
    "files": N_("Files"),
    "requests": N_("Requests a day"),
    "download": N_("Downloads a day"),
    "upload": N_("Uploads a day"),
}
_KINDS = {"bucket": N_("Bucket"), "key": N_("Key")}
IN_BYTES = frozenset({"storage", "download", "upload"})
_BYTES = re.compile(r"([0-9][0-9,]*(?:\.[0-9]{1,9})?)\s*(?:([kmgtp]?)b|bytes?)?\Z", re.IGNORECASE)
_COUNT = re.compile(r"[0-9][0-9,]*\Z")
_POWERS = ("", "k", "m", "g", "t", "p")
_TEXT_MAX_LENGTH = 40
_UNITS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "KB"))


def parse_bytes(text: str) -> int | None:
    """The number of bytes of a text such as `10 GB` (10^9) or `1,500`; None where it is none."""
    match = _BYTES.match(text.strip()) if len(text) <= _TEXT_MAX_LENGTH else None
    if match is None:
        return None
    power = _POWERS.index((match[2] or "").lower())
    return int(Decimal(match[1].replace(",", "")) * 1000**power)


def parse_count(text: str) -> int | None:
    """The number of a text such as `2,500`; None where it is none."""
    text = text.strip()
    is_number = len(text) <= _TEXT_MAX_LENGTH and _COUNT.match(text) is not None
    return int(text.replace(",", "")) if is_number else None


def exact(size_bytes: int) -> str:
    """A number of bytes as a field shows it: in the largest unit that leaves nothing over."""
    for unit_bytes, unit in _UNITS:
        if size_bytes and size_bytes % unit_bytes == 0:
            return f"{size_bytes // unit_bytes} {unit}"
    return f"{size_bytes} bytes"


def name_of(category: Category, subject: Subject) -> str:
    """What a cap is called, on the account or on a bucket or key of it."""
    if subject.kind == "account":
        return _(NAMES[category])
    return f"{_(_KINDS[subject.kind])}: {_(OF_SUBJECTS[category])}"


def shown(category: Category, amount: int) -> str:
    """An amount of a category as pages show it."""
    if category in IN_BYTES:
        return size(amount)
    return count(amount, {"files": "file", "requests": "request"}.get(category, "transaction"))


def parse(category: Category, text: str) -> int | None:
    """The amount of a category that a field has; None where it is none."""
    return parse_bytes(text) if category in IN_BYTES else parse_count(text)


def in_field(category: Category, amount: int) -> str:
    """An amount of a category as a field shows it."""
    return exact(amount) if category in IN_BYTES else f"{amount}"
