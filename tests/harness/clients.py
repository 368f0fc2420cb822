"""Real clients: as subprocesses with an environment of their own, and as SDK objects in this process."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from b2sdk.v3 import B2Api, InMemoryAccountInfo
from botocore.config import Config

from harness.server import Server, clean_environment

CLIENT_TIMEOUT_S = 170.0


class ClientFailed(Exception):
    """The client ended with another exit code than the test expects."""


class Client:
    """A command-line client that talks to one server, with a home directory of its own."""

    def __init__(self, program: str, home: Path, environment: dict[str, str], *options: str) -> None:
        found = shutil.which(program, path=clean_environment(home)["PATH"])
        assert found, f"{program} is missing: `make test` installs it"
        self.command = [found, *options]
        self.environment = {**clean_environment(home), **environment}
        self.home = home

    def run(
        self,
        *arguments: object,
        expect: int | None = 0,
        stdin: str | None = None,
        timeout_s: float = CLIENT_TIMEOUT_S,
    ) -> subprocess.CompletedProcess[str]:
        """Runs it and checks the exit code (None: any but 0). Output is captured as text."""
        done = self._execute([*map(str, arguments)], stdin, timeout_s)
        if (expect is None and done.returncode == 0) or (expect is not None and done.returncode != expect):
            raise ClientFailed(
                f"{Path(self.command[0]).name} {' '.join(map(str, arguments))}\n"
                f"exit code {done.returncode}\n--- stdout\n{done.stdout[-6000:]}\n--- stderr\n{done.stderr[-6000:]}"
            )
        return done

    def _execute(self, arguments: list[str], stdin: str | None, timeout_s: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=self.environment,
            cwd=self.home,
            check=False,
        )

    def out(self, *arguments: object, stdin: str | None = None) -> str:
        """What it writes to standard output when it succeeds."""
        return self.run(*arguments, stdin=stdin).stdout


def aws_client(server: Server, home: Path, *, key: tuple[str, str] | None = None) -> Client:
    """The AWS CLI, told of the server by nothing but its usual variables."""
    key_id, secret = key or (server.key_id, server.application_key)
    environment = {
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": server.region,
        "AWS_ENDPOINT_URL": server.s3_endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",  # A retry would hide what went wrong.
        "AWS_PAGER": "",
    }
    if server.ca_file:
        environment["AWS_CA_BUNDLE"] = str(server.ca_file)
    return Client("aws", home, environment)


def s5cmd_client(server: Server, home: Path) -> Client:
    """s5cmd, told of the server by the variables that it reads."""
    environment = {
        "AWS_ACCESS_KEY_ID": server.key_id,
        "AWS_SECRET_ACCESS_KEY": server.application_key,
        "AWS_REGION": server.region,
        "S3_ENDPOINT_URL": server.s3_endpoint,
    }
    if server.ca_file:
        environment["SSL_CERT_FILE"] = str(server.ca_file)
    return Client("s5cmd", home, environment, "--retry-count", "0")


def b2_environment(server: Server, home: Path, *, key: tuple[str, str] | None = None) -> dict[str, str]:
    """The variables that authorize the b2 command line."""
    key_id, secret = key or (server.key_id, server.application_key)
    environment = {
        "B2_APPLICATION_KEY_ID": key_id,
        "B2_APPLICATION_KEY": secret,
        "B2_ENVIRONMENT": server.api_url,
        "B2_ACCOUNT_INFO": str(home / "b2_account_info"),
        "PYTHONWARNINGS": "ignore",
    }
    if server.ca_file:
        environment["REQUESTS_CA_BUNDLE"] = str(server.ca_file)
    return environment


def b2_client(server: Server, home: Path, *, key: tuple[str, str] | None = None) -> Client:
    """The b2 command line, authorized by its variables."""
    return Client("b2", home, b2_environment(server, home, key=key))


def rclone_client(server: Server, home: Path) -> Client:
    """rclone with two remotes on the same server: `b2:` speaks the native protocol and `s3:` the other."""
    configuration = home / "rclone.conf"
    configuration.write_text(
        "[b2]\n"
        "type = b2\n"
        f"account = {server.key_id}\n"
        f"key = {server.application_key}\n"
        f"endpoint = {server.api_url}\n"
        "\n"
        "[s3]\n"
        "type = s3\n"
        "provider = Other\n"
        f"access_key_id = {server.key_id}\n"
        f"secret_access_key = {server.application_key}\n"
        f"endpoint = {server.s3_endpoint}\n"
        f"region = {server.region}\n"
    )
    environment = {"RCLONE_CONFIG": str(configuration), "RCLONE_RETRIES": "1", "RCLONE_LOW_LEVEL_RETRIES": "1"}
    if server.ca_file:
        environment["RCLONE_CA_CERT"] = str(server.ca_file)
    return Client("rclone", home, environment)


def boto3_client(
    server: Server,
    *,
    key: tuple[str, str] | None = None,
    endpoint: str | None = None,
    region: str | None = None,
    **config: Any,
) -> Any:
    """A boto3 S3 client. Without further `config` it is as a user gets it who sets the endpoint alone."""
    key_id, secret = key or (server.key_id, server.application_key)
    session = boto3.session.Session()
    return session.client(
        "s3",
        endpoint_url=endpoint or server.s3_endpoint,
        region_name=region or server.region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        verify=str(server.ca_file) if server.ca_file else None,
        config=Config(**config) if config else None,
    )


def b2_api(server: Server, *, key: tuple[str, str] | None = None) -> B2Api:
    """An authorized b2sdk object."""
    api = B2Api(InMemoryAccountInfo())
    key_id, secret = key or (server.key_id, server.application_key)
    api.authorize_account(key_id, secret, realm=server.api_url)
    return api


@contextmanager
def names_on_loopback(*suffixes: str) -> Iterator[None]:
    """Within it, this process resolves every name that ends in a suffix to 127.0.0.1, as a wildcard DNS entry would.

    glibc does not resolve `*.localhost`, and virtual-hosted buckets need it.
    """
    genuine = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **named: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else host
        return genuine("127.0.0.1" if text and text.endswith(suffixes) else host, *rest, **named)

    socket.getaddrinfo = resolve
    try:
        yield
    finally:
        socket.getaddrinfo = genuine
