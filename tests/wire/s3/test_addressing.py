"""How a request says which bucket and key it means."""

from __future__ import annotations

import pytest

from harness.s3_raw import RawS3


@pytest.fixture
def hosted(server):
    """A bare client that names the bucket in the host, as far as the server can tell."""

    def send(method, bucket, target, body=b""):
        host = f"{bucket}.s3.{server.region}.localhost"
        client = RawS3(server.s3_endpoint, server.region, server.key_id, server.application_key, host)
        return client(method, target, body=body)

    return send


def test_a_virtual_host_and_a_path_reach_the_same_object(hosted, raw, bucket):
    put = hosted("PUT", bucket, "/dir/a%20b%2B", b"hello")
    got = raw("GET", f"/{bucket}/dir/a%20b%2B")
    assert (got.body, got.headers["etag"]) == (b"hello", put.headers["etag"])
    assert hosted("GET", bucket, "/?list-type=2").text("Contents/Key") == "dir/a b+"


def test_on_a_virtual_host_every_path_is_a_key(hosted, raw, bucket):
    for key in ("file/x", "b2api/v4/b2_list_buckets", "healthz"):
        assert hosted("PUT", bucket, f"/{key}", b"mine").status == 200
        assert raw("GET", f"/{bucket}/{key}").body == b"mine"


def test_a_bucket_with_and_without_a_slash_is_the_same(raw, bucket):
    for target in (f"/{bucket}", f"/{bucket}/"):
        assert raw("HEAD", target).status == 200


@pytest.mark.parametrize("query", ["acl", "acl=", "acl=null"])
def test_the_value_of_a_sub_resource_does_not_matter(raw, bucket, query):
    assert raw("GET", f"/{bucket}?{query}").xml.tag.endswith("AccessControlPolicy")


def test_a_path_that_is_no_utf8_is_refused(raw, bucket):
    assert raw("GET", f"/{bucket}/%ff").code == "InvalidURI"


def test_unknown_parameters_that_have_a_value_are_ignored(raw, bucket):
    assert raw("PUT", f"/{bucket}/k?x-id=PutObject", body=b"x").status == 200
    assert raw("GET", f"/{bucket}/k?x-id=GetObject").body == b"x"
