"""The judge of histories is judged: it accepts what one order explains, and nothing else."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.histories import name_register as register
from model.histories.linearizability import NEVER, NotLinearizable, Step, Undecided, check_linearizable

LOST = NEVER
LATER = 10_000  # After every step of a generated history.


def change(began, ended, then):
    return Step("change", began, ended, then)


def look(began, ended, then):
    return Step("look", began, ended, then, changes=False)


def accepts(*steps):
    try:
        check_linearizable(steps, register.EMPTY)
    except NotLinearizable:
        return False
    return True


def upload(began, ended, version, **condition):
    return change(began, ended, register.uploaded(version, **condition))


def hide(began, ended, *markers, **settings_):
    return change(began, ended, register.hidden([register.MARKER + one for one in markers], **settings_))


def delete(began, ended, version, *, was_there=True):
    return change(began, ended, register.deleted(version, was_there=was_there))


def read(began, ended, version):
    return look(began, ended, register.seen(version))


# -- Known histories --------------------------------------------------------------------------------------------------
def test_a_read_during_an_upload_may_see_it_or_not():
    assert accepts(upload(0, 10, "a"), read(1, 2, None))
    assert accepts(upload(0, 10, "a"), read(1, 2, "a"))


def test_once_somebody_saw_an_upload_nobody_may_miss_it_any_more():
    assert accepts(upload(0, 10, "a"), read(1, 2, None), read(3, 4, "a"))
    assert not accepts(upload(0, 10, "a"), read(1, 2, "a"), read(3, 4, None))


def test_a_read_after_an_acknowledgement_sees_it():
    assert accepts(upload(0, 1, "a"), read(2, 3, "a"))
    assert not accepts(upload(0, 1, "a"), read(2, 3, None))
    assert not accepts(upload(0, 1, "a"), upload(2, 3, "b"), read(4, 5, "a"))


def test_two_readers_must_agree_on_the_order_of_two_uploads():
    both = [upload(0, 10, "a"), upload(0, 10, "b")]
    assert accepts(*both, read(1, 2, "a"), read(3, 4, "b"))
    assert not accepts(*both, read(1, 2, "a"), read(3, 4, "b"), read(5, 6, "a"))
    assert not accepts(*both, read(11, 12, "a"), read(13, 14, "b"))


def test_of_two_uploads_if_nothing_is_there_only_one_may_win():
    def only_one(version):
        return upload(0, 10, version, if_none_match=True)

    refused = look(0, 10, register.seen_something())
    assert accepts(only_one("a"), refused)
    assert not accepts(only_one("a"), only_one("b"))
    assert accepts(only_one("a"), hide(0, 10, "h"), only_one("b"))
    assert not accepts(refused), "Nothing was ever there to refuse it for."


def test_of_two_uploads_over_the_same_version_only_one_may_win():
    assert accepts(upload(0, 1, "a"), upload(2, 9, "b", if_match="a"), upload(2, 9, "c", if_match="b"))
    assert not accepts(upload(0, 1, "a"), upload(2, 9, "b", if_match="a"), upload(2, 9, "c", if_match="a"))
    assert accepts(upload(0, 1, "a"), upload(2, 9, "b"), look(2, 9, register.seen_differing("a")))
    assert not accepts(upload(0, 1, "a"), upload(2, 3, "b"), look(4, 5, register.seen_differing("b")))


def test_deleting_the_newest_version_shows_the_one_below():
    assert accepts(upload(0, 1, "a"), upload(2, 3, "b"), delete(4, 5, "b"), read(6, 7, "a"))
    assert not accepts(upload(0, 1, "a"), upload(2, 3, "b"), delete(4, 5, "b"), read(6, 7, "b"))
    assert not accepts(upload(0, 1, "a"), delete(2, 3, "a"), delete(4, 5, "a")), "It was there once."
    assert accepts(upload(0, 1, "a"), delete(2, 3, "a"), delete(4, 5, "a", was_there=False))
    assert accepts(upload(0, 1, "a"), delete(2, 9, "a"), look(3, 4, register.missing("a")))
    assert not accepts(upload(0, 1, "a"), look(2, 3, register.missing("a")), look(4, 5, register.found("a")))


def test_a_marker_hides_and_deleting_it_shows_the_file_again():
    hidden = [upload(0, 1, "a"), hide(2, 3, "h")]
    assert accepts(*hidden, look(4, 5, register.seen_hidden_by("hide:h")), delete(6, 7, "hide:h"), read(8, 9, "a"))
    assert not accepts(*hidden, read(4, 5, "a"))
    assert not accepts(*hidden, hide(4, 5, "i", only_visible=True))
    assert accepts(*hidden, look(4, 5, register.seen_hidden()))
    assert not accepts(*hidden, look(4, 5, register.seen_without_versions()))


def test_what_got_no_answer_may_happen_at_any_later_time_or_never():
    lost = upload(0, LOST, "a")
    assert accepts(lost, read(50, 51, None))
    assert accepts(lost, read(50, 51, "a"))
    assert accepts(lost, read(50, 51, None), read(60, 61, "a"))
    assert not accepts(lost, read(50, 51, "a"), read(60, 61, None))
    assert not accepts(read(0, 1, "a"), upload(2, LOST, "a")), "Not before it was asked for."


def test_a_lost_hide_made_one_of_the_markers_that_nobody_else_made():
    lost = hide(2, LOST, "never seen", "h")
    assert accepts(upload(0, 1, "a"), lost, look(3, 4, register.seen_hidden_by("hide:h")))
    assert not accepts(upload(0, 1, "a"), lost, look(3, 4, register.seen_hidden_by("hide:other")))


@pytest.mark.parametrize(
    ("rows", "place", "fits"),
    [
        (["b", "hide:h", "a"], {"from_top": True, "to_end": True}, True),
        (["b", "hide:h"], {"from_top": True, "to_end": True}, False),
        (["b", "hide:h"], {"from_top": True, "to_end": False}, True),
        (["hide:h", "a"], {"from_top": False, "to_end": True}, True),
        (["hide:h", "a"], {"from_top": True, "to_end": True}, False),
        (["b", "a"], {"from_top": True, "to_end": True}, False),
        (["a", "hide:h", "b"], {"from_top": True, "to_end": True}, False),
        ([], {"from_top": True, "to_end": True}, False),
        ([], {"from_top": False, "to_end": True}, True),
        (["b", "hide:h", "a"], {"from_top": True, "to_end": True, "latest": [True, False, False]}, True),
        (["b", "hide:h", "a"], {"from_top": True, "to_end": True, "latest": [False, False, False]}, False),
        (["hide:h", "a"], {"from_top": False, "to_end": True, "latest": [True, False]}, False),
    ],
)
def test_a_list_of_versions_is_a_run_of_the_stack(rows, place, fits):
    stack = [upload(0, 1, "a"), hide(2, 3, "h"), upload(4, 5, "b")]
    assert accepts(*stack, look(6, 7, register.listed(rows, **place))) is fits


def test_the_story_of_a_broken_history_names_what_does_not_fit():
    with pytest.raises(
        NotLinearizable, match=r"1 of 2 steps(.|\n)*the state is \('a',\)(.|\n)*2000.000 ms to 3000.000 ms: look"
    ):
        check_linearizable([upload(0, 1, "a"), read(2, 3, None)], register.EMPTY)


def test_a_history_that_is_too_tangled_is_not_called_sound():
    tangled = [upload(0, 100, f"v{number}") for number in range(20)]
    with pytest.raises(Undecided):
        check_linearizable([*tangled, read(101, 102, "nobody wrote this")], register.EMPTY)


# -- Any history ------------------------------------------------------------------------------------------------------
_VERSIONS = ("a", "b", "c")


@st.composite
def _askings(draw):
    """Something that a client asks for, as `then` and whether it can change anything, with an answer that may be
    wrong.
    """
    version = draw(st.sampled_from(_VERSIONS))
    other = draw(st.sampled_from((None, *_VERSIONS)))
    return draw(
        st.sampled_from(
            [
                (register.uploaded(version), True),
                (register.uploaded(version, if_none_match=True), True),
                (register.uploaded(version, if_match=other), True),
                (register.hidden(["hide:h"]), True),
                (register.hidden(["hide:i", "hide:j"], only_visible=True), True),
                (register.deleted(version, was_there=True), True),
                (register.deleted(version, was_there=False), True),
                (register.seen(other), False),
                (register.seen_hidden(), False),
                (register.found(version), False),
                (register.missing(version), False),
                (register.seen_without_versions(), False),
            ]
        )
    )


@st.composite
def _histories(draw):
    """A few steps at random times, with random answers; some got none."""
    steps = []
    for number in range(draw(st.integers(1, 5))):
        then, changes = draw(_askings())
        began = draw(st.integers(0, 8))
        ended = LOST if changes and draw(st.integers(0, 4)) == 0 else began + draw(st.integers(0, 5))
        steps.append(Step(str(number), began, ended, then, changes))
    return steps


def _any_order_explains(steps):
    """The definition itself: try every order of every choice of what was lost."""
    answered = [step for step in steps if step.ended < LOST]
    lost = [step for step in steps if step.ended == LOST]
    for count in range(len(lost) + 1):
        for happened in itertools.combinations(lost, count):
            for order in itertools.permutations([*answered, *happened]):
                if any(later.ended < earlier.began for earlier, later in itertools.combinations(order, 2)):
                    continue
                states = {register.EMPTY}
                for step in order:
                    states = {following for state in states for following in step.then(state)}
                if states:
                    return True
    return False


@settings(max_examples=300, deadline=None)
@given(_histories())
def test_the_search_says_of_every_history_what_trying_every_order_says(steps):
    assert accepts(*steps) == _any_order_explains(steps)


@st.composite
def _explained(draw, *, steps_max, spread, hints=False):
    """A history made from an order: each step's answer is the true one, and its call and answer lie around its moment.

    `hints` tells of each version which one it came upon. Without them, the search may have to try everything, which
    wants few steps and little `spread`.
    """
    stack, steps = register.EMPTY, []
    for moment in range(1, draw(st.integers(2, steps_max))):
        began = moment * 10 - draw(st.integers(0, spread))
        ended = moment * 10 + draw(st.integers(0, spread))
        lost = sum(step.ended == LOST for step in steps)
        kinds = ["upload", "hide", "delete", "read", "list", *(["lost"] if lost < 2 else [])]
        kind = draw(st.sampled_from(kinds))
        if kind == "delete" and stack:
            then, changes = register.deleted(draw(st.sampled_from(stack)), was_there=True), True
        elif kind in {"upload", "lost"}:
            then, changes = register.uploaded(f"v{moment}"), True
        elif kind == "hide":
            then, changes = register.hidden([f"{register.MARKER}{moment}"]), True
        elif kind == "read":
            then, changes = register.seen(stack[0] if register.is_visible(stack) else None), False
        else:
            then, changes = register.listed(stack, from_top=True, to_end=True), False
        key, below = "", frozenset()
        if kind != "lost" or draw(st.booleans()):  # Else it was lost before it came to anything.
            (following,) = then(stack)
            if hints and len(following) > len(stack):
                key, below = following[0], frozenset(stack[:1])
            stack = following
        steps.append(Step(kind, began, LOST if kind == "lost" else ended, then, changes, key, below))
    return steps, stack


@settings(max_examples=100, deadline=None)
@given(_explained(steps_max=12, spread=20) | _explained(steps_max=30, spread=30, hints=True))
def test_whatever_was_made_from_an_order_is_explained(made):
    steps, stack = made
    assert accepts(*steps)
    assert accepts(*steps, look(LATER, LATER + 1, register.listed(stack, from_top=True, to_end=True)))


@settings(max_examples=100, deadline=None)
@given(_explained(steps_max=10, spread=25), st.sampled_from([None, "never written", "v1", "v2", "v5"]))
def test_a_read_of_what_was_replaced_before_it_began_is_refused(made, stale):
    steps, _ = made
    answered = [step for step in steps if step.ended < LOST]
    newest, seen = upload(LATER, LATER + 1, "newest"), read(LATER + 2, LATER + 3, stale)
    assert not accepts(*answered, newest, seen)


@settings(max_examples=100, deadline=None)
@given(_explained(steps_max=10, spread=25))
def test_an_acknowledged_upload_that_left_no_trace_is_refused(made):
    steps, stack = made
    answered = [step for step in steps if step.ended < LOST]
    whole = look(LATER + 1, LATER + 2, register.listed(stack, from_top=True, to_end=True))
    assert not accepts(*answered, upload(0, LATER, "vanished"), whole)
