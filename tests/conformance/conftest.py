"""The server that the checklist is checked against: the real program, with the test hooks that some lines ask for.

One test a line of the checklist (reference, chapter 24), named by its number. A line that wants what is not built yet is
marked so, strictly: whoever builds it removes the mark.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.native_fixtures import b2, bucket, public_bucket, second_account
from harness.server import Server

__all__ = ["b2", "bucket", "public_bucket", "second_account"]  # Fixtures are found by their names in this module.


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the whole checklist; its two workers answer as one would."""
    options = ("--workers", "2", "--test-hooks")
    running = Server(tmp_path_factory.mktemp("conformance") / "data", options=options).start()
    yield running
    running.stop()
    assert not running.faults(), running.faults()
