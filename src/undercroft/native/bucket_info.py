"""The user's map of strings on a bucket (reference, section 4.5). Its limits are the store's to judge."""

from __future__ import annotations

from undercroft.native import header_grammar
from undercroft.native.file_info import folded_keys

# The entries that give files without a Cache-Control of their own one (reference, 11.5).
CACHE_CONTROL_KEYS = ("b2-cache-control", "cache-control")


def checked_bucket_info(info: dict[str, str]) -> dict[str, str]:
    """The map with its keys in lower case. Raises `BadRequest` where two keys clash or no header could be made of one."""
    folded = folded_keys(info, "bucketInfo")
    for key in CACHE_CONTROL_KEYS:
        if key in folded:
            header_grammar.check("Cache-Control", folded[key], f"{key} in bucketInfo")
    return folded
