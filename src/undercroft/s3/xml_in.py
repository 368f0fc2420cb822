"""What the elements of documents hold, once they are read (`http/xml_in.py`). Every violation is `MalformedXML`."""

from __future__ import annotations

from collections.abc import Collection

from lxml import etree

from undercroft.http.xml_in import children
from undercroft.s3.errors import S3Error, invalid_argument


def fields(element: etree._Element, allowed: Collection[str]) -> dict[str, str]:
    """The texts of an element's children, none of which may repeat or have children. White space is kept.

    Raises `MalformedXML`.
    """
    texts: dict[str, str] = {}
    for name, child in children(element, allowed):
        if name in texts or len(child):
            raise S3Error("MalformedXML", f"The element {name} is repeated or is not a plain text.")
        texts[name] = child.text or ""
    return texts


def positive(name: str, text: str, most: int) -> int:
    """The element's whole number above zero, surrounded by white space at most; of those above `most`, any.

    Raises `MalformedXML` for what is no number, and `InvalidArgument` for one that is not positive.
    """
    number = text.strip()
    digits = number.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise S3Error("MalformedXML", f"{name} must be a whole number.")
    if digits != number or not digits.strip("0"):
        raise invalid_argument(name, number[:100], f"{name} must be a positive integer value.")
    return int(number) if len(number) <= len(str(most)) else most + 1


def boolean(text: str) -> bool:
    """`true` or `false`, surrounded by white space at most. Raises `MalformedXML`."""
    value = text.strip().lower()
    if value not in {"true", "false"}:
        raise S3Error("MalformedXML", "A truth value is neither true nor false.")
    return value == "true"
