"""boto3, with its default settings over HTTP, and with every other way that it can sign and address."""

from __future__ import annotations

import base64
import hashlib
import io
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from harness.clients import boto3_client, names_on_loopback
from harness.server import Server
from harness.trees import random_bytes

MIB = 1024 * 1024
SIZES = [0, 1, 65_535, 65_536, 65_537, 300_000]


def code_of(raised: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    """The error's code and HTTP status."""
    response = raised.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_default_client_puts_and_gets_bodies_of_every_size_class(s3: Any, bucket: str) -> None:
    for size in SIZES:
        body = random_bytes(size, seed=size)
        put = s3.put_object(Bucket=bucket, Key=f"size/{size}", Body=body)
        assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
        got = s3.get_object(Bucket=bucket, Key=f"size/{size}")
        assert got["Body"].read() == body
        assert (got["ETag"], got["ContentLength"]) == (put["ETag"], size)


def test_user_metadata_and_content_headers_come_back(s3: Any, bucket: str) -> None:
    headers = {
        "ContentType": "text/x-test; charset=utf-8",
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="a b.txt"',
        "ContentEncoding": "identity",
        "ContentLanguage": "de",
    }
    s3.put_object(Bucket=bucket, Key="meta", Body=b"x", Metadata={"colour": "blue", "two-words": "a b"}, **headers)
    head = s3.head_object(Bucket=bucket, Key="meta")
    assert head["Metadata"] == {"colour": "blue", "two-words": "a b"}
    assert {name: head[name] for name in headers} == headers
    assert abs(head["LastModified"] - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_range_gives_its_bytes_and_one_past_the_end_is_refused(s3: Any, bucket: str) -> None:
    body = random_bytes(200_000)
    s3.put_object(Bucket=bucket, Key="ranged", Body=body)
    for asked, start, end in [
        ("0-0", 0, 1),
        ("65530-65545", 65_530, 65_546),
        ("199990-", 199_990, 200_000),
        ("-7", 199_993, 200_000),
    ]:
        got = s3.get_object(Bucket=bucket, Key="ranged", Range=f"bytes={asked}")
        assert got["Body"].read() == body[start:end]
        assert got["ContentRange"] == f"bytes {start}-{end - 1}/200000"
    with pytest.raises(ClientError) as raised:
        s3.get_object(Bucket=bucket, Key="ranged", Range="bytes=200000-")
    assert code_of(raised) == ("InvalidRange", 416)


def test_multipart_upload_has_the_etag_of_its_parts_and_every_byte(s3: Any, bucket: str) -> None:
    parts = [random_bytes(5 * MIB, 1), random_bytes(5 * MIB, 2), random_bytes(1234, 3)]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="large", ContentType="x/y", Metadata={"a": "b"})["UploadId"]
    done = []
    for number, part in enumerate(parts, 1):
        answer = s3.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=number, Body=part)
        done.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": answer["ChecksumCRC32"]})
    listed = s3.list_parts(Bucket=bucket, Key="large", UploadId=upload)["Parts"]
    assert [(row["PartNumber"], row["Size"]) for row in listed] == [(1, 5 * MIB), (2, 5 * MIB), (3, 1234)]
    assert [row["Key"] for row in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["large"]
    s3.complete_multipart_upload(Bucket=bucket, Key="large", UploadId=upload, MultipartUpload={"Parts": done})
    digest = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    got = s3.get_object(Bucket=bucket, Key="large")
    assert got["ETag"] == f'"{digest}-3"'
    assert got["Body"].read() == b"".join(parts)
    assert (got["ContentType"], got["Metadata"]) == ("x/y", {"a": "b"})
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_completing_with_a_wrong_etag_or_order_is_refused_and_the_upload_stays(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    tags = [
        s3.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=number, Body=random_bytes(5 * MIB))[
            "ETag"
        ]
        for number in (1, 2)
    ]
    wrong: list[tuple[str, list[dict[str, Any]]]] = [
        ("InvalidPart", [{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}]),
        ("InvalidPart", [{"PartNumber": 7, "ETag": tags[0]}]),
        ("InvalidPartOrder", [{"PartNumber": 2, "ETag": tags[1]}, {"PartNumber": 1, "ETag": tags[0]}]),
    ]
    for code, parts in wrong:
        with pytest.raises(ClientError) as raised:
            s3.complete_multipart_upload(Bucket=bucket, Key="large", UploadId=upload, MultipartUpload={"Parts": parts})
        assert code_of(raised) == (code, 400)
    assert len(s3.list_parts(Bucket=bucket, Key="large", UploadId=upload)["Parts"]) == 2
    s3.abort_multipart_upload(Bucket=bucket, Key="large", UploadId=upload)
    with pytest.raises(ClientError) as raised:
        s3.list_parts(Bucket=bucket, Key="large", UploadId=upload)
    assert code_of(raised) == ("NoSuchUpload", 404)


def test_transfer_manager_sends_and_fetches_a_large_file(s3: Any, bucket: str) -> None:
    body = random_bytes(17 * MIB + 5)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(body), bucket, "managed", Config=config)
    assert s3.head_object(Bucket=bucket, Key="managed")["ETag"].endswith('-4"')
    fetched = io.BytesIO()
    s3.download_fileobj(bucket, "managed", fetched, Config=config)
    assert fetched.getvalue() == body


def test_parts_can_be_copied_from_ranges_of_an_object(s3: Any, bucket: str) -> None:
    body = random_bytes(11 * MIB)
    s3.put_object(Bucket=bucket, Key="source", Body=body)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="joined")["UploadId"]
    source = {"Bucket": bucket, "Key": "source"}
    done = []
    for number, (first, last) in enumerate([(0, 5 * MIB - 1), (6 * MIB, 11 * MIB - 1)], 1):
        answer = s3.upload_part_copy(
            Bucket=bucket, Key="joined", UploadId=upload, PartNumber=number,
            CopySource=source, CopySourceRange=f"bytes={first}-{last}",
        )  # fmt: skip
        done.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(Bucket=bucket, Key="joined", UploadId=upload, MultipartUpload={"Parts": done})
    assert s3.get_object(Bucket=bucket, Key="joined")["Body"].read() == body[: 5 * MIB] + body[6 * MIB :]


def test_copy_keeps_metadata_and_replaces_it_when_told_to(s3: Any, make_bucket: Callable[[], str]) -> None:
    here, there = make_bucket(), make_bucket()
    s3.put_object(Bucket=here, Key="a b/ü", Body=b"content", ContentType="x/old", Metadata={"kind": "old"})
    source = {"Bucket": here, "Key": "a b/ü"}
    s3.copy_object(Bucket=there, Key="kept", CopySource=source)
    s3.copy_object(
        Bucket=there, Key="replaced", CopySource=source,
        MetadataDirective="REPLACE", ContentType="x/new", Metadata={"kind": "new"},
    )  # fmt: skip
    for key, kind in [("kept", "old"), ("replaced", "new")]:
        got = s3.get_object(Bucket=there, Key=key)
        assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"content", f"x/{kind}", {"kind": kind})


def test_lists_are_paged_in_byte_order_with_folders(s3: Any, bucket: str) -> None:
    keys = sorted([f"a/{n:03d}" for n in range(12)] + ["a b", "b", "c/d/e", "é", "😀", "Z"], key=str.encode)
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for operation in ("list_objects", "list_objects_v2"):
        pages = s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": 5})
        assert [row["Key"] for page in pages for row in page["Contents"]] == keys
        seen: list[str] = []
        for page in s3.get_paginator(operation).paginate(
            Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2}
        ):
            seen += [row["Key"] for row in page.get("Contents", [])]
            seen += [row["Prefix"] for row in page.get("CommonPrefixes", [])]
        assert sorted(seen) == sorted(["Z", "a b", "a/", "b", "c/", "é", "😀"])
    under = s3.list_objects_v2(Bucket=bucket, Prefix="a/", StartAfter="a/009")
    assert [row["Key"] for row in under["Contents"]] == ["a/010", "a/011"]


def test_deleting_hides_and_deleting_versions_removes(s3: Any, bucket: str) -> None:
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    with pytest.raises(ClientError) as raised:
        s3.get_object(Bucket=bucket, Key="k")
    assert code_of(raised) == ("NoSuchKey", 404)
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"
    listed = s3.list_object_versions(Bucket=bucket)
    assert [(row["VersionId"], row["IsLatest"]) for row in listed["Versions"]] == [(second, False), (first, False)]
    assert [(row["VersionId"], row["IsLatest"]) for row in listed["DeleteMarkers"]] == [(marker["VersionId"], True)]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"


def test_delete_objects_answers_for_every_key(s3: Any, bucket: str) -> None:
    keys = [f"x{number}" for number in range(30)] + ["<&>", "ü"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    asked = [{"Key": key} for key in [*keys, "never-there"]]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": asked})
    assert sorted(row["Key"] for row in answer["Deleted"]) == sorted([*keys, "never-there"])
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_every_checksum_algorithm_is_stored_and_returned(s3: Any, bucket: str, algorithm: str) -> None:
    body = random_bytes(100_000)
    put = s3.put_object(Bucket=bucket, Key="summed", Body=body, ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=bucket, Key="summed", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    got = s3.get_object(Bucket=bucket, Key="summed", ChecksumMode="ENABLED")
    assert got["Body"].read() == body  # botocore checks the checksum as it reads.


def test_a_wrong_checksum_or_digest_is_refused_and_leaves_nothing(s3: Any, bucket: str) -> None:
    other = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    with pytest.raises(ClientError) as raised:
        s3.put_object(Bucket=bucket, Key="bad", Body=b"content", ChecksumSHA256=other)
    assert code_of(raised) == ("BadDigest", 400)
    with pytest.raises(ClientError) as raised:
        s3.put_object(Bucket=bucket, Key="bad", Body=b"content", ContentMD5=base64.b64encode(b"0" * 16).decode())
    assert code_of(raised) == ("BadDigest", 400)
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_conditional_reads(s3: Any, bucket: str) -> None:
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert s3.get_object(Bucket=bucket, Key="k", IfMatch=tag)["Body"].read() == b"x"
    for condition in ({"IfNoneMatch": tag}, {"IfModifiedSince": modified}):
        with pytest.raises(ClientError) as raised:
            s3.get_object(Bucket=bucket, Key="k", **condition)
        assert code_of(raised)[1] == 304
    for condition in ({"IfMatch": '"0"'}, {"IfUnmodifiedSince": modified - timedelta(days=1)}):
        with pytest.raises(ClientError) as raised:
            s3.get_object(Bucket=bucket, Key="k", **condition)
        assert code_of(raised) == ("PreconditionFailed", 412)


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("signature", ["s3v4", "s3v4-query"])
def test_presigned_urls_read_and_write_in_both_address_styles(
    server: Server, bucket: str, style: str, signature: str
) -> None:
    port = server.api_url.rsplit(":", 1)[1]
    endpoint = f"http://s3.{server.region}.localhost:{port}"
    s3 = boto3_client(server, endpoint=endpoint, s3={"addressing_style": style}, signature_version=signature)
    put = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a b/+ü&.txt"}, ExpiresIn=60)
    get = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b/+ü&.txt"}, ExpiresIn=60)
    with names_on_loopback(".localhost"):
        request = urllib.request.Request(put, data=b"signed", method="PUT")
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(get) as answer:
            assert answer.read() == b"signed"
        with pytest.raises(HTTPError) as raised:
            urllib.request.urlopen(get.replace("X-Amz-Expires=60", "X-Amz-Expires=61"))
        assert raised.value.code == 403
        raised.value.close()


def test_virtual_hosted_buckets_do_all_that_path_style_does(server: Server, bucket: str) -> None:
    port = server.api_url.rsplit(":", 1)[1]
    endpoint = f"http://s3.{server.region}.localhost:{port}"
    s3 = boto3_client(server, endpoint=endpoint, s3={"addressing_style": "virtual"})
    with names_on_loopback(".localhost"):
        s3.put_object(Bucket=bucket, Key="file/x", Body=b"on a virtual host this is a key")
        assert s3.get_object(Bucket=bucket, Key="file/x")["Body"].read() == b"on a virtual host this is a key"
        assert [row["Key"] for row in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["file/x"]


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-003", "auto"])
def test_any_region_is_accepted_in_a_signature(server: Server, bucket: str, region: str) -> None:
    s3 = boto3_client(server, region=region)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_a_wrong_secret_an_unknown_key_and_the_master_key_are_refused(server: Server, bucket: str) -> None:
    for key, code in [
        ((server.key_id, "x" * 31), "SignatureDoesNotMatch"),
        (("000" + "f" * 22, server.application_key), "InvalidAccessKeyId"),
        ((server.master_key_id, server.master_application_key), "InvalidAccessKeyId"),
    ]:
        with pytest.raises(ClientError) as raised:
            boto3_client(server, key=key).list_objects_v2(Bucket=bucket)
        assert code_of(raised) == (code, 403)


def test_buckets_are_made_listed_and_removed_only_when_empty(
    server: Server, s3: Any, new_name: Callable[[str], str]
) -> None:
    name = new_name("own")
    s3.create_bucket(Bucket=name)
    assert name in [row["Name"] for row in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] in {None, server.region}
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    version = s3.put_object(Bucket=name, Key="k", Body=b"x")["VersionId"]
    with pytest.raises(ClientError) as raised:
        s3.delete_bucket(Bucket=name)
    assert code_of(raised) == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket=name, Key="k", VersionId=version)
    s3.delete_bucket(Bucket=name)
    with pytest.raises(ClientError) as raised:
        s3.head_bucket(Bucket=name)
    assert code_of(raised)[1] == 404


def test_a_bucket_made_again_under_its_old_name_works_at_once_on_every_worker(
    server: Server, new_name: Callable[[str], str]
) -> None:
    name = new_name("again")
    clients = [boto3_client(server) for _ in range(6)]  # A connection each, spread over the workers.
    for number in range(4):
        clients[number].create_bucket(Bucket=name)
        put = [client.put_object(Bucket=name, Key="k", Body=b"%d" % number)["VersionId"] for client in clients]
        for client in clients:
            assert client.get_object(Bucket=name, Key="k")["Body"].read() == b"%d" % number
        for version in put:
            clients[number].delete_object(Bucket=name, Key="k", VersionId=version)
        clients[number].delete_bucket(Bucket=name)
        for client in clients:
            with pytest.raises(ClientError) as raised:
                client.get_object(Bucket=name, Key="k")
            assert code_of(raised) == ("NoSuchBucket", 404)


def test_streams_without_a_known_length_are_stored_whole(s3: Any, bucket: str) -> None:
    body = random_bytes(3 * MIB + 1)

    class Pipe(io.RawIOBase):
        """Readable once, not seekable, like a pipe."""

        def __init__(self) -> None:
            self.rest = io.BytesIO(body)

        def readable(self) -> bool:
            return True

        def readinto(self, target: Any) -> int:
            return self.rest.readinto(target)

    s3.upload_fileobj(Pipe(), bucket, "piped")
    assert s3.get_object(Bucket=bucket, Key="piped")["Body"].read() == body


def test_over_tls_the_default_client_streams_unsigned_chunks_with_a_trailer(tls_server: Server) -> None:
    s3 = boto3_client(tls_server)
    s3.create_bucket(Bucket="over-tls-with-boto3")
    for size in SIZES:
        body = random_bytes(size, seed=size)
        s3.put_object(Bucket="over-tls-with-boto3", Key=f"size/{size}", Body=io.BytesIO(body))
        got = s3.get_object(Bucket="over-tls-with-boto3", Key=f"size/{size}", ChecksumMode="ENABLED")
        assert got["Body"].read() == body
        assert "ChecksumCRC32" in got
