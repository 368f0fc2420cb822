"""Event notification rules: set and get (reference, 8.13, 8.25, 17.1). The store says which it takes."""

from __future__ import annotations

from typing import Any

import msgspec

from undercroft.native.bodies import Body
from undercroft.native.call import Answer, Call
from undercroft.native.errors import BadRequest
from undercroft.store.buckets.notification_rules import Header, Rule, Target

WEBHOOK = "webhook"
BATCH_DEFAULT = 1


class CustomHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A header to send along."""

    name: str
    value: str


class TargetConfiguration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Where events go. The documentation has `maxEventsPerBatch` in the rule, and the SDK for Java has it here."""

    target_type: str
    url: str
    custom_headers: list[CustomHeader] | None = None
    hmac_sha256_signing_secret: str | None = None
    max_events_per_batch: int | None = None

    def __repr__(self) -> str:
        return "TargetConfiguration(…)"


class NotificationRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One rule. Whether it is suspended and why is the server's to say, and what a client says of it is ignored."""

    name: str
    event_types: list[str]
    is_enabled: bool
    object_name_prefix: str
    target_configuration: TargetConfiguration
    max_events_per_batch: int | None = None
    is_suspended: bool | None = None
    suspension_reason: str | None = None

    def as_rule(self) -> Rule:
        """The rule in the store's words. Raises `BadRequest`."""
        target = self.target_configuration
        if target.target_type != WEBHOOK:
            raise BadRequest(f"Invalid targetType {target.target_type[:100]!r}: only webhook is supported")
        given = [number for number in (self.max_events_per_batch, target.max_events_per_batch) if number is not None]
        if len(set(given)) > 1:
            raise BadRequest(f"The rule {self.name[:100]!r} has two different values of maxEventsPerBatch")
        headers = target.custom_headers
        return Rule(
            name=self.name,
            event_types=tuple(self.event_types),
            is_enabled=self.is_enabled,
            object_name_prefix=self.object_name_prefix,
            max_events_per_batch=given[0] if given else BATCH_DEFAULT,
            target=Target(
                url=target.url,
                custom_headers=None if headers is None else tuple(Header(one.name, one.value) for one in headers),
                signing_secret=target.hmac_sha256_signing_secret,
                max_events_per_batch=target.max_events_per_batch,
            ),
        )


class GetNotificationRules(Body):
    """The body of `b2_get_bucket_notification_rules`."""

    bucket_id: str


class SetNotificationRules(Body):
    """The body of `b2_set_bucket_notification_rules`."""

    bucket_id: str
    event_notification_rules: list[NotificationRule]


async def get_notification_rules(call: Call, body: GetNotificationRules) -> Answer:
    """The rules of a bucket."""
    return _answer(body.bucket_id, await call.store.notifications.rules(call.principal, body.bucket_id))


async def set_notification_rules(call: Call, body: SetNotificationRules) -> Answer:
    """Replace the rules of a bucket, all of them."""
    rules = [rule.as_rule() for rule in body.event_notification_rules]
    return _answer(body.bucket_id, await call.store.notifications.set_rules(call.managing, body.bucket_id, rules))


def _answer(bucket_id: str, rules: list[Rule]) -> Answer:
    return {"bucketId": bucket_id, "eventNotificationRules": [_rule_shape(rule) for rule in rules]}


def _rule_shape(rule: Rule) -> dict[str, Any]:
    headers = rule.target.custom_headers
    target: dict[str, Any] = {
        "customHeaders": None if headers is None else [{"name": one.name, "value": one.value} for one in headers],
        "hmacSha256SigningSecret": rule.target.signing_secret,
        "targetType": WEBHOOK,
        "url": rule.target.url,
    }
    if rule.target.max_events_per_batch is not None:
        target["maxEventsPerBatch"] = rule.target.max_events_per_batch
    return {
        "eventTypes": rule.event_types,
        "isEnabled": rule.is_enabled,
        "isSuspended": rule.suspension_reason is not None,
        "maxEventsPerBatch": rule.max_events_per_batch,
        "name": rule.name,
        "objectNamePrefix": rule.object_name_prefix,
        "suspensionReason": rule.suspension_reason or "",
        "targetConfiguration": target,
    }
