"""ListObjects and ListObjectsV2."""

from __future__ import annotations

from urllib.parse import quote

import pytest

KEYS = ["Z", "a", "a/1", "a/2", "a/b/3", "b", "b+c d", "c/", "c/x", "é", "\U0001f600"]


@pytest.fixture
def filled(s3, bucket):
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    s3.put_object(Bucket=bucket, Key="hidden", Body=b"")
    s3.delete_object(Bucket=bucket, Key="hidden")
    return bucket


def keys_of(page):
    return [row["Key"] for row in page.get("Contents", [])]


def prefixes_of(page):
    return [row["Prefix"] for row in page.get("CommonPrefixes", [])]


def test_keys_come_in_the_byte_order_of_utf8_without_hidden_ones(s3, filled):
    expected = sorted(KEYS, key=str.encode)
    assert keys_of(s3.list_objects(Bucket=filled)) == expected
    assert keys_of(s3.list_objects_v2(Bucket=filled)) == expected


def test_a_row_says_what_head_says(s3, filled, server):
    (row,) = s3.list_objects(Bucket=filled, Prefix="b+")["Contents"]
    head = s3.head_object(Bucket=filled, Key="b+c d")
    assert (row["ETag"], row["Size"], row["StorageClass"]) == (head["ETag"], head["ContentLength"], "STANDARD")
    assert row["ChecksumAlgorithm"] == ["CRC32"]
    assert row["ChecksumType"] == "FULL_OBJECT"
    assert row["Owner"]["ID"] == server.account_id


def test_the_second_version_tells_owners_only_when_asked(s3, filled, server):
    assert "Owner" not in s3.list_objects_v2(Bucket=filled)["Contents"][0]
    assert s3.list_objects_v2(Bucket=filled, FetchOwner=True)["Contents"][0]["Owner"]["ID"] == server.account_id


@pytest.mark.parametrize(
    ("settings", "keys", "prefixes"),
    [
        ({"Delimiter": "/"}, ["Z", "a", "b", "b+c d", "é", "\U0001f600"], ["a/", "c/"]),
        ({"Delimiter": "/", "Prefix": "a/"}, ["a/1", "a/2"], ["a/b/"]),
        ({"Delimiter": "/", "Prefix": "c/"}, ["c/", "c/x"], []),
        ({"Prefix": "a"}, ["a", "a/1", "a/2", "a/b/3"], []),
        ({"Delimiter": "/b/"}, ["Z", "a", "a/1", "a/2", "b", "b+c d", "c/", "c/x", "é", "\U0001f600"], ["a/b/"]),
        ({"Delimiter": "x", "Prefix": "c"}, ["c/"], ["c/x"]),
        ({"Prefix": "nothing"}, [], []),
    ],
)
def test_prefix_and_delimiter_group_keys(s3, filled, settings, keys, prefixes):
    for page in (s3.list_objects(Bucket=filled, **settings), s3.list_objects_v2(Bucket=filled, **settings)):
        assert (keys_of(page), prefixes_of(page)) == (keys, prefixes)
    assert s3.list_objects_v2(Bucket=filled, **settings)["KeyCount"] == len(keys) + len(prefixes)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("delimiter", ["", "/"])
@pytest.mark.parametrize("call", ["list_objects", "list_objects_v2"])
def test_paging_gives_every_key_and_prefix_once(s3, filled, size, delimiter, call):
    whole = s3.list_objects_v2(Bucket=filled, Delimiter=delimiter)
    keys, prefixes = [], []
    config = {"PageSize": size}
    for page in s3.get_paginator(call).paginate(Bucket=filled, Delimiter=delimiter, PaginationConfig=config):
        assert len(keys_of(page)) + len(prefixes_of(page)) <= size
        assert ("NextMarker" in page or "NextContinuationToken" in page) == page["IsTruncated"]
        keys += keys_of(page)
        prefixes += prefixes_of(page)
    assert (keys, prefixes) == (keys_of(whole), prefixes_of(whole))


def test_a_marker_is_exclusive_and_one_inside_a_group_still_gives_the_group(s3, filled):
    assert keys_of(s3.list_objects(Bucket=filled, Marker="a/1", Prefix="a")) == ["a/2", "a/b/3"]
    inside = s3.list_objects(Bucket=filled, Marker="a/1", Delimiter="/")
    assert prefixes_of(inside) == ["a/", "c/"]
    after = s3.list_objects(Bucket=filled, Marker="a/", Delimiter="/")
    assert prefixes_of(after) == ["c/"]


def test_a_token_outranks_start_after_and_both_come_back(s3, filled):
    first = s3.list_objects_v2(Bucket=filled, MaxKeys=3, StartAfter="Z")
    assert keys_of(first) == ["a", "a/1", "a/2"]
    token = first["NextContinuationToken"]
    second = s3.list_objects_v2(Bucket=filled, MaxKeys=1, StartAfter="Z", ContinuationToken=token)
    assert keys_of(second) == ["a/b/3"]
    assert (second["ContinuationToken"], second["StartAfter"]) == (token, "Z")


@pytest.mark.parametrize("query", ["", "list-type=2&"])
def test_page_sizes_are_clamped_or_refused(raw, filled, query):
    assert raw("GET", f"/{filled}?{query}max-keys=5000").text("MaxKeys") == "1000"
    nothing = raw("GET", f"/{filled}?{query}max-keys=0")
    assert (nothing.text("IsTruncated"), nothing.xml.findall("{*}Contents")) == ("false", [])
    for size in ("-1", "x", "1.5", "9" * 30):
        answer = raw("GET", f"/{filled}?{query}max-keys={size}")
        assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_names_are_url_encoded_when_asked(raw, filled):
    answer = raw("GET", f"/{filled}?encoding-type=url&prefix=b%2B")
    assert (answer.text("EncodingType"), answer.text("Prefix")) == ("url", "b%2B")
    assert answer.text("Contents/Key") == "b%2Bc%20d"
    assert raw("GET", f"/{filled}?encoding-type=base64").code == "InvalidArgument"


def test_control_characters_do_not_break_an_encoded_page(s3, raw, bucket):
    assert raw("PUT", f"/{bucket}/{quote(chr(1))}").status == 200
    assert keys_of(s3.list_objects_v2(Bucket=bucket)) == ["\x01"]
    assert b"<Key>&#x1;</Key>" in raw("GET", f"/{bucket}").body


def test_empty_parameters_are_none(raw, filled):
    plain = raw("GET", f"/{filled}?prefix=&marker=&delimiter=&encoding-type=")
    assert (plain.text("Prefix"), plain.text("Marker")) == ("", "")
    assert plain.text("Delimiter") is None
    assert plain.text("NextMarker") is None
    assert raw("GET", f"/{filled}?list-type=2&continuation-token=").text("ContinuationToken") == ""


def test_a_token_of_somebody_else_is_refused(raw, filled):
    assert raw("GET", f"/{filled}?list-type=2&continuation-token=x").code == "InvalidArgument"


def test_a_list_sees_every_write_before_it(s3, bucket):
    for number in range(5):
        s3.put_object(Bucket=bucket, Key=str(number), Body=b"")
        assert len(keys_of(s3.list_objects_v2(Bucket=bucket))) == number + 1


def test_the_expected_owner_is_checked(s3, bucket, refused):
    with refused("AccessDenied", 403):
        s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="0" * 12)


def test_the_other_verbs_of_a_bucket_are_not_allowed(raw, bucket):
    answer = raw("POST", f"/{bucket}")
    assert (answer.status, answer.code) == (405, "MethodNotAllowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PUT"
