"""The loop that breaks a write path at each of its system calls in turn, and looks at what is left. Run as a program.

Each attempt is a process of its own, forked from one that never opened a store, on a copy of the prepared data directory.
So `on_fatal` ends it as it ends a real one, with what a dying process leaves behind, and a second process opens the directory
as the next start does.
"""

from __future__ import annotations

import asyncio
import errno
import faulthandler
import gc
import json
import os
import pickle
import re
import shutil
import sys
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from harness.failing_disk import EVERY_CALL, GROWING, Calls, OwnDisk, Plan
from harness.path_bench import Phase, WritePath, clone, find_owner, opened, pictures, prepare
from harness.promises import BUCKET, OWNER, PASSWORDS, Picture, check_that_it_goes_on, picture_of
from harness.stores import Bench
from harness.write_paths import WRITE_PATHS
from undercroft.blobs.contract import BlobError
from undercroft.catalog.contract import CatalogError
from undercroft.keyring import KeyringError
from undercroft.serve import logs
from undercroft.serve.exits import FATAL_STORAGE_EXIT
from undercroft.store.errors import DuplicateBucketName, DuplicateEmail, StoreError

PATIENCE_S = 60
NEVER = 1 << 40  # No call has this number.
_SYNC_WEIGHT = 12  # Syncs are few and matter most: where only some points are broken, so many times more of them are.
_STRIDE = 37  # Where only some points are broken, the next path begins so much further on: no kind is left out.


class Kind(NamedTuple):
    """A way of failing: which calls, how, and whether the disk stays broken from then on."""

    name: str
    calls: Calls
    error: int
    stays: bool = False
    cuts_short: bool = False


KINDS = (
    Kind("EIO", EVERY_CALL & ~Calls.SYNC, errno.EIO),
    Kind("EIO from then on", EVERY_CALL, errno.EIO, stays=True),
    Kind("failed sync", Calls.SYNC, errno.EIO),
    Kind("ENOSPC", GROWING, errno.ENOSPC),
    Kind("ENOSPC from then on", GROWING, errno.ENOSPC, stays=True),
    Kind("EDQUOT", GROWING, errno.EDQUOT),
    Kind("EDQUOT from then on", GROWING, errno.EDQUOT, stays=True),
    Kind("EDQUOT at a sync", Calls.SYNC, errno.EDQUOT),  # As network file systems tell of it.
    Kind("short write", Calls.WRITE, 0, cuts_short=True),
    Kind("short write, then ENOSPC", Calls.WRITE, errno.ENOSPC, stays=True, cuts_short=True),
)

_SYNCS = ("fsync", "fdatasync")
ACKNOWLEDGED, REFUSED, FATAL = "acknowledged", "refused", "fatal"


class Reference(NamedTuple):
    """A path when nothing fails: what is there before and after it, and how many calls each kind has to break."""

    before: Picture
    after: Picture
    calls: dict[str, int]


class Report(NamedTuple):
    """What an attempt says of itself: how it ended, the call that was broken, and what the store holds then, if it knows."""

    outcome: str
    hit: str
    said: str = ""
    left: Picture | None = None


class Point(NamedTuple):
    """One attempt: the n-th call of a kind fails. `dies` has the process killed after the answer, else it goes on."""

    kind: Kind
    nth: int
    dies: bool

    def __str__(self) -> str:
        return f"{self.kind.name} at call {self.nth}, then {'killed' if self.dies else 'goes on'}"


# -- In processes of their own ----------------------------------------------------------------------------------------
def in_a_process(work: Callable[[Callable[[Any], None]], Awaitable[None]]) -> Any:
    """What the work, a coroutine function in a forked process, hands to its parameter. Raises what went wrong in it."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _child(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert said, f"the process ended with {code} and said nothing"
    kind, answer = pickle.loads(said)
    assert kind == "answer", answer
    assert code == (FATAL_STORAGE_EXIT if isinstance(answer, Report) and answer.outcome == FATAL else 0), code
    return answer


def _child(work: Callable[[Callable[[Any], None]], Awaitable[None]], writing: int) -> NoReturn:
    def hand_over(answer: Any, kind: str = "answer") -> None:
        data = memoryview(pickle.dumps((kind, answer)))
        while data:
            data = data[os.write(writing, data) :]

    faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
    try:
        asyncio.run(work(hand_over))
    except BaseException:  # noqa: BLE001 - it is told, and the process ends.
        hand_over(traceback.format_exc(), "error")
    os._exit(0)


async def refer_all(paths: Sequence[WritePath], folder: Path, tell: Callable[[Any], None]) -> None:
    """Prepares each path in a folder of its own, and tells their References."""
    references = []
    for path in paths:
        folder_of(path, folder).mkdir()
        references.append(await _refer(path, folder_of(path, folder)))
    tell(references)


def folder_of(path: WritePath, folder: Path) -> Path:
    """Where everything of the path is kept."""
    return folder / re.sub(r"\W+", "-", path.name)


async def _refer(path: WritePath, folder: Path) -> Reference:
    disk, work, calls = OwnDisk(), folder / "reference", {}

    @contextmanager
    def watched(phase: Phase) -> Iterator[None]:
        if phase is path.phase:
            disk.arm(work, Plan(EVERY_CALL, NEVER, 0))
        yield
        if phase is path.phase:
            disk.disarm()
            calls.update({kind.name: disk.count(kind.calls) for kind in KINDS})

    await prepare(path, folder / "prepared")
    before, after = await pictures(path, folder / "prepared", work, watched=watched)
    return Reference(before, after, calls)


async def attempt(path: WritePath, point: Point, folder: Path, known: Reference, tell: Callable[[Any], None]) -> None:
    """Runs the path with the fault, and tells a Report. What may not be is raised."""
    disk, kind = OwnDisk(), point.kind
    plan = Plan(kind.calls, point.nth, kind.error, kind.stays, kind.cuts_short)

    def end(error: Exception) -> NoReturn:
        tell(Report(FATAL, disk.hit, repr(error)))
        os._exit(FATAL_STORAGE_EXIT)

    @contextmanager
    def watched(phase: Phase) -> Iterator[None]:
        if phase is path.phase:
            disk.arm(folder, plan)
        try:
            yield
        finally:
            disk.disarm()

    outcome, said, left = ACKNOWLEDGED, "", None
    try:
        async with opened(path, folder, on_fatal=end, watched=watched) as bench:
            try:
                with watched(Phase.RUNNING):
                    await path.run(bench)
            except (StoreError, KeyringError) as error:
                outcome, said = REFUSED, repr(error)
            if point.dies and path.phase is not Phase.CLOSING:
                tell(Report(outcome, disk.hit, said))
                os._exit(0)
            left = await picture_of(bench)
            assert left in legal(path, outcome, known), f"{outcome} {said}, {disk.hit}: {left}"
            if path.phase is not Phase.CLOSING:
                left = await _goes_on(path, bench)
    except (StoreError, CatalogError, BlobError, KeyringError, OSError) as error:
        if path.phase is not Phase.OPENING:  # A start may fail with these, and tells the operator.
            raise
        outcome, said = REFUSED, repr(error)
    tell(Report(outcome, disk.hit, said, left))


async def reopen(path: WritePath, folder: Path, expected: list[Picture], tell: Callable[[Any], None]) -> None:
    """Opens what an attempt left, as the next start does, and raises where it is none of what is expected, or does not work."""
    if path.is_newer:  # First by the program of today, which may not find half of a change.
        async with opened(path._replace(is_newer=False), folder, on_fatal=_fail) as bench:
            left = await picture_of(bench)
            assert left in expected, left
    async with opened(path, folder, on_fatal=_fail) as bench:
        left = await picture_of(bench)
        # What was begun at the start is brought to its end by the next one.
        assert left in (expected[-1:] if path.phase is Phase.OPENING else expected), left
        await _goes_on(path, bench)
    tell(None)


async def _goes_on(path: WritePath, bench: Bench) -> Picture:
    if path.is_new:
        with suppress(DuplicateEmail):
            await bench.store.identity.accounts.create(OWNER, PASSWORDS[0])
        principal = await bench.store.identity.accounts.operator(OWNER)
        with suppress(DuplicateBucketName):
            await bench.store.buckets.create(principal, BUCKET, "allPrivate")
        await find_owner(bench)
    await check_that_it_goes_on(bench)
    return await picture_of(bench)


def _fail(error: Exception) -> NoReturn:
    raise AssertionError(f"the disk is whole again, and yet: {error!r}") from error


def legal(path: WritePath, outcome: str, known: Reference) -> list[Picture]:
    """What the store may hold after the outcome; the last is what it holds when all is done."""
    if outcome == ACKNOWLEDGED:
        return [known.after]
    if outcome == REFUSED and path.phase is Phase.RUNNING and not path.may_stop_midway:
        return [known.before]
    return [known.before, known.after]


# -- The loop ---------------------------------------------------------------------------------------------------------
class Loop:
    """Breaks write paths and counts what it did."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []

    def break_paths(self, paths: Sequence[WritePath], every: int) -> None:
        """Break every so many of the points of the paths; each of them where `every` is 1."""
        # What the processes share is not copied for each of them as long as nobody collects garbage.
        gc.collect()
        gc.freeze()
        references = in_a_process(partial(refer_all, paths, self._folder))
        for number, (path, known) in enumerate(zip(paths, references, strict=True)):
            self._break_path(path, known, every, first=number * _STRIDE % every)

    def _break_path(self, path: WritePath, known: Reference, every: int, first: int) -> None:
        folder = folder_of(path, self._folder)
        self.counts["paths"] += 1
        number = first
        for which, kind in enumerate(KINDS):
            weight = _SYNC_WEIGHT if kind.calls is Calls.SYNC and every > 1 else 1
            for nth in range(1, NEVER):
                number += weight
                # A kind that goes away and the same that stays follow each other, so that each point is ended both ways.
                point = Point(kind, nth, dies=(number // every + which) % 2 == 0)
                if number % every < weight and not self._break(path, point, folder, known):
                    break
                if every > 1 and nth >= known.calls[kind.name]:
                    break  # There may be a few more, which come and go with the time that things take.
        shutil.rmtree(folder)

    def _break(self, path: WritePath, point: Point, folder: Path, known: Reference) -> bool:
        """One attempt. False where there was no such call any more."""
        work = folder / "work"
        clone(folder / "prepared", work)
        try:
            report = in_a_process(partial(attempt, path, point, work, known))
            _judge(path, point.kind, report)
            expected = [report.left] if report.left is not None else legal(path, report.outcome, known)
            in_a_process(partial(reopen, path, work, expected))
        except AssertionError as error:
            self.faults.append(f"{path.name}: {point}: {error}")
            sys.stderr.write(self.faults[-1] + "\n")
            return True
        self.counts["attempts"] += 1
        if report.hit:
            self.counts["points"] += 1
            self.counts[point.kind.name] += 1
            self.counts[report.outcome] += 1
        return bool(report.hit)


def _judge(path: WritePath, kind: Kind, report: Report) -> None:
    """Raise where the outcome is not what the fault asks for (P12)."""
    told = f"{report.outcome} {report.said} after {report.hit}"
    call, _, place = report.hit.partition(" ")
    of_catalog = place.startswith("/catalog")
    if not report.hit or kind.error == 0:  # Half a write is followed by the other half.
        assert report.outcome == ACKNOWLEDGED, told
    elif kind.error != errno.EIO:  # No room is told to the caller, and to nobody else.
        may_end = call in _SYNCS and (of_catalog or place == "")  # But of a sync that failed nobody knows what it left.
        may_end |= path.phase is Phase.OPENING and call == "create"
        assert report.outcome != FATAL or may_end, told
        if call in _SYNCS and of_catalog and path.phase is Phase.RUNNING:
            assert report.outcome == FATAL, told
    elif path.phase is Phase.CLOSING:  # The log is there until it has all been copied: the next start does it.
        assert report.outcome in (ACKNOWLEDGED, FATAL), told
    elif path.phase is Phase.OPENING:
        # A start that fails tells so. It may leave the log to be copied by the next one, and it may be told that a folder
        # cannot be made that is there already.
        assert report.outcome in (REFUSED, FATAL) or of_catalog or place == "" or call == "mkdir", told
    elif call == "fdatasync" and place == "":  # SQLite's of the directory, which it does not look at: we did it before.
        assert not kind.stays or report.outcome == FATAL, told
    elif call in _SYNCS and path.writes_keys and not of_catalog:
        # The file of the master key is replaced as a whole: what its syncs leave undone, nothing relies on yet.
        assert report.outcome in (REFUSED, FATAL), told
    elif call in _SYNCS or (of_catalog and call in ("read", "write", "ftruncate")):
        assert report.outcome == FATAL, told


def main() -> None:
    """Arguments: a folder to work in, how many of the points to break (1: all), and the numbers of the paths."""
    folder, every, *numbers = sys.argv[1:]
    loop = Loop(Path(folder))
    loop.break_paths([WRITE_PATHS[int(number)] for number in numbers], int(every))
    sys.stdout.write(json.dumps({"counts": loop.counts, "faults": loop.faults}) + "\n")


if __name__ == "__main__":
    logs.configure("test")  # The answer is all that goes to standard output.
    main()
