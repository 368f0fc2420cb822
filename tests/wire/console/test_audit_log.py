"""The audit log as it is read: what settings were and are, without secrets, and a CSV that is harmless to whoever opens it."""

from __future__ import annotations

import csv
import io
import re
import secrets

import pytest

from harness.console_forms import Browser


@pytest.fixture
def other(server):
    """Somebody whose log nothing else writes to."""
    browser = Browser(server)
    browser.email = f"audited-{secrets.token_hex(6)}@example.com"
    server.create_account(browser.email)
    assert browser.sign_in(browser.email).status_code == 303
    return browser


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1"])
def test_a_csv_holds_no_formula(other, name):
    other.post("/keys/new", {"name": name, "access": "readOnly"})  # Refused, but for -1, which is a name.
    rows = csv.DictReader(io.StringIO(other.get("/audit.csv").content.decode(), newline=""))
    assert f"'{name}" in {row["target"] for row in rows}


def test_what_was_changed_is_told_as_it_was_and_is_without_secrets(other):
    bucket = f"told-{secrets.token_hex(6)}"
    assert other.post("/buckets/new", {"name": bucket, "type": "allPrivate"}).status_code == 303
    path = f"/buckets/{bucket}"

    def revision():
        return re.search(r'name="revision" value="(\d+)"', other.get(path + "/settings").text)[1]

    settings = {"encryption": "enable", "info_key": ["colour", "api_token"], "info_value": ["red", "hush-hush"]}
    for kind in ("allPublic", "allPublic"):
        form = {**settings, "type": kind, "revision": revision()}
        assert other.post(path + "/settings", form).status_code == 303
    rule = {"fileNamePrefix": "", "daysFromUploadingToHiding": "", "daysFromHidingToDeleting": "5"}
    days = {"choice": "days", "days": "5", "revision": revision(), **rule}
    assert other.post(path + "/lifecycle", days).status_code == 303
    cors = {"choice": "one", "face": "native", "origin": "https://app.example.com", "revision": revision()}
    assert other.post(path + "/cors", cors).status_code == 303
    caps = {"storage": "10 GB", "no_files": "on", "no_download": "on", "no_class_b": "on", "no_class_c": "on"}
    assert other.post("/caps/edit", caps).status_code == 303
    assert other.post("/settings", {"name": "Somebody Else", "time_zone": "Europe/Berlin"}).status_code == 303
    text = other.get("/audit.csv").content.decode()
    assert "hush-hush" not in text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))

    def told(action):
        return [(row["target"], row["changes"], row["details"]) for row in rows if row["action"] == action]

    again, first = told("Change bucket settings")[:2]
    assert first == (
        bucket, "type: allPrivate → allPublic; info colour: not set → red; info api_token: not set → (not shown)", "",
    )  # fmt: skip
    assert again == (bucket, "", "changes: none")
    [(_, lifecycle, _)] = told("Change lifecycle rules")
    assert lifecycle.startswith("lifecycle of all files: not set → In the whole bucket: delete versions 5 days after")
    [(_, cors, _)] = told("Change CORS rules")
    assert "not set → origins https://app.example.com; operations b2_download_file_by_id, " in cors
    assert told("Change caps")[0] == (other.email, "storage: not set → 10,000,000,000 bytes", "")
    target, changes, _ = told("Change profile")[0]
    assert (target, changes.partition("; ")[2]) == (other.email, "time zone: UTC → Europe/Berlin")
    page = other.get("/audit?action=Change+bucket+settings").text
    assert '<del lang="en">allPrivate</del>' in page
    assert '<ins lang="en">allPublic</ins>' in page


def test_who_may_do_what_with_a_key_and_where_a_rule_leads_is_told(other):
    names = [f"kept-{secrets.token_hex(6)}" for _ in range(2)]
    for name in names:
        assert other.post("/buckets/new", {"name": name, "type": "allPrivate"}).status_code == 303
    page = other.get("/replication/new").text
    source, destination = (re.search(rf'value="([0-9a-f]{{24}})"[^>]*>{name}<', page)[1] for name in names)
    rule = {"rule": "to-safety", "source": source, "destination": destination, "prefix": "a/"}
    assert other.post("/replication/new", rule).status_code == 303
    target = {
        "target": "away",
        "endpoint": "https://b2.example.com",
        "key_id": "0" * 25,
        "key": "hush",
        "bucket": "there",
    }
    other.post("/replication/targets/new", target)
    form = {"name": "told-key", "access": "readOnly", "bucket": source}
    key_id = re.search(r"\b[0-9a-f]{25}\b", other.post("/keys/new", form).text)[0]
    assert other.post(f"/keys/{key_id}/rotate", {"retire": "3600"}).status_code == 200
    assert other.post(f"/keys/{key_id}/delete", {}).status_code == 303
    rows = list(csv.DictReader(io.StringIO(other.get("/audit.csv").content.decode(), newline="")))
    told = {row["action"]: row for row in rows if "told-key" in row["target"] or "replication" in row["action"]}
    assert told["Create replication rule"]["target"] == f"{names[0]} / to-safety"
    assert told["Create replication rule"]["details"] == f"to: {names[1]}; prefix: a/; existing: no"
    assert told["Add replication target"]["target"] == "away"
    assert "hush" not in str(rows)
    made, gone = (told[action]["changes"] for action in ("Create key", "Delete key"))
    assert f"key ID: not set → {key_id}; name: not set → told-key; buckets: not set → {names[0]}" in made
    assert f"buckets: {names[0]} → not set; capabilities: " in gone
    assert told["Rotate key"]["target"] == f"told-key ({key_id})"
    assert told["Rotate key"]["changes"].startswith(f"key ID: {key_id} → ")
    assert told["Rotate key"]["details"] == "retired: In one hour"
