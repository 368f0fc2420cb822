"""That no line of the checklist is missing here, and none is checked in two places."""

from __future__ import annotations

import re
from pathlib import Path

LINES = 174


def test_every_line_of_the_checklist_has_its_test():
    found = []
    for path in Path(__file__).parent.glob("test_*.py"):
        found += re.findall(r"^def test_(\d{3})([a-z]?)_", path.read_text(), re.MULTILINE)
    assert len(found) == len(set(found))
    assert sorted({int(number) for number, _ in found}) == list(range(1, LINES + 1))
