"""The first start and the later ones."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from undercroft.serve import announce
from undercroft.serve.prepare import new_password, prepare_store
from undercroft.settings import load
from undercroft.store.errors import InvalidRequest

FIRST = ["apiUrl", "s3Endpoint", "region", "consoleUrl", "email", "password", "accountId"]
FIRST += ["masterApplicationKey", "keyId", "applicationKey"]


@pytest.fixture
def settings(tmp_path):
    return load({"data": str(tmp_path / "data")}, {})


def prepare(settings, **environment):
    return asyncio.run(prepare_store(settings, environment))


def test_the_first_start_makes_an_account_and_later_ones_name_it_without_secrets(settings):
    first = prepare(settings)
    assert first.is_first_start
    assert list(json.loads(announce.as_json(settings, first))) == FIRST
    later = prepare(settings)
    assert not later.is_first_start
    said = json.loads(announce.as_json(settings, later))
    assert said == {
        "apiUrl": "http://127.0.0.1:8620",
        "s3Endpoint": "http://127.0.0.1:8620",
        "region": "us-west-000",
        "consoleUrl": "http://127.0.0.1:8621",
        "email": first.email,
        "accountId": first.account_id,
    }


def test_the_text_of_the_first_start_has_lines_to_paste_and_later_ones_no_secret(settings):
    first = prepare(settings)
    text = announce.as_text(settings, first)
    for needed in ("# aws", "# b2", "# boto3", "# rclone", first.application_key, first.password, first.account_id):
        assert needed in text
    assert "applicationKey" not in announce.as_text(settings, prepare(settings))


def test_email_and_password_can_be_decided_by_the_environment(settings):
    first = prepare(
        settings, UNDERCROFT_BOOTSTRAP_EMAIL="Me@Example.com", UNDERCROFT_BOOTSTRAP_PASSWORD="a good one, really"
    )
    assert (first.email, first.password) == ("me@example.com", "a good one, really")


def test_a_password_that_is_refused_leaves_no_account(settings):
    with pytest.raises(InvalidRequest):
        prepare(settings, UNDERCROFT_BOOTSTRAP_PASSWORD="x")
    assert prepare(settings).is_first_start


def test_passwords_differ_and_can_be_read_aloud():
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"[a-hjkmnp-z2-9]{5}(-[a-hjkmnp-z2-9]{5}){3}", password) for password in made)
