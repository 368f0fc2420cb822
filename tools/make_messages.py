"""Make messages.pot, the console's texts for translators, and bring the translations up to date with it. Run by `make messages`."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
CONSOLE = ROOT / "src" / "undercroft" / "console"
STORE = ROOT / "src" / "undercroft" / "store"
FOLDER = CONSOLE / "languages"
POT_FILE = FOLDER / "messages.pot"

# Which functions take texts, and in which places; those of pages ({% trans %} counts as gettext), and the errors whose sentences pages show.
TEXTS: dict[str, Any] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "_forms": (1, 2)}
ERRORS: dict[str, Any] = dict.fromkeys(
    (
        "BadCredentials", "BadLink", "BucketNotEmpty", "Busy", "InvalidRequest", "JobConflict", "NoSuchSession", "NoSuchShare", "ReadOnlyBucket",
        "SecondFactorState", "WrongPassword", "WeakPassword", "__init__",
    )
)  # fmt: skip
IN_PAGES = [("**.py", "python"), ("**.html", "jinja2"), ("static/js/**.js", "javascript")]
OPTIONS = {"**.html": {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
ABOUT = """\
# The texts of Undercroft's console, made by `make messages`. docs/console.md says how to translate them.
#"""


def extracted() -> Catalog:
    """Every text, with the files that it is in: no lines, so that this changes when a text does."""
    catalog = Catalog(project="Undercroft", charset="utf-8", header_comment=ABOUT)
    in_store = [("**.py", "python")]
    found = [*_found(CONSOLE, IN_PAGES, TEXTS), *_found(STORE, in_store, ERRORS)]
    found += _found(STORE, in_store, {"__init__": (2,)})  # Of errors with two bases, which name themselves first.
    for path, text in sorted(found, key=lambda one: one[0]):
        # What is no sentence is the protocols' own, about names of their fields.
        if path.startswith(str(STORE.relative_to(ROOT))) and not re.fullmatch(r"[A-Z][^_]*\.", str(text)):
            continue
        catalog.add(text, locations=[(path, 0)])
    return catalog


def _found(folder: Path, methods: list[tuple[str, str]], keywords: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    # It complains of texts that hold values of Python; in the console ruff refuses them (INT001), and the store may have them.
    with contextlib.redirect_stderr(io.StringIO()):
        for name, _, text, _, _ in extract_from_dir(str(folder), methods, OPTIONS, keywords=keywords):
            yield str((folder / name).relative_to(ROOT)), text


def written(catalog: Catalog) -> str:
    """A catalogue as its file."""
    file = io.BytesIO()
    write_po(file, catalog, width=120, include_lineno=False, sort_by_file=True, ignore_obsolete=True)
    lines = file.getvalue().decode().splitlines()
    # The day on which it was made would be all that differs, and nobody is asked who translated.
    left_out = tuple(
        f'"{name}' for name in ("POT-Creation", "PO-Revision", "Report-Msgid", "Last-Translator", "Language-Team")
    )
    return "\n".join(line for line in lines if not line.startswith(left_out)) + "\n"


def updated(path: Path, template: Catalog) -> str:
    """A translation with the texts that there are now; those that it lacks are empty."""
    with path.open("rb") as file:
        catalog = read_po(file, path.stem)
    catalog.update(template, no_fuzzy_matching=True, update_header_comment=False)
    return written(catalog)


if __name__ == "__main__":
    texts = extracted()
    POT_FILE.write_text(written(texts))
    for translation in FOLDER.glob("*.po"):
        translation.write_text(updated(translation, texts))
    print(f"{POT_FILE.relative_to(ROOT)}: {len(texts)} texts")
