"""Statements about alerts: what they cost goes with the alerts that they are about, and not with those of a year."""

from __future__ import annotations

from contextlib import closing

import apsw
import pytest

from undercroft.catalog import cap_alerts, sqlite_deltas
from undercroft.catalog.cap_alerts import AlertRow
from undercroft.catalog.sqlite import _Connection, _drive

TODAY, MANY = 400, 5_000
ROW = AlertRow("a", "storage", TODAY, 75, 100, 80, 1)


def put(raw, count, **changed):
    """So many alerts, each of a key of its own."""
    columns = ", ".join(AlertRow._fields)
    places = ", ".join("?" * len(AlertRow._fields))
    row = ROW._replace(kind="key", category="requests", **changed)
    raw.executemany(
        f"INSERT INTO cap_alerts ({columns}) VALUES ({places})",
        [row._replace(subject_id=f"{number:06}") for number in range(count)],
    )


def steps_of(raw, query):
    """How many steps of its own SQLite takes for a query."""
    taken = 0

    def step():
        nonlocal taken
        taken += 1
        return False

    raw.set_progress_handler(step, 1)
    _drive(query(_Connection(raw, pytest.fail)))
    raw.set_progress_handler(None)
    return taken


@pytest.mark.parametrize(
    "query",
    [
        lambda rows: cap_alerts.known(rows, "a", TODAY),
        lambda rows: cap_alerts.are_more(rows, "a", TODAY, 20),
        lambda rows: cap_alerts.since(rows, "a", TODAY, 1000),
        lambda rows: cap_alerts.since(rows, None, TODAY, 1000),
    ],
    ids=["known", "are more", "since", "since of all"],
)
def test_who_asks_for_alerts_of_today_reads_none_of_other_days(query):
    with closing(apsw.Connection(":memory:")) as raw:
        sqlite_deltas.apply_deltas(raw)
        put(raw, 10, day=TODAY)
        alone = steps_of(raw, query)
        put(raw, MANY, day=TODAY - 1)
        assert steps_of(raw, query) < alone + MANY


def test_how_many_alerts_there_are_today_is_counted_no_further_than_it_matters():
    with closing(apsw.Connection(":memory:")) as raw:
        sqlite_deltas.apply_deltas(raw)
        put(raw, 20, day=TODAY)
        rows = _Connection(raw, pytest.fail)
        assert not _drive(cap_alerts.are_more(rows, "a", TODAY, 20))
        assert _drive(cap_alerts.are_more(rows, "a", TODAY, 19))
        assert not _drive(cap_alerts.are_more(rows, "b", TODAY, 0))
        assert not _drive(cap_alerts.are_more(rows, "a", TODAY - 1, 0))
        put(raw, MANY, day=TODAY, at_ms=2)
        assert steps_of(raw, lambda rows: cap_alerts.are_more(rows, "a", TODAY, 20)) < MANY


def test_what_is_held_and_not_over_is_known_on_later_days_too():
    with closing(apsw.Connection(":memory:")) as raw:
        sqlite_deltas.apply_deltas(raw)
        rows = _Connection(raw, pytest.fail)
        for row in (ROW._replace(day=1), ROW._replace(day=2, category="download"), ROW):
            assert _drive(cap_alerts.raise_alert(rows, row, once_until_over=False, often=5))
        found = _drive(cap_alerts.known(rows, "a", TODAY))
        assert [(one.category, one.percent, one.is_over) for one in found] == [("storage", 75, False)] * 2
        _drive(cap_alerts.end_alerts(rows, ROW._replace(percent=0, used=0)))
        assert [one.is_over for one in _drive(cap_alerts.known(rows, "a", TODAY))] == [True]
