from __future__ import annotations

import pytest


@pytest.fixture
def history(s3, bucket):
    """Versions and markers of three keys, newest first, as (key, version id, is marker)."""
    made = []
    for key in ("a", "d/b", "d/c"):
        entries = []
        for _ in range(2):
            entries.append((key, s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"], False))
            entries.append((key, s3.delete_object(Bucket=bucket, Key=key)["VersionId"], True))
        made += reversed(entries)
    s3.create_multipart_upload(Bucket=bucket, Key="a")
    return made


def entries_of(page):
    rows = [(row["Key"], row["VersionId"], False) for row in page.get("Versions", [])]
    return rows + [(row["Key"], row["VersionId"], True) for row in page.get("DeleteMarkers", [])]


def test_versions_and_markers_are_interleaved_newest_first(raw, bucket, history):
    root = raw("GET", f"/{bucket}?versions").xml
    rows = [row for row in root if row.tag.endswith(("Version", "DeleteMarker"))]
    got = [(row.findtext("{*}Key"), row.findtext("{*}VersionId"), row.tag.endswith("Marker")) for row in rows]
    assert got == history
    latest = [row.findtext("{*}IsLatest") for row in rows]
    assert latest == ["true", "false", "false", "false"] * 3


def test_a_version_has_all_that_a_listed_object_has(s3, bucket, history, server):
    row = s3.list_object_versions(Bucket=bucket)["Versions"][0]
    assert (row["Size"], row["StorageClass"], row["ChecksumAlgorithm"]) == (1, "STANDARD", ["CRC32"])
    assert row["ETag"] == '"9dd4e461268c8034f5c8564e155c67a6"'
    assert row["Owner"]["ID"] == server.account_id


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_paging_goes_on_within_a_key(s3, bucket, history, size):
    got = []
    config = {"PageSize": size}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig=config):
        assert len(entries_of(page)) <= size
        got += entries_of(page)
    assert sorted(got) == sorted(history)


def test_paging_goes_on_when_the_page_before_has_been_deleted(s3, bucket, history):
    got, markers = [], {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, MaxKeys=3, **markers)
        got += entries_of(page)
        for key, version_id, _ in entries_of(page):
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version_id)
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert sorted(got) == sorted(history)


def test_a_key_marker_alone_skips_its_key(s3, bucket, history):
    assert entries_of(s3.list_object_versions(Bucket=bucket, KeyMarker="a", MaxKeys=1)) == [history[4]]


def test_groups_are_paged_too(s3, bucket, history):
    page = s3.list_object_versions(Bucket=bucket, Delimiter="/", MaxKeys=5)
    assert [row["Prefix"] for row in page["CommonPrefixes"]] == ["d/"]
    assert len(entries_of(page)) == 4
    assert not page["IsTruncated"]
    grouped = s3.list_object_versions(Bucket=bucket, Delimiter="/", Prefix="d/", MaxKeys=3)
    assert (grouped["NextKeyMarker"], grouped["NextVersionIdMarker"]) == history[6][:2]


def test_markers_that_do_not_go_together_are_refused(raw, bucket, history):
    assert raw("GET", f"/{bucket}?versions&version-id-marker={history[0][1]}").code == "InvalidArgument"
    assert raw("GET", f"/{bucket}?versions&key-marker=a&version-id-marker=junk").code == "InvalidArgument"
    assert raw("GET", f"/{bucket}?versions&max-keys=-1").code == "InvalidArgument"


def test_names_are_url_encoded_when_asked(s3, raw, bucket):
    s3.put_object(Bucket=bucket, Key="a b+", Body=b"")
    answer = raw("GET", f"/{bucket}?versions&encoding-type=url&key-marker=a%20a")
    assert (answer.text("Version/Key"), answer.text("KeyMarker")) == ("a%20b%2B", "a%20a")
