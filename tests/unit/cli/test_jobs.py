"""`undercroft rewind` and `undercroft jobs`, on a data directory that no server has at the moment."""

from __future__ import annotations

import asyncio
import json
import subprocess
from datetime import UTC, datetime

import pytest
import typer

from harness.jobs import visible
from harness.server import COMMAND, clean_environment
from harness.stores import SetClock, open_bench
from undercroft.cli.jobs import moment
from undercroft.store.ambient import Ambient
from undercroft.store.dialect import S3
from undercroft.store.work.jobs.model import Empty

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def past(tmp_path):
    """A data directory whose bucket has changed since, and the moment and the files from before."""

    async def fill():
        clock = SetClock()
        clock.ms = Ambient().now_ms() - 3_600_000
        async with open_bench(tmp_path / "data", clock=clock) as bench:
            for name in ("dir/changed", "dir/hidden", "hidden"):
                await bench.put(name, b"old")
            then, looked = clock.ms, await visible(bench)
            clock.ms += 1000
            await bench.put("dir/changed", b"newer")
            await bench.put("dir/new")
            for name in ("dir/hidden", "hidden"):
                await bench.store.files.hide(bench.principal, bench.bucket, name, S3)
            return tmp_path, then, looked

    return asyncio.run(fill())


def run(folder, *arguments):
    done = subprocess.run(
        [COMMAND, *arguments, "--data", str(folder / "data")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=clean_environment(folder),
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


async def _now(folder):
    async with open_bench(folder / "data", new=False) as bench:
        accounts = await bench.store.identity.accounts.list()
        bench.principal = await bench.store.identity.accounts.operator(accounts[0].account_id)
        bench.bucket = await bench.store.buckets.find(name="bench-bucket")
        return await visible(bench)


def test_a_dry_run_says_what_a_rewind_then_does_and_the_second_does_nothing(past):
    folder, then, looked = past
    before = asyncio.run(_now(folder))
    code, out = run(folder, "rewind", "bench-bucket", "--to", str(then), "--dry-run", "--json")
    said = json.loads(out)
    assert (code, said["dryRun"], said["jobId"], said["to"]) == (0, True, None, then)
    assert asyncio.run(_now(folder)) == before
    code, out = run(folder, "rewind", "bench-bucket", "--to", str(then), "--json")
    done = json.loads(out)
    assert (code, done["state"], done["tally"]) == (0, "done", said["tally"])
    assert (done["tally"]["copied"], done["tally"]["copiedBytes"], done["tally"]["hidden"]) == (3, 9, 1)
    assert asyncio.run(_now(folder)) == looked
    code, out = run(folder, "rewind", "bench-bucket", "--to", str(then))
    assert code == 0
    assert "Brought back       0 (0 bytes)" in out


def test_a_folder_is_rewound_alone(past):
    folder, then, looked = past
    code, _ = run(folder, "rewind", "bench-bucket", "--to", str(then), "--prefix", "dir/")
    assert code == 0
    assert asyncio.run(_now(folder)) == {name: one for name, one in looked.items() if name != "hidden"}


def test_jobs_are_listed_shown_and_canceled(past):
    folder, then, _ = past
    assert run(folder, "jobs", "list") == (0, "There are no jobs.\n")

    async def begin():
        clock = SetClock()
        clock.ms = then + 2000
        async with open_bench(folder / "data", clock=clock, new=False) as bench:
            bucket = await bench.store.buckets.find(name="bench-bucket")
            principal = await bench.store.identity.accounts.operator(bucket.account_id)
            return await bench.store.jobs.begin(principal, bucket, Empty("x\x1b"))

    job = asyncio.run(begin())
    code, out = run(folder, "jobs", "show", job.job_id, "--json")
    shown = json.loads(out)
    assert (code, shown["state"], shown["remarks"]) == (0, "running", [])
    assert shown["parameters"] == {"kind": "empty", "prefix": "x\x1b"}
    code, out = run(folder, "jobs", "cancel", job.job_id)
    assert (code, "canceled" in out, "\x1b" in out) == (0, True, False)
    assert run(folder, "jobs", "cancel", job.job_id)[0] == 1
    run(folder, "rewind", "bench-bucket", "--to", str(then))
    code, out = run(folder, "jobs", "list", "--json")
    assert [(each["parameters"]["kind"], each["state"]) for each in json.loads(out)["jobs"]] == [
        ("rewind", "done"),
        ("empty", "canceled"),
    ]
    code, out = run(folder, "jobs", "list", "--account", "owner@example.com")
    assert (code, job.job_id in out) == (0, True)


def test_what_is_not_there_is_exit_code_1_and_what_is_no_time_2(past):
    folder, _, _ = past
    assert run(folder, "rewind", "no-such-bucket", "--to", "1h")[0] == 1
    assert run(folder, "rewind", "bench-bucket", "--to", "2999-01-01")[0] == 1
    assert run(folder, "rewind", "bench-bucket", "--to", "yesterday")[0] == 2
    assert run(folder, "rewind", "bench-bucket")[0] == 2
    assert run(folder, "jobs", "show", "nothing")[0] == 1
    assert run(folder, "jobs", "cancel", "nothing")[0] == 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("2026-11-30T11:00:00Z", datetime(2026, 11, 30, 11, tzinfo=UTC)),
        ("2026-11-30T13:00:00+02:00", datetime(2026, 11, 30, 11, tzinfo=UTC)),
        ("2026-11-30 11:00", datetime(2026, 11, 30, 11, tzinfo=UTC)),
        ("2026-11-30", datetime(2026, 11, 30, tzinfo=UTC)),
        ("90m", datetime(2026, 11, 30, 10, 30, tzinfo=UTC)),
        ("2d", datetime(2026, 11, 28, 12, tzinfo=UTC)),
    ],
)
def test_times_are_utc_unless_they_say_otherwise_or_so_long_ago(text, named):
    assert moment(text, NOW) == named.timestamp() * 1000


@pytest.mark.parametrize(("text", "milliseconds"), [("1796040000123", 1796040000123), ("999999999d", 0)])
def test_times_may_be_milliseconds(text, milliseconds):
    assert moment(text, NOW) == milliseconds


@pytest.mark.parametrize("text", ["", "soon", "12", "-5m", "1.5h", "2026-13-01", "٣h"])
def test_what_is_no_time_is_wrong_usage(text):
    with pytest.raises(typer.Exit) as raised:
        moment(text, NOW)
    assert raised.value.exit_code == 2
