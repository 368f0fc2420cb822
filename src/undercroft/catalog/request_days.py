"""Statements about requests by day: by the status of their answers, and by what they did in each bucket.

They stand beside those about accounts (`accounting.py`), under the same rules. A request is one whatever it is in
transactions, and one that was refused is a request too.
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft.catalog.contract import Rows
from undercroft.catalog.day_counts import DayCounts

OUTCOMES = ("succeeded", "redirected", "client_errors", "throttled", "server_errors")
OUTCOME_SUMS = ", ".join(f"sum({outcome})" for outcome in OUTCOMES)


class StatusRow(NamedTuple):
    """Requests of a call that were answered with a status, on a day. Of what was not understood, class and call are empty."""

    account_id: str
    day: int
    transaction_class: str
    call: str
    status: int
    requests: int


class BucketCallRow(NamedTuple):
    """A call in a bucket on a day: its transactions, and its requests by what became of them."""

    account_id: str
    day: int
    bucket_id: str
    transaction_class: str
    call: str
    transactions: int
    succeeded: int
    redirected: int
    client_errors: int
    throttled: int
    server_errors: int


STATUSES = DayCounts("status_days", ("class", "call", "status"), ("requests",))
BUCKET_CALLS = DayCounts("bucket_call_days", ("bucket_id", "class", "call"), ("transactions", *OUTCOMES))


async def by_day(rows: Rows, account_id: str, first_day: int, last_day: int) -> list[tuple[int, int, int]]:
    """The account's requests from day to day: day, status, requests."""
    return await rows.all(  # type: ignore[return-value]
        "SELECT day, status, sum(requests) FROM status_days WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3"
        " GROUP BY day, status",
        (account_id, first_day, last_day),
    )


async def by_call(rows: Rows, account_id: str, first_day: int, last_day: int) -> list[tuple[str, str, int, int]]:
    """The account's requests on all these days: class, call, status, requests."""
    return await rows.all(  # type: ignore[return-value]
        "SELECT class, call, status, sum(requests) FROM status_days WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3"
        " GROUP BY class, call, status",
        (account_id, first_day, last_day),
    )


async def status_page(
    rows: Rows, account_id: str, after: tuple[int, str, str, int], last_day: int, limit: int
) -> list[StatusRow]:
    """The account's requests by day, class, call and status, from after such a place on."""
    found = await rows.all(
        "SELECT day, class, call, status, sum(requests) FROM status_days"
        " WHERE account_id = ?1 AND (day, class, call, status) > (?2, ?3, ?4, ?5) AND day <= ?6"
        " GROUP BY day, class, call, status ORDER BY day, class, call, status LIMIT ?7",
        (account_id, *after, last_day, limit),
    )
    return [StatusRow(account_id, *row) for row in found]  # type: ignore[arg-type]


async def bucket_call_page(
    rows: Rows, account_id: str, after: tuple[int, str, str, str], last_day: int, bucket_id: str, limit: int
) -> list[BucketCallRow]:
    """What was done in the account's buckets, or (unless it is empty) in one, by day, bucket, class and call."""
    found = await rows.all(
        f"SELECT day, bucket_id, class, call, sum(transactions), {OUTCOME_SUMS} FROM bucket_call_days"
        " WHERE account_id = ?1 AND (day, bucket_id, class, call) > (?2, ?3, ?4, ?5) AND day <= ?6"
        " AND (?7 = '' OR bucket_id = ?7)"
        " GROUP BY day, bucket_id, class, call ORDER BY day, bucket_id, class, call LIMIT ?8",
        (account_id, *after, last_day, bucket_id, limit),
    )
    return [BucketCallRow(account_id, *row) for row in found]  # type: ignore[arg-type]


# From day to day, each by its key: between them lie the rows of all other buckets.
_DAYS_OF_BUCKET = (
    f"WITH RECURSIVE days (day) AS (SELECT ?3 UNION ALL SELECT day + 1 FROM days WHERE day < ?4) SELECT {{}}, {OUTCOME_SUMS}"
    " FROM days d CROSS JOIN bucket_call_days c WHERE c.account_id = ?1 AND c.day = d.day AND c.bucket_id = ?2 GROUP BY {}"
)


async def of_bucket_by_day(
    rows: Rows, account_id: str, bucket_id: str, first_day: int, last_day: int
) -> list[tuple[int, int, int, int, int, int]]:
    """The requests in one bucket from day to day: day, and requests by outcome."""
    return await rows.all(  # type: ignore[return-value]
        _DAYS_OF_BUCKET.format("d.day", "d.day"), (account_id, bucket_id, first_day, last_day)
    )


async def of_bucket_by_call(
    rows: Rows, account_id: str, bucket_id: str, first_day: int, last_day: int
) -> list[tuple[str, str, int, int, int, int, int, int]]:
    """What was done in one bucket on all these days: class, call, transactions, and requests by outcome."""
    return await rows.all(  # type: ignore[return-value]
        _DAYS_OF_BUCKET.format("c.class, c.call, sum(c.transactions)", "c.class, c.call"),
        (account_id, bucket_id, first_day, last_day),
    )
