"""Jobs as those see them who ask for them: begin one, look at it, pause, go on, cancel; and find out what one would do.

Whoever may list what a job is about may see it. Whoever may do all that it does may begin, pause and end it.
"""

from __future__ import annotations

import msgspec

from undercroft import limits
from undercroft.catalog import jobs, usage
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.catalog.jobs import JobRow
from undercroft.store.ambient import Ambient
from undercroft.store.directory import Directory
from undercroft.store.errors import InvalidRequest, JobConflict, NoSuchJob, TooManyJobs, Unauthorized
from undercroft.store.files.service import Files
from undercroft.store.gate import Gate
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket
from undercroft.store.operations import Operation
from undercroft.store.work.jobs.model import (
    Job,
    Parameters,
    Remark,
    State,
    Tally,
    Walk,
    What,
    job_of,
    parameters_of,
    text_of,
)
from undercroft.store.work.jobs.task import Facts, Order, start_of
from undercroft.store.work.jobs.tasks import order_of, task_of

JOB_ID_BYTES = 8
_LATEST = (1 << 62, "")


class Survey(msgspec.Struct, frozen=True):
    """What a job would do now, and whether all was looked at; if not, it is at least so much."""

    tally: Tally
    is_whole: bool


class Jobs:
    """The jobs of all accounts."""

    def __init__(self, catalog: Catalog, gate: Gate, files: Files, directory: Directory, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._files = files
        self._directory = directory
        self._ambient = ambient

    async def begin(self, principal: Principal, bucket: Bucket, parameters: Parameters) -> Job:
        """Make a job, which the steward takes up soon. It acts in the name of the principal's key.

        Raises `InvalidRequest`, `Unauthorized`, `NoSuchBucket` and `TooManyJobs`.
        """
        order = await self._order(principal, bucket, parameters)
        now_ms = self._ambient.now_ms()
        job_id = self._ambient.random_bytes(JOB_ID_BYTES).hex()

        async def change(tx: Transaction) -> JobRow:
            if await jobs.count_unended(tx, bucket.account_id) >= limits.JOBS_UNENDED_PER_ACCOUNT:
                raise TooManyJobs(
                    f"{limits.JOBS_UNENDED_PER_ACCOUNT} jobs of the account are under way; let one end, or cancel it."
                )
            await jobs.forget_old(tx, bucket.account_id, limits.JOBS_KEPT_PER_ACCOUNT)
            total = None if order.prefix else (await usage.of_bucket(tx, bucket.bucket_id))[0]
            row = JobRow(
                job_id=job_id,
                account_id=bucket.account_id,
                bucket_id=bucket.bucket_id,
                key_id=principal.key_id or "",
                kind=str(parameters.__struct_config__.tag),
                parameters=text_of(parameters),
                state=jobs.RUNNING,
                reason=None,
                place=text_of(start_of(order.prefix)),
                tally=text_of(Tally()),
                total=total,
                created_ms=now_ms,
                updated_ms=now_ms,
                ended_ms=None,
                revision=1,
            )
            await jobs.insert(tx, row)
            return row

        return job_of(await self._gate.commit(principal, order.needs[0], bucket, order.prefix, change))

    async def survey(
        self, principal: Principal, bucket: Bucket, parameters: Walk, *, limit: int | None = limits.JOB_SURVEY_MAX
    ) -> Survey:
        """What such a job would do now. About `limit` versions are looked at, all for None. Raises what `begin` raises."""
        await self._order(principal, bucket, parameters)
        task = task_of(self._files, parameters, Facts(self._ambient.now_ms(), principal, self._ambient.now_ms))
        tally = Tally()
        place = start_of(task.prefix)
        while limit is None or tally.looked_at < limit:
            sight = await self._catalog.scan(lambda rows, place=place: task.look(rows, bucket, place))  # type: ignore[misc]
            tally.add(sight.tally)
            for step in sight.steps:
                tally.add(step.expected)
            if sight.place is None:
                return Survey(tally, is_whole=True)
            place = sight.place
        return Survey(tally, is_whole=False)

    async def find(self, principal: Principal, job_id: str) -> Job:
        """One job. Raises `NoSuchJob`."""
        return job_of((await self._seen(principal, job_id))[0])

    async def account_of(self, job_id: str) -> str:
        """Whose job this is: the operator's question. Raises `NoSuchJob`."""
        row = await jobs.find(self._catalog.rows, job_id)
        if row is None:
            raise _no_job(job_id)
        return row.account_id

    async def of_account(
        self, principal: Principal, *, bucket: Bucket | None = None, before: Job | None = None, limit: int
    ) -> list[Job]:
        """The account's jobs that the principal may see, newest first; of one bucket, if it is given.

        There are never more than `limits.JOBS_UNENDED_PER_ACCOUNT` and `limits.JOBS_KEPT_PER_ACCOUNT` together.
        """
        await self._gate.enter(principal, Operation.LIST_FILES, bucket)
        place = _LATEST if before is None else (before.created_ms, before.job_id)
        found = await self._catalog.scan(
            lambda rows: jobs.of_account(
                rows, principal.account_id or "", place, limit, bucket_id=None if bucket is None else bucket.bucket_id
            )
        )
        return [job_of(row) for row in found if await self._may_see(principal, row)]

    async def lately(self, principal: Principal) -> list[Job]:
        """The account's jobs that run or have moved within `limits.JOB_LATELY_S`, as far as the principal may see them, newest first."""
        await self._gate.enter(principal, Operation.LIST_FILES, None)
        since_ms = self._lately_ms()
        found = await self._catalog.scan(
            lambda rows: jobs.lately(rows, principal.account_id or "", since_ms, limits.JOBS_LATELY_SHOWN)
        )
        return [job_of(row) for row in found if await self._may_see(principal, row)]

    async def is_moving(self, account_id: str) -> bool:
        """Whether a job of the account runs or has moved within `limits.JOB_LATELY_S`: cheap enough for every page."""
        return await jobs.any_lately(self._catalog.rows, account_id, self._lately_ms())

    def _lately_ms(self) -> int:
        return self._ambient.now_ms() - limits.JOB_LATELY_S * 1000

    async def remarks(self, principal: Principal, job_id: str, *, after: int = 0, limit: int) -> list[Remark]:
        """What the job has to say of versions, in order, behind the number `after`. Raises `NoSuchJob`."""
        await self._seen(principal, job_id)
        found = await self._catalog.scan(lambda rows: jobs.remarks(rows, job_id, after, limit))
        return [Remark(row.number, What(row.what), row.name.decode(), row.file_id) for row in found]

    async def pause(self, principal: Principal, job_id: str) -> Job:
        """Let a running job rest. When this returns, it does nothing more. Raises `NoSuchJob` and `JobConflict`."""
        return await self._change(principal, job_id, {State.RUNNING}, State.PAUSED)

    async def resume(self, principal: Principal, job_id: str) -> Job:
        """Let a paused job go on. Raises `NoSuchJob` and `JobConflict`."""
        return await self._change(principal, job_id, {State.PAUSED}, State.RUNNING)

    async def cancel(self, principal: Principal, job_id: str) -> Job:
        """End a job for good. What it has done stays done. Raises `NoSuchJob` and `JobConflict`."""
        return await self._change(principal, job_id, {State.RUNNING, State.PAUSED}, State.CANCELED)

    async def _order(self, principal: Principal, bucket: Bucket, parameters: Parameters) -> Order:
        """What is asked for, which the principal may ask for."""
        if len(parameters.prefix.encode()) > limits.FILE_NAME_MAX_BYTES:
            raise InvalidRequest("The prefix is too long.", "prefix")
        order = order_of(self._files, parameters, Facts(self._ambient.now_ms(), principal, self._ambient.now_ms))
        for operation in order.needs:
            await self._gate.enter(principal, operation, bucket, order.prefix)
        await order.check(self._catalog.rows, bucket)
        return order

    async def _change(self, principal: Principal, job_id: str, states: set[State], state: State) -> Job:
        row, bucket = await self._seen(principal, job_id)
        order = order_of(self._files, parameters_of(row), Facts(row.created_ms, principal, self._ambient.now_ms))
        for operation in order.needs:
            await self._gate.enter(principal, operation, bucket, order.prefix)
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> JobRow:
            before = await jobs.find(tx, job_id)
            if before is None:
                raise _no_job(job_id)
            if State(before.state) not in states:
                raise JobConflict(f"The job is {before.state}.")
            changed = before._replace(
                state=state.value, reason=None, updated_ms=now_ms, ended_ms=now_ms if state.is_ended else None
            )
            moved = await jobs.move(tx, before, changed)
            assert moved is not None, "it was read in this transaction"
            return moved

        return job_of(await self._gate.commit(principal, order.needs[0], bucket, order.prefix, change))

    async def _seen(self, principal: Principal, job_id: str) -> tuple[JobRow, Bucket]:
        """A job that the principal may see, and its bucket."""
        await self._gate.enter(principal, Operation.LIST_FILES, None)
        row = await jobs.find(self._catalog.rows, job_id)
        bucket = None if row is None else await self._directory.bucket_by_id(row.bucket_id)
        if row is None or bucket is None or not await self._may_see(principal, row):
            raise _no_job(job_id)
        return row, bucket

    async def _may_see(self, principal: Principal, row: JobRow) -> bool:
        bucket = await self._directory.bucket_by_id(row.bucket_id)
        if bucket is None:
            return False
        try:
            authorize(principal, Operation.LIST_FILES, bucket, parameters_of(row).prefix)
        except Unauthorized:
            return False
        return True


def _no_job(job_id: str) -> NoSuchJob:
    return NoSuchJob(f"There is no job {job_id}.")
