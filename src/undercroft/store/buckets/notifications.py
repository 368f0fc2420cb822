"""The notification rules of buckets: set, got, and opened for whoever delivers.

They are a document of their bucket, so that every change of a file has them at hand. Where a rule's events go is in it only
wrapped, under the rule's own id.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from undercroft.catalog import buckets, invalidations, orphaned_rules, outbox
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.keyring import Keyring
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.in_words import of_notification_rules
from undercroft.store.buckets.notification_rules import Rule, Target, check_rules
from undercroft.store.buckets.orphaned_rules import document_of, rule_of
from undercroft.store.buckets.service import Buckets
from undercroft.store.directory import bucket_of_row
from undercroft.store.errors import NoSuchBucket, NoSuchRule
from undercroft.store.gate import Gate
from undercroft.store.identity.deeds import Deeds, name_of
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, NotificationRule
from undercroft.store.operations import Operation

DOCUMENT = "notifications"
_RULE_ID_BYTES = 8
_target_decoder = msgspec.json.Decoder(Target)


class Notifications:
    """The notification rules of all buckets."""

    def __init__(
        self, catalog: Catalog, gate: Gate, deeds: Deeds, buckets_: Buckets, keyring: Keyring, ambient: Ambient
    ) -> None:
        self._catalog = catalog
        self._gate = gate
        self._deeds = deeds
        self._buckets = buckets_
        self._keyring = keyring
        self._ambient = ambient

    async def rules(self, principal: Principal, bucket_id: str) -> list[Rule]:
        """The rules of a bucket, in the order in which they were set. Raises `NoSuchBucket` and `Unauthorized`."""
        bucket = await self._buckets.find(bucket_id=bucket_id)
        fresh = await self._gate.enter(principal, Operation.READ_NOTIFICATIONS, bucket)
        assert fresh is not None
        return await self._opened(self._catalog.rows, fresh)

    async def set_rules(self, principal: Principal, bucket_id: str, rules: Sequence[Rule]) -> list[Rule]:
        """Replace the rules of a bucket, and answer them as they are then.

        A rule of a name that was there before is the same rule: what waits for it stays. No rule is suspended any more.
        One that is not enabled keeps what waits for it until it is, or is gone. Raises `InvalidRequest` and the errors of event types.
        """
        bucket = await self._buckets.find(bucket_id=bucket_id)
        async with self._deeds.of(principal, "Change notification rules", name_of(principal, bucket)) as deed:
            check_rules(rules)
            fresh_ids = {rule.name: self._ambient.random_bytes(_RULE_ID_BYTES).hex() for rule in rules}
            now_ms = self._ambient.now_ms()

            async def change(tx: Transaction, bucket_now: Bucket) -> list[Rule]:
                opened_before = await self._opened(tx, bucket_now)
                before = {rule.name: rule.rule_id for rule in bucket_now.notification_rules}
                kept = [self._wrapped(bucket_id, before.get(rule.name, fresh_ids[rule.name]), rule) for rule in rules]
                await buckets.put_document(tx, bucket_id, DOCUMENT, msgspec.json.encode(kept).decode())
                await invalidations.add(tx, f"bucket:{bucket_id}", now_ms)
                for rule_id in set(before.values()) - {rule.rule_id for rule in kept}:
                    await outbox.remove(tx, bucket_id, rule_id)
                for rule in kept:
                    if rule.is_enabled:
                        await outbox.restart(tx, bucket_id, rule.rule_id, now_ms)
                    else:
                        await outbox.halt(tx, bucket_id, rule.rule_id)
                row = await buckets.by_id(tx, bucket_id)
                if row is None:
                    raise NoSuchBucket(bucket_id)
                opened = await self._opened(tx, await bucket_of_row(tx, row))
                await deed.done(tx, before=of_notification_rules(opened_before), after=of_notification_rules(opened))
                return opened

            return await self._gate.commit_in(principal, Operation.WRITE_NOTIFICATIONS, bucket, None, change)

    def target_of(self, bucket_id: str, rule: NotificationRule) -> Target:
        """Where a rule's events go."""
        return _target_decoder.decode(self._keyring.unwrap(rule.wrapped_target, _context(bucket_id, rule.rule_id)))

    async def rewrap_next(self, tx: Transaction, start_bucket_id: str, now_ms: int) -> tuple[int, str | None]:
        """Put the targets of the next bucket that has rules, from this id on, under the current master key.

        Answers how many were under another, and the id of the bucket; None where there are no more.
        """
        bucket_id = await buckets.first_with_document(tx, DOCUMENT, empty="[]", start=start_bucket_id)
        row = None if bucket_id is None else await buckets.by_id(tx, bucket_id)
        if bucket_id is None or row is None:
            return 0, None
        rules = (await bucket_of_row(tx, row)).notification_rules
        stale = sum(not self._keyring.is_current(rule.wrapped_target) for rule in rules)
        if stale:
            renewed = [msgspec.structs.replace(rule, wrapped_target=self._rewrapped(bucket_id, rule)) for rule in rules]
            await buckets.put_document(tx, bucket_id, DOCUMENT, msgspec.json.encode(renewed).decode())
            await invalidations.add(tx, f"bucket:{bucket_id}", now_ms)
        return stale, bucket_id

    async def rewrap_orphans(
        self, tx: Transaction, after: tuple[str, str], limit: int
    ) -> tuple[int, tuple[str, str] | None]:
        """The same of rules whose buckets are deleted, from the one after this bucket and rule on, some at a time.

        To be called when those of buckets are done: a rule that is orphaned behind this walk then has been rewrapped before.
        """
        found = await orphaned_rules.after(tx, *after, limit)
        count = 0
        for row in found:
            rule = rule_of(row)
            if not self._keyring.is_current(rule.wrapped_target):
                renewed = msgspec.structs.replace(rule, wrapped_target=self._rewrapped(row.bucket_id, rule))
                await orphaned_rules.set_rule(tx, row.bucket_id, row.rule_id, document_of(renewed))
                count += 1
        return count, (found[-1].bucket_id, found[-1].rule_id) if len(found) == limit else None

    def _rewrapped(self, bucket_id: str, rule: NotificationRule) -> bytes:
        return self._keyring.rewrap(rule.wrapped_target, _context(bucket_id, rule.rule_id))

    def _wrapped(self, bucket_id: str, rule_id: str, rule: Rule) -> NotificationRule:
        return NotificationRule(
            rule_id=rule_id,
            name=rule.name,
            event_types=rule.event_types,
            is_enabled=rule.is_enabled,
            object_name_prefix=rule.object_name_prefix,
            max_events_per_batch=rule.max_events_per_batch,
            wrapped_target=self._keyring.wrap(msgspec.json.encode(rule.target), _context(bucket_id, rule_id)),
        )

    async def _opened(self, rows: Rows, bucket: Bucket) -> list[Rule]:
        queues = {queue.rule_id: queue for queue in await outbox.queues_of(rows, bucket.bucket_id)}
        return [
            Rule(
                name=rule.name,
                event_types=rule.event_types,
                is_enabled=rule.is_enabled,
                object_name_prefix=rule.object_name_prefix,
                max_events_per_batch=rule.max_events_per_batch,
                target=self.target_of(bucket.bucket_id, rule),
                suspension_reason=queues[rule.rule_id].suspension_reason if rule.rule_id in queues else None,
            )
            for rule in bucket.notification_rules
        ]


def rule_named(bucket: Bucket, name: str) -> NotificationRule:
    """The rule of this name. Raises `NoSuchRule`."""
    for rule in bucket.notification_rules:
        if rule.name == name:
            return rule
    raise NoSuchRule(f"The bucket {bucket.name} has no event notification rule named {name}")


def _context(bucket_id: str, rule_id: str) -> str:
    return f"notification:{bucket_id}:{rule_id}"
