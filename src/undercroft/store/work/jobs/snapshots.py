"""Making snapshots: a zip of what a job names becomes a file in the account's bucket of snapshots.

The zip is put together as it is stored, a part at a time, so nothing of it is in memory or on the disk but what is stored. A
snapshot that is interrupted begins anew, as its zip would not be the same. Its name tells its job, so it is made once: whoever
comes to a job whose snapshot is there has nothing more to do.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from datetime import UTC, datetime

from undercroft import limits
from undercroft.catalog import jobs
from undercroft.catalog.contract import Catalog
from undercroft.catalog.jobs import JobRow
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.service import Buckets
from undercroft.store.buckets.snapshots import SOURCE_KEY, folder_of
from undercroft.store.errors import InvalidRequest, NoSuchFile, NoSuchUpload, PreconditionFailed
from undercroft.store.files.archive import MODIFIED_KEY, Archive
from undercroft.store.files.service import Files
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, FileVersion, NewFile, WriteCondition
from undercroft.store.work.jobs.hands import Hands, Overtaken
from undercroft.store.work.jobs.model import Snapshot, Tally, parameters_of, place_of, tally_of
from undercroft.store.work.turns import Turns

_KINDS = (str(Snapshot.__struct_config__.tag),)
_ODD = re.compile(r"[^\w. -]+")
_LABEL_MAX_LENGTH = 80
_Key = tuple[str, str]  # Of a turn: the account, and the job.


class _Part:
    """The blocks of a zip that go into one part: so many bytes, or what is left."""

    algorithms: frozenset[str] = frozenset()
    length: int | None = None

    def __init__(self, blocks: AsyncIterator[bytes], first: bytes) -> None:
        self._blocks = blocks
        self._first = first
        self.next: bytes | None = None  # The block that the following part begins with.

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of them, as they are made."""
        taken = len(self._first)
        yield self._first
        async for block in self._blocks:
            if taken + len(block) > limits.SNAPSHOT_PART_BYTES:
                self.next = block
                return
            taken += len(block)
            yield block

    def expected(self) -> Mapping[str, bytes]:
        """Nothing: nobody has seen these bytes before."""
        return {}


class Snapshots:
    """Makes the snapshots of all accounts."""

    def __init__(self, catalog: Catalog, files: Files, buckets: Buckets, hands: Hands, ambient: Ambient) -> None:
        self._catalog = catalog
        self._files = files
        self._buckets = buckets
        self._hands = hands
        self._ambient = ambient
        self._turns: Turns[_Key] = Turns(limits.SNAPSHOTS_AT_ONCE, group_of=lambda key: key[0], at_once_of_group=1)

    async def is_wanted(self) -> bool:
        """Whether any snapshot is under way or wanted: a point read."""
        return bool(self._turns) or bool(await jobs.running(self._catalog.rows, _KINDS, 1))

    async def run(self) -> None:
        """Begin to make snapshots, one of an account at a time. It goes on after this returns. Raises what one has raised."""
        self._turns.end_those_done()
        found = await self._catalog.scan(lambda rows: jobs.running(rows, _KINDS, limits.JOBS_LOOKED_AT))
        rows = {(row.account_id, row.job_id): row for row in found}
        self._turns.begin(rows, lambda key: self._turn(rows[key]))

    async def finish_turns(self) -> None:
        """Return when none is being made any more. Raises what one has raised."""
        await self._turns.finish()

    async def stop(self) -> None:
        """End what is under way; it begins anew another time."""
        await self._turns.stop()

    async def _turn(self, row: JobRow) -> None:
        async with self._hands.turn(row, needs_room=True):
            principal, source = await self._hands.take_up(row)
            asked = parameters_of(row)
            assert isinstance(asked, Snapshot), "it is another kind of job"
            assert principal.key is not None
            service = Principal.of_service(principal.key)
            target = await self._buckets.of_snapshots(service)
            name = _name_of(row, asked, source)
            try:
                await self._files.current(service, target, name, data=False)
            except NoSuchFile:
                await self._make(row, asked, principal, source, service, target, name)
            else:
                await self._hands.move(row, Tally(), None)

    async def _make(
        self,
        row: JobRow,
        asked: Snapshot,
        principal: Principal,
        source: Bucket,
        service: Principal,
        target: Bucket,
        name: str,
    ) -> None:
        """Make the zip, and be done with the job. Raises `Overtaken`, and what reading and storing raise."""
        left, _ = await self._files.list_unfinished(service, target, prefix=name, limit=1)
        for large in left:  # By a process that died, or was overtaken.
            await self._give_up(target, large)
        info = {
            SOURCE_KEY: f"{source.name}/{asked.prefix}"[: limits.SNAPSHOT_SOURCE_MAX_LENGTH],
            MODIFIED_KEY: str(row.created_ms),
        }
        large = await self._files.start_large_file(service, target, name, NewFile("application/zip", info))
        archive = Archive(self._files, principal, source, asked.prefix, asked.names)
        try:
            await archive.begin()
            row, listed = await self._fill(row, archive, service, target, large)
            made = await self._files.finish_s3(
                service, target, large, listed, condition=WriteCondition(if_none_match="*")
            )
        except Exception as error:
            await self._give_up(target, large)
            if isinstance(error, NoSuchUpload | PreconditionFailed):
                raise Overtaken from None  # By somebody else, who makes this snapshot, or has made it.
            raise
        finally:
            await archive.close()
        try:
            await self._hands.move(row, Tally(), None)
        except Overtaken:
            if await self._hands.is_canceled(row):  # As the last of it was stored.
                await self._files.delete_version(service, target, name, str(made.file_id))
            raise

    async def _fill(
        self, row: JobRow, archive: Archive, service: Principal, target: Bucket, large: FileVersion
    ) -> tuple[JobRow, list[tuple[int, str]]]:
        """Store the zip in parts, and tell after each how far it is; the row as it is then, and the parts."""
        listed: list[tuple[int, str]] = []
        async with aclosing(archive.blocks()) as blocks:
            block: bytes | None = await anext(blocks)
            while block is not None:
                if len(listed) == limits.PART_NUMBER_MAX:
                    raise InvalidRequest("This is more than one snapshot can hold. Make one of each of its folders.")
                body = _Part(blocks, block)
                part = await self._files.upload_part(service, target, large, len(listed) + 1, body)
                listed.append((part.part_number, part.md5))
                now = Tally(
                    looked_at=archive.packed + archive.left_out,
                    packed=archive.packed,
                    packed_bytes=archive.packed_bytes,
                    skipped=archive.left_out,
                )
                row = await self._hands.move(row, now.minus(tally_of(row)), place_of(row))
                block = body.next
        return row, listed

    async def _give_up(self, target: Bucket, large: FileVersion) -> None:
        with suppress(NoSuchUpload):
            await self._files.give_up(target, large)


def _name_of(row: JobRow, asked: Snapshot, source: Bucket) -> str:
    """The name of the file that a job's snapshot becomes: after how long it is kept, what it is of, and of when."""
    label = _ODD.sub("_", asked.prefix.rstrip("/").rpartition("/")[2] or source.name)[:_LABEL_MAX_LENGTH]
    moment = datetime.fromtimestamp(row.created_ms / 1000, UTC)
    return f"{folder_of(asked.valid_days)}{label}-{moment:%Y-%m-%dT%H-%M-%SZ}-{row.job_id}.zip"
