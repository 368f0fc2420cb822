"""Settings in words, by name, for the audit log to tell what they were and what they are. What is not set is left out."""

from __future__ import annotations

from collections.abc import Mapping

from undercroft.console.bucket_settings.lifecycle_words import in_a_sentence
from undercroft.console.caps.amounts import exact, in_field
from undercroft.console.templates import count, utc
from undercroft.store.accounting.model import CATEGORIES, Caps
from undercroft.store.buckets.lifecycle_rules import PREFIX
from undercroft.store.buckets.notification_rules import Rule
from undercroft.store.identity.access_types import in_order
from undercroft.store.model import ApplicationKey, Bucket, Document

Words = dict[str, str]


def of_bucket(bucket: Bucket) -> Words:
    """What is set of a bucket, but for its event notifications and replication, which have forms of their own."""
    default, caps, logging = bucket.lock.default_retention, bucket.caps, bucket.logging
    words = {
        "type": bucket.type,
        "encryption": bucket.encryption or "",
        "Object Lock": "enabled" if bucket.lock.enabled else "",
        "default retention": "" if default is None else f"{default.mode}, {default.duration} {default.unit}",
        "cap on bytes": "" if caps is None or caps.size_bytes is None else exact(caps.size_bytes),
        "cap on files": "" if caps is None or caps.files is None else count(caps.files),
        "access logs": "" if logging is None else f"to {logging.destination_name}, {logging.prefix or 'no prefix'}",
        **{f"info {name}": value for name, value in bucket.info.items()},
        **{f"lifecycle of {rule[PREFIX] or 'all files'}": in_a_sentence(rule) for rule in bucket.lifecycle_rules},
        **{f"CORS rule {rule['corsRuleName']}": _of_cors_rule(rule) for rule in bucket.cors_rules},
    }
    return _set(words)


def of_caps(caps: Caps) -> Words:
    """Caps of an account."""
    amounts = {category: getattr(caps, category) for category in CATEGORIES}
    return {
        category.replace("_", " "): in_field(category, amount)
        for category, amount in amounts.items()
        if amount is not None
    }


def of_key(key: ApplicationKey, bucket_names: Mapping[str, str]) -> Words:
    """What a key is and may do. `bucket_names` are by id."""
    ids = key.bucket_ids
    words = {
        "key ID": key.key_id,
        "name": key.name,
        "buckets": "all" if ids is None else ", ".join(bucket_names.get(one, one) for one in ids),
        "capabilities": ", ".join(in_order(key.capabilities)),
        "prefix": key.name_prefix or "",
        "expires": "" if key.expires_ms is None else utc(key.expires_ms),
    }
    return _set(words)


def of_notification_rule(rule: Rule) -> Words:
    """A rule of event notifications. Its address, headers and secret are named so that nobody gets to read them."""
    headers = {f"secret header {header.name}": header.value for header in rule.target.custom_headers or ()}
    words = {
        "name": rule.name,
        "events": ", ".join(rule.event_types),
        "prefix": rule.object_name_prefix,
        "events at once": f"{rule.max_events_per_batch}",
        "enabled": "yes" if rule.is_enabled else "no",
        "signing secret": rule.target.signing_secret or "",
        **headers,
        "webhook url": rule.target.url,
    }
    return _set(words)


def _of_cors_rule(rule: Document) -> str:
    lists = {
        "origins": rule["allowedOrigins"],
        "operations": rule["allowedOperations"],
        "headers": rule.get("allowedHeaders"),
        "exposed": rule.get("exposeHeaders"),
    }
    told = [f"{name} {', '.join(texts)}" for name, texts in lists.items() if texts]
    return "; ".join([*told, f"for {rule['maxAgeSeconds']} seconds"])


def _set(words: Words) -> Words:
    return {name: text for name, text in words.items() if text}
