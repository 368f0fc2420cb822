"""The quick start of the README, pasted as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.clients import CLIENT_TIMEOUT_S
from harness.server import Server, clean_environment

PROJECT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^### (\w+)\n.*?^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = {name: (language, text) for name, language, text in BLOCK.findall((PROJECT / "README.md").read_text())}


def test_every_tool_of_the_quick_start_is_tried() -> None:
    assert BLOCKS.keys() == {"aws", "b2", "boto3", "rclone"}


@pytest.mark.parametrize("tool", sorted(BLOCKS))
def test_the_quick_start_can_be_pasted(server: Server, home: Path, tool: str) -> None:
    shutil.copytree(PROJECT / "docs", home / "docs")
    shutil.copy(PROJECT / "README.md", home)
    language, text = BLOCKS[tool]
    command = ["sh", "-eu", "-c", text] if language == "sh" else [sys.executable, "-c", text]
    credentials = {
        "KEY_ID": server.key_id,
        "APPLICATION_KEY": server.application_key,
        "ENDPOINT": server.api_url,
    }
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=CLIENT_TIMEOUT_S,
        cwd=home,
        env={**clean_environment(home), **credentials},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
