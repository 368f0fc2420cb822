"""What the reference model is made of: accounts' keys and buckets, versions and their parts, and what is asked of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness.customer_keys import KEY, OTHER_KEY

PART_MIN_BYTES = 5_000_000  # Of every part but the last, in both protocols.
CUSTOMERS = {"C1": KEY, "C2": OTHER_KEY}  # The keys that customers have.
FIRST_REVISION = 2  # Of a bucket just made.
LAST = 1 << 62  # Behind every time and number.


class Refused(Exception):
    """What is asked for is refused, for one of these reasons."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*sorted(reasons))
        self.reasons = frozenset(reasons)


def refuse_for(reasons: Collection[str]) -> None:
    """Refuse for these reasons, if there are any."""
    if reasons:
        raise Refused(*reasons)


@contextmanager
def noting(reasons: set[str]) -> Iterator[None]:
    """Keep the reasons of a refusal for later: nothing is said of which of several comes first."""
    try:
        yield
    except Refused as refused:
        reasons |= refused.reasons


class Ask(NamedTuple):
    """Who asks and in which dialect; and what the system chose: the id of what it made, its time, and the clock around."""

    actor: str | None  # The id of a key, None for nobody.
    s3: bool
    id: str
    time_ms: int | None
    before_ms: int
    after_ms: int


@dataclass
class Key:
    """An application key. `bucket_ids` and `prefix` are None where it is not restricted."""

    id: str
    account: str
    capabilities: frozenset[str]
    bucket_ids: tuple[str, ...] | None = None
    prefix: str | None = None
    expires_ms: int | None = None


class Replicating(NamedTuple):
    """The one rule by which a bucket is replicated: where to, which names, and whether also what is there already."""

    destination_id: str
    prefix: str
    existing: bool


@dataclass
class Bucket:
    """A bucket and its settings."""

    id: str
    account: str
    name: str
    public: bool
    info: dict[str, str]
    revision: int = FIRST_REVISION
    locks: bool = False  # Whether it has Object Lock.
    listens: tuple[str, frozenset[str]] | None = None  # Its notification rule: prefix and types of events.
    told: list[dict[str, Any]] = field(default_factory=list)  # The events that nobody was told of yet.
    sse: str | None = None  # What was set for new files.
    replicates: Replicating | None = None
    walks: bool = False  # Whether what is there already is still to be looked through for that rule.


@dataclass
class Part:
    """A part of a large file."""

    number: int
    body: bytes
    sha1: str
    md5: str


@dataclass
class Version:
    """An upload, a hide marker, or a large file that is not finished (`start`)."""

    id: str
    bucket_id: str
    name: str
    action: str
    content_type: str
    info: dict[str, str]
    body: bytes
    sha1: str  # As b2_upload_file answers it.
    etag: str
    time_ms: int
    sequence: int
    started_ms: int
    parts: dict[int, Part] = field(default_factory=dict)
    retained_until_ms: int | None = None  # In governance mode, and always far in the future.
    held: bool | None = None
    sse: str | None = None  # SSE-B2, or whose key of `CUSTOMERS` opens it.
    replication: str | None = None  # What became of its replication, or REPLICA.
    origin: str | None = None  # The id of what a replica is one of.

    @property
    def customer(self) -> str | None:
        """Which customer's key opens it, if one is needed."""
        return self.sse if self.sse in CUSTOMERS else None

    @property
    def place(self) -> Place:
        """Its place in lists of versions: by the bytes of the name, then newest first."""
        return Place(self.name.encode(), -self.time_ms, -self.sequence)


class Place(NamedTuple):
    """A place in a list of versions."""

    name: bytes
    inverted_ms: int = -LAST
    inverted_sequence: int = -LAST


class New(NamedTuple):
    """What an upload says of the file. `custom_ms` is a time of its own, `verified` whether it vouches for the bytes,
    `only_new` whether a visible file is in its way (S3), `sse` the encryption that it asks for.
    """

    content_type: str
    info: dict[str, str]
    verified: bool = True
    custom_ms: int | None = None
    only_new: bool = False
    sse: str | None = None

    @property
    def customer(self) -> str | None:
        """Whose key it brings."""
        return self.sse if self.sse in CUSTOMERS else None


class Range(NamedTuple):
    """A range of bytes as asked for: both ends included, `last` None for the end of the file."""

    first: int
    last: int | None

    def of(self, body: bytes) -> bytes:
        """The bytes it means. Refused where it begins past the end."""
        if self.first >= len(body):
            raise Refused("bad range")
        return body[self.first : None if self.last is None else self.last + 1]


class Row(NamedTuple):
    """A row of a list: its answer, the place that a page after it begins behind, and the version if it is no folder."""

    answer: dict[str, Any]
    place: Place
    version: Version | None
