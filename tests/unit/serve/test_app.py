"""Host decides before path."""

from __future__ import annotations

import pytest

from undercroft.serve.app import virtual_hosts


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        (b"bucket-1.s3.us-west-000.localhost", b"bucket-1"),
        (b"bucket-1.s3.us-west-000.localhost:8620", b"bucket-1"),
        (b"bucket-1.s3.localhost:8620", b"bucket-1"),
        (b"Bucket-1.S3.Us-West-000.LocalHost", b"Bucket-1"),
        (b"my.dotted.bucket.s3.localhost", b"my.dotted.bucket"),
        (b"a.s3.localhost.s3.localhost", b"a.s3.localhost"),
        (b"bucket.s3.localhost.", b"bucket"),
        (b" bucket.s3.localhost ", b"bucket"),
        (b"s3.us-west-000.localhost", None),
        (b"s3.localhost", None),
        (b"localhost:8620", None),
        (b"127.0.0.1:8620", None),
        (b"bucket.s3.eu-central-003.localhost", None),
        (b"bucket.s3xlocalhost", None),
        (b"bucket.s3.localhost.evil", None),
        (b".s3.localhost", None),
        (b"b/x.s3.localhost", None),
        (b"", None),
    ],
)
def test_a_virtual_host_names_its_bucket(host, bucket):
    match = virtual_hosts("us-west-000", "localhost").fullmatch(host)
    assert (None if match is None else match[1]) == bucket
