"""Looking into folders, searching and counting, compared with what a few lines of Python say they should be."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.asynchronous import asynchronous
from harness.stores import open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.buckets.lock import LockChange
from undercroft.store.dialect import S3
from undercroft.store.files.browsing import EntryKind, Order, View
from undercroft.store.files.contents import Locked
from undercroft.store.model import DefaultRetention, NewFile

_names = st.text(alphabet="ab/é\U0001f600", min_size=1, max_size=6)


def _expected(visible, hidden, unfinished, folder, typed, view):
    """The rows of a folder, with those of one name in the order in which they are shown."""
    finished = set(visible) | (set(hidden) if view.hidden else set())
    names = finished | (set(unfinished) if view.unfinished else set())
    rows: list[tuple[str, str]] = []
    for name in sorted(names, key=str.encode):
        if not name.startswith(folder + typed) or name == folder:
            continue
        cut = name.find("/", len(folder))
        if cut >= 0:
            row = ("folder", name[: cut + 1])
            rows += [row] if row not in rows else []
            continue
        rows += [("file", name)] if name in finished else []
        rows += [("unfinished", name)] * (unfinished.count(name) if view.unfinished else 0)
    return rows


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    names=st.lists(_names, max_size=10),
    hidden=st.lists(_names, max_size=4),
    unfinished=st.lists(_names, max_size=3),
    folder=st.sampled_from(["", "a/", "é/", "a/b/"]),
    typed=st.text(alphabet="abé", max_size=1),
    view=st.builds(View, hidden=st.booleans(), versions=st.booleans(), unfinished=st.booleans()),
    limit=st.integers(1, 4),
)
def test_pages_of_a_folder_forwards_and_backwards_are_what_sorting_and_folding_say(
    names, hidden, unfinished, folder, typed, view, limit
):
    async def check():
        with tempfile.TemporaryDirectory() as place:
            async with open_bench(Path(place)) as bench:
                for name in names:
                    await bench.put(name, b"")
                for name in hidden:
                    await bench.store.files.hide(bench.principal, bench.bucket, name, S3)
                for name in unfinished:
                    await bench.store.files.start_large_file(bench.principal, bench.bucket, name, NewFile("a/b"))
                expected = _expected(set(names) - set(hidden), hidden, unfinished, folder, typed, view)
                for backwards in (False, True):
                    assert await _paged(bench, folder, typed, view, limit, backwards=backwards) == expected

    asyncio.run(check())


async def _paged(bench, folder, typed, view, limit, *, backwards):
    """All rows, from page to page, in the order of the folder."""
    rows: list[tuple[str, str]] = []
    place = {"before": ""} if backwards else {"after": ""}
    while True:
        page = await bench.store.files.folder(
            bench.principal, bench.bucket, folder, typed=typed, view=view, limit=limit, **place
        )
        listed = [(entry.kind.value, entry.name) for entry in page.entries]
        assert len({name for _, name in listed}) <= limit
        rows = listed + rows if backwards else rows + listed
        if not (page.has_before if backwards else page.has_after):
            return rows
        assert listed
        place = {"before": listed[0][1]} if backwards else {"after": listed[-1][1]}


@asynchronous
async def test_a_folder_shows_how_many_versions_names_have_what_is_hidden_and_no_placeholder(tmp_path):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        for name in ("in/.bzEmpty", "in/", "in/twice", "in/twice", "in/gone", "in/ghosts/x"):
            await bench.put(name)
        for name in ("in/gone", "in/ghosts/x"):
            await files.hide(bench.principal, bench.bucket, name, S3)
        plain = await files.folder(bench.principal, bench.bucket, "in/", limit=10)
        assert [(entry.name, entry.versions, entry.older) for entry in plain.entries] == [("in/twice", 2, [])]
        view = View(hidden=True, versions=True)
        whole = await files.folder(bench.principal, bench.bucket, "in/", view=view, limit=10)
        assert [(one.kind, one.name, one.is_hidden, len(one.older)) for one in whole.entries] == [
            (EntryKind.FOLDER, "in/ghosts/", True, 0),
            (EntryKind.FILE, "in/gone", True, 1),
            (EntryKind.FILE, "in/twice", False, 1),
        ]
        assert whole.entries[2].older[0].is_latest is False
        assert [one.name for one in (await files.folder(bench.principal, bench.bucket, limit=10)).entries] == ["in/"]


@asynchronous
async def test_a_folder_by_size_or_time_is_about_all_of_it_with_folders_behind_the_files(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        for name, size in (
            ("in/b", 2),
            ("in/c", 9),
            ("in/a", 5),
            ("in/below/x", 99),
            ("in/below/y", 1),
            ("in/deep/er/x", 1),
            ("in/.bzEmpty", 0),
            ("other", 50),
        ):
            await bench.put(name, b"x" * size)
            bench.clock.ms += 1
        await bench.put("in/b", b"x" * 7)  # Its newest version counts.
        await bench.put("in/gone", b"x" * 80)
        await files.hide(bench.principal, bench.bucket, "in/gone", S3)

        async def names(by, *, is_rising=False):
            pages = [page async for page in sorted_pages(bench, "in/", by, is_rising=is_rising, limit=2)]
            assert all(page.is_all for page in pages)
            return [one.name.removeprefix("in/") for page in pages for one in page.entries]

        for most in (limits.FOLDER_SORTED_FILES, 0):  # One walk along all, and hops from name to name.
            monkeypatch.setattr(limits, "FOLDER_SORTED_FILES", most)
            assert await names(Order.SIZE) == ["c", "b", "a", "below/", "deep/"]
            assert await names(Order.SIZE, is_rising=True) == ["a", "b", "c", "below/", "deep/"]
            assert await names(Order.UPLOADED) == ["b", "a", "c", "below/", "deep/"]
            assert await names(Order.UPLOADED, is_rising=True) == ["c", "a", "b", "below/", "deep/"]
        # The placeholder and the folders below are names that are looked at, too.
        for most, is_all in ((5, False), (6, True), (7, True)):
            monkeypatch.setattr(limits, "FOLDER_SORTED_NAMES", most)
            found = await files.sorted_folder(bench.principal, bench.bucket, "in/", by=Order.SIZE, limit=10)
            assert found.is_all is is_all


@asynchronous
async def test_a_folder_is_walked_as_far_as_the_limit_and_beyond_it_is_hopped_through(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "FOLDER_SORTED_NAMES", 2)
    async with open_bench(tmp_path) as bench:
        for name in ("in/a", "in/b", "in/c", "in/d"):
            await bench.put(name)
        for most, seen in ((3, "ab"), (4, "abcd")):
            monkeypatch.setattr(limits, "FOLDER_SORTED_FILES", most)
            pages = [page async for page in sorted_pages(bench, "in/", Order.SIZE, limit=10)]
            assert [(one.name, page.is_all) for page in pages for one in page.entries] == [
                (f"in/{letter}", len(seen) == 4) for letter in seen
            ]


@asynchronous
async def test_files_of_one_size_or_moment_are_by_name_and_none_is_lost_between_pages(tmp_path):
    async with open_bench(tmp_path) as bench:
        names = [f"{number:02d}" for number in range(9)]
        for name in names[::-1]:
            await bench.put(name, b"same")
        for by in Order:
            for is_rising in (False, True):
                for limit in (1, 2, 4, 9, 10):
                    pages = [page async for page in sorted_pages(bench, "", by, is_rising=is_rising, limit=limit)]
                    assert [one.name for page in pages for one in page.entries] == names


async def sorted_pages(bench, folder, by, *, is_rising=False, limit):
    """All pages of a folder in an order."""
    after = None
    while True:
        page = await bench.store.files.sorted_folder(
            bench.principal, bench.bucket, folder, by=by, is_rising=is_rising, after=after, limit=limit
        )
        assert len(page.entries) <= limit
        yield page
        after = page.came_to
        if after is None:
            return


@asynchronous
async def test_versions_of_a_name_are_counted_only_so_far(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "VERSIONS_COUNTED_MAX", 3)
    async with open_bench(tmp_path) as bench:
        for name in ["few"] * 2 + ["many"] * 5:
            await bench.put(name)
        page = await bench.store.files.folder(bench.principal, bench.bucket, limit=10)
        assert [(one.name, one.versions) for one in page.entries] == [("few", 2), ("many", 3)]


@asynchronous
async def test_a_search_finds_parts_of_names_in_any_letter_case_and_says_how_far_it_came(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SEARCH_PAGE_NAMES", 2)
    monkeypatch.setattr(limits, "SEARCH_STEP_NAMES", 4)
    async with open_bench(tmp_path) as bench:
        for number in range(10):
            await bench.put(f"{number}/{'Ünder' if number % 3 == 0 else 'over'}.txt")
        found, after, looked_at = [], "", []
        while True:
            step = await bench.store.files.search(bench.principal, bench.bucket, "üNDER", after=after, limit=2)
            found += [entry.name for entry in step.found]
            looked_at.append(step.looked_at)
            if step.came_to is None:
                break
            after = step.came_to
        assert found == ["0/Ünder.txt", "3/Ünder.txt", "6/Ünder.txt", "9/Ünder.txt"]
        assert max(looked_at) <= 4
        assert sum(looked_at) == 10
        inside = await bench.store.files.search(bench.principal, bench.bucket, "er", prefix="1/", limit=5)
        assert [entry.name for entry in inside.found] == ["1/over.txt"]


@asynchronous
async def test_the_contents_of_a_folder_add_up_over_all_steps_and_name_what_is_locked(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "CONTENTS_PAGE_VERSIONS", 2)
    monkeypatch.setattr(limits, "CONTENTS_STEP_VERSIONS", 3)
    async with open_bench(tmp_path) as bench:
        files = bench.store.files
        for name in ("a/1", "a/1", "a/1", "a/1", "a/2", "a/3", "b"):
            await bench.put(name, b"four")
        await files.hide(bench.principal, bench.bucket, "a/2", S3)
        await files.start_large_file(bench.principal, bench.bucket, "a/4", NewFile("a/b"))
        lock = LockChange(enabled=True, default_retention=DefaultRetention("compliance", 1, "days"))
        bench.bucket = await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, lock=lock)
        kept = await bench.put("a/5", b"kept")
        await files.update_legal_hold(bench.principal, bench.bucket, "a/5", str(kept.file_id), on=True)
        step = await files.contents(bench.principal, bench.bucket, "a/")
        whole, steps = step, 1
        while whole.following is not None:
            step = await files.contents(bench.principal, bench.bucket, "a/", start=whole.following)
            whole, steps = whole.plus(step), steps + 1
        assert steps > 1
        assert (whole.names, whole.visible, whole.visible_bytes) == (4, 3, 12)
        assert (whole.versions, whole.version_bytes, whole.unfinished) == (8, 28, 1)
        assert (whole.locked, whole.retained, whole.held) == (1, 1, 1)
        assert whole.retained_until_ms == kept.retention.until_ms
        assert whole.locked_first == [Locked("a/5", kept.retention.until_ms, True)]
        for name in ("a/6", "a/7"):
            await bench.put(name, b"kept")
        for most in (1, 2, 3, 4):
            monkeypatch.setattr(limits, "LOCKED_NAMED", most)
            step = await files.contents_of_selection(bench.principal, bench.bucket, ["a/"], steps=30)
            assert [one.name for one in step.locked_first] == ["a/5", "a/6", "a/7"][:most]
        alone = await files.contents(bench.principal, bench.bucket, "a/1", only=True)
        assert (alone.names, alone.versions, alone.following) == (1, 4, None)


@asynchronous
async def test_versions_of_a_name_are_listed_newest_first_page_by_page(tmp_path):
    async with open_bench(tmp_path) as bench:
        made = [str((await bench.put("name", bytes([number]))).file_id) for number in range(5)]
        await bench.put("name2")
        listed, start = [], None
        while True:
            page, start = await bench.store.files.versions_of(
                bench.principal, bench.bucket, "name", start_file_id=start, limit=2
            )
            listed += page
            if start is None:
                break
        assert [str(version.file_id) for version in listed] == made[::-1]
        assert [version.is_latest for version in listed] == [True, False, False, False, False]


@asynchronous
async def test_looking_around_takes_the_right_to_list_there(tmp_path):
    async with open_bench(tmp_path) as bench:
        made = await bench.store.identity.keys.create(
            bench.principal, "narrow", ["listFiles"], name_prefix="in/", bucket_ids=[bench.bucket.bucket_id]
        )
        narrow = await bench.store.identity.authenticate_key(made.key_id, made.secret)
        files = bench.store.files
        assert (await files.folder(narrow, bench.bucket, "in/", limit=1)).entries == []
        for attempt in (
            files.folder(narrow, bench.bucket, "", limit=1),
            files.search(narrow, bench.bucket, "x", limit=1),
            files.contents(narrow, bench.bucket, ""),
            files.versions_of(narrow, bench.bucket, "out", limit=1),
        ):
            with pytest.raises(errors.Unauthorized):
                await attempt
