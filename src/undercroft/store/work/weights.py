"""Work in parts that each make a small transaction, so that others who write wait for none of it long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from undercroft import limits
from undercroft.catalog import versions
from undercroft.catalog.versions import VersionRow

T = TypeVar("T")
_MOST = 1_000_000  # More than any transaction may have.


def weight_of(row: VersionRow) -> int:
    """About how many rows go with a version; of an unfinished large file nobody has counted the parts."""
    if row.action == versions.START:
        return _MOST
    return 1 + row.part_count + row.size // limits.BLOB_MAX_BYTES


def in_parts(items: Sequence[T], weight: Callable[[T], int], weight_max: int) -> Iterator[Sequence[T]]:
    """The items in parts of at most this weight; what is heavier makes a part of its own."""
    part: list[T] = []
    together = 0
    for item in items:
        own = min(weight(item), weight_max)
        if part and together + own > weight_max:
            yield part
            part, together = [], 0
        part.append(item)
        together += own
    if part:
        yield part
