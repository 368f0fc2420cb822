"""The notification rules that a bucket may have (B2 Native API reference, section 17.1)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

import msgspec

from undercroft import limits
from undercroft.store.errors import (
    EventTypeInvalid,
    EventTypeOverlap,
    EventTypesEmpty,
    EventTypesMixed,
    InvalidRequest,
    StoreError,
)
from undercroft.store.files.happenings import Happening

TEST_EVENT = "b2:TestEvent"  # Sent when somebody asks for it; no rule subscribes to it.
_LIVE_READ = "b2:MultipartUploadCreated:LiveRead"  # A type of B2's; nothing here is ever read while it is uploaded.
_TYPES = frozenset({*(happening.value for happening in Happening), _LIVE_READ})
EVENT_TYPES = _TYPES | {f"{one.rpartition(':')[0]}:*" for one in _TYPES}

_NAME = re.compile(r"[A-Za-z0-9-]{6,63}\Z")
_SECRET = re.compile(rf"[A-Za-z0-9]{{{limits.NOTIFICATION_SECRET_LENGTH}}}\Z")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_URL = re.compile(r"[!-~]+\Z")  # What HTTP can carry in its first line: no spaces, no controls, nothing but ASCII.
# These say where a request ends or to whom it goes, which is not for a rule to choose.
_OUR_HEADERS = frozenset(
    {
        "connection", "content-encoding", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te",
        "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_RESERVED_HEADERS = "x-bz-"


class Header(msgspec.Struct, frozen=True):
    """A header that a rule wants sent along."""

    name: str
    value: str


class Target(msgspec.Struct, frozen=True, rename="camel"):
    """Where a rule's events go. All of it may be secret: addresses and headers have tokens in them (P8)."""

    url: str
    custom_headers: tuple[Header, ...] | None = None
    signing_secret: str | None = None
    max_events_per_batch: int | None = None  # Where a client has put it here, it finds it here again.

    def __repr__(self) -> str:
        return "Target(…)"


class Rule(msgspec.Struct, frozen=True):
    """A rule as clients set and get it. A reason of suspension is the server's to give."""

    name: str
    event_types: tuple[str, ...]
    is_enabled: bool
    object_name_prefix: str
    max_events_per_batch: int
    target: Target
    suspension_reason: str | None = None


def check_rules(rules: Sequence[Rule]) -> None:
    """Raise `InvalidRequest`, or an error of event types, for what no bucket can have."""
    if len(rules) > limits.NOTIFICATION_RULES_PER_BUCKET:
        raise InvalidRequest(
            f"A bucket can have at most {limits.NOTIFICATION_RULES_PER_BUCKET} event notification rules"
        )
    names: set[str] = set()
    for rule in rules:
        for fault in faults_of(rule):
            raise fault
        if rule.name in names:
            raise InvalidRequest(f"Two event notification rules are named {rule.name!r}", "name")
        names.add(rule.name)
    _check_overlaps(rules)


def faults_of(rule: Rule) -> Iterator[StoreError]:
    """All that keeps this from being a rule by itself, each with the field that it is about, but for those of event types."""
    for check in (
        _check_name, _check_event_types, _check_prefix, _check_batch, _check_url, _check_secret, _check_headers
    ):  # fmt: skip
        try:
            check(rule)
        except StoreError as fault:
            yield fault


def _check_name(rule: Rule) -> None:
    if not _NAME.match(rule.name) or rule.name.startswith("b2-"):
        raise InvalidRequest(
            f"Invalid rule name {rule.name[:100]!r}: 6 to 63 letters, digits and '-', not beginning with b2-", "name"
        )


def _check_prefix(rule: Rule) -> None:
    if len(rule.object_name_prefix.encode()) > limits.FILE_NAME_MAX_BYTES:
        raise InvalidRequest(
            f"The objectNamePrefix of the rule {rule.name!r} is longer than any file name", "objectNamePrefix"
        )


def _check_batch(rule: Rule) -> None:
    if not 1 <= rule.max_events_per_batch <= limits.NOTIFICATION_BATCH_MAX:
        raise InvalidRequest(
            f"The rule {rule.name!r} has maxEventsPerBatch outside 1 to {limits.NOTIFICATION_BATCH_MAX}",
            "maxEventsPerBatch",
        )


def _check_event_types(rule: Rule) -> None:
    if not rule.event_types:
        raise EventTypesEmpty(f"The rule {rule.name!r} has no event types")
    for event_type in rule.event_types:
        if event_type in {"*", "b2:*", "b2:*:*"}:
            raise EventTypesMixed("A wildcard stands for the types of one category, as in b2:ObjectCreated:*")
        if event_type not in EVENT_TYPES:
            raise EventTypeInvalid(f"Invalid event type {event_type[:100]!r}")
    if len(set(rule.event_types)) < len(rule.event_types):
        raise EventTypeOverlap(f"The rule {rule.name!r} names an event type twice")
    for event_type in rule.event_types:
        category = f"{event_type.rpartition(':')[0]}:*"
        if event_type != category and category in rule.event_types:
            raise EventTypeOverlap(f"The rule {rule.name!r} has both {category} and {event_type}")


def _check_overlaps(rules: Iterable[Rule]) -> None:
    """Of all rules, at most one hears of any one event."""
    for one, other in itertools.combinations(rules, 2):
        prefixes = one.object_name_prefix, other.object_name_prefix
        if prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0]):
            common = all_types(one.event_types) & all_types(other.event_types)
            if common:
                raise InvalidRequest(
                    f"The rules {one.name!r} and {other.name!r} have overlapping prefixes and both want {min(common)}"
                )


def all_types(event_types: Iterable[str]) -> frozenset[str]:
    """The types that are meant, each by its own name."""
    return frozenset(one for one in _TYPES for wanted in event_types if wanted in {one, f"{one.rpartition(':')[0]}:*"})


def _check_url(rule: Rule) -> None:
    if len(rule.target.url) > limits.TARGET_URL_MAX_BYTES or not is_https(rule.target.url):
        raise InvalidRequest(
            f"The rule {rule.name!r} needs an https URL of at most {limits.TARGET_URL_MAX_BYTES} characters", "url"
        )


def _check_secret(rule: Rule) -> None:
    if rule.target.signing_secret is not None and not is_signing_secret(rule.target.signing_secret):
        raise InvalidRequest(
            f"The hmacSha256SigningSecret of the rule {rule.name!r} must have {limits.NOTIFICATION_SECRET_LENGTH} "
            "letters and digits",
            "hmacSha256SigningSecret",
        )


def _check_headers(rule: Rule) -> None:
    name, headers = rule.name, rule.target.custom_headers or ()
    if len(headers) > limits.NOTIFICATION_HEADERS_MAX:
        raise InvalidRequest(
            f"The rule {name!r} has more than {limits.NOTIFICATION_HEADERS_MAX} custom headers", "customHeaders"
        )
    size_bytes = sum(len(header.name.encode()) + len(header.value.encode()) + 3 for header in headers)
    if size_bytes > limits.NOTIFICATION_HEADERS_MAX_BYTES:
        raise InvalidRequest(
            f"The custom headers of the rule {name!r} have more than {limits.NOTIFICATION_HEADERS_MAX_BYTES} bytes",
            "customHeaders",
        )
    folded = [header.name.lower() for header in headers]
    if len(set(folded)) < len(folded):
        raise InvalidRequest(f"The rule {name!r} has two custom headers of one name", "customHeaders")
    for header in headers:
        _check_header(name, header)


def _check_header(name: str, header: Header) -> None:
    folded = header.name.lower()
    if not _HEADER_NAME.match(header.name) or folded.startswith(_RESERVED_HEADERS) or folded in _OUR_HEADERS:
        raise InvalidRequest(
            f"The rule {name!r} cannot have a custom header named {header.name[:100]!r}", "customHeaders"
        )
    # A line that ends in a value would begin another header.
    if not header.value.isprintable() or header.value != header.value.strip():
        raise InvalidRequest(
            f"The value of the custom header {header.name!r} is not one line of printable text", "customHeaders"
        )


def is_signing_secret(text: str) -> bool:
    """Whether deliveries can be signed with this."""
    return _SECRET.match(text) is not None


def is_https(url: str) -> bool:
    """Whether the text is an https URL with a host, and without a user, whom the address of a request cannot name."""
    if not _URL.match(url):
        return False
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        return False
    return (
        split.scheme == "https"
        and bool(split.hostname)
        and not {"@", "%"} & set(split.netloc)
        and not split.fragment
        and port != 0
        and "\\" not in url
    )
