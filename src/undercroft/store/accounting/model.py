"""The things of accounting. Units are bytes and transactions; a day is a number of days since the epoch, in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec

from undercroft.catalog import usage

# What a request costs (B2 Native API reference, section 20): A is free and has no cap.
TransactionClass = Literal["A", "B", "C"]
# What a cap may be on; the names are also those of the fields of `Caps`.
Category = Literal["storage", "files", "download", "class_b", "class_c"]
CATEGORIES: tuple[Category, ...] = ("storage", "files", "download", "class_b", "class_c")
HELD: frozenset[Category] = frozenset({"storage", "files"})  # What is held at any time; all else begins anew each day.
# The names of categories in JSON, as the API spells its members.
JSON_NAMES: dict[Category, str] = {
    "storage": "storage",
    "files": "files",
    "download": "download",
    "class_b": "classB",
    "class_c": "classC",
}
Held = usage.Held
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
_EPOCH = date(1970, 1, 1)


class Caps(msgspec.Struct, frozen=True):
    """What an account may use; None is no cap.

    `storage` is in bytes held at any time, `files` in visible files, `download` in bytes a day, the classes in transactions a day.
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


class Alert(msgspec.Struct, frozen=True):
    """Word that an account has used this much of a cap: 75 or 100 percent, or has been refused by it (100).

    `used` and `cap` are in the units of `Caps`; `used` is what was known at `at_ms`.
    """

    account_id: str
    category: Category
    percent: int
    used: int
    cap: int
    at_ms: int


def described(alert: Alert) -> dict[str, object]:
    """An alert as it is told outside, in JSON."""
    return {
        "accountId": alert.account_id,
        "category": JSON_NAMES[alert.category],
        "percent": alert.percent,
        "used": alert.used,
        "cap": alert.cap,
        "timestamp": alert.at_ms,
    }


class Standing(msgspec.Struct, frozen=True):
    """How much of a cap an account uses now, in the units of `Caps`."""

    account_id: str
    category: Category
    used: int
    cap: int


class CallCount(msgspec.Struct, frozen=True):
    """Transactions of a class by one call."""

    transaction_class: TransactionClass
    call: str
    transactions: int


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
