"""`undercroft account caps`, `account alerts`, `usage` and `group`, on a data directory that no server has at the moment."""

from __future__ import annotations

import asyncio
import csv
import io
import json

import pytest

from harness.command import run_in_process
from harness.stores import SetClock, open_bench
from undercroft.store.accounting.model import DAY_MS, date_of
from undercroft.store.ambient import Ambient

OWNER = "owner@example.com"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data directory with an account that did something yesterday and today, and has been alerted."""
    found = tmp_path_factory.mktemp("usage")

    async def fill():
        clock = SetClock()
        clock.ms = Ambient().now_ms() - DAY_MS
        async with open_bench(found / "data", clock=clock) as bench:
            accounting, account_id = bench.store.accounting, bench.bucket.account_id
            await accounting.caps.change(account_id, {"class_c": 10})
            await bench.store.work.usage.sample_storage()
            for transactions in (5, 8):
                await bench.put("file", bytes(1000))
                await bench.get("file", 0, 300)
                accounting.charge(account_id, "b2_list_buckets", "C", transactions)
                key_id = bench.principal.key.key_id
                counted = accounting.charge(account_id, "PutObject", "A", 1, bench.bucket.bucket_id, key_id)
                accounting.answered(counted, 200)
                accounting.answered((account_id, "", "", "", ""), 403)
                await accounting.flush()
                await accounting.alerts.look()
                clock.ms += DAY_MS

    asyncio.run(fill())
    return found


def run(folder, *arguments):
    code, out, err = run_in_process(folder, *arguments)
    assert "Traceback" not in err, err
    return code, out, err


def days_of_the_fixture():
    today = Ambient().now_ms() // DAY_MS
    return "--from", date_of(today - 2).isoformat()  # It may be tomorrow by now.


def test_usage_reports_each_day_with_its_transactions_by_class_and_call(folder):
    code, out, err = run(folder, "usage", OWNER, *days_of_the_fixture(), "--json")
    assert code == 0, err
    [account] = json.loads(out)["accounts"]
    first, second = account["days"][:2]
    assert (first["transactions"], second["transactions"]) == ({"A": 1, "B": 0, "C": 5}, {"A": 1, "B": 0, "C": 8})
    assert {"call": "b2_list_buckets", "class": "C", "transactions": 8} in second["calls"]
    assert (first["downloadedBytes"], first["uploadedBytes"]) == (300, 1000)
    assert (first["storedBytes"], first["storedVersions"]) == (0, 0)
    assert first["byteHours"] == 0


def test_usage_comes_as_csv_and_as_a_table(folder):
    code, out, _ = run(folder, "usage", *days_of_the_fixture(), "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [(row["class_C"], row["downloaded"]) for row in rows[:2]] == [("5", "300"), ("8", "300")]
    code, out, _ = run(folder, "usage", *days_of_the_fixture())
    assert (code, "300" in out) == (0, True)


def test_usage_is_told_by_key_by_status_and_by_operation(folder):
    def told(option):
        code, out, err = run(folder, "usage", OWNER, *days_of_the_fixture(), option, "--json")
        assert code == 0, err
        return json.loads(out)["accounts"][0]["days"]

    of_key = [row for row in told("--by-key") if row["keyId"]]
    assert [row["transactions"] for row in of_key] == 2 * [{"A": 1, "B": 0, "C": 0}]
    assert [row["uploadedBytes"] for row in of_key] == [1000, 1000]
    assert [row["requests"]["succeeded"] for row in of_key] == [1, 1]
    assert [(row["call"], row["class"], row["status"], row["requests"]) for row in told("--by-status")] == 2 * [
        ("", "", 403, 1), ("PutObject", "A", 200, 1),
    ]  # fmt: skip
    assert [(row["call"], row["transactions"], row["requests"]["succeeded"]) for row in told("--by-operation")] == 2 * [
        ("PutObject", 1, 1)
    ]
    for option, column in (("--by-key", "uploaded"), ("--by-status", "requests"), ("--by-operation", "transactions")):
        code, out, _ = run(folder, "usage", *days_of_the_fixture(), option, "--csv")
        assert code == 0
        assert sum(int(row[column]) for row in csv.DictReader(io.StringIO(out))) > 0
        assert run(folder, "usage", *days_of_the_fixture(), option)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--from", "yesterday"), 2, "--from"),
        (("--by-key", "--by-bucket"), 2, "only one of"),
        (("--to", "2026-02-30"), 2, "--to"),
        (("--from", "2026-02-02", "--to", "2026-02-01"), 1, "days"),
        (("--from", "2020-01-01", "--to", "2026-02-01"), 1, "days"),
        (("nobody@example.com",), 1, "no account"),
    ],
)
def test_a_report_that_cannot_be_is_refused(folder, arguments, code, says):
    found, out, err = run(folder, "usage", *arguments)
    assert (found, out) == (code, "")
    assert says in err


def test_caps_are_set_one_by_one_shown_and_lifted(folder):
    code, out, err = run(folder, "account", "caps", OWNER, "--storage", "4000", "--class-b", "0", "--json")
    assert code == 0, err
    shown = json.loads(out)
    assert shown["caps"] == {"storage": 4000, "files": None, "download": None, "classB": 0, "classC": 10}
    assert shown["used"]["storage"] == 2000
    table = run(folder, "account", "caps", OWNER)[1]
    assert "50 %" in table
    assert "transactions a day" in table
    code, out, _ = run(folder, "account", "caps", OWNER, "--storage", "none", "--class-b", "none", "--json")
    assert json.loads(out)["caps"] == {"storage": None, "files": None, "download": None, "classB": None, "classC": 10}


@pytest.mark.parametrize("value", ["-1", "1.5", "lots", "", "9" * 30, "\u0663"])
def test_a_cap_that_is_no_number_is_wrong_usage(folder, value):
    code, out, err = run(folder, "account", "caps", OWNER, f"--storage={value}")
    assert (code, out) == (2, "")
    assert err


def test_a_cap_beyond_all_bounds_is_refused(folder):
    assert run(folder, "account", "caps", OWNER, f"--storage={2**62 + 1}")[0] == 1


def test_alerts_are_listed_newest_first(folder):
    code, out, _ = run(folder, "account", "alerts", OWNER, "--json")
    assert code == 0
    [alert] = json.loads(out)["alerts"]
    assert (alert["category"], alert["percent"], alert["used"], alert["cap"]) == ("classC", 75, 8, 10)
    assert "class c" in run(folder, "account", "alerts")[1]
    assert run(folder, "account", "alerts", "nobody@example.com")[0] == 1


def test_groups_are_made_listed_and_deleted(folder):
    code, out, err = run(folder, "group", "create", "customers", "--admin", OWNER, "--json")
    assert code == 0, err
    group = json.loads(out)["groupId"]
    assert "customers" in run(folder, "group", "list")[1]
    assert run(folder, "group", "members", group)[1] == "The group has no members.\n"
    assert json.loads(run(folder, "group", "members", group, "--json")[1]) == {"groupMembers": []}
    assert "customers" in run(folder, "group", "delete", group)[1]
    assert run(folder, "group", "list")[1] == "There is no group.\n"
    for refused in (("delete", group), ("members", group), ("create", "x", "--admin", "nobody@example.com")):
        assert run(folder, "group", *refused)[0] == 1


def test_caps_of_a_bucket_are_shown_set_and_lifted_one_by_one_and_written_down(folder):
    bucket = _bucket_of(folder)
    code, out, err = run(folder, "bucket", "caps", bucket, "--size", "8000", "--json")
    assert code == 0, err
    shown = json.loads(out)
    assert (shown["bucketName"], shown["caps"]["size"], shown["caps"]["files"]) == (bucket, 8000, None)
    assert shown["used"] == {"size": 2000, "files": 1, "requests": 1, "download": 300, "upload": 1000}
    assert shown["caps"].keys() == shown["used"].keys()
    caps = json.loads(run(folder, "bucket", "caps", bucket, "--files=5", "--json")[1])["caps"]
    assert (caps["size"], caps["files"]) == (8000, 5)
    table = run(folder, "bucket", "caps", bucket)[1]
    assert "25 %" in table
    assert "20 %" in table
    assert json.loads(run(folder, "bucket", "caps", bucket, "--size", "none", "--json")[1])["caps"]["size"] is None
    for value in ("-1", "1.5", "much"):
        assert run(folder, "bucket", "caps", bucket, f"--size={value}")[0] == 2
    assert run(folder, "bucket", "caps", "no-such-bucket")[0] == 1
    caps = json.loads(run(folder, "bucket", "caps", bucket, "--json")[1])["caps"]
    assert (caps["size"], caps["files"]) == (None, 5)


def test_caps_by_the_day_and_soft_limits_are_shown_set_and_lifted_one_by_one(folder):
    bucket = _bucket_of(folder)
    key_id = json.loads(run(folder, "key", "create", "--account", OWNER, "--name", "laptop", "--json")[1])["keyId"]
    for command in (("bucket", "caps", bucket), ("key", "caps", key_id, "--account", OWNER)):
        code, out, err = run(folder, *command, "--requests=100", "--soft=requests=50", "--soft=upload=4000", "--json")
        assert code == 0, err
        shown = json.loads(out)
        assert (shown["caps"]["requests"], shown["soft"]["requests"], shown["soft"]["upload"]) == (100, 50, 4000)
        shown = json.loads(run(folder, *command, "--download=9", "--soft=upload=none", "--json")[1])
        assert (shown["caps"]["requests"], shown["caps"]["download"]) == (100, 9)
        assert (shown["soft"]["requests"], shown["soft"]["upload"]) == (50, None)
        assert "requests a day" in run(folder, *command)[1]
        for wrong in ("--requests=much", "--soft=requests", "--soft=class-b=1", "--soft=files-1", "--upload=-1"):
            assert run(folder, *command, wrong)[0] == 2, wrong
    assert "25 %" in run(folder, "bucket", "caps", bucket, "--soft=size=8000", "--size=none")[1], "of the soft limit"
    account = json.loads(run(folder, "account", "caps", OWNER, "--soft=class-b=7", "--json")[1])
    assert (account["soft"]["classB"], account["caps"]["classB"]) == (7, None)
    assert account["used"]["classB"] is not None
    assert run(folder, "key", "caps", "0" * 25, "--account", OWNER)[0] == 1


def _bucket_of(folder):
    async def name():
        async with open_bench(folder / "data", new=False) as bench:
            account = await bench.store.identity.accounts.find(OWNER)
            principal = await bench.store.identity.accounts.operator(account.account_id)
            return (await bench.store.buckets.list(principal))[0].name

    return asyncio.run(name())
