"""The actions end to end over a real store, without HTTP between. What goes over the wire is told in tests/wire/s3."""

from __future__ import annotations

import asyncio

import pytest
from botocore.exceptions import ClientError

from harness.s3_in_process import in_process
from undercroft import limits
from undercroft.http.errors import BodyBroken
from undercroft.s3.actions.unset import UNSET_SETTINGS, missing_setting
from undercroft.s3.facts import FACTS
from undercroft.s3.operations import OPERATIONS
from undercroft.store.errors import TooLarge

NOT_SET_YET = {"GetBucketCors", "GetBucketEncryption", "GetBucketLifecycleConfiguration", "GetObjectLockConfiguration"}
PART = b"a" * 5 * 1024 * 1024


@pytest.fixture
def face(tmp_path):
    with in_process(tmp_path) as running:
        yield running


@pytest.fixture
def s3(face):
    return face.s3


@pytest.fixture
def where(face):
    return {"Bucket": face.bucket, "Key": "k"}


def refusal(call, **settings) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**settings)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_the_life_of_a_bucket(s3, face):
    s3.create_bucket(
        Bucket="second-bucket", ACL="public-read", CreateBucketConfiguration={"LocationConstraint": "us-west-000"}
    )
    assert [row["Name"] for row in s3.list_buckets()["Buckets"]] == [face.bucket, "second-bucket"]
    page = s3.list_buckets(MaxBuckets=1, Prefix="b")
    assert "ContinuationToken" not in page
    first = s3.list_buckets(MaxBuckets=1)
    rest = s3.list_buckets(ContinuationToken=first["ContinuationToken"])
    assert [row["Name"] for row in rest["Buckets"]] == ["second-bucket"]
    assert s3.head_bucket(Bucket="second-bucket")["BucketRegion"] == "us-west-000"
    assert s3.get_bucket_location(Bucket="second-bucket")["LocationConstraint"] == "us-west-000"
    assert len(s3.get_bucket_acl(Bucket="second-bucket")["Grants"]) == 2
    assert refusal(s3.create_bucket, Bucket="second-bucket") == (409, "BucketAlreadyOwnedByYou")
    s3.delete_bucket(Bucket="second-bucket")
    assert refusal(s3.head_bucket, Bucket="second-bucket") == (404, "404")


def test_what_a_bucket_cannot_be_made_with(s3):
    assert refusal(s3.create_bucket, Bucket="another", ACL="authenticated-read") == (400, "InvalidArgument")
    elsewhere = {"LocationConstraint": "eu-west-1"}
    assert refusal(s3.create_bucket, Bucket="another", CreateBucketConfiguration=elsewhere) == (
        400,
        "InvalidLocationConstraint",
    )
    tags = {"Tags": [{"Key": "a", "Value": "b"}]}
    assert refusal(s3.create_bucket, Bucket="another", CreateBucketConfiguration=tags) == (501, "NotImplemented")


def test_versioning_is_on_and_stays_on(s3, face):
    bucket = {"Bucket": face.bucket}
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Enabled"})
    for settings, refused in (
        ({"Status": "Suspended"}, (409, "InvalidBucketState")),
        ({"Status": "Enabled", "MFADelete": "Enabled"}, (501, "NotImplemented")),
        ({"Status": "Off"}, (400, "MalformedXML")),
    ):
        assert refusal(s3.put_bucket_versioning, **bucket, VersioningConfiguration=settings) == refused


@pytest.mark.parametrize(
    "name", sorted(name for name, facts in FACTS.items() if facts.scope == "bucket" and facts.method == "GET")
)
def test_every_setting_of_a_bucket_is_answered_in_xml(s3, face, name):
    facts = FACTS[name]
    operation = getattr(s3, _snake(name))
    settings = {"Bucket": face.bucket} | ({"Id": "1"} if "id" in facts.required else {})
    if OPERATIONS[name].handler is None:
        assert refusal(operation, **settings) == (501, "NotImplemented")
        return
    if UNSET_SETTINGS.get(name) is missing_setting or name in NOT_SET_YET:
        assert refusal(operation, **settings)[0] == 404
    else:
        assert operation(**settings)["ResponseMetadata"]["HTTPStatusCode"] == 200


def _snake(name: str) -> str:
    from botocore import xform_name

    return xform_name(name)


def test_put_get_head_and_what_they_say(s3, where):
    said = {"ContentType": "text/html", "CacheControl": "no-cache", "Metadata": {"a": "1"}}
    put = s3.put_object(**where, Body=b"hello world", ACL="private", **said)
    assert put["ChecksumCRC32"] == "DUoRhQ=="
    got = s3.get_object(**where, ChecksumMode="ENABLED", IfMatch=put["ETag"])
    assert got["Body"].read() == b"hello world"
    assert {name: got[name] for name in said} == said
    assert got["ChecksumCRC32"] == "DUoRhQ=="
    assert s3.head_object(**where, VersionId=put["VersionId"])["ContentLength"] == 11
    part = s3.get_object(**where, Range="bytes=6-", ResponseContentType="a/b")
    assert (part["Body"].read(), part["ContentRange"], part["ContentType"]) == (b"world", "bytes 6-10/11", "a/b")
    assert s3.get_object(**where, PartNumber=1, ChecksumMode="ENABLED")["ContentRange"] == "bytes 0-10/11"
    assert s3.get_object(**where, Range="lines=1")["ContentLength"] == 11


def test_what_cannot_be_got(s3, where, face):
    put = s3.put_object(**where, Body=b"hello")
    assert refusal(s3.get_object, **where, IfNoneMatch=put["ETag"]) == (304, "304")
    assert refusal(s3.get_object, **where, IfMatch="x") == (412, "PreconditionFailed")
    assert refusal(s3.get_object, **where, Range="bytes=5-") == (416, "InvalidRange")
    assert refusal(s3.get_object, **where, PartNumber=2) == (416, "InvalidPartNumber")
    assert refusal(s3.get_object, **where, PartNumber=0) == (400, "InvalidArgument")
    assert refusal(s3.get_object, **where, PartNumber=1, Range="bytes=0-0") == (400, "InvalidRequest")
    assert refusal(s3.get_object, **where, VersionId="junk") == (400, "InvalidArgument")
    assert refusal(s3.get_object, **where, VersionId="null") == (404, "NoSuchVersion")
    assert refusal(s3.get_object, **where, ExpectedBucketOwner="0" * 12) == (403, "AccessDenied")
    assert refusal(s3.get_object, **where, ResponseContentType="a\nb") == (400, "InvalidArgument")
    assert refusal(s3.get_object, Bucket=face.bucket, Key="missing") == (404, "NoSuchKey")
    upload = s3.create_multipart_upload(**where)["UploadId"]
    assert refusal(s3.get_object, **where, VersionId=upload) == (404, "NoSuchVersion")
    marker = s3.delete_object(**where)["VersionId"]
    assert refusal(s3.get_object, **where) == (404, "NoSuchKey")
    assert refusal(s3.head_object, **where, VersionId=marker) == (405, "405")


def test_deleting_hides_shows_again_and_removes(s3, where):
    version = s3.put_object(**where, Body=b"x")["VersionId"]
    marker = s3.delete_object(**where)
    assert marker["DeleteMarker"] is True
    assert s3.delete_object(**where, VersionId=marker["VersionId"])["DeleteMarker"] is True
    assert s3.get_object(**where)["VersionId"] == version
    for _ in range(2):
        assert s3.delete_object(**where, VersionId=version)["VersionId"] == version
    assert s3.delete_object(**where, VersionId="null")["VersionId"] == "null"
    assert refusal(s3.delete_object, **where, VersionId="junk") == (400, "InvalidArgument")
    assert refusal(s3.delete_object, **where, IfMatch="x") == (501, "NotImplemented")


def test_many_deletions_have_an_outcome_each(s3, face):
    objects = [{"Key": "a"}, {"Key": "b", "VersionId": "junk"}, {"Key": "c", "ETag": "x"}]
    answer = s3.delete_objects(Bucket=face.bucket, Delete={"Objects": objects})
    assert [row["Key"] for row in answer["Deleted"]] == ["a"]
    assert [row["Code"] for row in answer["Errors"]] == ["InvalidArgument", "NotImplemented"]
    assert "Deleted" not in s3.delete_objects(Bucket=face.bucket, Delete={"Objects": [{"Key": "a"}], "Quiet": True})


def test_copies_inherit_or_replace(s3, where, face):
    put = s3.put_object(**where, Body=b"hello world", Metadata={"a": "1"})
    target = {"Bucket": face.bucket, "Key": "copy", "CopySource": where}
    assert s3.copy_object(**target)["CopySourceVersionId"] == put["VersionId"]
    assert s3.head_object(Bucket=face.bucket, Key="copy")["Metadata"] == {"a": "1"}
    s3.copy_object(**target, MetadataDirective="REPLACE", Metadata={"b": "2"}, ChecksumAlgorithm="SHA256")
    head = s3.head_object(Bucket=face.bucket, Key="copy", ChecksumMode="ENABLED")
    assert head["Metadata"] == {"b": "2"}
    assert head["ChecksumSHA256"] == "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="
    assert refusal(s3.copy_object, **where, CopySource=where) == (400, "InvalidRequest")
    assert refusal(s3.copy_object, **target, MetadataDirective="MOVE") == (400, "InvalidArgument")
    assert refusal(s3.copy_object, **target, CopySourceIfNoneMatch=put["ETag"]) == (412, "PreconditionFailed")
    assert refusal(s3.copy_object, **target, ExpectedSourceBucketOwner="0" * 12) == (403, "AccessDenied")
    missing = {**target, "CopySource": {"Bucket": face.bucket, "Key": "missing"}}
    assert refusal(s3.copy_object, **missing) == (404, "NoSuchKey")
    marker = s3.delete_object(**where)["VersionId"]
    by_marker = {**target, "CopySource": {**where, "VersionId": marker}}
    assert refusal(s3.copy_object, **by_marker) == (400, "InvalidRequest")


def test_lists_of_objects_in_pages_and_groups(s3, face):
    for key in ("a", "d/1", "d/2", "e+ f"):
        s3.put_object(Bucket=face.bucket, Key=key, Body=b"x")
    for name in ("list_objects", "list_objects_v2"):
        keys, groups = [], []
        for page in s3.get_paginator(name).paginate(
            Bucket=face.bucket, Delimiter="/", PaginationConfig={"PageSize": 1}
        ):
            keys += [row["Key"] for row in page.get("Contents", [])]
            groups += [row["Prefix"] for row in page.get("CommonPrefixes", [])]
        assert (keys, groups) == (["a", "e+ f"], ["d/"])
    page = s3.list_objects_v2(Bucket=face.bucket, StartAfter="a", FetchOwner=True, MaxKeys=1)
    assert page["Contents"][0]["Owner"]["ID"] == face.bench.bucket.account_id
    assert s3.list_objects_v2(Bucket=face.bucket, MaxKeys=0)["KeyCount"] == 0
    assert refusal(s3.list_objects_v2, Bucket=face.bucket, EncodingType="x") == (400, "InvalidArgument")
    assert refusal(s3.list_objects_v2, Bucket=face.bucket, ContinuationToken="x") == (400, "InvalidArgument")
    assert refusal(s3.list_objects, Bucket=face.bucket, MaxKeys=-1) == (400, "InvalidArgument")


def test_lists_of_versions_in_pages_and_groups(s3, face):
    made = []
    for key in ("a", "d/1"):
        made += [(key, s3.put_object(Bucket=face.bucket, Key=key, Body=b"x")["VersionId"]) for _ in range(2)]
        made.append((key, s3.delete_object(Bucket=face.bucket, Key=key)["VersionId"]))
    found = []
    paginator = s3.get_paginator("list_object_versions")
    for page in paginator.paginate(Bucket=face.bucket, PaginationConfig={"PageSize": 2}):
        found += [(row["Key"], row["VersionId"]) for row in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]]
    assert sorted(found) == sorted(made)
    grouped = s3.list_object_versions(Bucket=face.bucket, Delimiter="/")
    assert [row["Prefix"] for row in grouped["CommonPrefixes"]] == ["d/"]
    assert "Versions" not in s3.list_object_versions(Bucket=face.bucket, MaxKeys=0)
    assert refusal(s3.list_object_versions, Bucket=face.bucket, VersionIdMarker="x") == (400, "InvalidArgument")


@pytest.mark.parametrize(("algorithm", "kind"), [("CRC32", "COMPOSITE"), ("CRC64NVME", "FULL_OBJECT")])
def test_a_multipart_upload_from_beginning_to_end(s3, face, where, algorithm, kind):
    upload = s3.create_multipart_upload(**where, ChecksumAlgorithm=algorithm, Metadata={"a": "1"})
    assert upload["ChecksumType"] == kind
    where |= {"UploadId": upload["UploadId"]}
    checksum = f"Checksum{algorithm}"
    listed = []
    for number, body in ((2, PART), (4, b"bbb")):
        part = s3.upload_part(**where, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm)
        listed.append({"PartNumber": number, "ETag": part["ETag"], checksum: part[checksum]})
    source = {"Bucket": face.bucket, "Key": "source"}
    s3.put_object(**source, Body=b"0123456789")
    copied = s3.upload_part_copy(**where, PartNumber=7, CopySource=source, CopySourceRange="bytes=2-4")
    assert copied["CopyPartResult"][checksum]
    pages = s3.get_paginator("list_parts").paginate(**where, PaginationConfig={"PageSize": 2})
    assert [part["PartNumber"] for page in pages for part in page["Parts"]] == [2, 4, 7]
    uploads = s3.list_multipart_uploads(Bucket=face.bucket)["Uploads"]
    assert [row["Key"] for row in uploads] == ["k"]
    finish = {**where, "MultipartUpload": {"Parts": listed}, "MpuObjectSize": len(PART) + 3}
    done = s3.complete_multipart_upload(**finish)
    assert done[checksum].endswith("-2") == (kind == "COMPOSITE")
    assert s3.complete_multipart_upload(**finish)["ETag"] == done["ETag"]
    key = {"Bucket": face.bucket, "Key": "k"}
    assert s3.get_object(**key)["Body"].read() == PART + b"bbb"
    second = s3.get_object(**key, PartNumber=2, ChecksumMode="ENABLED")
    assert (second["Body"].read(), second["PartsCount"], second["ChecksumType"]) == (b"bbb", 2, kind)
    told = s3.get_object_attributes(
        **key, ObjectAttributes=["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"], MaxParts=1
    )
    assert (told["ObjectParts"]["TotalPartsCount"], told["ObjectParts"]["IsTruncated"]) == (2, True)
    assert refusal(s3.get_object_attributes, **key, ObjectAttributes=["X"]) == (400, "InvalidArgument")


def test_lists_of_uploads_in_pages_and_groups(s3, face):
    for key in ("a", "d/1", "d/2"):
        s3.create_multipart_upload(Bucket=face.bucket, Key=key)
    keys = []
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=face.bucket, PaginationConfig={"PageSize": 2})
    for page in pages:
        keys += [row["Key"] for row in page["Uploads"]]
    assert keys == ["a", "d/1", "d/2"]
    grouped = s3.list_multipart_uploads(Bucket=face.bucket, Delimiter="/")
    assert [row["Prefix"] for row in grouped["CommonPrefixes"]] == ["d/"]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=face.bucket, MaxUploads=0)


def test_parts_are_copied_whole_or_in_ranges_that_exist(s3, where, face):
    s3.put_object(Bucket=face.bucket, Key="source", Body=b"0123456789")
    upload = where | {"UploadId": s3.create_multipart_upload(**where)["UploadId"]}
    copy = {**upload, "PartNumber": 1, "CopySource": {"Bucket": face.bucket, "Key": "source"}}
    whole = s3.upload_part_copy(**copy)["CopyPartResult"]
    assert whole["ETag"] == '"781e5e245d69b566979b86e28d23f2c7"'
    for asked in ("0-2", "bytes=5-", "bytes=0-10"):
        assert refusal(s3.upload_part_copy, **copy, CopySourceRange=asked) == (400, "InvalidArgument")
    assert "Parts" not in s3.list_parts(**upload, MaxParts=0)


@pytest.mark.parametrize(("action", "name"), [("copy_object", "copy"), ("upload_part_copy", "copy_part")])
def test_a_source_that_is_too_large_to_copy_is_refused(s3, where, face, monkeypatch, action, name):
    async def refuse(*_, **__):
        raise TooLarge(limits.COPY_MAX_BYTES + 1, limits.COPY_MAX_BYTES)

    monkeypatch.setattr(face.bench.store.files, name, refuse)
    s3.put_object(**where, Body=b"x")
    settings = {**where, "CopySource": where, "Key": "copy"}
    if action == "upload_part_copy":
        settings |= {
            "PartNumber": 1,
            "UploadId": s3.create_multipart_upload(Bucket=face.bucket, Key="copy")["UploadId"],
        }
    assert refusal(getattr(s3, action), **settings) == (400, "InvalidRequest")


def test_a_part_that_vanishes_is_answered_as_the_store_says(s3, where):
    upload = where | {"UploadId": s3.create_multipart_upload(**where)["UploadId"]}
    parts = {"Parts": [{"PartNumber": 1, "ETag": '"no hex"'}]}
    assert refusal(s3.complete_multipart_upload, **upload, MultipartUpload=parts) == (400, "InvalidPart")
    s3.abort_multipart_upload(**upload)
    assert refusal(s3.complete_multipart_upload, **upload, MultipartUpload=parts) == (404, "NoSuchUpload")


def test_what_an_upload_refuses(s3, where):
    assert refusal(s3.create_multipart_upload, **where, ChecksumType="COMPOSITE") == (400, "InvalidRequest")
    both = {"ChecksumAlgorithm": "SHA1", "ChecksumType": "FULL_OBJECT"}
    assert refusal(s3.create_multipart_upload, **where, **both) == (400, "InvalidRequest")
    where |= {"UploadId": s3.create_multipart_upload(**where, ChecksumAlgorithm="CRC32")["UploadId"]}
    wrong = {"PartNumber": 1, "Body": b"x", "ChecksumAlgorithm": "SHA256"}
    assert refusal(s3.upload_part, **where, **wrong) == (400, "InvalidRequest")
    part = s3.upload_part(**where, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32")
    bare = {"PartNumber": 1, "ETag": part["ETag"]}
    full = bare | {"ChecksumCRC32": part["ChecksumCRC32"]}
    for parts, more, refused in (
        ([bare], {}, "InvalidRequest"),
        ([bare | {"ChecksumCRC32": "AAAAAA=="}], {}, "InvalidPart"),
        ([full], {"ChecksumType": "FULL_OBJECT"}, "InvalidRequest"),
        ([full], {"ChecksumCRC32": "AAAAAA=="}, "BadDigest"),
        ([full], {"MpuObjectSize": 2}, "InvalidRequest"),
        ([full | {"PartNumber": 2}], {}, "InvalidPart"),
    ):
        done = {**where, "MultipartUpload": {"Parts": parts}, **more}
        assert refusal(s3.complete_multipart_upload, **done) == (400, refused)
    s3.abort_multipart_upload(**where)
    assert refusal(s3.list_parts, **where) == (404, "NoSuchUpload")
    gone = {**where, "MultipartUpload": {"Parts": [full]}}
    assert refusal(s3.complete_multipart_upload, **gone) == (404, "NoSuchUpload")


def test_a_checksum_stated_for_an_upload_without_one_is_verified_and_kept(s3, where):
    upload = where | {"UploadId": s3.create_multipart_upload(**where)["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"hello world", ChecksumAlgorithm="CRC32C")
    plain = s3.upload_part(**upload, PartNumber=2, Body=b"x", ChecksumAlgorithm="SHA1")
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    mixed = [{"PartNumber": 2, "ETag": plain["ETag"]}]
    for listed, stated in (
        (mixed, {"ChecksumCRC32C": "yZRlqg=="}),
        (mixed, {"ChecksumSHA1": "Kq5sNclPz7QV2+lfQIuc6R7oRu0="}),
    ):
        done = {**upload, "MultipartUpload": {"Parts": listed}, **stated}
        assert refusal(s3.complete_multipart_upload, **done) == (400, "InvalidRequest")
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, ChecksumCRC32C="yZRlqg==")
    assert (done["ChecksumCRC32C"], done["ChecksumType"]) == ("yZRlqg==", "FULL_OBJECT")


def test_objects_have_no_tags_and_no_locks_and_the_acl_of_their_bucket(s3, where, face):
    s3.put_object(**where, Body=b"x")
    assert s3.get_object_tagging(**where)["TagSet"] == []
    assert refusal(s3.get_object_retention, **where) == (400, "InvalidRequest")
    assert refusal(s3.get_object_legal_hold, **where) == (400, "InvalidRequest")
    assert len(s3.get_object_acl(**where)["Grants"]) == 1
    s3.put_bucket_acl(Bucket=where["Bucket"], ACL="public-read")
    assert len(s3.get_object_acl(**where)["Grants"]) == 2
    s3.put_object_acl(**where, ACL="public-read")
    assert refusal(s3.put_object_acl, **where, ACL="private") == (400, "InvalidArgument")
    assert refusal(s3.put_bucket_acl, Bucket=where["Bucket"], ACL="authenticated-read") == (400, "InvalidArgument")
    assert refusal(s3.put_bucket_acl, Bucket=where["Bucket"]) == (400, "MissingSecurityHeader")
    assert face.send("PUT", f"/{face.bucket}?acl")[0] == 403
    policy = {"Owner": {"ID": "x"}, "Grants": []}
    assert refusal(s3.put_bucket_acl, Bucket=where["Bucket"], AccessControlPolicy=policy) == (501, "NotImplemented")
    both = {"AccessControlPolicy": policy, "ACL": "private"}
    assert refusal(s3.put_bucket_acl, Bucket=where["Bucket"], **both) == (400, "UnexpectedContent")


def test_a_virtual_host_addresses_the_same_object(s3, face, where):
    s3.create_bucket(Bucket="public-bucket", ACL="public-read")
    s3.put_object(Bucket="public-bucket", Key="file/x", Body=b"hello")
    for target, bucket in (("/public-bucket/file/x", None), ("/file/x", "public-bucket")):
        status, headers, body = face.send("GET", target, bucket=bucket)
        assert (status, body) == (200, b"hello")
        assert len(headers["x-amz-request-id"]) == 16


@pytest.mark.parametrize(
    ("method", "target", "headers", "refused"),
    [
        ("GET", "/", {}, (403, b"AccessDenied")),
        ("PUT", "/bench-bucket/k", {}, (403, b"AccessDenied")),
        ("GET", "/bench-bucket/%ff", {}, (400, b"InvalidURI")),
        ("OPTIONS", "/bench-bucket/k", {}, (400, b"BadRequest")),
        ("OPTIONS", "/bench-bucket/k", {"origin": "http://x"}, (400, b"BadRequest")),
        ("GET", "/no-such-bucket/k?response-expires=x", {}, (400, b"InvalidRequest")),
        ("GET", "/bench-bucket/k?tagging", {}, (403, b"AccessDenied")),
    ],
)
def test_nobody_is_refused_in_xml(face, method, target, headers, refused):
    status, answered, body = face.send(method, target, headers)
    assert (status, b"<Code>" + refused[1] + b"</Code>" in body) == (refused[0], True)
    assert answered["x-amz-bucket-region"] == "us-west-000"
    assert f"<RequestId>{answered['x-amz-request-id']}</RequestId>".encode() in body


def test_lifecycle_rules_made_natively_are_shown_and_put_again_and_deleted(s3, face):
    rules = [{"fileNamePrefix": "", "daysFromHidingToDeleting": 1, "daysFromUploadingToHiding": None}]
    buckets, principal = face.bench.store.buckets, face.bench.principal
    update = buckets.update(principal, face.bench.bucket.bucket_id, lifecycle_rules=rules)
    asyncio.run_coroutine_threadsafe(update, face._loop).result()
    (rule,) = shown = s3.get_bucket_lifecycle_configuration(Bucket=face.bucket)["Rules"]
    assert (rule["Filter"], rule["NoncurrentVersionExpiration"]) == ({"Prefix": ""}, {"NoncurrentDays": 1})
    put = {"Bucket": face.bucket, "LifecycleConfiguration": {"Rules": shown}}
    s3.put_bucket_lifecycle_configuration(**put)
    assert s3.get_bucket_lifecycle_configuration(Bucket=face.bucket)["Rules"] == shown
    put["LifecycleConfiguration"] = {"Rules": [rule | {"ID": "x", "Filter": {"Prefix": prefix}} for prefix in "ab"]}
    assert refusal(s3.put_bucket_lifecycle_configuration, **put) == (400, "InvalidArgument")
    put["LifecycleConfiguration"] = {"Rules": [rule | {"ID": prefix, "Prefix": prefix} for prefix in "ab"]}
    assert refusal(s3.put_bucket_lifecycle_configuration, **put) == (400, "MalformedXML")
    s3.delete_bucket_lifecycle(Bucket=face.bucket)
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket=face.bucket)[0] == 404


def test_a_client_that_leaves_is_the_adapters_affair(face, monkeypatch):
    async def leave(*_):
        raise BodyBroken("gone")

    monkeypatch.setattr(face._face, "_call", leave)
    with pytest.raises(BodyBroken):
        face.send("GET", "/")
