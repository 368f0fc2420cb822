"""Replication to other installations: what waits under rules whose destination is a target is sent there (docs/replication.md).

No transaction spans two installations. So a version leaves its queue only after the target has acknowledged it, and what may be
there already, since somebody died in between or looks for existing files, is asked for first. Large files go in parts, and go on
with those that the target has.
"""

from __future__ import annotations

import msgspec

from undercroft import limits
from undercroft.catalog import replications, versions
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.catalog.replications import WaitingRow
from undercroft.catalog.versions import VersionRow
from undercroft.outgoing.contract import TargetError, Visit
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.replication_targets import ReplicationTargets
from undercroft.store.directory import Directory
from undercroft.store.errors import DataCorrupt, DownloadCapExceeded, NoSuchVersion, Unauthorized
from undercroft.store.files.base import version_of
from undercroft.store.files.service import Files
from undercroft.store.gate import Gate
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Action, FileVersion
from undercroft.store.operations import Operation
from undercroft.store.work.b2_remote import RemoteBucket, RemoteRefused
from undercroft.store.work.remote_parts import Part, part_bytes_of
from undercroft.store.work.replication_queues import Ready, Refused, complete, fail, next_of, put_off, release
from undercroft.store.work.turns import Turns

_NO_TIMES = "custom_timestamp_not_allowed"
_Key = tuple[str, str]  # Bucket and rule.


class RemoteReplications:
    """Sends what waits for targets."""

    def __init__(
        self,
        catalog: Catalog,
        gate: Gate,
        files: Files,
        directory: Directory,
        targets: ReplicationTargets,
        ambient: Ambient,
        visit: Visit,
    ) -> None:
        self._catalog = catalog
        self._gate = gate
        self._files = files
        self._directory = directory
        self._targets = targets
        self._ambient = ambient
        self._visit = visit
        self._turns: Turns[_Key] = Turns(limits.REPLICATION_REMOTE_AT_ONCE)

    # -- For the steward ----------------------------------------------------------------------------------------------
    async def is_wanted(self) -> bool:
        """Whether there is anything to do, or to hear of."""
        return bool(self._turns) or bool(await self._due())

    async def run(self) -> None:
        """Begin a turn of each rule that is due and has none. Turns go on after this returns. Raises what one has raised."""
        self._turns.end_those_done()
        self._turns.begin(await self._due(), self._turn)

    async def finish_turns(self) -> None:
        """Return when no turn is under way. Raises what one has raised."""
        await self._turns.finish()

    async def stop(self) -> None:
        """End the turns that are under way. What they were sending is gone on with another time."""
        await self._turns.stop()

    async def _due(self) -> list[_Key]:
        now_ms, most = self._ambient.now_ms(), limits.REPLICATION_QUEUES_AT_ONCE
        found = await replications.queues_due(self._catalog.rows, now_ms, most, is_remote=True)
        return [(queue.bucket_id, queue.rule) for queue in found]

    # -- A turn of a rule ---------------------------------------------------------------------------------------------
    async def _turn(self, key: _Key) -> None:
        remote: RemoteBucket | None = None
        may_be_there = True  # Whoever had the turn before may have died, or have lost the answer, at the first version.
        try:
            for _ in range(limits.REPLICATION_REMOTE_TURN):
                ready = await self._next(key)
                if isinstance(ready, bool):
                    if ready:
                        continue
                    return
                if remote is None:
                    remote = self._remote_of(ready)
                item = ready.waiting[0]
                if may_be_there:
                    item = item._replace(may_be_there=1)
                if not await self._replicate(ready, item, remote):
                    return
                may_be_there = False
        finally:
            if remote is not None:
                await remote.close()

    async def _next(self, key: _Key) -> Ready | bool:
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> Ready | bool:
            return await next_of(tx, *key, now_ms, is_remote=True)

        return await self._gate.write(change)

    def _remote_of(self, ready: Ready) -> RemoteBucket:
        target = ready.target
        assert target is not None
        return RemoteBucket(
            self._visit, target.endpoint, target.key_id, self._targets.key_of(target), target.bucket_name
        )

    async def _replicate(self, ready: Ready, item: WaitingRow, remote: RemoteBucket) -> bool:
        """Bring one version to its end. False where the rule has to wait."""
        found = await versions.by_handle(self._catalog.rows, ready.bucket.bucket_id, item.handle)
        row = found.version
        failure: str | None = None
        try:
            if row is not None and ready.rule.covers(row.name):
                reader = await self._reader(ready)
                version = _to_send(version_of(row, ready.bucket, found.extent), reader, self._ambient.now_ms())
                _check_name(reader, ready, version)
                await self._send(row, version, remote, may_be_there=bool(item.may_be_there))
        except NoSuchVersion:
            pass  # It was deleted while it was being sent, and waits no more.
        except DownloadCapExceeded:
            return await self._put_off(ready, "The account of the bucket has reached its cap on downloads")
        except (Refused, DataCorrupt) as error:
            if isinstance(error, _RuleRefused):
                return await self._put_off(ready, str(error))
            failure = str(error)
        except (RemoteRefused, TargetError) as error:
            if not (isinstance(error, RemoteRefused) and error.of_version):
                return await self._put_off(ready, str(error))
            failure = str(error)
        await self._end(ready, item, failure)
        return True

    async def _reader(self, ready: Ready) -> Principal:
        source = ready.bucket.replication.as_replication_source
        assert source is not None
        key_id = source.source_application_key_id
        key = await self._directory.key_in(self._catalog.rows, key_id)
        if key is None:
            raise _RuleRefused(f"The source key {key_id} does not exist, has expired or is suspended")
        reader = Principal.of_key(key)
        try:
            authorize(reader, Operation.READ_FILE, ready.bucket)
        except Unauthorized:
            raise _RuleRefused(f"The source key {key_id} may not read files of the bucket") from None
        return reader

    async def _put_off(self, ready: Ready, reason: str) -> bool:
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> bool:
            queue = await replications.queue(tx, ready.queue.bucket_id, ready.queue.rule)
            if queue is None or queue.due_ms != ready.queue.due_ms:
                return False  # The rule was changed meanwhile, or is gone: it is looked at anew.
            return await put_off(tx, queue, ready.waiting, reason, now_ms)

        return await self._gate.write(change)

    async def _end(self, ready: Ready, item: WaitingRow, failure: str | None) -> None:
        """Take a version out of the queue, with its status, if it still waits there."""
        now_ms = self._ambient.now_ms()
        bucket_id, rule = ready.queue.bucket_id, ready.queue.rule

        async def change(tx: Transaction) -> None:
            row = (await versions.by_handle(tx, bucket_id, item.handle)).version
            if not await replications.take(tx, bucket_id, rule, item.sequence) or row is None:
                return
            if failure is not None:
                await fail(tx, row, rule, item, failure, now_ms)
            elif ready.rule.covers(row.name):
                await complete(tx, row, rule)
            else:
                await release(tx, ready.bucket, row, now_ms)
            queue = await replications.queue(tx, bucket_id, rule)
            if queue is not None and queue.attempts:
                await replications.put_queue(tx, queue._replace(attempts=0, failing_since_ms=None, reason=None))

        await self._gate.write(change)

    # -- Sending ------------------------------------------------------------------------------------------------------
    async def _send(self, row: VersionRow, version: FileVersion, remote: RemoteBucket, *, may_be_there: bool) -> None:
        """Have the version at the target. Raises `RemoteRefused`, `TargetError`, `NoSuchVersion` and `DataCorrupt`."""
        if version.action is Action.HIDE:
            newest = await versions.newest(self._catalog.rows, row.bucket_id, row.name)
            if newest is not None and newest.handle == row.handle:  # An older marker would hide what is newer.
                await remote.hide(version.name)
            return
        while not (may_be_there and await remote.has(version)):
            try:
                if version.size <= limits.REPLICATION_REMOTE_PART_BYTES:
                    await remote.upload(version, await self._bytes(version, 0, version.size))
                else:
                    await self._send_large(version, remote)
            except RemoteRefused as refused:
                if refused.code != _NO_TIMES or not remote.takes_times:
                    raise
                remote.takes_times = False  # Then it gets the time of its sending.
            else:
                return

    async def _send_large(self, version: FileVersion, remote: RemoteBucket) -> None:
        part_bytes = part_bytes_of(version.size)
        file_id = await remote.unfinished(version)
        there = {} if file_id is None else await remote.parts(file_id)
        if file_id is None:
            file_id = await remote.start_large(version)
        sha1s = []
        for number, start in enumerate(range(0, version.size, part_bytes), 1):
            part = Part(self._files, version, start, min(start + part_bytes, version.size))
            size, sha1 = there.get(number, (None, ""))
            if size != part.size or await part.digest() != sha1:
                await remote.upload_part(file_id, number, part)
            sha1s.append(part.sha1)
        await remote.finish_large(file_id, sha1s)

    async def _bytes(self, version: FileVersion, first: int, end: int) -> bytes:
        body = await self._files.read(version, first, end)
        return body if isinstance(body, bytes) else b"".join([block async for block in body])


class _RuleRefused(Refused):
    """Why the rule as a whole cannot be carried out."""


def _check_name(reader: Principal, ready: Ready, version: FileVersion) -> None:
    try:
        authorize(reader, Operation.READ_FILE, ready.bucket, version.name)
    except Unauthorized:
        raise Refused("The source key may not read a file of this name") from None


def _to_send(version: FileVersion, reader: Principal, now_ms: int) -> FileVersion:
    """The version with the lock that it has now: what has ended cannot be asked for any more. Raises `Refused`."""
    retention = version.retention if version.retention is not None and version.retention.until_ms > now_ms else None
    hold = version.legal_hold or None
    for is_set, what in ((retention is not None, "Retentions"), (hold is not None, "LegalHolds")):
        if is_set and not reader.can(f"readFile{what}"):
            raise Refused(f"The source key does not have the capability readFile{what}, which the file's lock needs")
    return msgspec.structs.replace(version, retention=retention, legal_hold=hold)
