"""How many zips are made at once for one account, whoever else wants one."""

from __future__ import annotations

import io
import os
import zipfile
from contextlib import ExitStack

import pytest

from harness.clients import boto3_client
from harness.console_forms import TIMEOUT_S, Browser
from harness.processes import wait_until
from undercroft import limits

LARGE = os.urandom(limits.MIB)
FILES = 64  # Far more than what is under way between a server and a reader who does not read.


class Reader:
    """Somebody with an account, a bucket with much in it, and a browser."""

    def __init__(self, server, name):
        account = server.create_account(f"{name}@example.com")
        self.name = name
        s3 = boto3_client(server, key=(account["keyId"], account["applicationKey"]))
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="in/0", Body=LARGE)
        for number in range(1, FILES):
            s3.copy_object(Bucket=name, Key=f"in/{number}", CopySource=f"{name}/in/0")
        self.browser = Browser(server)
        assert self.browser.sign_in(account["email"]).status_code == 303
        self.token = self.browser.token("/buckets")

    def ask(self):
        """A zip of everything, of which nothing is read yet."""
        return self.browser.session.post(
            f"{self.browser.origin}/buckets/{self.name}/selection/zip",
            data={"choose": "name:in/", "prefix": "", "csrf_token": self.token},
            headers={"origin": self.browser.origin},
            stream=True,
            timeout=TIMEOUT_S,
        )


@pytest.fixture
def reader(server, new_name):
    return Reader(server, new_name("zips-of-one"))


def test_an_account_has_so_many_zips_made_at_once_and_another_one_has_its_own(server, reader, new_name):
    other = Reader(server, new_name("zips-of-another"))
    with ExitStack() as stack:
        for _ in range(limits.ZIPS_PER_ACCOUNT):
            assert stack.enter_context(reader.ask()).status_code == 200
        refused = stack.enter_context(reader.ask())
        assert refused.status_code == 503
        assert "Other zips are being made" in refused.text
        assert stack.enter_context(other.ask()).status_code == 200

    def has_room():
        with reader.ask() as answer:
            return answer.content if answer.status_code == 200 else b""

    whole = wait_until(has_room, "the zips of those who left are still being made")
    made = zipfile.ZipFile(io.BytesIO(whole))
    assert made.testzip() is None
    assert len(made.namelist()) == FILES
