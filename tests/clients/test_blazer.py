"""Blazer, Backblaze's package for Go: a small program beside this file, under TLS."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.builds import built_once, run_build, run_scenario
from harness.client_calls import BLAZER, asked
from harness.server import Server, clean_environment

PROJECT = Path(__file__).with_name("go")


def _build(folder: Path) -> None:
    run_build(["go", "build", "-o", folder / "scenario", "."], PROJECT)


@pytest.mark.skipif(not shutil.which("go"), reason="Go is not installed")
@pytest.mark.timeout(900)
def test_blazer_makes_every_call_it_has(
    tls_server: Server, new_name: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory, home: Path
) -> None:
    program = built_once(tmp_path_factory, "blazer", _build) / "scenario"
    environment = {
        **clean_environment(home),
        "KEY_ID": tls_server.key_id,
        "APPLICATION_KEY": tls_server.application_key,
        "SSL_CERT_FILE": str(tls_server.ca_file),
    }
    with asked(tls_server, BLAZER):
        run_scenario([program, tls_server.api_url, new_name("word")], environment, home)
