"""Amounts as people write them in fields."""

from __future__ import annotations

import pytest

from undercroft.console.caps.amounts import exact, parse_bytes, parse_count


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0), ("1500", 1500), ("1,500", 1500), ("10 GB", 10**10), ("10gb", 10**10), ("1.5 TB", 15 * 10**11),
        ("79 bytes", 79), ("1 byte", 1), ("3 B", 3), (" 2 KB ", 2000), ("0.5 PB", 5 * 10**14),
    ],
)  # fmt: skip
def test_bytes_are_a_number_and_a_decimal_unit(text, size_bytes):
    assert parse_bytes(text) == size_bytes


@pytest.mark.parametrize("text", ["", "much", "-1", "1 GiB", "1 XB", "1e9", "\u0661", "1" * 41, "1.2.3 GB", "GB"])
def test_what_is_no_number_of_bytes_is_none(text):
    assert parse_bytes(text) is None


@pytest.mark.parametrize("size_bytes", [0, 1, 999, 1000, 1500, 10**9, 10**12, 2**62])
def test_what_a_field_shows_is_read_as_just_that(size_bytes):
    assert parse_bytes(exact(size_bytes)) == size_bytes


def test_counts_are_whole_numbers():
    assert [parse_count(text) for text in ("2,500", "0", " 7 ")] == [2500, 0, 7]
    assert [parse_count(text) for text in ("", "1.5", "-1", "ten", "1" * 41)] == [None] * 5
