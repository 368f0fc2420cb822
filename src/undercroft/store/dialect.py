"""Where the two protocols rule differently: a face passes its dialect, and the store decides by it."""

from __future__ import annotations

from dataclasses import dataclass

from undercroft import limits


@dataclass(frozen=True, slots=True)
class Dialect:
    """The rules of one protocol, as far as they change what the store does."""

    part_min_bytes: int
    min_parts: int
    part_gaps_allowed: bool
    hide_needs_visible_file: bool  # Hiding what is hidden or was never there is an error.
    finish_restamps: bool  # A finished large file takes the time of its completion, not of its start.


NATIVE = Dialect(
    part_min_bytes=limits.NATIVE_PART_MIN_BYTES,
    min_parts=2,
    part_gaps_allowed=False,
    hide_needs_visible_file=True,
    finish_restamps=False,
)
S3 = Dialect(
    part_min_bytes=limits.S3_PART_MIN_BYTES,
    min_parts=1,
    part_gaps_allowed=True,
    hide_needs_visible_file=False,
    finish_restamps=True,
)
