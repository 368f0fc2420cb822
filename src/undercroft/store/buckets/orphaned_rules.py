"""What becomes of notification rules when their bucket is deleted.

Whatever happened in the bucket was acknowledged, the removal of its last version too, so its events are still told: a rule
for which some wait stays behind with its target, its secret and the bucket's name as they were, and nobody can change it any
more. One that is suspended or not enabled goes with the bucket, and so does what waits for it: nobody is there to end that.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from undercroft import limits
from undercroft.catalog import buckets, orphaned_rules, outbox
from undercroft.catalog.contract import Rows, Transaction
from undercroft.catalog.orphaned_rules import OrphanRow
from undercroft.store.directory import bucket_of_row
from undercroft.store.model import Bucket, NotificationRule

_decoder = msgspec.json.Decoder(NotificationRule)


class Origin(NamedTuple):
    """The bucket from which events come, as their messages name it; it may be gone."""

    account_id: str
    bucket_id: str
    bucket_name: str


async def leave_behind(tx: Transaction, bucket: Bucket) -> None:
    """Keep the rules of a bucket for which events are to be delivered. It is deleted next, in the same transaction.

    Of an account no more than `ORPHANED_RULES_MAX` are kept: nobody fills the catalog by making and deleting buckets.
    """
    due = {queue.rule_id for queue in await outbox.queues_of(tx, bucket.bucket_id) if queue.due_ms is not None}
    room = limits.ORPHANED_RULES_MAX - await orphaned_rules.count(tx, bucket.account_id) if due else 0
    for rule in [rule for rule in bucket.notification_rules if rule.rule_id in due][: max(room, 0)]:
        row = OrphanRow(bucket.bucket_id, rule.rule_id, bucket.account_id, bucket.name, document_of(rule))
        await orphaned_rules.insert(tx, row)


async def find_rule(rows: Rows, bucket_id: str, rule_id: str) -> tuple[Origin, NotificationRule] | None:
    """A rule of a bucket, or one that its deleted bucket left behind, and where its events come from."""
    row = await buckets.by_id(rows, bucket_id)
    if row is not None:
        bucket = await bucket_of_row(rows, row)
        rule = next(rule for rule in bucket.notification_rules if rule.rule_id == rule_id)
        return origin_of(bucket), rule
    orphan = await orphaned_rules.find(rows, bucket_id, rule_id)
    if orphan is None:
        return None
    return Origin(orphan.account_id, orphan.bucket_id, orphan.bucket_name), rule_of(orphan)


def origin_of(bucket: Bucket) -> Origin:
    """A bucket as messages name it."""
    return Origin(bucket.account_id, bucket.bucket_id, bucket.name)


def rule_of(row: OrphanRow) -> NotificationRule:
    """The rule of a catalog row."""
    return _decoder.decode(row.rule)


def document_of(rule: NotificationRule) -> str:
    """The document of a catalog row."""
    return msgspec.json.encode(rule).decode()
