"""What is sent for events: the JSON document and its signature (B2 Native API reference, section 17.3)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import msgspec

from undercroft import __version__
from undercroft.catalog.outbox import Event, Waiting
from undercroft.store.buckets.notification_rules import TEST_EVENT, Target
from undercroft.store.buckets.orphaned_rules import Origin
from undercroft.store.model import NotificationRule

SIGNATURE_HEADER = "X-Bz-Event-Notification-Signature"
_EVENT_VERSION = 1


def message(origin: Origin, rule: NotificationRule, events: Sequence[Waiting]) -> bytes:
    """The body for some events of a rule's queue, in order.

    An event has the same id each time it is sent, so that a receiver can tell what it has had already.
    """
    return _body(
        _described(
            origin,
            rule,
            event_id=event_id(origin.bucket_id, rule.rule_id, first_sequence, event),
            event_type=event.event_type,
            at_ms=event.at_ms,
            name=event.name.decode(),
            size=event.size,
            file_id=event.file_id,
        )
        for _, first_sequence, _, event in events
    )


def test_message(origin: Origin, rule: NotificationRule, event_id: str, now_ms: int) -> bytes:
    """The body that tries a rule's target."""
    described = _described(
        origin, rule, event_id=event_id, event_type=TEST_EVENT, at_ms=now_ms, name=None, size=None, file_id=None
    )
    return _body([described])


def headers_of(target: Target, body: bytes) -> list[tuple[str, bytes]]:
    """The headers to send: the rule's own win over ours, but none of them can be a signature."""
    own = {
        "content-type": ("Content-Type", "application/json"),
        "user-agent": ("User-Agent", f"undercroft/{__version__}"),
    }
    for header in target.custom_headers or ():
        own[header.name.lower()] = (header.name, header.value)
    headers = [(name, value.encode()) for name, value in own.values()]
    if target.signing_secret is not None:
        signature = hmac.digest(target.signing_secret.encode(), body, "sha256").hex()
        headers.append((SIGNATURE_HEADER, f"v1={signature}".encode()))
    return headers


def _body(events: Any) -> bytes:
    return msgspec.json.encode({"events": list(events)})


def _described(
    origin: Origin,
    rule: NotificationRule,
    *,
    event_id: str,
    event_type: str,
    at_ms: int,
    name: str | None,
    size: int | None,
    file_id: str | None,
) -> dict[str, Any]:
    return {
        "accountId": origin.account_id,
        "bucketId": origin.bucket_id,
        "bucketName": origin.bucket_name,
        "eventId": event_id,
        "eventTimestamp": at_ms,
        "eventType": event_type,
        "eventVersion": _EVENT_VERSION,
        "matchedRuleName": rule.name,
        "objectName": name,
        "objectSize": size,
        "objectVersionId": file_id,
    }


def event_id(bucket_id: str, rule_id: str, first_sequence: int, event: Event) -> str:
    """What receivers know an event by: the same each time it is sent."""
    facts = (bucket_id, rule_id, first_sequence, event.file_id, event.at_ms)
    return hashlib.sha256(" ".join(map(str, facts)).encode()).hexdigest()
