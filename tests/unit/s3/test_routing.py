from __future__ import annotations

import pytest

from undercroft.http.errors import MalformedURL
from undercroft.s3.errors import S3Error
from undercroft.s3.facts import FACTS
from undercroft.s3.routing import find_operation, split_target


def refused(method: str, scope: str, query: dict[str, str]) -> S3Error:
    with pytest.raises(S3Error) as caught:
        find_operation(method, scope, query)
    return caught.value


@pytest.mark.parametrize(
    ("path", "virtual", "target"),
    [
        (b"/", None, (None, None)),
        (b"/bucket", None, ("bucket", None)),
        (b"/bucket/", None, ("bucket", None)),
        (b"/bucket/key", None, ("bucket", "key")),
        (b"/bucket//a", None, ("bucket", "/a")),
        (b"/bucket/a/../b/./c//", None, ("bucket", "a/../b/./c//")),
        (b"/bucket/a+b%2Bc%20d%25e", None, ("bucket", "a+b+c d%e")),
        (b"/bucket/%C3%BC/%F0%9F%98%80", None, ("bucket", "ü/😀")),
        (b"/bucket/%252F", None, ("bucket", "%2F")),
        (b"/", "bucket", ("bucket", None)),
        (b"/file/x", "bucket", ("bucket", "file/x")),
        (b"//x", "bucket", ("bucket", "/x")),
    ],
)
def test_a_path_addresses_the_service_a_bucket_or_a_key(path, virtual, target):
    assert split_target(path, virtual) == target


@pytest.mark.parametrize("path", [b"//key", b"///key", b"//bucket/key"])
def test_a_key_without_a_bucket_is_not_taken_for_the_service(path):
    with pytest.raises(S3Error) as caught:
        split_target(path, None)
    assert caught.value.code == "InvalidBucketName"


def test_a_path_of_slashes_alone_is_the_service():
    assert split_target(b"//", None) == (None, None)


def test_a_path_that_is_not_utf8_is_malformed():
    with pytest.raises(MalformedURL):
        split_target(b"/bucket/%ff", None)


@pytest.mark.parametrize("name", sorted(set(FACTS) - {"ListDirectoryBuckets"}))
def test_every_operation_of_the_facts_is_reached_by_its_own_request(name):
    facts = FACTS[name]
    query = {mark.partition("=")[0]: mark.partition("=")[2] for mark in facts.marks}
    query |= {parameter: "1" for parameter in facts.required if parameter in facts.query}
    copies = "x-amz-copy-source" in facts.required
    assert find_operation(facts.method, facts.scope, query, copies=copies).name == name


@pytest.mark.parametrize("value", ["", "null", "x"])
def test_the_value_of_a_sub_resource_does_not_matter(value):
    assert find_operation("GET", "bucket", {"acl": value}).name == "GetBucketAcl"


@pytest.mark.parametrize(
    ("method", "scope", "query", "name"),
    [
        ("PUT", "object", {"x-id": "PutObject"}, "PutObject"),
        ("GET", "object", {"X-Amz-Signature": "1", "X-Amz-Security-Token": ""}, "GetObject"),
        ("GET", "object", {"x-id": "GetObject", "versionId": "1", "response-content-type": ""}, "GetObject"),
        ("GET", "bucket", {"list-type": "2", "prefix": "", "delimiter": "", "fetch-owner": ""}, "ListObjectsV2"),
        ("GET", "bucket", {"location": "", "prefix": ""}, "GetBucketLocation"),
        ("GET", "bucket", {"list-type": "2", "metadata": "true"}, "ListObjectsV2"),
    ],
)
def test_parameters_that_only_accompany_do_not_change_the_operation(method, scope, query, name):
    assert find_operation(method, scope, query).name == name


def test_a_put_with_a_copy_source_copies():
    assert find_operation("PUT", "object", {}, copies=True).name == "CopyObject"
    query = {"uploadId": "u", "partNumber": "1"}
    assert find_operation("PUT", "object", query, copies=True).name == "UploadPartCopy"
    assert find_operation("PUT", "object", query).name == "UploadPart"


@pytest.mark.parametrize(
    ("method", "scope", "query", "allowed"),
    [
        ("POST", "bucket", {}, b"DELETE, GET, HEAD, PUT"),
        ("PATCH", "object", {}, b"DELETE, GET, HEAD, PUT"),
        ("DELETE", "bucket", {"acl": ""}, b"GET, PUT"),
        ("HEAD", "object", {"tagging": ""}, b"DELETE, GET, PUT"),
        ("PUT", "service", {}, b"GET"),
    ],
)
def test_a_wrong_verb_is_told_the_right_ones(method, scope, query, allowed):
    error = refused(method, scope, query)
    assert error.code == "MethodNotAllowed"
    assert (b"allow", allowed) in error.headers


@pytest.mark.parametrize("name", ["versions", "uploads", "policy"])
def test_a_sub_resource_of_buckets_is_none_of_objects(name):
    assert refused("GET", "object", {name: ""}).code == "InvalidRequest"


@pytest.mark.parametrize(
    ("method", "query"),
    [
        ("PUT", {"partNumber": "1"}),
        ("PUT", {"uploadId": "u"}),
        ("PUT", {"versionId": "v"}),
        ("HEAD", {"uploadId": "u"}),
        ("DELETE", {"partNumber": "1"}),
        ("GET", {"acl": "", "tagging": ""}),
        ("POST", {"select": ""}),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(method, query):
    assert refused(method, "object", query).code == "InvalidArgument"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_sub_resource_that_nobody_knows_never_reaches_the_object_itself(method):
    assert refused(method, "object", {"brand-new-thing": ""}).code == "NotImplemented"


def test_another_list_type_is_refused():
    assert refused("GET", "bucket", {"list-type": "3"}).code == "InvalidArgument"
