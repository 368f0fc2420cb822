"""Which language somebody is answered in: the one they chose, else the first of those their browser asks for, else English."""

from __future__ import annotations

from functools import lru_cache

from undercroft import limits
from undercroft.console.languages import ENGLISH, Language, Languages


class Choice:
    """Chooses among the languages that there are."""

    def __init__(self, languages: Languages) -> None:
        self.languages = languages
        self._by_header = lru_cache(limits.CONSOLE_LANGUAGES_REMEMBERED)(self._negotiated)

    def of(self, chosen: str | None, accept_language: str) -> Language:
        """The language for a request with this cookie, if it has one, and this header."""
        found = self.languages.get(chosen or "")
        if found is not None:
            return found
        if len(self.languages) == 1 or len(accept_language) > limits.ACCEPT_LANGUAGE_MAX_BYTES:
            return ENGLISH
        return self._by_header(accept_language)

    def _negotiated(self, accept_language: str) -> Language:
        """The first that is asked for, or the same with less of a tag (`de-AT`: `de`), or its language elsewhere (`pt`: `pt-BR`)."""
        for asked in _asked_for(accept_language):
            parts = asked.lower().split("-")
            for length in range(len(parts), 0, -1):
                for tag, language in self.languages.items():
                    if tag.lower() == "-".join(parts[:length]):
                        return language
            for tag, language in self.languages.items():
                if tag.lower().split("-")[0] == parts[0]:
                    return language
        return ENGLISH


def _asked_for(header: str) -> list[str]:
    """The tags of `Accept-Language`, the most wanted first (RFC 9110, section 12.5.4)."""
    weighed = []
    for item in header.split(","):
        tag, _, weight = item.strip().partition(";q=")
        try:
            wanted = float(weight or 1)
        except ValueError:
            continue
        if wanted > 0 and tag.replace("-", "").isalnum():
            weighed.append((-wanted, tag))
    return [tag for _, tag in sorted(weighed, key=lambda one: one[0])]
