"""What tests over the wire share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.capped import Capped, capped_server, lift_caps


@pytest.fixture(scope="module")
def server_with_caps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Capped]:
    """A server of the module's own, whose caps its tests set."""
    with capped_server(tmp_path_factory.mktemp("caps")) as running:
        yield running


@pytest.fixture
def capped(server_with_caps: Capped) -> Iterator[Capped]:
    """The same, with all caps lifted and nothing stored afterwards."""
    yield server_with_caps
    lift_caps(server_with_caps)
