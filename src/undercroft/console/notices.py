"""What a page says after a form was done: sentences of our own, chosen by a word in the address."""

from __future__ import annotations

NOTICES = {
    "signed-out": "You are signed out.",
    "bucket-created": "The bucket is created.",
    "bucket-deleted": "The bucket is deleted.",
    "settings-saved": "The settings are saved.",
    "rule-saved": "The rule is saved.",
    "rule-removed": "The rule is removed.",
    "tried-again": "What waits is being delivered.",
    "lock-enabled": "Object Lock is enabled.",
    "job-begun": "The job has begun. It goes on when you leave this page.",
    "job-paused": "The job is paused.",
    "job-resumed": "The job goes on.",
    "job-canceled": "The job is canceled. What it has done stays done.",
}
