"""Cuts of the power: running programs while they are recorded, and judging the states that cuts of their journals leave."""

from __future__ import annotations

import asyncio
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from harness.disk_recorder import DiskRecorder, Record
from harness.power_cut import ANY, EXTREMES, Choice, Disk
from harness.server import clean_environment

TESTS = Path(__file__).parents[1]
RUN_TIMEOUT_S = 300
MEMORY = Path("/dev/shm")
MEMORY_MIN_BYTES = 2 << 30


class Cut(NamedTuple):
    """A cut before the event of this index, and how it goes."""

    index: int
    choice: Choice
    seed: str


class Heard(Protocol):
    """What marks up to a cut tell of the states that are legal after it."""

    def hear(self, said: dict[str, Any]) -> None:
        """The next mark."""

    async def judge(self, folder: Path) -> None:
        """Open what the cut left in the folder; raise unless every promise is kept."""


@contextmanager
def folder_in_memory(otherwise: Path) -> Iterator[Path]:
    """A folder in memory where there is enough of it, else the other one: what is recorded are calls, whatever takes them."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < MEMORY_MIN_BYTES:
        yield otherwise
        return
    with tempfile.TemporaryDirectory(prefix="power-cut-", dir=MEMORY) as folder:
        yield Path(folder)


def recorded(work: Path, root: Path, *program: str) -> list[Record]:
    """What a Python program, given by its arguments, does below the root."""
    recorder = DiskRecorder(work, root)
    search = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, *program],
        env={**clean_environment(work), "PYTHONPATH": search, **recorder.environment},
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return recorder.records()


def try_cuts(disk: Disk, records: Sequence[Record], cuts: Sequence[Cut], heard: Heard, work: Path, keep: Path) -> None:
    """Replay the journal, and judge the state of each cut on the way; the first that fails is left in `keep`."""
    waiting = sorted(cuts, key=lambda cut: cut.index, reverse=True)
    state = work / "state"
    for index in range(len(records) + 1):
        while waiting and waiting[-1].index == index:
            cut = waiting.pop()
            disk.cut(state, cut.choice, random.Random(cut.seed))
            try:
                asyncio.run(heard.judge(state))
            except Exception as error:
                where = [(record.kind, record.path) for record in records[max(0, index - 3) : index + 1]]
                disk.cut(keep / "failed", cut.choice, random.Random(cut.seed))
                raise AssertionError(f"{cut} near {where}: {error!r}") from error
            finally:
                shutil.rmtree(state)
        if index < len(records):
            disk.feed(records[index])
            if records[index].kind == "K":
                heard.hear(records[index].mark)


def indexes(records: Sequence[Record], **said: object) -> list[int]:
    """The cuts directly after the marks that say this."""
    return [
        index for index, record in enumerate(records, 1) if record.kind == "K" and said.items() <= record.mark.items()
    ]


def any_cut(rng: random.Random, first: int, last: int, seed: str) -> Cut:
    """A cut somewhere, in some way: as often one of the extremes as any other."""
    return Cut(rng.randint(first, last), ANY if rng.random() < 0.5 else rng.choice(EXTREMES), seed)


def assert_complete(disk: Disk, records: Sequence[Record]) -> None:
    """Fail unless the journal explains every byte of what the directory now holds; the disk stays as it was."""
    replayed = copy.deepcopy(disk)
    for record in records:
        replayed.feed(record)
    replayed.assert_is_as_recorded()
