"""Carrying jobs out: by the steward in turns of bounded size, and by a command from its beginning to its end.

The accounts take turns, so that nobody's million files hold up what others have asked for. A transaction does some steps, adds
what they came to, and moves the job on; so a death at any time costs nothing and repeats nothing. In the same transaction it
is judged whether the one who asked may still do so. A job that is found moved by another is left to that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from undercroft import limits
from undercroft.catalog import jobs
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.catalog.jobs import JobRow, RemarkRow
from undercroft.store.ambient import Ambient
from undercroft.store.errors import Busy, NoSuchJob, StorageFull, StoreError
from undercroft.store.files.service import Files
from undercroft.store.gate import Gate
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.ids import FileId
from undercroft.store.model import Bucket
from undercroft.store.work.jobs.hands import Hands, moved
from undercroft.store.work.jobs.model import Snapshot, State, Tally, What, parameters_of, place_of, tally_of
from undercroft.store.work.jobs.task import Facts, Step, Task, drafted
from undercroft.store.work.jobs.tasks import WALKS, task_of
from undercroft.store.work.weights import in_parts


class _Hand(NamedTuple):
    """What a turn works with."""

    principal: Principal
    bucket: Bucket
    task: Task


class JobRunner:
    """Carries out the jobs of all accounts."""

    def __init__(self, catalog: Catalog, gate: Gate, files: Files, hands: Hands, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._files = files
        self._hands = hands
        self._ambient = ambient

    async def is_wanted(self) -> bool:
        """Whether any job is to be worked on: a point read."""
        return bool(await jobs.running(self._catalog.rows, WALKS, 1))

    async def run(self) -> bool:
        """Give a turn to one job of each account, of as many as the limits say. True where there may be more to do now.

        What one job waits for, as for room on the disk, holds up no other. Raises `StorageFull` and `Busy` after the rest.
        """
        found = await self._catalog.scan(lambda rows: jobs.running(rows, WALKS, limits.JOBS_LOOKED_AT))
        turns: dict[str, JobRow] = {}
        for row in found:
            turns.setdefault(row.account_id, row)
        held_up: StoreError | None = None
        for row in list(turns.values())[: limits.JOB_ACCOUNTS_AT_ONCE]:
            try:
                await self._turn(row)
            except (StorageFull, Busy) as error:
                held_up = error
        if held_up is not None:
            raise held_up
        return await self.is_wanted()

    async def finish(self, job_id: str) -> None:
        """Work on one job until it is not running any more, beside whoever else does. Raises what `run` raises."""
        while True:
            row = await jobs.find(self._catalog.rows, job_id)
            if row is None:
                raise NoSuchJob(f"There is no job {job_id}.")
            if State(row.state) is not State.RUNNING:
                return
            await self._turn(row)

    async def _turn(self, row: JobRow) -> None:
        """Do a bounded part of a job."""
        async with self._hands.turn(row):
            principal, bucket = await self._hands.take_up(row)
            asked = parameters_of(row)
            assert not isinstance(asked, Snapshot), "it is no walk"
            facts = Facts(row.created_ms, principal, self._ambient.now_ms)
            await self._go_on(_Hand(principal, bucket, task_of(self._files, asked, facts)), row)

    async def _go_on(self, hand: _Hand, row: JobRow) -> None:
        changes = tally_of(row).changes
        for _ in range(limits.JOB_TURN_PAGES):
            place = place_of(row)
            sight = await self._catalog.scan(
                lambda rows, place=place: hand.task.look(rows, hand.bucket, place)  # type: ignore[misc]
            )
            for part in in_parts(sight.steps, lambda step: step.weight, limits.JOB_TRANSACTION_WEIGHT):
                row = await self._act(hand, row, part)
            row = await self._hands.move(row, sight.tally, sight.place)
            if sight.place is None or tally_of(row).changes - changes >= limits.JOB_TURN_CHANGES:
                return

    async def _act(self, hand: _Hand, row: JobRow, part: Sequence[Step]) -> JobRow:
        """Do some steps in one transaction. Raises `Overtaken`, and what the gate raises."""
        steps = [drafted(self._files, hand.bucket, step) for step in part]
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction, bucket: Bucket) -> JobRow:
            for operation in hand.task.needs:
                authorize(hand.principal, operation, bucket, hand.task.prefix)
            tally, remarks = await _do(tx, hand.task, bucket, steps)
            await _remark(tx, row.job_id, remarks)
            return await moved(tx, row, tally, part[-1].after, now_ms)

        return await self._gate.commit_in(
            hand.principal,
            hand.task.needs[0],
            hand.bucket,
            hand.task.prefix,
            change,
            size_bytes=sum(step.weight for step in part) * limits.JOB_INLINE_UNIT_BYTES,
            grows=hand.task.grows,
        )


async def _do(
    tx: Transaction, task: Task, bucket: Bucket, steps: list[Step]
) -> tuple[Tally, list[tuple[What, bytes, str]]]:
    tally = Tally()
    remarks: list[tuple[What, bytes, str]] = []
    for step in steps:
        outcome = await task.act(tx, bucket, step)
        tally.add(outcome.tally)
        remarks += [
            (what, version.name, str(FileId(version.bucket_id, version.kind, version.handle, version.born_ms)))
            for what, version in outcome.remarks
        ]
    return tally, remarks


async def _remark(tx: Transaction, job_id: str, remarks: list[tuple[What, bytes, str]]) -> None:
    """Add remarks to those of a job, as long as there is room."""
    if remarks:
        before = await jobs.count_remarks(tx, job_id)
        fitting = remarks[: limits.JOB_REMARKS_MAX - before]
        rows = [
            RemarkRow(number, what.value, name, file_id)
            for number, (what, name, file_id) in enumerate(fitting, before + 1)
        ]
        await jobs.add_remarks(tx, job_id, rows)
