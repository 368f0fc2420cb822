"""The parties of an attack: an owner with something to lose, a stranger with an account of their own, and the owner's world."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from harness.hostile import Client
from harness.server import Server
from harness.world import World, build_world

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for attacks alone, so that what they leave behind is in nobody's way.

    After all of them it must have logged no failure of its own, and no secret (P8).
    """
    running = Server(tmp_path_factory.mktemp("attacked") / "data").start()
    yield running
    running.stop()
    assert not running.faults(), running.faults()
    log = running.log_file.read_text(errors="replace")
    for secret in (running.application_key, running.master_application_key, running.announcement["password"]):
        assert secret not in log


@pytest.fixture(scope="session")
def owner(server: Server) -> Client:
    """A key with every capability."""
    return Client(server, server.key_id, server.application_key)


@pytest.fixture(scope="session")
def nobody(server: Server) -> Client:
    """Whoever has no key; only `send` is of use."""
    return Client(server, "", "")


@pytest.fixture(scope="session")
def stranger(server: Server) -> Client:
    """A key with every capability of another account."""
    made = server.create_account(f"stranger{os.getpid()}@example.com")
    return Client(server, made["keyId"], made["applicationKey"])


@pytest.fixture(scope="session")
def make_bucket(owner: Client) -> Callable[..., tuple[str, str]]:
    """Makes buckets of the owner's: name and id."""

    def make(bucket_type: str = "allPrivate", *, of: Client = owner) -> tuple[str, str]:
        name = f"security-{os.getpid()}-{next(_numbers)}"
        made = of.ok("b2_create_bucket", accountId=of.account_id, bucketName=name, bucketType=bucket_type)
        return name, made["bucketId"]

    return make


@pytest.fixture(scope="session")
def make_world(owner: Client, make_bucket: Callable[..., tuple[str, str]]) -> Callable[..., World]:
    """Makes worlds."""

    def make(bucket_type: str = "allPrivate") -> World:
        return build_world(owner, *make_bucket(bucket_type))

    return make


@pytest.fixture(scope="module")
def world(make_world: Callable[..., World]) -> World:
    """A private bucket that no test of the module may change."""
    return make_world()
