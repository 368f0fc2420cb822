from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft.native.listings import name_after_folder


@pytest.mark.parametrize(
    ("folder", "following"),
    [
        ("cats/", "cats0"),
        ("a\ud7ff", "a\ue000"),
        ("a\U0010ffff", "b"),
        ("a\x7f", "a\x80"),
        ("\U0010ffff", None),
        ("\U0010ffff\U0010ffff", None),
    ],
)
def test_the_name_after_a_folder_has_its_last_character_raised(folder, following):
    assert name_after_folder(folder) == following


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_the_name_after_a_folder_lies_behind_all_that_is_in_it_and_within_utf8(folder, inside):
    following = name_after_folder(folder)
    if following is not None:
        assert (folder + inside).encode() < following.encode()
        assert not following.startswith(folder)
