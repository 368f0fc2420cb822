"""A language that everybody can read and nothing in the source is in: English in brackets, accented, and longer.

What a page shows without brackets was written past the translators.
"""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po

from undercroft.console.languages import catalogues

MESSAGES = catalogues.SHIPPED / "messages.pot"
OPENS, CLOSES = "⟦", "⟧"
_KEPT = re.compile(r"(%\(\w+\)s|%%|<[^<>]*>|&\w+;)")
_ACCENTED = str.maketrans("aceinouyACEINOUY", "àçéîñöûýÀÇÉÎÑÖÛÝ")
_LONGER = 0.4
_MORE = "~~~~ " * 1000  # Words, so that it can be broken into lines as words can.


def pseudo(text: str) -> str:
    """A text as the language has it, with its values and marks of HTML as they are."""
    pieces = _KEPT.split(text)
    accented = "".join(piece if index % 2 else piece.translate(_ACCENTED) for index, piece in enumerate(pieces))
    more = _MORE[: round(_LONGER * len("".join(pieces[::2])))].rstrip()
    return f"{OPENS}{accented}{more}{CLOSES}"


def write_pseudo(folder: Path, *codes: str) -> None:
    """Write the language into a folder of languages, under each of these codes, whose direction and plurals it then has."""
    folder.mkdir(exist_ok=True)
    for code in codes:
        catalog = Catalog(code)
        with MESSAGES.open("rb") as file:
            for message in read_po(file):
                if message.id:
                    catalog.add(message.id, _said(message.id, catalog.num_plurals), message.locations)
        with (folder / f"{code}.po").open("wb") as file:
            write_po(file, catalog)


def _said(text: str | tuple[str, ...], forms: int) -> str | tuple[str, ...]:
    if isinstance(text, str):
        return pseudo(text)
    return tuple(pseudo(text[min(index, 1)]) for index in range(forms))
