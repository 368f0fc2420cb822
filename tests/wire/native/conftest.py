"""A session of the session's server, and buckets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.native_fixtures import b2, bucket, public_bucket, second_account
from harness.native_session import Session
from harness.server import Server

__all__ = ["b2", "bucket", "public_bucket", "second_account"]  # Fixtures are found by their names in this module.


@pytest.fixture
def one_worker(make_server: Callable[..., Server], new_name: Callable[[str], str]) -> tuple[Session, dict[str, Any]]:
    """A session and a bucket of a server with a single worker, where what a process remembers is what all know."""
    running = make_server("--workers", "1").start()
    session = Session(running.api_url, running.key_id, running.application_key)
    return session, session.create_bucket(new_name("single"))
