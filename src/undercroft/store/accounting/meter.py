"""What this process has counted and not written down yet, and how much is left of the caps on it.

Every request is counted here, so a count is a few dictionary look-ups: no statement, no task, no object. A worker writes
its counts down every `ACCOUNTING_FLUSH_S` seconds and then learns what all of them have counted. In between it takes its
own counts off what was left, so one worker alone never passes a cap, and several pass it by no more than what comes to the
others within those seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import add
from typing import Any, NamedTuple

from undercroft.catalog.accounting import CallRow, SpentRow, TransferRow
from undercroft.catalog.bucket_days import BucketDayRow
from undercroft.store.accounting.model import DAY_MS, Caps, Category, TransactionClass, day_of
from undercroft.store.ambient import Ambient
from undercroft.store.errors import DownloadCapExceeded, TransactionCapExceeded


class _Left:
    """What is left of an account's daily caps, in the units of `Caps`."""

    __slots__ = ("class_b", "class_c", "download")

    def __init__(self, caps: Caps, spent: SpentRow) -> None:
        self.download = None if caps.download is None else caps.download - spent.download
        self.class_b = None if caps.class_b is None else caps.class_b - spent.class_b
        self.class_c = None if caps.class_c is None else caps.class_c - spent.class_c


class _Counts:
    """What one account did on the day, and what is left of its caps, if it has any."""

    __slots__ = ("calls", "downloaded", "left", "uploaded")

    def __init__(self, left: _Left | None) -> None:
        # All under the bucket they have to do with, an empty string for none: one look-up is all that a request pays.
        self.calls: dict[tuple[str, str], int] = {}  # By call and bucket.
        self.downloaded: dict[str, int] = {}  # Bytes.
        self.uploaded: dict[str, int] = {}
        self.left = left

    def spent(self, classes: Mapping[str, TransactionClass]) -> SpentRow:
        of_class = {"A": 0, "B": 0, "C": 0}
        for (call, _), transactions in self.calls.items():
            of_class[classes[call]] += transactions
        return SpentRow(sum(self.downloaded.values()), of_class["B"], of_class["C"])

    def by_call(self) -> dict[str, int]:
        """The transactions of each call, whatever the bucket."""
        totals: dict[str, int] = {}
        for (call, _), transactions in self.calls.items():
            totals[call] = totals.get(call, 0) + transactions
        return totals

    def by_bucket(self, classes: Mapping[str, TransactionClass]) -> dict[str, list[int]]:
        """Of each bucket: bytes downloaded and uploaded, and transactions of class A, B and C."""
        buckets: dict[str, list[int]] = {}

        def count_in(bucket_id: str, place: int, count: int) -> None:
            if bucket_id:
                buckets.setdefault(bucket_id, [0, 0, 0, 0, 0])[place] += count

        for bucket_id, size_bytes in self.downloaded.items():
            count_in(bucket_id, _DOWNLOADED, size_bytes)
        for bucket_id, size_bytes in self.uploaded.items():
            count_in(bucket_id, _UPLOADED, size_bytes)
        for (call, bucket_id), transactions in self.calls.items():
            count_in(bucket_id, _OF_CLASS[classes[call]], transactions)
        return buckets


class Batch(NamedTuple):
    """Counts to be written down."""

    calls: list[CallRow]
    transfers: list[TransferRow]
    buckets: list[BucketDayRow]


_EMPTY = Batch([], [], [])
_NOTHING = SpentRow(0, 0, 0)
_DOWNLOADED, _UPLOADED = 0, 1  # Places in the counts of a bucket.
_OF_CLASS = {"A": 2, "B": 3, "C": 4}


class Meter:
    """The counts of one process. Its methods never wait, and are for the event loop's thread alone."""

    def __init__(self, ambient: Ambient) -> None:
        self._now_ms = ambient.now_ms
        self._day = self._begins_ms = self._ends_ms = 0  # The day that is counted.
        self._accounts: dict[str, _Counts] = {}
        self._earlier: list[tuple[int, dict[str, _Counts]]] = []  # Days that are over.
        self._kept = _EMPTY  # What was put back.
        self._caps: Mapping[str, Caps] = {}  # Of those accounts that have daily ones.
        self._spent: Mapping[str, SpentRow] = {}  # By those accounts, on the day `_spent_day`, as written down.
        self._spent_day = -1
        self._classes: dict[str, TransactionClass] = {}
        self._refused: set[tuple[str, Category]] = set()

    # -- Every request --------------------------------------------------------------------------------------------------
    def charge(
        self,
        account_id: str,
        call: str,
        transaction_class: TransactionClass,
        transactions: int = 1,
        bucket_id: str = "",
    ) -> None:
        """Count a call of an account, and under a bucket of its own where it has to do with one. Raises `TransactionCapExceeded`, and counts nothing, where a cap would be passed."""
        if not self._begins_ms <= self._now_ms() < self._ends_ms:
            self._turn()
        counts = self._accounts.get(account_id)
        if counts is None:
            counts = self._begin(account_id)
        if counts.left is not None and transaction_class != "A":
            self._take(account_id, counts.left, transaction_class, transactions)
        counted = call, bucket_id
        try:
            counts.calls[counted] += transactions
        except KeyError:
            counts.calls[counted] = transactions
            self._classes[call] = transaction_class

    def downloads(self, account_id: str, size_bytes: int, bucket_id: str = "") -> int:
        """Count bytes that are about to leave; the day on which they were counted.

        Raises `DownloadCapExceeded`, and counts nothing, where a cap would be passed.
        """
        counts = self._today(account_id)
        left = counts.left
        if left is not None and left.download is not None:
            if size_bytes > left.download:
                self._refused.add((account_id, "download"))
                raise DownloadCapExceeded
            left.download -= size_bytes
        counts.downloaded[bucket_id] = counts.downloaded.get(bucket_id, 0) + size_bytes
        return self._day

    def kept_back(self, account_id: str, size_bytes: int, day: int, bucket_id: str = "") -> None:
        """Take back bytes that were counted on that day but did not leave after all."""
        counts = self._today(account_id)
        if day != self._day:
            counts = _Counts(None)
            self._earlier.append((day, {account_id: counts}))
        elif counts.left is not None and counts.left.download is not None:
            counts.left.download += size_bytes
        counts.downloaded[bucket_id] = counts.downloaded.get(bucket_id, 0) - size_bytes

    def uploaded(self, account_id: str, size_bytes: int, bucket_id: str = "") -> None:
        """Count bytes that were stored."""
        counts = self._today(account_id)
        counts.uploaded[bucket_id] = counts.uploaded.get(bucket_id, 0) + size_bytes

    def refuse(self, account_id: str, category: Category) -> None:
        """Note that a cap has refused something."""
        self._refused.add((account_id, category))

    # -- Every few seconds ----------------------------------------------------------------------------------------------
    def take(self) -> Batch:
        """What has gathered, which is no longer the meter's; what is left of caps goes on being taken off."""
        days = self._earlier
        self._earlier = []
        if self._accounts:
            days.append((self._day, self._accounts))
            self._accounts = {
                account_id: _Counts(counts.left) for account_id, counts in self._accounts.items() if counts.left
            }
        batch = Batch([], [], [])
        for day, accounts in days:
            for account_id, counts in accounts.items():
                batch.calls.extend(
                    CallRow(account_id, day, self._classes[call], call, transactions)
                    for call, transactions in counts.by_call().items()
                )
                downloaded, uploaded = sum(counts.downloaded.values()), sum(counts.uploaded.values())
                if downloaded or uploaded:
                    batch.transfers.append(TransferRow(account_id, day, downloaded, uploaded))
                batch.buckets.extend(
                    BucketDayRow(account_id, day, bucket_id, *of_bucket)
                    for bucket_id, of_bucket in counts.by_bucket(self._classes).items()
                )
        kept, self._kept = self._kept, _EMPTY
        return batch if kept is _EMPTY else _sum_of(kept, batch)

    def put_back(self, batch: Batch) -> None:
        """Keep what could not be written down, for the next time."""
        self._kept = _sum_of(self._kept, batch)

    def take_refused(self) -> set[tuple[str, Category]]:
        """The accounts that a cap has refused something since the last time, and which one."""
        refused, self._refused = self._refused, set()
        return refused

    def learn(self, caps: Mapping[str, Caps], day: int, spent: Mapping[str, SpentRow]) -> None:
        """Take over the daily caps of all accounts that have any, and what those had spent on the day, as written down."""
        self._caps, self._spent, self._spent_day = caps, spent, day
        today = self._day
        for account_id, counts in self._accounts.items():
            counts.left = self._left(account_id, today, counts.spent(self._classes))

    # -- Parts of these -------------------------------------------------------------------------------------------------
    def _today(self, account_id: str) -> _Counts:
        if not self._begins_ms <= self._now_ms() < self._ends_ms:
            self._turn()
        return self._accounts.get(account_id) or self._begin(account_id)

    def _begin(self, account_id: str) -> _Counts:
        counts = self._accounts[account_id] = _Counts(self._left(account_id, self._day, _NOTHING))
        return counts

    def _turn(self) -> None:
        """Begin another day."""
        if self._accounts:
            self._earlier.append((self._day, self._accounts))
            self._accounts = {}
        self._day = day_of(self._now_ms())
        self._begins_ms = self._day * DAY_MS
        self._ends_ms = self._begins_ms + DAY_MS

    def _left(self, account_id: str, today: int, own: SpentRow) -> _Left | None:
        """What is left after what is written down and what this process has counted since (`own`)."""
        caps = self._caps.get(account_id)
        if caps is None:
            return None
        written = self._spent.get(account_id, _NOTHING) if self._spent_day == today else _NOTHING
        return _Left(caps, SpentRow(*(one + other for one, other in zip(written, own, strict=True))))

    def _take(self, account_id: str, left: _Left, transaction_class: TransactionClass, transactions: int) -> None:
        category: Category = "class_b" if transaction_class == "B" else "class_c"
        available = left.class_b if transaction_class == "B" else left.class_c
        if available is None:
            return
        if transactions > available:
            self._refused.add((account_id, category))
            raise TransactionCapExceeded
        if transaction_class == "B":
            left.class_b = available - transactions
        else:
            left.class_c = available - transactions


def _sum_of(one: Batch, other: Batch) -> Batch:
    """The counts of both, so that what cannot be written down for hours stays small."""
    return Batch(
        [CallRow(*key, *counts) for key, counts in _summed([*one.calls, *other.calls], 4)],
        [TransferRow(*key, *counts) for key, counts in _summed([*one.transfers, *other.transfers], 2)],
        [BucketDayRow(*key, *counts) for key, counts in _summed([*one.buckets, *other.buckets], 3)],
    )


def _summed(rows: Sequence[tuple[Any, ...]], key_columns: int) -> Iterable[tuple[tuple[Any, ...], tuple[int, ...]]]:
    """Of the rows that agree in their first columns one each, with the sums of the others."""
    sums: dict[tuple[Any, ...], tuple[int, ...]] = {}
    for row in rows:
        key, counts = row[:key_columns], row[key_columns:]
        before = sums.get(key)
        sums[key] = counts if before is None else tuple(map(add, before, counts))
    return sums.items()
