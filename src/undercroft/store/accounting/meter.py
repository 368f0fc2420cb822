"""What this process has counted and not written down yet, and how much is left of the caps on it.

Every request is counted here, so a count is a few dictionary look-ups: no statement, no task, no object. A worker writes
its counts down every `ACCOUNTING_FLUSH_S` seconds and then learns what all of them have counted. In between it takes its
own counts off what was left, so one worker alone never passes a cap, and several pass it by no more than what comes to the
others within those seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import add

from undercroft.catalog.accounting import SpentRow
from undercroft.store.accounting.counts import Batch, Counted, Counts, Left, QuotasLeft, gathered, no_counts, sum_of
from undercroft.store.accounting.model import (
    DAY_MS,
    GIVING_BACK,
    Caps,
    Category,
    Done,
    Quotas,
    Refusal,
    Subject,
    TransactionClass,
    day_of,
)
from undercroft.store.ambient import Ambient
from undercroft.store.errors import DownloadCapExceeded, RequestsCapExceeded, TransactionCapExceeded, UploadCapExceeded

_NOTHING = SpentRow(0, 0, 0)
_NO_CAPS = Caps()
# The quotas of accounts that have any, and what was done of them on the day, as written down.
QuotasToday = Mapping[str, Mapping[Subject, tuple[Quotas, Done]]]
_NO_QUOTAS: QuotasToday = {}


class Meter:
    """The counts of one process. Its methods never wait, and are for the event loop's thread alone."""

    def __init__(self, ambient: Ambient) -> None:
        self._now_ms = ambient.now_ms
        self._day = self._begins_ms = self._ends_ms = 0  # The day that is counted.
        self._accounts: dict[str, Counts] = {}
        self._earlier: list[tuple[int, dict[str, Counts]]] = []  # Days that are over.
        self._kept: Batch | None = None  # What was put back.
        self._caps: Mapping[str, Caps] = {}  # Of those accounts that have daily ones.
        self._spent: Mapping[str, SpentRow] = {}  # By those accounts, on the day `_spent_day`, as written down.
        self._quotas: QuotasToday = {}
        self._spent_day = -1
        self._refused: set[Refusal] = set()

    # -- Every request --------------------------------------------------------------------------------------------------
    def charge(
        self,
        account_id: str,
        call: str,
        transaction_class: TransactionClass,
        transactions: int = 1,
        bucket_id: str = "",
        key_id: str = "",
    ) -> Counted:
        """Count a call of an account, under a bucket and a key of its own where it has to do with them.

        Returns what it counted under, for `answered`. Raises `TransactionCapExceeded`, and counts nothing, where a cap would
        be passed.
        """
        if not self._begins_ms <= self._now_ms() < self._ends_ms:
            self._turn()
        counts = self._accounts.get(account_id)
        if counts is None:
            counts = self._begin(account_id)
        counted = account_id, transaction_class, call, bucket_id, key_id
        if counts.left is not None:
            self._take(counts.left, counted, transactions)
        try:
            counts.calls[counted] += transactions
        except KeyError:
            counts.calls[counted] = transactions
        return counted

    def answered(self, counted: Counted, status: int) -> None:
        """Count a request by the status of its answer; one that was refused, too, which no transaction may have been.

        It asks for the day only where no transaction need have asked before it.
        """
        if status >= 400 and not self._begins_ms <= self._now_ms() < self._ends_ms:
            self._turn()
        counts = self._accounts.get(counted[0])
        if counts is None:
            counts = self._begin(counted[0])
        ended = counted, status
        try:
            counts.statuses[ended] += 1
        except KeyError:
            counts.statuses[ended] = 1

    def downloads(self, account_id: str, size_bytes: int, bucket_id: str = "", key_id: str = "") -> int:
        """Count bytes that are about to leave; the day on which they were counted.

        Raises `DownloadCapExceeded`, and counts nothing, where a cap would be passed.
        """
        counts = self._today(account_id)
        left = counts.left
        if left is not None:
            self._take_bytes(account_id, left, size_bytes, left.limiting(bucket_id, key_id))
        place = bucket_id, key_id
        counts.downloaded[place] = counts.downloaded.get(place, 0) + size_bytes
        return self._day

    def kept_back(self, account_id: str, size_bytes: int, day: int, bucket_id: str = "", key_id: str = "") -> None:
        """Take back bytes that were counted on that day but did not leave after all."""
        counts = self._today(account_id)
        if day != self._day:
            counts = Counts(None)
            self._earlier.append((day, {account_id: counts}))
        elif counts.left is not None:
            if counts.left.download is not None:
                counts.left.download += size_bytes
            for one in counts.left.limiting(bucket_id, key_id):
                if one.download is not None:
                    one.download += size_bytes
        place = bucket_id, key_id
        counts.downloaded[place] = counts.downloaded.get(place, 0) - size_bytes

    def check_upload(self, account_id: str, size_bytes: int, bucket_id: str, key_id: str) -> None:
        """Raise `UploadCapExceeded` where so many bytes more would pass a quota of bucket or key. Nothing is counted."""
        left = self._today(account_id).left
        for one in () if left is None else left.limiting(bucket_id, key_id):
            if one.upload is not None and size_bytes > one.upload:
                self._refused.add(Refusal(account_id, "upload", one.kind, one.subject_id))
                raise UploadCapExceeded(one.kind)

    def uploaded(self, account_id: str, size_bytes: int, bucket_id: str = "", key_id: str = "") -> None:
        """Count bytes that were stored."""
        counts = self._today(account_id)
        place = bucket_id, key_id
        counts.uploaded[place] = counts.uploaded.get(place, 0) + size_bytes
        for one in () if counts.left is None else counts.left.limiting(bucket_id, key_id):
            if one.upload is not None:
                one.upload -= size_bytes

    def refuse(self, refusal: Refusal) -> None:
        """Note that a cap has refused something."""
        self._refused.add(refusal)

    # -- Every few seconds ----------------------------------------------------------------------------------------------
    def take(self) -> Batch:
        """What has gathered, which is no longer the meter's; what is left of caps goes on being taken off."""
        days = self._earlier
        self._earlier = []
        if self._accounts:
            days.append((self._day, self._accounts))
            self._accounts = {
                account_id: Counts(counts.left) for account_id, counts in self._accounts.items() if counts.left
            }
        batch = gathered(days)
        kept, self._kept = self._kept, None
        return batch if kept is None else sum_of(kept, batch)

    def put_back(self, batch: Batch) -> None:
        """Keep what could not be written down, for the next time."""
        self._kept = sum_of(self._kept or no_counts(), batch)

    def take_refused(self) -> set[Refusal]:
        """The caps that have refused something since the last time."""
        refused, self._refused = self._refused, set()
        return refused

    def learn(
        self, caps: Mapping[str, Caps], day: int, spent: Mapping[str, SpentRow], quotas: QuotasToday = _NO_QUOTAS
    ) -> None:
        """Take over the daily caps of all accounts that have any, and what those had spent on the day, as written down.

        The same of the quotas of their buckets and keys.
        """
        self._caps, self._spent, self._quotas, self._spent_day = caps, spent, quotas, day
        today = self._day
        for account_id, counts in self._accounts.items():
            counts.left = self._left(account_id, today, counts)

    # -- Parts of these -------------------------------------------------------------------------------------------------
    def _today(self, account_id: str) -> Counts:
        if not self._begins_ms <= self._now_ms() < self._ends_ms:
            self._turn()
        return self._accounts.get(account_id) or self._begin(account_id)

    def _begin(self, account_id: str) -> Counts:
        counts = self._accounts[account_id] = Counts(self._left(account_id, self._day, None))
        return counts

    def _turn(self) -> None:
        """Begin another day."""
        if self._accounts:
            self._earlier.append((self._day, self._accounts))
            self._accounts = {}
        self._day = day_of(self._now_ms())
        self._begins_ms = self._day * DAY_MS
        self._ends_ms = self._begins_ms + DAY_MS

    def _left(self, account_id: str, today: int, own: Counts | None) -> Left | None:
        """What is left after what is written down and what this process has counted since (`own`)."""
        caps, quotas = self._caps.get(account_id), self._quotas.get(account_id)
        if caps is None and quotas is None:
            return None
        is_of_today = self._spent_day == today
        written = self._spent.get(account_id, _NOTHING) if is_of_today else _NOTHING
        spent = written if own is None else SpentRow(*map(add, written, own.spent()))
        left = Left(caps or _NO_CAPS, spent)
        since = {} if own is None or not quotas else own.done()
        for subject, (of_subject, done) in (quotas or {}).items():
            so_far = done if is_of_today else Done()
            own_part = since.get((subject.kind, subject.subject_id), Done())
            left.add(QuotasLeft(subject, of_subject, Done(*map(add, so_far, own_part))))
        return left

    def _take(self, left: Left, counted: Counted, transactions: int) -> None:
        """Take transactions off all that bounds them, or raise and take none off."""
        account_id, transaction_class, call, bucket_id, key_id = counted
        bounding = [one for one in left.limiting(bucket_id, key_id) if one.requests is not None]
        for one in bounding:
            if transactions > (one.requests or 0) and call not in GIVING_BACK:
                self._refused.add(Refusal(account_id, "requests", one.kind, one.subject_id))
                raise RequestsCapExceeded(one.kind)
        if transaction_class != "A":
            self._take_of_class(account_id, left, transaction_class, transactions)
        for one in bounding:
            one.requests = (one.requests or 0) - transactions

    def _take_of_class(self, account_id: str, left: Left, transaction_class: str, transactions: int) -> None:
        category: Category = "class_b" if transaction_class == "B" else "class_c"
        available = left.class_b if transaction_class == "B" else left.class_c
        if available is None:
            return
        if transactions > available:
            self._refused.add(Refusal(account_id, category))
            raise TransactionCapExceeded
        if transaction_class == "B":
            left.class_b = available - transactions
        else:
            left.class_c = available - transactions

    def _take_bytes(self, account_id: str, left: Left, size_bytes: int, bounding: list[QuotasLeft]) -> None:
        """Take downloaded bytes off all that bounds them, or raise and take none off."""
        for one in bounding:
            if one.download is not None and size_bytes > one.download:
                self._refused.add(Refusal(account_id, "download", one.kind, one.subject_id))
                raise DownloadCapExceeded.of_quota(one.kind)
        if left.download is not None:
            if size_bytes > left.download:
                self._refused.add(Refusal(account_id, "download"))
                raise DownloadCapExceeded
            left.download -= size_bytes
        for one in bounding:
            if one.download is not None:
                one.download -= size_bytes
