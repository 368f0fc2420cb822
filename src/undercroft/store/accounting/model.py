"""The things of accounting. Units are bytes and transactions; a day is a number of days since the epoch, in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from undercroft.catalog import key_days, quotas, usage

# What a request costs (B2 Native API reference, section 20): A is free and has no cap.
TransactionClass = Literal["A", "B", "C"]
# What a cap may be on; the names are also those of the fields of `Caps` and of `Quotas`.
Category = Literal["storage", "files", "download", "class_b", "class_c", "requests", "upload"]
CATEGORIES: tuple[Category, ...] = ("storage", "files", "download", "class_b", "class_c")  # Of an account.
QUOTA_CATEGORIES: tuple[Category, ...] = ("requests", "download", "upload")  # Of a bucket and of a key, by the day.
ALERTING: tuple[Category, ...] = (*CATEGORIES, "requests", "upload")
HELD: frozenset[Category] = frozenset({"storage", "files"})  # What is held at any time; all else begins anew each day.
# The names of categories in JSON, as the API spells its members.
JSON_NAMES: dict[Category, str] = {
    "storage": "storage",
    "files": "files",
    "download": "download",
    "class_b": "classB",
    "class_c": "classC",
    "requests": "requests",
    "upload": "upload",
}
# What amounts of each are counted in, in words.
UNITS: dict[Category, str] = {
    "storage": "bytes",
    "files": "files",
    "download": "bytes a day",
    "class_b": "transactions a day",
    "class_c": "transactions a day",
    "requests": "requests a day",
    "upload": "bytes a day",
}
# Calls that give room back, or take a right away: no quota of requests refuses them, though they count.
GIVING_BACK = frozenset(
    {
        "b2_cancel_large_file", "b2_delete_bucket", "b2_delete_file_version", "b2_delete_key", "b2_hide_file",
        "AbortMultipartUpload", "DeleteBucket", "DeleteObject", "DeleteObjects",
    }
)  # fmt: skip
Held = usage.Held
Done = quotas.DoneRow
OTHER_KEYS = key_days.OTHER_KEYS
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
_EPOCH = date(1970, 1, 1)
# What became of requests: the fields of `Outcomes`, in their order. 429 and 503 tell a client to slow down.
_SUCCEEDED, _REDIRECTED, _CLIENT_ERROR, _THROTTLED, _SERVER_ERROR = range(5)
_THROTTLING = frozenset({429, 503})


class Caps(msgspec.Struct, frozen=True):
    """What an account may use; None is no cap.

    `storage` is in bytes held at any time, `files` in files visible at any time, `download` in bytes a day, the classes in
    transactions a day.
    """

    storage: int | None = None
    download: int | None = None
    class_b: int | None = None
    class_c: int | None = None
    files: int | None = None

    @property
    def any_daily(self) -> bool:
        """Whether there is a cap that is counted by the day."""
        return self.download is not None or self.class_b is not None or self.class_c is not None


class Quotas(msgspec.Struct, frozen=True):
    """What a bucket or a key may do a day; None is no cap. Transactions of every class, and bytes."""

    requests: int | None = None
    download: int | None = None
    upload: int | None = None

    @property
    def amounts(self) -> dict[Category, int]:
        """Those that there are."""
        every = {category: getattr(self, category) for category in QUOTA_CATEGORIES}
        return {category: amount for category, amount in every.items() if amount is not None}


SoftLimits = Mapping[Category, int]  # What is told of and not refused, in the units of `Caps` and `Quotas`.
Kind = Literal["account", "bucket", "key"]  # Of what a cap is on.
# On what there may be such a limit, by the kind of its subject.
SOFT_CATEGORIES: dict[Kind, tuple[Category, ...]] = {
    "account": CATEGORIES,
    "bucket": ("storage", "files", *QUOTA_CATEGORIES),
    "key": QUOTA_CATEGORIES,
}


class Subject(NamedTuple):
    """What a cap is on: the account itself, or one of its buckets or keys. Id and name are those of bucket or key."""

    kind: Kind = "account"
    subject_id: str = ""
    name: str = ""


THE_ACCOUNT = Subject()


class Refusal(NamedTuple):
    """A cap that has refused something."""

    account_id: str
    category: Category
    kind: str = THE_ACCOUNT.kind
    subject_id: str = ""


class Alert(msgspec.Struct, frozen=True):
    """Word that so much of a cap is used: 75 or 100 percent, or that it has refused something (100).

    `used` and `cap` are in the units of `Caps`; `used` is what was known at `at_ms`.
    """

    account_id: str
    category: Category
    percent: int
    used: int
    cap: int
    at_ms: int
    subject: Subject = THE_ACCOUNT
    is_soft: bool = False


def described(alert: Alert) -> dict[str, object]:
    """An alert as it is told outside, in JSON. One about a bucket or a key names it, one about a soft limit says so."""
    kind, subject_id, name = alert.subject
    named: dict[str, object] = {} if alert.subject == THE_ACCOUNT else {f"{kind}Id": subject_id, f"{kind}Name": name}
    if alert.is_soft:
        named["isSoft"] = True
    return {
        "accountId": alert.account_id,
        **named,
        "category": JSON_NAMES[alert.category],
        "percent": alert.percent,
        "used": alert.used,
        "cap": alert.cap,
        "timestamp": alert.at_ms,
    }


class Standing(msgspec.Struct, frozen=True):
    """How much of a cap is used now, in the units of `Caps`."""

    account_id: str
    category: Category
    used: int
    cap: int
    subject: Subject = THE_ACCOUNT
    is_soft: bool = False  # Then `cap` is a soft limit.

    @property
    def about(self) -> tuple[str, str, str, int]:
        """What tells this cap from others of the account: its subject's kind and id, its category, and whether it is soft."""
        return self.subject.kind, self.subject.subject_id, self.category, int(self.is_soft)


class CallCount(msgspec.Struct, frozen=True):
    """Transactions of a class by one call."""

    transaction_class: TransactionClass
    call: str
    transactions: int


class Outcomes(NamedTuple):
    """Requests by what became of them; `throttled` are those answered with 429 or 503."""

    succeeded: int = 0
    redirected: int = 0
    client_errors: int = 0
    throttled: int = 0
    server_errors: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self)

    @property
    def failed(self) -> int:
        """Those that were refused or went wrong."""
        return self.client_errors + self.throttled + self.server_errors


class CallSums(msgspec.Struct, frozen=True):
    """What a call was asked for on several days: its transactions, and its requests, also those that were refused.

    Class and call are empty for requests that were refused before anybody knew what they were.
    """

    transaction_class: str
    call: str
    transactions: int
    outcomes: Outcomes


class KeyTotal(msgspec.Struct, frozen=True):
    """What was done with a key over several days.

    The id is empty for what was done without a key of the account, and `OTHER_KEYS` for keys beyond those that count by
    themselves. `name` is None where there is none to tell.
    """

    key_id: str
    name: str | None
    is_deleted: bool
    downloaded_bytes: int
    uploaded_bytes: int
    class_a: int
    class_b: int
    class_c: int
    outcomes: Outcomes


class DayOfUsage(msgspec.Struct, frozen=True):
    """What an account did on a day, and what it held when it was last looked at; None where nobody looked.

    `byte_hours` is bytes held times hours, until then: divided by 24, the average of a day that is over.
    """

    day: int
    calls: list[CallCount]
    downloaded_bytes: int
    uploaded_bytes: int
    stored_bytes: int | None
    stored_versions: int | None
    byte_hours: int | None

    def transactions(self, transaction_class: TransactionClass) -> int:
        """How many transactions of a class there were."""
        return sum(call.transactions for call in self.calls if call.transaction_class == transaction_class)


class DaySums(msgspec.Struct, frozen=True):
    """What an account did on a day: as `DayOfUsage`, with its calls summed up by class."""

    day: int
    class_a: int
    class_b: int
    class_c: int
    downloaded_bytes: int
    uploaded_bytes: int
    stored_bytes: int | None
    byte_hours: int | None


class BucketDay(msgspec.Struct, frozen=True):
    """What was done in a bucket on a day, and what it held when it was last looked at; None where nobody looked."""

    day: int
    bucket_id: str
    held: Held | None
    downloaded_bytes: int
    uploaded_bytes: int
    class_a: int
    class_b: int
    class_c: int


class BucketTotal(msgspec.Struct, frozen=True):
    """What was done in a bucket over several days, and what it held at the end of them.

    `byte_days` is the sum of what it held day by day: times 24, about its bytes times hours.
    """

    bucket_id: str
    held: Held
    byte_days: int
    downloaded_bytes: int = 0
    uploaded_bytes: int = 0
    class_a: int = 0
    class_b: int = 0
    class_c: int = 0


def outcome_of(status: int) -> int:
    """The place in `Outcomes` of a request that was answered with this status; 499 is one whose client went away."""
    if status < 400:
        return _SUCCEEDED if status < 300 else _REDIRECTED
    if status in _THROTTLING:
        return _THROTTLED
    return _CLIENT_ERROR if status < 500 else _SERVER_ERROR


def day_of(now_ms: int) -> int:
    """The day that this moment is in."""
    return now_ms // DAY_MS


def date_of(day: int) -> date:
    """The calendar's name of a day."""
    return _EPOCH + timedelta(days=day)


def day_of_date(when: date) -> int:
    """The number of a day of the calendar."""
    return (when - _EPOCH).days


def moment(at_ms: int) -> datetime:
    """A moment in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)
