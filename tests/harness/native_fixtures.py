"""Fixtures of the native face: a session of a key on `server`, and buckets. A conftest imports those that its tests want."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.native_session import Session, discard
from harness.server import Server, run_command


@pytest.fixture(scope="session")
def b2(server: Server) -> Session:
    """A session of a key with every capability."""
    return Session(server.api_url, server.key_id, server.application_key)


@pytest.fixture(scope="session")
def second_account(server: Server, b2: Session, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A session of a key with every capability of another account."""
    made = run_command(
        "account", "create", "--data", str(server.data_dir), "--email", "second@example.com", "--password-stdin",
        stdin="a long enough password\n", home=tmp_path_factory.mktemp("home"),
    )  # fmt: skip
    return Session(server.api_url, made["keyId"], made["applicationKey"])


@pytest.fixture
def bucket(b2: Session, new_name: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    """A fresh private bucket, emptied and deleted afterwards so that the account never reaches its number of buckets."""
    made = b2.create_bucket(new_name("native"))
    yield made
    discard(b2, made["bucketId"])


@pytest.fixture
def public_bucket(b2: Session, new_name: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    """A fresh public bucket."""
    made = b2.create_bucket(new_name("public"), "allPublic")
    yield made
    discard(b2, made["bucketId"])
