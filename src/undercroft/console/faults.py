"""What is wrong with a form, all of it in one answer.

The store refuses at the first fault that it comes to, and has the last word. So a form that has several fields asks it first about each by itself, by
the functions with which the store judges too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from undercroft.console.problems import beside, said
from undercroft.store.errors import BadCredentials, InvalidRequest, StoreError, TooManyAttempts


class Faults:
    """The faults of a form: of each of its fields the first, in `errors`.

    `fields` maps the store's names of fields to the form's, and `otherwise` is the field of a fault that names none of them.
    """

    def __init__(self, fields: Mapping[str, str], otherwise: str) -> None:
        self._fields = fields
        self._otherwise = otherwise
        self.errors: dict[str, str] = {}

    @contextmanager
    def gathered(self, *kinds: type[StoreError], field: str = "") -> Iterator[None]:
        """What is done within may refuse, with `InvalidRequest` or one of these, and is over then.

        `field` is the form's, of a refusal that names none.
        """
        refusals: tuple[type[StoreError], ...] = (InvalidRequest, *kinds)
        try:
            yield
        except refusals as error:
            self.add([error], field=field)

    @contextmanager
    def proving(self, field: str) -> Iterator[None]:
        """What is done within needs the person's password, which is in this field of the form."""
        try:
            yield
        except (BadCredentials, TooManyAttempts) as error:
            self.say(field, said(error))

    def add(self, faults: Iterable[StoreError], *, field: str = "") -> None:
        """These are faults too."""
        for fault in faults:
            for name, text in beside(fault, self._fields, field or self._otherwise).items():
                self.errors.setdefault(name, text)

    def say(self, field: str, text: str) -> None:
        """A field is wrong in a way that only the form knows of."""
        self.errors.setdefault(field, text)

    def __bool__(self) -> bool:
        return bool(self.errors)
