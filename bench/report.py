"""The result for people: a table in the terminal, and the same as Markdown. Both are made from the JSON alone."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from summary import OURS

WIDTH = 200


def show(result: dict[str, Any], console: Console) -> None:
    """Prints the table and what belongs beside it."""
    table = Table(title=_title(result), caption=_caption(), caption_justify="left", title_justify="left")
    for number, heading in enumerate(_headings(result)):
        table.add_column(heading, justify="left" if number == 0 else "right", no_wrap=number == 0)
    for row in result["rows"]:
        table.add_row(*_cells(row, result), style=None if _holds(row) else "red")
    console.print(table)
    for line in _notes(result):
        console.print(line, markup=False, highlight=False)


def markdown(result: dict[str, Any]) -> str:
    """The same as a document."""
    headings = _headings(result)
    lines = [f"# {_title(result)}", "", "| " + " | ".join(headings) + " |"]
    lines.append("| --- |" + " ---: |" * (len(headings) - 1))
    lines += ["| " + " | ".join(_cells(row, result)) + " |" for row in result["rows"]]
    lines += ["", _caption(), ""]
    lines += [f"* {line}" for line in _notes(result)]
    return "\n".join(lines) + "\n"


def _title(result: dict[str, Any]) -> str:
    return f"Undercroft {result['servers'][0]['version']} beside its peers, {result['date'][:10]}"


def _headings(result: dict[str, Any]) -> list[str]:
    return ["", *(server["title"] for server in result["servers"]), "ratio", "floor", "goal"]


def _cells(row: dict[str, Any], result: dict[str, Any]) -> list[str]:
    values = [_cell(row["servers"].get(server["name"])) for server in result["servers"]]
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    return [f"{row['label']} ({row['unit']})", *values, ratio, _limit(row, "floor"), _limit(row, "goal")]


def _cell(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return "-"
    if "invalid" in cell:
        return "invalid"
    noise = f" ±{(cell['most'] - cell['least']) / 2 / cell['value']:.0%}" if len(cell["runs"]) > 1 else ""
    used = "" if cell["cpu_us"] is None else f" · {number(cell['cpu_us'])} µs"
    return f"{number(cell['value'])}{noise}{used}"


def _limit(row: dict[str, Any], which: str) -> str:
    judged = row[which]
    if judged is None:
        return ""
    sign = "≥" if row["more_is_better"] else "≤"
    cpu = "" if judged["cpu_us"] is None else f", ≤ {number(judged['cpu_us'])} µs"
    return f"{sign} {number(judged['limit'])}{cpu} {'met' if judged['met'] else 'MISSED'}"


def _holds(row: dict[str, Any]) -> bool:
    return "invalid" not in row["servers"].get(OURS, {}) and (row["floor"] is None or row["floor"]["met"])


def number(value: float) -> str:
    """Three figures or so."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _caption() -> str:
    return (
        "Medians ± half of the range; after the dot the server's own processor time (user and system) a request, MB or file. "
        "The ratio is to the best peer, above 1 is better. Rates move with what else the machine does; processor time hardly."
    )


def _notes(result: dict[str, Any]) -> list[str]:
    lines = ["A PUT that is answered is: " + "; ".join(
        f"{server['durability']} ({server['title']} {server['version']})" for server in result["servers"]
    ) + "."]  # fmt: skip
    ceilings = result["ceilings"]
    lines.append(
        "This machine without a server, before and after: "
        + "; ".join(
            f"{label} {' and '.join(number(value) for value in ceilings[key])} {unit}"
            for key, label, unit in (
                ("md5_mb_s", "MD5 on one core", "MB/s"),
                ("synced_writes_s", "4 KiB written and synced", "/s"),
                ("large_write_mb_s", "one large file written and synced", "MB/s"),
            )
        )
        + "."
    )
    machine = result["machine"]
    lines.append(
        f"Machine: {machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB, {machine['system']},"
        f" {machine['file_system']}; {result['seconds_taken']:,.0f} s, {result['runs']} runs a server and row."
    )
    lines += [f"Left out: {name} ({why})." for name, why in result["left_out"].items()]
    lines += [
        f"Invalid: {row['label']}, {name}: {cell['invalid']}"
        for row in result["rows"]
        for name, cell in row["servers"].items()
        if "invalid" in cell
    ]
    return lines
