"""Ids: that what is read as one was written as one, and that nothing else passes for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft import limits
from undercroft.store.ids import FileId, bucket_id, looks_like_file_id, parse_file_id

ids = st.builds(
    FileId,
    st.text("0123456789abcdef", min_size=24, max_size=24),
    st.integers(1, 4),
    st.integers(0, 2**60 - 1),
    st.integers(0, 99_999_999_999_999),
)


@given(ids)
def test_a_file_id_is_read_as_it_was_written(file_id):
    assert parse_file_id(str(file_id)) == file_id
    assert looks_like_file_id(str(file_id))


@given(ids, st.integers(0, 80), st.characters())
def test_a_file_id_with_another_character_is_another_id_or_none(file_id, at, character):
    text = str(file_id)
    changed = text[:at] + character + text[at + 1 :]
    parsed = parse_file_id(changed)
    assert parsed is None or str(parsed) == changed


@pytest.mark.parametrize(
    "text", ["4_z" + "0" * 24, "4_z" + "ab" * 12 + "_f1_something", "4_z" + "0" * (limits.FILE_ID_MAX_LENGTH - 3)]
)
def test_an_id_of_somewhere_else_looks_like_one(text):
    assert looks_like_file_id(text)
    assert parse_file_id(text) is None


@pytest.mark.parametrize(
    "end", ["\r\n", "\n", "\0", " ", "é", "-", "/", "\u0663", "0" * (limits.FILE_ID_MAX_LENGTH - 26), "\x7f"]
)
def test_what_a_header_could_not_carry_does_not_look_like_an_id(end):
    assert not looks_like_file_id("4_z" + "0" * 24 + end)


@pytest.mark.parametrize("text", ["", "4_z", "4_z" + "0" * 23, "4_z" + "G" * 24, "5_z" + "0" * 24, " 4_z" + "0" * 24])
def test_other_beginnings_do_not_either(text):
    assert not looks_like_file_id(text)


def test_a_bucket_id_is_made_of_its_time_and_its_account_in_turn():
    made = bucket_id("0123456789ab", 1_800_000_000_000)
    assert made[1::2] == "0123456789ab"
    assert bytes.fromhex(made[0::2]) == (1_800_000_000_000).to_bytes(6, "little")
