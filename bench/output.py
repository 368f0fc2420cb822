"""Where results go: JSON, Markdown and a picture, named after the day and time of the measurement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from draw import draw
from report import markdown


def write(result: dict[str, Any], folder: Path, *, latest: bool) -> list[Path]:
    """Writes the three files and returns their paths. `latest` names them so; those are committed, all others ignored."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = "latest" if latest else result["date"].replace(":", "")
    paths = [folder / f"{stem}.{kind}" for kind in ("json", "md", "svg")]
    paths[0].write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    picture = f"![One bar a server in every row of the table]({paths[2].name})\n"
    paths[1].write_text(markdown(result) + "\n" + picture)
    draw(result, paths[2])
    return paths
