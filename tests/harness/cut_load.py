"""Writers at work while they are recorded, and what of their work must be there after a cut.

Each writer has names of its own and does one thing after another. Before each it says what it is about to do, and after
the acknowledgement that it is done. So after a cut the store holds, for each writer, exactly what its acknowledged operations
made (P1), with or without the one that was under way, and nothing in between (P2).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from harness.stores import Bench, Bytes, md5, sha1
from undercroft.store.dialect import S3
from undercroft.store.model import Action, FileVersion, NewFile

SIZES_BYTES = (0, 100, 4096, 20_000, 60_000, 66_000, 90_000, 150_000)
OPERATIONS = ("upload", "upload", "upload", "hide", "delete", "copy", "start", "part", "finish")

# What a writer's names hold: versions by name, newest first, each an action and the SHA-1 of its bytes or of its parts.
Model = dict[str, list[list[Any]]]
Operation = dict[str, Any]


def apply(model: Model, operation: Operation) -> None:
    """Change the model as the operation changes the store."""
    entries = model.setdefault(operation["name"], [])
    match operation["does"]:
        case "upload" | "copy":
            entries.insert(0, ["UPLOAD", operation["sha1"]])
        case "hide":
            entries.insert(0, ["HIDE", ""])
        case "delete":
            entries.pop(operation["index"])
        case "start":
            entries.insert(0, ["START", ""])
        case "part":
            entries[0][1] = operation["sha1"]
        case "finish":
            entries[0][0] = "UPLOAD"
    if not entries:
        del model[operation["name"]]


class Target(Protocol):
    """Where writers write: a store, or a server. Every method answers the file id of what it made."""

    can: frozenset[str]

    async def upload(self, name: str, data: bytes) -> str:
        """Store a version."""

    async def hide(self, name: str) -> str:
        """Add a hide marker."""

    async def delete(self, name: str, file_id: str) -> None:
        """Remove a version."""

    async def copy(self, source: str, file_id: str, name: str) -> str:
        """Copy a version."""

    async def start(self, name: str) -> str:
        """Begin a large file."""

    async def part(self, name: str, file_id: str, data: bytes) -> None:
        """Upload its only part."""

    async def finish(self, name: str, file_id: str, part: bytes) -> None:
        """Finish it."""


class Writer:
    """One writer. `mark` says things between the recorded events."""

    def __init__(self, number: int, target: Target, mark: Callable[..., None], rng: random.Random) -> None:
        self._number = number
        self._target = target
        self._mark = mark
        self._rng = rng
        self._model: Model = {}
        self._ids: dict[str, list[str]] = {}  # Beside the model.
        self._bytes: dict[str, bytes] = {}  # By SHA-1, as long as a part waits for its finish.
        self._count = 0

    async def work(self, operations: int) -> None:
        """Do so many things, one after another."""
        for _ in range(operations):
            operation = self._next()
            said = {"writer": self._number, "operation": operation}
            self._mark(**said, acknowledged=False)
            await self._do(operation)
            self._mark(**said, acknowledged=True)
            apply(self._model, operation)

    def _next(self) -> Operation:
        """What to do next, at random from what can be done."""
        uploads = [
            (name, index)
            for name, entries in self._model.items()
            for index, entry in enumerate(entries)
            if entry[0] == "UPLOAD"
        ]
        visible = [name for name, entries in self._model.items() if entries[0][0] == "UPLOAD"]
        started = [name for name, entries in self._model.items() if entries[0][0] == "START"]
        does = self._rng.choice([one for one in OPERATIONS if one in self._target.can])
        if does == "delete" and uploads:
            name, index = self._rng.choice(uploads)
            return {"does": does, "name": name, "index": index}
        if does == "copy" and uploads:
            source, index = self._rng.choice(uploads)
            digest = self._model[source][index][1]
            return {"does": does, "name": self._name(), "source": source, "index": index, "sha1": digest}
        if does == "hide" and visible:
            return {"does": does, "name": self._rng.choice(visible)}
        if does == "start" and not started:
            return {"does": does, "name": self._name()}
        if does in ("part", "finish") and started:
            [name] = started
            if does == "finish" and self._model[name][0][1]:
                return {"does": does, "name": name}
            return {"does": "part", "name": name, "sha1": self._content()}
        name = self._rng.choice(visible) if visible and self._rng.random() < 0.3 else self._name()
        return {"does": "upload", "name": name, "sha1": self._content()}

    def _name(self) -> str:
        self._count += 1
        return f"writer{self._number}/{self._count:04}"

    def _content(self) -> str:
        data = self._rng.randbytes(self._rng.choice(SIZES_BYTES))
        self._bytes[sha1(data)] = data
        return sha1(data)

    async def _do(self, operation: Operation) -> None:
        name, target = operation["name"], self._target
        ids = self._ids.setdefault(name, [])
        match operation["does"]:
            case "upload":
                ids.insert(0, await target.upload(name, self._bytes[operation["sha1"]]))
            case "copy":
                source = operation["source"]
                ids.insert(0, await target.copy(source, self._ids[source][operation["index"]], name))
            case "hide":
                ids.insert(0, await target.hide(name))
            case "delete":
                await target.delete(name, ids.pop(operation["index"]))
            case "start":
                ids.insert(0, await target.start(name))
            case "part":
                await target.part(name, ids[0], self._bytes[operation["sha1"]])
            case "finish":
                await target.finish(name, ids[0], self._bytes[self._model[name][0][1]])


class StoreTarget:
    """A store in this process."""

    can = frozenset(OPERATIONS)

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def upload(self, name: str, data: bytes) -> str:
        return str((await self._bench.put(name, data)).file_id)

    async def hide(self, name: str) -> str:
        bench = self._bench
        return str((await bench.store.files.hide(bench.principal, bench.bucket, name, S3)).file_id)

    async def delete(self, name: str, file_id: str) -> None:
        bench = self._bench
        await bench.store.files.delete_version(bench.principal, bench.bucket, name, file_id)

    async def copy(self, source: str, file_id: str, name: str) -> str:
        bench = self._bench
        version = await bench.store.files.version(bench.principal, file_id)
        return str((await bench.store.files.copy(bench.principal, version, bench.bucket, name)).file_id)

    async def start(self, name: str) -> str:
        bench = self._bench
        new = NewFile("text/plain")
        return str((await bench.store.files.start_large_file(bench.principal, bench.bucket, name, new)).file_id)

    async def part(self, name: str, file_id: str, data: bytes) -> None:
        bench = self._bench
        _, large = await bench.store.files.unfinished(bench.principal, file_id)
        await bench.store.files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(data))

    async def finish(self, name: str, file_id: str, part: bytes) -> None:
        bench = self._bench
        _, large = await bench.store.files.unfinished(bench.principal, file_id)
        await bench.store.files.finish_s3(bench.principal, bench.bucket, large, [(1, md5(part))])


class Expected:
    """What the writers' marks up to a cut allow the store to hold."""

    def __init__(self) -> None:
        self._done: dict[int, Model] = {}
        self._under_way: dict[int, Operation] = {}
        self.acknowledged = 0

    def hear(self, said: dict[str, Any]) -> None:
        """The next mark."""
        if "writer" not in said:
            return
        done = self._done.setdefault(said["writer"], {})
        if said["acknowledged"]:
            apply(done, said["operation"])
            del self._under_way[said["writer"]]
            self.acknowledged += 1
        else:
            self._under_way[said["writer"]] = said["operation"]

    def check(self, found: Model) -> None:
        """Fail unless what was found is what each writer was told, with or without what it had under way."""
        by_writer: dict[int, Model] = {number: {} for number in self._done}
        for name, entries in found.items():
            by_writer[int(name.partition("/")[0].removeprefix("writer"))][name] = entries
        for number, model in self._done.items():
            legal = [model]
            if number in self._under_way:
                legal.append({name: [list(entry) for entry in entries] for name, entries in model.items()})
                apply(legal[-1], self._under_way[number])
            assert by_writer[number] in legal, _difference(by_writer[number], legal)


def _difference(found: Model, legal: list[Model]) -> str:
    names = sorted(name for name in {*found, *legal[0]} if found.get(name) != legal[0].get(name))
    shown = [(name, "found", found.get(name), "legal", [model.get(name) for model in legal]) for name in names[:3]]
    return f"{len(names)} names are not as acknowledged: {shown}"


async def found_in(bench: Bench) -> Model:
    """What the bench's bucket holds of the writers' names, every byte of it read."""
    model: Model = {}
    page = await bench.store.files.list_versions(bench.principal, bench.bucket, prefix="writer", limit=10_000)
    assert not page.more
    for version in _versions(page.rows):
        digest = ""
        if version.action is Action.UPLOAD:
            digest = sha1(await bench.bytes_of(version))
        elif version.action is Action.START:
            parts, _ = await bench.store.files.list_parts(bench.principal, bench.bucket, version, limit=10)
            digest = parts[0].content_sha1 if parts else ""
        model.setdefault(version.name, []).append([version.action.name, digest])
    return model


def _versions(rows: Iterable[object]) -> list[FileVersion]:
    return [row for row in rows if isinstance(row, FileVersion)]
