"""Broken access control (CWE-285, CWE-863): every call and operation against keys that must not do it (P6).

Three keys have every capability that they can have, and lack the right all the same: one is for another bucket, one for
another name prefix, one has expired. Whatever they try, they are refused in the words of the protocol, and the owner's world
stays as it was.
"""

from __future__ import annotations

import json
import time
from urllib.parse import urlencode

import pytest

from harness.hostile import Client
from undercroft.native.app import UPLOADS
from undercroft.native.calls import CALLS
from undercroft.s3.facts import FACTS
from undercroft.s3.operations import OPERATIONS
from undercroft.store.operations import ALL_CAPABILITIES, BUCKET_CAPABILITIES

S3_ANSWERED = sorted(name for name in FACTS if OPERATIONS[name].handler is not None)


def of_group(world, **fields):
    """The parameters of a call about a group."""
    return {"adminAccountId": world.owner.account_id, "groupId": "1", **fields}


# The capability of every native call, and a body that would succeed for the owner (or fail for another reason than rights).
RETENTION = {"mode": "governance", "retainUntilTimestamp": 4_102_444_800_000}
NATIVE = {
    "b2_cancel_large_file": ("writeFiles", lambda w: {"fileId": w.upload_id}),
    "b2_copy_file": ("writeFiles", lambda w: {"sourceFileId": w.file_id, "fileName": "in/copy"}),
    "b2_copy_part": (
        "writeFiles",
        lambda w: {"sourceFileId": w.file_id, "largeFileId": w.upload_id, "partNumber": 2},
    ),
    "b2_create_bucket": (
        "writeBuckets",
        lambda w: {"accountId": w.owner.account_id, "bucketName": "stolen-name", "bucketType": "allPublic"},
    ),
    "b2_create_key": (
        "writeKeys",
        lambda w: {"accountId": w.owner.account_id, "capabilities": ["readFiles"], "keyName": "stolen"},
    ),
    "b2_create_group_member": ("writeKeys", lambda w: of_group(w, memberEmail="stolen@example.com")),
    "b2_delete_bucket": ("deleteBuckets", lambda w: {"accountId": w.owner.account_id, "bucketId": w.bucket_id}),
    "b2_delete_file_version": ("deleteFiles", lambda w: {"fileName": "in/file", "fileId": w.file_id}),
    "b2_delete_key": ("deleteKeys", lambda w: {"applicationKeyId": w.owner.key_id}),
    "b2_eject_group_member": ("writeKeys", lambda w: of_group(w, memberAccountId=w.owner.account_id)),
    "b2_finish_large_file": (
        "writeFiles",
        lambda w: {"fileId": w.upload_id, "partSha1Array": ["0" * 40, "0" * 40]},
    ),
    "b2_get_bucket_notification_rules": ("readBucketNotifications", lambda w: {"bucketId": w.bucket_id}),
    "b2_get_download_authorization": (
        "shareFiles",
        lambda w: {"bucketId": w.bucket_id, "fileNamePrefix": "in/", "validDurationInSeconds": 60},
    ),
    "b2_get_file_info": ("readFiles", lambda w: {"fileId": w.file_id}),
    "b2_get_upload_part_url": ("writeFiles", lambda w: {"fileId": w.upload_id}),
    "b2_get_upload_url": ("writeFiles", lambda w: {"bucketId": w.bucket_id}),
    "b2_hide_file": ("writeFiles", lambda w: {"bucketId": w.bucket_id, "fileName": "in/file"}),
    "b2_list_buckets": ("listBuckets", lambda w: {"accountId": w.owner.account_id, "bucketId": w.bucket_id}),
    "b2_list_file_names": ("listFiles", lambda w: {"bucketId": w.bucket_id, "prefix": "in/"}),
    "b2_list_file_versions": ("listFiles", lambda w: {"bucketId": w.bucket_id, "prefix": "in/"}),
    "b2_list_group_members": ("writeKeys", of_group),
    "b2_list_groups": ("writeKeys", lambda w: {"adminAccountId": w.owner.account_id}),
    "b2_list_keys": ("listKeys", lambda w: {"accountId": w.owner.account_id}),
    "b2_list_parts": ("writeFiles", lambda w: {"fileId": w.upload_id}),
    "b2_list_unfinished_large_files": ("listFiles", lambda w: {"bucketId": w.bucket_id, "namePrefix": "in/"}),
    "b2_reserve_trial_create_account": (
        "writeKeys",
        lambda _: [{"email": "stolen@example.com", "term": 7, "storage": 1}],
    ),
    "b2_set_bucket_notification_rules": (
        "writeBucketNotifications",
        lambda w: {"bucketId": w.bucket_id, "eventNotificationRules": []},
    ),
    "b2_start_large_file": (
        "writeFiles",
        lambda w: {"bucketId": w.bucket_id, "fileName": "in/new", "contentType": "text/plain"},
    ),
    "b2_update_bucket": (
        "writeBuckets",
        lambda w: {"accountId": w.owner.account_id, "bucketId": w.bucket_id, "bucketType": "allPublic"},
    ),
    "b2_update_file_legal_hold": (
        "writeFileLegalHolds",
        lambda w: {"fileId": w.file_id, "fileName": "in/file", "legalHold": "on"},
    ),
    "b2_update_file_retention": (
        "writeFileRetentions",
        lambda w: {"fileId": w.file_id, "fileName": "in/file", "fileRetention": RETENTION},
    ),
}
# These two alone say 403 to who may not.
OF_LOCKS = {"b2_update_file_legal_hold", "b2_update_file_retention"}
UNAUTHORIZED = (401, "unauthorized")
# Those that concern no file name, which a name prefix therefore does not confine.
WITHOUT_A_NAME = {
    "b2_create_bucket", "b2_create_key", "b2_delete_bucket", "b2_delete_key", "b2_get_upload_url", "b2_list_buckets",
    "b2_list_keys", "b2_update_bucket",
}  # fmt: skip
NAMED = sorted(set(NATIVE) - WITHOUT_A_NAME)
READS = [("GET", "/file/{name}/in/file"), ("GET", "/b2api/v4/b2_download_file_by_id?fileId={file_id}")]


def test_no_native_call_is_left_out():
    assert set(NATIVE) == set(CALLS)
    assert set(UPLOADS) == {"b2_upload_file", "b2_upload_part"}  # Attacked with their tokens elsewhere.
    assert {capability for capability, _ in NATIVE.values()} <= set(ALL_CAPABILITIES)


@pytest.fixture(scope="module", autouse=True)
def nothing_changes(world):
    """Holds the owner's world after the attacks of this module against what it was before them."""
    before, keys = world.snapshot(), set(world.owner_keys())
    yield
    assert world.snapshot() == before
    assert keys <= set(world.owner_keys())


@pytest.fixture(scope="module")
def of_another_bucket(owner, make_bucket):
    """A key with every capability that a key of one bucket can have, for another bucket."""
    _, bucket_id = make_bucket()
    return owner.restricted(BUCKET_CAPABILITIES - {"listAllBucketNames"}, bucketIds=[bucket_id])


@pytest.fixture(scope="module")
def of_another_prefix(owner):
    """A key for names under another prefix."""
    return owner.restricted(ALL_CAPABILITIES, namePrefix="out/")


@pytest.fixture(scope="module")
def expired(owner):
    """A key whose time has run out after it was used on both faces."""
    key = owner.restricted(ALL_CAPABILITIES, validDurationInSeconds=1)
    assert key.token
    assert key.s3("GET", "/").status == 200
    while key.s3("GET", "/").status == 200:
        time.sleep(0.05)
    return key


def native_outcomes(client, world, calls=NATIVE, *, token=None):
    """What each of the calls answers to the client: a set of refusals, or the calls that were not refused alike."""
    bodies = {call: json.dumps(NATIVE[call][1](world)).encode() for call in calls}
    answers = {call: client.document(call, body, token=token) for call, body in bodies.items()}
    return {call: answer.refusal if answer.status >= 400 else answer.status for call, answer in answers.items()}


def refused(call):
    """What a call says to a key that may not make it."""
    return (403, "access_denied") if call in OF_LOCKS else UNAUTHORIZED


def all_refused(calls, refusal=None):
    return {call: refusal or refused(call) for call in calls}


def test_native_calls_are_refused_without_their_capability_alone(owner, world):
    for capability in sorted({capability for capability, _ in NATIVE.values()}):
        calls = [call for call, (needed, _) in NATIVE.items() if needed == capability]
        without = owner.restricted(set(ALL_CAPABILITIES) - {capability})
        assert native_outcomes(without, world, calls) == all_refused(calls)


def test_native_calls_are_refused_to_a_key_of_another_bucket(of_another_bucket, world):
    assert native_outcomes(of_another_bucket, world) == all_refused(NATIVE)


def test_native_calls_are_refused_to_a_key_of_another_prefix(of_another_prefix, world):
    assert native_outcomes(of_another_prefix, world, NAMED) == all_refused(NAMED)


def test_native_calls_are_refused_to_an_expired_key_with_a_token_of_its_better_days(expired, world):
    assert native_outcomes(expired, world) == all_refused(NATIVE, (401, "bad_auth_token"))
    assert expired.authorize().refusal == (401, "unauthorized")


@pytest.mark.parametrize("token", ["", "x", "4_0_0_0_acct_x"])
def test_native_calls_are_refused_to_nobody(nobody, world, token):
    assert native_outcomes(nobody, world, token=token) == all_refused(NATIVE, (401, "bad_auth_token"))


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4"])
def test_rights_are_judged_in_every_version_and_by_get_as_well(of_another_bucket, world, version):
    for call, (_, body) in NATIVE.items():
        if isinstance(body(world), list):
            continue  # No query says the same.
        query = urlencode({k: v if isinstance(v, str) else json.dumps(v) for k, v in body(world).items()})
        headers = {"Authorization": of_another_bucket.token}
        answer = of_another_bucket.send("GET", f"/b2api/{version}/{call}?{query}", headers)
        if (version, call) == ("v1", "b2_list_buckets"):  # There a key is shown what it may see of what it asks for.
            assert answer.json == {"buckets": []}
        else:
            assert answer.refusal == refused(call), call


@pytest.mark.parametrize(("method", "target"), READS)
def test_downloads_are_refused_to_every_key_that_may_not_read_them(
    owner, nobody, of_another_bucket, of_another_prefix, expired, world, method, target
):
    path = target.format(name=world.name, file_id=world.file_id)
    blind = owner.restricted(set(ALL_CAPABILITIES) - {"readFiles"})
    for key in (blind, of_another_bucket, of_another_prefix):
        assert key.send(method, path, {"Authorization": key.token}).refusal == (401, "unauthorized")
        assert key.send("HEAD", path, {"Authorization": key.token}).status == 401
    assert expired.send(method, path, {"Authorization": expired.token}).refusal == (401, "bad_auth_token")
    assert nobody.send(method, path).refusal == (401, "unauthorized")


def s3_request(client: Client, name: str, world, prefix: str = "in/"):
    """A request for the operation on the owner's things."""
    facts = FACTS[name]
    query = list(facts.marks)
    values = {"uploadId": world.upload_id, "partNumber": "1", "id": "1"}
    query += [f"{one}={values[one]}" for one in facts.required if one in facts.query]
    if "prefix" in facts.query and facts.scope == "bucket":
        query.append(f"prefix={prefix}")
    headers = {"x-amz-object-attributes": "ETag"}
    if "x-amz-copy-source" in facts.required:
        headers["x-amz-copy-source"] = f"{world.name}/in/file"
    key = "in/large" if "uploadId" in facts.required else "in/file"
    path = {"service": "/", "bucket": f"/{world.name}", "object": f"/{world.name}/{key}"}[facts.scope]
    if name == "CopyObject":
        path += "2"
    return client.s3(facts.method, f"{path}?{'&'.join(query)}", headers, S3_BODIES.get(name, b""))


S3_BODIES = {
    "PutObject": b"x",
    "PutObjectLegalHold": b"<LegalHold><Status>ON</Status></LegalHold>",
    "PutObjectLockConfiguration": b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>"
    b"</ObjectLockConfiguration>",
    "PutObjectRetention": b"<Retention/>",
    "UploadPart": b"x",
    "PutBucketEncryption": b"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
    b"<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
    "PutBucketCors": b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
    b"</CORSRule></CORSConfiguration>",
    "PutBucketLogging": b"<BucketLoggingStatus/>",
    "PutBucketLifecycleConfiguration": b"<LifecycleConfiguration><Rule><Prefix/><Status>Enabled</Status><Expiration>"
    b"<Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
    "PutBucketVersioning": b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    "DeleteObjects": b"<Delete><Object><Key>in/file</Key></Object></Delete>",
    "CompleteMultipartUpload": b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>"
    b"</CompleteMultipartUpload>",
}


def s3_outcomes(client, world, names=S3_ANSWERED):
    """What each operation answers: status, and the code where the answer has a body."""
    outcomes = {}
    for name in names:
        answer = s3_request(client, name, world)
        if FACTS[name].method == "HEAD":
            assert answer.body == b""
            outcomes[name] = answer.status
        elif name == "DeleteObjects" and answer.status == 200:
            outcomes[name] = (403, *answer.texts("Code"))  # Each object has an outcome of its own.
        else:
            outcomes[name] = answer.refusal if answer.status >= 400 else answer.status
    return outcomes


def all_denied(names, code="AccessDenied"):
    return {name: 403 if FACTS[name].method == "HEAD" else (403, code) for name in names}


def test_s3_operations_are_refused_to_a_key_of_another_bucket(of_another_bucket, world):
    names = [name for name in S3_ANSWERED if name != "CreateBucket"]
    assert s3_outcomes(of_another_bucket, world, names) == all_denied(names)


def test_s3_operations_are_refused_to_a_key_of_another_prefix(of_another_prefix, world):
    lists = [name for name in S3_ANSWERED if "prefix" in FACTS[name].query and FACTS[name].scope == "bucket"]
    names = [name for name in S3_ANSWERED if FACTS[name].scope == "object"] + lists + ["DeleteObjects"]
    assert s3_outcomes(of_another_prefix, world, names) == all_denied(names)


def test_s3_operations_are_refused_to_an_expired_key(expired, world):
    assert s3_outcomes(expired, world) == all_denied(S3_ANSWERED, "InvalidAccessKeyId")


def test_s3_operations_are_refused_to_the_master_key(server, world):
    master = Client(server, server.master_key_id, server.master_application_key)
    assert s3_outcomes(master, world) == all_denied(S3_ANSWERED, "InvalidAccessKeyId")


class Anonymous(Client):
    """Signs nothing."""

    def s3(self, method, target, headers=None, body=b"", **signing):
        return self.send(method, target, headers or {}, body)


@pytest.mark.parametrize("bucket_type", ["allPrivate", "allPublic"])
def test_nobody_reads_public_objects_and_does_nothing_else(server, make_world, bucket_type):
    world = make_world(bucket_type)
    before = world.snapshot()
    readable = {"GetObject": 200, "HeadObject": 200} if bucket_type == "allPublic" else {}
    assert s3_outcomes(Anonymous(server, "", ""), world) == {**all_denied(S3_ANSWERED), **readable}
    assert world.snapshot() == before


@pytest.mark.parametrize(
    "source", ["{name}/in/file", "/{name}/in/file", "{name}%2Fin%2Ffile", "{name}/in/file?versionId={file_id}"]
)
def test_a_copy_cannot_read_for_somebody_who_may_not(owner, make_bucket, world, source):
    name, bucket_id = make_bucket()
    header = {"x-amz-copy-source": source.format(name=world.name, file_id=world.file_id)}
    of_target = owner.restricted(BUCKET_CAPABILITIES - {"listAllBucketNames"}, bucketIds=[bucket_id])
    upload_id = of_target.s3("POST", f"/{name}/large?uploads").texts("UploadId")[0]
    for target in (f"/{name}/copy", f"/{name}/large?partNumber=1&uploadId={upload_id}"):
        assert of_target.s3("PUT", target, header).refusal == (403, "AccessDenied")
    for call, fields in {
        "b2_copy_file": {"fileName": "copy", "destinationBucketId": bucket_id},
        "b2_copy_part": {"largeFileId": upload_id, "partNumber": 1},
    }.items():
        assert of_target.native(call, sourceFileId=world.file_id, **fields).refusal == (401, "unauthorized")
    assert of_target.ok("b2_list_file_names", bucketId=bucket_id)["files"] == []
    assert of_target.ok("b2_list_parts", fileId=upload_id)["parts"] == []


@pytest.mark.parametrize("prefix", ["", "i", "in", "ou", "out", "OUT/", "/out/", "in/", "\0"])
def test_a_list_shows_nothing_beside_the_prefix_of_the_key(of_another_prefix, world, prefix):
    for call, field in {
        "b2_list_file_names": "prefix",
        "b2_list_file_versions": "prefix",
        "b2_list_unfinished_large_files": "namePrefix",
    }.items():
        answer = of_another_prefix.native(call, bucketId=world.bucket_id, **{field: prefix})
        assert answer.refusal == (401, "unauthorized")
    for query in ("list-type=2&", "", "versions&", "uploads&"):
        target = f"/{world.name}?{query}prefix={prefix.replace('/', '%2F').replace(chr(0), '%00')}"
        assert of_another_prefix.s3("GET", target).refusal == (403, "AccessDenied")


def test_markers_and_delimiters_do_not_lead_out_of_the_prefix(of_another_prefix, owner, world):
    listed = of_another_prefix.ok(
        "b2_list_file_versions",
        bucketId=world.bucket_id,
        prefix="out/",
        startFileName="in/file",
        startFileId=world.file_id,
    )
    assert listed["files"] == []
    for query in ("list-type=2&start-after=in%2Ffile", "marker=a", "versions&key-marker=in%2Ffile", "delimiter=n"):
        answer = of_another_prefix.s3("GET", f"/{world.name}?prefix=out%2F&{query}")
        assert (answer.status, answer.texts("Key")) == (200, [])


def test_a_download_grant_can_only_be_as_wide_as_the_key_that_issues_it(of_another_prefix, world):
    for prefix in ("", "in/", "in/file", "out"):
        answer = of_another_prefix.native(
            "b2_get_download_authorization", bucketId=world.bucket_id, fileNamePrefix=prefix, validDurationInSeconds=60
        )
        assert answer.refusal == (401, "unauthorized")


def test_a_key_that_lacks_one_bucket_of_several_deletes_none_of_it(owner, make_bucket, world):
    _, bucket_id = make_bucket()
    limited = owner.restricted(["deleteFiles", "listBuckets"], bucketIds=[bucket_id])
    answer = limited.native("b2_delete_file_version", fileName="in/file", fileId=world.file_id)
    assert answer.refusal == (401, "unauthorized")
    assert owner.native("b2_get_file_info", fileId=world.file_id).status == 200
