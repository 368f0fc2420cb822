"""A report put together: a row a day, a row a bucket, a row a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from undercroft.console.reports.span import Span
from undercroft.console.visit import Visit
from undercroft.prices import Estimate, Prices, estimate
from undercroft.store.accounting.model import BucketDay, BucketTotal, CallCount, DayOfUsage, Held, TransactionClass

_DAY_HOURS = 24


class Day(NamedTuple):
    """A day; `held` is None where nobody looked."""

    day: int
    held: Held | None
    downloaded: int = 0
    uploaded: int = 0
    class_a: int = 0
    class_b: int = 0
    class_c: int = 0


class OfBucket(NamedTuple):
    """A bucket over all days. `name` is None where it is deleted."""

    name: str | None
    total: BucketTotal
    estimate: Estimate | None


class Report(NamedTuple):
    """A report about an account, or about one of its buckets: then it tells no calls."""

    days: list[Day]
    buckets: list[OfBucket]
    calls: list[CallCount]
    estimate: Estimate | None


async def report_of(visit: Visit, span: Span, bucket_id: str | None) -> Report:
    """The report about these days."""
    accounting, account_id, prices = visit.store.accounting, visit.account.account_id, visit.settings.prices
    names = {bucket.bucket_id: bucket.name for bucket in await visit.store.buckets.list(visit.principal)}
    held_by_day, totals = await accounting.totals_of_buckets(account_id, span.first, span.last)
    buckets = [_of_bucket(total, names, prices) for total in totals if bucket_id in (None, total.bucket_id)]
    buckets.sort(key=lambda row: (-row.total.held.size_bytes, row.name or row.total.bucket_id))
    if bucket_id is not None:
        by_day = await accounting.usage_by_bucket(account_id, span.first, span.last)
        of_it = {one.day: one for one in by_day if one.bucket_id == bucket_id}
        days = [_day_of_bucket(day, of_it.get(day)) for day in span.days]
        return Report(days, buckets, [], buckets[0].estimate if buckets else None)
    usage = {day.day: day for day in await accounting.usage(account_id, span.first, span.last)}
    days = [_day_of_account(day, usage.get(day), held_by_day.get(day)) for day in span.days]
    return Report(days, buckets, _calls(usage.values()), _of_account(prices, usage.values()))


def _day_of_account(day: int, usage: DayOfUsage | None, held: Held | None) -> Day:
    if usage is None:
        return Day(day, held)
    return Day(
        day,
        held if held is not None or usage.stored_bytes is None else Held(),
        usage.downloaded_bytes,
        usage.uploaded_bytes,
        usage.transactions("A"),
        usage.transactions("B"),
        usage.transactions("C"),
    )


def _day_of_bucket(day: int, one: BucketDay | None) -> Day:
    if one is None:
        return Day(day, None)
    return Day(day, one.held, one.downloaded_bytes, one.uploaded_bytes, one.class_a, one.class_b, one.class_c)


def _of_bucket(total: BucketTotal, names: Mapping[str, str], prices: Prices | None) -> OfBucket:
    cost = None
    if prices is not None:
        cost = estimate(
            prices,
            byte_hours=total.byte_days * _DAY_HOURS,
            downloaded_bytes=total.downloaded_bytes,
            class_a=total.class_a,
            class_b=total.class_b,
            class_c=total.class_c,
        )
    return OfBucket(names.get(total.bucket_id), total, cost)


def _of_account(prices: Prices | None, usage: Collection[DayOfUsage]) -> Estimate | None:
    if prices is None:
        return None
    return estimate(
        prices,
        byte_hours=sum(day.byte_hours or 0 for day in usage),
        downloaded_bytes=sum(day.downloaded_bytes for day in usage),
        class_a=sum(day.transactions("A") for day in usage),
        class_b=sum(day.transactions("B") for day in usage),
        class_c=sum(day.transactions("C") for day in usage),
    )


def _calls(usage: Collection[DayOfUsage]) -> list[CallCount]:
    """Every call with its transactions on all days, those with the most first."""
    counts: Counter[tuple[TransactionClass, str]] = Counter()
    for day in usage:
        for call in day.calls:
            counts[call.transaction_class, call.call] += call.transactions
    return [CallCount(of_class, call, number) for (of_class, call), number in counts.most_common()]
