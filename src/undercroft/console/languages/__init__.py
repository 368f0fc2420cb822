"""The languages of the console: which one a request is answered in, and how its texts come to be in it.

The texts of the source are the English ones, and the keys of every other language (GNU gettext). Python says `_("…")` where a text is
shown, and `N_("…")` where a constant is made whose text `_` shows later. Every text is a format with named values,
`_("%(used)s of %(cap)s", used=…, cap=…)`, also one without any: a percent sign is written `%%`.

The language is that of the context: the guard sets it before it does anything else with a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import NamedTuple

OWN_FOLDER = "languages"  # Of the data directory: the operator's own translations.
# Around a value in a text from right to left, so that a path or a date keeps its own direction (Unicode, isolates).
APART, TOGETHER = "\u2068", "\u2069"
_LEFT_TO_RIGHT = "\u2066"


class LanguageError(Exception):
    """A language cannot be read; the message names the file and what is wrong with it."""


class Language(NamedTuple):
    """A language: its tag as HTML has it, what it calls itself, and the texts by the English ones.

    A text that goes by a number has a form for each index that `form_of` has. `script` teaches scripts what they say in it
    (`static/js/words.js`), and `version` is a digest of that, for its address.
    """

    tag: str
    name: str
    direction: str = "ltr"
    texts: Mapping[str, Sequence[str]] = {}
    form_of: Callable[[int], int] = lambda number: int(number != 1)
    script: str = ""
    version: str = ""

    def forms(self, one: str, many: str | None = None) -> Sequence[str]:
        """A text, or its forms by number."""
        return self.texts.get(one) or ((one,) if many is None else (one, many))


class Translated(str):
    """A text in another language that remembers what it is in English: what is written down is written in one language."""

    __slots__ = ("english",)
    english: str


ENGLISH = Language("en", "English")
Languages = Mapping[str, Language]  # By their tags.

_current: ContextVar[Language] = ContextVar("language", default=ENGLISH)


def current() -> Language:
    """The language of this request."""
    return _current.get()


def speak(language: Language) -> None:
    """Answer in this language from here on, as far as this context goes."""
    _current.set(language)


def N_(text: str) -> str:  # noqa: N802 - gettext's own name, which every tool that extracts texts knows.
    """Mark a text for translators; it stays English until `_` shows it."""
    return text


def _(text: str, /, **values: object) -> str:
    """A text in the language of the request, with its values."""
    language = _current.get()
    if language is ENGLISH or not text:
        return text % values
    return _translated(language.forms(text)[0], text, values)


def ngettext(one: str, many: str, number: int, /, **values: object) -> str:
    """One of two texts, or of as many as the language has, by a number. The number itself is a value like others."""
    english = one if number == 1 else many
    language = _current.get()
    if language is ENGLISH:
        return english % values
    found = language.texts.get(one)
    return _translated(english if found is None else found[language.form_of(number)], english, values)


def in_words(choices: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Values with their texts, which are marked by `N_`, as fields of choices show them."""
    return [(value, _(text)) for value, text in choices]


def in_english(text: str) -> str:
    """What a text of `_` is in English, as logs have it. Of any other text, the text itself."""
    return text.english if isinstance(text, Translated) else text


def in_order(text: str) -> str:
    """A text that is read from left to right in every language, such as a date with its time."""
    return f"{_LEFT_TO_RIGHT}{text}{TOGETHER}" if _current.get().direction == "rtl" else text


def _translated(shown: str, english: str, values: Mapping[str, object]) -> Translated:
    apart = values
    if _current.get().direction == "rtl":
        apart = {
            name: f"{APART}{value}{TOGETHER}" if isinstance(value, str) else value for name, value in values.items()
        }
    made = Translated(shown % apart)
    made.english = english % {
        name: in_english(value) if isinstance(value, str) else value for name, value in values.items()
    }
    return made
