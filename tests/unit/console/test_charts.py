"""The geometry of charts."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from undercroft.console.charts import HEIGHT, WIDTH, Bar, Series, chart, sparkline

DAYS = ["1 Nov", "2 Nov", "3 Nov"]


def show(value):
    return f"{value:g} B"


def test_bars_of_a_day_stand_on_one_another_and_the_scale_ends_at_a_round_number():
    found = chart("Stored", DAYS[:2], [Series("now", 1, [30, 0]), Series("older", 2, [10, 35])], "bars", show)
    assert found.ticks == ["40 B", "30 B", "20 B", "10 B", "0 B"]
    assert found.bars == [
        Bar(1, "70", "50", "360", "150"), Bar(2, "70", "0", "360", "50"), Bar(2, "570", "25", "360", "175"),
    ]  # fmt: skip


def test_a_line_is_broken_where_nobody_looked_and_a_day_alone_is_a_short_line():
    found = chart("Files", DAYS, [Series("files", 1, [4, None, 2])], "lines", show)
    assert found.lines[0].path == "M100 0L233.3 0M766.7 100L900 100"
    assert chart("Files", DAYS[:2], [Series("files", 1, [0, 4])], "lines", show).lines[0].path == ("M250 200L750 0")


def test_ticks_are_whole_numbers_that_are_easy_to_read():
    for highest, top in ((0, 4), (3, 4), (5, 8), (21, 24), (100, 120), (645_000, 800_000)):
        found = chart("Files", DAYS, [Series("files", 1, [0, highest, 0])], "bars", show)
        assert found.ticks == [show(top * tick / 4) for tick in (4, 3, 2, 1, 0)]


def test_pointing_at_a_day_tells_all_its_values():
    found = chart("Files", DAYS, [Series("a", 1, [4, None, 2]), Series("b", 2, [0, 0, 1])], "lines", show)
    assert [day.text for day in found.days] == ["1 Nov\na: 4 B\nb: 0 B", "2 Nov\na: -\nb: 0 B", "3 Nov\na: 2 B\nb: 1 B"]


def test_who_does_not_see_the_chart_is_told_its_span_and_its_highest_values():
    found = chart("Files", DAYS, [Series("files", 1, [4, None, 2])], "lines", show)
    assert found.summary == "Files, 1 Nov to 3 Nov: files at most 4 B."
    assert chart("Files", DAYS[:1], [Series("files", 1, [None])], "lines", show).summary == (
        "Files, 1 Nov: nothing was counted."
    )


def test_a_sparkline_reaches_from_nothing_to_the_most_there_was():
    assert sparkline([]) == sparkline([0, 0]) == ""
    assert sparkline([0, 50, 100, None]) == "M125 200L375 100L625 0"
    assert sparkline([None, 7]) == ""


def test_as_many_days_as_there_are_are_named():
    for count, named in ((1, 1), (2, 2), (3, 3), (400, 3)):
        days = [str(day) for day in range(count)]
        assert len(chart("Files", days, [Series("files", 1, [0] * count)], "bars", show).labels) == named


@given(st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 2**62)), min_size=1, max_size=50))
def test_everything_is_within_the_box(values):
    columns = [Series(str(tone), tone, [pair[tone - 1] for pair in values]) for tone in (1, 2)]
    found = chart("Anything", [str(day) for day in range(len(values))], columns, "bars", show)
    for bar in found.bars:
        assert 0 <= float(bar.x) <= float(bar.x) + float(bar.width) <= WIDTH + 0.1
        assert -0.1 <= float(bar.y) <= float(bar.y) + float(bar.height) <= HEIGHT + 0.2
    assert all(float(day.x) < float(following.x) for day, following in pairwise(found.days))
