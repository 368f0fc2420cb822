"""Reports as files: CSV, a table each, and JSON with all of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from undercroft.console.reports.report import Report, report_of
from undercroft.console.reports.span import Span, asked_span, iso
from undercroft.console.visit import Visit
from undercroft.prices import Estimate, amount
from undercroft.store.accounting.model import BucketDay, Held

_HELD = ("stored_bytes", "file_bytes", "older_bytes", "unfinished_bytes", "files", "versions")
_DONE = ("downloaded_bytes", "uploaded_bytes", "class_a", "class_b", "class_c")
_ESTIMATE_PLACES = 6

Rows = Iterable[Sequence[Any]]


class Exported(NamedTuple):
    """A report, and what was done in each bucket on each day."""

    report: Report
    by_bucket: list[BucketDay]
    names: dict[str, str]  # Of buckets that are there, by id.


def _of_days(exported: Exported) -> Rows:
    for day in exported.report.days:
        yield (iso(day.day), *_held(day.held), *day[2:])


def _of_buckets(exported: Exported) -> Rows:
    for one in exported.by_bucket:
        done = (one.downloaded_bytes, one.uploaded_bytes, one.class_a, one.class_b, one.class_c)
        yield (iso(one.day), one.bucket_id, exported.names.get(one.bucket_id, ""), *_held(one.held), *done)


def _of_calls(exported: Exported) -> Rows:
    for call in exported.report.calls:
        yield (call.call, call.transaction_class, call.transactions)


def _of_costs(exported: Exported) -> Rows:
    for bucket in exported.report.buckets:
        yield (bucket.total.bucket_id, bucket.name or "", *_costs(bucket.estimate))
    yield ("", "all", *_costs(exported.report.estimate))


_TABLES: dict[str, tuple[tuple[str, ...], Callable[[Exported], Rows]]] = {
    "days": (("day", *_HELD, *_DONE), _of_days),
    "buckets": (("day", "bucket_id", "bucket", *_HELD, *_DONE), _of_buckets),
    "calls": (("call", "class", "transactions"), _of_calls),
    "costs": (("bucket_id", "bucket", "storage", "download", "calls", "total"), _of_costs),
}


async def as_csv(visit: Visit) -> Response:
    """The table that the address asks for; that of days, if it asks for none."""
    span, exported = await _exported(visit)
    table = visit.query("table")
    table = table if table in _TABLES else "days"
    columns, rows = _TABLES[table]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180.
    writer.writerow(columns)
    writer.writerows(rows(exported))
    return _file(text.getvalue(), "text/csv; charset=utf-8", f"undercroft-{table}-{_days(span)}.csv")


async def as_json(visit: Visit) -> Response:
    """Every table, as a list of objects."""
    span, exported = await _exported(visit)
    tables = {
        table: [dict(zip(columns, row, strict=True)) for row in rows(exported)]
        for table, (columns, rows) in _TABLES.items()
    }
    answer = visit.answer_json({"from": iso(span.first), "to": iso(span.last), **tables})
    answer.headers["content-disposition"] = f'attachment; filename="undercroft-usage-{_days(span)}.json"'
    return answer


async def _exported(visit: Visit) -> tuple[Span, Exported]:
    span, _ = asked_span(visit)
    names = {bucket.bucket_id: bucket.name for bucket in await visit.store.buckets.list(visit.principal)}
    asked = visit.query("bucket")
    only = next((bucket_id for bucket_id, name in names.items() if name == asked), None)
    by_bucket = await visit.store.accounting.usage_by_bucket(visit.account.account_id, span.first, span.last)
    of_it = [one for one in by_bucket if only in (None, one.bucket_id)]
    return span, Exported(await report_of(visit, span, only), of_it, names)


def _file(text: str, content_type: str, name: str) -> Response:
    return Response(
        text, headers={"content-type": content_type, "content-disposition": f'attachment; filename="{name}"'}
    )


def _days(span: Span) -> str:
    return f"{iso(span.first)}-to-{iso(span.last)}"


def _held(held: Held | None) -> tuple[int | None, ...]:
    if held is None:
        return (None,) * len(_HELD)
    return (held.size_bytes, held.file_bytes, held.older_bytes, held.unfinished_bytes, held.files, held.versions)


def _costs(estimate: Estimate | None) -> tuple[str | None, ...]:
    if estimate is None:
        return (None,) * 4
    parts = (estimate.storage, estimate.download, estimate.calls, estimate.total)
    return tuple(amount(part, _ESTIMATE_PLACES) for part in parts)
