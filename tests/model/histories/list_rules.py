"""What a list promises of all its names together (P5).

* **One page is one instant.** Between the request for a page and its answer there is a moment at which all that the
  page shows was there and all that it does not show was not: of every name that the page covers, not only of each by
  itself.
* **A list of several pages promises no instant**, since each page is one of its own. It promises that what was
  acknowledged before the request for the first page, and not asked to be hidden or deleted before the answer of the
  last one, is on one of the pages.

From both follows what P5 says: a list shows every write acknowledged before it began and not undone since, and nothing
that was never written, or was deleted by an acknowledged delete before it began.

Only what follows from calls and answers alone is judged here, so that nothing is ever accused wrongly: a version was
certainly not there before its upload was asked for, nor after the answer to its delete; and certainly there from the
answer to its upload until somebody asked for its delete.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from model.histories.history import History
from model.histories.linearizability import NEVER
from model.histories.name_register import MARKER
from model.histories.records import Page, Record, Said

ALWAYS = -NEVER


class ListBroken(AssertionError):
    """A list showed what it could not, or left out what it must not."""


class Span(NamedTuple):
    """The moments after `after` and before `until`, without the ends."""

    after: float
    until: float


class _Life(NamedTuple):
    """What calls and answers say of one version. `asked` and `answered` are of the call that made it."""

    name: str
    version: str
    asked: float
    answered: float
    delete_asked: float
    delete_answered: float

    @property
    def is_marker(self) -> bool:
        return self.version.startswith(MARKER)


class ListRules:
    """Both rules, for all lists of a history."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._lives = {life.version: life for life in _lives(history)}
        self._of_name: defaultdict[str, list[_Life]] = defaultdict(list)
        for life in self._lives.values():
            self._of_name[life.name].append(life)
        # Hides of which nobody knows the marker hide all the same.
        self._lost_hides = [one for one in history.records if one.action == "hide" and not one.is_answered]
        self._lists: defaultdict[str, list[Record]] = defaultdict(list)
        for one in history.records:
            if isinstance(one.said, Page):
                self._lists[one.said.listing].append(one)

    @property
    def pages(self) -> int:
        """How many pages there are to judge."""
        return sum(len(pages) for pages in self._lists.values())

    def check(self) -> None:
        """Return if every list keeps both rules. Raises `ListBroken`."""
        for pages in self._lists.values():
            for one in pages:
                self._check_instant(one)
            self._check_nothing_left_out(sorted(pages, key=lambda one: one.began))

    # -- One page is one instant ---------------------------------------------------------------------------------------
    def _check_instant(self, one: Record) -> None:
        moment = one.began
        spans = sorted(self._excluded(one))
        for span, _ in spans:
            if span.after >= moment:
                break  # The moment itself is in no span: those that follow begin later.
            moment = max(moment, span.until)
        if moment > one.ended:
            reasons = "\n".join(
                f"  {(span.after - one.began) * 1000:.3f} ms to {(span.until - one.began) * 1000:.3f} ms: {why}"
                for span, why in spans
                if span.until > one.began and span.after < one.ended
            )
            took = (one.ended - one.began) * 1000
            raise ListBroken(f"{one} shows no instant of the {took:.3f} ms that it took:\n{reasons}")

    def _excluded(self, one: Record) -> Iterator[tuple[Span, str]]:
        """The spans in which the page cannot have been read, and why."""
        page = one.said
        assert isinstance(page, Page)
        shown = defaultdict(list)
        for name, seen in page.rows:
            shown[name].append(self._history.version(seen))
        for name in self._history.names:
            if one.action == "list names":
                if page.covers(name):
                    yield from self._excluded_by_name(name, shown[name][0] if shown[name] else None)
            else:
                begins_inside = page.start_id is not None and page.start == name
                whole = page.covers(name) and page.ends_inside != name and not begins_inside
                yield from self._excluded_by_versions(name, shown[name], whole=whole)

    def _excluded_by_name(self, name: str, shown: str | None) -> Iterator[tuple[Span, str]]:
        for life in self._of_name[name]:
            if life.version == shown:
                yield Span(ALWAYS, life.asked), f"{shown} of {name} was not asked for yet"
                yield Span(life.delete_answered, NEVER), f"{shown} of {name} was deleted"
            elif shown is not None:
                # A version that is certainly newer, and stays, covers the one that is shown.
                if life.asked > self._lives[shown].answered and life.delete_asked == NEVER:
                    yield Span(life.answered, NEVER), f"{shown} of {name} was covered by {life.version}"
            elif not life.is_marker:
                yield Span(life.answered, self._hidden_from(life)), f"{life.version} of {name} was visible"

    def _hidden_from(self, life: _Life) -> float:
        """The moment from which something asked for may have made the name of this upload vanish."""
        hides = [other.asked for other in self._of_name[life.name] if other.is_marker and other.answered > life.asked]
        lost = [one.began for one in self._lost_hides if one.name == life.name]
        return min([*hides, *lost, life.delete_asked])

    def _excluded_by_versions(self, name: str, shown: list[str], *, whole: bool) -> Iterator[tuple[Span, str]]:
        for life in self._of_name[name]:
            if life.version in shown:
                yield Span(ALWAYS, life.asked), f"{life.version} of {name} was not asked for yet"
                yield Span(life.delete_answered, NEVER), f"{life.version} of {name} was deleted"
            elif whole:
                yield Span(life.answered, life.delete_asked), f"{life.version} of {name} was there"

    # -- Several pages leave nothing out --------------------------------------------------------------------------------
    def _check_nothing_left_out(self, pages: list[Record]) -> None:
        first, last = pages[0].said, pages[-1].said
        assert isinstance(first, Page)
        assert isinstance(last, Page)
        if last.end is not None or last.ends_inside is not None:
            return  # A list that its client gave up.
        of_names = pages[0].action == "list names"
        shown = {self._history.version(seen) for one in pages for _, seen in one.said.rows}
        listed = {name for one in pages for name, _ in one.said.rows}
        for life in self._lives.values():
            if not first.covers(life.name) or life.answered >= pages[0].began:
                continue
            left_out = (
                not life.is_marker and life.name not in listed and self._hidden_from(life) > pages[-1].ended
                if of_names
                else life.version not in shown and life.delete_asked > pages[-1].ended
            )
            if left_out:
                raise ListBroken(
                    f"{life.version} of {life.name} is on none of the {len(pages)} pages that {pages[0]} began."
                )


def _lives(history: History) -> Iterator[_Life]:
    asked_to_delete: dict[str, float] = {}
    deleted: dict[str, float] = {}
    for one in history.records:
        if one.action == "delete" and one.asked is not None and one.said is not Said.GONE:
            version = history.version(one.asked)
            asked_to_delete[version] = min(one.began, asked_to_delete.get(version, NEVER))
            deleted[version] = min(one.ended, deleted.get(version, NEVER))
    for one in history.records:
        made = one.action in {"upload", "hide"} and (isinstance(one.said, str) or one.said is None)
        if not made or (one.action == "hide" and one.said is None):
            continue
        version = one.digests[0] if one.action == "upload" else MARKER + str(one.said)
        yield _Life(
            one.name, version, one.began, one.ended, asked_to_delete.get(version, NEVER), deleted.get(version, NEVER)
        )
