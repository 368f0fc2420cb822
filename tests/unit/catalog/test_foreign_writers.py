"""What docs/operations.md says of other programs that open the catalog: the harm they do, and how it is undone."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from harness.asynchronous import asynchronous
from undercroft.catalog import invalidations
from undercroft.catalog.sqlite import SQLiteCatalog

_HANDBOOK = Path(__file__).parents[3] / "docs" / "operations.md"
_NOTES = 200  # More pages than one.
_CRASHING_WRITER = f"""
import asyncio, os, sys
from pathlib import Path
from undercroft.catalog import invalidations
from undercroft.catalog.sqlite import SQLiteCatalog

async def note(tx):
    await invalidations.add(tx, "x" * 500, 0)

async def main():
    catalog = SQLiteCatalog(Path(sys.argv[1]), on_fatal=print)
    await catalog.migrate()
    for _ in range({_NOTES}):
        await catalog.write(note)
    os._exit(0)

asyncio.run(main())
"""


def _run(program: str, path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-", str(path)], input=program, text=True, check=True, env=env)


@pytest.fixture
def crashed(tmp_path) -> Path:
    """A catalog whose last commits are in the log alone."""
    path = tmp_path / "catalog.db"
    _run(_CRASHING_WRITER, path)
    assert path.with_name("catalog.db-wal").stat().st_size
    return path


async def _highest(path: Path) -> tuple[int, list[Exception]]:
    fatal: list[Exception] = []
    catalog = SQLiteCatalog(path, on_fatal=fatal.append)
    try:
        return await invalidations.highest(catalog.rows), fatal
    finally:
        await catalog.close()


@asynchronous
async def test_a_plain_sqlite_that_closes_the_catalog_last_leaves_pages_that_are_refused_until_they_are_written_anew(
    crashed,
):
    with closing(sqlite3.connect(crashed)) as plain:
        plain.execute("SELECT count(*) FROM invalidations").fetchall()
    with pytest.raises(apsw.IOError):
        await _highest(crashed)
    [recipe] = re.findall(r"<<'END'\n(.*?)^END$", _HANDBOOK.read_text(), re.DOTALL | re.MULTILINE)
    _run(recipe, crashed)
    assert await _highest(crashed) == (_NOTES, [])


@asynchronous
async def test_a_plain_sqlite_that_opens_the_catalog_read_only_does_no_harm(crashed):
    with closing(sqlite3.connect(f"file:{crashed}?mode=ro", uri=True)) as plain:
        assert plain.execute("SELECT count(*) FROM invalidations").fetchone() == (_NOTES,)
    assert await _highest(crashed) == (_NOTES, [])
