"""What there is to know of a job: what it was asked to do, how far it has come, and what it did."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import msgspec

from undercroft.catalog import jobs
from undercroft.catalog.jobs import JobRow

Place = tuple[bytes, int, int]


class State(Enum):
    """What a job is doing. The last three are for good."""

    RUNNING = jobs.RUNNING
    PAUSED = jobs.PAUSED
    DONE = jobs.DONE
    FAILED = jobs.FAILED
    CANCELED = jobs.CANCELED

    @property
    def is_ended(self) -> bool:
        """Whether nothing happens any more."""
        return self not in (State.RUNNING, State.PAUSED)


class Empty(msgspec.Struct, frozen=True, rename="camel", tag="empty", tag_field="kind"):
    """Remove everything under a prefix that had come when the job was made: versions, hide markers, unfinished large files."""

    prefix: str = ""


class Rewind(msgspec.Struct, frozen=True, rename="camel", tag="rewind", tag_field="kind"):
    """Let the names under a prefix look as they did at a moment, by clones and hide markers. Nothing is deleted."""

    to_ms: int
    prefix: str = ""


class Transfer(msgspec.Struct, frozen=True, rename="camel", tag="transfer", tag_field="kind"):
    """Copy or move the files under a prefix to another one, of the same bucket or of another of the account.

    `existing` says what happens where the target has a file of the name: `skip` leaves both as they are, `overwrite` adds a
    version. A move hides the source; with `is_purged` it removes all its versions instead, but for those that are locked.
    """

    prefix: str
    target_bucket_id: str
    target_prefix: str
    is_move: bool = False
    is_purged: bool = False
    existing: Literal["skip", "overwrite"] = "skip"


class Snapshot(msgspec.Struct, frozen=True, rename="camel", tag="snapshot", tag_field="kind"):
    """Keep a zip of files and folders, of those of these names that are visible while it is made; "" is the whole bucket.

    The paths in the zip begin below `prefix`, which all names are in. It is kept for so many days, None: until it is deleted.
    """

    prefix: str
    names: tuple[str, ...]
    valid_days: int | None = None


Walk = Empty | Rewind | Transfer
Parameters = Walk | Snapshot


class Tally(msgspec.Struct, omit_defaults=True, rename="camel"):
    """What a job did, or would do, in versions. Which of the counts can be other than 0 depends on its kind.

    `locked` are versions that would have gone but for their lock, `newer` what came after the job had begun and was left alone,
    `skipped` what had to stay as it is, or out of a snapshot, for another reason. `copied_bytes` and `deleted_bytes` are what the
    versions hold, whether others share the bytes or not.
    """

    looked_at: int = 0
    copied: int = 0
    copied_bytes: int = 0
    packed: int = 0
    packed_bytes: int = 0
    hidden: int = 0
    deleted: int = 0
    deleted_bytes: int = 0
    hide_markers_deleted: int = 0
    canceled: int = 0
    locked: int = 0
    newer: int = 0
    skipped: int = 0

    def add(self, other: Tally) -> None:
        """Add the counts of the other."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def minus(self, other: Tally) -> Tally:
        """By how much the counts are above those of the other."""
        return Tally(**{name: getattr(self, name) - getattr(other, name) for name in self.__struct_fields__})

    @property
    def changes(self) -> int:
        """How many versions were made or removed."""
        return self.copied + self.hidden + self.deleted + self.hide_markers_deleted + self.canceled


class What(Enum):
    """What a remark says of a version."""

    LOCKED = "locked"  # It stays, since retention or legal hold keep it.
    EXISTS = "exists"  # It was not copied, since the target has a file of its name.
    INSIDE = "inside"  # It was not moved, since it would have come to lie where the job takes things from.
    NOT_ENCRYPTED = "notEncrypted"  # It was not copied, since the target's bucket wants its files encrypted.
    NAME = "name"  # It was not copied, since its new name would not be allowed.
    NOT_PURGED = "notPurged"  # It was hidden but not removed, since there are too many versions of its name.


class Remark(msgspec.Struct, frozen=True):
    """What a job has to say of one version."""

    number: int
    what: What
    name: str
    file_id: str


class Job(msgspec.Struct, frozen=True):
    """A job. Times are milliseconds since the epoch. `reason` says why it is paused or has failed, where that was not asked for.

    `total` is about how many versions it has to look at, None where nobody knows.
    """

    job_id: str
    account_id: str
    bucket_id: str
    parameters: Parameters
    state: State
    reason: str | None
    tally: Tally
    total: int | None
    created_ms: int
    updated_ms: int
    ended_ms: int | None

    @property
    def kind(self) -> str:
        """The name of its kind."""
        return str(self.parameters.__struct_config__.tag)

    @property
    def progress(self) -> float | None:
        """How much of it is done, from 0 to 1, where that is known."""
        if self.state is State.DONE:
            return 1.0
        return None if not self.total else min(self.tally.looked_at / self.total, 1.0)


_parameters = msgspec.json.Decoder(Parameters)
_tally = msgspec.json.Decoder(Tally)
_place = msgspec.json.Decoder(Place)


def job_of(row: JobRow) -> Job:
    """The job of a catalog row."""
    return Job(
        job_id=row.job_id,
        account_id=row.account_id,
        bucket_id=row.bucket_id,
        parameters=parameters_of(row),
        state=State(row.state),
        reason=row.reason,
        tally=tally_of(row),
        total=row.total,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        ended_ms=row.ended_ms,
    )


def parameters_of(row: JobRow) -> Parameters:
    """What the job of a catalog row was asked to do."""
    parameters: Parameters = _parameters.decode(row.parameters)
    return parameters


def tally_of(row: JobRow) -> Tally:
    """What the job of a catalog row has done."""
    return _tally.decode(row.tally)


def place_of(row: JobRow) -> Place:
    """Where in the order of its bucket's versions the job of a catalog row goes on."""
    place: Place = _place.decode(row.place)
    return place


def text_of(value: Any) -> str:
    """A column of a catalog row that holds JSON."""
    return msgspec.json.encode(value).decode()
