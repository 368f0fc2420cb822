from __future__ import annotations

import pytest

from undercroft import limits
from undercroft.http.content_types import AUTOMATIC, CONTENT_TYPES, content_type_of
from undercroft.http.header_grammar import is_content_type
from undercroft.native.content_types import resolved_content_type
from undercroft.native.errors import BadRequest


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "text/plain"),
        ("a.b.HTML", "text/html"),
        ("dir.html/a", "application/octet-stream"),
        (".html", "application/octet-stream"),
        ("dir/.html", "application/octet-stream"),
        ("a.", "application/octet-stream"),
        ("a.unknown", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("archive.tar.gz", "application/x-gzip"),
        ("movie.mkv", "video/x-matroska"),
        ("sheet.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_the_last_extension_decides(name, expected):
    assert content_type_of(name) == expected


def test_every_row_of_the_table_is_sound_and_no_extension_stands_in_two():
    from undercroft.http import content_types

    rows = [line.split() for line in content_types._TABLE.split("\n") if line]
    extensions = [extension for _, *found in rows for extension in found]
    assert len(extensions) == len(set(extensions)) == len(CONTENT_TYPES)
    assert len({content_type for content_type, *_ in rows}) == len(rows)
    assert all(extension == extension.lower() and "." not in extension for extension in extensions)
    assert all(is_content_type(content_type) and content_type.count("/") == 1 for content_type, *_ in rows)


def test_a_named_type_is_taken_as_it_is():
    assert resolved_content_type("text/x-odd; charset=UTF-8", "a.png") == "text/x-odd; charset=UTF-8"
    assert resolved_content_type(AUTOMATIC, "a.png") == "image/png"


def test_a_content_type_has_a_longest_length():
    longest = "t/" + "x" * (limits.CONTENT_TYPE_MAX_BYTES - 2)
    assert resolved_content_type(longest, "a") == longest
    with pytest.raises(BadRequest):
        resolved_content_type(longest + "x", "a")


@pytest.mark.parametrize("bad", ["", " ", "a\r\nb", "a\x00b", "té/xt", "text/plain "])
def test_what_cannot_stand_in_a_header_is_refused(bad):
    with pytest.raises(BadRequest):
        resolved_content_type(bad, "a")
