"""Programs of other languages, built once a test run: their own package clients fetch what they need and keep it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

BUILD_TIMEOUT_S = 600  # The first build of a machine downloads and compiles the packages.


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """The folder that `build` has filled, by one of the processes of a parallel run; the others wait for it."""
    base = factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder, done = shared / f"build-{name}", shared / f"build-{name}.done"
    with (shared / f"build-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            done.touch()
    return folder


def run_build(command: Sequence[object], folder: Path) -> None:
    """Runs a command of a build with the caller's own environment, which has the caches of its package client."""
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"


def run_scenario(command: Sequence[object], environment: dict[str, str], folder: Path) -> None:
    """Runs a built program, which prints the name of each step and `all done` at the end; prints what it printed."""
    done = subprocess.run(
        [*map(str, command)], cwd=folder, capture_output=True, text=True, timeout=120, env=environment, check=False
    )
    print(done.stdout + done.stderr)  # noqa: T201 (what `pytest -s` shows)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    assert done.stdout.endswith("all done\n")
