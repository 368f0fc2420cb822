"""What accounts did on a day, as it gathers in memory, and the rows that it becomes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import add
from typing import Any, NamedTuple

from undercroft.catalog.accounting import CallRow, SpentRow, TransferRow
from undercroft.catalog.bucket_days import BucketDayRow
from undercroft.catalog.key_days import KeyDayRow
from undercroft.catalog.request_days import BucketCallRow, StatusRow
from undercroft.store.accounting.model import Caps, Done, Quotas, Subject, outcome_of

# What a request counts under: account, transaction class, call, and the ids of bucket and key, or an empty string for none.
# Class and call are empty where a request was refused before anybody knew what it was.
Counted = tuple[str, str, str, str, str]


class QuotasLeft:
    """What is left today of the quotas of one bucket or key, in the units of `Quotas`; None where there is no such quota."""

    __slots__ = ("download", "kind", "requests", "subject_id", "upload")

    def __init__(self, subject: Subject, quotas: Quotas, done: Done) -> None:
        self.kind, self.subject_id = subject.kind, subject.subject_id
        self.requests = None if quotas.requests is None else quotas.requests - done.requests
        self.download = None if quotas.download is None else quotas.download - done.download
        self.upload = None if quotas.upload is None else quotas.upload - done.upload


class Left:
    """What is left of an account's daily caps, in the units of `Caps`, and of the quotas of its buckets and keys."""

    __slots__ = ("class_b", "class_c", "download", "of_buckets", "of_keys")

    def __init__(self, caps: Caps, spent: SpentRow) -> None:
        self.download = None if caps.download is None else caps.download - spent.download
        self.class_b = None if caps.class_b is None else caps.class_b - spent.class_b
        self.class_c = None if caps.class_c is None else caps.class_c - spent.class_c
        self.of_buckets: dict[str, QuotasLeft] = {}
        self.of_keys: dict[str, QuotasLeft] = {}

    def add(self, quotas: QuotasLeft) -> None:
        """Have what a bucket or a key does bounded by this too."""
        (self.of_buckets if quotas.kind == "bucket" else self.of_keys)[quotas.subject_id] = quotas

    def limiting(self, bucket_id: str, key_id: str) -> list[QuotasLeft]:
        """What is left to a bucket and a key, as far as they have quotas."""
        found = self.of_buckets.get(bucket_id), self.of_keys.get(key_id)
        return [one for one in found if one is not None]


class Counts:
    """What one account did on the day, and what is left of its caps, if it has any."""

    __slots__ = ("calls", "downloaded", "left", "statuses", "uploaded")

    def __init__(self, left: Left | None) -> None:
        # All under everything that they are ever summed up by: one look-up each is all that a request pays.
        self.calls: dict[Counted, int] = {}  # Transactions.
        self.statuses: dict[tuple[Counted, int], int] = {}  # Requests, by the status of their answers.
        self.downloaded: dict[tuple[str, str], int] = {}  # Bytes, by bucket and key.
        self.uploaded: dict[tuple[str, str], int] = {}
        self.left = left

    def spent(self) -> SpentRow:
        """What has been spent of what can have a cap."""
        of_class = {"A": 0, "B": 0, "C": 0}
        for counted, transactions in self.calls.items():
            of_class[counted[1]] += transactions
        return SpentRow(sum(self.downloaded.values()), of_class["B"], of_class["C"])

    def done(self) -> dict[tuple[str, str], Done]:
        """What was done in each bucket and with each key, by kind and id."""
        sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for (_, _, _, bucket_id, key_id), transactions in self.calls.items():
            sums["bucket", bucket_id][0] += transactions
            sums["key", key_id][0] += transactions
        for place, carried in enumerate((self.downloaded, self.uploaded), 1):
            for (bucket_id, key_id), size_bytes in carried.items():
                sums["bucket", bucket_id][place] += size_bytes
                sums["key", key_id][place] += size_bytes
        return {about: Done(*counted) for about, counted in sums.items()}


class Batch(NamedTuple):
    """Counts to be written down."""

    calls: list[CallRow]
    transfers: list[TransferRow]
    buckets: list[BucketDayRow]
    statuses: list[StatusRow]
    bucket_calls: list[BucketCallRow]
    keys: list[KeyDayRow]

    @property
    def tables(self) -> Sequence[list[Any]]:
        """All of them, in the order of `_TABLES`."""
        return self


# Of each of these the class of its rows, and how many of their columns name what is counted.
_TABLES: tuple[tuple[Any, int], ...] = (
    (CallRow, 4), (TransferRow, 2), (BucketDayRow, 3), (StatusRow, 5), (BucketCallRow, 5), (KeyDayRow, 3),
)  # fmt: skip
_OF_CLASS = {"A": 2, "B": 3, "C": 4}  # Places in the counts of a bucket and of a key; before them are bytes.
# The place of the first outcome in the counts of a key. In those of a call of a bucket outcomes begin at place 1.
_OF_OUTCOME = 5


def no_counts() -> Batch:
    """A batch without anything."""
    return Batch([], [], [], [], [], [])


def gathered(days: Iterable[tuple[int, dict[str, Counts]]]) -> Batch:
    """The counts of these days as rows, as few as there can be."""
    batch = no_counts()
    for day, accounts in days:
        for account_id, counts in accounts.items():
            _gather(batch, account_id, day, counts)
    return batch


def sum_of(one: Batch, other: Batch) -> Batch:
    """The counts of both, so that what cannot be written down for hours stays small."""
    both = no_counts()
    for (kind, keys), rows, more, summed in zip(_TABLES, one.tables, other.tables, both.tables, strict=True):
        summed.extend(kind(*key, *counts) for key, counts in _summed([*rows, *more], keys))
    return both


def _gather(batch: Batch, account_id: str, day: int, counts: Counts) -> None:
    sums = [_Sums(len(kind._fields) - named) for kind, named in _TABLES]
    calls, transfers, buckets, statuses, bucket_calls, keys = sums
    for (_, of_class, call, bucket_id, key_id), transactions in counts.calls.items():
        calls.add((of_class, call), 0, transactions)
        keys.add((key_id,), _OF_CLASS[of_class], transactions)
        if bucket_id:
            buckets.add((bucket_id,), _OF_CLASS[of_class], transactions)
            bucket_calls.add((bucket_id, of_class, call), 0, transactions)
    for ((_, of_class, call, bucket_id, key_id), status), requests in counts.statuses.items():
        outcome = outcome_of(status)
        statuses.add((of_class, call, status), 0, requests)
        keys.add((key_id,), _OF_OUTCOME + outcome, requests)
        if bucket_id:
            bucket_calls.add((bucket_id, of_class, call), 1 + outcome, requests)
    for place, carried in enumerate((counts.downloaded, counts.uploaded)):
        for (bucket_id, key_id), size_bytes in carried.items():
            transfers.add((), place, size_bytes)
            keys.add((key_id,), place, size_bytes)
            if bucket_id:
                buckets.add((bucket_id,), place, size_bytes)
    for (kind, _), of_kind, rows in zip(_TABLES, sums, batch.tables, strict=True):
        rows.extend(kind(account_id, day, *named, *counted) for named, counted in of_kind.rows.items() if any(counted))


class _Sums:
    """Counts in rows, which are told apart by what they are counts of."""

    def __init__(self, width: int) -> None:
        self.rows: dict[tuple[Any, ...], list[int]] = {}
        self._width = width

    def add(self, named: tuple[Any, ...], place: int, count: int) -> None:
        row = self.rows.get(named)
        if row is None:
            row = self.rows[named] = [0] * self._width
        row[place] += count


def _summed(rows: Sequence[tuple[Any, ...]], key_columns: int) -> Iterable[tuple[tuple[Any, ...], tuple[int, ...]]]:
    """Of the rows that agree in their first columns one each, with the sums of the others."""
    sums: dict[tuple[Any, ...], tuple[int, ...]] = {}
    for row in rows:
        key, counts = row[:key_columns], row[key_columns:]
        before = sums.get(key)
        sums[key] = counts if before is None else tuple(map(add, before, counts))
    return sums.items()
