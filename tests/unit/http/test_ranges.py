"""The Range header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft.http.ranges import parse_range
from undercroft.store.model import ByteRange


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", ByteRange(0, 0)),
        ("bytes=5-8", ByteRange(5, 8)),
        ("bytes=5-", ByteRange(5, None)),
        ("bytes=-3", ByteRange(None, 3)),
        ("bytes=-0", ByteRange(None, 0)),
        ("Bytes=1-2", ByteRange(1, 2)),
        (" bytes= 1-2 ", ByteRange(1, 2)),
        ("bytes=99999999999999999999-", ByteRange(10**20 - 1, None)),
    ],
)
def test_one_range_is_read(header, expected):
    assert parse_range(header) == expected


@pytest.mark.parametrize(
    "header",
    [
        None, "", "bytes", "bytes=", "bytes=-", "bytes=8-5", "bytes=1-2,4-5", "bytes=a-b", "bytes=1-2x", "items=1-2",
        "bytes 1-2", "bytes=1--2", "bytes=+1-2", "bytes=1 - 2", "bytes=\u0661-2", "bytes=999999999999999999999-", "bytes=1-2\n",
    ],
)  # fmt: skip
def test_what_is_absent_malformed_reversed_or_several_is_ignored(header):
    assert parse_range(header) is None


@given(st.text(max_size=40))
def test_no_header_makes_it_fail(text):
    parse_range("bytes=" + text)


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_a_range_is_read_where_it_is_not_reversed(first, last):
    assert parse_range(f"bytes={first}-{last}") == (ByteRange(first, last) if first <= last else None)
