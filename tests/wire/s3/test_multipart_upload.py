"""CreateMultipartUpload, UploadPart, CompleteMultipartUpload and AbortMultipartUpload."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

PART = b"a" * 5 * 1024 * 1024
TAIL = b"bbb"
ETAG = '"06a6ca67e53064f3f30a42ee29a62f5d-2"'
WHOLE = {
    ("CRC32", "COMPOSITE"): "k5yxow==-2",
    ("CRC32", "FULL_OBJECT"): "ZQQbhw==",
    ("CRC32C", "COMPOSITE"): "Ka05Xg==-2",
    ("CRC32C", "FULL_OBJECT"): "C4opTQ==",
    ("CRC64NVME", "FULL_OBJECT"): "CxcEn00EQkg=",
    ("SHA256", "COMPOSITE"): "gDrP5FwCfWjU1qVqWfAgL+dUtgwH0Gl3tgBARzkxMWI=-2",
}


class Upload:
    """An upload of the key `k`."""

    def __init__(self, s3, bucket, **settings):
        self.s3 = s3
        self.where = {"Bucket": bucket, "Key": "k"}
        self.created = s3.create_multipart_upload(**self.where, **settings)
        self.where["UploadId"] = self.created["UploadId"]

    def part(self, number, body, **settings):
        answer = self.s3.upload_part(**self.where, PartNumber=number, Body=body, **settings)
        checksums = {name: value for name, value in answer.items() if name.startswith("Checksum")}
        return {"PartNumber": number, "ETag": answer["ETag"], **checksums}

    def complete(self, parts, **settings):
        return self.s3.complete_multipart_upload(**self.where, MultipartUpload={"Parts": parts}, **settings)


@pytest.fixture
def upload(s3, bucket):
    return Upload(s3, bucket, Metadata={"a": "1"}, ContentType="text/plain")


def bare(parts):
    return [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]


def test_parts_become_an_object_with_what_was_said_at_the_beginning(s3, bucket, upload):
    parts = [upload.part(1, PART), upload.part(2, TAIL)]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    done = upload.complete(bare(parts))
    assert done["ETag"] == ETAG
    assert done["Location"].endswith(f"/{bucket}/k")
    assert done["VersionId"] == upload.where["UploadId"]
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == PART + TAIL
    assert (got["ETag"], got["Metadata"], got["ContentType"]) == (ETAG, {"a": "1"}, "text/plain")


def test_completing_again_gives_the_same_answer_and_otherwise_none(upload, refused):
    parts = bare([upload.part(1, PART), upload.part(2, TAIL)])
    first, second = upload.complete(parts), upload.complete(parts)
    for name in ("ETag", "Location", "VersionId"):
        assert first[name] == second[name]
    with refused("NoSuchUpload", 404):
        upload.complete(parts[:1])


def test_part_numbers_may_have_gaps_and_come_in_any_order_at_once(s3, bucket, upload):
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(upload.part, number, body) for number, body in ((7, TAIL), (3, PART), (5, PART))]
    parts = sorted((one.result() for one in sent), key=lambda part: part["PartNumber"])
    upload.complete(bare(parts))
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == PART + PART + TAIL


def test_a_part_sent_again_replaces_and_one_that_is_not_listed_vanishes(s3, bucket, upload):
    upload.part(1, b"old")
    parts = [upload.part(1, b"new")]
    upload.part(2, b"unlisted")
    upload.complete(bare(parts))
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"


def test_one_empty_part_is_an_object(s3, bucket, upload):
    upload.complete(bare([upload.part(1, b"")]))
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 0


def test_parts_are_read_by_number(s3, bucket, upload, refused):
    upload.complete(bare([upload.part(1, PART), upload.part(2, TAIL)]))
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert second["Body"].read() == TAIL
    assert (second["PartsCount"], second["ContentRange"]) == (2, f"bytes {len(PART)}-{len(PART) + 2}/{len(PART) + 3}")
    with refused("InvalidPartNumber", 416):
        s3.get_object(Bucket=bucket, Key="k", PartNumber=3)


@pytest.mark.parametrize(("algorithm", "kind"), sorted(WHOLE))
def test_the_checksum_of_the_whole_follows_from_the_parts(s3, bucket, algorithm, kind):
    upload = Upload(s3, bucket, ChecksumAlgorithm=algorithm, ChecksumType=kind)
    assert (upload.created["ChecksumAlgorithm"], upload.created["ChecksumType"]) == (algorithm, kind)
    parts = [upload.part(n, body, ChecksumAlgorithm=algorithm) for n, body in ((1, PART), (2, TAIL))]
    value = WHOLE[algorithm, kind]
    done = upload.complete(parts, **{f"Checksum{algorithm}": value, "ChecksumType": kind})
    assert (done[f"Checksum{algorithm}"], done["ChecksumType"]) == (value, kind)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head[f"Checksum{algorithm}"], head["ChecksumType"]) == (value, kind)
    part = s3.get_object(Bucket=bucket, Key="k", PartNumber=2, ChecksumMode="ENABLED")
    assert part[f"Checksum{algorithm}"] == parts[1][f"Checksum{algorithm}"]


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({"ChecksumAlgorithm": "CRC32"}, "COMPOSITE"), ({"ChecksumAlgorithm": "CRC64NVME"}, "FULL_OBJECT")],
)
def test_each_algorithm_has_a_type_of_its_own(s3, bucket, settings, kind):
    assert Upload(s3, bucket, **settings).created["ChecksumType"] == kind


@pytest.mark.parametrize(
    "settings",
    [
        {"ChecksumType": "COMPOSITE"},
        {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "COMPOSITE"},
        {"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"},
        {"ChecksumAlgorithm": "XXHASH64"},
    ],
)
def test_checksum_types_that_do_not_go_together_are_refused(s3, bucket, refused, settings):
    with refused("InvalidRequest", 400):
        Upload(s3, bucket, **settings)


def test_checksums_that_do_not_fit_the_upload_are_refused(s3, bucket, refused):
    upload = Upload(s3, bucket, ChecksumAlgorithm="SHA256")
    with refused("InvalidRequest", 400):
        upload.part(1, TAIL, ChecksumAlgorithm="CRC32C")
    part = upload.part(1, TAIL, ChecksumAlgorithm="SHA256")
    with refused("InvalidRequest", 400):
        upload.complete(bare([part]))
    with refused("InvalidPart", 400):
        upload.complete([part | {"ChecksumSHA256": "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="}])
    with refused("InvalidRequest", 400):
        upload.complete([part], ChecksumType="FULL_OBJECT")
    with refused("BadDigest", 400):
        upload.complete([part], ChecksumSHA256="uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=-1")
    upload.complete([part])


def test_an_upload_without_an_algorithm_takes_parts_with_any(s3, bucket, upload):
    parts = [upload.part(1, PART, ChecksumAlgorithm="CRC32"), upload.part(2, TAIL, ChecksumAlgorithm="SHA1")]
    upload.complete(bare(parts))
    assert "ChecksumCRC32" not in s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")


def test_what_completing_gets_wrong_is_told(s3, upload, refused):
    small, last = upload.part(1, b"small"), upload.part(2, TAIL)
    with refused("EntityTooSmall", 400):
        upload.complete(bare([small, last]))
    with refused("InvalidPartOrder", 400):
        upload.complete(bare([last, small]))
    with refused("InvalidPart", 400):
        upload.complete([{"PartNumber": 3, "ETag": last["ETag"]}])
    with refused("InvalidPart", 400):
        upload.complete([{"PartNumber": 2, "ETag": small["ETag"]}])
    with refused("InvalidRequest", 400):
        upload.complete(bare([last]), MpuObjectSize=4)
    upload.complete(bare([last]), MpuObjectSize=3)


@pytest.mark.parametrize("body", [b"", b"<CompleteMultipartUpload/>", b"<X/>", b"no xml"])
def test_no_parts_are_malformed(raw, bucket, upload, body):
    assert raw("POST", f"/{bucket}/k?uploadId={upload.where['UploadId']}", body=body).code == "MalformedXML"


def test_a_condition_is_judged_at_completion_and_the_upload_stays(s3, bucket, upload, refused):
    parts = bare([upload.part(1, TAIL)])
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"first")["VersionId"]
    with refused("PreconditionFailed", 412):
        upload.complete(parts, IfNoneMatch="*")
    assert len(s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 1
    s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
    upload.complete(parts, IfNoneMatch="*")


def test_an_aborted_upload_is_gone(s3, upload, refused):
    part = upload.part(1, TAIL)
    s3.abort_multipart_upload(**upload.where)
    for call in (s3.abort_multipart_upload, s3.list_parts):
        with refused("NoSuchUpload", 404):
            call(**upload.where)
    with refused("NoSuchUpload", 404):
        upload.part(1, TAIL)
    with refused("NoSuchUpload", 404):
        upload.complete(bare([part]))


@pytest.mark.parametrize("number", ["0", "10001", "-1", "x", ""])
def test_a_part_number_out_of_range_is_refused(raw, bucket, upload, number):
    target = f"/{bucket}/k?partNumber={number}&uploadId={upload.where['UploadId']}"
    assert raw("PUT", target, body=TAIL).code == "InvalidArgument"


def test_an_upload_of_another_key_or_of_none_is_unknown(raw, bucket, upload):
    upload_id = upload.where["UploadId"]
    for target in (f"/{bucket}/other?uploadId={upload_id}", f"/{bucket}/k?uploadId=junk", f"/{bucket}/k?uploadId="):
        answer = raw("PUT", f"{target}&partNumber=1", body=TAIL)
        assert (answer.status, answer.code) == (404, "NoSuchUpload")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x-amz-server-side-encryption": "aws:kms"}, "InvalidArgument"),
        ({"x-amz-object-lock-mode": "COMPLIANCE"}, "InvalidArgument"),
        ({"x-amz-object-lock-legal-hold": "ON"}, "InvalidRequest"),
        ({"x-amz-object-lock-event-hold": "ON"}, "NotImplemented"),
        ({"x-amz-acl": "public-read"}, "InvalidArgument"),
        ({"x-amz-storage-class": "GLACIER"}, "InvalidStorageClass"),
    ],
)
def test_settings_that_objects_do_not_have_are_refused_at_the_beginning(raw, bucket, headers, code):
    assert raw("POST", f"/{bucket}/k?uploads", headers=headers).code == code


def test_a_damaged_part_is_refused(raw, bucket, upload):
    target = f"/{bucket}/k?partNumber=1&uploadId={upload.where['UploadId']}"
    assert raw("PUT", target, headers={"x-amz-checksum-crc32": "AAAAAA=="}, body=TAIL).code == "BadDigest"
    assert raw("GET", f"/{bucket}/k?uploadId={upload.where['UploadId']}").xml.findall("{*}Part") == []
