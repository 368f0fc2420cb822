"""S3 clients for the wire tests: boto3 for what clients send, and a bare one for what they should not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.native import NativeCaller
from harness.s3_raw import RawS3, make_client
from harness.server import Server


@pytest.fixture(scope="session")
def s3(server: Server) -> Any:
    """A client with every capability."""
    return make_client(server, server.key_id, server.application_key)


@pytest.fixture(scope="session")
def raw(server: Server) -> RawS3:
    """The bare client with the same key."""
    return RawS3(server.s3_endpoint, server.region, server.key_id, server.application_key)


@pytest.fixture(scope="session")
def native(server: Server) -> NativeCaller:
    """The same account through the other face."""
    return NativeCaller(server)


def empty(s3: Any, name: str) -> None:
    """Remove a bucket with all that is in it, if it is still there: an account has room for a hundred."""
    try:
        pages = list(s3.get_paginator("list_object_versions").paginate(Bucket=name))
    except s3.exceptions.NoSuchBucket:
        return
    for page in pages:
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            s3.delete_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])
    for upload in s3.list_multipart_uploads(Bucket=name).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def new_bucket(s3: Any, new_name: Callable[[str], str]) -> Iterator[Callable[..., str]]:
    """Makes buckets of the test's own, which are gone after it."""
    made: list[str] = []

    def make(**settings: Any) -> str:
        name = new_name("bucket")
        s3.create_bucket(Bucket=name, **settings)
        made.append(name)
        return name

    yield make
    for name in made:
        empty(s3, name)


@pytest.fixture
def bucket(new_bucket: Callable[..., str]) -> str:
    """A private bucket."""
    return new_bucket()


@pytest.fixture
def public_bucket(new_bucket: Callable[..., str]) -> str:
    """A bucket whose objects anybody may read."""
    return new_bucket(ACL="public-read")


@pytest.fixture(scope="session")
def stranger(server: Server) -> Any:
    """A client of another account."""
    account = server.create_account("stranger@example.com")
    return make_client(server, account["keyId"], account["applicationKey"])


@contextlib.contextmanager
def refused(code: str, status: int | None = None) -> Iterator[None]:
    """Fails unless the call inside is refused with this code."""
    with pytest.raises(ClientError) as caught:
        yield
    response = caught.value.response
    assert response["Error"]["Code"] == code, response
    assert status is None or response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.fixture(name="refused")
def refused_fixture() -> Callable[..., contextlib.AbstractContextManager[None]]:
    """`refused` for test files."""
    return refused


@pytest.fixture(scope="session")
def bucket_id_of(native: NativeCaller, server: Server) -> Callable[[str], str]:
    """Finds the id of a bucket by its name."""

    def get(name: str) -> str:
        (found,) = native.call("b2_list_buckets", accountId=server.account_id, bucketName=name)["buckets"]
        return str(found["bucketId"])

    return get


@pytest.fixture(scope="session")
def key_with(native: NativeCaller, server: Server) -> Callable[..., RawS3]:
    """Makes bare clients whose key has these capabilities and restrictions."""

    def make(capabilities: Collection[str], **restrictions: Any) -> RawS3:
        made = native.call(
            "b2_create_key", accountId=server.account_id, keyName="limited", capabilities=sorted(capabilities),
            **restrictions,
        )  # fmt: skip
        return RawS3(server.s3_endpoint, server.region, made["applicationKeyId"], made["applicationKey"])

    return make
