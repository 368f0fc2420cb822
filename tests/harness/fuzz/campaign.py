"""Runs a target on many inputs, and says with which one a rule was broken.

Guided by coverage, as far as that is cheap: one input in sixteen, and every one with an outcome that was not there before, is
traced, and those that reach a new line of the target's modules join the inputs that later ones are made of.
"""

from __future__ import annotations

import contextlib
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import CodeType, FrameType, ModuleType
from typing import Any

from harness.fuzz.mutator import Mutator

SLOW_S = 0.05  # CPU time on one input. More is a finding: somebody could send thousands of them.
PACE_S = 0.003  # CPU time of `_pace` on a machine of 2026 that does nothing else.
HANG_S = 60  # Wall time on `BATCH` inputs, which take a few milliseconds.
BATCH = 64
TRACED = 16
POOL_MAX = 2000


@dataclass(frozen=True)
class Target:
    """One thing to fuzz.

    `check` takes an input and raises where a rule is broken; what it returns is a short word for the outcome. `corpus` are valid
    inputs, `words` what the grammar is made of, `reaches` the outcomes that a campaign must have seen, so that none passes
    because every input fails at the first byte. `slow_s` may be raised with a reason.
    """

    name: str
    check: Callable[[bytes], str]
    corpus: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    modules: tuple[ModuleType, ...] = ()
    reaches: frozenset[str] = frozenset()
    slow_s: float = SLOW_S


@dataclass
class Outcome:
    """What a campaign saw."""

    inputs: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    pool: int = 0
    lines: int = 0
    labels: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        common = ", ".join(f"{label} {count}" for label, count in self.labels.most_common(6))
        return (
            f"{self.inputs} inputs in {self.seconds:.1f} s, {self.lines} lines reached, {self.pool} in the pool, slowest "
            f"{self.slowest_s * 1000:.1f} ms CPU; {len(self.labels)} outcomes: {common}"
        )


class Finding(AssertionError):
    """A rule was broken, or the input took too long. The message has the input as it can be replayed."""


class _Hang(BaseException):
    """Raised by the alarm in the middle of the input that does not end."""


def replay(target: Target, data: bytes) -> tuple[str, float]:
    """The outcome of one input and the CPU time it took, judged as in a campaign. Raises `Finding`."""
    began = time.thread_time()
    try:
        label = target.check(data)
    except _Hang:
        raise
    except BaseException as error:
        raise Finding(f"{target.name}: {type(error).__name__}: {error}\nreplay with\n    {data!r}") from error
    taken = time.thread_time() - began
    if taken > target.slow_s:
        # A collection of garbage or a first import may have come in between; what is slow is slow again.
        taken = min([taken, *(_cpu_of(target, data) for _ in range(3))])
        if taken > target.slow_s * slowness():
            raise Finding(
                f"{target.name}: took {taken * 1000:.0f} ms of CPU for {len(data)} bytes\n    {data[:2000]!r}"
            )
    return label, taken


def slowness() -> float:
    """How many times slower than that machine this one is just now: others may share its cores and their caches."""
    return max(1.0, min(_pace() for _ in range(5)) / PACE_S)


def _pace() -> float:
    began = time.thread_time()
    table = {}
    for number in range(20_000):
        table[number % 4096] = b"%d" % number
    return time.thread_time() - began


def _cpu_of(target: Target, data: bytes) -> float:
    began = time.thread_time()
    target.check(data)
    return time.thread_time() - began


def run_campaign(target: Target, inputs: int, *, seed: int) -> Outcome:
    """Judge the corpus and so many inputs made of it. Raises `Finding`, which names seed and number of the input."""
    rng = random.Random(f"{target.name}/{seed}")
    mutator = Mutator(rng, target.words)
    pool = list(target.corpus)
    outcome = Outcome()
    tracer = _LineTracer(target.modules)
    began = time.monotonic()
    data = b""
    try:
        with _alarm() as rearm:
            for number in range(inputs):
                if number % BATCH == 0:
                    rearm()
                if number < len(target.corpus):
                    data = target.corpus[number]
                else:
                    data = mutator.mutate(pool[int(rng.random() * len(pool))], pool[int(rng.random() * len(pool))])
                label, taken = replay(target, data)
                outcome.slowest_s = max(outcome.slowest_s, taken)
                outcome.labels[label] += 1
                interesting = outcome.labels[label] == 1 or (target.modules and number % TRACED == 0)
                if interesting and tracer.reaches_new(target.check, data) and len(pool) < POOL_MAX:
                    pool.append(data)
                outcome.inputs += 1
    except Finding as finding:
        raise Finding(f"input {outcome.inputs} of seed {seed}: {finding}") from finding
    except _Hang:
        raise Finding(f"{target.name}: no end with input {outcome.inputs} of seed {seed}\n    {data!r}") from None
    outcome.seconds = time.monotonic() - began
    outcome.pool, outcome.lines = len(pool), len(tracer.lines)
    missing = target.reaches - outcome.labels.keys()
    if missing:
        raise Finding(f"{target.name}: the campaign never got to {sorted(missing)}; it got to {outcome.labels}")
    return outcome


class _LineTracer:
    """Runs a check and notes which lines of some modules it reaches."""

    def __init__(self, modules: tuple[ModuleType, ...]) -> None:
        self._files = frozenset(str(module.__file__) for module in modules)
        self.lines: set[tuple[CodeType, int]] = set()

    def reaches_new(self, check: Callable[[bytes], str], data: bytes) -> bool:
        """Whether the input, which has passed, reaches a line that none did before."""
        if not self._files:
            return True  # Nothing is watched, so what the outcome is has to be guide enough.
        before = len(self.lines)
        outer = sys.gettrace()  # A measurement of coverage, where there is one.
        sys.settrace(self._enter)
        try:
            check(data)
        finally:
            sys.settrace(outer)
        return len(self.lines) > before

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            self.lines.add((frame.f_code, frame.f_lineno))
        return self._line


@contextlib.contextmanager
def _alarm() -> Iterator[Callable[[], None]]:
    """Yields what sets the alarm anew. It is silent outside of the main thread, where signals do not arrive."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _Hang

    before = signal.signal(signal.SIGALRM, ring)
    try:
        yield lambda: signal.setitimer(signal.ITIMER_REAL, HANG_S)  # type: ignore[func-returns-value]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
