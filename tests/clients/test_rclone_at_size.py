"""rclone's own examination of a remote, and a sync of many files that is killed halfway and goes on, up and down."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.clients import Client
from harness.trees import digests, make_tree

BACKENDS = ["b2", "s3"]
FILES, FILES_AT_FULL_SIZE = 300, 10_000
FLAGS = ("--transfers", "8", "--checkers", "16")


@pytest.mark.parametrize("backend", BACKENDS)
def test_rclone_finds_a_remote_that_takes_every_character(
    rclone: Client, bucket: str, backend: str, tmp_path: Path
) -> None:
    report = tmp_path / "info.json"
    checks = ("--check-normalization", "--check-control", "--check-length", "--check-streaming")
    rclone.run("test", "info", *checks, "--write-json", report, f"{backend}:{bucket}/info")
    found = json.loads(report.read_text())
    assert found["canStream"] is True
    assert (found["canWriteUnnormalized"], found["canReadUnnormalized"]) == (True, True)
    assert found["canReadRenormalized"] is False  # Another normal form is another name.
    assert found["maxFileLength"] > 200
    refused = {text: told for text, told in found["controlCharacters"].items() if told.get("writeError")}
    assert not refused


def kill_midway(client: Client, files: int, *arguments: object) -> int:
    """Kills a transfer when it has told of this many files, and gives back how many it told of."""
    told = 0
    with subprocess.Popen(
        [*client.command, *map(str, arguments), "-v", "--use-json-log"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=client.environment,
        cwd=client.home,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            told += "Copied (new)" in line
            if told >= files:
                process.kill()
    assert process.returncode != 0, "it had ended before it was killed"
    return told


def copied_by(client: Client, *arguments: object) -> int:
    """How many files a transfer says that it copied."""
    said = client.run(*arguments, "-v", "--use-json-log").stderr
    return sum("Copied (" in line for line in said.splitlines())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sync_of_many_files_goes_on_where_it_was_killed(
    rclone: Client, make_bucket: Callable[[], str], backend: str, tmp_path: Path, full_size: bool
) -> None:
    files = FILES_AT_FULL_SIZE if full_size else FILES
    tree, back = tmp_path / "tree", tmp_path / "back"
    expected = make_tree(tree, files=files)
    remote = f"{backend}:{make_bucket()}/tree"
    before = kill_midway(rclone, files // 3, "sync", *FLAGS, tree, remote)
    after = copied_by(rclone, "sync", *FLAGS, tree, remote)
    assert files - before - 8 <= after <= files - before  # What it was sending at the time may be there, unsaid.
    assert copied_by(rclone, "sync", *FLAGS, tree, remote) == 0
    rclone.run("check", *FLAGS, "--checksum", tree, remote)
    before = kill_midway(rclone, files // 3, "sync", *FLAGS, remote, back)
    rclone.run("sync", *FLAGS, remote, back)
    assert digests(back) == expected
    rclone.run("check", *FLAGS, "--download", back, remote)
