"""Carrying jobs out: by the steward in turns of bounded size, and by a command from its beginning to its end.

The accounts take turns, so that nobody's million files hold up what others have asked for. A transaction does some steps, adds
what they came to, and moves the job on; so a death at any time costs nothing and repeats nothing. In the same transaction it
is judged whether the one who asked may still do so. A job that is found moved by another is left to that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from undercroft import limits
from undercroft.catalog import accounts, jobs
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.catalog.jobs import JobRow, RemarkRow
from undercroft.store.ambient import Ambient
from undercroft.store.directory import Directory
from undercroft.store.errors import (
    BadCredentials,
    BucketCapExceeded,
    Busy,
    NoSuchBucket,
    NoSuchJob,
    StorageCapExceeded,
    StorageFull,
    StoreError,
    Unauthorized,
)
from undercroft.store.files.service import Files
from undercroft.store.gate import Gate
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.ids import FileId
from undercroft.store.model import Bucket
from undercroft.store.work.jobs.model import Place, State, Tally, What, parameters_of, place_of, tally_of, text_of
from undercroft.store.work.jobs.task import Facts, Step, Task, drafted
from undercroft.store.work.jobs.tasks import task_of
from undercroft.store.work.weights import in_parts


class _Overtaken(Exception):
    """The job was paused, canceled, or moved on by another process."""


class _Hand(NamedTuple):
    """What a turn works with."""

    principal: Principal
    bucket: Bucket
    task: Task


class JobRunner:
    """Carries out the jobs of all accounts."""

    def __init__(self, catalog: Catalog, gate: Gate, files: Files, directory: Directory, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._files = files
        self._directory = directory
        self._ambient = ambient

    async def is_wanted(self) -> bool:
        """Whether any job is to be worked on: a point read."""
        return bool(await jobs.running(self._catalog.rows, 1))

    async def run(self) -> bool:
        """Give a turn to one job of each account, of as many as the limits say. True where there may be more to do now.

        What one job waits for, as for room on the disk, holds up no other. Raises `StorageFull` and `Busy` after the rest.
        """
        found = await self._catalog.scan(lambda rows: jobs.running(rows, limits.JOBS_LOOKED_AT))
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
        """Do a bounded part of a job. What refuses it ends it, or pauses it where that can be mended."""
        try:
            hand = await self._take_up(row)
            await self._go_on(hand, row)
        except _Overtaken:
            return
        except (StorageFull, Busy):
            raise
        except BucketCapExceeded:
            await self._stop(row.job_id, State.PAUSED, "A bucket has reached its cap.")
        except StorageCapExceeded:
            await self._stop(row.job_id, State.PAUSED, "The account has reached its cap on storage.")
        except BadCredentials:
            account = await accounts.find(self._catalog.rows, row.account_id)
            if account is not None and account.suspended:
                await self._stop(row.job_id, State.PAUSED, "The account is suspended.")
            else:
                await self._stop(row.job_id, State.FAILED, "The key that asked for this is gone or has expired.")
        except Unauthorized:
            await self._stop(row.job_id, State.FAILED, "The key that asked for this may not do it.")
        except NoSuchBucket as error:
            await self._stop(row.job_id, State.FAILED, f"A bucket is gone: {error}")
        except StoreError as error:  # Nothing that comes again at every turn may hold up the jobs of others.
            await self._stop(row.job_id, State.FAILED, str(error) or type(error).__name__)

    async def _take_up(self, row: JobRow) -> _Hand:
        await self._directory.catch_up()
        key = await self._directory.key(row.key_id)
        if key is None:
            raise BadCredentials("The key is not valid any more.")
        bucket = await self._directory.bucket_by_id(row.bucket_id)
        if bucket is None:
            raise NoSuchBucket(row.bucket_id)
        principal = Principal.of_key(key)
        return _Hand(
            principal,
            bucket,
            task_of(self._files, parameters_of(row), Facts(row.created_ms, principal, self._ambient.now_ms)),
        )

    async def _go_on(self, hand: _Hand, row: JobRow) -> None:
        changes = tally_of(row).changes
        for _ in range(limits.JOB_TURN_PAGES):
            place = place_of(row)
            sight = await self._catalog.scan(
                lambda rows, place=place: hand.task.look(rows, hand.bucket, place)  # type: ignore[misc]
            )
            for part in in_parts(sight.steps, lambda step: step.weight, limits.JOB_TRANSACTION_WEIGHT):
                row = await self._act(hand, row, part)
            row = await self._move(row, sight.tally, sight.place)
            if sight.place is None or tally_of(row).changes - changes >= limits.JOB_TURN_CHANGES:
                return

    async def _act(self, hand: _Hand, row: JobRow, part: Sequence[Step]) -> JobRow:
        """Do some steps in one transaction. Raises `_Overtaken`, and what the gate raises."""
        steps = [drafted(self._files, hand.bucket, step) for step in part]
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction, bucket: Bucket) -> JobRow:
            for operation in hand.task.needs:
                authorize(hand.principal, operation, bucket, hand.task.prefix)
            tally, remarks = await _do(tx, hand.task, bucket, steps)
            await _remark(tx, row.job_id, remarks)
            return await _moved(tx, row, tally, part[-1].after, now_ms)

        return await self._gate.commit_in(
            hand.principal,
            hand.task.needs[0],
            hand.bucket,
            hand.task.prefix,
            change,
            size_bytes=sum(step.weight for step in part) * limits.JOB_INLINE_UNIT_BYTES,
            grows=hand.task.grows,
        )

    async def _move(self, row: JobRow, tally: Tally, place: Place | None) -> JobRow:
        """Note that a page is done; the job itself where it was the last."""
        now_ms = self._ambient.now_ms()
        return await self._gate.write(lambda tx: _moved(tx, row, tally, place, now_ms))

    async def _stop(self, job_id: str, state: State, reason: str) -> None:
        """Pause a job, or let it have failed, unless somebody else has changed what it does."""
        now_ms = self._ambient.now_ms()
        ended_ms = now_ms if state.is_ended else None

        async def change(tx: Transaction) -> None:
            row = await jobs.find(tx, job_id)
            if row is not None and row.state == jobs.RUNNING:
                stopped = row._replace(state=state.value, reason=reason, updated_ms=now_ms, ended_ms=ended_ms)
                await jobs.move(tx, row, stopped)

        await self._gate.write(change)


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


async def _moved(tx: Transaction, row: JobRow, tally: Tally, place: Place | None, now_ms: int) -> JobRow:
    together = tally_of(row)
    together.add(tally)
    after = row._replace(tally=text_of(together), updated_ms=now_ms)
    ended = {"state": jobs.DONE, "ended_ms": now_ms}
    moved = await jobs.move(tx, row, after._replace(**ended if place is None else {"place": text_of(place)}))
    if moved is None:
        raise _Overtaken
    return moved
