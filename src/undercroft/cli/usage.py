"""`undercroft usage`: what accounts did and held, by day."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.cli.output import print_json, print_table
from undercroft.cli.session import fail, with_store
from undercroft.serve.exits import USAGE
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.accounting.model import BucketDay, DayOfUsage, date_of, day_of, day_of_date

_BUCKET_COLUMNS = (
    "account", "day", "bucket", "stored bytes", "file bytes", "older bytes", "unfinished bytes", "files", "versions",
    "downloaded", "uploaded", "class A", "class B", "class C",
)  # fmt: skip
_COLUMNS = (
    "account", "day", "stored bytes", "versions", "byte hours", "downloaded", "uploaded", "class A", "class B", "class C",
)  # fmt: skip


@on_data
def usage(
    settings: Settings,
    account: Annotated[
        str | None, typer.Argument(metavar="[ACCOUNT]", help="The account's id or e-mail address. [default: all]")
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="YYYY-MM-DD. [default: the first of the month]")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="YYYY-MM-DD. [default: today]")] = None,
    by_bucket: Annotated[
        bool, typer.Option("--by-bucket", help="Report each bucket, rather than whole accounts.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header row.")] = False,
    json: JSON = False,
) -> None:
    """Report bytes stored, downloaded and uploaded, and transactions by class, for each day (UTC).

    A running server writes its counts down every two seconds, and looks at what is stored once an hour. --json has the
    transactions of each call besides.
    """
    first_day, last_day = _day(first, "--from"), _day(last, "--to")

    async def work(store: Store) -> dict[str, list[Any]]:
        accounts = store.identity.accounts
        found = await accounts.list() if account is None else [await accounts.find(account)]
        today = day_of(store.ambient.now_ms())
        to = today if last_day is None else last_day
        begin = day_of_date(date_of(to).replace(day=1)) if first_day is None else first_day
        reports = store.accounting.reports
        if not by_bucket:
            return {one.account_id: list(await reports.of_account(one.account_id, begin, to)) for one in found}
        return {
            one.account_id: [day async for page in reports.of_buckets(one.account_id, begin, to) for day in page]
            for one in found
        }

    found = with_store(settings, work)
    if json:
        describe = _describe_bucket if by_bucket else _describe
        print_json(
            {
                "accounts": [
                    {"accountId": account_id, "days": [describe(day) for day in days]}
                    for account_id, days in found.items()
                ]
            }
        )
        return
    columns, row_of = (_BUCKET_COLUMNS, _bucket_row) if by_bucket else (_COLUMNS, _row)
    rows = [
        dict(zip(columns, row_of(account_id, day), strict=True)) for account_id, days in found.items() for day in days
    ]
    if as_csv:
        writer = csv.DictWriter(sys.stdout, [name.replace(" ", "_") for name in columns], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name.replace(" ", "_"): value for name, value in row.items()} for row in rows)
    else:
        print_table(rows, "Nothing was counted.")


def _day(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        return day_of_date(date.fromisoformat(text))
    except ValueError:
        fail(f"{option}: {text!r} is not a day such as {datetime.now(UTC):%Y-%m-%d}", USAGE)


def _row(account_id: str, day: DayOfUsage) -> tuple[object, ...]:
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


def _describe(day: DayOfUsage) -> dict[str, object]:
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
