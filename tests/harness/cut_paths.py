"""The write paths of the store in a process that is recorded: `python -m harness.cut_paths FOLDER NUMBER...`.

Each path runs on its own prepared data directory `FOLDER/NUMBER`. The marks say when an operation begins and when it is
acknowledged, and what the store held before and after it; `PathExpected` makes of them what must be there after a cut.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from harness.disk_recorder import Record, mark_from_inside
from harness.path_bench import Phase, WritePath, clone, opened, prepare
from harness.power_cut import Disk
from harness.promises import Picture, check_that_it_goes_on, picture_of
from harness.stores import Bench
from harness.write_paths import WRITE_PATHS
from undercroft import limits

SPARE_BYTES = 64 * limits.KIB  # A small spare, since it is read in whole to compare journal and directory.


def prepare_all(numbers: Iterable[int], work: Path, root: Path) -> None:
    """Make the data directories with which the paths begin. Those of the same preparation are copies of one."""
    prepared: dict[tuple[Callable[[Bench], Awaitable[object]], bool], Path] = {}
    with patch.object(limits, "DISK_SPARE_BYTES", SPARE_BYTES):
        for number in numbers:
            path = WRITE_PATHS[number]
            kind = path.prepare, path.is_new
            if kind not in prepared:
                prepared[kind] = work / f"prepared-{number}"
                asyncio.run(prepare(path, prepared[kind]))
            clone(prepared[kind], root / str(number))
    for folder in prepared.values():
        shutil.rmtree(folder)


class PathExpected:
    """What the marks of one path up to a cut allow its store to hold."""

    def __init__(self, number: int, records: Iterable[Record]) -> None:
        self._number = number
        self.path: WritePath = WRITE_PATHS[number]
        [(self._before, self._after)] = [
            said["pictures"] for said in _marks(records) if said["path"] == number and "pictures" in said
        ]
        self._begun = self._acknowledged = False

    def hear(self, said: dict[str, Any]) -> None:
        """The next mark."""
        if said["path"] == self._number:
            self._begun |= said.get("begins") == Phase.RUNNING.name
            self._acknowledged |= said.get("ended") == Phase.RUNNING.name

    @property
    def _legal(self) -> list[Picture]:
        if self._acknowledged:
            return [self._after]
        return [self._before, self._after] if self._begun else [self._before]

    async def judge(self, folder: Path) -> None:
        """Open what the cut left and check the promises: the state is one of the legal ones, and the store goes on.

        Raises AssertionError, or whatever the store does where it cannot even be opened.
        """
        async with opened(self.path, folder) as bench:
            picture = _plain(await picture_of(bench))
            assert picture in self._legal, f"not what it must be after the cut: {picture}"
            if not self.path.is_new:
                await check_that_it_goes_on(bench)


def disk_of(number: int, root: Path) -> Disk:
    """The data directory of a path, as it stands."""
    return Disk(root / str(number))


def records_of(number: int, records: Iterable[Record]) -> list[Record]:
    """What was done to the data directory of a path, from when it was first opened to its close, with its marks."""
    prefix = f"{number}/"
    found = []
    for record in records:
        if record.kind == "K":
            if record.mark["path"] == number:
                found.append(record)
        elif f"{record.path}/".startswith(prefix):
            path, other = (
                text.removeprefix(str(number)).removeprefix("/") for text in (record.path, record.other_path)
            )
            found.append(record._replace(path=path, other_path=other))
    return found


def _marks(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    return (record.mark for record in records if record.kind == "K")


def _plain(picture: Picture) -> Picture:
    plain: Picture = json.loads(json.dumps(picture))
    return plain


async def _run(number: int, root: Path) -> None:
    @contextmanager
    def watched(phase: Phase) -> Iterator[None]:
        mark_from_inside(path=number, begins=phase.name)
        yield
        mark_from_inside(path=number, ended=phase.name)

    path = WRITE_PATHS[number]
    async with opened(path, root / str(number), watched=watched) as bench:
        before = await picture_of(bench)
        with watched(Phase.RUNNING):
            await path.run(bench)
        mark_from_inside(path=number, pictures=[before, await picture_of(bench)])


if __name__ == "__main__":
    with patch.object(limits, "DISK_SPARE_BYTES", SPARE_BYTES):
        for one in sys.argv[2:]:
            asyncio.run(_run(int(one), Path(sys.argv[1])))
