"""How far the replication of a bucket has come, and the operator's word that what failed be tried again."""

from __future__ import annotations

import msgspec

from undercroft import limits
from undercroft.catalog import replications, versions
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.replications import FailureRow, QueueRow
from undercroft.store.ambient import Ambient
from undercroft.store.files.base import version_of
from undercroft.store.files.replicating import set_status
from undercroft.store.gate import Gate
from undercroft.store.model import Bucket


class RuleReport(msgspec.Struct, frozen=True):
    """One rule of a bucket. Times are milliseconds since the epoch; `reason` is why the rule as a whole is refused now."""

    rule: str
    destination_bucket_id: str | None  # None: the rule is gone, and what waits under it is about to be let go.
    is_enabled: bool
    is_walking: bool  # Whether existing files are still being looked for.
    pending: int
    waiting_since_ms: int | None
    failed: int
    reason: str | None
    next_try_ms: int | None


class Failure(msgspec.Struct, frozen=True):
    """A version that could not be replicated, why, and when it is tried again."""

    rule: str
    name: str
    file_id: str
    failed_ms: int
    retry_ms: int
    reason: str


class ReplicationReports:
    """What an operator asks of replication."""

    def __init__(self, catalog: Catalog, gate: Gate, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient

    async def of_bucket(self, bucket: Bucket) -> list[RuleReport]:
        """Every rule of the bucket, by name, and those that are gone while something still waits under them."""
        return await self._catalog.scan(lambda rows: _reports(rows, bucket))

    async def failures(self, bucket: Bucket, limit: int) -> list[Failure]:
        """What failed, by rule and by when it is tried again."""
        return await self._catalog.scan(lambda rows: _failures(rows, bucket, limit))

    async def retry(self, bucket: Bucket, rule: str | None = None) -> int:
        """Put what failed, under this rule or under any, back into its queue. Returns how many versions."""
        names = [one.rule for one in await self.of_bucket(bucket) if rule is None or one.rule == rule]
        return sum([await self._retry(bucket.bucket_id, name) for name in names])

    async def _retry(self, bucket_id: str, rule: str) -> int:
        now_ms = self._ambient.now_ms()
        # What fails meanwhile is tried again after all that had failed before, and is left out.
        last_ms = now_ms + limits.REPLICATION_RETRY_S * 1000
        total = 0
        while True:

            async def change(tx: Transaction) -> int:
                failed = await replications.failures(tx, bucket_id, rule, limits.REPLICATION_BATCH, due_ms=last_ms)
                for failure in failed:
                    await take_up(tx, bucket_id, failure, now_ms)
                await replications.wake(tx, bucket_id, now_ms)
                return len(failed)

            done = await self._gate.write(change)
            total += done
            if done < limits.REPLICATION_BATCH:
                return total


async def take_up(tx: Transaction, bucket_id: str, failure: FailureRow, now_ms: int) -> None:
    """Put a version that failed back into its queue."""
    await replications.end_failure(tx, bucket_id, failure.handle, failure.rule)
    await replications.add(tx, bucket_id, failure.rule, failure.handle, failure.queued_ms, due_ms=now_ms)
    found = (await versions.by_handle(tx, bucket_id, failure.handle)).version
    assert found is not None, "a version's failures go with it"
    await set_status(tx, found, versions.PENDING)


async def _reports(rows: Rows, bucket: Bucket) -> list[RuleReport]:
    source = bucket.replication.as_replication_source
    queues = {queue.rule: queue for queue in await replications.queues_of(rows, bucket.bucket_id)}
    named = {} if source is None else {rule.replication_rule_name: rule for rule in source.replication_rules}
    reports = []
    for name in sorted({*queues, *named}):
        rule = named.get(name)
        queue = queues.get(name, QueueRow(bucket.bucket_id, name))
        pending, since_ms, failed = await replications.count(rows, bucket.bucket_id, name)
        reports.append(
            RuleReport(
                rule=name,
                destination_bucket_id=None if rule is None else rule.destination_bucket_id,
                is_enabled=rule is not None and rule.is_enabled,
                is_walking=rule is not None and rule.include_existing_files and queue.walk_name is not None,
                pending=pending,
                waiting_since_ms=since_ms,
                failed=failed,
                reason=queue.reason,
                next_try_ms=queue.due_ms,
            )
        )
    return reports


async def _failures(rows: Rows, bucket: Bucket, limit: int) -> list[Failure]:
    shown: list[Failure] = []
    for queue in await replications.queues_of(rows, bucket.bucket_id):
        for failure in await replications.failures(rows, bucket.bucket_id, queue.rule, limit - len(shown)):
            row = (await versions.by_handle(rows, bucket.bucket_id, failure.handle)).version
            assert row is not None, "a version's failures go with it"
            file_id = str(version_of(row, bucket).file_id)
            shown.append(
                Failure(failure.rule, row.name.decode(), file_id, failure.failed_ms, failure.retry_ms, failure.reason)
            )
    return shown
