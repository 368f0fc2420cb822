"""Clients of the session's server, and buckets that are emptied again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.b2_line import VERSIONS, B2Line, ForkServer
from harness.clients import (
    Client,
    aws_client,
    b2_api,
    boto3_client,
    rclone_client,
    s5cmd_client,
)
from harness.server import Server


@pytest.fixture
def s3(server: Server) -> Any:
    """boto3 as a user gets it who sets the endpoint alone."""
    return boto3_client(server)


@pytest.fixture
def b2sdk(server: Server) -> Any:
    """An authorized b2sdk object."""
    return b2_api(server)


@pytest.fixture(scope="session")
def b2_versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], ForkServer]]:
    """The versions of the b2 command line, each imported when it is first asked for."""
    started: dict[str, ForkServer] = {}

    def start(version: str) -> ForkServer:
        if version not in started:
            started[version] = ForkServer(version, tmp_path_factory.mktemp(version))
        return started[version]

    yield start
    for forks in started.values():
        forks.close()


@pytest.fixture(scope="session")
def authorized_b2(
    b2_versions: Callable[[str], ForkServer], server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Path], B2Line]:
    """Makes installations of a version of the b2 command line that are authorized, at the price of one for all."""
    homes: dict[str, Path] = {}

    def make(version: str, home: Path) -> B2Line:
        if version not in homes:
            homes[version] = tmp_path_factory.mktemp("authorized")
            first = B2Line(b2_versions(version), server, homes[version])
            key = (server.key_id, server.application_key)
            first.run("account", "authorize", "--environment", server.api_url, *key)
        shutil.copytree(homes[version], home, dirs_exist_ok=True)
        return B2Line(b2_versions(version), server, home)

    return make


@pytest.fixture(params=VERSIONS)
def line(request: pytest.FixtureRequest, authorized_b2: Callable[[str, Path], B2Line], home: Path) -> B2Line:
    """The b2 command line in each of its versions, authorized."""
    return authorized_b2(request.param, home)


@pytest.fixture
def b2(authorized_b2: Callable[[str, Path], B2Line], home: Path) -> Client:
    """The b2 command line in its newest version, authorized."""
    return authorized_b2(VERSIONS[-1], home)


@pytest.fixture
def aws(server: Server, home: Path) -> Client:
    """The AWS command line."""
    return aws_client(server, home)


@pytest.fixture
def rclone(server: Server, home: Path) -> Client:
    """rclone with the remotes `b2:` and `s3:`."""
    return rclone_client(server, home)


@pytest.fixture
def s5cmd(server: Server, home: Path) -> Client:
    """s5cmd."""
    return s5cmd_client(server, home)


@pytest.fixture
def make_bucket(s3: Any, new_name: Callable[[str], str]) -> Iterator[Callable[[], str]]:
    """Makes empty private buckets, and removes them with all they hold at the end."""
    made: list[str] = []

    def make() -> str:
        name = new_name("bucket")
        s3.create_bucket(Bucket=name)
        made.append(name)
        return name

    yield make
    for name in made:
        empty_bucket(s3, name)
        s3.delete_bucket(Bucket=name)


@pytest.fixture
def bucket(make_bucket: Callable[[], str]) -> str:
    """One empty private bucket."""
    return make_bucket()


def empty_bucket(s3: Any, bucket: str) -> None:
    """Removes every version, delete marker and multipart upload."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        rows = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if rows:
            answer = s3.delete_objects(
                Bucket=bucket,
                Delete={"Objects": [{"Key": row["Key"], "VersionId": row["VersionId"]} for row in rows], "Quiet": True},
            )
            assert not answer.get("Errors"), answer["Errors"]
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
