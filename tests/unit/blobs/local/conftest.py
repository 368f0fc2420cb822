"""Local blobs on a disk that can be told to fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.faulty_disk import FaultyDisk
from undercroft.blobs.local import LocalBlobs


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def fatal() -> list[Exception]:
    """The errors for which the server would have stopped."""
    return []


@pytest.fixture
def running(
    disk: FaultyDisk, root: Path, fatal: list[Exception]
) -> Callable[..., AbstractAsyncContextManager[LocalBlobs]]:
    """Makes a driver for the time of a `with`; keyword arguments are those of `LocalBlobs`."""

    @asynccontextmanager
    async def run(**options: Any) -> AsyncIterator[LocalBlobs]:
        blobs = LocalBlobs(root, on_fatal=fatal.append, disk=disk, **options)
        disk.calls.clear()
        try:
            yield blobs
        finally:
            await blobs.close()

    return run


@pytest.fixture
def files(root: Path) -> Callable[[], list[Path]]:
    """The blob files that there are."""
    return lambda: sorted(path for path in root.rglob("*") if path.is_file())
