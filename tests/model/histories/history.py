"""From what clients wrote down to the steps of each name, and the rules that concern several names at once."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from model.histories import name_register as register
from model.histories.linearizability import Step, Then, check_linearizable
from model.histories.records import Page, Record, Said, Seen

UNSEEN = register.MARKER + "never seen"  # A marker that a lost call may have made, and no answer has shown.


class IdentityBroken(AssertionError):
    """An id stood for two versions, or a version had bytes that nobody wrote."""


class History:
    """All that was asked of some names, from their first version on, and what came of it.

    A version is called by the first of its digests, which no other upload of the history has, and a hide marker by its
    id.
    """

    def __init__(self, names: Iterable[str], records: Sequence[Record]) -> None:
        self.names = tuple(names)
        self.records = tuple(records)
        self._by_digest = {
            digest: one.digests[0] for one in records if one.action == "upload" for digest in one.digests
        }
        self._by_id: dict[str, str] = {}
        self._acknowledged_markers: set[str] = set()
        self._markers_of: defaultdict[str, set[str]] = defaultdict(set)
        self._learn_ids()

    def check(self) -> None:
        """Every name is linearizable."""
        for name in self.names:
            steps = list(self.steps(name))
            check_linearizable(steps, register.EMPTY)

    # -- Which version an answer means ---------------------------------------------------------------------------------
    def _learn_ids(self) -> None:
        for one in self.records:
            if one.action == "upload" and isinstance(one.said, str):
                self._learn(one.said, one.digests[0])
            elif one.action == "hide" and isinstance(one.said, str):
                self._learn(one.said, register.MARKER + one.said)
                self._acknowledged_markers.add(one.said)
        for one in self.records:
            for name, seen in rows_of(one):
                if seen.is_marker and seen.file_id is not None:
                    self._learn(seen.file_id, register.MARKER + seen.file_id)
                    self._markers_of[name].add(seen.file_id)
                elif seen.digest is not None:
                    if seen.digest not in self._by_digest:
                        raise IdentityBroken(f"{one} shows bytes that nobody wrote.")
                    if seen.file_id is not None:
                        self._learn(seen.file_id, self._by_digest[seen.digest])

    def _learn(self, file_id: str, version: str) -> None:
        known = self._by_id.setdefault(file_id, version)
        if known != version:
            raise IdentityBroken(f"{file_id} is {known} and {version}.")

    def version(self, seen: Seen | str) -> str:
        """What a version is called here."""
        if isinstance(seen, str):
            return self._by_id.get(seen, seen)
        if seen.digest is not None and not seen.is_marker:
            return self._by_digest[seen.digest]
        assert seen.file_id is not None
        return self._by_id.get(seen.file_id, seen.file_id)

    # -- Steps -----------------------------------------------------------------------------------------------------
    def steps(self, name: str) -> Iterator[Step]:
        """All that concerns a name, lists that cover it included."""
        below = self._below(name)
        for one in self.records:
            if one.action.startswith("list"):
                if isinstance(one.said, Page):
                    then = self._listed(one, one.said, name)
                    if then is not None:
                        yield Step(str(one), one.began, one.ended, then, changes=False)
            elif one.name == name:
                then, changes = self._then(one)
                made = self._made(one)
                yield Step(str(one), one.began, one.ended, then, changes, made, frozenset(below.get(made, ())))

    def _made(self, one: Record) -> str:
        """The version that this call made, as far as anybody knows."""
        if one.action == "upload" and not isinstance(one.said, Said):
            return one.digests[0]
        return register.MARKER + one.said if one.action == "hide" and isinstance(one.said, str) else ""

    def _below(self, name: str) -> dict[str, set[str]]:
        """The versions that lists have shown below each one: they came before it, since every new one comes on top."""
        below: defaultdict[str, set[str]] = defaultdict(set)
        for one in self.records:
            if one.action == "list versions" and isinstance(one.said, Page):
                rows = [self.version(seen) for listed, seen in one.said.rows if listed == name]
                for upper, lower in itertools.pairwise(rows):
                    below[upper].add(lower)
        return below

    def _then(self, one: Record) -> tuple[Then, bool]:
        """What follows when this was answered so, and whether that can be a change."""
        match one.action:
            case "upload":
                return self._of_upload(one)
            case "hide":
                return self._of_hide(one)
            case "delete":
                return self._of_delete(one)
            case "read":
                return self._of_read(one), False
            case "read version":
                return self._of_read_version(one), False
        raise AssertionError(one.action)

    def _of_upload(self, one: Record) -> tuple[Then, bool]:
        wanted = None if one.asked in {None, "*"} else self._by_digest[one.asked or ""]
        if one.said is Said.CONDITION_FAILED:
            return (register.seen_something() if one.asked == "*" else register.seen_differing(wanted or "")), False
        if one.said is Said.NOT_VISIBLE:
            return register.seen(None), False
        return register.uploaded(one.digests[0], if_none_match=one.asked == "*", if_match=wanted), True

    def _of_hide(self, one: Record) -> tuple[Then, bool]:
        native = one.face == "native"
        match one.said:
            case Said.HIDDEN_ALREADY:
                return register.seen_hidden(), False
            case Said.NOT_VISIBLE:
                return register.seen_without_versions(), False
            case str():
                return register.hidden([register.MARKER + one.said], only_visible=native), True
        strange = sorted(self._markers_of[one.name] - self._acknowledged_markers)
        candidates = [register.MARKER + marker for marker in strange]
        return register.hidden([f"{UNSEEN} {one.began}", *candidates], only_visible=native), True

    def _of_delete(self, one: Record) -> tuple[Then, bool]:
        version = self.version(one.asked or "")
        if one.said is Said.GONE:
            return register.missing(version), False
        return register.deleted(version, was_there=one.face == "native" or one.said is Said.MARKER), True

    def _of_read(self, one: Record) -> Then:
        match one.said:
            case Said.NOT_VISIBLE:
                return register.seen(None)
            case Said.NO_VERSIONS:
                return register.seen_without_versions()
            case Seen() if one.said.is_marker:
                return register.seen_hidden_by(self.version(one.said))
            case Seen():
                return register.seen(self.version(one.said))
        return register.anything()

    def _of_read_version(self, one: Record) -> Then:
        version = self.version(one.asked or "")
        match one.said:
            case Said.GONE:
                return register.missing(version)
            case Said.MARKER | Seen():
                return register.found(version)
        return register.anything()

    def _listed(self, one: Record, page: Page, name: str) -> Then | None:
        """What a page says of a name, or None where it says nothing."""
        rows = [seen for listed, seen in page.rows if listed == name]
        inside = page.start_id is not None and page.start == name
        if one.action == "list names":
            return register.seen(self.version(rows[0]) if rows else None) if page.covers(name) else None
        if not rows and (inside or page.ends_inside == name or not page.covers(name)):
            return None
        return register.listed(
            [self.version(row) for row in rows],
            from_top=not inside,
            to_end=page.ends_inside != name,
            latest=[row.is_latest for row in rows if row.is_latest is not None],
        )


def rows_of(one: Record) -> Iterator[tuple[str, Seen]]:
    """Every version that an answer shows, with its name."""
    if isinstance(one.said, Page):
        yield from one.said.rows
    elif isinstance(one.said, Seen):
        yield one.name, one.said
