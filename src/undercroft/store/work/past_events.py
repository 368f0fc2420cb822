"""Events that were delivered or given up, and sending them again when their receiver has lost or missed them.

They are kept for a while (`PAST_EVENTS_KEPT_S`), without whatever is secret of their rule: where they go, and how they are signed, is
as the rule says when they are sent. What is to be sent again comes in at the end of the rule's queue, with the id it had, and
then fares as any other event does.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from undercroft import limits
from undercroft.catalog import outbox, past_events
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.catalog.past_events import PastEvent
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.notifications import rule_named
from undercroft.store.errors import InvalidRequest
from undercroft.store.gate import Gate
from undercroft.store.identity.deeds import Deeds, name_of
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket
from undercroft.store.operations import Operation
from undercroft.store.work.event_messages import event_id


class Kept(NamedTuple):
    """How many events can be sent again: of each entry of the log that has any, and those given up among them."""

    of_entries: dict[int, int]
    given_up: int


class Shown(NamedTuple):
    """A past event, with the id that its receiver knows it by."""

    event_id: str
    past: PastEvent


class PastEvents:
    """The past events of all rules."""

    def __init__(self, catalog: Catalog, gate: Gate, deeds: Deeds, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._deeds = deeds
        self._ambient = ambient

    async def kept(self, principal: Principal, bucket: Bucket, rule_name: str) -> Kept:
        """What there is of a rule. Raises `NoSuchRule` and `Unauthorized`."""
        key = await self._entered(principal, bucket, rule_name)
        of_entries = await self._catalog.scan(lambda rows: past_events.counts(rows, *key))
        given_up = await self._catalog.scan(lambda rows: past_events.given_up(rows, *key))
        return Kept(of_entries, sum(count for _, count in given_up))

    async def of_entry(
        self, principal: Principal, bucket: Bucket, rule_name: str, number: int, after_sequence: int = 0
    ) -> list[Shown]:
        """A page of the events that an entry of the log delivered or gave up, in order. Raises `NoSuchRule` and `Unauthorized`."""
        key = await self._entered(principal, bucket, rule_name)
        found = await self._catalog.scan(
            lambda rows: past_events.of_entry(rows, *key, number, after_sequence, limits.EVENTS_PAGE_MAX)
        )
        return [Shown(event_id(*key, past.first_sequence, past.event), past) for past in found]

    async def send_again(
        self,
        principal: Principal,
        bucket: Bucket,
        rule_name: str,
        number: int | None = None,
        chosen: Collection[int] | None = None,
    ) -> int:
        """Have events delivered again, in their order, after whatever waits already. How many there are.

        They are those of the entry `number` of the log, of which some may be `chosen` by their sequences; or all that were given
        up, where no entry is named. What waits already is not there to be asked for twice. A rule that is suspended sends
        when that ends. Raises `NoSuchRule`, `Unauthorized`, and `InvalidRequest` for a rule that is not enabled, or has as many events
        waiting as it may: entries are then moved as far as there is room.
        """
        if chosen is not None and len(chosen) > limits.EVENTS_PAGE_MAX:
            raise InvalidRequest(f"At most {limits.EVENTS_PAGE_MAX} events can be chosen at once.")
        async with self._deeds.of(principal, "Send events again", name_of(principal, bucket)) as deed:
            if number is None:
                key = await self._entered(principal, bucket, rule_name)
                entries = [one for one, _ in await self._catalog.scan(lambda rows: past_events.given_up(rows, *key))]
            else:
                entries = [number]
            sent = 0
            for place, entry in enumerate(entries):
                is_last = place == len(entries) - 1

                async def change(
                    tx: Transaction, now: Bucket | None, entry: int = entry, sent: int = sent, is_last: bool = is_last
                ) -> int:
                    assert now is not None
                    moved = await self._move(tx, now, rule_name, entry, chosen)
                    if is_last:
                        await deed.done(tx, details={"rule": rule_name, "events": f"{sent + moved:,}"})
                    return moved

                sent += await self._gate.commit_in(principal, Operation.WRITE_NOTIFICATIONS, bucket, None, change)
            return sent

    async def _move(
        self, tx: Transaction, bucket: Bucket, rule_name: str, number: int, chosen: Collection[int] | None
    ) -> int:
        rule = rule_named(bucket, rule_name)
        if not rule.is_enabled:
            raise InvalidRequest(f"The rule {rule_name} is not enabled, so nothing is sent for it.")
        moved = await past_events.move_to_queue(
            tx, bucket.bucket_id, rule.rule_id, number, chosen, self._ambient.now_ms()
        )
        if moved and await outbox.count(tx, bucket.bucket_id, rule.rule_id) > limits.EVENTS_WAITING_MAX:
            # What waits would be dropped for it.
            raise InvalidRequest(
                f"At most {limits.EVENTS_WAITING_MAX:,} events of a rule can wait, and that many do. Try again when some are delivered."
            )
        return moved

    async def _entered(self, principal: Principal, bucket: Bucket, rule_name: str) -> tuple[str, str]:
        fresh = await self._gate.enter(principal, Operation.READ_NOTIFICATIONS, bucket)
        assert fresh is not None
        return fresh.bucket_id, rule_named(fresh, rule_name).rule_id
