"""Is there an order of what was asked, one after the other, that explains every answer?

A history is linearizable when each operation can be given one moment between its call and its answer, so that a plain
sequential object, doing the operations at those moments, would have answered the same. The search is that of Wing and
Gong ("Testing and Verifying Concurrent Objects", 1993) with the memory of Lowe ("Testing for Linearizability", 2017):
go through the orders depth first, and never twice through the same set of done operations with the same state.

What got no answer (a cut connection, a killed server) may have happened at any moment after its call, or never.

What changes nothing is done as soon as it fits. That loses no order: a read that fits now and may come now can be moved
here from wherever an order has it, since it leaves the state alone and waits for nobody.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

NEVER = math.inf  # When the answer came that never came.
CONFIGURATIONS_MAX = 20_000  # A search that needs more is called undecided, which no test may pass over.

State = Hashable
Then = Callable[[State], Sequence[State]]


class Step(NamedTuple):
    """One operation of a history.

    `then` gives the states that may follow a state, with the answer that came; none where that answer does not fit.
    `changes` tells that it may give another state than it got. `key` names the step, and `after` names those that are
    known to have come before it: not needed for a verdict, but a search that knows some of the order has far less to
    try.
    """

    label: str
    began: float
    ended: float
    then: Then
    changes: bool = True
    key: str = ""
    after: frozenset[str] = frozenset()


class NotLinearizable(AssertionError):
    """No order explains the answers. The message shows how far the best attempt came, and what it could not explain."""


class Undecided(AssertionError):
    """The history is too tangled for the search: shorter histories or fewer clients are needed."""


class _Configuration(NamedTuple):
    """A place in the search: which steps are done (a set of bits), and the state that they made."""

    done: int
    first: int  # The first answered step that is not done; those before it need no look.
    state: State


def check_linearizable(steps: Sequence[Step], initial: State) -> None:
    """Return if some order explains the history. Raises `NotLinearizable`, or `Undecided`."""
    search = _Search(steps)
    seen: set[tuple[int, State]] = set()
    deepest = here = _Configuration(0, 0, initial)
    pending = [here]
    while pending:
        here = search.with_what_changes_nothing(pending.pop())
        if search.is_over(here):
            return
        if (here.done, here.state) in seen:
            continue
        seen.add((here.done, here.state))
        if len(seen) > CONFIGURATIONS_MAX:
            raise Undecided(f"{len(steps)} steps need more than {CONFIGURATIONS_MAX} configurations.")
        if here.done.bit_count() > deepest.done.bit_count():
            deepest = here
        pending.extend(search.following(here))
    raise NotLinearizable(search.story(search.with_what_changes_nothing(deepest)))


class _Search:
    """The steps in the order of their calls, those without an answer behind all others."""

    def __init__(self, steps: Sequence[Step]) -> None:
        answered = sorted((step for step in steps if step.ended < NEVER), key=lambda step: step.began)
        lost = [step for step in steps if step.ended == NEVER and step.changes]  # A lost read says nothing.
        self._steps = answered + lost
        self._answered = len(answered)
        bits = {step.key: 1 << number for number, step in enumerate(self._steps) if step.key}
        self._needs = [sum(bits.get(key, 0) for key in step.after) for step in self._steps]

    def is_over(self, here: _Configuration) -> bool:
        """Whether every answer is explained."""
        return here.first == self._answered

    def with_what_changes_nothing(self, here: _Configuration) -> _Configuration:
        """The configuration after all steps that fit at present and change nothing."""
        done, first, state = here
        progress = True
        while progress:
            progress = False
            for number in self._may_come_next(done, first):
                step = self._steps[number]
                if not step.changes and step.then(state):
                    done |= 1 << number
                    progress = True
            while first < self._answered and done >> first & 1:
                first += 1
        return _Configuration(done, first, state)

    def following(self, here: _Configuration) -> Iterator[_Configuration]:
        """The configurations after one more change. The most likely one is last: whose answer came first."""
        lost = [number for number in range(self._answered, len(self._steps)) if not here.done >> number & 1]
        deadline = self._deadline(here.done, here.first)
        next_lost = [number for number in lost if self._steps[number].began <= deadline]
        answered = [number for number in self._may_come_next(here.done, here.first) if self._steps[number].changes]
        answered.sort(key=lambda number: self._steps[number].ended, reverse=True)
        for number in next_lost + answered:
            if self._needs[number] & ~here.done:
                continue
            for state in self._steps[number].then(here.state):
                done = here.done | 1 << number
                first = here.first
                while first < self._answered and done >> first & 1:
                    first += 1
                yield _Configuration(done, first, state)

    def _may_come_next(self, done: int, first: int) -> list[int]:
        """The answered steps that were called before any that is not done was answered."""
        numbers: list[int] = []
        deadline = NEVER
        for number in range(first, self._answered):
            if done >> number & 1:
                continue
            step = self._steps[number]
            if step.began > deadline:
                break
            numbers.append(number)
            deadline = min(deadline, step.ended)
        return numbers

    def _deadline(self, done: int, first: int) -> float:
        """When the first answer came of those that are still to be explained."""
        return min((self._steps[number].ended for number in self._may_come_next(done, first)), default=NEVER)

    def story(self, here: _Configuration) -> str:
        """What the best attempt did last, the state it came to, and what it could not go on with."""
        steps = self._steps
        start = min((step.began for step in steps), default=0.0)

        def told(number: int) -> str:
            step = steps[number]
            ended = "no answer" if step.ended == NEVER else f"{(step.ended - start) * 1000:.3f} ms"
            return f"  {(step.began - start) * 1000:.3f} ms to {ended}: {step.label}"

        done = [number for number in range(len(steps)) if here.done >> number & 1]
        stuck = self._may_come_next(here.done, here.first)
        return "\n".join(
            (
                f"{len(done)} of {len(steps)} steps can be explained. Among those done:",
                *map(told, done[-30:]),
                f"then the state is {here.state}, and none of these fits:",
                *map(told, stuck),
            )
        )
