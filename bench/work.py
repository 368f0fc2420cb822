"""What every load shares: how much to do, where to put things, and what one run tells."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from targets import Invalid, Target

MIB = 1 << 20
MEGABYTE = 1e6
SMALL_BYTES = 4096
BLOCK_BYTES = MIB


@dataclass(frozen=True)
class Sizes:
    """How much each load does."""

    seconds: int = 4  # Each load of small requests.
    names: int = 1000  # That are read, written and asked for in turn.
    deletes: int = 8000  # Files that one DELETE load may use up.
    large_bytes: int = 1 << 30
    copy_bytes: int = 5_000_000_000
    files: int = 2000  # Of one sync.
    lists: tuple[int, ...] = (10_000, 1_000_000)  # Names in the buckets that are listed.
    md5_bytes: int = 512 << 20
    idle_s: float = 3.0  # The rest before memory is looked at.
    settles: bool = True  # Whether loads wait for the disk to finish what earlier ones left to it.


FULL = Sizes()
QUICK = Sizes(
    seconds=1, names=100, deletes=400, large_bytes=16 * MIB, copy_bytes=64 * MIB, files=50, lists=(4_000,),
    md5_bytes=16 * MIB, idle_s=0.2, settles=False,
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """One run. `cpu_us` is the server's processor time a request, a megabyte or a file; `more` has further numbers."""

    value: float
    cpu_us: float | None = None
    more: dict[str, float] = field(default_factory=dict)


Load = Callable[["Work", Target], Sample]


class Work:
    """One measurement: its sizes, its folder, and the inputs that loads share."""

    def __init__(self, sizes: Sizes, folder: Path) -> None:
        self.sizes = sizes
        self.folder = folder
        self._number = 0

    def new_name(self, stem: str) -> str:
        """A name that this measurement has not used yet."""
        self._number += 1
        return f"{stem}-{self._number}"

    @cached_property
    def block(self) -> bytes:
        """A block that nothing can compress."""
        return os.urandom(BLOCK_BYTES)

    @cached_property
    def small_file(self) -> Path:
        """The body of a small PUT."""
        path = self.folder / "small"
        path.write_bytes(self.block[:SMALL_BYTES])
        return path

    @cached_property
    def large_file(self) -> Path:
        """What real clients upload as one large file."""
        path = self.folder / "large"
        with path.open("wb") as file:
            for _ in range(self.sizes.large_bytes // BLOCK_BYTES):
                file.write(self.block)
        return path

    @cached_property
    def small_files(self) -> Path:
        """A folder of small files, which real clients upload together."""
        folder = self.folder / "files"
        folder.mkdir()
        for number in range(self.sizes.files):
            (folder / f"file-{number:05}").write_bytes(self.block[number : number + SMALL_BYTES])
        return folder

    def home(self, target: Target) -> Path:
        """An empty home directory for a client of this server."""
        folder = self.folder / self.new_name(f"home-{target.name}")
        folder.mkdir()
        return folder

    def settle(self) -> None:
        """Lets the disk finish what earlier loads left to it, so that nobody pays for somebody else's writes."""
        if self.sizes.settles:
            os.sync()

    def warm(self, size_bytes: int) -> None:
        """Touches the memory that a large write will need as page cache, so that every server finds it alike.

        On a virtual machine the first touch of a page of memory may cost more than all that a server does with it.
        """
        path = self.folder / "warm"
        with path.open("wb") as file:
            for _ in range(size_bytes // BLOCK_BYTES):
                file.write(self.block)
        path.unlink()


def checked(target: Target, method: str, path: str, expected: int, body: bytes = b"") -> bytes:
    """The body of one request's answer. Raises `Invalid` where the status is another."""
    status, _, answer = target.ask(method, path, body)
    if status != expected:
        raise Invalid(f"{method} answered {status} instead of {expected}: {excerpt(answer)}")
    return answer


def excerpt(answer: bytes) -> str:
    """The begin of an answer, fit for a message."""
    text = answer[:200].decode(errors="replace")
    return text if text.isprintable() else repr(answer[:40])


def put_all(target: Target, paths: list[str], body: bytes) -> None:
    """Puts the same body under every path, over one connection. Raises `Invalid` at the first that is refused."""
    with closing(target.connect(timeout_s=30)) as connection:
        for path in target.sign("PUT", paths):
            connection.request("PUT", path, body=body)
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200:
                raise Invalid(f"PUT answered {response.status}: {excerpt(answer)}")
