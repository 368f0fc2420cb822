"""The words of Object Lock, and its operations over a real store without HTTP between; the rest is in tests/wire/s3."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from harness.s3_in_process import in_process
from undercroft.s3.actions.object_legal_hold import parse_legal_hold
from undercroft.s3.actions.object_lock_configuration import parse_lock_change
from undercroft.s3.actions.object_retention import parse_retention
from undercroft.s3.errors import S3Error
from undercroft.s3.object_lock import NO_LOCK, asked_lock, check_integrity_of_locked, date_text, parse_date
from undercroft.store.buckets.lock import LockChange
from undercroft.store.model import DefaultRetention, FileLock, Retention

UNTIL_MS = 4_102_444_800_000
TEXT = "2100-01-01T00:00:00Z"
UNTIL = datetime(2100, 1, 1, tzinfo=UTC)
MODE, DATE, HOLD = (b"x-amz-object-lock-" + name for name in (b"mode", b"retain-until-date", b"legal-hold"))
RETAINED = {MODE: b"GOVERNANCE", DATE: TEXT.encode()}
ENABLED = b"<ObjectLockEnabled>Enabled</ObjectLockEnabled>"


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        (TEXT, UNTIL_MS),
        ("2100-01-01T00:00:00.5Z", UNTIL_MS + 500),
        ("2100-01-01T00:00:00.0001Z", UNTIL_MS + 1),
        ("2100-01-01T02:00:00+02:00", UNTIL_MS),
        ("2099-12-31T22:30:00-0130", UNTIL_MS),
        ("1969-12-31T23:59:59.9995Z", 0),
        ("0001-01-01T00:00:00+01:00", -62_135_600_400_000),
        ("2100-01-01", None),
        ("2100-01-01T00:00:00", None),
        ("2100-02-29T00:00:00Z", None),
        ("2100-01-01T00:00:00Z\n", None),
        ("", None),
    ],
)
def test_a_date_is_a_moment_or_none_and_never_an_earlier_one(text, at_ms):
    assert parse_date(text) == at_ms


@pytest.mark.parametrize(("at_ms", "text"), [(UNTIL_MS, TEXT), (UNTIL_MS + 20, "2100-01-01T00:00:00.020Z")])
def test_a_moment_is_written_as_precisely_as_it_has_to_be(at_ms, text):
    assert date_text(at_ms) == text
    assert parse_date(text) == at_ms


def test_headers_ask_for_either_kind_of_lock_or_for_both_or_none():
    retention = Retention("governance", UNTIL_MS)
    assert asked_lock({b"host": b"h"}) is NO_LOCK
    assert asked_lock(RETAINED) == FileLock(retention, None)
    assert asked_lock({HOLD: b" OFF "}) == FileLock(None, False)
    assert asked_lock(RETAINED | {HOLD: b"ON"}) == FileLock(retention, True)


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({MODE: b"GOVERNANCE"}, MODE),
        ({DATE: TEXT.encode()}, DATE),
        (RETAINED | {MODE: b"governance"}, MODE),
        (RETAINED | {DATE: b"\xff"}, DATE),
        ({HOLD: b"on"}, HOLD),
    ],
)
def test_p11_what_is_no_lock_is_refused_by_the_name_of_its_header(headers, named):
    with pytest.raises(S3Error) as caught:
        asked_lock(headers)
    assert (caught.value.code, caught.value.extras["ArgumentName"]) == ("InvalidArgument", named.decode())


def test_bytes_with_a_lock_have_to_have_a_digest():
    check_integrity_of_locked(RETAINED, "crc32")
    check_integrity_of_locked(RETAINED | {b"content-md5": b"x"}, None)
    with pytest.raises(S3Error, match="InvalidRequest"):
        check_integrity_of_locked(RETAINED, None)


@pytest.mark.parametrize(
    ("content", "change"),
    [
        (b"", LockChange(enabled=True, clears_default=True)),
        (
            b"<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days> 7 </Days></DefaultRetention></Rule>",
            LockChange(enabled=True, default_retention=DefaultRetention("compliance", 7, "days")),
        ),
        (
            b"<Rule><DefaultRetention><Years>1</Years><Mode>GOVERNANCE</Mode></DefaultRetention></Rule>",
            LockChange(enabled=True, default_retention=DefaultRetention("governance", 1, "years")),
        ),
        (
            b"<Rule><DefaultRetention><Years>99999999999</Years><Mode>GOVERNANCE</Mode></DefaultRetention></Rule>",
            LockChange(enabled=True, default_retention=DefaultRetention("governance", 36_501, "years")),
        ),
    ],
)
def test_a_configuration_replaces_the_one_before_it(content, change):
    assert parse_lock_change(b"<ObjectLockConfiguration>%b%b</ObjectLockConfiguration>" % (ENABLED, content)) == change


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "MalformedXML"),
        (ENABLED + b"<Rule/>", "MalformedXML"),
        (ENABLED + b"<Rule><DefaultRetention><Days>1</Days></DefaultRetention></Rule>", "MalformedXML"),
        (
            ENABLED + b"<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>x</Days></DefaultRetention></Rule>",
            "MalformedXML",
        ),
        (
            ENABLED + b"<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>00</Days></DefaultRetention></Rule>",
            "InvalidArgument",
        ),
    ],
)
def test_p11_a_configuration_that_is_none_is_refused(content, code):
    with pytest.raises(S3Error, match=code):
        parse_lock_change(b"<ObjectLockConfiguration>%b</ObjectLockConfiguration>" % content)


def test_documents_set_and_end_retention_and_holds():
    both = f"<Retention><RetainUntilDate>{TEXT}</RetainUntilDate><Mode>COMPLIANCE</Mode></Retention>"
    assert parse_retention(both.encode()) == Retention("compliance", UNTIL_MS)
    assert parse_retention(b"<Retention/>") is None
    assert parse_legal_hold(b"<LegalHold><Status>ON</Status></LegalHold>") is True
    assert parse_legal_hold(b"<LegalHold><Status>OFF</Status></LegalHold>") is False
    for parse, body in (
        (parse_retention, b"<Retention><Mode>x</Mode></Retention>"),
        (parse_legal_hold, b"<LegalHold/>"),
    ):
        with pytest.raises(S3Error, match="MalformedXML"):
            parse(body)


def refusal(call, **settings):
    with pytest.raises(ClientError) as caught:
        call(**settings)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_the_life_of_a_lock(tmp_path):
    with in_process(tmp_path) as face:
        s3, bucket, where = face.s3, {"Bucket": "lockable"}, {"Bucket": "lockable", "Key": "k"}
        s3.create_bucket(**bucket, ObjectLockEnabledForBucket=True)
        default = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
        for more in ({}, {"Rule": default}, {}):
            enabled = {"ObjectLockEnabled": "Enabled", **more}
            s3.put_object_lock_configuration(**bucket, ObjectLockConfiguration=enabled)
            assert s3.get_object_lock_configuration(**bucket)["ObjectLockConfiguration"] == enabled
        version = where | {"VersionId": s3.put_object(**where, Body=b"x")["VersionId"]}
        for probe in (s3.get_object_retention, s3.get_object_legal_hold):
            assert refusal(probe, **where) == (404, "NoSuchObjectLockConfiguration")
            assert refusal(probe, Bucket=face.bucket, Key="k")[0] == 404
        s3.put_object_retention(**where, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": UNTIL})
        s3.put_object_legal_hold(**version, LegalHold={"Status": "ON"})
        assert s3.get_object_retention(**where)["Retention"] == {"Mode": "GOVERNANCE", "RetainUntilDate": UNTIL}
        assert s3.get_object_legal_hold(**where)["LegalHold"] == {"Status": "ON"}
        head = s3.head_object(**where)
        told = (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"], head["ObjectLockLegalHoldStatus"])
        assert told == ("GOVERNANCE", UNTIL, "ON")
        assert refusal(s3.delete_object, **version, BypassGovernanceRetention=True) == (403, "AccessDenied")
        s3.put_object_legal_hold(**version, LegalHold={"Status": "OFF"})
        assert refusal(s3.delete_object, **version) == (403, "AccessDenied")
        assert refusal(s3.put_object_retention, **where, Retention={}) == (403, "AccessDenied")
        s3.put_object_retention(**where, Retention={}, BypassGovernanceRetention=True)
        s3.delete_object(**version)


def test_a_bucket_without_object_lock_has_neither_configuration_nor_locks(tmp_path):
    with in_process(tmp_path) as face:
        s3, bucket, where = face.s3, {"Bucket": face.bucket}, {"Bucket": face.bucket, "Key": "k"}
        assert refusal(s3.get_object_lock_configuration, **bucket) == (404, "ObjectLockConfigurationNotFoundError")
        s3.put_object(**where, Body=b"x")
        assert refusal(s3.put_object_legal_hold, **where, LegalHold={"Status": "ON"}) == (400, "InvalidRequest")
        assert refusal(s3.put_object, **where, ObjectLockLegalHoldStatus="ON") == (400, "InvalidRequest")
        assert face.send("PUT", "/x", {"x-amz-bucket-object-lock-enabled": "on"})[0] == 400
