"""What `undercroft usage` can report on: whole accounts, buckets, keys, statuses or operations; and how each is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from undercroft.catalog.request_days import OUTCOMES, BucketCallRow, StatusRow
from undercroft.store import Store
from undercroft.store.accounting.model import BucketDay, DayOfUsage, date_of
from undercroft.store.accounting.splits import NamedKeyDay

_BUCKET_COLUMNS = (
    "account", "day", "bucket", "stored bytes", "file bytes", "older bytes", "unfinished bytes", "files", "versions",
    "downloaded", "uploaded", "class A", "class B", "class C",
)  # fmt: skip
_ACCOUNT_COLUMNS = (
    "account", "day", "stored bytes", "versions", "byte hours", "downloaded", "uploaded", "class A", "class B", "class C",
)  # fmt: skip
_OUTCOME_COLUMNS = tuple(outcome.replace("_", " ") for outcome in OUTCOMES)
_OUTCOME_MEMBERS = ("succeeded", "redirected", "clientErrors", "throttled", "serverErrors")
_KEY_COLUMNS = (
    "account", "day", "key", "name", "downloaded", "uploaded", "class A", "class B", "class C", *_OUTCOME_COLUMNS,
)  # fmt: skip
_STATUS_COLUMNS = ("account", "day", "call", "class", "status", "requests")
_OPERATION_COLUMNS = ("account", "day", "bucket", "call", "class", "transactions", *_OUTCOME_COLUMNS)


class View(NamedTuple):
    """A way to report: its columns, how it is read, and what a row of it is as a line and as an object."""

    columns: tuple[str, ...]
    read: Callable[[Store, str, int, int], Awaitable[list[Any]]]
    row: Callable[[str, Any], tuple[object, ...]]
    describe: Callable[[Any], dict[str, object]]


async def _accounts(store: Store, account_id: str, first_day: int, last_day: int) -> list[Any]:
    return list(await store.accounting.reports.of_account(account_id, first_day, last_day))


async def _buckets(store: Store, account_id: str, first_day: int, last_day: int) -> list[Any]:
    return await _all(store.accounting.reports.of_buckets(account_id, first_day, last_day))


async def _keys(store: Store, account_id: str, first_day: int, last_day: int) -> list[Any]:
    return await _all(store.accounting.splits.days_of_keys(account_id, first_day, last_day))


async def _statuses(store: Store, account_id: str, first_day: int, last_day: int) -> list[Any]:
    return await _all(store.accounting.splits.days_of_statuses(account_id, first_day, last_day))


async def _operations(store: Store, account_id: str, first_day: int, last_day: int) -> list[Any]:
    return await _all(store.accounting.splits.days_of_bucket_calls(account_id, first_day, last_day))


async def _all(pages: AsyncIterator[list[Any]]) -> list[Any]:
    return [row async for page in pages for row in page]


def _account_row(account_id: str, day: DayOfUsage) -> tuple[object, ...]:
    return (
        account_id,
        date_of(day.day).isoformat(),
        day.stored_bytes,
        day.stored_versions,
        day.byte_hours,
        day.downloaded_bytes,
        day.uploaded_bytes,
        day.transactions("A"),
        day.transactions("B"),
        day.transactions("C"),
    )


def _bucket_row(account_id: str, day: BucketDay) -> tuple[object, ...]:
    held = day.held
    return (
        account_id,
        date_of(day.day).isoformat(),
        day.bucket_id,
        *(
            (None,) * 6
            if held is None
            else (
                held.size_bytes, held.file_bytes, held.older_bytes, held.unfinished_bytes, held.files, held.versions,
            )
        ),
        day.downloaded_bytes,
        day.uploaded_bytes,
        day.class_a,
        day.class_b,
        day.class_c,
    )  # fmt: skip


def _describe_bucket(day: BucketDay) -> dict[str, object]:
    held = day.held
    return {
        "day": date_of(day.day).isoformat(),
        "bucketId": day.bucket_id,
        "storedBytes": None if held is None else held.size_bytes,
        "fileBytes": None if held is None else held.file_bytes,
        "olderBytes": None if held is None else held.older_bytes,
        "unfinishedBytes": None if held is None else held.unfinished_bytes,
        "files": None if held is None else held.files,
        "versions": None if held is None else held.versions,
        "downloadedBytes": day.downloaded_bytes,
        "uploadedBytes": day.uploaded_bytes,
        "transactions": {"A": day.class_a, "B": day.class_b, "C": day.class_c},
    }


def _describe_account(day: DayOfUsage) -> dict[str, object]:
    return {
        "day": date_of(day.day).isoformat(),
        "storedBytes": day.stored_bytes,
        "storedVersions": day.stored_versions,
        "byteHours": day.byte_hours,
        "downloadedBytes": day.downloaded_bytes,
        "uploadedBytes": day.uploaded_bytes,
        "transactions": {name: day.transactions(name) for name in ("A", "B", "C")},
        "calls": [
            {"call": call.call, "class": call.transaction_class, "transactions": call.transactions}
            for call in day.calls
        ],
    }


def _key_row(account_id: str, day: NamedKeyDay) -> tuple[object, ...]:
    done = day.done
    return (account_id, date_of(done.day).isoformat(), done.key_id, day.name, *done[3:])


def _describe_key(day: NamedKeyDay) -> dict[str, object]:
    done = day.done
    return {
        "day": date_of(done.day).isoformat(),
        "keyId": done.key_id,
        "keyName": day.name,
        "downloadedBytes": done.downloaded,
        "uploadedBytes": done.uploaded,
        "transactions": {"A": done.class_a, "B": done.class_b, "C": done.class_c},
        "requests": _outcomes(done[8:]),
    }


def _status_row(account_id: str, row: StatusRow) -> tuple[object, ...]:
    return (account_id, date_of(row.day).isoformat(), row.call, row.transaction_class, row.status, row.requests)


def _describe_status(row: StatusRow) -> dict[str, object]:
    return {
        "day": date_of(row.day).isoformat(),
        "call": row.call,
        "class": row.transaction_class,
        "status": row.status,
        "requests": row.requests,
    }


def _operation_row(account_id: str, row: BucketCallRow) -> tuple[object, ...]:
    return (account_id, date_of(row.day).isoformat(), row.bucket_id, row.call, row.transaction_class, *row[5:])


def _describe_operation(row: BucketCallRow) -> dict[str, object]:
    return {
        "day": date_of(row.day).isoformat(),
        "bucketId": row.bucket_id,
        "call": row.call,
        "class": row.transaction_class,
        "transactions": row.transactions,
        "requests": _outcomes(row[6:]),
    }


def _outcomes(counts: Iterable[int]) -> dict[str, int]:
    return dict(zip(_OUTCOME_MEMBERS, counts, strict=True))


ACCOUNTS = View(_ACCOUNT_COLUMNS, _accounts, _account_row, _describe_account)
BUCKETS = View(_BUCKET_COLUMNS, _buckets, _bucket_row, _describe_bucket)
KEYS = View(_KEY_COLUMNS, _keys, _key_row, _describe_key)
STATUSES = View(_STATUS_COLUMNS, _statuses, _status_row, _describe_status)
OPERATIONS = View(_OPERATION_COLUMNS, _operations, _operation_row, _describe_operation)
