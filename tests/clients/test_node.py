"""The npm package `backblaze-b2`, which speaks HTTPS to the service alone: a small program beside this file, under TLS."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.builds import built_once, run_build, run_scenario
from harness.client_calls import NODE, asked
from harness.server import Server, clean_environment

PROJECT = Path(__file__).with_name("node")
INSTALL = ("npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")


def _install(folder: Path) -> None:
    for file in PROJECT.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    run_build(INSTALL, folder)


@pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="Node is not installed")
@pytest.mark.timeout(900)
def test_backblaze_b2_makes_every_call_it_has(
    tls_server: Server, new_name: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory, home: Path
) -> None:
    folder = built_once(tmp_path_factory, "node", _install)
    environment = {
        **clean_environment(home),
        "KEY_ID": tls_server.key_id,
        "APPLICATION_KEY": tls_server.application_key,
        "NODE_EXTRA_CA_CERTS": str(tls_server.ca_file),
    }
    with asked(tls_server, NODE):
        run_scenario(["node", folder / "scenario.mjs", tls_server.api_url, new_name("word")], environment, home)
