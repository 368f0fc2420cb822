"""Replication within this installation: what waits under the rules of buckets gets its replica (reference, section 16).

Each rule has a queue, which versions join in the transaction that makes them. A step is one small transaction, in which all is
judged as it is then: the rule, the two keys in whose names is read and written, both buckets, and the version. The same
transaction makes the replica, takes the version out of the queue and changes its status, so that a crash costs nothing and
repeats nothing.

What refuses a rule as a whole (a key or a bucket that is gone) puts the rule off, with growing waits, and fails what waits
once it has lasted. What refuses one version fails that one. Failures are tried again a day later, or when an operator says so.
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft import limits
from undercroft.catalog import buckets, caps, replications, usage, versions
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.replications import WaitingRow
from undercroft.catalog.versions import VersionRow
from undercroft.store.ambient import Ambient
from undercroft.store.directory import Directory, bucket_of_row
from undercroft.store.errors import Unauthorized
from undercroft.store.files.lock_rules import is_locked
from undercroft.store.files.replicas import has_replica
from undercroft.store.files.service import Files
from undercroft.store.gate import Gate
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, ReplicationRule
from undercroft.store.operations import Operation
from undercroft.store.work.replication_queues import Ready, Refused, complete, fail, next_of, put_off, release
from undercroft.store.work.weights import weight_of

_NO_ROOM = "The destination bucket or its account has reached a cap"


class _Route(NamedTuple):
    """From where to where a rule replicates, and in whose names."""

    rule: ReplicationRule
    source: Bucket
    destination: Bucket
    reader: Principal
    writer: Principal


class Replications:
    """Makes the replicas that rules of buckets ask for."""

    def __init__(self, catalog: Catalog, gate: Gate, files: Files, directory: Directory, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._files = files
        self._directory = directory
        self._ambient = ambient

    async def is_wanted(self) -> bool:
        """Whether there is anything to do now: a point read."""
        return bool(await replications.queues_due(self._catalog.rows, self._ambient.now_ms(), 1, is_remote=False))

    async def run(self) -> bool:
        """Do a bounded part of what is due. True where there may be more to do now."""
        now_ms = self._ambient.now_ms()
        due = await self._catalog.scan(
            lambda rows: replications.queues_due(rows, now_ms, limits.REPLICATION_QUEUES_AT_ONCE, is_remote=False)
        )
        is_more = len(due) == limits.REPLICATION_QUEUES_AT_ONCE
        for queue in due:
            is_more |= await self._turn(queue.bucket_id, queue.rule, now_ms)
        return is_more

    async def _turn(self, bucket_id: str, name: str, now_ms: int) -> bool:
        """Take some steps of a rule. True where there may be more to do now."""

        async def step(tx: Transaction) -> bool:
            return await self._step(tx, bucket_id, name, now_ms)

        for _ in range(limits.REPLICATION_TURN_STEPS):
            if not await self._gate.write(step, grows=True):
                return False
        return True

    async def _step(self, tx: Transaction, bucket_id: str, name: str, now_ms: int) -> bool:
        """Do some of what a rule's queue has to do. True where more of it may be done now."""
        ready = await next_of(tx, bucket_id, name, now_ms, is_remote=False)
        return ready if isinstance(ready, bool) else await self._replicate(tx, ready, now_ms)

    async def _replicate(self, tx: Transaction, ready: Ready, now_ms: int) -> bool:
        bucket, rule, queue, waiting = ready.bucket, ready.rule, ready.queue, ready.waiting
        try:
            route = await self._route(tx, bucket, rule)
        except Refused as refused:
            return await put_off(tx, queue, waiting, str(refused), now_ms)
        weight = 0
        for number, item in enumerate(waiting):
            found = (await versions.by_handle(tx, bucket.bucket_id, item.handle)).version
            weight += 1 if found is None else weight_of(found)
            if number and weight > limits.REPLICATION_TRANSACTION_WEIGHT:
                break
            if found is not None and not await _has_room(tx, route.destination, found):
                return await put_off(tx, queue, waiting[number:], _NO_ROOM, now_ms)
            await replications.take(tx, bucket.bucket_id, queue.rule, item.sequence)
            if found is not None:
                await self._replicate_one(tx, route, found, item, now_ms)
        if queue.attempts:
            await replications.put_queue(tx, queue._replace(attempts=0, failing_since_ms=None, reason=None))
        return True

    async def _replicate_one(
        self, tx: Transaction, route: _Route, row: VersionRow, item: WaitingRow, now_ms: int
    ) -> None:
        """Bring a version that was just taken from the queue to its end."""
        if not route.rule.covers(row.name):  # The rule has another prefix now.
            await release(tx, route.source, row, now_ms)
            return
        try:
            if not await has_replica(tx, row, route.destination.bucket_id):
                _check_version(route, row, now_ms)
                await self._files.replicate_in(tx, row, route.source, route.destination)
        except Refused as refused:
            await fail(tx, row, route.rule.replication_rule_name, item, str(refused), now_ms)
            return
        await complete(tx, row, route.rule.replication_rule_name)

    async def _route(self, tx: Transaction, bucket: Bucket, rule: ReplicationRule) -> _Route:
        """Where a rule leads to now. Raises `Refused`."""
        source = bucket.replication.as_replication_source
        assert source is not None
        reader_id = source.source_application_key_id
        reader = await self._principal(tx, reader_id, "source")
        _check(reader, Operation.READ_FILE, bucket, f"The source key {reader_id} may not read files of the bucket")
        found = await buckets.by_id(tx, rule.destination_bucket_id)
        if found is None:
            raise Refused(f"The destination bucket {rule.destination_bucket_id} does not exist")
        destination = await bucket_of_row(tx, found)
        half = destination.replication.as_replication_destination
        writer_id = None if half is None else half.source_to_destination_key_mapping.get(reader_id)
        if writer_id is None:
            raise Refused(f"The destination bucket does not take in what the source key {reader_id} reads")
        writer = await self._principal(tx, writer_id, "destination")
        _check(
            writer, Operation.WRITE_FILE, destination, f"The destination key {writer_id} may not write to the bucket"
        )
        return _Route(rule, bucket, destination, reader, writer)

    async def _principal(self, tx: Transaction, key_id: str, which: str) -> Principal:
        key = await self._directory.key_in(tx, key_id)
        if key is None:
            raise Refused(f"The {which} key {key_id} does not exist, has expired or is suspended")
        return Principal.of_key(key)


def _check(principal: Principal, operation: Operation, bucket: Bucket, reason: str, name: str | None = None) -> None:
    try:
        authorize(principal, operation, bucket, name)
    except Unauthorized:
        raise Refused(reason) from None


def _check_version(route: _Route, row: VersionRow, now_ms: int) -> None:
    """Raise `Refused` for a version that this route may not take."""
    name = row.name.decode()
    _check(route.reader, Operation.READ_FILE, route.source, "The source key may not read a file of this name", name)
    _check(
        route.writer,
        Operation.WRITE_FILE,
        route.destination,
        "The destination key may not write a file of this name",
        name,
    )
    if not route.destination.lock.enabled:
        if is_locked(row, now_ms):
            raise Refused("The file is locked, and the destination bucket has no Object Lock")
        return
    for is_set, what in ((row.retention_mode is not None, "Retentions"), (row.legal_hold is not None, "LegalHolds")):
        if is_set and not route.reader.can(f"readFile{what}"):
            raise Refused(f"The source key does not have the capability readFile{what}, which the file's lock needs")
        if is_set and not route.writer.can(f"writeFile{what}"):
            raise Refused(
                f"The destination key does not have the capability writeFile{what}, which the file's lock needs"
            )


async def _has_room(rows: Rows, destination: Bucket, row: VersionRow) -> bool:
    """Whether the destination and its account may hold the replica besides what they hold."""
    if destination.caps is not None:
        held, may = await usage.of_bucket(rows, destination.bucket_id), destination.caps
        if may.size_bytes is not None and held.size_bytes + row.size > may.size_bytes:
            return False
        if may.files is not None and held.files + 1 > may.files and row.action == versions.UPLOAD:
            return False
    of_account = await caps.find(rows, destination.account_id)
    if of_account.storage is None and of_account.files is None:
        return True
    held_by_account = await usage.of_account(rows, destination.account_id)
    if of_account.files is not None and held_by_account.files + 1 > of_account.files and row.action == versions.UPLOAD:
        return False
    cap = of_account.storage
    return cap is None or not row.size or held_by_account.size_bytes + row.size <= cap
