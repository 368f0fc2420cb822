"""Settings of buckets in words, as `store/identity/audit_words.py` has those of caps and keys. What is not set is left out."""

from __future__ import annotations

from undercroft.console.bucket_settings.lifecycle_words import in_a_sentence
from undercroft.console.caps.amounts import exact
from undercroft.console.templates import count
from undercroft.store.buckets.lifecycle_rules import PREFIX
from undercroft.store.buckets.notification_rules import Rule
from undercroft.store.model import Bucket, Document

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
