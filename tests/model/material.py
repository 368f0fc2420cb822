"""What the state machines are fed with: names and delimiters that trip, bodies around the thresholds, keys that may little."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from model.things import PART_MIN_BYTES, New, Range

RIGHT = "right"  # Whoever's key opens what is asked for.

BYTES = random.Random(7).randbytes(PART_MIN_BYTES + 4096)  # All bodies are runs of these.
FRAME = INLINE = 64 * 1024
SIZES = (0, 1, 100, INLINE - 1, INLINE, INLINE + 1, FRAME * 3 - 5, 8 * FRAME, 8 * FRAME + 17, 1_200_000)

# The order of UTF-8 differs from that of UTF-16 (U+FFFD, U+1F600), from that of words (-, /, 0) and from that of case.
PIECES = (
    "a", "b", "A", "/", "//", "-", "0", ".", "..", " ", "+", "%", "%2F", "é", "e\u0301", "\ufffd", "\U0001f600", "\U0010ffff",
    "\ud7ff", "\ue000", "?", "#", "&", "<", "'", '"', "\\", "=", "~", "ß",
)  # fmt: skip
NAMES = (
    "a", "a/", "a//", "a/b", "a/b/c", "a/c", "a-b", "a0b", "a b", "a+b", "a%20b", "ab", "A", "b", "/", "/a", "é/ü", "e\u0301",
    "\ufffd", "\U0001f600", "\U0001f600/x", "a\U0010ffff", "a\U0010ffff/b", " ", ".", "..", "a/../b", "a?b#c&d", "n" * 1024,
)  # fmt: skip
names = st.sampled_from(NAMES) | st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join)
delimiters = st.sampled_from(("", "", "/", "/", "//", "b", "a/", "é", "+", "\U0001f600", "\U0010ffff"))
prefixes = st.sampled_from(("", "", "a", "a/", "A", "a b", "é", "\U0001f600", "zz")) | names.map(lambda name: name[:2])
page_sizes = st.lists(st.sampled_from((1, 2, 3, 5, 1000)), min_size=1, max_size=3)

_sizes = st.sampled_from((0, 1, 7, 100, 1000)) | st.sampled_from(SIZES) | st.sampled_from(SIZES[3:])
bodies = st.builds(lambda size, first: BYTES[first : first + size], _sizes, st.integers(0, 255))
part_bodies = st.sampled_from((0, 1, 5, 70_000)) | st.sampled_from(SIZES)
parts = st.builds(lambda size, first: BYTES[first : first + size], part_bodies, st.integers(0, 255))
big_parts = st.integers(0, 3).map(lambda first: BYTES[first : first + PART_MIN_BYTES])
ranges = st.builds(
    lambda first, length: Range(first, None if length is None else first + length),
    st.sampled_from((0, 0, 1, 99, INLINE - 1, INLINE, FRAME * 2, PART_MIN_BYTES - 1, PART_MIN_BYTES)),
    st.sampled_from((None, 0, 1, 50, INLINE, 3 * FRAME)),
)

_types = st.sampled_from(("text/plain", "application/octet-stream", "image/png; x=1"))
_infos = st.sampled_from(
    ({}, {}, {"k": "v"}, {"src_last_modified_millis": "1", "x-y_z": "a b+c%20"}, {"u": "ü\U0001f600"})
)
_modes = st.sampled_from((None, None, None, None, "SSE-B2", "C1", "C2"))
new_files = st.builds(
    New, _types, _infos, st.sampled_from((True, True, True, False)), st.none(), st.just(False), _modes
)
customers = st.sampled_from((RIGHT,) * 8 + (None, "C1", "C2"))  # Whose key a request brings.

_ALL = ["listBuckets", "listFiles", "readFiles", "writeFiles", "deleteFiles"]
CAPABILITY_SETS = (
    _ALL, _ALL, _ALL, ["readFiles"], ["writeFiles"], ["listFiles"], ["deleteFiles", "listFiles"], ["readFiles", "writeFiles"],
    ["listBuckets", "listAllBucketNames"], ["writeBuckets", "deleteBuckets", "listBuckets"],
    ["listKeys", "writeKeys", "deleteKeys"], [*_ALL, "writeKeys"], [], [*_ALL, "writeFileRetentions"],
    [*_ALL, "writeFileRetentions", "writeFileLegalHolds", "bypassGovernance", "readFileRetentions"],
)  # fmt: skip
