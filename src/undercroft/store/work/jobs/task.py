"""The contract of the kinds of jobs: how each looks at a bucket, and what it does to a version.

All but snapshots are tasks. A task walks over the versions of its bucket in their order. It looks at a page of them in a read transaction, and finds what is to
be done; that is done in small transactions, in which everything is judged again, since others write meanwhile. Whoever only
wants to know what a job would do adds up what is found.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

from undercroft import limits
from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.versions import FIRST, VersionRow
from undercroft.store.files.service import Files
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket
from undercroft.store.operations import Operation
from undercroft.store.work.jobs.model import Place, Tally, What
from undercroft.store.work.weights import weight_of


class Facts(NamedTuple):
    """What a job knows of itself: when it began, and in whose name it acts."""

    began_ms: int
    principal: Principal
    clock: Callable[[], int]  # Milliseconds since the epoch.


class Draft(NamedTuple):
    """What a step may need and a transaction cannot make: a handle for a clone, and a hide marker."""

    handle: int
    marker: VersionRow


class Step(NamedTuple):
    """Something to be done about a version. `expected` is what it comes to, unless something changes meanwhile."""

    row: VersionRow
    after: Place  # Where the walk goes on once this is done.
    expected: Tally
    weight: int
    wanted: VersionRow | None = None  # What its name is to have, for kinds that ask.
    draft: Draft | None = None  # Given to it before it is done.


class Sight(NamedTuple):
    """What a look at a page found. `tally` counts what needs no step. `place` is where the walk goes on, None: it is over."""

    steps: list[Step]
    tally: Tally
    place: Place | None


class Outcome(NamedTuple):
    """What a step came to, and what is to be said of which versions."""

    tally: Tally
    remarks: tuple[tuple[What, VersionRow], ...] = ()


NOTHING = Outcome(Tally())


class Order(ABC):
    """What a job of some kind was asked to do, and what that takes."""

    needs: tuple[Operation, ...]  # What its principal must be allowed to do, at every step.
    prefix: str

    @abstractmethod
    async def check(self, rows: Rows, bucket: Bucket) -> None:
        """Raise `InvalidRequest`, `NoSuchBucket` or `Unauthorized` unless this may be asked of the bucket."""


class Task(Order):
    """A job that walks. It knows nothing of rows of jobs: it looks, and does one step."""

    grows: bool  # Whether it stores something new, which a full disk or a cap refuses.

    @abstractmethod
    async def look(self, rows: Rows, bucket: Bucket, place: Place) -> Sight:
        """What is to be done about the next page of versions."""

    @abstractmethod
    async def act(self, tx: Transaction, bucket: Bucket, step: Step) -> Outcome:
        """Do what is still to be done of a step. The same step done twice comes to nothing the second time."""


def start_of(prefix: str) -> Place:
    """Where a walk over the names with a prefix begins."""
    return prefix.encode(), FIRST, FIRST


def behind(name: bytes) -> Place:
    """The place behind all versions of a name."""
    return name + b"\x00", FIRST, FIRST


def weight_of_clone(row: VersionRow) -> int:
    """About how much a transaction writes that clones a version: what lives in its row is written again."""
    inline = row.size // limits.JOB_INLINE_UNIT_BYTES if row.size <= limits.INLINE_MAX_BYTES else 0
    return weight_of(row) + inline


def drafted(files: Files, bucket: Bucket, step: Step) -> Step:
    """The step with what its transaction may need."""
    marker = files.new_hide_marker(bucket, step.row.name.decode())
    return step._replace(draft=Draft(files.new_handle(), marker))
