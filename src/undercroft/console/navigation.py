"""The left rail: groups and their entries, in the order of the original (console reference, section 2).

An entry is shown when there is a page at its path.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from undercroft.console.languages import N_


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


B2_GROUP = N_("B2 Cloud Storage")
OPERATOR_GROUP = N_("Operator")

GROUPS = (
    Group(
        B2_GROUP,
        (
            Entry(N_("Buckets"), "/buckets", "bucket", "b"),
            Entry(N_("Browse Files"), "/files", "folder", "f"),
            Entry(N_("Snapshots"), "/snapshots", "snapshot", "s"),
            Entry(N_("Jobs"), "/jobs", "list", "j"),
            Entry(N_("Reports"), "/reports", "chart", "r"),
            Entry(N_("Caps & Alerts"), "/caps", "gauge", "c"),
            Entry(N_("Cloud Replication"), "/replication", "replicate", "l"),
            Entry(N_("Application Keys"), "/keys", "key", "k"),
        ),
    ),
    Group(
        N_("Account"),
        (
            Entry(N_("My Settings"), "/settings", "settings", "m"),
            Entry(N_("Members"), "/members", "people"),
            Entry(N_("Audit Log"), "/audit", "audit", "a"),
        ),
    ),
    Group(
        OPERATOR_GROUP,
        (
            Entry(N_("Accounts"), "/operator/accounts", "people", "o"),
            Entry(N_("Invitations"), "/operator/invitations", "mail", "i"),
            Entry(N_("All Activity"), "/operator/audit", "list"),
            Entry(N_("Installation"), "/operator/installation", "info"),
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
    BucketPage("/files", N_("Files"), N_("Upload/Download"), "listFiles"),
    BucketPage("/at", N_("Point in Time"), N_("Point in Time"), "listFiles"),
    BucketPage("/settings", N_("Settings"), N_("Bucket Settings"), "writeBuckets"),
    BucketPage("/lifecycle", N_("Lifecycle"), N_("Lifecycle Settings"), "writeBuckets"),
    BucketPage("/cors", N_("CORS"), N_("CORS Rules"), "writeBuckets"),
    BucketPage("/lock", N_("Lock"), N_("Object Lock"), "writeBucketRetentions"),
    BucketPage("/events", N_("Events"), N_("Event Notifications"), "readBucketNotifications"),
    BucketPage("/replication", N_("Replication"), N_("Replication"), "readBucketReplications"),
    BucketPage("/logs", N_("Logs"), N_("Access Logs"), "readBucketLogging"),
    BucketPage("/shares", N_("Shares"), N_("Share Links"), "shareFiles"),
    BucketPage("/access", N_("Access"), N_("Access"), "listKeys"),
    BucketPage("/unfinished", N_("Unfinished"), N_("Unfinished Large Files"), "listFiles"),
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
