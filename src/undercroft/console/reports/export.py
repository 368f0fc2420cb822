"""Reports as files: CSV, a table each, and JSON with all of them. Days of buckets are many, so they are sent as they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import msgspec
from starlette.responses import Response

from undercroft.console.reports.report import Report, report_of
from undercroft.console.reports.span import Span, asked_span, iso
from undercroft.console.tables import CSVFile, Rows, TableFile
from undercroft.console.visit import Visit
from undercroft.prices import Estimate, amount
from undercroft.store.accounting.model import BucketDay, Held, Outcomes

_HELD = ("stored_bytes", "file_bytes", "older_bytes", "unfinished_bytes", "files", "versions")
_DONE = ("downloaded_bytes", "uploaded_bytes", "class_a", "class_b", "class_c")
_OUTCOMES = Outcomes._fields
_ESTIMATE_PLACES = 6

Pages = AsyncIterator[Rows]


class Asked:
    """What is to be told: of which days and, unless it is empty, of which bucket alone. `names` are those of buckets that are there."""

    def __init__(self, visit: Visit, span: Span, names: Mapping[str, str], bucket_id: str) -> None:
        self.visit = visit
        self.span = span
        self.names = names
        self.bucket_id = bucket_id
        self._report: Report | None = None

    async def report(self) -> Report:
        """The report on all of it, which is put together once."""
        if self._report is None:
            self._report = await report_of(self.visit, self.span, self.names, self.bucket_id)
        return self._report


async def _of_days(asked: Asked) -> Pages:
    report = await asked.report()
    yield [(iso(day.day), *_held(day.held), *day[2:]) for day in report.days]


async def _of_buckets(asked: Asked) -> Pages:
    reports, account_id = asked.visit.store.accounting.reports, asked.visit.account.account_id
    days = {day: iso(day) for day in asked.span.days}
    async for page in reports.of_buckets(account_id, asked.span.first, asked.span.last, asked.bucket_id):
        yield [
            (days[one.day], one.bucket_id, asked.names.get(one.bucket_id, ""), *_held(one.held), *_done(one))
            for one in page
        ]


async def _of_calls(asked: Asked) -> Pages:
    report = await asked.report()
    yield [(call.call, call.transaction_class, call.transactions, *call.outcomes) for call in report.calls]


async def _of_statuses(asked: Asked) -> Pages:
    if asked.bucket_id:
        return  # Statuses are known of the account as a whole.
    splits, account_id = asked.visit.store.accounting.splits, asked.visit.account.account_id
    async for page in splits.days_of_statuses(account_id, *asked.span):
        yield [(iso(one.day), one.call, one.transaction_class, one.status, one.requests) for one in page]


async def _of_operations(asked: Asked) -> Pages:
    splits, account_id = asked.visit.store.accounting.splits, asked.visit.account.account_id
    days = {day: iso(day) for day in asked.span.days}
    async for page in splits.days_of_bucket_calls(account_id, *asked.span, asked.bucket_id):
        yield [
            (
                days[one.day],
                one.bucket_id,
                asked.names.get(one.bucket_id, ""),
                one.call,
                one.transaction_class,
                *one[5:],
            )
            for one in page
        ]


async def _of_keys(asked: Asked) -> Pages:
    if asked.bucket_id:
        return  # And so are keys.
    splits, account_id = asked.visit.store.accounting.splits, asked.visit.account.account_id
    async for page in splits.days_of_keys(account_id, *asked.span):
        yield [(iso(one.done.day), one.done.key_id, one.name, *one.done[3:]) for one in page]


async def _of_key_costs(asked: Asked) -> Pages:
    report = await asked.report()
    yield [(key.total.key_id, key.total.name or "", *_costs(key.estimate)[1:]) for key in report.keys]


async def _of_costs(asked: Asked) -> Pages:
    report = await asked.report()
    rows = [(bucket.total.bucket_id, bucket.name or "", *_costs(bucket.estimate)) for bucket in report.buckets]
    yield [*rows, ("", "all", *_costs(report.estimate))]


_TABLES: dict[str, tuple[tuple[str, ...], Callable[[Asked], Pages]]] = {
    "days": (("day", *_HELD, *_DONE, *_OUTCOMES), _of_days),
    "buckets": (("day", "bucket_id", "bucket", *_HELD, *_DONE), _of_buckets),
    "calls": (("call", "class", "transactions", *_OUTCOMES), _of_calls),
    "operations": (("day", "bucket_id", "bucket", "call", "class", "transactions", *_OUTCOMES), _of_operations),
    "statuses": (("day", "call", "class", "status", "requests"), _of_statuses),
    "keys": (("day", "key_id", "key", *_DONE, *_OUTCOMES), _of_keys),
    "costs": (("bucket_id", "bucket", "storage", "download", "calls", "total"), _of_costs),
    "key_costs": (("key_id", "key", "download", "calls", "total"), _of_key_costs),
}


async def as_csv(visit: Visit) -> Response:
    """The table that the address asks for; that of days, if it asks for none."""
    asked = await _asked(visit)
    table = visit.query("table")
    table = table if table in _TABLES else "days"
    columns, pages = _TABLES[table]
    return CSVFile(columns, pages(asked), f"undercroft-{table}-{_days(asked.span)}.csv")


async def as_json(visit: Visit) -> Response:
    """Every table, as a list of objects."""
    asked = await _asked(visit)
    return TableFile(_json(asked), "application/json", f"undercroft-usage-{_days(asked.span)}.json")


async def _json(asked: Asked) -> AsyncIterator[str]:
    head = msgspec.json.encode({"from": iso(asked.span.first), "to": iso(asked.span.last)}).decode()
    yield head.removesuffix("}")
    for table, (columns, pages) in _TABLES.items():
        yield f',"{table}":['
        before = ""
        async for page in pages(asked):
            if page:
                objects = [dict(zip(columns, row, strict=True)) for row in page]
                yield before + msgspec.json.encode(objects).decode()[1:-1]
                before = ","
        yield "]"
    yield "}"


async def _asked(visit: Visit) -> Asked:
    span, _ = asked_span(visit)
    names = {bucket.bucket_id: bucket.name for bucket in await visit.store.buckets.list(visit.principal)}
    wanted = visit.query("bucket")
    return Asked(visit, span, names, next((one for one, name in names.items() if name == wanted), ""))


def _days(span: Span) -> str:
    return f"{iso(span.first)}-to-{iso(span.last)}"


def _held(held: Held | None) -> tuple[int | None, ...]:
    if held is None:
        return (None,) * len(_HELD)
    return (held.size_bytes, held.file_bytes, held.older_bytes, held.unfinished_bytes, held.files, held.versions)


def _done(one: BucketDay) -> tuple[int, ...]:
    return (one.downloaded_bytes, one.uploaded_bytes, one.class_a, one.class_b, one.class_c)


def _costs(estimate: Estimate | None) -> tuple[str | None, ...]:
    if estimate is None:
        return (None,) * 4
    parts = (estimate.storage, estimate.download, estimate.calls, estimate.total)
    return tuple(amount(part, _ESTIMATE_PLACES) for part in parts)
