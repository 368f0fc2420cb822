"""Settings of buckets and locks of versions in words, by name, for the audit log to tell what they were and what they are.

What is not set is left out. `store/identity/audit_words.py` has those of caps and keys.
"""

from __future__ import annotations

from collections.abc import Sequence

from undercroft.store.accounting.model import moment
from undercroft.store.buckets.lifecycle_rules import CANCEL, DELETE, HIDE, PREFIX
from undercroft.store.buckets.notification_rules import Rule
from undercroft.store.model import Bucket, Document, FileVersion, ReplicationRule

Words = dict[str, str]


def of_bucket(bucket: Bucket) -> Words:
    """What is set of a bucket, but for its event notifications, which say what nobody is to read."""
    default, caps, logging = bucket.lock.default_retention, bucket.caps, bucket.logging
    source, destination = bucket.replication.as_replication_source, bucket.replication.as_replication_destination
    readers = () if destination is None else destination.source_to_destination_key_mapping
    words = {
        "type": bucket.type,
        "encryption": bucket.encryption or "",
        "Object Lock": "enabled" if bucket.lock.enabled else "",
        "default retention": "" if default is None else f"{default.mode}, {default.duration} {default.unit}",
        "cap on bytes": "" if caps is None or caps.size_bytes is None else f"{caps.size_bytes:,} bytes",
        "cap on files": "" if caps is None or caps.files is None else f"{caps.files:,}",
        "access logs": "" if logging is None else f"to {logging.destination_name}, {logging.prefix or 'no prefix'}",
        **{f"info {name}": value for name, value in bucket.info.items()},
        **{f"lifecycle of {rule[PREFIX] or 'all files'}": in_a_sentence(rule) for rule in bucket.lifecycle_rules},
        **{f"CORS rule {rule['corsRuleName']}": _of_cors_rule(rule) for rule in bucket.cors_rules},
        **{
            f"replication {rule.replication_rule_name}": _of_replication_rule(rule)
            for rule in (() if source is None else source.replication_rules)
        },
        "replicas from": ", ".join(readers),
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


def of_notification_rules(rules: Sequence[Rule]) -> Words:
    """All rules of a bucket, each setting under its rule's name."""
    told = ((rule.name, of_notification_rule(rule)) for rule in rules)
    return {f"{rule} {name}": text for rule, words in told for name, text in words.items() if name != "name"}


def of_lock(version: FileVersion) -> Words:
    """The retention and the legal hold of a version."""
    retention = version.retention
    until = "" if retention is None else f"{moment(retention.until_ms):%Y-%m-%d %H:%M:%S} UTC"
    words = {
        "retention": "" if retention is None else f"{retention.mode} until {until}",
        "legal hold": "on" if version.legal_hold else "",
    }
    return _set(words)


def in_a_sentence(rule: Document) -> str:
    """What a lifecycle rule does."""
    hide, delete, cancel = (rule.get(name) for name in (HIDE, DELETE, CANCEL))
    deeds = []
    if hide is not None:
        deeds.append(f"hide files {_days(hide)} after their upload")
    if delete is not None:
        deeds.append(f"delete versions {_days(delete)} after they were hidden or replaced")
    if cancel is not None:
        deeds.append(f"cancel large files that are unfinished {_days(cancel)} after their start")
    subject = f"Under {rule[PREFIX]}" if rule[PREFIX] else "In the whole bucket"
    return f"{subject}: {'; '.join(deeds)}."


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _of_cors_rule(rule: Document) -> str:
    lists = {
        "origins": rule["allowedOrigins"],
        "operations": rule["allowedOperations"],
        "headers": rule.get("allowedHeaders"),
        "exposed": rule.get("exposeHeaders"),
    }
    told = [f"{name} {', '.join(texts)}" for name, texts in lists.items() if texts]
    return "; ".join([*told, f"for {rule['maxAgeSeconds']} seconds"])


def _of_replication_rule(rule: ReplicationRule) -> str:
    covered = f"files under {rule.file_name_prefix}" if rule.file_name_prefix else "all files"
    told = f"{covered} to {rule.destination_bucket_id}"
    return told if rule.is_enabled else f"{told}, paused"


def _set(words: Words) -> Words:
    return {name: text for name, text in words.items() if text}
