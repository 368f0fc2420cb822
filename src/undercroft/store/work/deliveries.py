"""Events delivered to the targets of notification rules: at least once, and for each rule in the order in which they happened.

Each rule has a queue (`catalog/outbox.py`). A turn of a rule takes the oldest events, as many as the rule wants at once, sends
them, and removes them in the transaction that notes the success; whoever dies in between leaves them to be sent again. What was
sent, and what was given up, is kept for a while (`past_events.py`). After
a failure the whole rule waits, longer each time, and nothing overtakes what failed. Rules do not wait for one another.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import structlog

from undercroft import limits
from undercroft.catalog import buckets, deliveries, orphaned_rules, outbox, past_events
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.deliveries import DeliveryRow
from undercroft.catalog.outbox import QueueRow, Waiting
from undercroft.outgoing.contract import Visit, Visitor
from undercroft.store.accounting.meter import Meter
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.buckets.notifications import Notifications, rule_named
from undercroft.store.buckets.orphaned_rules import Origin, find_rule, origin_of
from undercroft.store.directory import bucket_of_row
from undercroft.store.errors import TransactionCapExceeded
from undercroft.store.gate import Gate
from undercroft.store.model import Bucket, NotificationRule
from undercroft.store.work.event_messages import headers_of, message, test_message
from undercroft.store.work.sending import Outcome, backoff_s, send
from undercroft.store.work.turns import Turns

_log = structlog.get_logger(__name__)

CALL = "event_notification"  # What a delivery is called where transactions are counted.
EVENTS, TEST, DROPPED = "events", "test", "dropped"
_EVENT_ID_BYTES = 32
_QUEUES_PAGE = 500
_Key = tuple[str, str, str]  # Account, bucket and rule.


class _Batch(NamedTuple):
    """Events that are due, and all that is needed to send them."""

    origin: Origin
    rule: NotificationRule
    queue: QueueRow
    events: list[Waiting]


class _Settled(NamedTuple):
    """What came of a batch: whether there is more to send now, and whether the rest was given up for good."""

    goes_on: bool = False
    gave_up: bool = False


class Deliveries:
    """Delivers the events of all rules."""

    def __init__(
        self,
        catalog: Catalog,
        gate: Gate,
        notifications: Notifications,
        ambient: Ambient,
        meter: Meter,
        visit: Visit,
    ) -> None:
        self._catalog = catalog
        self._gate = gate
        self._notifications = notifications
        self._ambient = ambient
        self._visit = visit
        self._meter = meter
        self._turns: Turns[_Key] = Turns(
            limits.DELIVERY_RULES_AT_ONCE,
            group_of=lambda key: key[0],
            at_once_of_group=limits.DELIVERY_RULES_OF_ACCOUNT_AT_ONCE,
        )
        self._stopping = False

    # -- For the steward ----------------------------------------------------------------------------------------------
    async def is_wanted(self) -> bool:
        """Whether there is anything to do, or to hear of."""
        return bool(self._turns) or bool(await self._due(1))

    async def run(self) -> None:
        """Begin a turn of each rule that is due and has none under way. Turns go on after this returns.

        Raises what a turn has raised since the last time: what it could not note as delivered is sent again.
        """
        self._turns.end_those_done()
        self._turns.begin(await self._due(limits.DELIVERY_RULES_AT_ONCE + len(self._turns)), self._turn)

    async def stop(self) -> None:
        """End the turns that are under way: what is on its way is waited for, no longer than any target may take."""
        self._stopping = True
        await self._turns.stop(patience_s=limits.TARGET_TIMEOUT_S)

    async def finish_turns(self) -> None:
        """Return when no turn is under way. Raises what one has raised."""
        await self._turns.finish()

    async def prune(self) -> int:
        """Give up events that nobody will take any more: they wait for too long, or are more than a queue may hold. And forget those
        that are past for too long, or too many. How many; 0 when all is done.
        """
        place, dropped = ("", ""), 0
        while page := await self._queues_after(place):
            for queue in page:
                dropped += await self._prune(queue) + await self._forget_past(queue)
            place = page[-1].bucket_id, page[-1].rule_id
        return dropped

    # -- For the operator and the console -----------------------------------------------------------------------------
    async def test(self, bucket: Bucket, rule_name: str) -> Outcome:
        """Send a test event to a rule's target now, whatever its queue, and log it. Raises `NoSuchRule`."""
        rule = rule_named(bucket, rule_name)
        target = self._notifications.target_of(bucket.bucket_id, rule)
        event_id = self._ambient.random_bytes(_EVENT_ID_BYTES).hex()
        visitor = self._visit(target.url)
        try:
            body = test_message(origin_of(bucket), rule, event_id, self._ambient.now_ms())
            outcome = await self._send(bucket.account_id, visitor, target, body)
        finally:
            await visitor.close()
        entry = self._entry(TEST, 1, 1, outcome)

        async def change(tx: Transaction) -> None:
            row = await buckets.by_id(tx, bucket.bucket_id)
            if row is None or all(
                kept.rule_id != rule.rule_id for kept in (await bucket_of_row(tx, row)).notification_rules
            ):
                return  # It was removed meanwhile, with its log.
            await deliveries.add(tx, bucket.bucket_id, rule.rule_id, entry, keep=limits.DELIVERIES_LOGGED)

        await self._gate.write(change)
        return outcome

    async def log(self, bucket: Bucket, rule_name: str) -> list[DeliveryRow]:
        """What was sent for a rule lately, newest first. Raises `NoSuchRule`."""
        rule = rule_named(bucket, rule_name)
        return await self._catalog.scan(
            lambda rows: deliveries.latest(rows, bucket.bucket_id, rule.rule_id, limits.DELIVERIES_LOGGED)
        )

    # -- A turn of a rule ---------------------------------------------------------------------------------------------
    async def _turn(self, key: _Key) -> None:
        _, bucket_id, rule_id = key
        visitor: Visitor | None = None
        url = ""
        try:
            for _ in range(limits.DELIVERY_TURN_BATCHES):
                batch = None if self._stopping else await self._next(bucket_id, rule_id)
                if batch is None:
                    return
                target = self._notifications.target_of(bucket_id, batch.rule)
                if visitor is None or target.url != url:
                    if visitor is not None:
                        await visitor.close()
                    visitor, url = self._visit(target.url), target.url
                outcome = await self._send(
                    batch.origin.account_id, visitor, target, message(batch.origin, batch.rule, batch.events)
                )
                if not await self._settle(batch, outcome):
                    return
        finally:
            if visitor is not None:
                await visitor.close()

    async def _next(self, bucket_id: str, rule_id: str) -> _Batch | None:
        """What to send next, or None where there is nothing (any more)."""

        async def query(rows: Rows) -> _Batch | None:
            queue = await outbox.queue(rows, bucket_id, rule_id)
            found = await find_rule(rows, bucket_id, rule_id)
            if found is None or queue is None or queue.due_ms is None:
                return None
            origin, rule = found
            return _Batch(origin, rule, queue, await outbox.head(rows, bucket_id, rule_id, rule.max_events_per_batch))

        batch = await self._catalog.scan(query)
        if batch is not None and not batch.events:  # They were dropped: too old.
            await self._gate.write(lambda tx: _go_on(tx, bucket_id, rule_id, self._ambient.now_ms()))
            return None
        return batch

    async def _send(self, account_id: str, visitor: Visitor, target: Target, body: bytes) -> Outcome:
        """Send a body to a target, which is a transaction of class B. Here alone something leaves for a target.

        Where a cap would be passed nothing is sent, as if the target could not be reached.
        """
        try:
            self._meter.charge(account_id, CALL, "B")
        except TransactionCapExceeded:
            return Outcome(None, 0, "The cap on transactions of class B is reached")
        return await send(visitor, headers_of(target, body), body, self._ambient, account=account_id)

    async def _settle(self, batch: _Batch, outcome: Outcome) -> bool:
        """Note what came of a batch, in one transaction. Whether there is more to send now."""
        bucket_id, rule_id = batch.queue.bucket_id, batch.queue.rule_id
        entry = self._entry(EVENTS, len(batch.events), batch.queue.attempts + 1, outcome)
        now_ms = self._ambient.now_ms()

        async def change(tx: Transaction) -> _Settled:
            if await outbox.queue(tx, bucket_id, rule_id) is None:
                return _Settled()  # The rule was removed meanwhile.
            number = await deliveries.add(tx, bucket_id, rule_id, entry, keep=limits.DELIVERIES_LOGGED)
            if outcome.error is None:
                last = batch.events[-1].sequence
                await past_events.move_here(tx, bucket_id, rule_id, last, number, now_ms, is_given_up=False)
                await outbox.forget(tx, bucket_id, rule_id, last)
                return _Settled(goes_on=await _go_on(tx, bucket_id, rule_id, now_ms))
            after = _after_failure(batch.queue, outcome.error, now_ms)
            if after.suspension_reason is not None and await orphaned_rules.end(tx, bucket_id, rule_id):
                return _Settled(gave_up=True)  # Nobody could end the suspension.
            await outbox.failed(tx, batch.queue, after)
            return _Settled()

        settled = await self._gate.write(change)
        if settled.gave_up:
            _log.warning("events of a deleted bucket given up", bucket=bucket_id, rule=rule_id)
        return settled.goes_on

    def _entry(self, kind: str, events: int, attempt: int, outcome: Outcome) -> DeliveryRow:
        return DeliveryRow(
            self._ambient.now_ms(), kind, events, attempt, outcome.status, outcome.duration_ms, outcome.error
        )

    # -- Queues -------------------------------------------------------------------------------------------------------
    async def _due(self, limit: int) -> list[_Key]:
        now_ms = self._ambient.now_ms()
        latest_ms = now_ms + int(limits.DELIVERY_BACKOFF_MAX_S * 1000)
        share = limits.DELIVERY_RULES_OF_ACCOUNT_AT_ONCE
        return await outbox.due(self._catalog.rows, now_ms, latest_ms, limit, share)

    async def _queues_after(self, place: tuple[str, str]) -> list[QueueRow]:
        return await self._catalog.scan(lambda rows: outbox.queues_after(rows, *place, _QUEUES_PAGE))

    async def _prune(self, queue: QueueRow) -> int:
        bucket_id, rule_id = queue.bucket_id, queue.rule_id
        now_ms = self._ambient.now_ms()
        oldest_ms = now_ms - limits.EVENT_KEPT_S * 1000
        first_kept = queue.last_sequence - limits.EVENTS_WAITING_MAX + 1

        async def change(tx: Transaction) -> int:
            head = await outbox.head(tx, bucket_id, rule_id, limits.EVENTS_DROPPED_AT_ONCE)
            gone = [one.sequence for one in head if one.since_ms < oldest_ms or one.sequence < first_kept]
            if gone:
                entry = self._entry(DROPPED, len(gone), 1, Outcome(None, 0, "Not delivered for too long, or too many"))
                number = await deliveries.add(tx, bucket_id, rule_id, entry, keep=limits.DELIVERIES_LOGGED)
                await past_events.move_here(tx, bucket_id, rule_id, gone[-1], number, now_ms, is_given_up=True)
                await outbox.forget(tx, bucket_id, rule_id, gone[-1])
            return len(gone)

        if not await self._catalog.scan(lambda rows: _is_prunable(rows, queue, oldest_ms, first_kept)):
            return 0
        return await self._gate.write(change)

    async def _forget_past(self, queue: QueueRow) -> int:
        bounds = self._ambient.now_ms() - limits.PAST_EVENTS_KEPT_S * 1000, limits.EVENTS_GIVEN_UP_MAX
        key = queue.bucket_id, queue.rule_id
        if not await self._catalog.scan(lambda rows: past_events.is_any_stale(rows, *key, *bounds)):
            return 0
        return await self._gate.write(lambda tx: past_events.forget(tx, *key, *bounds, limits.EVENTS_DROPPED_AT_ONCE))


async def _go_on(tx: Transaction, bucket_id: str, rule_id: str, now_ms: int) -> bool:
    """Note a success; whether there is more to send now. An orphaned rule for which nothing waits any more ends."""
    goes_on = await outbox.succeeded(tx, bucket_id, rule_id, now_ms)
    if not goes_on:
        await orphaned_rules.end(tx, bucket_id, rule_id)
    return goes_on


async def _is_prunable(rows: Rows, queue: QueueRow, oldest_ms: int, first_kept: int) -> bool:
    head = await outbox.head(rows, queue.bucket_id, queue.rule_id, 1)
    return any(one.since_ms < oldest_ms or one.sequence < first_kept for one in head)


def _after_failure(queue: QueueRow, error: str, now_ms: int) -> QueueRow:
    """The queue after one more failure: put off, or suspended where it has gone on for too long."""
    attempts = queue.attempts + 1
    since_ms = now_ms if queue.failing_since_ms is None else min(queue.failing_since_ms, now_ms)
    after = queue._replace(attempts=attempts, failing_since_ms=since_ms)
    lasts_s = (now_ms - since_ms) / 1000
    if attempts >= limits.DELIVERY_SUSPEND_ATTEMPTS and lasts_s >= limits.DELIVERY_SUSPEND_AFTER_S:
        since = dt.datetime.fromtimestamp(since_ms // 1000, dt.UTC)
        reason = (
            f"{attempts} deliveries in a row have failed since {since:%Y-%m-%d %H:%M:%S} UTC. The last one: {error}"
        )
        return after._replace(due_ms=None, suspension_reason=reason)
    return after._replace(due_ms=now_ms + int(backoff_s(attempts) * 1000))
