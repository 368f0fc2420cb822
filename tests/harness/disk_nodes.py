"""Files and directories as a disk has them: what is surely there, what was done since, and what a cut may make of it.

`power_cut.py` says what is assumed of disks.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

SECTORS_BYTES = (512, 4096)


class Fate(Enum):
    """What becomes of the unsynced changes of one file or one directory."""

    LOST = "lost"
    KEPT = "kept"
    NEWEST = "only the newest kept"
    PREFIX = "the oldest kept"
    TORN = "any selection kept"


class Change(NamedTuple):
    """A change of a file's bytes from `offset` on (`data`), or of its length alone."""

    index: int
    offset: int
    data: bytes
    size: int | None  # The length to set; None where the bytes decide.
    grows_only: bool = False


class Content:
    """Bytes and a length, which may be longer than the bytes: then zeros follow."""

    def __init__(self, data: bytes | bytearray = b"", size: int = 0) -> None:
        self.data = bytearray(data)
        self.size = size

    def apply(self, change: Change) -> None:
        """Make the change as a whole."""
        self.size = size_after(self.size, change)
        if change.data:
            self.put(change.offset, change.data)
        elif not change.grows_only:
            del self.data[self.size :]

    def put(self, offset: int, data: bytes | memoryview) -> None:
        """Place bytes; the length stays."""
        if len(self.data) < offset:
            self.data.extend(bytes(offset - len(self.data)))
        self.data[offset : offset + len(data)] = data


def size_after(size: int, change: Change) -> int:
    """A file's length after a change."""
    if change.size is None:
        return max(size, change.offset + len(change.data))
    return max(size, change.size) if change.grows_only else change.size


@dataclass
class DiskFile:
    """A file: what is surely on the disk, and what was done since."""

    durable: Content = field(default_factory=Content)
    pending: list[Change] = field(default_factory=list)

    def settle(self, index: int) -> None:
        """A sync vouched for everything before this event."""
        for change in self.pending:
            if change.index < index:
                self.durable.apply(change)
        self.pending = [change for change in self.pending if change.index >= index]

    def after_cut(self, fate: Fate, rng: random.Random) -> Content:
        """What the file may hold."""
        content = Content(self.durable.data, self.durable.size)
        if not self.pending or fate is Fate.LOST:
            return content
        if fate is Fate.KEPT or fate is Fate.PREFIX:
            count = len(self.pending) if fate is Fate.KEPT else rng.randint(0, len(self.pending))
            for change in self.pending[:count]:
                content.apply(change)
            return content
        return self._torn(fate, rng)

    def _torn(self, fate: Fate, rng: random.Random) -> Content:
        sizes = [self.durable.size]
        for change in self.pending:
            sizes.append(size_after(sizes[-1], change))
        sector_bytes = rng.choice(SECTORS_BYTES)
        end = max(len(self.durable.data), *(change.offset + len(change.data) for change in self.pending))
        touched = [
            list(self._sectors(change, size, sector_bytes, end))
            for change, size in zip(self.pending, sizes[1:], strict=True)
        ]
        counts: dict[int, int] = {}
        for sectors in touched:
            for sector in sectors:
                counts[sector] = counts.get(sector, 0) + 1
        if fate is Fate.NEWEST:
            kept = {sector: counts[sector] for sector in touched[-1]}
            size = sizes[-1]
        else:
            kept = {sector: rng.randint(0, count) for sector, count in counts.items()}
            size = rng.choice(sizes)
        content = Content(self.durable.data, size)
        if rng.random() < 0.5 and size > len(content.data):
            # What was never written may be anything: what the blocks held before.
            content.data.extend(rng.randbytes(min(size, end) - len(content.data)) if end > len(content.data) else b"")
        seen: dict[int, int] = {}
        for change, sectors in zip(self.pending, touched, strict=True):
            for sector in sectors:
                seen[sector] = seen.get(sector, 0) + 1
                if seen[sector] <= kept.get(sector, 0):
                    _put_sector(content, change, sector * sector_bytes, sector_bytes)
        return content

    @staticmethod
    def _sectors(change: Change, size: int, sector_bytes: int, end: int) -> Iterable[int]:
        """The sectors that a change touches; a truncation touches all that it cuts off."""
        if change.data:
            return range(change.offset // sector_bytes, (change.offset + len(change.data) - 1) // sector_bytes + 1)
        if change.grows_only:
            return ()
        return range(size // sector_bytes, -(-end // sector_bytes))


def _put_sector(content: Content, change: Change, begin: int, sector_bytes: int) -> None:
    first, last = max(begin, change.offset), begin + sector_bytes
    if change.data:
        content.put(first, memoryview(change.data)[first - change.offset : last - change.offset])
    elif first < len(content.data):
        content.put(first, bytes(min(last, len(content.data)) - first))


class NameChange(NamedTuple):
    """A name goes, comes, or both at once."""

    index: int
    removed: str | None
    added: tuple[str, DiskFile | Folder] | None

    def apply(self, names: dict[str, DiskFile | Folder]) -> None:
        """Make the change."""
        if self.removed is not None:
            names.pop(self.removed, None)
        if self.added is not None:
            names[self.added[0]] = self.added[1]


@dataclass
class Folder:
    """A directory: the names that are surely on the disk, what was done since, and the names as programs see them."""

    durable: dict[str, DiskFile | Folder] = field(default_factory=dict)
    pending: list[NameChange] = field(default_factory=list)
    live: dict[str, DiskFile | Folder] = field(default_factory=dict)

    def change(self, change: NameChange) -> None:
        """A name is added or removed."""
        self.pending.append(change)
        change.apply(self.live)

    def settle(self, index: int) -> None:
        """A sync vouched for everything before this event."""
        for change in self.pending:
            if change.index < index:
                change.apply(self.durable)
        self.pending = [change for change in self.pending if change.index >= index]

    def after_cut(self, fate: Fate, rng: random.Random) -> dict[str, DiskFile | Folder]:
        """The names that the directory may hold."""
        names = dict(self.durable)
        for change in _chosen(self.pending, fate, rng):
            change.apply(names)
        return names


def _chosen(changes: list[NameChange], fate: Fate, rng: random.Random) -> list[NameChange]:
    match fate:
        case Fate.LOST:
            return []
        case Fate.KEPT:
            return changes
        case Fate.NEWEST:
            return changes[-1:]
        case Fate.PREFIX:
            return changes[: rng.randint(0, len(changes))]
        case Fate.TORN:
            return [change for change in changes if rng.random() < 0.5]
