"""The audit log: paging, filters, what is cut, and what goes when."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.stores import open_bench
from undercroft import limits
from undercroft.store.accounting.model import DAY_MS
from undercroft.store.identity import audit
from undercroft.store.identity.audit import Actor, Change, Filter

ME = Actor("me@example.com", address="203.0.113.7", session_id="0011223344556677")


async def fill(bench, count, account_id="aaaaaaaaaaaa", **entry):
    for number in range(count):
        await bench.store.audit.record(account_id, ME, "Create bucket", **{"target": f"bucket-{number}", **entry})
        bench.clock.ms += number % 2  # Two share a moment.


@asynchronous
async def test_every_entry_is_on_one_page_newest_first(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:
        await fill(bench, 7)
        await fill(bench, 2, "bbbbbbbbbbbb")
        seen, start = [], ""
        while start is not None:
            page = await bench.store.audit.page("aaaaaaaaaaaa", Filter(), start=start, limit=2)
            seen += [entry.target for entry in page.entries]
            times = [entry.at_ms for entry in page.entries]
            assert times == sorted(times, reverse=True)
            start = page.next
        assert sorted(seen) == [f"bucket-{number}" for number in range(7)]
        monkeypatch.setattr(audit, "_EXPORT_PAGE", 2)
        pages = [page async for page in bench.store.audit.every(None, Filter())]
        assert [len(page) for page in pages] == [2, 2, 2, 2, 1]
        assert len({(entry.account_id, entry.target) for page in pages for entry in page}) == 9


@pytest.mark.parametrize("start", ["", "x", "-", "1", "1-x", "9" * 100, "-5", "1-2-3"])
@asynchronous
async def test_a_place_that_is_none_is_the_beginning(tmp_path, start):
    async with open_bench(tmp_path) as bench:
        await fill(bench, 1)
        page = await bench.store.audit.page(None, Filter(), start=start, limit=5)
        assert len(page.entries) == (0 if start == "1-2" else 1)


@asynchronous
async def test_filters_take_text_as_it_is_in_any_case(tmp_path):
    async with open_bench(tmp_path) as bench:
        await fill(bench, 1, details={"Name": "100%_Sure"}, result="No.")
        await fill(bench, 1, target="Other")

        async def found(**filters):
            return len((await bench.store.audit.page(None, Filter(**filters), limit=9)).entries)

        assert await found(text="%_s") == 1
        assert await found(text="other") == 1
        assert await found(text="203.0.113") == 2
        assert await found(actor="ME@", action="create") == 2
        assert await found(failed_only=True) == 1
        assert await found(until_ms=bench.clock.ms) == 0
        assert await found(since_ms=bench.clock.ms) == 2


@asynchronous
async def test_long_texts_are_cut_and_too_many_details_dropped(tmp_path):
    async with open_bench(tmp_path) as bench:
        await fill(bench, 1, target="x" * 5000, details={str(number): "y" * 400 for number in range(9)})
        [entry] = (await bench.store.audit.page(None, Filter(), limit=9)).entries
        assert len(entry.target) == limits.AUDIT_TEXT_MAX_LENGTH
        assert entry.details == {str(number): "y" * 400 for number in range(2)}


@asynchronous
async def test_what_a_setting_was_and_is_comes_back_and_is_found_and_many_long_ones_are_cut_and_that_is_said(tmp_path):
    async with open_bench(tmp_path) as bench:
        changes = {"type": Change("allPrivate", "allPublic"), "info colour": Change("", "red")}
        await fill(bench, 1, details={"why": "asked"}, changes=changes)
        [entry] = (await bench.store.audit.page(None, Filter(text="ALLPUBLIC"), limit=9)).entries
        assert (entry.details, entry.changes) == ({"why": "asked"}, changes)
        await fill(bench, 1, target="long", changes={f"{number}": Change("", "x" * 5000) for number in range(20)})
        [entry] = (await bench.store.audit.page(None, Filter(text="long"), limit=9)).entries
        assert len(entry.changes["0"].after) == limits.AUDIT_TEXT_MAX_LENGTH
        shown = len(entry.changes)
        assert 1 < shown < 20
        assert entry.details == {"and more": f"{20 - shown} of 20 changes"}


@asynchronous
async def test_old_entries_go_and_of_an_account_with_very_many_the_oldest(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_ROWS_PER_ACCOUNT", 5)
    monkeypatch.setattr(limits, "AUDIT_PRUNED_AT_ONCE", 2)
    async with open_bench(tmp_path) as bench:
        await fill(bench, 3)
        bench.clock.ms += limits.AUDIT_KEPT_DAYS * DAY_MS
        await fill(bench, 8)
        await fill(bench, 1, "bbbbbbbbbbbb")
        while await bench.store.audit.prune():
            pass
        kept = [entry.target for entry in (await bench.store.audit.page("aaaaaaaaaaaa", Filter(), limit=99)).entries]
        assert sorted(kept) == [f"bucket-{number}" for number in range(3, 8)]
        assert len((await bench.store.audit.page("bbbbbbbbbbbb", Filter(), limit=99)).entries) == 1
