"""Jobs in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from undercroft.console.templates import count, size
from undercroft.store.work.jobs.model import Empty, Job, Rewind, Snapshot, State, Tally, Transfer, What

STATES = {
    State.RUNNING: ("Running", "accent"),
    State.PAUSED: ("Paused", "warn"),
    State.DONE: ("Done", "good"),
    State.FAILED: ("Failed", "bad"),
    State.CANCELED: ("Canceled", "plain"),
}
REMARKS = {
    What.LOCKED: "Locked, so it stays",
    What.EXISTS: "The target has a file of this name",
    What.INSIDE: "It would come to lie in the folder that files are taken from",
    What.NOT_ENCRYPTED: "It is not encrypted, as the target bucket wants its files to be",
    What.NAME: "Its new name would not be allowed",
    What.NOT_PURGED: "Hidden, not removed: there are too many versions",
}


class Shown(NamedTuple):
    """A job as pages show it."""

    job: Job
    title: str
    bucket_name: str
    state: str
    badge: str
    did: list[str]


def shown(job: Job, bucket_names: Mapping[str, str]) -> Shown:
    """A job with its words; the names of buckets are by their ids."""
    bucket_name = bucket_names.get(job.bucket_id, job.bucket_id)
    state, badge = STATES[job.state]
    return Shown(job, _title(job, bucket_name, bucket_names), bucket_name, state, badge, did(job.tally))


def _title(job: Job, bucket_name: str, bucket_names: Mapping[str, str]) -> str:
    place = f"{bucket_name}/{job.parameters.prefix}" if job.parameters.prefix else bucket_name
    match job.parameters:
        case Empty():
            return f"Empty {place}"
        case Rewind(to_ms=to_ms):
            return f"Restore {place} to {exactly(to_ms)}"
        case Transfer() as asked:
            target = bucket_names.get(asked.target_bucket_id, asked.target_bucket_id)
            return f"{'Move' if asked.is_move else 'Copy'} {place} to {target}/{asked.target_prefix}"
        case Snapshot():
            return f"Snapshot of {place}"


def exactly(at_ms: int) -> str:
    """A moment in UTC, to the second."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def did(tally: Tally) -> list[str]:
    """What a job did, a phrase a count that is not 0."""
    phrases = (
        (tally.copied, f"copied {count(tally.copied, 'file')} ({size(tally.copied_bytes)}, no bytes moved)"),
        (tally.packed, f"put {count(tally.packed, 'file')} into a zip ({size(tally.packed_bytes)})"),
        (tally.hidden, f"hid {count(tally.hidden, 'file')}"),
        (tally.deleted, f"removed {count(tally.deleted, 'version')} ({size(tally.deleted_bytes)})"),
        (tally.hide_markers_deleted, f"removed {count(tally.hide_markers_deleted, 'hide marker')}"),
        (tally.canceled, f"canceled {count(tally.canceled, 'unfinished large file')}"),
        (tally.locked, f"left {count(tally.locked, 'locked version')}"),
        (tally.newer, f"left {count(tally.newer, 'version')} that came later"),
        (tally.skipped, f"skipped {count(tally.skipped, 'file')}"),
    )
    return [phrase for number, phrase in phrases if number]
