"""Seeded chance: the same requests in the same order meet the same faults, so that a test run can be repeated.

Each worker process has dice of its own; a run is the same from one start to the next with a single worker.
"""

from __future__ import annotations

import random
from collections import OrderedDict

from undercroft import limits


class Dice:
    """Decides which requests a mode falls on: exactly one of each `one_in` in a row, at a place that chance chooses.

    So never more than two in a row are hit when `one_in` is 2 or more, and a client that tries three times comes through.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._runs: dict[tuple[str, int], _Run] = {}

    def fall(self, name: str, one_in: int) -> bool:
        """Whether this request, the next that the mode could fall on, is hit."""
        run = self._runs.get((name, one_in))
        if run is None:
            if len(self._runs) >= limits.TEST_MODES_CACHED:
                self._runs.clear()
            run = self._runs[name, one_in] = _Run(f"{self._seed}:{name}:{one_in}", one_in)
        return run.fall()


class _Run:
    """One mode's requests, counted in rows of `one_in`."""

    def __init__(self, seed: str, one_in: int) -> None:
        self._source = random.Random(seed)  # noqa: S311 - a test, not a secret.
        self._one_in = one_in
        self._place = 0
        self._chosen = self._source.randrange(one_in)

    def fall(self) -> bool:
        hit = self._place == self._chosen
        self._place += 1
        if self._place == self._one_in:
            self._place = 0
            self._chosen = self._source.randrange(self._one_in)
        return hit


class Lifetimes:
    """How many uses each token has before it counts as expired, which it then does for good.

    A new token always has some uses, so that a client which authorizes again gets through with it.
    """

    def __init__(self, seed: int) -> None:
        self._source = random.Random(f"{seed}:tokens")  # noqa: S311 - a test, not a secret.
        self._uses_left: OrderedDict[str, int] = OrderedDict()

    def use(self, token: str, about: int) -> bool:
        """Count a use. Whether the token has expired, which it does after half to one and a half times `about` uses."""
        left = self._uses_left.get(token)
        if left is None:
            left = max(1, about // 2 + self._source.randrange(about))
            if len(self._uses_left) >= limits.TEST_TOKENS_COUNTED:
                self._uses_left.popitem(last=False)
        self._uses_left[token] = max(0, left - 1)
        return left == 0
