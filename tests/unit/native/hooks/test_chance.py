"""Seeded chance: how many requests are hit, in what rows, and that it can be repeated."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft import limits
from undercroft.native.hooks.chance import Dice, Lifetimes

seeds = st.integers(0, 2**63 - 1)


@given(seeds, st.integers(1, 50), st.integers(1, 6))
def test_exactly_one_of_each_row_is_hit_and_never_three_running(seed, one_in, rows):
    dice = Dice(seed)
    hits = [dice.fall("mode", one_in) for _ in range(one_in * rows)]
    for row in range(rows):
        assert sum(hits[row * one_in : (row + 1) * one_in]) == 1
    if one_in > 1:
        assert max((len(list(run)) for hit, run in groupby(hits) if hit), default=0) <= 2


@given(seeds)
def test_the_same_seed_gives_the_same_hits_whatever_other_modes_do(seed):
    one, other = Dice(seed), Dice(seed)
    for _ in range(7):
        other.fall("another", 3)
    assert [one.fall("mode", 10) for _ in range(100)] == [other.fall("mode", 10) for _ in range(100)]


def test_seeds_and_modes_differ():
    def hits(seed, name):
        dice = Dice(seed)
        return [dice.fall(name, 100) for _ in range(1000)]

    assert hits(1, "mode") != hits(2, "mode")
    assert hits(1, "mode") != hits(1, "other")


def test_how_many_modes_are_counted_is_bounded():
    dice = Dice(0)
    for number in range(1, 3 * limits.TEST_MODES_CACHED):
        dice.fall("mode", number)
    assert len(dice._runs) <= limits.TEST_MODES_CACHED


@given(seeds, st.integers(1, 40))
def test_a_token_has_uses_first_and_is_then_expired_for_good(seed, about):
    lifetimes = Lifetimes(seed)
    for token in ("one", "two", "three"):
        uses = [lifetimes.use(token, about) for _ in range(2 * about + 5)]
        assert uses == sorted(uses)
        assert uses[0] is False
        assert max(1, about // 2) <= uses.index(True) <= max(1, about * 3 // 2)


@pytest.mark.parametrize("about", [1, 12])
def test_how_many_tokens_are_counted_is_bounded(about):
    lifetimes = Lifetimes(0)
    for number in range(limits.TEST_TOKENS_COUNTED + 10):
        lifetimes.use(str(number), about)
    assert len(lifetimes._uses_left) == limits.TEST_TOKENS_COUNTED
