"""The operator's commands, as a shell runs them."""

from __future__ import annotations

import functools
import json
import subprocess
import sys

import pytest

from harness.command import run_in_process
from undercroft import __version__

PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a command on one data directory; gives back exit code, output and errors."""
    folder = tmp_path_factory.mktemp("cli")

    return functools.partial(run_in_process, folder)


@pytest.fixture(scope="module")
def account(run):
    """An account made by the command."""
    code, out, err = run(
        "account", "create", "--email", "one@example.com", "--password-stdin", "--json", stdin=PASSWORD
    )
    assert code == 0, err
    return json.loads(out)


def test_version_is_printed(run):
    assert run("--version", data=False) == (0, f"undercroft {__version__}\n", "")


def test_the_package_itself_runs_as_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "undercroft", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"undercroft {__version__}\n", "")


def test_account_create_prints_one_object_with_the_first_key(account):
    assert set(account) == {
        "accountId", "email", "masterApplicationKey", "keyId", "applicationKey", "s3Endpoint", "apiUrl", "region",
    }  # fmt: skip
    assert account["s3Endpoint"] == account["apiUrl"] == "http://127.0.0.1:8620"


def test_account_list_and_show_name_no_secret(run, account):
    code, out, _ = run("account", "list", "--json")
    assert code == 0
    assert [each["accountId"] for each in json.loads(out)["accounts"]] == [account["accountId"]]
    for which in (account["accountId"], "ONE@example.com"):
        code, out, _ = run("account", "show", which, "--json")
        assert (code, json.loads(out)["email"]) == (0, "one@example.com")
        assert account["applicationKey"] not in out
    assert "one@example.com" in run("account", "list")[1]
    assert "one@example.com" in run("account", "show", account["accountId"])[1]


def test_account_suspend_and_resume(run, account):
    assert json.loads(run("account", "suspend", account["accountId"], "--json")[1])["suspended"] is True
    assert json.loads(run("account", "resume", account["accountId"], "--json")[1])["suspended"] is False


def test_account_operators_are_made_and_unmade(run, account):
    assert account["accountId"]
    assert json.loads(run("account", "revoke-operator", account["accountId"], "--json")[1])["operator"] is False
    assert json.loads(run("account", "grant-operator", account["accountId"], "--json")[1])["operator"] is True


def test_account_reset_second_factor_names_the_account(run, account):
    found = json.loads(run("account", "reset-second-factor", account["accountId"], "--json")[1])
    assert found["accountId"] == account["accountId"]


def test_account_reset_password_reads_it_from_standard_input(run, account):
    code, out, _ = run(
        "account", "reset-password", account["accountId"], "--password-stdin", stdin="another good one\n"
    )
    assert code == 0
    assert "another good one" not in out


def test_account_delete_removes_it(run):
    made = json.loads(
        run("account", "create", "--email", "gone@example.com", "--password-stdin", "--json", stdin=PASSWORD)[1]
    )
    assert run("account", "delete", made["accountId"])[0] == 0
    assert run("account", "show", made["accountId"])[0] == 1


def test_key_create_list_delete(run, account):
    code, out, err = run(
        "key", "create", "--account", account["accountId"], "--name", "reader", "--capability", "listFiles",
        "--capability", "readFiles", "--prefix", "a/", "--valid-seconds", "3600", "--json",
    )  # fmt: skip
    assert code == 0, err
    key = json.loads(out)
    assert (key["capabilities"], key["namePrefix"]) == (["listFiles", "readFiles"], "a/")
    code, out, _ = run("key", "list", "--account", "one@example.com", "--json")
    listed = json.loads(out)["keys"]
    assert key["keyId"] in [each["keyId"] for each in listed]
    assert key["applicationKey"] not in out
    _, out, _ = run("key", "rotate", key["keyId"], "--account", "one@example.com", "--retire-after", "60", "--json")
    twin = json.loads(out)
    assert [twin[each] for each in ("keyName", "capabilities", "namePrefix")] == ["reader", key["capabilities"], "a/"]
    assert twin["applicationKey"] != key["applicationKey"]
    assert run("key", "delete", key["keyId"], "--account", account["accountId"])[0] == 0
    assert key["keyId"] not in run("key", "list", "--account", "one@example.com")[1]
    assert run("key", "delete", key["keyId"], "--account", account["accountId"])[0] == 1
    _, out, _ = run("key", "regenerate-master", "--account", "one@example.com", "--json")
    master = json.loads(out)
    assert master["keyId"] == account["accountId"]
    assert master["applicationKey"] != account["masterApplicationKey"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("account", "show", "nobody@example.com"),
        ("account", "delete", "000000000000"),
        ("account", "lift-trial", "one@example.com"),
        ("key", "list", "--account", "nobody@example.com"),
        ("key", "create", "--account", "one@example.com", "--name", "k", "--capability", "flyToTheMoon"),
        ("key", "create", "--account", "one@example.com", "--name", "k", "--bucket", "no-such-bucket"),
    ],
)
def test_what_the_store_refuses_is_exit_code_1_with_a_message(run, account, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("undercroft: ")
    assert "Traceback" not in err


def test_an_email_that_is_taken_is_refused(run, account):
    code, _, err = run("account", "create", "--email", "one@example.com", "--password-stdin", stdin=PASSWORD)
    assert (code, "already has an account" in err) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("account", "create", "--password-stdin"),
        ("account", "show"),
        ("key", "list"),
        ("key", "create", "--account", "x", "--name", "k", "--valid-seconds", "0"),
        ("serve", "--workers", "none"),
        ("serve", "--listen", "nowhere"),
        ("serve", "--catalog", "postgres://db"),
        ("serve", "--config", "/nowhere.toml"),
        ("serve", "--surprise"),
        ("surprise",),
    ],
)
def test_wrong_usage_is_exit_code_2(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err
    assert "Traceback" not in err


def test_a_bad_variable_is_wrong_usage_too(run):
    code, _, err = run("serve", UNDERCROFT_REGION="Not A Region")
    assert (code, err.startswith("undercroft: UNDERCROFT_REGION: ")) == (2, True)


@pytest.mark.parametrize("stdin", ["", "short", "x" * 5000, "\udcff" * 20])
def test_a_password_that_cannot_be_used_is_refused_and_not_repeated(run, stdin):
    code, out, err = run(
        "account", "create", "--email", "two@example.com", "--password-stdin",
        stdin=stdin,
    )  # fmt: skip
    assert code in {1, 2}
    assert (out, "Traceback" in err) == ("", False)
    assert not stdin or stdin not in err


def test_without_a_terminal_a_password_must_come_from_standard_input(run):
    code, _, err = run("account", "create", "--email", "two@example.com", stdin=PASSWORD)
    assert (code, "--password-stdin" in err) == (2, True)


def test_no_command_takes_a_secret_as_an_option(run):
    code, _, err = run("account", "create", "--email", "two@example.com", "--password", "x")
    assert (code, "--password" in err) == (2, True)


def test_a_data_directory_that_cannot_be_is_exit_code_1(run, tmp_path):
    (tmp_path / "file").touch()
    code, _, err = run("account", "list", "--data", str(tmp_path / "file" / "data"), data=False)
    assert (code, err.startswith("undercroft: --data: ")) == (1, True)
