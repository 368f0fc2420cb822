"""How much there is under some names: counted version by version, and added up over the steps of a count."""

from __future__ import annotations

import msgspec

from undercroft import limits
from undercroft.catalog import versions
from undercroft.catalog.versions import VersionRow
from undercroft.store.files.lock_rules import is_locked, is_retained


class Locked(msgspec.Struct, frozen=True):
    """A version that cannot be deleted: its name, until when (None: no retention keeps it), and whether a legal hold does."""

    name: str
    until_ms: int | None
    is_held: bool


class Contents(msgspec.Struct, frozen=True):
    """How much there is under some names, as far as it was looked at; `following` is the next name, None: that is all.

    `names` are those with a finished version, `versions` all finished ones, hide markers among them. `retained` is how many
    of these retention keeps, the last until `retained_until_ms`, and `held` how many a legal hold does; both may keep one.
    `locked_first` has the first of the `locked` ones, up to `limits.LOCKED_NAMED`.
    """

    names: int = 0
    visible: int = 0
    visible_bytes: int = 0
    versions: int = 0
    version_bytes: int = 0
    unfinished: int = 0
    retained: int = 0
    retained_until_ms: int = 0
    held: int = 0
    locked: int = 0
    locked_first: list[Locked] = []
    following: str | None = None

    def plus(self, more: Contents) -> Contents:
        """Both together; the place to go on is that of `more`."""
        sums = {name: getattr(self, name) + getattr(more, name) for name in _SUMMED}
        until_ms = max(self.retained_until_ms, more.retained_until_ms)
        locked = [*self.locked_first, *more.locked_first][: limits.LOCKED_NAMED]
        return Contents(**sums, retained_until_ms=until_ms, locked_first=locked, following=more.following)


_SUMMED = tuple(
    name for name in Contents.__struct_fields__ if name not in {"retained_until_ms", "locked_first", "following"}
)


class Tally:
    """Counts versions, which come in their order."""

    def __init__(self, now_ms: int) -> None:
        self.looked_at = 0
        self.name: bytes | None = None  # Of the last version.
        self._now_ms = now_ms
        self._finished_name: bytes | None = None  # The last one that had a finished version.
        self._counts = dict.fromkeys(_SUMMED, 0)
        self._retained_until_ms = 0
        self._locked: list[Locked] = []

    def add(self, row: VersionRow) -> None:
        """Count one more."""
        counts = self._counts
        self.looked_at += 1
        self.name = row.name
        if row.action == versions.START:
            counts["unfinished"] += 1
            return
        if row.name != self._finished_name:
            self._finished_name = row.name
            counts["names"] += 1
            if row.action == versions.UPLOAD:
                counts["visible"] += 1
                counts["visible_bytes"] += row.size
        counts["versions"] += 1
        counts["version_bytes"] += row.size
        if row.legal_hold:
            counts["held"] += 1
        if is_locked(row, self._now_ms):
            counts["locked"] += 1
            until_ms = None
            if is_retained(row, self._now_ms):
                counts["retained"] += 1
                until_ms = row.retain_until_ms or limits.RETAIN_UNTIL_MAX_MS
                self._retained_until_ms = max(self._retained_until_ms, until_ms)
            if len(self._locked) < limits.LOCKED_NAMED:
                self._locked.append(Locked(row.name.decode(), until_ms, bool(row.legal_hold)))

    def contents(self, following: str | None) -> Contents:
        """What was counted."""
        return Contents(
            **self._counts,
            retained_until_ms=self._retained_until_ms,
            locked_first=self._locked,
            following=following,
        )
