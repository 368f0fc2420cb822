"""From runs to the result: medians, noise, ratios, and whether floors and goals are met. Plain data, as JSON has it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from plan import Row, Seen
from work import Sample

OURS = "undercroft"

Runs = Mapping[str, Sequence[Sample] | str]  # By server: its runs, or why it has none.


def summarize(runs: Mapping[str, Runs], rows: Sequence[Row], ceilings: dict[str, float]) -> list[dict[str, Any]]:
    """The rows of the result, in order."""
    cells = {row.key: {name: _cell(found) for name, found in runs[row.key].items()} for row in rows}
    ours = {key: of[OURS]["value"] for key, of in cells.items() if "value" in of.get(OURS, {})}
    return [_row(row, cells[row.key], ceilings, ours) for row in rows]


def _cell(found: Sequence[Sample] | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"invalid": found}
    values = [sample.value for sample in found]
    used = [sample.cpu_us for sample in found if sample.cpu_us is not None]
    more = {name: statistics.median(sample.more[name] for sample in found) for name in found[0].more}
    return {
        "value": statistics.median(values),
        "least": min(values),
        "most": max(values),
        "cpu_us": statistics.median(used) if used else None,
        "runs": values,
        **more,
    }


def _row(
    row: Row, cells: dict[str, dict[str, Any]], ceilings: dict[str, float], ours: dict[str, float]
) -> dict[str, Any]:
    peers = {name: cell["value"] for name, cell in cells.items() if name != OURS and "value" in cell}
    choose = max if row.more_is_better else min
    best = choose(peers, key=lambda name: peers[name]) if peers else None
    best_value = None if best is None else peers[best]
    seen = Seen(best_value, ceilings, ours)
    mine = cells.get(OURS, {})
    return {
        "key": row.key,
        "label": row.label,
        "unit": row.unit,
        "per": row.per,
        "more_is_better": row.more_is_better,
        "servers": cells,
        "best_peer": best,
        "ratio": _ratio(mine.get("value"), best_value, more_is_better=row.more_is_better),
        "floor": _judged(row, mine, None if row.floor is None else row.floor(seen), cpu_us=None),
        "goal": _judged(row, mine, None if row.goal is None else row.goal(seen), cpu_us=row.goal_cpu_us),
    }


def _ratio(mine: float | None, best: float | None, *, more_is_better: bool) -> float | None:
    """How many times as good Undercroft is as the best peer: above 1 is better, whatever the unit."""
    if not mine or not best:
        return None
    return mine / best if more_is_better else best / mine


def _judged(row: Row, mine: dict[str, Any], limit: float | None, *, cpu_us: float | None) -> dict[str, Any] | None:
    """A limit and whether it is met; None where there is nothing to judge."""
    if limit is None:
        return None
    met = "value" in mine and (mine["value"] >= limit if row.more_is_better else mine["value"] <= limit)
    if cpu_us is not None and met:
        met = mine["cpu_us"] is not None and mine["cpu_us"] <= cpu_us
    return {"limit": limit, "cpu_us": cpu_us, "met": met}


def missed(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The keys of rows whose floor is missed, or whose work Undercroft did not do."""
    return [
        row["key"] for row in rows
        if (row["floor"] is not None and not row["floor"]["met"]) or "invalid" in row["servers"].get(OURS, {})
    ]  # fmt: skip
