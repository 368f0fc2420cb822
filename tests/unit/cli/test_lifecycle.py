"""`undercroft lifecycle`, on a data directory that no server has at the moment."""

from __future__ import annotations

import asyncio
import json
import subprocess

import pytest

from harness.lifecycle import DAY_MS, days, set_rules, versions_of
from harness.server import COMMAND, clean_environment
from harness.stores import SetClock, open_bench
from undercroft.store.ambient import Ambient
from undercroft.store.dialect import S3
from undercroft.store.model import NewFile


@pytest.fixture
def folder(tmp_path):
    """A data directory whose bucket has something due for every rule, and something that is not."""

    async def fill():
        clock = SetClock()
        clock.ms = Ambient().now_ms() - 10 * DAY_MS
        async with open_bench(tmp_path / "data", clock=clock) as bench:
            await set_rules(bench, days(hide=5, delete=3, cancel=2))
            await bench.put("hidden", b"12345")
            await bench.store.files.hide(bench.principal, bench.bucket, "hidden", S3)
            await bench.put("old")
            await bench.store.files.start_large_file(bench.principal, bench.bucket, "large", NewFile("a/b"))
            clock.ms = Ambient().now_ms()
            await bench.put("new\x1b[31m")

    asyncio.run(fill())
    return tmp_path


def run(folder, *arguments):
    done = subprocess.run(
        [COMMAND, "lifecycle", *arguments, "--data", str(folder / "data")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=clean_environment(folder),
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


async def _left(folder):
    async with open_bench(folder / "data", new=False) as bench:
        accounts = await bench.store.identity.accounts.list()
        bench.principal = await bench.store.identity.accounts.operator(accounts[0].account_id)
        bench.bucket = await bench.store.buckets.find(name="bench-bucket")
        return [(one.name, one.action.name) for one in await versions_of(bench)]


def test_a_dry_run_says_what_a_run_then_does(folder):
    before = asyncio.run(_left(folder))
    code, out = run(folder, "--dry-run", "bench-bucket", "--json")
    said = json.loads(out)
    assert code == 0
    assert asyncio.run(_left(folder)) == before
    code, out = run(folder, "bench-bucket", "--json")
    done = json.loads(out)
    assert code == 0
    assert said == {**done, "dryRun": True}
    assert {**done, "versions": [(each["change"], each["fileName"]) for each in done["versions"]]} == {
        "bucketName": "bench-bucket",
        "bucketId": done["bucketId"],
        "dryRun": False,
        "lookedAt": 5,
        "hidden": 1,
        "deleted": 1,
        "deletedBytes": 5,
        "hideMarkersDeleted": 1,
        "canceled": 1,
        "locked": 0,
        "versions": [("delete", "hidden"), ("deleteHideMarker", "hidden"), ("cancel", "large"), ("hide", "old")],
        "versionsComplete": True,
    }
    assert asyncio.run(_left(folder)) == [("new\x1b[31m", "UPLOAD"), ("old", "HIDE"), ("old", "UPLOAD")]


def test_people_get_a_table_and_sums(folder):
    code, out = run(folder, "--dry-run", "bench-bucket")
    assert code == 0
    assert "Would be deleted" in out
    assert "deleteHideMarker" in out
    code, out = run(folder, "bench-bucket")
    assert (code, "Deleted" in out) == (0, True)
    code, out = run(folder, "bench-bucket")
    assert out.startswith("Nothing is due.")


def test_a_bucket_that_is_not_there_is_exit_code_1(folder):
    assert run(folder, "no-such-bucket") == (1, "")


def test_no_bucket_is_wrong_usage(folder):
    assert run(folder)[0] == 2
