"""Jobs in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from undercroft.console.languages import N_, _, in_order
from undercroft.console.templates import count, size
from undercroft.store.work.jobs.model import Empty, Job, Rewind, Snapshot, State, Tally, Transfer, What

STATES = {
    State.RUNNING: (N_("Running"), "accent"),
    State.PAUSED: (N_("Paused"), "warn"),
    State.DONE: (N_("Done"), "good"),
    State.FAILED: (N_("Failed"), "bad"),
    State.CANCELED: (N_("Canceled"), "plain"),
}
REMARKS = {
    What.LOCKED: N_("Locked, so it stays"),
    What.EXISTS: N_("The target has a file of this name"),
    What.INSIDE: N_("It would come to lie in the folder that files are taken from"),
    What.NOT_ENCRYPTED: N_("It is not encrypted, as the target bucket wants its files to be"),
    What.NAME: N_("Its new name would not be allowed"),
    What.NOT_PURGED: N_("Hidden, not removed: there are too many versions"),
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
            return _("Empty %(place)s", place=place)
        case Rewind(to_ms=to_ms):
            return _("Restore %(place)s to %(moment)s", place=place, moment=exactly(to_ms))
        case Transfer() as asked:
            target = bucket_names.get(asked.target_bucket_id, asked.target_bucket_id)
            text = N_("Move %(place)s to %(target)s") if asked.is_move else N_("Copy %(place)s to %(target)s")
            return _(text, place=place, target=f"{target}/{asked.target_prefix}")
        case Snapshot():
            return _("Snapshot of %(place)s", place=place)


def exactly(at_ms: int) -> str:
    """A moment in UTC, to the second."""
    return in_order(f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC")


def did(tally: Tally) -> list[str]:
    """What a job did, a phrase a count that is not 0."""
    phrases = (
        (
            tally.copied,
            _(
                "copied %(files)s (%(size)s, no bytes moved)",
                files=count(tally.copied, "file"),
                size=size(tally.copied_bytes),
            ),
        ),
        (
            tally.packed,
            _("put %(files)s into a zip (%(size)s)", files=count(tally.packed, "file"), size=size(tally.packed_bytes)),
        ),
        (tally.hidden, _("hid %(files)s", files=count(tally.hidden, "file"))),
        (
            tally.deleted,
            _(
                "removed %(versions)s (%(size)s)",
                versions=count(tally.deleted, "version"),
                size=size(tally.deleted_bytes),
            ),
        ),
        (
            tally.hide_markers_deleted,
            _("removed %(markers)s", markers=count(tally.hide_markers_deleted, "hide marker")),
        ),
        (tally.canceled, _("canceled %(files)s", files=count(tally.canceled, "unfinished large file"))),
        (tally.locked, _("left %(versions)s", versions=count(tally.locked, "locked version"))),
        (tally.newer, _("left %(versions)s that came later", versions=count(tally.newer, "version"))),
        (tally.skipped, _("skipped %(files)s", files=count(tally.skipped, "file"))),
    )
    return [phrase for number, phrase in phrases if number]
