"""A report put together: a row a day, a row a bucket, a row a call, a row a key, a row a status."""

from __future__ import annotations

from asyncio import gather
from collections.abc import Collection, Mapping
from typing import NamedTuple

from undercroft.console.reports.span import Span
from undercroft.console.visit import Visit
from undercroft.prices import Estimate, Prices, estimate
from undercroft.store.accounting.model import (
    BucketDay,
    BucketTotal,
    CallSums,
    DaySums,
    Held,
    KeyTotal,
    Outcomes,
)

_DAY_HOURS = 24
_NONE = Outcomes()


class Day(NamedTuple):
    """A day; `held` is None where nobody looked."""

    day: int
    held: Held | None
    downloaded: int = 0
    uploaded: int = 0
    class_a: int = 0
    class_b: int = 0
    class_c: int = 0
    succeeded: int = 0
    redirected: int = 0
    client_errors: int = 0
    throttled: int = 0
    server_errors: int = 0


class OfBucket(NamedTuple):
    """A bucket over all days. `name` is None where it is deleted."""

    name: str | None
    total: BucketTotal
    estimate: Estimate | None


class OfKey(NamedTuple):
    """A key over all days. What is estimated is its downloads and calls: what is stored is no key's."""

    total: KeyTotal
    estimate: Estimate | None


class Report(NamedTuple):
    """A report about an account, or about one of its buckets: then it tells no keys and no statuses."""

    days: list[Day]
    buckets: list[OfBucket]
    calls: list[CallSums]
    keys: list[OfKey]
    statuses: list[tuple[int, int]]
    estimate: Estimate | None


async def report_of(visit: Visit, span: Span, names: Mapping[str, str], bucket_id: str) -> Report:
    """The report about these days, and of one bucket alone unless that is empty. `names` are those of buckets that are there."""
    accounting, account_id, prices = visit.store.accounting, visit.account.account_id, visit.settings.prices
    reports, splits = accounting.reports, accounting.splits
    if bucket_id:
        buckets = _of_buckets(await reports.totals_of_buckets(account_id, *span, bucket_id), names, prices)
        of_it = {one.day: one async for page in reports.of_buckets(account_id, *span, bucket_id) for one in page}
        requests = await splits.requests_of_bucket(account_id, bucket_id, *span)
        days = [_day_of_bucket(day, of_it.get(day), requests.days.get(day, _NONE)) for day in span.days]
        return Report(days, buckets, requests.calls, [], [], buckets[0].estimate if buckets else None)
    # At once, since each of them takes its time in the catalog and not here.
    totals, sums, held, requests, keys = await gather(
        reports.totals_of_buckets(account_id, *span),
        reports.sums(account_id, *span),
        reports.held_by_day(account_id, *span),
        splits.requests(account_id, *span),
        splits.keys(account_id, *span),
    )
    by_day = {day.day: day for day in sums}
    days = [_day_of_account(day, by_day.get(day), held.get(day), requests.days.get(day, _NONE)) for day in span.days]
    return Report(
        days,
        _of_buckets(totals, names, prices),
        requests.calls,
        [OfKey(one, None if prices is None else _of_key(prices, one)) for one in keys],
        requests.statuses,
        _of_account(prices, sums),
    )


def _day_of_account(day: int, sums: DaySums | None, held: Held | None, outcomes: Outcomes) -> Day:
    if sums is None:
        return Day(day, held, 0, 0, 0, 0, 0, *outcomes)
    return Day(
        day,
        held if held is not None or sums.stored_bytes is None else Held(),
        sums.downloaded_bytes,
        sums.uploaded_bytes,
        sums.class_a,
        sums.class_b,
        sums.class_c,
        *outcomes,
    )


def _day_of_bucket(day: int, one: BucketDay | None, outcomes: Outcomes) -> Day:
    if one is None:
        return Day(day, None, 0, 0, 0, 0, 0, *outcomes)
    done = (one.downloaded_bytes, one.uploaded_bytes, one.class_a, one.class_b, one.class_c)
    return Day(day, one.held, *done, *outcomes)


def _of_key(prices: Prices, total: KeyTotal) -> Estimate:
    return estimate(
        prices,
        byte_hours=0,
        downloaded_bytes=total.downloaded_bytes,
        class_a=total.class_a,
        class_b=total.class_b,
        class_c=total.class_c,
    )


def _of_buckets(totals: Collection[BucketTotal], names: Mapping[str, str], prices: Prices | None) -> list[OfBucket]:
    """Each bucket with its name and its costs, those that hold most first."""
    buckets = [_of_bucket(total, names, prices) for total in totals]
    buckets.sort(key=lambda row: (-row.total.held.size_bytes, row.name or row.total.bucket_id))
    return buckets


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


def _of_account(prices: Prices | None, days: Collection[DaySums]) -> Estimate | None:
    if prices is None:
        return None
    return estimate(
        prices,
        byte_hours=sum(day.byte_hours or 0 for day in days),
        downloaded_bytes=sum(day.downloaded_bytes for day in days),
        class_a=sum(day.class_a for day in days),
        class_b=sum(day.class_b for day in days),
        class_c=sum(day.class_c for day in days),
    )
