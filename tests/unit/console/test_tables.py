"""Tables as files: what a spreadsheet makes of their cells, and that they are sent as their rows are read."""

from __future__ import annotations

import csv
import io
import json
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from undercroft.console.reports import export
from undercroft.console.reports.span import Span
from undercroft.console.tables import CSVFile, csv_lines


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_a_spreadsheet_would_run_is_made_plain(start):
    cell = f'{start}HYPERLINK("https://example.com")'
    [row] = csv.reader(io.StringIO(csv_lines([(cell, "fine", f"fine{start}")]), newline=""))
    assert row == [f"'{cell}", "fine", f"fine{start}"]


def test_a_number_below_zero_is_a_number():
    assert csv_lines([(-5, None, 0)]) == "-5,,0\r\n"


@asynchronous
async def test_rows_are_read_when_those_before_them_have_been_sent():
    read = []

    async def pages():
        for number in range(3):
            read.append(number)
            yield [(number, f"row {number}")]

    blocks = CSVFile(("number", "text"), pages(), "table.csv").body_iterator
    assert await anext(blocks) == "number,text\r\n"
    assert read == []
    assert await anext(blocks) == "0,row 0\r\n"
    assert read == [0]
    assert [block async for block in blocks] == ["1,row 1\r\n", "2,row 2\r\n"]


@asynchronous
async def test_json_of_tables_is_whole_however_its_rows_come(monkeypatch):
    async def pages(_asked):
        for page in ([], [(1, "x")], [], [(2, '"'), (3, None)]):
            yield page

    async def none(_asked):
        for page in ():
            yield page

    monkeypatch.setattr(export, "_TABLES", {"some": (("a", "b"), pages), "none": (("c",), none)})
    asked = mock.Mock(span=Span(0, 1))
    assert json.loads("".join([block async for block in export._json(asked)])) == {
        "from": "1970-01-01",
        "to": "1970-01-02",
        "some": [{"a": 1, "b": "x"}, {"a": 2, "b": '"'}, {"a": 3, "b": None}],
        "none": [],
    }
