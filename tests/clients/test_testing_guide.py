"""docs/testing-b2-code.md: its fixture and tests, copied as they stand, and that it names every test mode."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from harness.clients import CLIENT_TIMEOUT_S
from harness.server import clean_environment
from undercroft.native.hooks.modes import MODES

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "testing-b2-code.md").read_text()


def test_the_guide_names_every_mode() -> None:
    assert re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE) == list(MODES)


def test_the_fixture_can_be_copied(home: Path) -> None:
    conftest, tests = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    (home / "conftest.py").write_text(conftest)
    (home / "test_backup.py").write_text(tests)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(home / "tmp"), str(home)],
        capture_output=True, text=True, timeout=CLIENT_TIMEOUT_S, cwd=home, env=clean_environment(home), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
