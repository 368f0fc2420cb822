"""What one name is, as a sequential object: a stack of versions, newest first, where a marker on top hides the name.

Each function here gives the `then` of a step: the states that may follow a state when the answer was this one. A
version is a word; those of hide markers begin with `MARKER`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from model.histories.linearizability import Then

Stack = tuple[str, ...]
MARKER = "hide:"
EMPTY: Stack = ()


def is_visible(stack: Stack) -> bool:
    """Whether the name is listed and can be read."""
    return bool(stack) and not stack[0].startswith(MARKER)


# -- What changes the name -------------------------------------------------------------------------------------------
def uploaded(version: str, *, if_none_match: bool = False, if_match: str | None = None) -> Then:
    """A new version on top; where a condition was given, it held."""

    def then(stack: Stack) -> Sequence[Stack]:
        if if_none_match and is_visible(stack):
            return ()
        if if_match is not None and (not is_visible(stack) or stack[0] != if_match):
            return ()
        return ((version, *stack),)

    return then


def hidden(markers: Iterable[str], *, only_visible: bool = False) -> Then:
    """A hide marker on top, one of these: there are several where nobody knows which one a lost call made."""
    candidates = tuple(markers)

    def then(stack: Stack) -> Sequence[Stack]:
        if only_visible and not is_visible(stack):
            return ()
        return [(marker, *stack) for marker in candidates if marker not in stack]

    return then


def deleted(version: str, *, was_there: bool) -> Then:
    """The version is gone. S3 answers the same for one that is not there, unless `was_there`."""

    def then(stack: Stack) -> Sequence[Stack]:
        if version in stack:
            return (tuple(other for other in stack if other != version),)
        return () if was_there else (stack,)

    return then


# -- What only looks ----------------------------------------------------------------------------------------------
def seen(version: str | None) -> Then:
    """The name showed this version, or None: it showed nothing."""
    return _fits(lambda stack: (stack[0] if is_visible(stack) else None) == version)


def seen_hidden_by(marker: str) -> Then:
    """The name was hidden, by this marker."""
    return _fits(lambda stack: bool(stack) and stack[0] == marker)


def seen_something() -> Then:
    """The name was visible."""
    return _fits(is_visible)


def anything() -> Then:
    """No answer came, which fits always."""
    return _fits(lambda _stack: True)


def seen_without_versions() -> Then:
    """The name was not there, and not hidden either."""
    return _fits(lambda stack: not stack)


def seen_differing(version: str) -> Then:
    """The name showed a version, but another one."""
    return _fits(lambda stack: is_visible(stack) and stack[0] != version)


def seen_hidden() -> Then:
    """The name was hidden, by whatever marker."""
    return _fits(lambda stack: bool(stack) and not is_visible(stack))


def found(version: str) -> Then:
    """The version was there, wherever in the stack."""
    return _fits(lambda stack: version in stack)


def missing(version: str) -> Then:
    """The version was not there."""
    return _fits(lambda stack: version not in stack)


def listed(versions: Sequence[str], *, from_top: bool, to_end: bool, latest: Sequence[bool] = ()) -> Then:
    """A list had these versions of the name, in this order and without a gap: a run of the stack.

    `from_top` and `to_end` tell that the page held the name's beginning, and its end. `latest` is what the list said of
    each, where it says such things: whether it is the newest of its name.
    """
    wanted = tuple(versions)

    def fits(stack: Stack) -> bool:
        if not wanted:
            return not stack or not (from_top and to_end)  # A page that began or ended inside the name says nothing.
        if wanted[0] not in stack:
            return False
        start = stack.index(wanted[0])
        end = start + len(wanted)
        return (
            stack[start:end] == wanted
            and (not from_top or start == 0)
            and (not to_end or end == len(stack))
            and all(says == (place == 0) for place, says in enumerate(latest, start))
        )

    return _fits(fits)


def _fits(condition: Callable[[Stack], bool]) -> Then:
    return lambda stack: (stack,) if condition(stack) else ()
