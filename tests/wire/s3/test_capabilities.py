"""P6 through the S3 face: a key does what it may, and an operation needs the capability that its table names."""

from __future__ import annotations

import pytest

from harness.s3_raw import RawS3
from undercroft.s3.facts import FACTS
from undercroft.s3.operations import OPERATIONS
from undercroft.store.operations import ALL_CAPABILITIES

ANSWERED = sorted(name for name in FACTS if OPERATIONS[name].handler is not None)
UNTIL = "2999-01-01T00:00:00Z"
BODIES = {
    "PutObject": b"x",
    "UploadPart": b"x",
    "PutBucketCors": b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
    b"</CORSRule></CORSConfiguration>",
    "PutObjectLegalHold": b"<LegalHold><Status>OFF</Status></LegalHold>",
    "PutObjectLockConfiguration": b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>"
    b"</ObjectLockConfiguration>",
    "PutObjectRetention": f"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>{UNTIL}</RetainUntilDate></Retention>".encode(),
    "PutBucketLifecycleConfiguration": b"<LifecycleConfiguration><Rule><Prefix/><Status>Enabled</Status><Expiration>"
    b"<Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
    "PutBucketLogging": b"<BucketLoggingStatus/>",
    "PutBucketVersioning": b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    "PutBucketEncryption": b"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
    b"<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
    "DeleteObjects": b"<Delete><Object><Key>k</Key></Object></Delete>",
    "CompleteMultipartUpload": b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>"
    b"</CompleteMultipartUpload>",
}


@pytest.fixture(scope="module")
def key_without(key_with):
    """Clients whose key has every capability but one."""
    made = {}

    def get(capability):
        if capability not in made:
            made[capability] = key_with(set(ALL_CAPABILITIES) - {capability})
        return made[capability]

    return get


@pytest.fixture
def object_and_upload(s3, bucket):
    """A bucket with an object `k` and an upload of `k`, whose id this is."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    return s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]


def send(client, name, bucket, upload_id):
    """A request for the operation on the object, upload or bucket that are there."""
    facts = FACTS[name]
    query = list(facts.marks)
    values = {"uploadId": upload_id, "partNumber": "1", "id": "1"}
    query += [f"{one}={values[one]}" for one in facts.required if one in facts.query]
    headers = {"x-amz-object-attributes": "ETag"}
    headers |= {"x-amz-copy-source": f"{bucket}/k"} if "x-amz-copy-source" in facts.required else {}
    path = {"service": "/", "bucket": f"/{bucket}", "object": f"/{bucket}/k"}[facts.scope]
    if name == "CopyObject":
        path += "2"
    return client(facts.method, f"{path}?{'&'.join(query)}", headers=headers, body=BODIES.get(name, b""))


@pytest.mark.parametrize("name", ANSWERED)
def test_an_operation_is_refused_without_the_capability_that_the_table_names(
    name, key_without, raw, bucket, object_and_upload
):
    answer = send(key_without(OPERATIONS[name].capability), name, bucket, object_and_upload)
    outcome = answer.status if FACTS[name].method == "HEAD" else (answer.status, answer_code(answer))
    if name == "DeleteObjects":
        assert answer.xml.findtext(".//{*}Error/{*}Code") == "AccessDenied"
    else:
        assert outcome == (403 if FACTS[name].method == "HEAD" else (403, "AccessDenied"))
    assert send(raw, name, bucket, object_and_upload).status != 403


def answer_code(answer):
    return answer.code if answer.status >= 300 else None


def test_deleting_a_version_needs_another_capability_than_hiding(s3, key_without, bucket):
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    assert key_without("deleteFiles")("DELETE", f"/{bucket}/k?versionId={version}").code == "AccessDenied"
    assert key_without("deleteFiles")("DELETE", f"/{bucket}/k").status == 204
    assert key_without("writeFiles")("DELETE", f"/{bucket}/k?versionId={version}").status == 204


def test_a_copy_needs_to_read_its_source(key_without, bucket, object_and_upload):
    reader = key_without("readFiles")
    for name in ("CopyObject", "UploadPartCopy"):
        assert send(reader, name, bucket, object_and_upload).code == "AccessDenied"


def test_a_key_with_a_name_prefix_stays_under_it(s3, key_with, bucket):
    for key in ("in/k", "out"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    version = s3.head_object(Bucket=bucket, Key="out")["VersionId"]
    limited = key_with(["listBuckets", "listFiles", "readFiles", "writeFiles", "deleteFiles"], namePrefix="in/")
    assert limited("GET", f"/{bucket}/in/k").status == 200
    assert limited("GET", f"/{bucket}?list-type=2&prefix=in%2F").status == 200
    refused = [
        ("GET", f"/{bucket}/out"),
        ("GET", f"/{bucket}/out?versionId={version}"),
        ("GET", f"/{bucket}/in/k?versionId={version}"),
        ("PUT", f"/{bucket}/out"),
        ("DELETE", f"/{bucket}/out"),
        ("DELETE", f"/{bucket}/out?versionId={version}"),
        ("POST", f"/{bucket}/out?uploads"),
        ("GET", f"/{bucket}?list-type=2"),
        ("GET", f"/{bucket}?versions"),
        ("GET", f"/{bucket}?uploads&prefix=i"),
    ]
    for method, target in refused:
        assert limited(method, target).code == "AccessDenied", target
    source = {"x-amz-copy-source": f"{bucket}/out"}
    assert limited("PUT", f"/{bucket}/in/copy", headers=source).code == "AccessDenied"
    gone = limited("POST", f"/{bucket}?delete", body=b"<Delete><Object><Key>out</Key></Object></Delete>")
    assert gone.xml.findtext(".//{*}Error/{*}Code") == "AccessDenied"


def test_a_key_of_one_bucket_sees_no_other(s3, native, server, key_with, new_bucket):
    mine, other = new_bucket(), new_bucket()
    s3.put_object(Bucket=other, Key="k", Body=b"x")
    found = native.call("b2_list_buckets", accountId=server.account_id, bucketName=mine)["buckets"]
    restriction = {"bucketIds": [found[0]["bucketId"]]}
    capabilities = ["listBuckets", "readBuckets", "listFiles", "readFiles", "writeFiles"]
    limited = key_with(capabilities, **restriction)
    assert limited("PUT", f"/{mine}/k", body=b"x").status == 200
    assert limited("HEAD", f"/{mine}").status == 200
    assert limited("HEAD", f"/{other}").status == 403
    for target in (f"/{other}/k", f"/{other}?list-type=2", f"/{other}?location", "/"):
        assert limited("GET", target).code == "AccessDenied"
    assert limited("PUT", f"/{mine}/copy", headers={"x-amz-copy-source": f"{other}/k"}).code == "AccessDenied"
    sees_names = key_with([*capabilities, "listAllBucketNames"], **restriction)
    names = {node.text for node in sees_names("GET", "/").xml.findall(".//{*}Name")}
    assert {mine, other} <= names


def test_the_master_key_is_refused(server):
    master = RawS3(server.s3_endpoint, server.region, server.master_key_id, server.master_application_key)
    answer = master("GET", "/")
    assert (answer.status, answer.code) == (403, "InvalidAccessKeyId")


def test_a_deleted_key_stops_at_once(native, key_with):
    limited = key_with(["listBuckets"])
    assert limited("GET", "/").status == 200
    native.call("b2_delete_key", applicationKeyId=limited.key_id)
    assert limited("GET", "/").code == "InvalidAccessKeyId"
