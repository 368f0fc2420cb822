"""rclone's own examination of a remote, and a sync of many files that is killed halfway and goes on, up and down."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from harness.clients import Client
from harness.trees import digests, make_tree

FILES, FILES_AT_FULL_SIZE = 300, 10_000
TRANSFERS = 8
TRANSFER_S = 1800.0  # On a busy machine, one transfer of all files at full size takes minutes.
FLAGS = ("--transfers", str(TRANSFERS), "--checkers", "16")


def test_rclone_finds_a_remote_that_takes_every_name_it_tries(rclone: Client, bucket: str, tmp_path: Path) -> None:
    report = tmp_path / "info.json"
    checks = ("--check-normalization", "--check-control", "--check-length", "--check-streaming")
    rclone.run("test", "info", *checks, "--write-json", report, f"b2:{bucket}/info")
    found = json.loads(report.read_text())
    assert found["CanStream"] is True
    assert (found["CanWriteUnnormalized"], found["CanReadUnnormalized"]) == (True, True)
    assert found["CanReadRenormalized"] is False  # Another normal form is another name.
    assert found["MaxFileLength"] > 900  # Of 1024 bytes, with those of the folder and of what it adds to names.
    for text, told in found["ControlCharacters"].items():
        assert (told["WriteError"], told["GetError"]) == ({}, {}), text
        # It sends control characters as others, since the protocol has no names with them.
        assert set(told["InList"].values()) == {"renamed" if text < " " or text == "\x7f" else "present"}, text


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
    said = client.run(*arguments, "-v", "--use-json-log", timeout_s=TRANSFER_S).stderr
    return sum("Copied (" in line for line in said.splitlines())


@pytest.mark.timeout(7200)
def test_a_sync_of_many_files_goes_on_where_it_was_killed(
    rclone: Client, bucket: str, tmp_path: Path, full_size: bool
) -> None:
    files = FILES_AT_FULL_SIZE if full_size else FILES
    tree, back = tmp_path / "tree", tmp_path / "back"
    expected = make_tree(tree, files=files)
    remote = f"b2:{bucket}/tree"
    before = kill_midway(rclone, files // 3, "sync", *FLAGS, tree, remote)
    after = copied_by(rclone, "sync", *FLAGS, tree, remote)
    assert (
        files - before - TRANSFERS <= after <= files - before
    )  # What it was sending at the time may be there, unsaid.
    assert copied_by(rclone, "sync", *FLAGS, tree, remote) == 0
    rclone.run("check", *FLAGS, "--checksum", tree, remote, timeout_s=TRANSFER_S)
    down = ("sync", *FLAGS, "--inplace", remote, back)  # Or it trips over its own partial files of before.
    kill_midway(rclone, files // 3, *down)
    rclone.run(*down, timeout_s=TRANSFER_S)
    assert digests(back) == expected
    rclone.run("check", *FLAGS, "--download", back, remote, timeout_s=TRANSFER_S)
