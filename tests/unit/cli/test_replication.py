"""`undercroft replication`, on a data directory that no server has at the moment."""

from __future__ import annotations

import asyncio
import json
import subprocess

import pytest

from harness.replication import READING, pair_of, rule, run, set_rules, statuses
from harness.server import COMMAND, clean_environment
from harness.stores import SetClock, open_bench
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.lock import LockChange
from undercroft.store.model import NewFile

HOUR_MS = 3_600_000


@pytest.fixture
def folder(tmp_path):
    """A data directory with a file that failed, one that waits under a rule that is paused, and one that is done."""

    async def fill():
        clock = SetClock()
        clock.ms = Ambient().now_ms() - HOUR_MS
        async with open_bench(tmp_path / "data", clock=clock) as bench:
            bench.bucket = await bench.store.buckets.update(
                bench.principal, bench.bucket.bucket_id, lock=LockChange(enabled=True)
            )
            pair = await pair_of(bench, reading=READING)
            in_use = rule(pair.destination, file_name_prefix="a")
            paused = rule(pair.destination, "paused", priority=1, file_name_prefix="b")
            await set_rules(bench, pair, in_use, paused)
            await bench.put("a-done")
            await bench.put("a-held\x1b[31m", new=NewFile("a/b", legal_hold=True))
            await bench.put("b-waits")
            await set_rules(bench, pair, in_use, rule(pair.destination, "paused", priority=1, is_enabled=False))
            await run(bench)

    asyncio.run(fill())
    return tmp_path


def command(folder, *arguments):
    done = subprocess.run(
        [COMMAND, "replication", *arguments, "--data", str(folder / "data")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=clean_environment(folder),
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


async def _statuses(folder):
    async with open_bench(folder / "data", new=False) as bench:
        accounts = await bench.store.identity.accounts.list()
        bench.principal = await bench.store.identity.accounts.operator(accounts[0].account_id)
        return dict(await statuses(bench, await bench.store.buckets.find(name="bench-bucket")))


def test_status_counts_what_waits_and_failed_and_tells_why(folder):
    code, out = command(folder, "status", "bench-bucket", "--json")
    said = json.loads(out)
    assert code == 0
    assert said["bucketName"] == "bench-bucket"
    rules = {one.pop("replicationRuleName"): one for one in said["rules"]}
    assert {name: (one["isEnabled"], one["pending"], one["failed"]) for name, one in rules.items()} == {
        "rule-1": (True, 0, 1),
        "paused": (False, 1, 0),
    }
    assert rules["paused"]["lagSeconds"] == pytest.approx(HOUR_MS / 1000, abs=600)
    [failure] = said["failures"]
    assert (failure["fileName"], failure["replicationRuleName"]) == ("a-held\x1b[31m", "rule-1")
    assert "no Object Lock" in failure["reason"]
    assert said["failuresComplete"] is True


def test_status_is_a_table_for_people_without_escape_sequences(folder):
    code, out = command(folder, "status", "bench-bucket")
    assert code == 0
    assert "paused" in out
    assert "Object" in out
    assert "\x1b[31m" not in out


def test_status_of_a_bucket_that_is_not_replicated_says_so(folder):
    assert command(folder, "status", "destination-bucket") == (0, "The bucket is not replicated.\n")
    assert json.loads(command(folder, "status", "destination-bucket", "--json")[1])["rules"] == []


def test_retry_lets_what_failed_wait_again(folder):
    assert asyncio.run(_statuses(folder))["a-held\x1b[31m"] == "FAILED"
    assert json.loads(command(folder, "retry", "bench-bucket", "--rule", "paused", "--json")[1])["retried"] == 0
    assert json.loads(command(folder, "retry", "bench-bucket", "--json")[1])["retried"] == 1
    assert asyncio.run(_statuses(folder)) == {"a-done": "COMPLETED", "a-held\x1b[31m": "PENDING", "b-waits": "PENDING"}


def test_a_bucket_that_is_not_there_is_an_error(folder):
    for verb in ("status", "retry"):
        assert command(folder, verb, "no-such-bucket")[0] == 1
