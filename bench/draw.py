"""Draws a result as an SVG: one small chart a row of the table, one bar a server. Made from the JSON alone.

    python bench/draw.py bench/results/latest.json bench/results/latest.svg

The same JSON gives the same bytes. The picture has a ground of its own, so it reads on a light page and on a dark one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from report import number
from summary import OURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 4
PANEL_INCHES = (3.4, 0.62)
BAR_INCHES = 0.21
ROOM = 1.22  # For the number at the end of the longest bar.
GROUND, INK, FAINT = "#fcfcfa", "#1f2328", "#6a737d"
COLOURS = {
    OURS: "#0f766e",
    "rclone": "#94a3b8",
    "seaweedfs": "#b8a48a",
    "minio": "#c98b94",
    "versitygw": "#a99bc4",
}


def draw(result: dict[str, Any], path: Path) -> None:
    """Writes the picture."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "undercroft", "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib import pyplot as plt

    rows = [row for row in result["rows"] if any("value" in cell for cell in row["servers"].values())]
    lines = -(-len(rows) // COLUMNS)
    height = PANEL_INCHES[1] + BAR_INCHES * len(result["servers"])
    figure, grid = plt.subplots(
        max(lines, 1), COLUMNS, squeeze=False, facecolor=GROUND,
        figsize=(PANEL_INCHES[0] * COLUMNS, height * max(lines, 1) + 0.9), layout="constrained",
    )  # fmt: skip
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.06)
    panels = list(grid.flat)
    for axes, row in zip(panels, rows, strict=False):
        _panel(axes, row, result["servers"])
    for axes in panels[len(rows) :]:
        axes.axis("off")
    figure.suptitle(
        f"Undercroft {result['servers'][0]['version']} beside its peers, {result['date'][:10]}"
        f" · {result['machine']['cores']} cores, load generator included · dashed: the floor",
        color=INK, fontsize=11, x=0.01, ha="left",
    )  # fmt: skip
    figure.savefig(path, format="svg", facecolor=GROUND, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def _panel(axes: Axes, row: dict[str, Any], servers: list[dict[str, Any]]) -> None:
    """One row: a bar a server with its value, a whisker for the range of its runs."""
    most = max((cell.get("most", 0.0) for cell in row["servers"].values()), default=0.0) or 1.0
    for place, server in enumerate(servers):
        cell = row["servers"].get(server["name"], {})
        ours = server["name"] == OURS
        weight = "bold" if ours else "normal"
        if "value" in cell:
            value = cell["value"]
            axes.barh(place, value, height=0.72, color=COLOURS.get(server["name"], FAINT))
            axes.plot([cell["least"], cell["most"]], [place, place], color=INK, linewidth=0.8)
            axes.text(
                max(value, cell["most"]) + most * 0.02, place, number(value), va="center", fontsize=7.5, color=INK,
                weight=weight,
            )  # fmt: skip
        else:
            word = "did not do it" if "invalid" in cell else "-"
            axes.text(most * 0.01, place, word, va="center", fontsize=7, color=FAINT)
    axes.set_yticks(range(len(servers)), [server["title"] for server in servers], fontsize=7, color=INK)
    axes.set_ylim(len(servers) - 0.4, -0.6)
    axes.set_xlim(0, most * ROOM)
    if row["floor"] is not None and row["floor"]["limit"] < most * ROOM:
        axes.axvline(row["floor"]["limit"], color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_xticks([])
    better = "more" if row["more_is_better"] else "less"
    axes.set_title(f"{row['label']}  ({row['unit']}, {better} is better)", fontsize=7.5, color=INK, loc="left")
    axes.set_facecolor(GROUND)
    axes.tick_params(length=0)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.spines["left"].set_color(FAINT)


def main() -> None:
    """Draws one file as another."""
    source, destination = map(Path, sys.argv[1:])
    draw(json.loads(source.read_text()), destination)


if __name__ == "__main__":
    main()
