"""Server-side encryption through S3 (reference, 1.10 and 2.23)."""

from __future__ import annotations

import pytest

from harness.customer_keys import KEY, OTHER_KEY
from harness.s3_raw import RawS3

SMALL, LARGE = b"small enough for the catalog", bytes(range(256)) * 700
SSE_B2 = {"x-amz-server-side-encryption": "AES256"}
MODE, ALGORITHM, MD5 = (
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key-md5",
)


def told(answer):
    """How an answer says that the object is encrypted."""
    return answer.headers.get(MODE), answer.headers.get(ALGORITHM), answer.headers.get(MD5)


OF_SERVICE, OF_CUSTOMER = ("AES256", None, None), (None, "AES256", KEY.md5)


@pytest.mark.parametrize(("headers", "said"), [({}, OF_SERVICE), (SSE_B2, OF_SERVICE), (KEY.s3, OF_CUSTOMER)])
@pytest.mark.parametrize("data", [b"", SMALL, LARGE], ids=["empty", "inline", "blob"])
def test_an_object_tells_how_it_is_encrypted_and_reads_with_its_key(raw, bucket, data, headers, said):
    own = headers if headers is KEY.s3 or ALGORITHM in headers else {}
    put = raw("PUT", f"/{bucket}/k", headers=headers, body=data)
    assert (put.status, told(put)) == (200, said)
    for method in ("GET", "HEAD"):
        answer = raw(method, f"/{bucket}/k", headers=own)
        assert (answer.status, told(answer)) == (200, said)
        assert answer.headers["etag"] == put.headers["etag"]
    assert raw("GET", f"/{bucket}/k", headers=own).body == data
    if data:
        part = raw("GET", f"/{bucket}/k", headers={**own, "range": "bytes=3-9"})
        assert (part.status, part.body, told(part)) == (206, data[3:10], said)


def test_a_customers_object_opens_with_its_key_alone(raw, bucket):
    raw("PUT", f"/{bucket}/k", headers=KEY.s3, body=SMALL)
    attributes = {"x-amz-object-attributes": "ETag,ObjectSize"}
    for target, headers in ((f"/{bucket}/k", {}), (f"/{bucket}/k?attributes", attributes)):
        missing = raw("GET", target, headers=headers)
        assert (missing.status, missing.code) == (400, "InvalidRequest")
        wrong = raw("GET", target, headers={**headers, **OTHER_KEY.s3})
        assert (wrong.status, wrong.code) == (403, "AccessDenied")
        assert raw("GET", target, headers={**headers, **KEY.s3}).status == 200
    assert raw("HEAD", f"/{bucket}/k").status == 400
    assert raw("HEAD", f"/{bucket}/k", headers=OTHER_KEY.s3).status == 403
    assert raw("DELETE", f"/{bucket}/k").status == 204


def test_a_key_for_an_object_that_needs_none_is_refused(raw, bucket):
    raw("PUT", f"/{bucket}/k", body=SMALL)
    for method in ("GET", "HEAD"):
        assert raw(method, f"/{bucket}/k", headers=KEY.s3).status == 400


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({MODE: "aws:kms"}, "InvalidArgument"),
        ({MODE: "aws:kms:dsse"}, "InvalidArgument"),
        ({MODE: "aes256"}, "InvalidArgument"),
        ({MODE: ""}, "InvalidArgument"),
        ({**SSE_B2, **KEY.s3}, "InvalidArgument"),
        ({**SSE_B2, f"{MODE}-aws-kms-key-id": "id"}, "InvalidArgument"),
        ({f"{MODE}-context": "e30="}, "InvalidArgument"),
        ({**KEY.s3, ALGORITHM: "AES128"}, "InvalidEncryptionAlgorithmError"),
        ({**KEY.s3, ALGORITHM: ""}, "InvalidEncryptionAlgorithmError"),
        ({**KEY.s3, MD5: OTHER_KEY.md5}, "InvalidArgument"),
        ({ALGORITHM: "AES256", f"{MODE}-customer-key": KEY.text}, "InvalidArgument"),
        ({ALGORITHM: "AES256", MD5: KEY.md5}, "InvalidArgument"),
        ({f"{MODE}-customer-key": KEY.text, MD5: KEY.md5}, "InvalidArgument"),
        ({**KEY.s3, f"{MODE}-customer-key": "x"}, "InvalidArgument"),
    ],
    ids=range(14),
)
def test_encryption_outside_the_rules_is_refused_and_nothing_is_stored(raw, bucket, headers, code):
    raw("PUT", f"/{bucket}/source", body=SMALL)
    for method, target, more in (
        ("PUT", "k", {}),
        ("POST", "k?uploads", {}),
        ("PUT", "k", {"x-amz-copy-source": f"{bucket}/source"}),
    ):
        answer = raw(method, f"/{bucket}/{target}", headers={**headers, **more})
        assert (answer.status, answer.code) == (400, code)
        assert KEY.text.encode() not in answer.body
    assert [node.text for node in raw("GET", f"/{bucket}?versions").xml.findall(".//{*}Key")] == ["source"]


def test_asking_for_encryption_where_there_are_bytes_to_read_is_refused(raw, bucket):
    raw("PUT", f"/{bucket}/k", body=SMALL)
    answer = raw("GET", f"/{bucket}/k", headers=SSE_B2)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert raw("HEAD", f"/{bucket}/k", headers=SSE_B2).status == 400


# -- Copies -----------------------------------------------------------------------------------------------------------
ASKED = {"default": {}, "SSE-B2": SSE_B2, "SSE-C": KEY.s3, "other": OTHER_KEY.s3}


def key_of(mode):
    return {"SSE-C": KEY, "other": OTHER_KEY}.get(mode)


@pytest.mark.parametrize("target", sorted(ASKED))
@pytest.mark.parametrize("source", ["SSE-B2", "SSE-C"])
def test_an_object_is_copied_from_every_mode_to_every_mode(raw, bucket, source, target):
    raw("PUT", f"/{bucket}/source", headers=ASKED[source], body=LARGE)
    opens = key_of(source).s3_source if key_of(source) else {}
    reads = key_of(target).s3 if key_of(target) else {}
    copied = raw("PUT", f"/{bucket}/copy", headers={"x-amz-copy-source": f"{bucket}/source", **opens, **ASKED[target]})
    assert copied.status == 200
    assert told(copied) == ((None, "AES256", key_of(target).md5) if reads else OF_SERVICE)
    assert raw("GET", f"/{bucket}/copy", headers=reads).body == LARGE
    upload = raw("POST", f"/{bucket}/large?uploads", headers=ASKED[target])
    upload_id = upload.xml.findtext("{*}UploadId")
    assert told(upload) == told(copied)
    part = raw(
        "PUT",
        f"/{bucket}/large?partNumber=1&uploadId={upload_id}",
        headers={
            "x-amz-copy-source": f"{bucket}/source",
            "x-amz-copy-source-range": "bytes=65000-140000",
            **opens,
            **reads,
        },
    )
    assert (part.status, told(part)) == (200, told(copied))
    etag = part.xml.findtext("{*}ETag")
    done = raw(
        "POST",
        f"/{bucket}/large?uploadId={upload_id}",
        body=(
            f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
            "</CompleteMultipartUpload>"
        ).encode(),
    )
    assert done.status == 200
    assert raw("GET", f"/{bucket}/large", headers=reads).body == LARGE[65_000:140_001]


def test_a_customers_source_opens_with_its_key_alone(raw, bucket):
    raw("PUT", f"/{bucket}/source", headers=KEY.s3, body=SMALL)
    source = {"x-amz-copy-source": f"{bucket}/source"}
    missing = raw("PUT", f"/{bucket}/copy", headers=source)
    assert (missing.status, missing.code) == (400, "InvalidRequest")
    wrong = raw("PUT", f"/{bucket}/copy", headers={**source, **OTHER_KEY.s3_source})
    assert (wrong.status, wrong.code) == (403, "AccessDenied")
    assert raw("GET", f"/{bucket}/copy").status == 404


def test_copying_an_object_onto_itself_to_encrypt_it_otherwise_is_no_idle_copy(raw, bucket):
    raw("PUT", f"/{bucket}/k", body=SMALL)
    source = {"x-amz-copy-source": f"{bucket}/k"}
    assert raw("PUT", f"/{bucket}/k", headers=source).code == "InvalidRequest"
    assert raw("PUT", f"/{bucket}/k", headers={**source, **KEY.s3}).status == 200
    assert raw("GET", f"/{bucket}/k", headers=KEY.s3).body == SMALL


# -- Multipart uploads ------------------------------------------------------------------------------------------------
def test_every_part_brings_the_key_of_its_upload(raw, bucket):
    upload_id = raw("POST", f"/{bucket}/k?uploads", headers=KEY.s3).xml.findtext("{*}UploadId")
    target = f"/{bucket}/k?partNumber=1&uploadId={upload_id}"
    for headers in ({}, OTHER_KEY.s3, SSE_B2):
        answer = raw("PUT", target, headers=headers, body=SMALL)
        assert (answer.status, answer.code) == (400, "InvalidRequest")
    part = raw("PUT", target, headers=KEY.s3, body=SMALL)
    assert (part.status, told(part)) == (200, OF_CUSTOMER)
    for method, where in (("GET", ""), ("POST", "")):
        wrong = raw(method, f"/{bucket}/k?uploadId={upload_id}{where}", headers=OTHER_KEY.s3, body=_complete(part))
        assert (wrong.status, wrong.code) == (400, "InvalidRequest")
    done = raw("POST", f"/{bucket}/k?uploadId={upload_id}", headers=KEY.s3, body=_complete(part))
    assert done.status == 200
    assert raw("GET", f"/{bucket}/k", headers=KEY.s3).body == SMALL


def _complete(part):
    return (
        f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{part.headers['etag']}</ETag></Part>"
        "</CompleteMultipartUpload>"
    ).encode()


# -- Buckets ----------------------------------------------------------------------------------------------------------
def document(algorithm="AES256", more="", rules=1):
    rule = f"<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}</SSEAlgorithm>{more}</ApplyServerSideEncryptionByDefault></Rule>"
    return f"<ServerSideEncryptionConfiguration>{rule * rules}</ServerSideEncryptionConfiguration>".encode()


def test_every_bucket_says_aes256_set_or_not(raw, bucket):
    target = f"/{bucket}?encryption"
    for method, body, status in (
        ("GET", b"", 200),
        ("PUT", document(), 200),
        ("DELETE", b"", 204),
        ("DELETE", b"", 204),
    ):
        assert raw(method, target, body=body).status == status
        assert raw("GET", target).xml.findtext(".//{*}SSEAlgorithm") == "AES256"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (document("aws:kms"), "InvalidArgument"),
        (document("AES256", "<KMSMasterKeyID>x</KMSMasterKeyID>"), "InvalidArgument"),
        (document(""), "MalformedXML"),
        (document(rules=2), "MalformedXML"),
        (document(rules=0), "MalformedXML"),
        (document("AES256", "<Bogus/>"), "MalformedXML"),
        (b"<Other/>", "MalformedXML"),
        (b"", "MalformedXML"),
    ],
    ids=range(8),
)
def test_a_configuration_outside_the_rules_is_refused(raw, bucket, body, code):
    assert raw("PUT", f"/{bucket}?encryption", body=body).code == code


def test_the_default_is_shared_with_the_native_face(raw, native, server, bucket):
    raw("PUT", f"/{bucket}?encryption", body=document())
    [row] = native.call("b2_list_buckets", accountId=server.account_id, bucketName=bucket)["buckets"]
    assert row["defaultServerSideEncryption"]["value"] == {"algorithm": "AES256", "mode": "SSE-B2"}
    assert row["revision"] == 3


def test_without_a_default_of_the_service_a_bucket_has_none_until_it_is_set(make_server):
    server = make_server("--default-encryption", "none", "--workers", "1").start()
    raw = RawS3(server.s3_endpoint, server.region, server.key_id, server.application_key)
    raw("PUT", "/plain-bucket")
    target = "/plain-bucket?encryption"

    def said():
        put = raw("PUT", "/plain-bucket/k", body=SMALL)
        assert told(raw("GET", "/plain-bucket/k")) == told(put)
        return raw("GET", target).status, told(put)[0]

    assert said() == (404, None)
    assert raw("GET", target).code == "ServerSideEncryptionConfigurationNotFoundError"
    assert raw("PUT", target, body=document()).status == 200
    assert said() == (200, "AES256")
    assert raw("DELETE", target).status == 204
    assert said() == (404, None)
