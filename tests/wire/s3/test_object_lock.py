"""Locks of objects through S3: their four operations and headers, and that nothing gets past them (reference, 1.11 and 2.21).

`test_object_lock_configuration.py` is about those of buckets.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from undercroft.store.operations import ALL_CAPABILITIES

UNTIL = datetime(2999, 1, 1, tzinfo=UTC)
LATER, EARLIER = UNTIL + timedelta(days=1), UNTIL - timedelta(days=1)
PAST = datetime(2020, 1, 1, tzinfo=UTC)
TEXT = "2999-01-01T00:00:00Z"
MODE, DATE, HOLD = (f"x-amz-object-lock-{name}" for name in ("mode", "retain-until-date", "legal-hold"))
ALL_OF_FILES = ["readFiles", "readFileRetentions", "readFileLegalHolds"]


def governance(until=UNTIL):
    return {"Mode": "GOVERNANCE", "RetainUntilDate": until}


def compliance(until=UNTIL):
    return {"Mode": "COMPLIANCE", "RetainUntilDate": until}


def md5_of(body):
    return {"content-md5": base64.b64encode(hashlib.md5(body).digest()).decode()}


@pytest.fixture(scope="module")
def lockable(s3, new_name):
    """A bucket with Object Lock. What a test leaves in it may stay locked for ever."""
    name = new_name("locked")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.fixture
def where(lockable, new_name):
    """A key of the test's own."""
    return {"Bucket": lockable, "Key": f"{new_name()}/k"}


@pytest.fixture
def put(s3, where):
    """Puts an object there, and answers how it is addressed for good."""

    def put(**settings):
        return where | {"VersionId": s3.put_object(**where, Body=b"x", **settings)["VersionId"]}

    return put


def retention(s3, version):
    return s3.get_object_retention(**version)["Retention"]


def hold(s3, version):
    return s3.get_object_legal_hold(**version)["LegalHold"]["Status"]


# -- Retention --------------------------------------------------------------------------------------------------------
def test_retention_is_set_of_the_current_version_or_of_one_by_its_id(s3, put, where, refused):
    older, current = put(), put()
    s3.put_object_retention(**where, Retention=governance())
    assert retention(s3, where) == retention(s3, current) == governance()
    with refused("NoSuchObjectLockConfiguration", 404):
        retention(s3, older)
    s3.put_object_retention(**older, Retention=compliance(LATER))
    assert retention(s3, older) == compliance(LATER)


def test_governance_is_extended_freely_and_shortened_or_ended_by_bypass_alone(s3, put, refused):
    version = put()
    for until in (UNTIL, UNTIL, LATER):
        s3.put_object_retention(**version, Retention=governance(until))
    for less in (governance(), {}):
        for bypass in ({}, {"BypassGovernanceRetention": False}):
            with refused("AccessDenied", 403):
                s3.put_object_retention(**version, Retention=less, **bypass)
    assert retention(s3, version) == governance(LATER)
    s3.put_object_retention(**version, Retention=governance(), BypassGovernanceRetention=True)
    assert retention(s3, version) == governance()
    s3.put_object_retention(**version, Retention={}, BypassGovernanceRetention=True)
    with refused("NoSuchObjectLockConfiguration", 404):
        retention(s3, version)


def test_p7_compliance_is_extended_and_nothing_else_whatever_is_asked(s3, put, refused):
    version = put()
    s3.put_object_retention(**version, Retention=governance())
    s3.put_object_retention(**version, Retention=compliance())
    for less in (compliance(EARLIER), governance(), governance(LATER), {}):
        with refused("AccessDenied", 403):
            s3.put_object_retention(**version, Retention=less, BypassGovernanceRetention=True)
    s3.put_object_retention(**version, Retention=compliance(LATER))
    assert retention(s3, version) == compliance(LATER)


def test_a_retention_ends_in_the_future(s3, put, refused):
    version = put()
    with refused("InvalidArgument", 400):
        s3.put_object_retention(**version, Retention=governance(PAST))
    with refused("InvalidArgument", 400):
        s3.put_object(**{name: version[name] for name in ("Bucket", "Key")}, ObjectLockMode="GOVERNANCE",
                      ObjectLockRetainUntilDate=PAST)  # fmt: skip
    with refused("NoSuchObjectLockConfiguration", 404):
        retention(s3, version)


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        (TEXT, TEXT),
        ("2999-01-01T01:30:00.000+01:30", TEXT),
        ("2998-12-31T19:00:00-0500", TEXT),
        ("2999-01-01T00:00:00.25Z", "2999-01-01T00:00:00.250Z"),
        ("2999-01-01T00:00:00.123456Z", "2999-01-01T00:00:00.124Z"),  # Never shorter than was asked.
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_date_is_answered_as_precisely_as_it_was_given(raw, put, given, answered):
    version = put()
    target = f"/{version['Bucket']}/{version['Key']}"
    body = f"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>{given}</RetainUntilDate></Retention>".encode()
    assert raw("PUT", f"{target}?retention", body=body).status == 200
    assert raw("GET", f"{target}?retention").text("RetainUntilDate") == answered
    assert raw("HEAD", target).headers[DATE] == answered


NO_DATES = [
    "", "tomorrow", "2999-01-01", "2999-01-01T00:00:00", "2999-13-01T00:00:00Z", "2999-02-30T00:00:00Z", "32472144000",
    "2999-01-01T00:00:00.Z", "2999-W01-1T00:00:00Z", "2999-01-01T00:00:00+99:00", "٢999-01-01T00:00:00Z",
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("MalformedXML", "<Mode>GOVERNANCE</Mode>"),
        ("MalformedXML", f"<RetainUntilDate>{TEXT}</RetainUntilDate>"),
        ("MalformedXML", f"<Mode>governance</Mode><RetainUntilDate>{TEXT}</RetainUntilDate>"),
        ("MalformedXML", f"<Mode>GOVERNANCE</Mode><RetainUntilDate>{TEXT}</RetainUntilDate><EventHold>ON</EventHold>"),
        ("MalformedXML", "<Mode/>" * 2),
        ("InvalidArgument", "<Mode>GOVERNANCE</Mode><RetainUntilDate>9999-12-31T23:59:59-01:00</RetainUntilDate>"),
        *(("MalformedXML", f"<Mode>GOVERNANCE</Mode><RetainUntilDate>{date}</RetainUntilDate>") for date in NO_DATES),
    ],
)
def test_p11_a_retention_that_is_none_is_refused_and_changes_nothing(raw, s3, put, refused, code, content):
    version = put()
    body = f"<Retention>{content}</Retention>".encode()
    answer = raw("PUT", f"/{version['Bucket']}/{version['Key']}?retention", body=body)
    assert (answer.status, answer.code) == (400, code)
    with refused("NoSuchObjectLockConfiguration"):
        retention(s3, version)


# -- Legal hold -------------------------------------------------------------------------------------------------------
def test_a_legal_hold_is_put_on_and_taken_off(s3, put, refused):
    version = put()
    with refused("NoSuchObjectLockConfiguration", 404):
        hold(s3, version)
    for status in ("ON", "OFF", "ON", "OFF"):
        s3.put_object_legal_hold(**version, LegalHold={"Status": status})
        assert hold(s3, version) == status


@pytest.mark.parametrize("content", ["", "<Status/>", "<Status>on</Status>", "<Status>ON</Status>" * 2, "<New/>"])
def test_p11_a_legal_hold_that_is_none_is_refused_and_changes_nothing(raw, s3, put, refused, content):
    version = put()
    body = f"<LegalHold>{content}</LegalHold>".encode()
    answer = raw("PUT", f"/{version['Bucket']}/{version['Key']}?legal-hold", body=body)
    assert (answer.status, answer.code) == (400, "MalformedXML")
    with refused("NoSuchObjectLockConfiguration"):
        hold(s3, version)


# -- What has no lock -------------------------------------------------------------------------------------------------
LOCK_CALLS = {
    "get_object_retention": {},
    "put_object_retention": {"Retention": governance()},
    "get_object_legal_hold": {},
    "put_object_legal_hold": {"LegalHold": {"Status": "ON"}},
}


@pytest.mark.parametrize("name", sorted(LOCK_CALLS))
def test_there_are_no_locks_in_a_bucket_without_object_lock(s3, bucket, refused, name):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with refused("InvalidRequest", 400):
        getattr(s3, name)(Bucket=bucket, Key="k", **LOCK_CALLS[name])


@pytest.mark.parametrize("name", sorted(LOCK_CALLS))
def test_what_is_no_version_with_bytes_has_no_lock(s3, put, where, new_name, refused, name):
    call, more = getattr(s3, name), LOCK_CALLS[name]
    version = put()
    upload = s3.create_multipart_upload(**where)["UploadId"]
    marker = s3.delete_object(**where)["VersionId"]
    with refused("NoSuchKey", 404):
        call(**where, **more)
    with refused("NoSuchKey", 404):
        call(**{**where, "Key": "missing"}, **more)
    with refused("MethodNotAllowed", 405):
        call(**where, VersionId=marker, **more)
    with refused("NoSuchVersion", 404):
        call(**where, VersionId=upload, **more)
    with refused("NoSuchVersion", 404):
        call(**{**version, "Key": "another"}, **more)
    with refused("InvalidArgument", 400):
        call(**where, VersionId="junk", **more)
    with refused("NoSuchBucket", 404):
        call(**{**where, "Bucket": new_name()}, **more)


# -- New objects ------------------------------------------------------------------------------------------------------
LOCKED = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": UNTIL, "ObjectLockLegalHoldStatus": "ON"}


def lock_of(answer):
    return {name: answer.get(name) for name in LOCKED}


def test_an_object_is_put_with_its_lock_which_get_and_head_tell(s3, put):
    version = put(**LOCKED)
    assert lock_of(s3.head_object(**version)) == LOCKED
    assert lock_of(s3.get_object(**version)) == LOCKED
    assert lock_of(s3.get_object(**version, Range="bytes=0-0")) == LOCKED
    assert (retention(s3, version), hold(s3, version)) == (governance(), "ON")


def test_an_object_is_put_with_one_kind_of_lock_alone(s3, put, refused):
    held, unheld, retained = put(ObjectLockLegalHoldStatus="ON"), put(ObjectLockLegalHoldStatus="OFF"), put(
        ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=UNTIL
    )  # fmt: skip
    assert (hold(s3, held), hold(s3, unheld), retention(s3, retained)) == ("ON", "OFF", compliance())
    for probe, version in ((retention, held), (hold, retained)):
        with refused("NoSuchObjectLockConfiguration", 404):
            probe(s3, version)


def test_an_object_gets_the_default_of_its_bucket_unless_it_brings_a_retention(s3, new_bucket):
    name = new_bucket(ObjectLockEnabledForBucket=True)
    default = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}}}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=default)
    versions = [s3.put_object(Bucket=name, Key="k", Body=b"x", **more)["VersionId"] for more in ({}, LOCKED)]
    by_default, by_itself = (s3.head_object(Bucket=name, Key="k", VersionId=version) for version in versions)
    lasts = by_default["ObjectLockRetainUntilDate"] - by_default["LastModified"]
    assert timedelta(days=2) <= lasts < timedelta(days=2, seconds=1)
    assert lock_of(by_itself) == LOCKED
    s3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "OFF"})
    for version in versions:
        s3.delete_object(Bucket=name, Key="k", VersionId=version, BypassGovernanceRetention=True)


BAD_HEADERS = [
    {MODE: "GOVERNANCE"},
    {DATE: TEXT},
    {MODE: "governance", DATE: TEXT},
    {MODE: "", DATE: TEXT},
    {MODE: "GOVERNANCE", DATE: "2020-01-01T00:00:00Z"},
    {MODE: "GOVERNANCE", DATE: "9999-12-31T23:59:59-01:00"},
    *({MODE: "GOVERNANCE", DATE: date} for date in NO_DATES if date.isascii()),
    {HOLD: "on"},
    {HOLD: ""},
]


@pytest.mark.parametrize("headers", BAD_HEADERS)
def test_p11_headers_that_are_no_lock_are_refused_by_all_that_make_objects(raw, s3, lockable, where, put, headers):
    put()
    target = f"/{where['Bucket']}/{where['Key']}"
    copied = {"x-amz-copy-source": target}
    for method, path, more in (
        ("PUT", target, md5_of(b"")), ("PUT", f"{target}-copy", copied), ("POST", f"{target}-upload?uploads", {}),
    ):  # fmt: skip
        answer = raw(method, path, headers=headers | more)
        assert (answer.status, answer.code) == (400, "InvalidArgument"), path
    listed = s3.list_object_versions(Bucket=lockable, Prefix=where["Key"])
    assert len(listed["Versions"]) == 1
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=lockable, Prefix=where["Key"])


def test_p11_a_lock_is_refused_by_all_that_make_objects_in_a_bucket_without_object_lock(raw, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for lock in ({MODE: "GOVERNANCE", DATE: TEXT}, {HOLD: "ON"}, {HOLD: "OFF"}):
        for method, target, more in (
            ("PUT", f"/{bucket}/new", md5_of(b"")),
            ("PUT", f"/{bucket}/new", {"x-amz-copy-source": f"/{bucket}/k"}),
            ("POST", f"/{bucket}/new?uploads", {}),
        ):
            answer = raw(method, target, headers=lock | more)
            assert (answer.status, answer.code) == (400, "InvalidRequest"), (lock, target)
    assert raw("HEAD", f"/{bucket}/new").status == 404


def test_bytes_that_come_with_a_lock_come_with_a_digest(raw, where):
    target, lock = f"/{where['Bucket']}/{where['Key']}", {MODE: "GOVERNANCE", DATE: TEXT}
    digest = hashlib.sha256(b"x").hexdigest()
    for headers in (lock, {HOLD: "OFF"}, lock | {"x-amz-content-sha256": digest}):
        answer = raw("PUT", target, headers=headers, body=b"x")
        assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert raw("HEAD", target).status == 404
    chunked = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": "1", "x-amz-trailer": "x-amz-checksum-crc32",
    }  # fmt: skip
    for headers, body in (
        (md5_of(b"x"), b"x"),
        ({"x-amz-checksum-crc32": "jNwWgw=="}, b"x"),
        (chunked, b"1\r\nx\r\n0\r\nx-amz-checksum-crc32:jNwWgw==\r\n\r\n"),
    ):
        assert raw("PUT", target, headers=lock | headers, body=body).status == 200
        assert raw("HEAD", target).headers[DATE] == TEXT
        assert raw("HEAD", target).headers.get(HOLD) is None
    assert raw("PUT", target, headers=md5_of(b"y") | lock, body=b"x").code == "BadDigest"


def test_a_presigned_url_puts_with_the_lock_that_it_was_made_for(s3, raw, where):
    url = s3.generate_presigned_url("put_object", Params={**where, **LOCKED})
    target = url.removeprefix(raw.endpoint)
    # What the signature covers as a header has to be sent as one.
    signed = {name: value for name, value in ((MODE, "GOVERNANCE"), (DATE, TEXT), (HOLD, "ON"))
              if name in url.partition("SignedHeaders=")[2].partition("&")[0].lower()}  # fmt: skip
    assert raw.send("PUT", target, signed, b"x").code == "InvalidRequest"
    assert raw.send("PUT", target, signed | md5_of(b"x"), b"x").status == 200
    assert lock_of(s3.head_object(**where)) == LOCKED


def test_presigned_urls_read_and_change_locks(s3, raw, put):
    version = put(**LOCKED)
    url = s3.generate_presigned_url("get_object_retention", Params=version)
    assert raw.send("GET", url.removeprefix(raw.endpoint), {}).text("RetainUntilDate") == TEXT
    url = s3.generate_presigned_url("put_object_legal_hold", Params=version)
    off = b"<LegalHold><Status>OFF</Status></LegalHold>"
    assert raw.send("PUT", url.removeprefix(raw.endpoint), {}, off).status == 200
    assert hold(s3, version) == "OFF"


def test_a_copy_has_the_lock_that_it_asks_for_and_not_that_of_its_source(s3, put, where, refused):
    source = put(**LOCKED)
    target = {**where, "Key": where["Key"] + "-copy"}
    for directive in ("COPY", "REPLACE"):
        s3.copy_object(**target, CopySource=source, MetadataDirective=directive)
        assert lock_of(s3.head_object(**target)) == dict.fromkeys(LOCKED)
        locked = LOCKED | {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": LATER}
        s3.copy_object(**target, CopySource=source, MetadataDirective=directive, **locked)
        assert lock_of(s3.head_object(**target)) == locked
    with refused("InvalidRequest", 400):  # A lock does not make a copy onto itself another object.
        s3.copy_object(**where, CopySource=where, **LOCKED)


def test_an_upload_in_parts_is_locked_when_it_is_complete_and_not_before(s3, where, refused):
    for complete in (False, True):
        upload = where | {"UploadId": s3.create_multipart_upload(**where, **LOCKED)["UploadId"]}
        part = s3.upload_part(**upload, PartNumber=1, Body=b"a part")
        if not complete:
            s3.abort_multipart_upload(**upload)
            continue
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        done = s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    assert lock_of(s3.head_object(**where)) == LOCKED
    with refused("AccessDenied", 403):
        s3.delete_object(**where, VersionId=done["VersionId"], BypassGovernanceRetention=True)


# -- P6: who may do what ----------------------------------------------------------------------------------------------
def test_p6_get_and_head_leave_out_what_a_key_may_not_know(s3, put, key_with):
    version = put(**LOCKED)
    target = f"/{version['Bucket']}/{version['Key']}"
    for capabilities, told in (
        ({"readFiles"}, set()),
        ({"readFiles", "readFileRetentions"}, {MODE, DATE}),
        ({"readFiles", "readFileLegalHolds"}, {HOLD}),
        (ALL_CAPABILITIES, {MODE, DATE, HOLD}),
    ):
        client = key_with(capabilities)
        for method in ("GET", "HEAD"):
            answer = client(method, target)
            assert answer.status == 200
            assert {name for name in answer.headers if name.startswith("x-amz-object-lock")} == told


def test_p6_who_reads_an_object_for_being_public_reads_not_its_lock(
    s3, raw, new_bucket, stranger, key_with, bucket_id_of
):
    name = new_bucket(ACL="public-read", ObjectLockEnabledForBucket=True)
    s3.put_object(Bucket=name, Key="k", Body=b"x", ObjectLockLegalHoldStatus="ON")
    for method in ("GET", "HEAD"):
        answer = raw(method, f"/{name}/k", signed=False)
        assert (answer.status, answer.headers.get(HOLD)) == (200, None)
    assert "ObjectLockLegalHoldStatus" not in stranger.head_object(Bucket=name, Key="k")
    for mark in ("retention", "legal-hold"):
        assert raw("GET", f"/{name}/k?{mark}", signed=False).code == "AccessDenied"
        assert raw("PUT", f"/{name}/k?{mark}", body=b"<x/>", signed=False).code == "AccessDenied"
    elsewhere = key_with(ALL_OF_FILES, bucketIds=[bucket_id_of(new_bucket())])
    answer = elsewhere("HEAD", f"/{name}/k")
    assert (answer.status, answer.headers.get(HOLD)) == (200, None)
    s3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "OFF"})


def test_p6_locks_of_new_objects_take_the_rights_to_locks(raw, key_with, where, put, new_name):
    put()
    target = f"/{where['Bucket']}/{where['Key']}"
    may_not_retain = key_with(set(ALL_CAPABILITIES) - {"writeFileRetentions"})
    may_not_hold = key_with(set(ALL_CAPABILITIES) - {"writeFileLegalHolds"})
    for client, lock, other in (
        (may_not_retain, {MODE: "GOVERNANCE", DATE: TEXT}, {HOLD: "OFF"}),
        (may_not_hold, {HOLD: "ON"}, {MODE: "GOVERNANCE", DATE: TEXT}),
    ):
        for method, path, more in (
            ("PUT", target, md5_of(b"")),
            ("PUT", f"{target}-copy", {"x-amz-copy-source": target}),
            ("POST", f"{target}?uploads", {}),
        ):
            assert client(method, path, headers=lock | more).code == "AccessDenied", (path, lock)
            assert client(method, path, headers=other | more).status == 200
    may_not_enable = key_with(set(ALL_CAPABILITIES) - {"writeBucketRetentions"})
    name = new_name()
    enabled = {"x-amz-bucket-object-lock-enabled": "true"}
    assert may_not_enable("PUT", f"/{name}", headers=enabled).code == "AccessDenied"
    assert raw("HEAD", f"/{name}").status == 404


def test_p6_to_bypass_governance_takes_a_right_of_its_own(s3, put, key_with):
    version = put(ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=UNTIL)
    target = f"/{version['Bucket']}/{version['Key']}"
    bypass = {"x-amz-bypass-governance-retention": "true"}
    client = key_with(set(ALL_CAPABILITIES) - {"bypassGovernance"})
    assert client("PUT", f"{target}?retention", headers=bypass, body=b"<Retention/>").code == "AccessDenied"
    assert client("DELETE", f"{target}?versionId={version['VersionId']}", headers=bypass).code == "AccessDenied"
    assert retention(s3, version) == governance()


# -- P7: what is locked stays -----------------------------------------------------------------------------------------
KEPT = {
    "governance": ({"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": UNTIL}, [None, "false", "yes", ""]),
    "compliance": ({"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": UNTIL}, [None, "true", "True"]),
    "hold": ({"ObjectLockLegalHoldStatus": "ON"}, [None, "true"]),
    "hold on governance": (LOCKED, [None, "true"]),
}


@pytest.mark.parametrize("lock", sorted(KEPT))
def test_p7_a_locked_version_is_deleted_by_no_way_of_s3(s3, raw, put, where, refused, lock):
    settings, bypasses = KEPT[lock]
    version = put(**settings)
    target = f"/{where['Bucket']}/{where['Key']}?versionId={version['VersionId']}"
    one = f"<Object><Key>{where['Key']}</Key><VersionId>{version['VersionId']}</VersionId></Object>"
    free = where | {"Key": where["Key"] + "-free"}
    for bypass in bypasses:
        headers = {} if bypass is None else {"x-amz-bypass-governance-retention": bypass}
        answer = raw("DELETE", target, headers=headers)
        assert (answer.status, answer.code) == (403, "AccessDenied")
        free_id = s3.put_object(**free, Body=b"y")["VersionId"]
        other = f"<Object><Key>{free['Key']}</Key><VersionId>{free_id}</VersionId></Object>"
        many = raw(
            "POST", f"/{where['Bucket']}?delete", headers=headers, body=f"<Delete>{one}{other}</Delete>".encode()
        )
        assert many.status == 200
        assert (many.text("Error/Code"), many.text("Error/VersionId")) == ("AccessDenied", version["VersionId"])
        assert many.text("Deleted/VersionId") == free_id
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=where["Bucket"])
    marker = s3.delete_object(**where)
    assert marker["DeleteMarker"] is True
    s3.delete_object(**where, VersionId=marker["VersionId"])
    s3.put_object(**where, Body=b"over it")
    assert s3.get_object(**version)["Body"].read() == b"x"


def test_governance_is_deleted_by_bypass_one_by_one_and_many_at_once(s3, put, where, refused):
    versions = [put(ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=UNTIL) for _ in range(3)]
    s3.delete_object(**versions[0], BypassGovernanceRetention=True)
    objects = [{name: version[name] for name in ("Key", "VersionId")} for version in versions[1:]]
    many = {"Bucket": where["Bucket"], "Delete": {"Objects": objects}}
    assert [error["Code"] for error in s3.delete_objects(**many)["Errors"]] == ["AccessDenied"] * 2
    assert len(s3.delete_objects(**many, BypassGovernanceRetention=True)["Deleted"]) == 2
    with refused("NoSuchKey"):
        s3.get_object(**where)


def test_p7_a_lock_of_one_face_is_seen_and_kept_by_the_other(s3, native, server, put, refused):
    held = put()
    names = {"fileName": held["Key"], "fileId": held["VersionId"]}
    native.call("b2_update_file_legal_hold", **names, legalHold="on")
    native.call(
        "b2_update_file_retention", **names,
        fileRetention={"mode": "governance", "retainUntilTimestamp": round(UNTIL.timestamp() * 1000) + 7},
    )  # fmt: skip
    assert retention(s3, held) == governance(UNTIL + timedelta(milliseconds=7))
    assert hold(s3, held) == "ON"
    with refused("AccessDenied", 403):
        s3.delete_object(**held, BypassGovernanceRetention=True)
    s3.put_object_legal_hold(**held, LegalHold={"Status": "OFF"})
    s3.put_object_retention(**held, Retention=compliance(LATER))
    info = native.call("b2_get_file_info", fileId=held["VersionId"])
    assert info["legalHold"]["value"] == "off"
    assert info["fileRetention"]["value"] == {
        "mode": "compliance",
        "retainUntilTimestamp": round(LATER.timestamp() * 1000),
    }


def test_dates_of_other_zones_are_the_same_moment(s3, put):
    version = put(ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=UNTIL.astimezone(timezone(timedelta(hours=9))))
    assert retention(s3, version) == governance()
