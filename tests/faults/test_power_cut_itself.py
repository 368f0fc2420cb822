"""The test of power cuts can fail: a broken program is found out, and what it may make of a disk is what disks do."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harness import cut_paths
from harness.cuts import Cut, assert_complete, folder_in_memory, indexes, recorded, try_cuts
from harness.disk_nodes import Fate
from harness.disk_recorder import Record, UndescribedCall
from harness.power_cut import NOTHING_KEPT, Choice, Disk
from harness.write_paths import WRITE_PATHS

BEFORE, MIDDLE, AFTER = b"0" * 8192, b"1" * 8192, b"2" * 8192
WRITES = f"""
import os, sys
os.chdir(sys.argv[1])
fd = os.open("file", os.O_RDWR | os.O_CREAT)
os.write(fd, {BEFORE!r})
os.fsync(fd)
root = os.open(".", os.O_RDONLY)
os.fsync(root)
os.pwrite(fd, {MIDDLE!r}, 0)
os.pwrite(fd, {AFTER!r} * 2, 0)
os.mkdir("folder")
os.rename("file", "renamed")
"""
MAPS = """
import mmap, os, sys
fd = os.open(sys.argv[1] + "/file", os.O_RDWR | os.O_CREAT)
os.truncate(fd, 4096)
mmap.mmap(fd, 4096)[0] = 1
"""
PASSES_BY = """
import ctypes, os, sys
path = sys.argv[1] + "/file"
os.open(path, os.O_RDWR | os.O_CREAT)
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(path.encode(), b"r+"))
libc.fputs(b"unseen", file)
libc.fclose(file)
"""


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    with folder_in_memory(tmp_path) as folder:
        yield folder


def without_syncs(records: Sequence[Record], pattern: str) -> list[Record]:
    """The journal of a program that does not sync the files and directories with such paths."""
    left_out = {
        (record.process, record.offset)
        for record in records
        if record.kind in "SD" and re.fullmatch(pattern, record.path)
    }
    assert left_out, "the program never synced them"
    return [record for record in records if record.kind not in "SDE" or (record.process, record.offset) not in left_out]


def acknowledged_early(records: Sequence[Record]) -> list[Record]:
    """The journal of a program that answers before it commits."""
    [begins], [ended] = indexes(records, begins="RUNNING"), indexes(records, ended="RUNNING")
    commit = next(
        index for index in range(begins, ended) if records[index].kind == "W" and records[index].path.endswith("-wal")
    )
    return [*records[:commit], records[ended - 1], *records[commit : ended - 1], *records[ended:]]


WRONG = {
    "nothing": list,
    "a blob is not synced": lambda records: without_syncs(records, r"blobs/../.+"),
    "the directory of a blob is not synced": lambda records: without_syncs(records, r"blobs/.."),
    "the log is not synced": lambda records: without_syncs(records, r"catalog\.db-wal"),
    "the answer comes before the commit": acknowledged_early,
}


def test_a_missing_sync_and_an_early_answer_break_a_promise_that_is_checked(quick: Path, tmp_path: Path) -> None:
    number = next(number for number, path in enumerate(WRITE_PATHS) if path.name == "upload blob")
    root = quick / "root"
    root.mkdir()
    cut_paths.prepare_all([number], quick, root)
    disk = cut_paths.disk_of(number, root)
    journal = recorded(quick, root, "-m", "harness.cut_paths", str(root), str(number))
    records = cut_paths.records_of(number, journal)
    broken = []
    for what, wrong in WRONG.items():
        changed = wrong(records)
        [ended] = indexes(changed, ended="RUNNING")
        heard = cut_paths.PathExpected(number, changed)
        (quick / what).mkdir()
        try:
            try_cuts(copy.deepcopy(disk), changed, [Cut(ended, NOTHING_KEPT, "")], heard, quick, quick / what)
        except AssertionError:
            broken.append(what)
    assert broken == list(WRONG)[1:]


def test_a_call_that_the_journal_cannot_describe_is_refused(quick: Path) -> None:
    root = quick / "root"
    root.mkdir()
    with pytest.raises(UndescribedCall, match="mmap of file"):
        recorded(quick, root, "-c", MAPS, str(root))


def test_a_call_that_passes_the_recorder_by_is_found_out(quick: Path) -> None:
    root = quick / "root"
    root.mkdir()
    disk = Disk(root)
    records = recorded(quick, root, "-c", PASSES_BY, str(root))
    with pytest.raises(AssertionError, match="is not as the journal says"):
        assert_complete(disk, records)


def test_what_was_synced_stays_and_what_was_not_is_lost_kept_or_torn(quick: Path) -> None:
    root = quick / "root"
    root.mkdir()
    disk = Disk(root)
    records = recorded(quick, root, "-c", WRITES, str(root))
    assert_complete(disk, records)
    for record in records:
        disk.feed(record)

    def states(data: Fate, names: Fate) -> set[tuple[tuple[str, bytes], ...]]:
        """The different states of so many cuts: names, and the bytes of the files."""
        found = set()
        for seed in range(200):
            state = quick / f"{data.name}-{names.name}-{seed}"
            disk.cut(state, Choice((data,), (names,)), random.Random(seed))
            found.add(
                tuple((path.name, b"" if path.is_dir() else path.read_bytes()) for path in sorted(state.iterdir()))
            )
        return found

    folder = ("folder", b"")
    assert states(Fate.LOST, Fate.LOST) == {(("file", BEFORE),)}
    assert states(Fate.KEPT, Fate.KEPT) == {(folder, ("renamed", AFTER * 2))}
    assert states(Fate.LOST, Fate.NEWEST) == {(("renamed", BEFORE),)}
    assert states(Fate.LOST, Fate.PREFIX) == {
        (("file", BEFORE),),
        (("file", BEFORE), folder),
        (folder, ("renamed", BEFORE)),
    }
    assert len(states(Fate.LOST, Fate.TORN)) == 4, "either change without the other"
    torn = {data for [(_, data)] in states(Fate.TORN, Fate.LOST)}
    assert {len(data) for data in torn} == {8192, 16_384}
    sectors = [{data[at : at + 512] for data in torn} for at in range(0, 8192, 512)]
    assert all({BEFORE[:512], MIDDLE[:512], AFTER[:512]} == sector for sector in sectors)
    assert any(AFTER[:512] in data and BEFORE[:512] in data for data in torn), "sectors are independent"
