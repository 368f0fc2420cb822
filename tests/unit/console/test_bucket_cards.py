"""What the cards of buckets say."""

from __future__ import annotations

from undercroft.console.buckets.overview import sizes_in_words


def test_the_line_of_a_buckets_size_is_told_in_words():
    assert sizes_in_words([None, None]) == ""
    assert sizes_in_words([None, 500, 2_000_000, 1000]) == (
        "Size over 30 days: 500 bytes at first, 1.0 KB now, 2.0 MB at most."
    )
