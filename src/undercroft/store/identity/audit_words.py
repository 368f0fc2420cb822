"""Caps and keys in words, by name, for the audit log to tell what they were and what they are. What is not set is left out."""

from __future__ import annotations

from collections.abc import Mapping

from undercroft.store.accounting.model import CATEGORIES, UNITS, Caps, Quotas, SoftLimits, moment
from undercroft.store.identity.access_types import in_order
from undercroft.store.model import ApplicationKey


def of_caps(caps: Caps) -> dict[str, str]:
    """Caps of an account."""
    amounts = {category: getattr(caps, category) for category in CATEGORIES}
    return {
        category.replace("_", " "): f"{amount:,} {UNITS[category]}"
        for category, amount in amounts.items()
        if amount is not None
    }


def of_quotas(quotas: Quotas) -> dict[str, str]:
    """Caps by the day of a bucket or a key."""
    return {
        f"cap on {'requests' if category == 'requests' else f'{category}s'} a day": f"{amount:,} {UNITS[category]}"
        for category, amount in quotas.amounts.items()
    }


def of_soft_limits(soft: SoftLimits) -> dict[str, str]:
    """Soft limits of an account, a bucket or a key."""
    return {
        f"soft limit on {category.replace('_', ' ')}": f"{amount:,} {UNITS[category]}"
        for category, amount in soft.items()
    }


def of_key(key: ApplicationKey, bucket_names: Mapping[str, str]) -> dict[str, str]:
    """What a key is and may do. `bucket_names` are by id."""
    ids = key.bucket_ids
    words = {
        "key ID": key.key_id,
        "name": key.name,
        "buckets": "all" if ids is None else ", ".join(bucket_names.get(one, one) for one in ids),
        "capabilities": ", ".join(in_order(key.capabilities)),
        "prefix": key.name_prefix or "",
        "expires": "" if key.expires_ms is None else f"{moment(key.expires_ms):%Y-%m-%d %H:%M:%S} UTC",
    }
    return {name: text for name, text in words.items() if text}
