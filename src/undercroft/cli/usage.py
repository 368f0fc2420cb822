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
from undercroft.cli.usage_views import ACCOUNTS, BUCKETS, KEYS, OPERATIONS, STATUSES
from undercroft.serve.exits import USAGE
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.accounting.model import date_of, day_of, day_of_date


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
    by_key: Annotated[
        bool, typer.Option("--by-key", help="Report each application key, with its requests by what became of them.")
    ] = False,
    by_status: Annotated[
        bool, typer.Option("--by-status", help="Report requests by operation and status of the answer.")
    ] = False,
    by_operation: Annotated[bool, typer.Option("--by-operation", help="Report the operations in each bucket.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header row.")] = False,
    json: JSON = False,
) -> None:
    """Report bytes stored, downloaded and uploaded, and transactions by class, for each day (UTC).

    A running server writes its counts down every two seconds, and looks at what is stored once an hour. --json has the
    transactions of each call besides.
    """
    first_day, last_day = _day(first, "--from"), _day(last, "--to")
    asked = [
        view
        for view, is_asked in ((BUCKETS, by_bucket), (KEYS, by_key), (STATUSES, by_status), (OPERATIONS, by_operation))
        if is_asked
    ]
    if len(asked) > 1:
        fail("only one of --by-bucket, --by-key, --by-status and --by-operation can be asked for", USAGE)
    view = asked[0] if asked else ACCOUNTS

    async def work(store: Store) -> dict[str, list[Any]]:
        accounts = store.identity.accounts
        found = await accounts.list() if account is None else [await accounts.find(account)]
        today = day_of(store.ambient.now_ms())
        to = today if last_day is None else last_day
        begin = day_of_date(date_of(to).replace(day=1)) if first_day is None else first_day
        return {one.account_id: await view.read(store, one.account_id, begin, to) for one in found}

    found = with_store(settings, work)
    if json:
        print_json(
            {
                "accounts": [
                    {"accountId": account_id, "days": [view.describe(day) for day in days]}
                    for account_id, days in found.items()
                ]
            }
        )
        return
    rows = [
        dict(zip(view.columns, view.row(account_id, day), strict=True))
        for account_id, days in found.items()
        for day in days
    ]
    if as_csv:
        writer = csv.DictWriter(sys.stdout, [name.replace(" ", "_") for name in view.columns], lineterminator="\n")
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
