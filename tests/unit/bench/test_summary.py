"""What the table says of numbers: ratios, floors, goals, and that work that was not done never counts as fast."""

import pytest
from plan import Row, Seen, rows
from report import markdown
from summary import missed, summarize
from work import FULL, Sample

CEILINGS = {"md5_mb_s": 700.0, "synced_writes_s": 1000.0, "large_write_mb_s": 900.0}


def row(**changes):
    return Row(**{"key": "get-16", "label": "GET", "unit": "/s", "load": None, **changes})


def at_least_the_peer(seen: Seen):
    return seen.best_peer


def summary_of(one, **runs):
    cells = {
        name: [Sample(*values) for values in found] if isinstance(found, list) else found
        for name, found in runs.items()
    }
    return summarize({one.key: cells}, [one], CEILINGS)[0]


def test_the_ratio_is_above_one_where_we_are_better_whether_more_or_less_is_better():
    more = summary_of(row(), undercroft=[(200.0, 1.0)], a=[(50.0, 1.0)], b=[(100.0, 1.0)])
    less = summary_of(row(more_is_better=False), undercroft=[(2.0, 1.0)], a=[(4.0, 1.0)], b=[(8.0, 1.0)])

    assert (more["best_peer"], more["ratio"]) == ("b", 2.0)
    assert (less["best_peer"], less["ratio"]) == ("a", 2.0)


def test_a_cell_has_the_median_and_the_range_of_its_runs():
    cell = summary_of(row(), undercroft=[(1.0, 10.0), (5.0, 30.0), (2.0, 20.0)])["servers"]["undercroft"]

    assert (cell["least"], cell["value"], cell["most"], cell["cpu_us"]) == (1.0, 2.0, 5.0, 20.0)


@pytest.mark.parametrize(("ours", "met"), [(99.0, False), (100.0, True)])
def test_a_floor_is_met_from_its_limit_on(ours, met):
    assert summary_of(row(floor=at_least_the_peer), undercroft=[(ours, 1.0)], a=[(100.0, 1.0)])["floor"]["met"] is met


@pytest.mark.parametrize(("ours", "met"), [(5.1, False), (5.0, True)])
def test_where_less_is_better_a_floor_is_met_up_to_its_limit(ours, met):
    one = row(more_is_better=False, floor=lambda _: 5.0)
    assert summary_of(one, undercroft=[(ours, 1.0)])["floor"]["met"] is met


@pytest.mark.parametrize(("cpu_us", "met"), [(160.0, True), (161.0, False)])
def test_a_goal_of_processor_time_has_to_be_met_too(cpu_us, met):
    one = row(goal=at_least_the_peer, goal_cpu_us=160.0)
    assert summary_of(one, undercroft=[(500.0, cpu_us)], a=[(100.0, 1.0)])["goal"]["met"] is met


def test_without_a_peer_a_floor_that_needs_one_is_not_judged():
    assert summary_of(row(floor=at_least_the_peer), undercroft=[(1.0, 1.0)])["floor"] is None


def test_work_that_was_not_done_is_invalid_and_no_peer_to_beat():
    found = summary_of(row(floor=at_least_the_peer), undercroft=[(10.0, 1.0)], a="PUT answered 500", b=[(5.0, 1.0)])

    assert found["servers"]["a"] == {"invalid": "PUT answered 500"}
    assert (found["best_peer"], found["floor"]["met"]) == ("b", True)


def test_a_row_that_we_did_not_do_counts_as_missed():
    found = summary_of(row(), undercroft="answered 500", a=[(5.0, 1.0)])

    assert found["ratio"] is None
    assert missed([found]) == ["get-16"]


def test_a_list_of_very_many_names_has_to_be_as_fast_as_one_of_few():
    plan = [one for one in rows(FULL) if one.key in {"list-10k", "list-1m"}]
    runs = {"list-10k": {"undercroft": [Sample(3.0)]}, "list-1m": {"undercroft": [Sample(4.0)]}}

    found = summarize(runs, plan, CEILINGS)

    assert [one["goal"]["met"] for one in found] == [True, False]
    assert found[1]["goal"]["limit"] == pytest.approx(3.6)


def test_every_row_of_the_plan_has_a_key_of_its_own():
    keys = [one.key for one in rows(FULL)]
    assert len(keys) == len(set(keys))


def test_the_document_says_what_was_invalid_and_which_peer_is_missing():
    found = summary_of(row(), undercroft=[(10.0, 1.0)], a="PUT answered 500")
    servers = [
        {"name": name, "title": name.title(), "version": "1", "durability": "not synced"}
        for name in ("undercroft", "a")
    ]
    result = {
        "date": "2026-11-22T00:00:00Z", "seconds_taken": 1, "runs": 2, "quick": False, "servers": servers, "rows": [found],
        "left_out": {"minio": "minio is not installed"}, "ceilings": {key: [one, one] for key, one in CEILINGS.items()},
        "machine": {"cores": 2, "processor": "x", "memory_gib": 1, "system": "Linux", "file_system": "ext4"},
    }  # fmt: skip

    text = markdown(result)

    assert "| GET (/s) | 10.0 · 1.00 µs | invalid |" in text
    assert "Left out: minio (minio is not installed)." in text
    assert "Invalid: GET, a: PUT answered 500" in text
