"""Statements for looking into a folder: one row a name, and one for each folder in it, whatever lies under them.

As in `versions.visible_folded`, each step of the recursion seeks the first name that no entry covers yet. What counts as a name
depends on what is asked for: names with a visible file, names with any finished version, names with an unfinished large file.
"""

from __future__ import annotations

from undercroft.catalog.contract import Rows
from undercroft.catalog.versions import successor

_OF = {
    "visible": "SELECT name FROM files WHERE bucket_id = ?1",
    "finished": "SELECT name FROM versions WHERE bucket_id = ?1 AND action <> 3",
    "unfinished": "SELECT name FROM versions WHERE bucket_id = ?1 AND action = 3",
}
_CUT = "instr(substr(hop.name, ?4 + 1), x'2f')"
# Where the search for the next name begins, and, backwards, what it ends before. SQLite's spelling; PostgreSQL's has position()
# and no casts. A folder ends before what has a zero, the character after the slash, in the slash's place.
_BEHIND = (
    f"CASE {_CUT} WHEN 0 THEN CAST(hop.name || x'00' AS BLOB)"
    f" ELSE CAST(substr(hop.name, 1, ?4 + {_CUT} - 1) || x'30' AS BLOB) END"
)
_BEFORE = f"CASE {_CUT} WHEN 0 THEN hop.name ELSE substr(hop.name, 1, ?4 + {_CUT}) END"


def _hops(sources: list[str], *, backwards: bool) -> str:
    first, step = ("?3", _BEFORE) if backwards else ("?2", _BEHIND)

    def nearest(at: str) -> str:
        low, high = ("?2", at) if backwards else (at, "?3")
        order = " DESC" if backwards else ""
        found = " UNION ALL ".join(
            f"SELECT * FROM ({_OF[source]} AND name >= {low} AND name < {high} ORDER BY name{order} LIMIT 1)"
            for source in sources
        )
        return f"SELECT {'max' if backwards else 'min'}(name) FROM ({found})"

    return (
        f"WITH RECURSIVE hop(name) AS ({nearest(first)} UNION ALL"
        f" SELECT ({nearest(step)}) FROM hop WHERE hop.name IS NOT NULL LIMIT ?5)"
    )


# The first name of each entry with a visible file, as the rows of `hop`, and a NULL behind the last.
VISIBLE_HOPS = _hops(["visible"], backwards=False)
_STATEMENTS = {
    (hidden, unfinished, backwards): _hops(
        ["finished" if hidden else "visible", *(["unfinished"] if unfinished else [])], backwards=backwards
    )
    + f" SELECT hop.name, {_CUT} FROM hop WHERE hop.name IS NOT NULL"
    for hidden in (False, True)
    for unfinished in (False, True)
    for backwards in (False, True)
}


async def entries(
    rows: Rows,
    bucket_id: str,
    start: bytes,
    end: bytes,
    *,
    folder: bytes,
    hidden: bool,
    unfinished: bool,
    limit: int,
    backwards: bool = False,
) -> list[tuple[bytes, bool]]:
    """Names in [start, end) with those that have a slash behind `folder` folded: (name, whether it is a folder).

    By name: the first ones of the range, or, `backwards`, the last ones.
    """
    found = await rows.all(_STATEMENTS[hidden, unfinished, backwards], (bucket_id, start, end, len(folder), limit))
    listed: list[tuple[bytes, bool]] = []
    for name, cut in found:
        assert isinstance(name, bytes)
        assert isinstance(cut, int)
        listed.append((name[: len(folder) + cut], True) if cut else (name, False))
    return listed[::-1] if backwards else listed


async def has_visible(rows: Rows, bucket_id: str, folder: bytes) -> bool:
    """Whether any file is visible under a folder."""
    row = await rows.one(
        "SELECT 1 FROM files WHERE bucket_id = ?1 AND name >= ?2 AND name < ?3 LIMIT 1",
        (bucket_id, folder, successor(folder)),
    )
    return row is not None


async def visible_names(rows: Rows, bucket_id: str, start: bytes, end: bytes, limit: int) -> list[bytes]:
    """Names of visible files in [start, end)."""
    found = await rows.all(
        "SELECT name FROM files WHERE bucket_id = ?1 AND name >= ?2 AND name < ?3 ORDER BY name LIMIT ?4",
        (bucket_id, start, end, limit),
    )
    return [row[0] for row in found]  # type: ignore[misc]
