"""`undercroft keyring`, on a data directory that no server has at the moment."""

from __future__ import annotations

import asyncio
import json
import subprocess

import pytest

from harness.server import COMMAND, clean_environment
from harness.stores import open_bench
from undercroft.store.model import SSE_B2, NewFile


@pytest.fixture
def folder(tmp_path):
    async def fill():
        async with open_bench(tmp_path / "data") as bench:
            await bench.put("n", b"x", new=NewFile("t/t", encryption=SSE_B2))

    asyncio.run(fill())
    return tmp_path


def run(folder, *arguments, **environment):
    done = subprocess.run(
        [COMMAND, "keyring", *arguments, "--data", str(folder / "data")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**clean_environment(folder), **environment},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def test_the_key_is_shown_by_what_tells_it_apart_and_changed(folder):
    secret = (folder / "data" / "master.key").read_text().strip()
    code, shown, _ = run(folder, "show", "--json")
    assert code == 0
    before = json.loads(shown)
    code, said, _ = run(folder, "rotate", "--json")
    assert code == 0
    rotated = json.loads(said)
    assert rotated == {
        "keyId": rotated["keyId"],
        "signingKeys": 0,
        "applicationKeys": 2,
        "dataKeys": 1,
        "notificationTargets": 0,
        "replicationTargets": 0,
        "secondFactors": 0,
        "alertWebhooks": 0,
    }
    assert rotated["keyId"] != before["keyId"]
    assert json.loads(run(folder, "show", "--json")[1]) == {"keyId": rotated["keyId"], "olderKeyIds": []}
    code, lines, _ = run(folder, "rotate")
    assert code == 0
    assert "Data keys" in lines
    assert secret not in shown + said + lines


def test_a_key_that_the_command_cannot_change_is_said_to_be_so(folder):
    secret = (folder / "data" / "master.key").read_text().strip()
    code, _, said = run(folder, "rotate", UNDERCROFT_MASTER_KEY=secret)
    assert code == 1
    assert "comes from a variable" in said
    assert secret not in said


def test_a_wrong_key_is_refused_in_one_line(folder):
    (folder / "data" / "master.key").write_text("A" * 43 + "=\n")
    code, _, said = run(folder, "show")
    assert code == 1
    assert said.count("\n") == 1
    assert "does not open" in said
