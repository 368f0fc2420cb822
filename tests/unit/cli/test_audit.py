"""What operators do to accounts by command is in the account's audit log."""

from __future__ import annotations

import json
from contextlib import closing

from harness.command import run_in_process
from undercroft.catalog.sqlite import opened


def test_commands_about_keys_and_caps_say_what_they_changed_and_no_secret(tmp_path):
    def run(*words, **options):
        code, out, err = run_in_process(tmp_path, *words, "--json", **options)
        assert code == 0, err
        return json.loads(out)

    run("account", "create", "--email", "one@example.com", "--password-stdin", stdin="a long enough password")
    of_account = ("--account", "one@example.com")
    key = run("key", "create", *of_account, "--name", "told", "--capability", "listFiles", "--prefix", "a/")
    twin = run("key", "rotate", key["keyId"], *of_account, "--retire-after", "60")
    run("key", "delete", key["keyId"], *of_account)
    master = run("key", "regenerate-master", *of_account)
    run("account", "caps", "one@example.com", "--storage", "1000", "--class-b", "5")
    run("account", "caps", "one@example.com", "--storage", "none")
    run("account", "caps", "one@example.com")
    run("account", "caps", "one@example.com", "--soft", "files=9")
    run("key", "caps", twin["keyId"], *of_account, "--requests", "10", "--soft", "upload=500")
    [catalog] = tmp_path.rglob("catalog.db")
    with closing(opened(catalog)) as connection:
        rows = connection.execute("SELECT action, target, way, details FROM audit ORDER BY at_ms, entry").fetchall()
    entries = [(action, target, json.loads(told)) for action, target, way, told in rows if way == "command"]
    key_id = key["keyId"]
    words = {"key ID": key_id, "name": "told", "buckets": "all", "capabilities": "listFiles", "prefix": "a/"}
    deleted = next(told for action, _, told in entries if action == "Delete key")
    assert deleted.pop("expires")[0].endswith(" UTC")
    assert deleted == {name: [text, ""] for name, text in words.items()}
    assert [entry for entry in entries if entry[0] != "Delete key"] == [
        ("Create account", "one@example.com", {}),
        ("Create key", f"told ({key_id})", {name: ["", text] for name, text in words.items()}),
        ("Rotate key", f"told ({twin['keyId']})", {"retired": "after 60 seconds", "key ID": [key_id, twin["keyId"]]}),
        ("Regenerate master key", f"{master['keyName']} ({master['keyId']})", {}),
        ("Set caps", "one@example.com", {"storage": ["", "1,000 bytes"], "class b": ["", "5 transactions a day"]}),
        ("Set caps", "one@example.com", {"storage": ["1,000 bytes", ""]}),
        ("Set caps", "one@example.com", {"soft limit on files": ["", "9 files"]}),
        (
            "Set caps of key",
            f"told ({twin['keyId']})",
            {
                "cap on requests a day": ["", "10 requests a day"],
                "soft limit on upload": ["", "500 bytes a day"],
            },
        ),
    ]
    for made in (key, twin, master):
        assert made["applicationKey"] not in str(rows)
