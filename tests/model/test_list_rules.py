"""The rules for lists of many names, on histories of a few lines."""

from __future__ import annotations

import pytest

from model.histories.history import History, IdentityBroken
from model.histories.linearizability import NEVER
from model.histories.list_rules import ListBroken, ListRules
from model.histories.records import Page, Record, Said, Seen

NAMES = ("a", "b", "c")


def upload(name, began, ended, digest):
    return Record("upload", "s3", name, began, ended, 1, None, (digest,), None if ended == NEVER else f"id of {digest}")


def hide(name, began, ended, marker=None):
    return Record("hide", "s3", name, began, ended, 1, said=marker)


def delete(name, began, ended, digest):
    return Record("delete", "s3", name, began, ended, 1, f"id of {digest}", said=Said.DONE)


def names(began, ended, *shown, start="", end=None, listing="one"):
    rows = tuple((name, Seen(None, digest)) for name, digest in shown)
    return Record("list names", "s3", "", began, ended, 1, said=Page(listing, start, None, end, None, rows))


def versions(began, ended, *shown, start="", start_id=None, end=None, inside=None, listing="one"):
    rows = tuple((name, Seen(f"id of {digest}", digest)) for name, digest in shown)
    return Record("list versions", "s3", "", began, ended, 1, said=Page(listing, start, start_id, end, inside, rows))


def keeps(*records):
    try:
        ListRules(History(NAMES, records)).check()
    except ListBroken:
        return False
    return True


@pytest.mark.parametrize("a_list", [names, versions])
def test_a_list_shows_what_was_acknowledged_before_it_began(a_list):
    assert keeps(upload("a", 0, 1, "A"), a_list(2, 3, ("a", "A")))
    assert not keeps(upload("a", 0, 1, "A"), a_list(2, 3))
    assert keeps(upload("a", 0, 2.5, "A"), a_list(2, 3)), "It may be acknowledged only after the list was read."


@pytest.mark.parametrize("a_list", [names, versions])
def test_a_list_shows_nothing_that_was_not_asked_for_yet_or_was_deleted_before_it_began(a_list):
    assert not keeps(a_list(0, 1, ("a", "A")), upload("a", 2, 3, "A"))
    assert not keeps(upload("a", 0, 1, "A"), delete("a", 2, 3, "A"), a_list(4, 5, ("a", "A")))
    assert keeps(upload("a", 0, 1, "A"), delete("a", 2, 4.5, "A"), a_list(4, 5, ("a", "A")))
    assert keeps(upload("a", 0, 1, "A"), delete("a", 2, NEVER, "A"), a_list(4, 5))
    assert keeps(upload("a", 0, NEVER, "A"), a_list(4, 5))
    assert keeps(upload("a", 0, NEVER, "A"), a_list(4, 5, ("a", "A")))


def test_a_list_of_names_shows_no_version_that_was_covered_before_it_began():
    written = [upload("a", 0, 1, "A"), upload("a", 2, 3, "B")]
    assert not keeps(*written, names(4, 5, ("a", "A")))
    assert keeps(*written, names(4, 5, ("a", "B")))
    assert keeps(*written, delete("a", 3.5, NEVER, "B"), names(4, 5, ("a", "A")))
    assert not keeps(upload("a", 0, 1, "A"), hide("a", 2, 3, "h"), names(4, 5, ("a", "A")))


@pytest.mark.parametrize("marker", ["h", None])
def test_a_name_that_may_be_hidden_may_be_left_out_of_a_list_of_names(marker):
    hidden = hide("a", 2, 3 if marker else NEVER, marker)
    assert keeps(upload("a", 0, 1, "A"), hidden, names(4, 5))
    assert not keeps(upload("a", 0, 1, "A"), hidden, names(1.2, 1.8))
    assert not keeps(upload("a", 4, 5, "A"), hide("a", 2, 3, "h"), names(6, 7)), "The hide came before."


@pytest.mark.parametrize("a_list", [names, versions])
def test_all_names_of_a_page_are_as_they_were_at_one_instant(a_list):
    written = [upload("a", 1, 2, "A"), upload("b", 3, 4, "B")]
    for shown in ([], [("a", "A")], [("a", "A"), ("b", "B")]):
        assert keeps(*written, a_list(0, 9, *shown))
    assert not keeps(*written, a_list(0, 9, ("b", "B"))), "When b was there, a was there."
    removed = [upload("a", 0, 1, "A"), delete("a", 3, 4, "A"), upload("b", 5, 6, "B")]
    assert not keeps(*removed, a_list(2, 9, ("a", "A"), ("b", "B"))), "They were never there together."
    assert keeps(*removed, a_list(2, 9, ("b", "B")))
    assert keeps(*removed, a_list(2, 9))


def test_pages_of_one_list_are_instants_of_their_own():
    written = [upload("a", 2, 3, "A"), upload("b", 2, 3, "B")]
    first = names(0, 1, end="b")
    assert keeps(*written, first, names(4, 5, ("b", "B"), start="b"))
    assert not keeps(*written, first, names(4, 5, start="b"))


def test_a_page_says_nothing_of_names_before_and_behind_it():
    written = [upload(name, 0, 1, name.upper()) for name in NAMES]
    assert keeps(*written, names(2, 3, ("b", "B"), start="b", end="c"))
    assert not keeps(*written, names(2, 3, start="b", end="c"))


def test_several_pages_leave_out_nothing_that_was_there_all_the_time():
    written = [upload("a", 0, 1, "A"), upload("a", 2, 3, "B"), upload("a", 4, 5, "C")]
    first = versions(6, 7, ("a", "C"), end="a\0", inside="a")
    rest = {"start": "a", "start_id": "id of C"}
    assert keeps(*written, first, versions(8, 9, ("a", "B"), ("a", "A"), **rest))
    assert not keeps(*written, first, versions(8, 9, ("a", "A"), **rest))
    assert keeps(*written, first, versions(8, 9, ("a", "A"), **rest), delete("a", 8.5, 9, "B"))
    given_up = versions(8, 9, ("a", "A"), **rest, end="a\0", inside="a")
    assert keeps(*written, first, given_up), "Nobody asked for the rest of this list."


@pytest.mark.parametrize("digest", ["nobody's", "B"])
def test_an_answer_with_bytes_that_nobody_wrote_or_with_those_of_another_version_is_refused(digest):
    strange = Record("read", "s3", "a", 4, 5, 1, said=Seen("id of A", digest))
    with pytest.raises(IdentityBroken):
        History(NAMES, [upload("a", 0, 1, "A"), upload("a", 2, 3, "B"), strange])
