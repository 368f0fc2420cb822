"""What clients make of a cap: they stop, and say why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from b2sdk.v3 import exception
from botocore.exceptions import ClientError

from harness.clients import b2_api, b2_client
from harness.s3_raw import make_client
from harness.server import Server, run_command


@pytest.fixture(scope="module")
def capped_key(server: Server) -> tuple[str, str]:
    """A key of an account that may store ten bytes."""
    made = server.create_account("capped@example.com")
    folder = server.data_dir.parent
    run_command("account", "caps", made["accountId"], "--storage", "10", "--data", str(server.data_dir), home=folder)
    return made["keyId"], made["applicationKey"]


def test_the_b2_command_line_stops_at_the_cap_on_storage_and_says_so(
    server: Server, capped_key: tuple[str, str], home: Path, new_name: Callable[[str], str]
) -> None:
    bucket = b2_api(server, key=capped_key).create_bucket(new_name("capped"), "allPrivate")
    (home / "large").write_bytes(bytes(11))
    upload = ("file", "upload", bucket.name, home / "large", "large")
    refused = b2_client(server, home, key=capped_key).run(*upload, expect=None)
    assert "storage cap exceeded" in refused.stderr.lower()
    assert "Traceback" not in refused.stderr
    assert list(bucket.ls()) == []


def test_b2sdk_and_boto3_have_their_errors_for_it(
    server: Server, capped_key: tuple[str, str], new_name: Callable[[str], str]
) -> None:
    bucket = b2_api(server, key=capped_key).create_bucket(new_name("capped"), "allPrivate")
    with pytest.raises(exception.StorageCapExceeded):
        bucket.upload_bytes(bytes(11), "large")
    s3: Any = make_client(server, *capped_key)
    with pytest.raises(ClientError, match="storage cap exceeded") as raised:
        s3.put_object(Bucket=bucket.name, Key="large", Body=bytes(11))
    assert raised.value.response["Error"]["Code"] == "AccessDenied"
    assert list(bucket.ls()) == []
