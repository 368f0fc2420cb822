"""Lifecycle rules carried out: by the steward once a period over all buckets, and by the operator over one.

A run walks over the versions that rules speak of, page by page, each a short read transaction, and acts in small
transactions, in which everything is judged again: a version may have become the newest, been locked or gone meanwhile, and
the rules may be others. The same transactions note how far the run has come, so that it goes on there after a restart. A
process that finds the note moved by another leaves the run to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from undercroft import limits
from undercroft.catalog import buckets, lifecycle, versions
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.lifecycle import RunRow
from undercroft.catalog.versions import FIRST, VersionRow
from undercroft.store.ambient import Ambient
from undercroft.store.directory import bucket_of_row
from undercroft.store.files.base import version_of
from undercroft.store.files.happenings import Happening
from undercroft.store.files.service import Files
from undercroft.store.gate import Gate
from undercroft.store.model import Bucket, Document, FileVersion
from undercroft.store.work.expiry import (
    Deed,
    Due,
    Judge,
    NameSoFar,
    Place,
    Rule,
    name_so_far,
    rule_at,
    rules_of,
    still_due,
)
from undercroft.store.work.weights import in_parts, weight_of

Seen = Callable[[Deed, FileVersion], None]


class Schedule(msgspec.Struct, frozen=True):
    """When runs begin: every so many seconds, of which those that make up a day begin at this hour (UTC)."""

    every_s: int = 86_400
    hour: int = 0

    def period(self, now_ms: int) -> int:
        """The number of the period that this moment is in; each has one run."""
        return (now_ms - self.hour * 3_600_000) // (self.every_s * 1000)

    def next_ms(self, now_ms: int) -> int:
        """When the next period begins."""
        return (self.period(now_ms) + 1) * self.every_s * 1000 + self.hour * 3_600_000


DAILY = Schedule()


class Tally(msgspec.Struct):
    """What a pass over a bucket did, or would do, in versions. Those that are locked would go but for their lock.

    `deleted_bytes` counts what the deleted versions hold, whether other versions share the bytes or not.
    """

    looked_at: int = 0
    hidden: int = 0
    deleted: int = 0
    deleted_bytes: int = 0
    hide_markers_deleted: int = 0
    canceled: int = 0
    locked: int = 0

    def count(self, due: Due) -> None:
        """Count one deed."""
        match due.deed:
            case Deed.HIDE:
                self.hidden += 1
            case Deed.CANCEL:
                self.canceled += 1
            case Deed.DELETE_MARKER:
                self.hide_markers_deleted += 1
            case Deed.DELETE:
                self.deleted += 1
                self.deleted_bytes += due.row.size


class LastRun(NamedTuple):
    """When a run began and ended, in milliseconds since the epoch; None while it is under way."""

    began_ms: int
    ended_ms: int | None


class _Page(NamedTuple):
    """Some versions of a bucket, judged. `place` is where the walk goes on after them."""

    bucket: Bucket
    rule: Rule
    due: list[Due]
    looked_at: int
    locked: int
    place: Place
    so_far: NameSoFar | None


class _RulesChanged(Exception):
    """The bucket has other rules than those that were judged by, or is gone."""


class _Overtaken(Exception):
    """Another process has moved the run on."""


class Lifecycle:
    """Hides, deletes and cancels what the rules of buckets say."""

    def __init__(self, catalog: Catalog, gate: Gate, files: Files, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._files = files
        self._ambient = ambient

    async def run(self, schedule: Schedule = DAILY) -> bool:
        """Do a bounded part of this period's run, and of an older one that was not finished first.

        True where there may be more to do now. The very first run is that of the next period: until then nothing is touched.
        """
        now_ms = self._ambient.now_ms()
        period = schedule.period(now_ms)
        run = await lifecycle.find(self._catalog.rows)
        if run is None:
            await self._move(None, RunRow(period, now_ms, now_ms))
            return False
        if run.ended_ms is not None:
            begun = RunRow(period, now_ms, None)
            # A period that lies ahead is of a clock that was ahead, and holds up nothing.
            if run.period == period or not await self._move(run, begun):
                return False
            run = begun
        try:
            return await self._go_on(run, now_ms)
        except _Overtaken:
            return False

    async def apply(self, bucket: Bucket, *, dry_run: bool, seen: Seen | None = None) -> Tally:
        """Carry out the bucket's rules now, or with `dry_run` find out what that would do and change nothing.

        `seen` is told each deed, in the order of names, once it is done. Raises `Busy` and `StorageFull`; what was done
        until then stays, and another call goes on.
        """
        now_ms = self._ambient.now_ms()
        tally = Tally()
        place: Place = (b"", FIRST, FIRST)
        page = None
        while (page := await self._look(bucket.bucket_id, place, page, now_ms)) is not None:
            for part in _parts(page.due):
                try:
                    done = part if dry_run else await self._act(page, part, now_ms)
                except _RulesChanged:
                    page = None
                    break
                for due in done:
                    tally.count(due)
                    if seen is not None:
                        seen(due.deed, version_of(due.row, page.bucket, is_latest=due.deed is Deed.HIDE))
                place = part[-1].after
            if page is not None:
                place = page.place
                tally.looked_at += page.looked_at
                tally.locked += page.locked
        return tally

    async def simulate(self, bucket: Bucket, rules: Sequence[Document]) -> tuple[Tally, bool]:
        """What these rules would do to the bucket now, and whether the whole of it was looked at.

        It looks at about `LIFECYCLE_SIMULATED_MAX` versions and changes nothing.
        """
        now_ms = self._ambient.now_ms()
        tally = Tally()
        place: Place = (b"", FIRST, FIRST)
        page = None
        while (page := await self._look(bucket.bucket_id, place, page, now_ms, rules)) is not None:
            for due in page.due:
                tally.count(due)
            place = page.place
            tally.looked_at += page.looked_at
            tally.locked += page.locked
            if tally.looked_at >= limits.LIFECYCLE_SIMULATED_MAX:
                return tally, False
        return tally, True

    async def last_run(self) -> LastRun | None:
        """When the last run over all buckets began and ended; None before the first."""
        row = await lifecycle.find(self._catalog.rows)
        return None if row is None else LastRun(row.began_ms, row.ended_ms)

    async def _go_on(self, run: RunRow, now_ms: int) -> bool:
        """One turn. `saved` is what the catalog says of the run, and `at` what is true of it."""
        saved = at = run
        page: _Page | None = None
        for _ in range(limits.LIFECYCLE_TURN_PAGES):
            if page is None:
                bucket_id = await self._next_bucket(at.bucket_id)
                if bucket_id is None:
                    await self._move(saved, at._replace(ended_ms=now_ms))
                    return False
                if bucket_id != at.bucket_id:
                    at = _placed(at._replace(bucket_id=bucket_id), (b"", FIRST, FIRST))
            page = await self._look(at.bucket_id, at.place, page, now_ms)
            if page is None:
                at = at._replace(bucket_id=f"{at.bucket_id}0")  # Ids have one length: the least text after this one.
                continue
            try:
                for part in _parts(page.due):
                    saved = at = await self._act_in_run(page, part, now_ms, saved, at)
            except _RulesChanged:
                page = None
                continue
            at = _placed(at, page.place)
            at = at._replace(looked_at=at.looked_at + page.looked_at, locked=at.locked + page.locked)
            if _changes(at) - _changes(run) >= limits.LIFECYCLE_TURN_CHANGES:
                break
        return await self._move(saved, at)

    # -- Looking ------------------------------------------------------------------------------------------------------
    async def _next_bucket(self, start: str) -> str | None:
        return await self._catalog.scan(
            lambda rows: buckets.first_with_document(rows, "lifecycle", empty="[]", start=start)
        )

    async def _look(
        self,
        bucket_id: str,
        place: Place,
        before: _Page | None,
        now_ms: int,
        documents: Sequence[Document] | None = None,
    ) -> _Page | None:
        """The next page of a bucket from this place on; None where it has no more, or is gone.

        It is judged by the bucket's own rules, or by the `documents`.

        `before` is the page that ended at the place, where there is one: it knows of the name that goes on.
        """

        async def query(rows: Rows) -> _Page | None:
            row = await buckets.by_id(rows, bucket_id)
            if row is None:
                return None
            bucket = await bucket_of_row(rows, row)
            met = rule_at(rules_of(bucket.lifecycle_rules if documents is None else documents), place)
            if met is None:
                return None
            rule, start = met
            if before is not None and before.rule == rule:
                so_far = before.so_far
            elif start[1:] == (FIRST, FIRST):
                so_far = None
            else:
                so_far = await name_so_far(rows, bucket_id, rule, start, now_ms)
            judge = Judge(rule, start, so_far, now_ms)
            found = await versions.every_from(rows, bucket_id, start, rule.end, limits.LIFECYCLE_PAGE, unfinished=True)
            for version in found:
                judge.look_at(version)
            end: Place = (rule.end, FIRST, FIRST)
            if len(found) < limits.LIFECYCLE_PAGE:
                judge.end_name()
            else:
                end = found[-1].place_after
            return _Page(bucket, rule, judge.due, len(found), judge.locked, end, judge.so_far)

        return await self._catalog.scan(query)

    # -- Acting -------------------------------------------------------------------------------------------------------
    async def _act(self, page: _Page, part: Sequence[Due], now_ms: int) -> list[Due]:
        """Do in one transaction what is still due. Returns what was done. Raises `_RulesChanged`."""
        change = self._change(page, part, now_ms)
        return await self._gate.write(change)

    async def _act_in_run(self, page: _Page, part: Sequence[Due], now_ms: int, saved: RunRow, at: RunRow) -> RunRow:
        """As `_act`, and move the run on in the same transaction. Returns where it is. Raises `_Overtaken` too."""
        act = self._change(page, part, now_ms)

        async def change(tx: Transaction) -> RunRow:
            tally = Tally()
            for due in await act(tx):
                tally.count(due)
            after = _placed(at, part[-1].after)._replace(
                hidden=at.hidden + tally.hidden,
                deleted=at.deleted + tally.deleted + tally.hide_markers_deleted,
                canceled=at.canceled + tally.canceled,
            )
            if not await lifecycle.move(tx, saved, after):
                raise _Overtaken
            return after

        return await self._gate.write(change)

    def _change(self, page: _Page, part: Sequence[Due], now_ms: int) -> Callable[[Transaction], Awaitable[list[Due]]]:
        bucket = page.bucket
        markers = {
            due.row.handle: self._files.new_hide_marker(bucket, due.row.name.decode())
            for due in part
            if due.deed is Deed.HIDE
        }

        async def change(tx: Transaction) -> list[Due]:
            row = await buckets.by_id(tx, bucket.bucket_id)
            bucket_now = None if row is None else await bucket_of_row(tx, row)
            if bucket_now is None or bucket_now.lifecycle_rules != bucket.lifecycle_rules:
                raise _RulesChanged
            return [
                due
                for due in part
                if await self._do(tx, bucket_now, page.rule, due, now_ms, markers.get(due.row.handle))
            ]

        return change

    async def _do(
        self, tx: Transaction, bucket: Bucket, rule: Rule, due: Due, now_ms: int, marker: VersionRow | None
    ) -> bool:
        """Do one deed if it is still due; whether it was."""
        await tx.lock_name(due.row.bucket_id, due.row.name)
        row = await still_due(tx, rule, due, now_ms)
        if row is None:
            return False
        if marker is None:
            await self._files.remove_in(tx, bucket, row, Happening.LIFECYCLE_DELETE)
        else:
            await self._files.hide_in(tx, bucket, marker, row, Happening.LIFECYCLE_HIDE)
        return True

    async def _move(self, before: RunRow | None, after: RunRow) -> bool:
        return before == after or await self._gate.write(lambda tx: lifecycle.move(tx, before, after))


def _placed(run: RunRow, place: Place) -> RunRow:
    return run._replace(name=place[0], inverted_ms=place[1], inverted_seq=place[2])


def _changes(run: RunRow) -> int:
    return run.hidden + run.deleted + run.canceled


def _parts(due: Sequence[Due]) -> Iterator[Sequence[Due]]:
    """What is due, in parts that each make a small transaction."""
    return in_parts(due, lambda each: weight_of(each.row), limits.LIFECYCLE_TRANSACTION_WEIGHT)
