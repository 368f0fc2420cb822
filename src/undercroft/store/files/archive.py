"""A selection as one zip, made while it is sent: no temporary file, and never more than a few blocks of it in memory.

Members are stored, not compressed: what is large is compressed already, and a zip is for taking along. The zip is put together in
threads, block by block as the reader takes them, so that neither the event loop nor a thread ever waits for a slow reader.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from undercroft import limits
from undercroft.store.errors import NoSuchVersion
from undercroft.store.files.service import Files
from undercroft.store.identity.principals import Principal
from undercroft.store.model import SSE_C, Bucket, FileVersion
from undercroft.threads import Strand, Threads

T = TypeVar("T")
NOTE = "NOT INCLUDED.txt"
MODIFIED_KEY = "src_last_modified_millis"
_FILE_MODE = 0o100644
_EARLIEST, _LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)  # What zip can say.
_ODD = re.compile(r"[\x00-\x1f\x7f\\:]")  # Control characters, and what leads elsewhere on Windows.
_MARKED = re.compile(r"~[0-9a-f]{8}\Z")
_threads = Threads(2, "zip")


class Archive:
    """A zip of a selection. `begin` once, then take `blocks`; `close` in any case."""

    def __init__(self, files: Files, principal: Principal, bucket: Bucket, folder: str, names: Sequence[str]) -> None:
        """The paths in the zip begin below `folder`, which the names are in; the name "" is all of the bucket."""
        self.packed = 0  # Files that are in it so far, …
        self.packed_bytes = 0  # … and what they hold.
        self.left_out = 0
        self._looked_at = 0
        self._path_bytes = 0
        self._files = files
        self._principal = principal
        self._bucket = bucket
        self._folder = folder
        self._names = names
        self._loop = asyncio.get_running_loop()
        self._strand = Strand(_threads)
        self._left_out: list[str] = []
        self._body: bytes | AsyncIterator[bytes | bytearray] | None = None
        self._first: bytes | None = None
        self._blocks: Iterator[bytes]

    async def begin(self) -> None:
        """Make the first block, so that what is refused is refused before anything is sent. Raises what reading raises."""
        from stream_zip import stream_zip  # With its cipher 25 ms, which nobody needs who makes no zip.

        self._blocks = iter(stream_zip(self._members(), chunk_size=limits.ZIP_BLOCK_BYTES))
        self._first = await self._next()

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """The zip. An error in the middle means that the reader must be cut off (P3)."""
        block, self._first = self._first, None
        while block is not None:
            yield block
            block = await self._next()

    async def close(self) -> None:
        """Let go of everything, also when the reader went away in the middle."""
        await asyncio.shield(self._strand.begin(_close, getattr(self, "_blocks", None)))
        await self._close_body()

    async def _next(self) -> bytes | None:
        return await self._strand.begin(next, self._blocks, None)

    # -- In a thread ----------------------------------------------------------------------------------------------------
    def _members(self) -> Iterator[tuple[str, datetime, int, Any, Iterator[bytes]]]:
        from stream_zip import ZIP_AUTO

        versions = self._files.selected(self._principal, self._bucket, self._names)
        for version in self._pulled(versions):
            self._looked_at += 1
            if isinstance(version, str):
                self._leave_out(version, "it is gone")
            elif self._is_full:
                self._leave_out(
                    version.name,
                    f"a zip has at most {limits.ZIP_FILES_MAX:,} files, fewer where their paths are long; this one and those after "
                    "it are not in it",
                )
                break
            elif version.encryption is not None and version.encryption.mode == SSE_C:
                self._leave_out(version.name, "it is encrypted with a key of your own (SSE-C)")
            elif _is_placeholder(version):
                pass
            elif self._do(partial(self._open, version)):
                path = path_in_zip(version.name, self._folder)
                self._path_bytes += len(path.encode())
                yield path, _modified(version), _FILE_MODE, ZIP_AUTO(version.size, level=0), self._bytes()
                self._do(self._close_body)
                self.packed += 1
                self.packed_bytes += version.size
            else:
                self._leave_out(version.name, "it was deleted meanwhile")
        if self.left_out:
            note = self._note().encode()
            yield NOTE, datetime.now(UTC), _FILE_MODE, ZIP_AUTO(len(note), level=0), iter([note])

    @property
    def _is_full(self) -> bool:
        """Whether no more goes in: the directory of a zip is in memory until its end, and what is left out takes time as well."""
        return (
            self.packed >= limits.ZIP_FILES_MAX
            or self._looked_at > limits.ZIP_LOOKED_AT_MAX
            or self._path_bytes >= limits.ZIP_PATHS_MAX_BYTES
        )

    def _bytes(self) -> Iterator[bytes]:
        assert self._body is not None
        if isinstance(self._body, bytes):
            yield self._body
        else:
            yield from map(bytes, self._pulled(self._body))

    def _pulled(self, items: AsyncIterator[T]) -> Iterator[T]:
        """What an iterator of the event loop yields, one by one as it is asked for."""
        ended = object()

        async def following() -> T | object:
            return await anext(items, ended)

        while (item := self._do(following)) is not ended:
            yield item  # type: ignore[misc]

    def _do(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result()

    def _leave_out(self, name: str, why: str) -> None:
        self.left_out += 1
        if len(self._left_out) < limits.ZIP_NOTED_MAX:
            self._left_out.append(f"{_ODD.sub('_', name)}: {why}")

    def _note(self) -> str:
        more = self.left_out - len(self._left_out)
        lines = ["These files are not in this zip:", "", *self._left_out, *([f"… and {more:,} more"] if more else [])]
        return "\r\n".join([*lines, ""])

    # -- On the event loop ----------------------------------------------------------------------------------------------
    async def _open(self, version: FileVersion) -> bool:
        """Begin to read a version, if it is still there."""
        with suppress(NoSuchVersion):
            key_id = self._principal.key_of(version.account_id)
            self._body = await self._files.read(version, 0, version.size, key_id=key_id)
            return True
        return False

    async def _close_body(self) -> None:
        body, self._body = self._body, None
        if body is not None and not isinstance(body, bytes):
            await body.aclose()  # type: ignore[attr-defined]


def path_in_zip(name: str, folder: str) -> str:
    """The path of a file below a folder, such as no program unpacks outside of the place that it is told.

    Parts that lead elsewhere, or nowhere, get another spelling, and the whole a mark; so does what looks marked already, or like
    the note in any case of its letters.
    """
    path = name.removeprefix(folder)
    parts = [_ODD.sub("_", part) for part in path.split("/")]
    parts = ["_" + part if part.strip(" .") == "" else part for part in parts]
    safe = "/".join(parts)
    if safe == path and safe.casefold() != NOTE.casefold() and not _MARKED.search(safe):
        return path
    return f"{safe}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _is_placeholder(version: FileVersion) -> bool:
    """Whether it stands for an empty folder."""
    return version.size == 0 and (version.name.endswith(("/", "/.bzEmpty")) or version.name == ".bzEmpty")


def _modified(version: FileVersion) -> datetime:
    """When the file was last modified where it came from, else when it was uploaded."""
    said = version.info.get(MODIFIED_KEY, "")
    at_ms = int(said) if said.isascii() and said.isdigit() and len(said) <= 14 else version.uploaded_ms
    return min(max(datetime.fromtimestamp(at_ms / 1000, UTC), _EARLIEST), _LATEST)


def _close(blocks: Iterator[bytes] | None) -> None:
    if blocks is not None:
        blocks.close()  # type: ignore[attr-defined]
