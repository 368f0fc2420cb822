"""Who acts and upon what: the draws that all rules share."""

from __future__ import annotations

from hypothesis import strategies as st

from model.material import RIGHT, names
from model.sides import Sides
from model.things import Range, Version

OWNER, STRANGER = 0, 1
ANYBODY = 2  # An owner like 0, but reads as nobody where nobody may.
actors = st.sampled_from((OWNER,) * 8 + (STRANGER, ANYBODY, ANYBODY) + tuple(range(7, 12)))
picks = st.integers(0, 63)
known_names = names | picks | picks  # A number is the name of some version there is.
numbers = st.sampled_from((1, 1, 2, 2, 3, 4, 10_000))
flags = st.booleans()


class Cast(Sides):
    """Turns what is drawn into keys, names and dialects."""

    def _actor(self, index: int) -> str:
        """Mostly the first owner, sometimes a stranger, often one of the keys made. A draw of it begins a step."""
        type(self).steps += 1
        if index == STRANGER:
            return self.accounts[STRANGER]
        if index < 7 or not self.keys:
            return self.accounts[OWNER]
        return self.keys[index % len(self.keys)].id

    def _reader(self, index: int) -> str | None:
        actor = self._actor(index)
        return None if index == ANYBODY else actor

    def _name(self, drawn: str | int) -> str:
        if isinstance(drawn, str):
            return drawn
        version = self.a_version(drawn)
        return "a" if version is None else version.name

    def _within(self, asked: Range | None, body: bytes) -> Range | None:
        """A range that was drawn, mostly moved to where the bytes are."""
        if asked is None or not body or asked.first % 2:
            return asked
        first = asked.first % len(body)
        return Range(first, None if asked.last is None else asked.last - asked.first + first)

    def _customer(self, drawn: str | None, version: Version | None) -> str | None:
        """Whose key a request brings: mostly the one that opens the version."""
        if drawn != RIGHT:
            return drawn
        return None if version is None else version.customer

    def _s3(self, drawn: bool) -> bool:
        return self.dialects[drawn % len(self.dialects)]
