"""P1, P2 and P4 when the power goes: from every state that a disk may then be in, the store opens and has kept its word.

What the store does is recorded as system calls (`harness/disk_recorder.py`). The journal, cut off anywhere, gives states of the
disk (`harness/power_cut.py`), which are opened and held against what was acknowledged by then.
"""

from __future__ import annotations

import asyncio
import copy
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harness import cut_mixed, cut_paths, cut_server
from harness.cuts import Cut, any_cut, assert_complete, folder_in_memory, indexes, recorded, try_cuts
from harness.disk_recorder import DiskRecorder, Record
from harness.power_cut import ANY, NOTHING_KEPT, Disk
from harness.server import Server
from harness.stores import open_bench
from harness.write_paths import WRITE_PATHS

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    with folder_in_memory(tmp_path) as folder:
        yield folder


def cuts_of_path(records: Sequence[Record], count: int) -> list[Cut]:
    """The worst cut directly after each acknowledgement, and others, most of them during the operation."""
    rng = random.Random(records[0].data)
    [begins], [ended] = indexes(records, begins="RUNNING"), indexes(records, ended="RUNNING")
    cuts = [Cut(ended, NOTHING_KEPT, "acknowledged")]
    for number in range(count - len(cuts)):
        first, last = (begins, ended) if number % 4 and ended - begins > 2 else (1, len(records))
        cuts.append(any_cut(rng, first, last, f"{number}"))
    return cuts


def test_p1_every_write_path_survives_a_power_cut_at_any_moment(quick: Path, tmp_path: Path, full_size: bool) -> None:
    numbers = range(len(WRITE_PATHS))
    root = quick / "root"
    root.mkdir()
    cut_paths.prepare_all(numbers, quick, root)
    disks = {number: cut_paths.disk_of(number, root) for number in numbers}
    journal = recorded(quick, root, "-m", "harness.cut_paths", str(root), *map(str, numbers))
    states = 0
    for number in numbers:
        records = cut_paths.records_of(number, journal)
        assert_complete(disks[number], records)
        heard = cut_paths.PathExpected(number, records)
        cuts = cuts_of_path(records, 17 if full_size else 2)
        try_cuts(disks[number], records, cuts, heard, quick, tmp_path)
        states += len(cuts)
    print(f"{len(WRITE_PATHS)} write paths, {len(journal)} events, {states} states after a cut, all promises kept")  # noqa: T201


def cuts_of_mixed_run(records: Sequence[Record], count: int) -> list[Cut]:
    """A third directly after acknowledgements, a third in checkpoints and where the log is cut, a third anywhere."""
    rng = random.Random(0)
    acknowledged = indexes(records, acknowledged=True)
    of_checkpoints = [
        index
        for index, record in enumerate(records, 1)
        if record.path.endswith("catalog.db")
        or (record.path.endswith("-wal") and (record.kind != "W" or not record.offset))
    ]
    cuts = []
    for number in range(count):
        seed = f"{number}"
        if number % 3 == 0:
            cuts.append(Cut(rng.choice(acknowledged), NOTHING_KEPT, seed))
        elif number % 3 == 1:
            index = rng.choice(of_checkpoints)
            cuts.append(any_cut(rng, index - 1, index, seed))
        else:
            cuts.append(any_cut(rng, 0, len(records), seed))
    return cuts


def test_p1_writers_whose_commits_go_in_groups_keep_their_word_through_checkpoints_and_a_second_cut(
    quick: Path, tmp_path: Path, full_size: bool
) -> None:
    root = quick / "root"
    asyncio.run(made(root))
    disk = Disk(root)
    records = recorded(quick, root, "-m", "harness.cut_mixed", str(root), "600" if full_size else "300", "0")
    assert_complete(disk, records)
    seen = Counter(sight for record in records for sight in sights(record))
    assert seen["checkpoints"] > 3, seen
    assert seen["logs begun"] > 3, seen
    assert seen["logs cut"] > 3, seen
    assert seen["blobs removed"] > 3, seen
    assert seen["commits"] < 0.9 * seen["acknowledged"], f"hardly any commit was of a group: {seen}"
    cuts = cuts_of_mixed_run(records, 280 if full_size else 20)
    try_cuts(copy.deepcopy(disk), records, cuts, cut_mixed.MixedExpected(), quick, tmp_path)
    again = sum(
        cut_again(disk, records, quick / f"again{number}", number, full_size) for number in range(5 if full_size else 1)
    )
    print(f"{len(records)} events, {dict(seen)}")  # noqa: T201 - the figures of the note, here and below.
    print(f"{len(cuts)} states after a cut, {again} after a second, all promises kept")  # noqa: T201


def cut_again(disk: Disk, records: Sequence[Record], work: Path, number: int, full_size: bool) -> int:
    """Let the store recover and write on from one state, recorded again, and cut that too; how many states were tried."""
    rng = random.Random(f"again {number}")
    first, heard = rng.randint(len(records) // 4, len(records)), cut_mixed.MixedExpected()
    disk = copy.deepcopy(disk)
    for record in records[:first]:
        disk.feed(record)
        if record.kind == "K":
            heard.hear(record.mark)
    root = work / "root"
    work.mkdir()
    disk.cut(root, ANY, rng)
    left = Disk(root)
    journal = recorded(work, root, "-m", "harness.cut_mixed", str(root), "60", "100")
    assert_complete(left, journal)
    cuts = [
        any_cut(rng, 0, len(journal) // (10 if count % 2 else 1), f"{count}") for count in range(10 if full_size else 4)
    ]
    try_cuts(left, journal, cuts, heard, work, work.parent)
    shutil.rmtree(work)
    return len(cuts)


def test_p1_a_server_starts_after_a_power_cut_and_has_what_it_acknowledged_from_its_first_start_on(
    quick: Path, tmp_path: Path, full_size: bool
) -> None:
    root = quick / "root"
    (root / "data.home").mkdir(parents=True)
    (root / "data.log").touch()
    disk = Disk(root)
    recorder = DiskRecorder(quick, root)
    server = Server(root / "data", ("--workers", "2"), environment=recorder.environment)
    try:
        cut_server.work(server, recorder, 240 if full_size else 60)
    finally:
        if server.is_started:
            server.kill()
    records = recorder.records()
    assert_complete(disk, records)
    heard = cut_server.ServerExpected(serve_every=8 if full_size else 4)
    cuts = cuts_of_server(records, 80 if full_size else 8)
    try_cuts(disk, records, cuts, heard, quick, tmp_path)
    print(f"{len(records)} events, {len(cuts)} states after a cut, {heard.served} of them served, all promises kept")  # noqa: T201


def cuts_of_server(records: Sequence[Record], count: int) -> list[Cut]:
    """Directly after the first start and after acknowledgements, during the first start, and anywhere."""
    rng = random.Random(1)
    [announced] = [index for index, record in enumerate(records, 1) if record.kind == "K" and "account" in record.mark]
    acknowledged = indexes(records, acknowledged=True)
    cuts = [Cut(announced, NOTHING_KEPT, "announced")]
    for number in range(count - len(cuts)):
        match number % 3:
            case 0:
                cuts.append(Cut(rng.choice(acknowledged), NOTHING_KEPT, f"{number}"))
            case 1:
                cuts.append(any_cut(rng, 1, announced, f"{number}"))
            case _:
                cuts.append(any_cut(rng, announced, len(records), f"{number}"))
    return cuts


async def made(folder: Path) -> None:
    """A store with an account and a bucket."""
    async with open_bench(folder):
        pass


def sights(record: Record) -> Iterator[str]:
    """What of interest an event is."""
    match record.kind, record.path:
        case "K", _ if record.mark.get("acknowledged"):
            yield "acknowledged"
        case "S", "catalog.db":
            yield "checkpoints"
        case "W", "catalog.db-wal" if record.offset == 0:
            yield "logs begun"
        case "T", "catalog.db-wal":
            yield "logs cut"
        case "W", "catalog.db-wal" if is_commit(record.data):
            yield "commits"
        case "U", path if path.startswith("blobs/"):
            yield "blobs removed"


def is_commit(written: bytes) -> bool:
    """Whether a write to the log is the head of a frame that ends a commit: it says how long the database then is."""
    return len(written) == 24 and written[4:8] != bytes(4)
