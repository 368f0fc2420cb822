from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft.native.encoding import decode, encode
from undercroft.native.errors import BadRequest


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_encoded_decodes_to_the_same(text):
    encoded = encode(text)
    assert decode(encoded.encode("ascii"), "it") == text
    assert "+" not in encoded
    assert not set(encoded) & set(' "#%&?<>\\^`{|}[],') - {"%"}


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        (b"a+b", "a b"),
        (b"a%20b", "a b"),
        (b"a%2Bb", "a+b"),
        (b"a%2bb", "a+b"),
        (b"%e8%87%aa%E7%94%B1", "自由"),
        ("自由".encode(), "自由"),
        (b"%F0%90%90%80", "\U00010400"),
        (b"%7F%0A", "\x7f\n"),
        (b"", ""),
    ],
)
def test_every_way_of_encoding_is_understood(encoded, text):
    assert decode(encoded, "it") == text


@pytest.mark.parametrize("encoded", [b"%", b"a%2", b"%zz", b"%%20", b"\xff", b"%c3", b"%ed%a0%80", b"%c0%80"])
def test_what_is_no_encoding_is_refused(encoded):
    with pytest.raises(BadRequest, match="The name"):
        decode(encoded, "The name")


def test_the_characters_that_need_no_encoding_are_left_alone():
    safe = "ABCXYZabcxyz0189._-/~!$'()*;=:@"
    assert encode(safe) == safe
    assert encode("a b+c") == "a%20b%2Bc"
