"""Rewinding a bucket, or what lies under a prefix of it, to a moment.

What a name had then is what `files/moments.py` says. Where it has something else now, it gets a clone of that on top, or a hide
marker where it had nothing. Nothing is deleted, no byte is moved, and what is locked is not touched. A name that somebody has
written to after the job began is left as it is: the bucket ends up as if all of it had happened at that one moment.
"""

from __future__ import annotations

from enum import Enum

from undercroft import limits
from undercroft.catalog import versions
from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.versions import FIRST, VersionRow
from undercroft.store.errors import InvalidRequest
from undercroft.store.files.clones import clone_of, is_same_file
from undercroft.store.files.happenings import Happening
from undercroft.store.files.service import Files
from undercroft.store.model import Bucket
from undercroft.store.operations import Operation
from undercroft.store.work.jobs.model import Place, Rewind, Tally
from undercroft.store.work.jobs.task import (
    NOTHING,
    Facts,
    Outcome,
    Sight,
    Step,
    Task,
    behind,
    weight_of_clone,
)


class _Deed(Enum):
    """What a name needs."""

    NONE = 0
    CLONE = 1
    HIDE = 2
    LEAVE = 3  # It would need something, but somebody has written to it since.


class Rewinding(Task):
    """See `Rewind`."""

    needs = (Operation.WRITE_FILE, Operation.READ_FILE, Operation.LIST_FILES)
    grows = True

    def __init__(self, files: Files, asked: Rewind, facts: Facts) -> None:
        """Raises `InvalidRequest` for a moment that had not come when the job began."""
        if not 0 <= asked.to_ms <= facts.began_ms:
            raise InvalidRequest("The moment must not lie in the future.", "to")
        self._files = files
        self._to_ms = asked.to_ms
        self._began_ms = facts.began_ms
        self.prefix = asked.prefix

    async def check(self, _rows: Rows, _bucket: Bucket) -> None:
        """Every bucket may be rewound."""

    async def look(self, rows: Rows, bucket: Bucket, place: Place) -> Sight:
        """See `Task`.

        A walk that stands in the middle of a name's versions has not met what the name had then: behind that it goes on with
        the next name.
        """
        end = versions.prefix_end(self.prefix.encode())
        found = await versions.every_from(rows, bucket.bucket_id, place, end, limits.JOB_PAGE, unfinished=False)
        steps: list[Step] = []
        tally = Tally(looked_at=len(found))
        newest = None if place[1:] == (FIRST, FIRST) else await versions.newest(rows, bucket.bucket_id, place[0])
        is_settled = False
        for row in found:
            if newest is None or row.name != newest.name:
                if newest is not None and not is_settled:
                    await self._find(rows, newest, None, steps, tally)
                newest, is_settled = row, False
            if not is_settled and row.received_ms <= self._to_ms:
                is_settled = True
                await self._find(rows, newest, row, steps, tally)
        if len(found) < limits.JOB_PAGE:
            if newest is not None and not is_settled:
                await self._find(rows, newest, None, steps, tally)
            return Sight(steps, tally, None)
        last = found[-1]
        return Sight(steps, tally, behind(last.name) if is_settled else last.place_after)

    async def _find(
        self, rows: Rows, newest: VersionRow, wanted: VersionRow | None, steps: list[Step], tally: Tally
    ) -> None:
        """Add the step that a name needs, if it does."""
        after = behind(newest.name)
        match await self._judge(rows, newest, wanted):
            case _Deed.CLONE:
                assert wanted is not None
                steps.append(Step(newest, after, _cloned(wanted), weight_of_clone(wanted), wanted))
            case _Deed.HIDE:
                steps.append(Step(newest, after, Tally(hidden=1), 1, wanted))
            case _Deed.LEAVE:
                tally.newer += 1
            case _Deed.NONE:
                pass

    async def _judge(self, rows: Rows, newest: VersionRow, wanted: VersionRow | None) -> _Deed:
        """What a name needs that has the one and is to have the other, which is None where it had no version yet."""
        if wanted is None or wanted.action == versions.HIDE:
            deed = _Deed.HIDE if newest.action == versions.UPLOAD else _Deed.NONE
        elif newest == wanted or (newest.action == versions.UPLOAD and await is_same_file(rows, newest, wanted)):
            deed = _Deed.NONE
        else:
            deed = _Deed.CLONE
        return _Deed.LEAVE if deed is not _Deed.NONE and newest.received_ms > self._began_ms else deed

    async def act(self, tx: Transaction, bucket: Bucket, step: Step) -> Outcome:
        """See `Task`. What is wanted may be gone by now; then what it had covered is."""
        name, wanted, draft = step.row.name, step.wanted, step.draft
        assert draft is not None
        await tx.lock_name(bucket.bucket_id, name)
        newest = await versions.newest(tx, bucket.bucket_id, name)
        if newest is None:
            return NOTHING
        if wanted is not None:  # Where there was none, none has come: what comes is received later.
            wanted = await versions.newest_at(tx, bucket.bucket_id, wanted.place, self._to_ms)
        match await self._judge(tx, newest, wanted):
            case _Deed.CLONE:
                assert wanted is not None
                clone = clone_of(wanted, bucket.bucket_id, name, draft.handle, draft.marker.born_ms)
                await self._files.clone_in(tx, bucket, wanted, clone, newest)
                return Outcome(_cloned(wanted))
            case _Deed.HIDE:
                await self._files.hide_in(tx, bucket, draft.marker, newest, Happening.HIDE)
                return Outcome(Tally(hidden=1))
            case _Deed.LEAVE:
                return Outcome(Tally(newer=1))
            case _Deed.NONE:
                return NOTHING


def _cloned(row: VersionRow) -> Tally:
    return Tally(copied=1, copied_bytes=row.size)
