"""Insecure direct object references (CWE-639): an account with every right of its own, at the things of another account.

The stranger knows every id and name of the owner's, and sends them wherever an id or a name can be sent.
"""

from __future__ import annotations

import pytest

from harness.hostile import Client
from harness.world import SECRET_CONTENT

LOCKS = {"retention": b"<Retention/>", "legal-hold": b"<LegalHold><Status>ON</Status></LegalHold>"}


@pytest.fixture(scope="module", autouse=True)
def nothing_changes(world):
    """Holds the owner's world after the attacks of this module against what it was before them."""
    before, keys = world.snapshot(), world.owner_keys()
    yield
    assert world.snapshot() == before
    assert world.owner_keys() == keys


@pytest.fixture(scope="module")
def own(stranger, make_bucket):
    """The stranger's own bucket, with an upload that is not finished: name, bucket id, upload id."""
    name, bucket_id = make_bucket(of=stranger)
    upload_id = stranger.s3("POST", f"/{name}/large?uploads").texts("UploadId")[0]
    assert stranger.s3("PUT", f"/{name}/mine", body=b"mine").status == 200
    return name, bucket_id, upload_id


def refused_natively(client, call, **fields):
    answer = client.native(call, **fields)
    assert answer.refusal == (401, "unauthorized"), (call, fields)
    assert SECRET_CONTENT not in answer.body


def test_calls_about_files_are_refused(stranger, world):
    in_bucket = {"bucketId": world.bucket_id}
    for file_id in (world.file_id, world.hidden_id, world.upload_id):
        for call, field in {
            "b2_get_file_info": "fileId",
            "b2_get_upload_part_url": "fileId",
            "b2_list_parts": "fileId",
            "b2_cancel_large_file": "fileId",
        }.items():
            refused_natively(stranger, call, **{field: file_id})
        refused_natively(stranger, "b2_finish_large_file", fileId=file_id, partSha1Array=["0" * 40] * 2)
        for name in ("in/file", "in/hidden", "in/large"):
            refused_natively(stranger, "b2_delete_file_version", fileName=name, fileId=file_id)
    for call, fields in {
        "b2_list_file_names": {},
        "b2_list_file_versions": {"startFileName": "in/file", "startFileId": world.file_id},
        "b2_list_unfinished_large_files": {"startFileId": world.upload_id},
        "b2_hide_file": {"fileName": "in/file"},
        "b2_get_upload_url": {},
        "b2_start_large_file": {"fileName": "x", "contentType": "text/plain"},
        "b2_get_download_authorization": {"fileNamePrefix": "in/", "validDurationInSeconds": 9},
    }.items():
        refused_natively(stranger, call, **in_bucket, **fields)


def test_calls_about_the_account_are_refused_whichever_account_they_name(stranger, world):
    owner = world.owner
    for account_id in (owner.account_id, "", "0" * 12):
        for call, fields in {
            "b2_create_bucket": {"bucketName": "a-new-bucket", "bucketType": "allPublic"},
            "b2_delete_bucket": {"bucketId": world.bucket_id},
            "b2_update_bucket": {"bucketId": world.bucket_id, "bucketType": "allPublic"},
            "b2_list_buckets": {},
            "b2_list_keys": {},
            "b2_create_key": {"capabilities": ["readFiles"], "keyName": "k"},
        }.items():
            refused_natively(stranger, call, accountId=account_id, **fields)
    own_account = {"accountId": stranger.account_id}
    refused_natively(stranger, "b2_update_bucket", bucketId=world.bucket_id, bucketType="allPublic", **own_account)
    refused_natively(stranger, "b2_delete_bucket", bucketId=world.bucket_id, **own_account)
    for key_id in (owner.key_id, owner.account_id):
        assert stranger.native("b2_delete_key", applicationKeyId=key_id).refusal == (400, "bad_request")
    confined_to_anothers = stranger.native(
        "b2_create_key", capabilities=["readFiles"], keyName="k", bucketIds=[world.bucket_id], **own_account
    )
    assert confined_to_anothers.refusal == (400, "bad_bucket_id")


def test_lists_of_the_account_show_nothing_of_another(stranger, world):
    fields = {"accountId": stranger.account_id}
    keys = stranger.ok("b2_list_keys", startApplicationKeyId=world.owner.key_id, **fields)["keys"]
    assert {key["accountId"] for key in keys} <= {stranger.account_id}
    for narrowed in ({}, {"bucketId": world.bucket_id}, {"bucketName": world.name}):
        buckets = stranger.ok("b2_list_buckets", **fields, **narrowed)["buckets"]
        assert world.name not in [bucket["bucketName"] for bucket in buckets]
    assert world.name not in stranger.s3("GET", "/").texts("Name")
    assert world.name not in stranger.s3("GET", f"/?prefix={world.name}").texts("Name")


def test_a_bucket_name_that_is_taken_stays_taken(stranger, world):
    for name in (world.name, world.name.upper()):
        fields = {"accountId": stranger.account_id, "bucketName": name, "bucketType": "allPublic"}
        assert stranger.native("b2_create_bucket", **fields).refusal == (400, "duplicate_bucket_name")
        answer = stranger.s3("PUT", f"/{name}")
        assert answer.refusal == (409, "BucketAlreadyExists")


def test_copies_take_nothing_from_another_account(stranger, world, own):
    name, bucket_id, upload_id = own
    copy = {"sourceFileId": world.file_id, "fileName": "copy"}
    for destination in ({}, {"destinationBucketId": bucket_id}, {"destinationBucketId": world.bucket_id}):
        refused_natively(stranger, "b2_copy_file", **copy, **destination)
    refused_natively(stranger, "b2_copy_part", sourceFileId=world.file_id, largeFileId=upload_id, partNumber=1)
    refused_natively(stranger, "b2_copy_part", sourceFileId=world.file_id, largeFileId=world.upload_id, partNumber=1)
    for source in (f"{world.name}/in/file", f"/{world.name}/in/file?versionId={world.file_id}"):
        for target in (f"/{name}/copy", f"/{name}/large?partNumber=1&uploadId={upload_id}", f"/{world.name}/copy"):
            assert stranger.s3("PUT", target, {"x-amz-copy-source": source}).refusal == (403, "AccessDenied")


def test_copies_put_nothing_into_another_account(stranger, world, own):
    name, _, _ = own
    file_id = stranger.s3("HEAD", f"/{name}/mine").headers["x-amz-version-id"]
    refused_natively(
        stranger, "b2_copy_file", sourceFileId=file_id, fileName="in/file", destinationBucketId=world.bucket_id
    )
    refused_natively(stranger, "b2_copy_part", sourceFileId=file_id, largeFileId=world.upload_id, partNumber=1)


def test_an_upload_of_another_account_cannot_be_reached_through_a_bucket_of_ones_own(stranger, world, own):
    name, _, _ = own
    for key in ("in/large", "large"):
        target = f"/{name}/{key}?uploadId={world.upload_id}"
        complete = (
            b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>"
        )
        for method, added, body in (
            ("PUT", "&partNumber=1", b"x"),
            ("GET", "", b""),
            ("DELETE", "", b""),
            ("POST", "", complete),
        ):
            assert stranger.s3(method, target + added, body=body).refusal == (403, "AccessDenied")


def test_a_version_of_another_account_cannot_be_reached_through_a_bucket_of_ones_own(stranger, world, own):
    name, _, _ = own
    for file_id in (world.file_id, world.hidden_id, world.upload_id):
        for key in ("in/file", "mine"):
            target = f"/{name}/{key}?versionId={file_id}"
            assert stranger.s3("GET", target).refusal == (403, "AccessDenied")
            assert stranger.s3("HEAD", target).status == 403
            assert stranger.s3("DELETE", target).status == 204  # There is no such version here: deleted already.
            for sub_resource, body in LOCKS.items():
                assert stranger.s3("PUT", f"{target}&{sub_resource}", body=body).refusal == (403, "AccessDenied")
            for sub_resource in ("acl", "tagging", "attributes", *LOCKS):
                refused = stranger.s3("GET", f"{target}&{sub_resource}", {"x-amz-object-attributes": "ETag"})
                assert refused.refusal == (403, "AccessDenied")
        body = f"<Delete><Object><Key>in/file</Key><VersionId>{file_id}</VersionId></Object></Delete>".encode()
        assert stranger.s3("POST", f"/{name}?delete", body=body).status == 200


def test_markers_of_another_account_lead_nowhere(stranger, world, own):
    name, bucket_id, _ = own
    listed = stranger.ok("b2_list_file_versions", bucketId=bucket_id, startFileName="", startFileId=None)
    assert {row["bucketId"] for row in listed["files"]} == {bucket_id}
    for query in (
        f"versions&key-marker=a&version-id-marker={world.file_id}",
        f"uploads&key-marker=a&upload-id-marker={world.upload_id}",
    ):
        assert set(stranger.s3("GET", f"/{name}?{query}").texts("Key")) <= {"mine", "large"}
    later = stranger.ok("b2_list_file_versions", bucketId=bucket_id, startFileName="a", startFileId=world.file_id)
    assert {row["fileName"] for row in later["files"]} <= {"mine", "large"}


def test_downloads_are_refused(stranger, world):
    headers = {"Authorization": stranger.token}
    for target in (f"/file/{world.name}/in/file", f"/b2api/v4/b2_download_file_by_id?fileId={world.file_id}"):
        assert stranger.send("GET", target, headers).refusal == (401, "unauthorized")
        assert stranger.send("HEAD", target, headers).status == 401
    assert stranger.send(
        "POST", "/b2api/v4/b2_download_file_by_id", headers, f'{{"fileId":"{world.file_id}"}}'.encode()
    ).refusal == (401, "unauthorized")


def test_the_master_key_of_another_account_is_no_different(server, stranger, world):
    made = server.create_account(f"master-of-{world.name}@example.com")
    master = Client(server, made["accountId"], made["masterApplicationKey"])
    refused_natively(master, "b2_list_file_names", bucketId=world.bucket_id)
    refused_natively(master, "b2_list_keys", accountId=world.owner.account_id)
    refused_natively(master, "b2_list_keys", accountId=stranger.account_id)


def test_an_expected_owner_is_the_owner_of_the_bucket_and_not_the_caller(world):
    owner = world.owner
    target = f"/{world.name}/in/file"
    for expected, status in ((owner.account_id, 200), ("0" * 12, 403), ("", 403)):
        assert owner.s3("GET", target, {"x-amz-expected-bucket-owner": expected}).status == status
    source = {"x-amz-copy-source": f"{world.name}/in/file", "x-amz-source-expected-bucket-owner": "0" * 12}
    assert owner.s3("PUT", f"/{world.name}/copy", source).refusal == (403, "AccessDenied")


def test_what_is_public_is_read_by_strangers_and_that_is_all(stranger, make_world):
    world = make_world("allPublic")
    before = world.snapshot()
    headers = {"Authorization": stranger.token}
    assert stranger.send("GET", f"/file/{world.name}/in/file", headers).body == SECRET_CONTENT
    assert stranger.s3("GET", f"/{world.name}/in/file").body == SECRET_CONTENT
    for method, target in (
        ("GET", f"/{world.name}?list-type=2"),
        ("GET", f"/{world.name}?versions"),
        ("GET", f"/{world.name}?uploads"),
        ("GET", f"/{world.name}?acl"),
        ("GET", f"/{world.name}?location"),
        ("GET", f"/{world.name}/in/large?uploadId={world.upload_id}"),
        ("PUT", f"/{world.name}/in/file"),
        ("DELETE", f"/{world.name}/in/file"),
        ("DELETE", f"/{world.name}"),
        ("POST", f"/{world.name}/new?uploads"),
    ):
        assert stranger.s3(method, target).refusal == (403, "AccessDenied"), target
    for file_id in (world.file_id, world.hidden_id, world.upload_id):
        refused_natively(stranger, "b2_get_file_info", fileId=file_id)
    refused_natively(stranger, "b2_list_file_names", bucketId=world.bucket_id)
    refused_natively(stranger, "b2_hide_file", bucketId=world.bucket_id, fileName="in/file")
    assert world.snapshot() == before
