from __future__ import annotations

import pytest


@pytest.fixture
def upload(s3, bucket):
    created = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32")
    where = {"Bucket": bucket, "Key": "k", "UploadId": created["UploadId"]}
    for number in (2, 3, 5, 8):
        s3.upload_part(**where, PartNumber=number, Body=b"x" * number, ChecksumAlgorithm="CRC32")
    return where


def test_parts_are_listed_by_number_with_what_is_known_of_them(s3, upload, server):
    page = s3.list_parts(**upload)
    assert [(part["PartNumber"], part["Size"]) for part in page["Parts"]] == [(2, 2), (3, 3), (5, 5), (8, 8)]
    assert all(part["ChecksumCRC32"] and part["ETag"].startswith('"') for part in page["Parts"])
    assert (page["ChecksumAlgorithm"], page["ChecksumType"], page["StorageClass"]) == ("CRC32", "COMPOSITE", "STANDARD")
    assert page["Owner"]["ID"] == page["Initiator"]["ID"] == server.account_id
    assert not page["IsTruncated"]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_paging_gives_every_part_once(s3, upload, size):
    numbers = []
    for page in s3.get_paginator("list_parts").paginate(**upload, PaginationConfig={"PageSize": size}):
        assert len(page["Parts"]) <= size
        numbers += [part["PartNumber"] for part in page["Parts"]]
    assert numbers == [2, 3, 5, 8]


def test_a_marker_is_exclusive_and_nothing_lies_behind_the_last(s3, upload):
    assert [part["PartNumber"] for part in s3.list_parts(**upload, PartNumberMarker=3)["Parts"]] == [5, 8]
    behind = s3.list_parts(**upload, PartNumberMarker=10_000)
    assert "Parts" not in behind
    assert not behind["IsTruncated"]


def test_page_sizes_are_clamped_or_refused(raw, upload):
    target = f"/{upload['Bucket']}/k?uploadId={upload['UploadId']}"
    assert raw("GET", f"{target}&max-parts=5000").text("MaxParts") == "1000"
    assert raw("GET", f"{target}&max-parts=0").xml.findall("{*}Part") == []
    for size in ("-1", "x"):
        assert raw("GET", f"{target}&max-parts={size}").code == "InvalidArgument"


def test_an_unknown_upload_has_no_parts(s3, upload, refused):
    with refused("NoSuchUpload", 404):
        s3.list_parts(**(upload | {"Key": "other"}))
