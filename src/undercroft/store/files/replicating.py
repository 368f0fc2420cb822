"""Which versions are replicated, and what a change of one leaves for the replication to do (reference, section 16).

A version's status is part of its row from the beginning. The rows that say what is to be done are of the same transaction, so
no version under a rule is ever forgotten. The work itself is `store/work/replication.py`.
"""

from __future__ import annotations

from undercroft.catalog import replications, versions
from undercroft.catalog.contract import Transaction
from undercroft.catalog.versions import VersionRow
from undercroft.store.files.encryption import encryption_of
from undercroft.store.files.happenings import Happening
from undercroft.store.model import SSE_C, Bucket

# What is copied elsewhere: what callers make. Lifecycle rules act on each side for themselves, and replicas go no further, so
# that buckets may be replicated in a circle.
_REPLICATED = frozenset({Happening.UPLOAD, Happening.MULTIPART_UPLOAD, Happening.COPY, Happening.HIDE})


def can_be_replicated(row: VersionRow) -> bool:
    """Whether a finished version is one that rules speak of at all: replicas are not, nor what only a customer's key opens."""
    if row.encryption is not None and encryption_of(row.encryption).mode == SSE_C:
        return False
    return row.action != versions.START and row.replication_status != versions.REPLICA


def marked(row: VersionRow, bucket: Bucket, happening: Happening) -> VersionRow:
    """The row of a version about to be added, with its replication pending where a rule of the bucket covers it."""
    source = bucket.replication.as_replication_source
    if source is None or happening not in _REPLICATED or not can_be_replicated(row) or not source.rules_for(row.name):
        return row
    return row._replace(replication_status=versions.PENDING)


async def queue(tx: Transaction, bucket: Bucket, row: VersionRow, now_ms: int) -> None:
    """Put a version that `marked` has marked into the queue of each rule that covers it."""
    source = bucket.replication.as_replication_source
    assert source is not None
    for rule in source.rules_for(row.name):
        await replications.add(
            tx, row.bucket_id, rule.replication_rule_name, row.handle, now_ms, due_ms=now_ms, may_be_there=False
        )


async def forget(tx: Transaction, row: VersionRow) -> None:
    """Let nothing wait for a version that is removed."""
    if row.replication_status in {versions.PENDING, versions.FAILED}:
        await replications.forget(tx, row.bucket_id, row.handle)


async def set_status(tx: Transaction, row: VersionRow, otherwise: int | None) -> None:
    """Let a version say of its replication what its queues and failures say, or this where they have nothing."""
    status = otherwise
    if await replications.waits(tx, row.bucket_id, row.handle):
        status = versions.PENDING
    elif await replications.has_failed(tx, row.bucket_id, row.handle):
        status = versions.FAILED
    if status != row.replication_status:
        await versions.set_replication_status(tx, row, status)
