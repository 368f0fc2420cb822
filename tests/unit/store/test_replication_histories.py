"""Any history of uploads, copies, hides and deletes: when all is quiet, the destination has what the source had, in its order."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.replication import Pair, listed, pair_of, rule, run, set_rules
from harness.stores import START_MS, Bench, Bytes, md5, open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.dialect import S3
from undercroft.store.model import Action, FileVersion, NewFile

NAMES = ("in/a", "in/b", "out")
PREFIX = "in/"

names = st.sampled_from(NAMES)
steps = st.one_of(
    st.tuples(st.just("put"), names),
    st.tuples(st.just("put_dated"), names, st.integers(0, 2)),
    st.tuples(st.just("put_large"), names),
    st.tuples(st.just("copy"), names, names),
    st.tuples(st.just("hide"), names),
    st.tuples(st.just("delete"), st.integers(0, 5)),
    st.tuples(st.just("tick"), st.sampled_from([-1, 1])),
    st.tuples(st.just("work")),
    st.tuples(st.just("pause")),
    st.tuples(st.just("resume")),
)


class Made(NamedTuple):
    """A version as it was made, and the how manyth of all."""

    number: int
    version: FileVersion

    @property
    def place(self) -> tuple[bytes, int, int]:
        """Where it stands: of one name and time, what was made later comes first."""
        return self.version.name.encode(), -self.version.uploaded_ms, -self.number


def content(version: FileVersion) -> tuple[Any, ...]:
    return version.name, version.action, version.uploaded_ms, version.etag, version.size, version.info


class History:
    """The bench, and what must be on the other side, in a few plain lines."""

    def __init__(self, bench: Bench, pair: Pair) -> None:
        self.bench = bench
        self.pair = pair
        self.made: list[Made] = []
        self.alive: list[Made] = []
        self.waiting: list[Made] = []
        self.replicated: list[Made] = []
        self.enabled = True

    async def take(self, step: tuple[Any, ...]) -> None:
        await getattr(self, step[0])(*step[1:])

    def note(self, version: FileVersion) -> None:
        made = Made(len(self.made), version)
        self.made.append(made)
        self.alive.append(made)
        if self.enabled and version.name.startswith(PREFIX):
            self.waiting.append(made)

    async def put(self, name: str) -> None:
        self.note(await self.bench.put(name, b"%d" % len(self.made), new=NewFile("a/b", {"n": str(len(self.made))})))

    async def put_dated(self, name: str, ms: int) -> None:
        new = NewFile("a/b", uploaded_ms=START_MS - 100 + ms)
        self.note(await self.bench.put(name, b"%d" % len(self.made), new=new))

    async def put_large(self, name: str) -> None:
        bench, data = self.bench, b"part %d" % len(self.made)
        large = await bench.store.files.start_large_file(bench.principal, bench.bucket, name, NewFile("a/b"))
        await bench.store.files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(data))
        self.note(await bench.store.files.finish_s3(bench.principal, bench.bucket, large, [(1, md5(data))]))

    async def copy(self, source: str, name: str) -> None:
        bench = self.bench
        try:
            version = await bench.store.files.current(bench.principal, bench.bucket, source)
        except errors.NoSuchFile:
            return
        self.note(await bench.store.files.copy(bench.principal, version, bench.bucket, name))

    async def hide(self, name: str) -> None:
        self.note(await self.bench.store.files.hide(self.bench.principal, self.bench.bucket, name, S3))

    async def delete(self, which: int) -> None:
        if which < len(self.alive):
            gone = self.alive.pop(which)
            version = gone.version
            await self.bench.store.files.delete_version(
                self.bench.principal, self.bench.bucket, version.name, str(version.file_id)
            )
            if gone in self.waiting:
                self.waiting.remove(gone)

    async def tick(self, ms: int) -> None:
        self.bench.clock.ms = max(START_MS, self.bench.clock.ms + ms)  # Clocks are also set back.

    async def work(self) -> None:
        await run(self.bench)
        if self.enabled:
            self.replicated += self.waiting
            self.waiting = []
        await self.check()

    async def pause(self) -> None:
        self.enabled = False
        await set_rules(self.bench, self.pair, self._rule(is_enabled=False))

    async def resume(self) -> None:
        """Go on, and look for what came meanwhile."""
        if not self.enabled:
            self.enabled = True
            await set_rules(self.bench, self.pair, self._rule(include_existing_files=True))
            self.waiting = [
                made for made in self.alive if made not in self.replicated and made.version.name.startswith(PREFIX)
            ]

    def _rule(self, **changes: Any) -> Any:
        return rule(self.pair.destination, file_name_prefix=PREFIX, **changes)

    async def check(self) -> None:
        there = await listed(self.bench, self.pair.destination)
        expected = sorted(self.replicated, key=lambda made: made.place)
        assert [content(one) for one in there] == [content(made.version) for made in expected]
        assert {one.replication_status.name for one in there} <= {"REPLICA"}
        said = {str(one.file_id): one.replication_status for one in await listed(self.bench, self.pair.source)}
        for made in self.alive:
            status = said[str(made.version.file_id)]
            expected_status = "COMPLETED" if made in self.replicated else "PENDING" if made in self.waiting else None
            assert (status and status.name) == expected_status
        for name in NAMES:
            await self.check_visible(name, [one for one in there if one.name == name])

    async def check_visible(self, name: str, versions: list[FileVersion]) -> None:
        """The destination shows the newest of its versions, or nothing where that is a hide marker."""
        try:
            shown = await self.bench.store.files.current(self.bench.principal, self.pair.destination, name)
        except errors.NoSuchFile:
            assert not versions or versions[0].action is Action.HIDE
            return
        assert shown.file_id == versions[0].file_id


async def follow(folder: Path, taken: list[tuple[Any, ...]]) -> None:
    async with open_bench(folder) as bench:
        pair = await pair_of(bench)
        history = History(bench, pair)
        await set_rules(bench, pair, history._rule())
        for step in taken:
            await history.take(step)
        await history.resume()
        await history.work()
        assert history.waiting == []


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=25))
def test_after_any_history_the_destination_has_the_versions_of_the_source_in_its_order(taken):
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(limits, "REPLICATION_WALK_PAGE", 30):
        asyncio.run(follow(Path(folder), taken))
