"""`undercroft account alert-recipients`: who is told of an account's alerts, as an operator sees and changes it."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from harness.command import run_in_process
from undercroft.catalog.sqlite import opened

OWNER = "one@example.com"


@pytest.fixture
def run(tmp_path):
    def run(*words, code=0, **options):
        found, out, err = run_in_process(tmp_path, *words, **options)
        assert found == code, err
        return out if code == 0 else err

    run("account", "create", "--email", OWNER, "--password-stdin", stdin="a long enough password")
    return run


def recipients(run, *words, **options):
    return json.loads(run("account", "alert-recipients", OWNER, *words, "--json", **options))


def test_recipients_are_shown_and_changed_and_the_log_has_it(run, tmp_path):
    before = recipients(run)
    assert (before["tellsOwner"], before["addresses"], before["hasWebhook"]) == (True, [], False)
    changed = recipients(run, "--add", "B@example.com", "--add", "a@example.com", "--no-owner")
    assert changed["tellsOwner"] is False
    assert changed["addresses"] == [{"email": one, "confirmed": True} for one in ("a@example.com", "b@example.com")]
    assert recipients(run, "--remove", "a@example.com")["addresses"] == [{"email": "b@example.com", "confirmed": True}]
    assert recipients(run, "--owner", "--no-webhook")["tellsOwner"] is True
    shown = run("account", "alert-recipients", OWNER)
    assert [line.split()[:2] for line in shown.splitlines()[:2]] == [[OWNER, "told"], ["b@example.com", "told"]]
    [catalog] = tmp_path.rglob("catalog.db")
    with closing(opened(catalog)) as connection:
        told = connection.execute("SELECT details FROM audit WHERE action = 'Change alerts' ORDER BY at_ms, entry")
        first = json.loads(next(iter(told))[0])
    assert first == {"mail to the account's address": ["yes", "no"], "mail to": ["", "a@example.com, b@example.com"]}


def test_what_is_no_address_or_no_account_is_refused_and_changes_nothing(run):
    assert "e-mail" in run("account", "alert-recipients", OWNER, "--add", "nobody", code=1)
    six = [word for number in range(6) for word in ("--add", f"n{number}@example.com")]
    assert "At most 5" in run("account", "alert-recipients", OWNER, *six, code=1)
    run("account", "alert-recipients", "nobody@example.com", code=1)
    assert recipients(run)["addresses"] == []
