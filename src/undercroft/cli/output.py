"""How commands print: one JSON object for programs, lines or a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec


def print_json(value: Mapping[str, object]) -> None:
    """One JSON object in one line."""
    print(msgspec.json.encode(value).decode())


def print_fields(fields: Mapping[str, object]) -> None:
    """A line a field."""
    width = max(len(name) for name in fields)
    for name, value in fields.items():
        print(f"{name:<{width}}  {_plain(value)}")


def print_table(rows: Sequence[Mapping[str, object]], empty: str) -> None:
    """A row a mapping, all with the same names; `empty` where there is none."""
    if not rows:
        print(empty)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_plain(value) for value in row.values()))
    Console(highlight=False, markup=False).print(table)


def day_and_time(milliseconds: int | None) -> str | None:
    """A moment in UTC for people, or None."""
    return None if milliseconds is None else f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _plain(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    # Names come from users: an escape sequence in one must not reach the operator's terminal.
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
