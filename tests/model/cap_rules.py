"""The rules for the cap on storage: set just above, at or below what an account holds, and lifted."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from model.cast import OWNER, Cast

_margins = st.sampled_from((None, -1, 0, 1, 10, 1_000, 70_000))


class CapRules(Cast):
    """Draws caps for the owner; whatever else happens, nothing passes them, and nothing that gives room back is refused."""

    @rule(margin=_margins)
    def cap(self, margin: int | None) -> None:
        self._cap(margin)

    def _cap(self, margin: int | None) -> None:
        actor = self.accounts[OWNER]
        held = self.model.held(self.model.keys[actor].account)
        size = None if margin is None else max(0, held + margin)
        self.both("cap_storage", actor, False, size=size)

    def teardown(self) -> None:
        """The account is there in the next example too."""
        self._cap(None)
        super().teardown()
