"""Reading other languages, each from a file of GNU gettext (`de.po`): those of the package, and the operator's own.

A translation is input like any other. It may say a text in other words and another order, and nothing else: a file is refused whose texts
have values or marks of HTML that the English ones have not, or lack some. All of it is judged at the start, so that no page shows half.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from gettext import c2py
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages import Catalog, Message
from babel.messages.pofile import PoFileError, read_po

from undercroft import limits
from undercroft.console.languages import ENGLISH, Language, LanguageError, Languages

SHIPPED = Path(__file__).parent
_SCRIPTS = "/static/js/"
_VALUE = re.compile(r"%\((\w+)\)s")
_PLURAL = re.compile(r"[n0-9%=!<>&|?:()\s]+")  # In C, in Python's gettext and in scripts alike.
_NUMBERS_TRIED = 1000
TAG = re.compile(r"<[^<>]*>")
# What a form for certain numbers may leave out: "a file" is as good as "1 file".
NUMBER = "number"


def load(own: Path) -> Languages:
    """English, the languages of the package, and those in the operator's folder, which go before. Raises `LanguageError`."""
    found = {ENGLISH.tag: ENGLISH, **load_folder(SHIPPED), **load_folder(own)}
    return dict(sorted(found.items(), key=lambda item: item[1].name.casefold()))


def load_folder(folder: Path) -> Languages:
    """The languages in a folder, which need not be there. Raises `LanguageError`."""
    paths = sorted(folder.glob("*.po"))
    if len(paths) > limits.CONSOLE_LANGUAGES_MAX:
        raise LanguageError(f"{folder} has more than {limits.CONSOLE_LANGUAGES_MAX} languages")
    return {language.tag: language for language in map(read, paths)}


def read(path: Path) -> Language:
    """The language of a file, named by its code: `de.po`, `pt_BR.po`. Raises `LanguageError`."""
    try:
        locale = Locale.parse(path.stem)
    except (ValueError, UnknownLocaleError):
        raise LanguageError(f"{path}: {path.stem} is no language that is known, such as de or pt_BR") from None
    catalogue = _parsed(path, locale)
    _check_plurals(path, catalogue)
    for message in catalogue:
        if message.id and any(_strings(message)) and not message.fuzzy:
            wrong = _wrong(message)
            if wrong:
                raise LanguageError(f"{path}:{message.lineno}: {wrong}")
    script = _script(tag := str(locale).replace("_", "-"), catalogue)
    return Language(
        tag,
        locale.get_display_name() or path.stem,
        locale.text_direction,
        _texts(catalogue),
        c2py(catalogue.plural_expr),
        script,
        hashlib.sha256(script.encode()).hexdigest()[:12],
    )


def _parsed(path: Path, locale: Locale) -> Catalog:
    try:
        with path.open("rb") as file:
            raw = file.read(limits.CONSOLE_LANGUAGE_MAX_BYTES + 1)
        if len(raw) > limits.CONSOLE_LANGUAGE_MAX_BYTES:
            raise LanguageError(f"{path} is longer than {limits.CONSOLE_LANGUAGE_MAX_BYTES} bytes")
        return read_po(io.BytesIO(raw), locale, charset="utf-8", abort_invalid=True)
    except OSError as error:
        raise LanguageError(f"{path} cannot be read: {error.strerror}") from None
    except PoFileError as error:
        raise LanguageError(f"{path}:{error.lineno + 1}: {error.args[0]}") from None
    except (ValueError, LookupError) as error:
        raise LanguageError(f"{path} is no catalogue of gettext: {error}") from None


def _wrong(message: Message) -> str:
    """What is wrong with a translation; empty where nothing is."""
    one, many = _ids(message)[0], _ids(message)[-1]
    texts = _strings(message)
    may_lack = {NUMBER} if message.pluralizable else set()
    for text in filter(None, texts):
        if "%" in _VALUE.sub("", text).replace("%%", ""):
            return f"{text!r} has a % that belongs to no value: write %%"
        wanted, has = set(_VALUE.findall(many)), set(_VALUE.findall(text))
        if has - wanted or wanted - has - may_lack:
            return f"{text!r} has other values than {many!r}"
        if Counter(TAG.findall(text)) not in (Counter(TAG.findall(many)), Counter(TAG.findall(one))):
            return f"{text!r} has other marks of HTML than {many!r}"
    return ""


def _check_plurals(path: Path, catalogue: Catalog) -> None:
    """The rule goes into a script, so it is looked at closely."""
    try:
        if not _PLURAL.fullmatch(catalogue.plural_expr):
            raise ValueError
        form_of = c2py(catalogue.plural_expr)
        forms = {form_of(number) for number in range(_NUMBERS_TRIED)}
    except (ValueError, ZeroDivisionError, RecursionError):
        raise LanguageError(f"{path}: its Plural-Forms cannot be read") from None
    if not forms <= set(range(catalogue.num_plurals)):
        raise LanguageError(f"{path}: its Plural-Forms has numbers beyond {catalogue.num_plurals} forms")


def _ids(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def _strings(message: Message) -> tuple[str, ...]:
    return (message.string or "",) if isinstance(message.string, str | None) else tuple(message.string)


def _texts(catalogue: Catalog, *, of_scripts: bool = False) -> Mapping[str, Sequence[str]]:
    """What is translated, by the English text. Where a form is missing, it is the English one.

    For scripts, what has a reference that leads to one, or all of a file without references.
    """
    said = [one for one in catalogue if one.id and any(_strings(one)) and not one.fuzzy and one.context is None]
    if of_scripts and any(one.locations for one in said):
        said = [one for one in said if any(_SCRIPTS in path for path, _ in one.locations)]
    texts = {}
    for message in said:
        ids = _ids(message)
        texts[ids[0]] = tuple(text or ids[min(index, len(ids) - 1)] for index, text in enumerate(_strings(message)))
    return texts


def _script(tag: str, catalogue: Catalog) -> str:
    """What teaches scripts their texts, and which of the forms of one goes with a number."""
    texts = json.dumps(_texts(catalogue, of_scripts=True))
    rule = f"(n) => Number({catalogue.plural_expr})"
    return f"globalThis.consoleWords = {{ language: {json.dumps(tag)}, formOf: {rule}, texts: {texts} }};\n"
