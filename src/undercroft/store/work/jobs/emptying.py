"""Emptying a bucket, or what lies under a prefix of it.

Versions, hide markers and unfinished large files that had come when the job began are removed. What came later stays, so that
nobody's new file goes by an order that was given before it was there. What is locked stays, and is listed (P7).
"""

from __future__ import annotations

from undercroft import limits
from undercroft.catalog import versions
from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.versions import VersionRow
from undercroft.store.files.happenings import Happening
from undercroft.store.files.service import Files
from undercroft.store.model import Bucket
from undercroft.store.operations import Operation
from undercroft.store.work.expiry import is_locked
from undercroft.store.work.jobs.model import Empty, Place, Tally, What
from undercroft.store.work.jobs.task import NOTHING, Facts, Outcome, Sight, Step, Task
from undercroft.store.work.weights import weight_of


class Emptying(Task):
    """See `Empty`."""

    needs = (Operation.DELETE_FILE, Operation.LIST_FILES)
    grows = False

    def __init__(self, files: Files, asked: Empty, facts: Facts) -> None:
        self._files = files
        self._began_ms = facts.began_ms
        self._clock = facts.clock
        self.prefix = asked.prefix

    async def check(self, _rows: Rows, _bucket: Bucket) -> None:
        """Every bucket may be emptied."""

    async def look(self, rows: Rows, bucket: Bucket, place: Place) -> Sight:
        """See `Task`."""
        end = versions.prefix_end(self.prefix.encode())
        found = await versions.every_from(rows, bucket.bucket_id, place, end, limits.JOB_PAGE, unfinished=True)
        tally = Tally(looked_at=len(found))
        now_ms = self._clock()
        steps = []
        for row in found:
            if row.received_ms > self._began_ms:
                tally.newer += 1
            elif is_locked(row, now_ms):
                steps.append(Step(row, row.place_after, Tally(locked=1), 1))
            else:
                steps.append(Step(row, row.place_after, removed(row), weight_of(row)))
        return Sight(steps, tally, found[-1].place_after if len(found) == limits.JOB_PAGE else None)

    async def act(self, tx: Transaction, bucket: Bucket, step: Step) -> Outcome:
        """See `Task`."""
        await tx.lock_name(bucket.bucket_id, step.row.name)
        row = (await versions.by_handle(tx, bucket.bucket_id, step.row.handle)).version
        if row is None:
            return NOTHING
        if row.received_ms > self._began_ms:  # A large file that was finished meanwhile.
            return Outcome(Tally(newer=1))
        if is_locked(row, self._clock()):
            return Outcome(Tally(locked=1), ((What.LOCKED, row),))
        await self._files.remove_in(tx, bucket, row, Happening.DELETE)
        return Outcome(removed(row))


def removed(row: VersionRow) -> Tally:
    """What the removal of a version counts as."""
    match row.action:
        case versions.START:
            return Tally(canceled=1)
        case versions.HIDE:
            return Tally(hide_markers_deleted=1)
        case _:
            return Tally(deleted=1, deleted_bytes=row.size)
