"""Reports on requests: by the status of their answers, by what they did, in one bucket or in all, and by application key.

They stand beside those by day and by bucket (`reports.py`), under the same rules.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from undercroft import limits
from undercroft.catalog import accounting, key_days, request_days
from undercroft.catalog.contract import Catalog, Rows
from undercroft.catalog.key_days import KeyDayRow
from undercroft.catalog.request_days import BucketCallRow, StatusRow
from undercroft.store.accounting.model import OTHER_KEYS, CallSums, KeyTotal, Outcomes, outcome_of
from undercroft.store.accounting.reports import check_days

R = TypeVar("R", bound=tuple[Any, ...])  # A row.
_NONE = Outcomes()
_AFTER_IDS = "~"  # Behind every id of a key in their order.


class Requests(NamedTuple):
    """Requests on several days: by day and what became of them, by call, and by the status of their answers.

    Of one bucket there are no statuses, only what became of its requests. Calls and statuses with the most come first.
    """

    days: dict[int, Outcomes]
    calls: list[CallSums]
    statuses: list[tuple[int, int]]


class NamedKeyDay(NamedTuple):
    """What was done with a key on a day, and the key's name, which is empty where there is none to tell."""

    name: str
    done: KeyDayRow


class Splits:
    """Reads what workers have written down."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def requests(self, account_id: str, first_day: int, last_day: int) -> Requests:
        """The requests of an account. Raises `OutOfRange`."""
        check_days(first_day, last_day)

        async def query(rows: Rows) -> Requests:
            days: dict[int, list[int]] = {}
            statuses: dict[int, int] = {}
            for day, status, requests in await request_days.by_day(rows, account_id, first_day, last_day):
                days.setdefault(day, [0] * len(_NONE))[outcome_of(status)] += requests
                statuses[status] = statuses.get(status, 0) + requests
            calls: dict[tuple[str, str], list[int]] = {}
            for of_class, call, status, requests in await request_days.by_call(rows, account_id, first_day, last_day):
                calls.setdefault((of_class, call), [0] * len(_NONE))[outcome_of(status)] += requests
            charged = {
                (of_class, call): transactions
                for of_class, call, transactions in await accounting.call_sums(rows, account_id, first_day, last_day)
            }
            return Requests(
                {day: Outcomes(*counts) for day, counts in days.items()},
                _sorted(
                    CallSums(*named, charged.get(named, 0), Outcomes(*calls[named]) if named in calls else _NONE)
                    for named in {**charged, **calls}
                ),
                sorted(statuses.items(), key=lambda status: (-status[1], status[0])),
            )

        return await self._catalog.scan(query)

    async def requests_of_bucket(self, account_id: str, bucket_id: str, first_day: int, last_day: int) -> Requests:
        """The requests that had to do with one bucket of an account. Raises `OutOfRange`."""
        check_days(first_day, last_day)
        asked = account_id, bucket_id, first_day, last_day

        async def query(rows: Rows) -> Requests:
            days = await request_days.of_bucket_by_day(rows, *asked)
            calls = await request_days.of_bucket_by_call(rows, *asked)
            return Requests(
                {day: Outcomes(*counts) for day, *counts in days},
                _sorted(CallSums(*call[:3], Outcomes(*call[3:])) for call in calls),
                [],
            )

        return await self._catalog.scan(query)

    async def keys(self, account_id: str, first_day: int, last_day: int) -> list[KeyTotal]:
        """What was done with each key of an account, those with the most transactions first. Raises `OutOfRange`."""
        check_days(first_day, last_day)

        async def query(rows: Rows) -> list[KeyTotal]:
            found = await key_days.totals(rows, account_id, first_day, last_day)
            names = await key_days.names(rows, account_id, [row.key_id for row in found])
            totals = []
            for row in found:
                name, is_deleted = names.get(row.key_id, (None, row.key_id not in ("", OTHER_KEYS)))
                totals.append(KeyTotal(row.key_id, name, is_deleted, *row[1:6], Outcomes(*row[6:])))
            return sorted(totals, key=lambda one: (-(one.class_a + one.class_b + one.class_c), one.key_id))

        return await self._catalog.scan(query)

    async def days_of_keys(self, account_id: str, first_day: int, last_day: int) -> AsyncIterator[list[NamedKeyDay]]:
        """What was done with each key of an account from day to day, some rows at a time. Raises `OutOfRange`."""
        check_days(first_day, last_day)
        names: dict[str, str] = {}

        async def read(rows: Rows, after: Any) -> list[KeyDayRow]:
            page = await key_days.page(rows, account_id, after, last_day, limits.REPORT_PAGE_ROWS)
            new = {row.key_id for row in page if row.key_id not in names}
            found = await key_days.names(rows, account_id, sorted(new))
            names.update({key_id: found[key_id][0] if key_id in found else "" for key_id in new})
            return page

        # So that the first is the empty id of what was done without a key.
        async for page in self._pages(read, (first_day - 1, _AFTER_IDS)):
            yield [NamedKeyDay(names[row.key_id], row) for row in page]

    async def days_of_statuses(self, account_id: str, first_day: int, last_day: int) -> AsyncIterator[list[StatusRow]]:
        """Requests by call and status from day to day, some rows at a time. Raises `OutOfRange`."""
        check_days(first_day, last_day)

        async def read(rows: Rows, after: Any) -> list[StatusRow]:
            return await request_days.status_page(rows, account_id, after, last_day, limits.REPORT_PAGE_ROWS)

        async for page in self._pages(read, (first_day, "", "", 0)):
            yield page

    async def days_of_bucket_calls(
        self, account_id: str, first_day: int, last_day: int, bucket_id: str = ""
    ) -> AsyncIterator[list[BucketCallRow]]:
        """What was done in each bucket of an account, or in one, by call, from day to day, some rows at a time.

        Raises `OutOfRange`.
        """
        check_days(first_day, last_day)

        async def read(rows: Rows, after: Any) -> list[BucketCallRow]:
            most = limits.REPORT_PAGE_ROWS
            return await request_days.bucket_call_page(rows, account_id, after, last_day, bucket_id, most)

        async for page in self._pages(read, (first_day, "", "", "")):
            yield page

    async def _pages(
        self, read: Callable[[Rows, Any], Awaitable[list[R]]], after: tuple[Any, ...]
    ) -> AsyncIterator[list[R]]:
        """Pages of rows, from after this place on. The place of a row is what follows the account in it."""
        place: tuple[Any, ...] | None = after
        while place is not None:

            async def query(rows: Rows, place: tuple[Any, ...] = place) -> list[R]:
                return await read(rows, place)

            page = await self._catalog.scan(query)
            if page:
                yield page
            place = page[-1][1 : 1 + len(after)] if len(page) == limits.REPORT_PAGE_ROWS else None


def _sorted(calls: Iterable[CallSums]) -> list[CallSums]:
    """Those with the most transactions first, and of those without any the ones with the most requests."""
    return sorted(calls, key=lambda one: (-one.transactions, -one.outcomes.total, one.call))
