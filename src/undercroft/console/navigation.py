"""The left rail: groups and their entries, in the order of the original (console reference, section 2).

An entry is shown when there is a page at its path.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple


class Entry(NamedTuple):
    """An entry of the rail. `key` is the letter that follows `g` on the keyboard."""

    label: str
    path: str
    icon: str
    key: str = ""


class Group(NamedTuple):
    """Entries under a heading."""

    label: str
    entries: tuple[Entry, ...]


B2_GROUP = "B2 Cloud Storage"
OPERATOR_GROUP = "Operator"

GROUPS = (
    Group(
        B2_GROUP,
        (
            Entry("Buckets", "/buckets", "bucket", "b"),
            Entry("Browse Files", "/files", "folder", "f"),
            Entry("Snapshots", "/snapshots", "snapshot", "s"),
            Entry("Jobs", "/jobs", "list", "j"),
            Entry("Reports", "/reports", "chart", "r"),
            Entry("Caps & Alerts", "/caps", "gauge", "c"),
            Entry("Cloud Replication", "/replication", "replicate", "l"),
            Entry("Application Keys", "/keys", "key", "k"),
        ),
    ),
    Group(
        "Account",
        (
            Entry("My Settings", "/settings", "settings", "m"),
            Entry("Members", "/members", "people"),
            Entry("Audit Log", "/audit", "audit", "a"),
        ),
    ),
    Group(
        OPERATOR_GROUP,
        (
            Entry("Accounts", "/operator/accounts", "people", "o"),
            Entry("Invitations", "/operator/invitations", "mail", "i"),
            Entry("All Activity", "/operator/audit", "list"),
            Entry("Installation", "/operator/installation", "info"),
        ),
    ),
)


class BucketPage(NamedTuple):
    """A page of a bucket: what follows the bucket's own path, its tab, and what a bucket's card calls it.

    `needs` is the capability without which it is not shown.
    """

    suffix: str
    tab: str
    link: str
    needs: str


BUCKET_PATH = "/buckets/{name}"
BUCKET_PAGES = (
    BucketPage("/files", "Files", "Upload/Download", "listFiles"),
    BucketPage("/at", "Point in Time", "Point in Time", "listFiles"),
    BucketPage("/settings", "Settings", "Bucket Settings", "writeBuckets"),
    BucketPage("/lifecycle", "Lifecycle", "Lifecycle Settings", "writeBuckets"),
    BucketPage("/cors", "CORS", "CORS Rules", "writeBuckets"),
    BucketPage("/lock", "Lock", "Object Lock", "writeBucketRetentions"),
    BucketPage("/events", "Events", "Event Notifications", "readBucketNotifications"),
    BucketPage("/replication", "Replication", "Replication", "readBucketReplications"),
    BucketPage("/logs", "Logs", "Access Logs", "readBucketLogging"),
    BucketPage("/shares", "Shares", "Share Links", "shareFiles"),
    BucketPage("/access", "Access", "Access", "listKeys"),
    BucketPage("/unfinished", "Unfinished", "Unfinished Large Files", "listFiles"),
)


def shown_of_bucket(paths: Collection[str]) -> list[BucketPage]:
    """The pages of a bucket that there are."""
    return [page for page in BUCKET_PAGES if BUCKET_PATH + page.suffix in paths]


def is_of_b2(path: str) -> bool:
    """Whether a page is part of B2 Cloud Storage, which an account has to enable."""
    entries = next(group.entries for group in GROUPS if group.label == B2_GROUP)
    return any(path == entry.path or path.startswith(entry.path + "/") for entry in entries)


def shown(paths: Collection[str], hidden_groups: Collection[str] = ()) -> list[Group]:
    """The groups with the entries that lead somewhere; groups without any are left out."""
    groups = (Group(group.label, tuple(entry for entry in group.entries if entry.path in paths)) for group in GROUPS)
    return [group for group in groups if group.entries and group.label not in hidden_groups]
