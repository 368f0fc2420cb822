"""What clients write down of their requests, in words that are the same for both faces.

Times are of the machine's one monotonic clock, which all its processes share.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from model.histories.linearizability import NEVER


class Said(Enum):
    """An answer that is a word."""

    DONE = "done"  # As asked; of a delete in S3's words, which do not tell whether the version was there.
    CONDITION_FAILED = "condition failed"
    HIDDEN_ALREADY = "hidden already"
    NOT_VISIBLE = "not visible"  # No file of this name, for whatever reason.
    NO_VERSIONS = "no versions"  # No file of this name, and no hide marker on top either.
    GONE = "no such version"
    MARKER = "a hide marker"


class Seen(NamedTuple):
    """A version as an answer shows it: by its id, or the digest of its bytes, or both. Markers have no digest."""

    file_id: str | None
    digest: str | None
    is_marker: bool = False
    is_latest: bool | None = None


class Page(NamedTuple):
    """One page of a list: it covers the names from `start` on, up to but not including `end` (None: all that follow).

    `start_id` is set where a list of versions went on inside the name `start`, and `ends_inside` where it stopped
    inside one.
    """

    listing: str  # The same for all pages of one list.
    start: str
    start_id: str | None
    end: str | None
    ends_inside: str | None
    rows: tuple[tuple[str, Seen], ...]

    def covers(self, name: str) -> bool:
        """Whether the name's first version, if it had one, would be on this page."""
        return self.start <= name and (self.end is None or name < self.end)


class Record(NamedTuple):
    """One request. `action` is one of upload, hide, delete, read, read version, list names, list versions.

    `asked` is the condition of an upload (`*` for If-None-Match, or the digest that If-Match gave), or a file id;
    `digests` are those of an upload's bytes. `said` is None where no answer came, and `ended` is then `NEVER`.
    """

    action: str
    face: str
    name: str
    began: float
    ended: float
    worker: int
    asked: str | None = None
    digests: tuple[str, ...] = ()
    said: Said | Seen | Page | str | None = None  # A text is the id of the version that was made.

    @property
    def is_answered(self) -> bool:
        """Whether an answer came."""
        return self.ended != NEVER

    def __str__(self) -> str:
        asked = "" if self.asked is None else f" asking {self.asked[-40:]}"
        return f"{self.face} {self.action} {self.name}{asked} on {self.worker}: {_short(self.said)}"


def _short(said: object) -> str:
    """An answer without the parts of file ids that are always the same."""
    match said:
        case Seen():
            return f"{said.file_id and said.file_id[29:49]} {said.digest and said.digest[:8]}"
        case Page():
            return f"{len(said.rows)} rows from {said.start!r} to {said.end!r}"
        case Said():
            return said.value
    return str(said)[29:49]
