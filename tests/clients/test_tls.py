"""TLS with every client that can be told of an authority, and the refusal of clients that were not told."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest

from harness.certificates import Certificates
from harness.clients import Client, aws_client, b2_client, boto3_client, rclone_client, s5cmd_client
from harness.server import Server
from harness.trees import digests, make_tree
from undercroft import limits


@pytest.fixture
def tls_bucket(tls_server: Server, new_name: Callable[[str], str]) -> str:
    """A bucket on the server under TLS."""
    name = new_name("tls")
    boto3_client(tls_server).create_bucket(Bucket=name)
    return name


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree to send."""
    make_tree(tmp_path / "tree")
    return tmp_path / "tree"


def test_urls_handed_out_are_https(tls_server: Server) -> None:
    assert tls_server.api_url.startswith("https://")
    assert tls_server.s3_endpoint.startswith("https://")


def test_aws_syncs_over_tls(tls_server: Server, tls_bucket: str, tree: Path, home: Path) -> None:
    aws = aws_client(tls_server, home)
    aws.run("s3", "sync", tree, f"s3://{tls_bucket}")
    aws.run("s3", "sync", f"s3://{tls_bucket}", home / "back")
    assert digests(home / "back") == digests(tree)


def test_b2_syncs_over_tls(tls_server: Server, tls_bucket: str, tree: Path, home: Path) -> None:
    b2 = b2_client(tls_server, home)
    b2.run("account", "authorize", "--environment", tls_server.api_url, tls_server.key_id, tls_server.application_key)
    b2.run("sync", "--no-progress", tree, f"b2://{tls_bucket}")
    b2.run("sync", "--no-progress", f"b2://{tls_bucket}", home / "back")
    assert digests(home / "back") == digests(tree)


@pytest.mark.parametrize("backend", ["b2", "s3"])
def test_rclone_syncs_over_tls(tls_server: Server, tls_bucket: str, tree: Path, home: Path, backend: str) -> None:
    rclone = rclone_client(tls_server, home)
    rclone.run("sync", tree, f"{backend}:{tls_bucket}")
    rclone.run("check", "--download", tree, f"{backend}:{tls_bucket}")


def test_s5cmd_copies_over_tls(tls_server: Server, tls_bucket: str, tree: Path, home: Path) -> None:
    s5cmd: Client = s5cmd_client(tls_server, home)
    s5cmd.run("cp", f"{tree}/", f"s3://{tls_bucket}/tree/")
    s5cmd.run("cp", f"s3://{tls_bucket}/tree/*", f"{home}/back/")
    assert digests(home / "back") == digests(tree)


def test_a_client_that_does_not_know_the_authority_refuses(tls_server: Server) -> None:
    with pytest.raises(URLError) as raised:
        urllib.request.urlopen(f"{tls_server.api_url}/healthz")
    assert isinstance(raised.value.reason, ssl.SSLCertVerificationError)


def test_an_idle_connection_does_not_hold_up_a_stop(
    make_server: Callable[..., Server], certificates: Certificates
) -> None:
    server = make_server(
        "--tls-cert", str(certificates.cert_file), "--tls-key", str(certificates.key_file),
        ca_file=certificates.ca_file,
    ).start()  # fmt: skip
    url = urlsplit(server.api_url)
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    connection = http.client.HTTPSConnection(url.hostname or "", url.port, context=context, timeout=30)
    with closing(connection):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
        began = time.monotonic()
        server.stop()  # The client, which reads nothing meanwhile, does not answer the server's farewell.
        assert time.monotonic() - began < limits.GRACEFUL_STOP_S / 2
