"""What a bucket's lifecycle rules ask for, as a pure walk over its versions (B2 Native API reference, section 13.5).

Ages count from when a version really came (`received_ms`), never from the time that orders it: a file that is uploaded
with a timestamp of 2011 is as new as any other. A version becomes hidden when a newer one of its name comes, or is hidden
from the first where one was there; a hide marker goes when nothing older is left under it, not even an unfinished large
file that would come to lie there.

Every judgement is made twice: here, over a page of versions, which is how a run finds what is due and all that a dry run
does, and by `still_due` in the transaction that acts on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from undercroft import limits
from undercroft.catalog import versions
from undercroft.catalog.contract import Rows
from undercroft.catalog.versions import FIRST, VersionRow
from undercroft.store.errors import VersionLocked
from undercroft.store.files.lock_rules import check_removable
from undercroft.store.model import Document

DAY_MS = 86_400_000
Place = tuple[bytes, int, int]  # In the order of a bucket's versions: name, inverted time, inverted sequence.


class Rule(NamedTuple):
    """One rule for the names in [start, end). Days that are None ask for nothing."""

    start: bytes
    end: bytes
    hide_days: int | None
    delete_days: int | None
    cancel_days: int | None


def rules_of(documents: Sequence[Document]) -> list[Rule]:
    """A bucket's rules in the order of their names, which do not overlap."""
    rules = []
    for document in documents:
        prefix = document["fileNamePrefix"].encode()
        rules.append(
            Rule(
                prefix,
                versions.prefix_end(prefix),
                document.get("daysFromUploadingToHiding"),
                document.get("daysFromHidingToDeleting"),
                document.get("daysFromStartingToCancelingUnfinishedLargeFiles"),
            )
        )
    return sorted(rules)


def rule_at(rules: Sequence[Rule], place: Place) -> tuple[Rule, Place] | None:
    """The rule that a walk from this place on meets first, and where its names begin or go on."""
    for rule in rules:
        if place[0] < rule.end:
            return rule, max(place, (rule.start, FIRST, FIRST))
    return None


class Deed(Enum):
    """What a rule does to a version."""

    HIDE = "hide"
    DELETE = "delete"
    DELETE_MARKER = "deleteHideMarker"
    CANCEL = "cancel"


class Due(NamedTuple):
    """A version, what is due to it, and where a walk goes on that has done this."""

    deed: Deed
    row: VersionRow
    after: Place


class NameSoFar(NamedTuple):
    """What a walk knows of a name in whose versions it stands."""

    name: bytes
    newest: VersionRow | None = None  # The newest finished one.
    superseded: bool = False  # One of those passed came so long ago that whatever it hid may be deleted.
    left_under: bool = False  # Something older than the newest stays.


class Judge:
    """Walks over the versions of one rule's names, in order, and says what is due at `now_ms`."""

    def __init__(self, rule: Rule, place: Place, so_far: NameSoFar | None, now_ms: int) -> None:
        """`so_far` is what is known of the name in whose versions `place` lies, None where a name begins there."""
        self._rule = rule
        self._now_ms = now_ms
        self._after = place
        self.so_far = so_far
        self.due: list[Due] = []
        self.locked = 0  # Versions that would have been deleted.

    def look_at(self, row: VersionRow) -> None:
        """Judge the next version."""
        so_far = self.so_far
        if so_far is None or so_far.name != row.name:
            self.end_name()
            so_far = NameSoFar(row.name)
        self._after = row.place_after
        if row.action == versions.START:
            self.so_far = self._unfinished(so_far, row)
        elif so_far.newest is None:
            self.so_far = self._newest(so_far, row)
        else:
            self.so_far = self._older(so_far, row)

    def end_name(self) -> None:
        """There are no more versions of this name."""
        so_far, self.so_far = self.so_far, None
        if so_far is None or so_far.newest is None or so_far.left_under:
            return
        if so_far.newest.action == versions.HIDE and clears_markers(self._rule):
            self._note(Deed.DELETE_MARKER, so_far.newest)

    def _note(self, deed: Deed, row: VersionRow) -> None:
        self.due.append(Due(deed, row, self._after))

    def _unfinished(self, so_far: NameSoFar, row: VersionRow) -> NameSoFar:
        if is_old(row, self._rule.cancel_days, self._now_ms):
            self._note(Deed.CANCEL, row)
            return so_far
        return so_far._replace(left_under=so_far.newest is not None)

    def _newest(self, so_far: NameSoFar, row: VersionRow) -> NameSoFar:
        if row.action == versions.UPLOAD and is_old(row, self._rule.hide_days, self._now_ms):
            self._note(Deed.HIDE, row)
        return so_far._replace(newest=row, superseded=is_old(row, self._rule.delete_days, self._now_ms))

    def _older(self, so_far: NameSoFar, row: VersionRow) -> NameSoFar:
        if not is_old(row, self._rule.delete_days, self._now_ms):
            return so_far._replace(left_under=True)
        if not so_far.superseded:
            return so_far._replace(superseded=True, left_under=True)
        if is_locked(row, self._now_ms):
            self.locked += 1
            return so_far._replace(left_under=True)
        self._note(Deed.DELETE, row)
        return so_far


async def name_so_far(rows: Rows, bucket_id: str, rule: Rule, place: Place, now_ms: int) -> NameSoFar | None:
    """What a walk would know that has come to this place, for one that begins there; None where a name begins."""
    name = place[0]
    newest = await versions.newest(rows, bucket_id, name)
    if newest is None or newest.place >= place:
        return NameSoFar(name)
    superseded = await _is_superseded(rows, bucket_id, place, rule, now_ms)
    left = await versions.first_between(rows, bucket_id, newest.place_after, place)
    return NameSoFar(name, newest, superseded, left is not None)


async def still_due(rows: Rows, rule: Rule, due: Due, now_ms: int) -> VersionRow | None:
    """The version as it is now, if what was due to it still is. Asked inside the transaction that does it."""
    bucket_id, name = due.row.bucket_id, due.row.name
    row = (await versions.by_handle(rows, bucket_id, due.row.handle)).version
    if row is None or row.name != name:
        return None
    match due.deed:
        case Deed.CANCEL:
            holds = row.action == versions.START and is_old(row, rule.cancel_days, now_ms)
        case Deed.HIDE:
            newest = await versions.newest(rows, bucket_id, name)
            holds = row == newest and row.action == versions.UPLOAD and is_old(row, rule.hide_days, now_ms)
        case Deed.DELETE:
            holds = (
                row.action != versions.START
                and is_old(row, rule.delete_days, now_ms)
                and not is_locked(row, now_ms)
                and await _is_superseded(rows, bucket_id, row.place, rule, now_ms)
            )
        case _:  # A hide marker, over nothing.
            newest = await versions.newest(rows, bucket_id, name)
            end = (name, -FIRST, -FIRST)
            holds = (
                row == newest
                and row.action == versions.HIDE
                and clears_markers(rule)
                and await versions.first_between(rows, bucket_id, row.place_after, end) is None
            )
    return row if holds else None


async def _is_superseded(rows: Rows, bucket_id: str, place: Place, rule: Rule, now_ms: int) -> bool:
    if rule.delete_days is None:
        return False
    old_ms = now_ms - rule.delete_days * DAY_MS
    return await versions.is_superseded(rows, bucket_id, place, old_ms, limits.LIFECYCLE_NEWER_MAX)


def is_old(row: VersionRow, days: int | None, now_ms: int) -> bool:
    """Whether the version came so many days ago; never for None."""
    return days is not None and row.received_ms + days * DAY_MS <= now_ms


def clears_markers(rule: Rule) -> bool:
    """Whether the rule is about files at all, and so removes hide markers that hide nothing."""
    return rule.hide_days is not None or rule.delete_days is not None


def is_locked(row: VersionRow, now_ms: int) -> bool:
    """Whether retention or legal hold keeps the version (P7). The one place where a locked version is passed by."""
    try:
        check_removable(row, now_ms, bypass=False)
    except VersionLocked:
        return True
    return False
