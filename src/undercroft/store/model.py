"""The things of the domain, as the store hands them to the faces. All are immutable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from enum import IntEnum
from typing import Any, Protocol

import msgspec

from undercroft.catalog.extents import ExtentRow
from undercroft.store.ids import FileId

Document = dict[str, Any]  # A JSON object that a client gave and gets back.


class Account(msgspec.Struct, frozen=True):
    """The tenant. `account_id` is 12 lower-case hex digits; times are milliseconds since the epoch."""

    account_id: str
    email: str
    suspended: bool
    created_ms: int
    name: str = ""  # Of the person or team, for people to see.
    time_zone: str = "UTC"  # An IANA name: in which the console shows times.
    is_operator: bool = False  # Whether its console has the operator's section.
    trial_ends_ms: int | None = None  # When the steward suspends it; None where it is not on trial.


class ApplicationKey(msgspec.Struct, frozen=True):
    """A credential and what it may do. The master key has no restrictions and the account's id as its own.

    `secret` is the application key itself; it must never reach a log or an answer other than the one of its making.
    """

    key_id: str
    account_id: str
    name: str
    secret: str
    capabilities: frozenset[str]
    bucket_ids: tuple[str, ...] | None  # None: every bucket of the account.
    name_prefix: str | None
    expires_ms: int | None
    created_ms: int

    @property
    def is_master(self) -> bool:
        """Whether this is the account's master key, which S3 refuses."""
        return self.key_id == self.account_id


class KeyUse(msgspec.Struct, frozen=True):
    """A use of an application key: from which address, through which interface (native, s3), and with which call."""

    at_ms: int
    address: str
    face: str
    call: str


class Retention(msgspec.Struct, frozen=True):
    """Until when a file may be neither deleted nor changed: milliseconds since the epoch.

    In `governance` mode, holders of bypassGovernance may shorten or end it; in `compliance` mode nobody.
    """

    mode: str
    until_ms: int


class FileLock(msgspec.Struct, frozen=True):
    """The lock that a new file asks for, or what may be told of one. None: nothing is."""

    retention: Retention | None = None
    legal_hold: bool | None = None


class DefaultRetention(msgspec.Struct, frozen=True, rename="camel"):
    """The retention that a bucket gives its new files: so many days or years from when they came."""

    mode: str
    duration: int
    unit: str


class Lock(msgspec.Struct, frozen=True, rename="camel"):
    """A bucket's Object Lock. Once enabled, it stays so."""

    enabled: bool = False
    default_retention: DefaultRetention | None = None


class NotificationRule(msgspec.Struct, frozen=True, rename="camel"):
    """Which events of a bucket go where (B2 Native API reference, section 17).

    `rule_id` is ours: a rule that is removed and made again is another one. `wrapped_target` is where the events go, with
    the headers and the secret, as `store/buckets/notifications.py` opens it; nobody else can.
    """

    rule_id: str
    name: str
    event_types: tuple[str, ...]  # b2:ObjectCreated:Upload, or b2:ObjectCreated:* for all of a category.
    is_enabled: bool
    object_name_prefix: str
    max_events_per_batch: int
    wrapped_target: bytes

    def hears(self, event_type: str, name: bytes) -> bool:
        """Whether the rule asks to be told of this event of a file of this name."""
        return (
            self.is_enabled
            and name.startswith(self.object_name_prefix.encode())
            and (event_type in self.event_types or f"{event_type.rpartition(':')[0]}:*" in self.event_types)
        )


class ReplicationRule(msgspec.Struct, frozen=True, rename="camel"):
    """Which files of a bucket are replicated where (B2 Native API reference, sections 7.7 and 16)."""

    replication_rule_name: str
    destination_bucket_id: str
    file_name_prefix: str
    include_existing_files: bool
    is_enabled: bool
    priority: int  # Of several rules to one destination that cover a file, the one with the highest counts.

    def covers(self, name: bytes) -> bool:
        """Whether the rule speaks of files of this name, paused or not."""
        return name.startswith(self.file_name_prefix.encode())


class ReplicationSource(msgspec.Struct, frozen=True, rename="camel"):
    """A bucket as the source of replication: the rules, and the key in whose name its files are read."""

    replication_rules: tuple[ReplicationRule, ...]
    source_application_key_id: str

    def rules_for(self, name: bytes) -> list[ReplicationRule]:
        """The rules by which a file of this name is replicated: one for each destination, of those that are not paused."""
        best: dict[str, ReplicationRule] = {}
        for rule in self.replication_rules:
            if rule.is_enabled and rule.covers(name):
                other = best.get(rule.destination_bucket_id)
                if other is None or rule.priority > other.priority:
                    best[rule.destination_bucket_id] = rule
        return list(best.values())

    def rule(self, name: str) -> ReplicationRule | None:
        """The rule of this name."""
        return next((rule for rule in self.replication_rules if rule.replication_rule_name == name), None)


class ReplicationDestination(msgspec.Struct, frozen=True, rename="camel"):
    """A bucket as the destination of replication: in the name of which key is written what a source's key has read."""

    source_to_destination_key_mapping: dict[str, str]


class Replication(msgspec.Struct, frozen=True, rename="camel"):
    """A bucket's replication. With neither half it has none."""

    as_replication_source: ReplicationSource | None = None
    as_replication_destination: ReplicationDestination | None = None

    @property
    def is_set(self) -> bool:
        """Whether the bucket is a source or a destination."""
        return self.as_replication_source is not None or self.as_replication_destination is not None


NO_REPLICATION = Replication()


class BucketCaps(msgspec.Struct, frozen=True, rename="camel"):
    """What a bucket may hold, besides what its account may: bytes of all versions and parts, and visible files."""

    size_bytes: int | None = None  # None: no cap.
    files: int | None = None


class Logging(msgspec.Struct, frozen=True, rename="camel"):
    """Where a bucket's access logs go: another bucket of the account, or the bucket itself, and how their names begin.

    The name is that of the bucket with the id, kept beside it for whoever asks when that bucket is gone: names never change.
    """

    destination_bucket_id: str
    destination_name: str
    prefix: str


SSE_B2, SSE_C = "SSE-B2", "SSE-C"
SNAPSHOT = "snapshot"  # The type of a bucket that the service keeps: clients read it and nothing more.


class Encryption(msgspec.Struct, frozen=True):
    """How a file is encrypted: under a key of the service (SSE-B2), or of the customer's (SSE-C), whose MD5 this has."""

    mode: str
    key_md5: str | None = None  # Base64.


class CustomerKey:
    """A customer's own key, as long as a request lasts: it is never stored, and shows itself nowhere (P8)."""

    __slots__ = ("key", "md5")

    def __init__(self, key: bytes, md5: str) -> None:
        """`md5` is the MD5 of the 32 bytes of `key`, in base64."""
        self.key = key
        self.md5 = md5

    def __repr__(self) -> str:
        return "CustomerKey(…)"


class Bucket(msgspec.Struct, frozen=True):
    """A bucket and its settings. `bucket_id` is 24 lower-case hex digits."""

    bucket_id: str
    account_id: str
    name: str
    type: str  # allPrivate, allPublic, or snapshot
    revision: int
    created_ms: int
    info: dict[str, str]
    cors_rules: list[Document]
    lifecycle_rules: list[Document]
    lock: Lock = Lock()
    notification_rules: tuple[NotificationRule, ...] = ()
    replication: Replication = NO_REPLICATION
    encryption: str | None = None  # SSE-B2 for new files that ask for nothing; None: what the service does.
    caps: BucketCaps | None = None  # None: none at all.
    logging: Logging | None = None  # None: nobody writes down who asks for what.

    @property
    def is_public(self) -> bool:
        """Whether anybody may read its files."""
        return self.type == "allPublic"


class Action(IntEnum):
    """What a version is."""

    UPLOAD = 1
    HIDE = 2
    START = 3


class ReplicationStatus(IntEnum):
    """What became of a version's replication, or that it is itself what replication made of another."""

    PENDING = 1
    COMPLETED = 2
    FAILED = 3
    REPLICA = 4


class Checksum(msgspec.Struct, frozen=True):
    """An S3 checksum of a file or part: the algorithm in lower case (crc32, crc32c, crc64nvme, sha1, sha256), the value
    as S3 writes it (base64, with `-N` after a composite one), and FULL_OBJECT or COMPOSITE.
    """

    algorithm: str
    value: str
    type: str


class FileVersion(msgspec.Struct, frozen=True):
    """One version of a name: an upload, a hide marker, or a large file that is being put together.

    `etag` is the lower-case hex MD5 of the bytes, or `<md5 of md5s>-<parts>` of a large file, without quotes.
    `content_sha1` is 40 hex digits, `unverified:` and 40 hex digits, or `none`.
    `uploaded_ms` orders versions and is what clients see; `received_ms` is when it really came to be: a large file when it
    was finished, or begun as long as it is not.
    `info` is the file info, with the `b2-…` entries that are HTTP headers in truth.
    """

    bucket_id: str
    account_id: str
    name: str
    file_id: FileId
    action: Action
    size: int
    content_type: str
    content_sha1: str
    etag: str
    checksum: Checksum | None
    info: dict[str, str]
    uploaded_ms: int
    received_ms: int
    part_count: int  # 0 for what was uploaded in one piece.
    is_latest: bool = True  # Whether it is the newest finished version of its name; only lists of versions tell.
    retention: Retention | None = None
    legal_hold: bool | None = None  # None: never set.
    replication_status: ReplicationStatus | None = None  # None: no rule covered it.
    encryption: Encryption | None = None
    first_extent: ExtentRow | None = None  # Where its bytes begin: for the store itself, which read it on the way.

    @property
    def content_md5(self) -> str | None:
        """The lower-case hex MD5 of the whole, where it is known."""
        return None if "-" in self.etag or not self.etag else self.etag


class Folder(msgspec.Struct, frozen=True):
    """All names under a common prefix in a list with a delimiter; `name` ends in the delimiter."""

    name: str


class Part(msgspec.Struct, frozen=True):
    """One part of a large file. Digests are lower-case hex."""

    part_number: int
    size: int
    content_sha1: str  # As in FileVersion.
    md5: str
    checksum: Checksum | None
    uploaded_ms: int
    start: int = 0  # Offset in the finished file, in bytes.
    encryption: Encryption | None = None


class UploadBody(Protocol):
    """The bytes of an upload, and what their sender says of them."""

    @property
    def length(self) -> int | None:
        """The number of payload bytes declared, or None where the sender does not know."""

    @property
    def algorithms(self) -> frozenset[str]:
        """The checksums to compute besides MD5 and SHA-1: crc32, crc32c, crc64nvme, sha256. Asked before the bytes."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The payload, once. May raise an error of the face, which leaves nothing behind."""

    def expected(self) -> Mapping[str, bytes]:
        """Raw digests by algorithm (md5, sha1, crc32, …) that the payload must have. Asked after the last byte."""


class NewFile(msgspec.Struct, frozen=True):
    """What an upload, a copy or the start of a large file says of the file beside its bytes.

    `content_type` is final: faces resolve `b2/x-auto` themselves. `checksum_algorithm` is the one to keep with the file
    (it is computed even if the body does not ask for it); `checksum_type` is COMPOSITE or FULL_OBJECT and matters for
    large files only.
    """

    content_type: str
    info: dict[str, str] = {}
    uploaded_ms: int | None = None  # A custom upload timestamp.
    sha1_unverified: bool = False  # The native "do_not_verify".
    sha1_follows: bool = (
        False  # That the finish of a large file will add its SHA-1 to the info, which must have room for it.
    )
    checksum_algorithm: str | None = None
    checksum_type: str = "FULL_OBJECT"
    retention: Retention | None = None  # None: the bucket's default.
    legal_hold: bool | None = None
    encryption: CustomerKey | str | None = None  # SSE-B2, or SSE-C with this key. None: the bucket's default.


class WriteCondition(msgspec.Struct, frozen=True):
    """S3's conditional write, judged in the committing transaction. ETags without quotes, `*` for any."""

    if_match: str | None = None
    if_none_match: str | None = None


class ByteRange(msgspec.Struct, frozen=True):
    """A single range of bytes as asked for (RFC 9110, 14.1.2): first and last inclusive, or a suffix length.

    `ByteRange(5, 8)` is `bytes=5-8`, `ByteRange(5, None)` is `bytes=5-`, `ByteRange(None, 3)` is `bytes=-3`.
    """

    first: int | None
    last: int | None

    def resolve(self, size: int) -> tuple[int, int] | None:
        """The half-open interval [start, end) of a body of `size` bytes, or None where it is not satisfiable."""
        if self.first is None:
            length = min(self.last or 0, size)
            return (size - length, size) if length else None
        if self.first >= size:
            return None
        return self.first, size if self.last is None else min(self.last + 1, size)


class Page(msgspec.Struct, frozen=True):
    """One page of a list: the rows in order, and the first row of the next page, if there is one."""

    rows: list[FileVersion | Folder]
    following: FileVersion | Folder | None

    @property
    def more(self) -> bool:
        """Whether rows follow after this page."""
        return self.following is not None
