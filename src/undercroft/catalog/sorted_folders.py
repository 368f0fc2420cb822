"""Statements for a folder by size or time, a page after a place of the order.

No index has this order, so each page looks at all of the folder. Where few enough files are visible in it, and beneath it, one walk along
their names finds all: SQLite does that in its own code, at about a third of a microsecond a name, and one more where it has to fetch sizes.
In a folder with more beneath it only the hops from entry to entry are left, which skip what lies in its folders (`folders.py`).
"""

from __future__ import annotations

from enum import Enum

from undercroft.catalog import folders
from undercroft.catalog.contract import Rows


class Value(Enum):
    """What stands in the order, so that what comes first is smallest."""

    LARGEST = "-v.size"
    SMALLEST = "v.size"
    LATEST = "f.inverted_ms"
    EARLIEST = "-f.inverted_ms"


_SIZES = (
    " CROSS JOIN versions AS v ON v.bucket_id = ?1 AND v.name = f.name AND v.inverted_ms = f.inverted_ms"
    " AND v.inverted_seq = f.inverted_seq"
)
_CUT = "instr(substr(f.name, ?4 + 1), x'2f')"
_WALK = ("", "SELECT * FROM files WHERE bucket_id = ?1 AND name >= ?2 AND name < ?3 LIMIT ?5")
_HOPS = (
    f"{folders.VISIBLE_HOPS} ",
    "SELECT files.* FROM hop CROSS JOIN files ON bucket_id = ?1 AND files.name = hop.name",
)


def _files_statement(value: Value, found: tuple[str, str]) -> str:
    sizes = _SIZES if "v." in value.value else ""
    return (
        f"{found[0]}SELECT name, value FROM (SELECT f.name AS name, {value.value} AS value FROM ({found[1]}) AS f{sizes}"
        f" WHERE {_CUT} = 0) AS named WHERE (value, name) > (?6, ?7) ORDER BY value, name LIMIT ?8"
    )


_FILES = {(value, found): _files_statement(value, found) for value in Value for found in (_WALK, _HOPS)}
_FOLDERS = {
    found: f"{found[0]}SELECT DISTINCT substr(f.name, 1, ?4 + {_CUT}) AS folder FROM ({found[1]}) AS f"
    f" WHERE {_CUT} > 0 ORDER BY folder"
    for found in (_WALK, _HOPS)
}
_VALUE_MIN = -(2**63)


class SortedFolder:
    """The names in [start, end) of a folder, as one transaction sees them: `await SortedFolder.open(...)`."""

    def __init__(
        self, rows: Rows, found: tuple[str, str], parameters: tuple[str, bytes, bytes, int, int], is_all: bool
    ) -> None:
        self._rows = rows
        self._found = found
        self._parameters = parameters
        self.is_all = is_all  # Whether every entry of the folder is looked at.

    @classmethod
    async def open(
        cls, rows: Rows, bucket_id: str, start: bytes, end: bytes, *, folder: bytes, walk_max: int, hops_max: int
    ) -> SortedFolder:
        """See how to look at it: a walk along up to `walk_max` visible files, or the first `hops_max` entries."""
        between = (bucket_id, start, end)
        count = "SELECT count(*) FROM (SELECT 1 FROM files WHERE bucket_id = ?1 AND name >= ?2 AND name < ?3 LIMIT ?4) AS found"
        if await _counted(rows, count, (*between, walk_max + 1)) <= walk_max:
            return cls(rows, _WALK, (*between, len(folder), walk_max), True)
        count = f"{folders.VISIBLE_HOPS} SELECT count(*) FROM hop WHERE name IS NOT NULL"
        is_all = await _counted(rows, count, (*between, len(folder), hops_max + 1)) <= hops_max
        return cls(rows, _HOPS, (*between, len(folder), hops_max), is_all)

    async def files(self, value: Value, after: tuple[int, bytes] | None, limit: int) -> list[tuple[bytes, int]]:
        """The first files behind a place of the order, with what puts them there. Of equal ones the first is that by name."""
        place = after or (_VALUE_MIN, b"")
        found = await self._rows.all(_FILES[value, self._found], (*self._parameters, *place, limit))
        return [(name, at) for name, at in found]  # type: ignore[misc]

    async def folders(self) -> list[bytes]:
        """The folders in it, by name, each with its slash."""
        return [row[0] for row in await self._rows.all(_FOLDERS[self._found], self._parameters)]  # type: ignore[misc]


async def _counted(rows: Rows, statement: str, parameters: tuple[str | bytes | int, ...]) -> int:
    row = await rows.one(statement, parameters)
    assert row is not None
    return int(row[0])  # type: ignore[arg-type]
