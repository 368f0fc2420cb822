"""How lists are narrowed by the text that is typed above them (`Visit.filter`)."""

from __future__ import annotations


def has_text(text: str, *cells: str) -> bool:
    """Whether any of these has the text in it, in any letter case."""
    wanted = text.casefold()
    return any(wanted in cell.casefold() for cell in cells)
