"""P12 at the very first start: where there is no room for what it makes, it says so in a sentence, and the next one makes it.

Each scenario is a process of its own, which alone sees the file system and starts the server on it: this file, run as a program.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.server import COMMAND, Server, clean_environment
from harness.small_disk import KINDS, fill, run_on_small_disk
from undercroft.serve.exits import FAILED

DISK_BYTES = 64 << 20
ROOM_BYTES = (0, 4096, 20_480, 32_768, 1 << 20)
FILES_MAX = 40
ROOM_FILES = (1, 5, 7, 8, 9, 10)  # None for the catalog with 7, for its log with 8, for the log's index with 9.
ADDRESSES = ("--listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0")
START_S = 120
TIMEOUT_S = 900


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("kind", KINDS)
def test_p12_a_first_start_without_room_says_what_is_full(kind, tmp_path):
    place = tmp_path / "disk"
    run_on_small_disk(kind, DISK_BYTES, place, Path(__file__), str(place), "bytes")


@pytest.mark.timeout(TIMEOUT_S)
def test_p12_a_first_start_without_room_for_another_file_says_what_is_full(tmp_path):
    place = tmp_path / "disk"
    run_on_small_disk("tmpfs", DISK_BYTES, place, Path(__file__), str(place), "files", files_max=FILES_MAX)


def refused(data_dir: Path) -> str:
    """The one sentence with which a start says that it cannot be."""
    ran = subprocess.run(
        [COMMAND, "serve", "--json", "--data", str(data_dir), *ADDRESSES],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(data_dir.parent),
        timeout=START_S,
    )
    assert (ran.returncode, ran.stdout) == (FAILED, ""), ran
    [sentence] = ran.stderr.splitlines()
    return sentence


def check_sentence(sentence: str, data_dir: Path) -> None:
    assert sentence.startswith("undercroft: --"), sentence
    assert str(data_dir) in sentence, sentence
    assert "No space left on device" in sentence or "is full" in sentence, sentence


def leave_files(place: Path, number: int) -> Path:
    """Let somebody else have all files but so many; the folder of what they have."""
    ballast = place / "ballast"
    ballast.mkdir()
    made = []
    while True:
        path = ballast / str(len(made))
        try:
            path.touch()
        except OSError:
            break
        made.append(path)
    for path in made[:number]:
        path.unlink()
    return ballast


def run_scenario(place: Path, of_what: str) -> None:
    home = place / "home"
    for room in ROOM_BYTES if of_what == "bytes" else ROOM_FILES:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        ballast = fill(place, room) if of_what == "bytes" else leave_files(place, room)
        check_sentence(refused(home / "data"), home / "data")
        if ballast.is_dir():
            shutil.rmtree(ballast)
        else:
            ballast.unlink()
    if of_what == "bytes":  # With room, the next start is the first one.
        server = Server(home / "data").start()
        assert server.application_key
        server.stop()


if __name__ == "__main__":
    run_scenario(Path(sys.argv[1]), sys.argv[2])
