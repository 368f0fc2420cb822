"""Counts, part numbers and timestamps at the edges of their ranges."""

from __future__ import annotations

import pytest

from undercroft import limits
from undercroft.native.call import row_count
from undercroft.native.errors import BadRequest
from undercroft.native.file_ids import check_part_number
from undercroft.native.timestamps import parse_timestamp
from undercroft.store.errors import OutOfRange


@pytest.mark.parametrize(("asked", "count"), [(None, 100), (0, 100), (1, 1), (9999, 9999), (10_000, 10_000)])
def test_row_counts_within_the_range(asked, count):
    assert row_count("maxFileCount", asked, default=100, maximum=10_000) == count


@pytest.mark.parametrize("asked", [-1, 10_001])
def test_row_counts_outside_the_range(asked):
    with pytest.raises(OutOfRange, match=f"maxFileCount out of range: {asked}"):
        row_count("maxFileCount", asked, default=100, maximum=10_000)


def test_part_numbers_have_a_range():
    assert [check_part_number(number) for number in (1, limits.PART_NUMBER_MAX)] == [1, limits.PART_NUMBER_MAX]
    for number in (0, limits.PART_NUMBER_MAX + 1, -1):
        with pytest.raises(BadRequest):
            check_part_number(number)


@pytest.mark.parametrize(
    ("value", "expected"), [(None, None), ("0", 0), (" 12 ", 12), (12, 12), ("9" * 14, 10**14 - 1)]
)
def test_timestamps_are_decimal_milliseconds(value, expected):
    assert parse_timestamp(value, "field") == expected


@pytest.mark.parametrize("value", ["", "-1", -1, "1.5", "9" * 15, "\uff11\uff12", "0x10"])
def test_other_timestamps_are_refused(value):
    with pytest.raises(BadRequest, match="field"):
        parse_timestamp(value, "field")
