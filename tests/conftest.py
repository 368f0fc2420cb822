"""Fixtures that every kind of test shares: servers, buckets, certificates."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from harness.certificates import Certificates, make_certificates
from harness.server import Server

# How long an example takes says how busy the machine is; what must be quick, `make bench` measures.
hypothesis.settings.register_profile("undercroft", deadline=None)
hypothesis.settings.load_profile("undercroft")

FULL_SIZE = os.environ.get("UNDERCROFT_TEST_SIZE") == "full"  # `make test-full` sets it.


@pytest.fixture(scope="session")
def full_size() -> bool:
    """Whether what takes long runs at its full size."""
    return FULL_SIZE


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A test authority and a certificate for the loopback address and the S3 names under localhost."""
    folder = tmp_path_factory.mktemp("certificates")
    return make_certificates(folder, "*.s3.us-west-000.localhost", "s3.us-west-000.localhost")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of this process that do not harm it. Buckets keep them apart."""
    running = Server(tmp_path_factory.mktemp("server") / "data").start()
    yield running
    running.stop()
    assert not running.faults(), running.faults()


@pytest.fixture(scope="session")
def tls_server(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Server]:
    """The same under TLS, with a certificate that the test authority signed."""
    running = Server(
        tmp_path_factory.mktemp("tls-server") / "data",
        options=("--tls-cert", str(certificates.cert_file), "--tls-key", str(certificates.key_file)),
        ca_file=certificates.ca_file,
    ).start()
    yield running
    running.stop()
    assert not running.faults(), running.faults()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers with data directories of their own (not started yet) and kills what still runs at the end.

    Arguments are options of `undercroft serve`; keyword arguments are those of `Server`.
    """
    made: list[Server] = []

    def make(*options: str, **settings: Any) -> Server:
        settings.setdefault("data_dir", tmp_path / f"server{len(made)}" / "data")
        settings["data_dir"].parent.mkdir(parents=True, exist_ok=True)
        made.append(Server(options=options, **settings))
        return made[-1]

    yield make
    for one in made:
        if one.is_started:
            one.kill()


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def new_name() -> Callable[[str], str]:
    """Names of buckets, keys and accounts that no other test of this process uses.

    A fixture of a module needs them too: tests that are shared out between processes may set a module up several times.
    """

    def make(stem: str = "bucket") -> str:
        return f"{stem}-{os.getpid()}-{next(_numbers)}"

    return make


@pytest.fixture(scope="session")
def new_email(new_name: Callable[[str], str]) -> Callable[[str], str]:
    """E-mail addresses that no other account of this process has, at a test's second try neither."""
    return lambda stem: f"{new_name(stem)}@example.com"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home directory for clients."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder
