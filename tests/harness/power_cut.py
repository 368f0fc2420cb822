"""What a disk may hold after the power went: every state that POSIX allows a directory to be in, from a journal of it.

What is assumed is what SQLite assumes, and less than any journaling file system of today gives:

* What a sync vouched for stays: the bytes and the length of a file by its own fsync or fdatasync, a name by an fsync of its
  directory. A file's sync says nothing of its name, and a hint such as sync_file_range nothing at all.
* A sync vouches for what was done before it began, and only once it has returned.
* Everything else may be lost, kept or torn. A sector (512 bytes or 4 KiB) holds what it held after one of the writes to it since
  it was last synced, each sector for itself, so that later writes may be there without earlier ones. The length is one of
  those since the last sync; what it covers and was never written is zeros or garbage.
* The changes of a directory since its last sync are there in any selection: a prefix, as journaling file systems keep, or
  any other, unlinks before or after what surrounds them. Renames are atomic. Directories are independent of one another.
* A sector is never half written, and a write leaves the bytes beside it alone (SQLite's "powersafe overwrite").
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import NamedTuple

from harness.disk_nodes import Change, Content, DiskFile, Fate, Folder, NameChange
from harness.disk_recorder import Record, is_volatile


class Choice(NamedTuple):
    """How a cut goes: the fates of files and of directories, from which each gets one by chance."""

    data: tuple[Fate, ...]
    names: tuple[Fate, ...]


NOTHING_KEPT = Choice((Fate.LOST,), (Fate.LOST,))
EXTREMES = (
    NOTHING_KEPT,
    Choice((Fate.KEPT,), (Fate.KEPT,)),
    Choice((Fate.NEWEST,), (Fate.NEWEST,)),
    Choice((Fate.LOST,), (Fate.KEPT,)),  # What delayed allocation does: names of empty files.
    Choice((Fate.KEPT,), (Fate.LOST,)),
    Choice((Fate.TORN,), (Fate.KEPT,)),
)
ANY = Choice(tuple(Fate), tuple(Fate))


class Disk:
    """A directory as a journal changes it. Feed it records in order; it begins as the directory stands, all of it durable."""

    def __init__(self, root: Path) -> None:
        self._root_path = root
        self._inodes: dict[int, DiskFile] = {}
        self._root = self._scanned(root)
        self._syncs: dict[tuple[int, int], tuple[DiskFile | Folder, int]] = {}
        self.events = 0

    def _scanned(self, path: Path) -> Folder:
        folder = Folder()
        for entry in os.scandir(path):
            if entry.is_dir(follow_symlinks=False):
                folder.durable[entry.name] = self._scanned(Path(entry.path))
            else:
                data = Path(entry.path).read_bytes()
                folder.durable[entry.name] = self._inodes[entry.inode()] = DiskFile(Content(data, len(data)))
        folder.live = dict(folder.durable)
        return folder

    def feed(self, record: Record) -> None:
        """The next event."""
        index = self.events
        self.events += 1
        match record.kind:
            case "W":
                self._inodes[record.inode].pending.append(Change(index, record.offset, record.data, None))
            case "T":
                self._inodes[record.inode].pending.append(Change(index, record.size, b"", record.size))
            case "A":
                size = record.offset + record.size
                self._inodes[record.inode].pending.append(Change(index, size, b"", size, grows_only=True))
            case "C":
                folder, name = self._parent(record.path)
                made = self._inodes[record.inode] = DiskFile()
                folder.change(NameChange(index, None, (name, made)))
            case "M":
                folder, name = self._parent(record.path)
                folder.change(NameChange(index, None, (name, Folder())))
            case "U" | "V":
                folder, name = self._parent(record.path)
                folder.change(NameChange(index, name, None))
            case "R" | "L":
                self._move(index, record)
            case "S":
                self._syncs[record.process, record.offset] = self._inodes[record.inode], index
            case "D":
                self._syncs[record.process, record.offset] = self._folder(record.path), index
            case "E":
                synced, began = self._syncs.pop((record.process, record.offset))
                synced.settle(began)
            case kind:
                assert kind == "K", f"an event of the unknown kind {kind}"

    def _move(self, index: int, record: Record) -> None:
        source, old = self._parent(record.path)
        target, new = self._parent(record.other_path)
        if record.kind == "R":
            assert source is target, "a rename from one directory to another is not modelled"
        target.change(NameChange(index, old if record.kind == "R" else None, (new, source.live[old])))

    def _folder(self, path: str) -> Folder:
        folder = self._root
        for name in path.split("/") if path else ():
            found = folder.live[name]
            assert isinstance(found, Folder)
            folder = found
        return folder

    def _parent(self, path: str) -> tuple[Folder, str]:
        parent, _, name = path.rpartition("/")
        return self._folder(parent), name

    def cut(self, target: Path, choice: Choice, rng: random.Random) -> None:
        """Make `target`, which is not there yet, what the directory may be if the power goes now.

        Files get a modification time of long ago, so that what nothing names can be swept at once.
        """
        self._write(self._root, str(target), choice, rng)

    def _write(self, folder: Folder, path: str, choice: Choice, rng: random.Random) -> None:
        os.mkdir(path, 0o700)  # noqa: PTH102 - some hundred a state.
        for name, node in folder.after_cut(_fate(choice.names, folder.pending, rng), rng).items():
            if isinstance(node, Folder):
                self._write(node, f"{path}/{name}", choice, rng)
            elif name.endswith("-shm"):
                _write_file(f"{path}/{name}", Content(rng.randbytes(rng.choice((0, 100, 32_768))), 32_768))
            else:
                _write_file(f"{path}/{name}", node.after_cut(_fate(choice.data, node.pending, rng), rng))

    def assert_is_as_recorded(self) -> None:
        """Fail unless the journal, replayed to its end, is what the real directory holds: a call would be missing."""
        self._compare(self._root, self._root_path)

    def _compare(self, folder: Folder, path: Path) -> None:
        real = {entry.name: entry for entry in os.scandir(path)}
        assert set(real) == set(folder.live), f"{path} has other names than the journal: {set(real) ^ set(folder.live)}"
        for name, node in folder.live.items():
            if isinstance(node, Folder):
                self._compare(node, path / name)
            elif not is_volatile(str(path / name)):
                content = node.after_cut(Fate.KEPT, random.Random(0))
                expected = bytes(content.data[: content.size]) + bytes(content.size - len(content.data[: content.size]))
                assert (path / name).read_bytes() == expected, f"{path / name} is not as the journal says"


def _fate(fates: tuple[Fate, ...], pending: list[Change] | list[NameChange], rng: random.Random) -> Fate:
    return rng.choice(fates) if pending else Fate.KEPT


def _write_file(path: str, content: Content) -> None:
    with open(path, "wb", opener=_open_private) as file:
        file.write(memoryview(content.data)[: content.size])
        file.truncate(content.size)
    os.utime(path, (0, 0))


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
