"""Copying and moving a folder: each visible file under a prefix gets a clone under another one, and a move hides the source.

No bytes are moved, so a file stays encrypted as it is. Into a bucket whose files are to be encrypted, one that is not encrypted
does not go; it is listed. Files that come under the prefix after the job began stay where they are.
"""

from __future__ import annotations

from undercroft import limits
from undercroft.catalog import buckets, versions
from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.versions import FIRST, VersionRow
from undercroft.store import names
from undercroft.store.accounting.bounds import check_bytes, check_files, files_before
from undercroft.store.directory import bucket_of_row
from undercroft.store.errors import InvalidFileName, InvalidRequest, NoSuchBucket
from undercroft.store.files.clones import clone_of
from undercroft.store.files.happenings import Happening
from undercroft.store.files.service import Files
from undercroft.store.identity.authorize import authorize
from undercroft.store.model import SSE_B2, Bucket
from undercroft.store.operations import Operation
from undercroft.store.work.expiry import is_locked
from undercroft.store.work.jobs.emptying import removed
from undercroft.store.work.jobs.model import Place, Tally, Transfer, What
from undercroft.store.work.jobs.task import NOTHING, Facts, Outcome, Sight, Step, Task, behind, weight_of_clone

Said = list[tuple[What, VersionRow]]


class Transferring(Task):
    """See `Transfer`."""

    grows = True

    def __init__(self, files: Files, asked: Transfer, facts: Facts) -> None:
        self._files = files
        self._asked = asked
        self._facts = facts
        self.prefix = asked.prefix
        self._weight_of_purge = limits.JOB_PURGE_WEIGHT if asked.is_purged else 0
        self.needs: tuple[Operation, ...] = (Operation.READ_FILE, Operation.LIST_FILES)
        if asked.is_move:
            self.needs += (Operation.WRITE_FILE,)
        if asked.is_purged:
            self.needs += (Operation.DELETE_FILE,)

    async def check(self, rows: Rows, bucket: Bucket) -> None:
        """A folder goes anywhere but into itself."""
        asked = self._asked
        if asked.is_purged and not asked.is_move:
            raise InvalidRequest("Only a move removes what it has copied.", "isPurged")
        if len(asked.target_prefix.encode()) > limits.FILE_NAME_MAX_BYTES:
            raise InvalidRequest("The target's name is too long.", "targetPrefix")
        await self._target(rows, bucket)
        if asked.target_bucket_id == bucket.bucket_id and asked.target_prefix.startswith(asked.prefix):
            raise InvalidRequest("A folder cannot be copied or moved into itself.", "targetPrefix")

    async def look(self, rows: Rows, bucket: Bucket, place: Place) -> Sight:
        """See `Task`."""
        target = await self._target(rows, bucket)
        end = versions.prefix_end(self.prefix.encode())
        found = await versions.visible(rows, bucket.bucket_id, place[0], end, limits.JOB_PAGE)
        tally = Tally(looked_at=len(found))
        steps = []
        for row in found:
            if row.received_ms > self._facts.began_ms:
                tally.newer += 1
                continue
            if await self._obstacle(rows, target, row) is not None:
                expected = Tally(skipped=1)
            else:
                hidden = int(self._asked.is_move and not self._asked.is_purged)
                expected = Tally(copied=1, copied_bytes=row.size, hidden=hidden)
            steps.append(Step(row, behind(row.name), expected, weight_of_clone(row) + self._weight_of_purge))
        return Sight(steps, tally, behind(found[-1].name) if len(found) == limits.JOB_PAGE else None)

    async def act(self, tx: Transaction, bucket: Bucket, step: Step) -> Outcome:
        """See `Task`."""
        target = await self._target(tx, bucket)
        name, draft = step.row.name, step.draft
        assert draft is not None
        target_name = self._target_name(name)
        for locked in sorted([(bucket.bucket_id, name), (target.bucket_id, target_name)]):
            await tx.lock_name(*locked)
        source = await versions.newest(tx, bucket.bucket_id, name)
        if source is None or source.action != versions.UPLOAD:
            return NOTHING
        if source.received_ms > self._facts.began_ms:
            return Outcome(Tally(newer=1))
        obstacle = await self._obstacle(tx, target, source)
        if obstacle is not None:
            return Outcome(Tally(skipped=1), ((obstacle, source),))
        newest = await versions.newest(tx, target.bucket_id, target_name)
        clone = clone_of(source, target.bucket_id, target_name, draft.handle, draft.marker.born_ms)
        before = await files_before(tx, target, None)
        await self._files.clone_in(tx, target, source, clone, newest)
        if target.bucket_id != bucket.bucket_id:  # Of its own bucket and of the account, the commit sees to it.
            await check_bytes(tx, target, None)
            await check_files(tx, target, None, before)
        tally, said = Tally(copied=1, copied_bytes=source.size), Said()
        if self._asked.is_move:
            await self._leave(tx, bucket, source, draft.marker, tally, said)
        return Outcome(tally, tuple(said))

    async def _leave(
        self, tx: Transaction, bucket: Bucket, source: VersionRow, marker: VersionRow, tally: Tally, said: Said
    ) -> None:
        """Let the name of a file that was copied have no file any more."""
        newest: VersionRow | None = source
        if self._asked.is_purged:
            every = (source.name, FIRST, FIRST)
            found = await versions.every_from(
                tx,
                bucket.bucket_id,
                every,
                source.name + b"\x00",
                limits.JOB_PURGE_VERSIONS_MAX + 1,
                unfinished=False,
            )
            if len(found) > limits.JOB_PURGE_VERSIONS_MAX:
                said.append((What.NOT_PURGED, source))
                found = []
            for row in found:
                if is_locked(row, self._facts.clock()):
                    tally.locked += 1
                    said.append((What.LOCKED, row))
                else:
                    await self._files.remove_in(tx, bucket, row, Happening.DELETE)
                    tally.add(removed(row))
            newest = await versions.newest(tx, bucket.bucket_id, source.name)
        if newest is not None and newest.action == versions.UPLOAD:
            await self._files.hide_in(tx, bucket, marker, newest, Happening.HIDE)
            tally.hidden += 1

    async def _target(self, rows: Rows, bucket: Bucket) -> Bucket:
        """The bucket that is copied to, in which the principal may write. Raises `NoSuchBucket` and `Unauthorized`."""
        asked = self._asked
        target = bucket
        if asked.target_bucket_id != bucket.bucket_id:
            row = await buckets.by_id(rows, asked.target_bucket_id)
            if row is None:
                raise NoSuchBucket(asked.target_bucket_id)
            target = await bucket_of_row(rows, row)
        authorize(self._facts.principal, Operation.WRITE_FILE, target, asked.target_prefix)
        return target

    def _target_name(self, name: bytes) -> bytes:
        return self._asked.target_prefix.encode() + name[len(self.prefix.encode()) :]

    async def _obstacle(self, rows: Rows, target: Bucket, row: VersionRow) -> What | None:
        """Why a file cannot be copied to its target."""
        name = self._target_name(row.name)
        try:
            names.check_file_name(name.decode(), controls_allowed=True)
        except InvalidFileName:
            return What.NAME
        if target.bucket_id == row.bucket_id and name.startswith(self.prefix.encode()):
            return What.INSIDE
        goes_elsewhere = target.bucket_id != row.bucket_id
        if goes_elsewhere and row.encryption is None and self._files.default_encryption_of(target) == SSE_B2:
            return What.NOT_ENCRYPTED
        if self._asked.existing == "overwrite":
            return None
        existing = (await versions.current(rows, target.bucket_id, name, data=False)).version
        return None if existing is None else What.EXISTS
