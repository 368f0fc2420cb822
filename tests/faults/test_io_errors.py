"""Every write path, broken at each of its system calls in turn: the promises hold after each (P1 to P4, P12)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness.failing_disk import FailingDisk
from harness.io_errors import KINDS
from harness.write_paths import WRITE_PATHS

SHARDS = 4  # So that several processors have something to do.
CI_EVERY = 251  # Of some 300 points of a path.
TIMEOUT_S = 7200  # At full size, on one of two processors.


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> FailingDisk:
    return FailingDisk(tmp_path_factory.mktemp("disk"))


def break_paths(disk: FailingDisk, folder: Path, every: int, numbers: list[int]) -> Counter[str]:
    """Breaks every so many of the points of these write paths; what was done, by kind of fault and by outcome."""
    ran = subprocess.run(
        [sys.executable, "-m", "harness.io_errors", str(folder), str(every), *map(str, numbers)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **disk.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.returncode == 0, ran.stderr[-8000:]
    told = json.loads(ran.stdout)
    assert not told["faults"], f"{len(told['faults'])} faults, the first of them: {told['faults'][0][-6000:]}"
    counts: Counter[str] = Counter(told["counts"])
    assert counts["paths"] == len(numbers)
    assert counts["points"] == sum(counts[kind.name] for kind in KINDS) > 0
    print(f"{counts['points']} points of {len(numbers)} write paths broken, all promises kept: {dict(counts)}")  # noqa: T201
    return counts


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_whichever_call_of_a_write_path_fails_the_write_is_there_whole_or_not_at_all(disk, tmp_path, full_size, shard):
    numbers = [number for number in range(len(WRITE_PATHS)) if number % SHARDS == shard]
    counts = break_paths(disk, tmp_path, 1 if full_size else CI_EVERY, numbers)
    if full_size:
        assert all(counts[kind.name] >= len(numbers) for kind in KINDS)


@pytest.mark.timeout(TIMEOUT_S)
def test_p12_each_call_of_an_upload_fails_in_turn_and_each_is_told_for_what_it_is(disk, tmp_path, full_size):
    [number] = [number for number, path in enumerate(WRITE_PATHS) if path.name == "upload blob"]
    counts = break_paths(disk, tmp_path, 1 if full_size else 6, [number])
    assert min(counts["acknowledged"], counts["refused"], counts["fatal"]) > 0, counts


@pytest.mark.timeout(TIMEOUT_S)
def test_p12_whichever_call_of_the_first_account_fails_the_command_is_told(disk, tmp_path, full_size):
    """Its first statement makes the log, for which there may be no room, or none for a moment."""
    [number] = [number for number, path in enumerate(WRITE_PATHS) if path.name == "create first account"]
    counts = break_paths(disk, tmp_path, 1 if full_size else 6, [number])
    assert min(counts["acknowledged"], counts["refused"], counts["fatal"]) > 0, counts
