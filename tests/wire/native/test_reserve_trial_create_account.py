"""b2_reserve_trial_create_account on a running server: made by a partner, used in both protocols, suspended at its end."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from harness.background import work_later
from harness.native_session import Session, send
from harness.s3_raw import make_client
from harness.server import run_command

DAY_S = 86_400


def reserve(session, *orders):
    url = f"{session.url}/b2api/v3/b2_reserve_trial_create_account"
    return send("POST", url, {"Authorization": session.token}, json.dumps(orders).encode())


def test_a_trial_account_works_in_both_protocols_until_its_end_and_again_once_that_is_lifted(
    server, home, new_name, new_email
):
    def run(*command):
        return run_command(*command, "--data", str(server.data_dir), home=home)

    email, prospects = new_email("trader"), [new_email("a"), new_email("b")]
    made = server.create_account(email)
    group = run("group", "create", "prospects", "--admin", email)
    partner = Session(server.api_url, made["keyId"], made["applicationKey"], "v3")
    partner.authorize().ok()
    orders = [{"email": who, "term": term, "storage": 1} for who, term in zip(prospects, (7, 30), strict=True)]
    assert reserve(partner, *orders, {**orders[0], "email": "nobody"}).refusal == (401, "invalid_email")
    short, long = reserve(partner, *orders).ok()
    assert reserve(partner, orders[0]).refusal == (401, "invalid_email")
    run("group", "delete", group["groupId"])
    assert reserve(partner, {**orders[0], "email": new_email("c")}).refusal == (401, "unauthorized")
    name = new_name("trial")
    s3 = make_client(server, short["applicationKeyId"], short["applicationKey"])
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="kept", Body=b"kept")
    prospect = Session(server.api_url, short["applicationKeyId"], short["applicationKey"])
    prospect.authorize().ok()
    ends = {row["email"]: row["trialEndTimestamp"] for row in run("account", "list")["accounts"]}
    assert ends[prospects[0]] == short["trialEndTimestamp"]
    assert ends[email] is None

    work_later(server, 8 * DAY_S, lambda store: store.identity.trials.run())
    assert prospect.authorize().refusal == (401, "unauthorized")
    with pytest.raises(ClientError):
        s3.put_object(Bucket=name, Key="new", Body=b"new")
    assert Session(server.api_url, long["applicationKeyId"], long["applicationKey"]).authorize().status == 200
    assert run("account", "show", short["accountId"])["suspended"]

    # To the commands, whose clock is the real one, the end is yet to come.
    assert run("account", "lift-trial", prospects[0])["trialEndTimestamp"] is None
    assert run("account", "resume", prospects[0])["suspended"] is False
    assert s3.get_object(Bucket=name, Key="kept")["Body"].read() == b"kept"
    assert prospect.authorize().status == 200
