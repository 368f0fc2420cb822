"""What a page says after a form was done: sentences of our own, chosen by a word in the address."""

from __future__ import annotations

NOTICES = {
    "signed-out": "You are signed out.",
    "key-deleted": "The key is deleted. It has stopped working.",
    "caps-updated": "The caps are updated. One on storage holds at once, others within seconds.",
    "bucket-created": "The bucket is created.",
    "bucket-deleted": "The bucket is deleted.",
    "settings-saved": "The settings are saved.",
    "rule-saved": "The rule is saved.",
    "rule-removed": "The rule is removed.",
    "tried-again": "What waits is being tried again.",
    "target-added": "The target is added.",
    "target-removed": "The target is removed.",
    "lock-enabled": "Object Lock is enabled.",
}
