"""The table of calls and clients in the documentation is the one that the tests declare."""

from __future__ import annotations

import runpy
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_the_documented_table_is_the_one_that_is_made() -> None:
    maker = runpy.run_path(str(PROJECT / "tools" / "make_client_table.py"))
    assert maker["TABLE_FILE"].read_text() == maker["table"](), "run `make client-table`"
