"""Object Lock through the native face: the calls, members, headers and errors (reference, section 14)."""

from __future__ import annotations

import time

import pytest

from harness.clients import boto3_client
from harness.native_session import discard

YEAR_3000_MS = 32_503_680_000_000
MS_OF_2100 = 4_102_444_800_123
NO_DEFAULT = {"mode": None, "period": None}
WEEK = {"mode": "governance", "period": {"duration": 7, "unit": "days"}}


def governance(until_ms=YEAR_3000_MS):
    return {"mode": "governance", "retainUntilTimestamp": until_ms}


def compliance(until_ms=YEAR_3000_MS):
    return {"mode": "compliance", "retainUntilTimestamp": until_ms}


def headers_of(retention):
    return {
        "X-Bz-File-Retention-Mode": retention["mode"],
        "X-Bz-File-Retention-Retain-Until-Timestamp": str(retention["retainUntilTimestamp"]),
    }


def update(b2, bucket, **settings):
    return b2.call("b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"], **settings)


def retain(b2, file, retention, **options):
    names = {"fileName": file["fileName"], "fileId": file["fileId"]}
    return b2.call("b2_update_file_retention", **names, fileRetention=retention, **options)


def hold(b2, file, word):
    return b2.call("b2_update_file_legal_hold", fileName=file["fileName"], fileId=file["fileId"], legalHold=word)


def delete(b2, file, **options):
    return b2.call("b2_delete_file_version", fileName=file["fileName"], fileId=file["fileId"], **options)


@pytest.fixture
def locked(b2, bucket):
    """A fresh bucket with Object Lock. What a test leaves in it may stay locked."""
    update(b2, bucket, fileLockEnabled=True).ok()
    return bucket


# -- Buckets ----------------------------------------------------------------------------------------------------------
def test_a_bucket_is_made_with_a_lock_or_gets_it_later_and_keeps_it(b2, bucket, new_name):
    made = b2.create_bucket(new_name("locked"), fileLockEnabled=True)
    expected = {"isClientAuthorizedToRead": True, "value": {"defaultRetention": NO_DEFAULT, "isFileLockEnabled": True}}
    assert made["fileLockConfiguration"] == expected
    assert update(b2, bucket, fileLockEnabled=True).ok()["fileLockConfiguration"] == expected
    assert update(b2, bucket, fileLockEnabled=True).ok()["fileLockConfiguration"] == expected
    assert update(b2, bucket, fileLockEnabled=False).error == (
        400, "file_lock_conflict", "fileLockEnabled value of false is not allowed when bucket is already file lock enabled.",
    )  # fmt: skip
    b2.call("b2_delete_bucket", accountId=b2.account_id, bucketId=made["bucketId"]).ok()


def test_a_default_retention_needs_a_lock_comes_with_it_and_is_cleared_by_a_null_mode(b2, bucket):
    assert update(b2, bucket, defaultRetention=WEEK).refusal == (400, "bucket_missing_file_lock")
    both = update(b2, bucket, fileLockEnabled=True, defaultRetention=WEEK).ok()
    assert both["fileLockConfiguration"]["value"] == {"defaultRetention": WEEK, "isFileLockEnabled": True}
    kept = update(b2, bucket, bucketInfo={}).ok()
    assert kept["fileLockConfiguration"]["value"]["defaultRetention"] == WEEK
    cleared = update(b2, bucket, defaultRetention={"mode": None}).ok()
    assert cleared["fileLockConfiguration"]["value"] == {"defaultRetention": NO_DEFAULT, "isFileLockEnabled": True}


@pytest.mark.parametrize(
    "default",
    [
        {"mode": "governance"},
        {"mode": None, "period": {"duration": 1, "unit": "days"}},
        {"mode": "none", "period": {"duration": 1, "unit": "days"}},
        {"mode": "governance", "period": {"duration": 0, "unit": "days"}},
        {"mode": "governance", "period": {"duration": 1, "unit": "weeks"}},
        {"mode": "governance", "period": {"duration": 1}},
    ],
)
def test_a_default_retention_outside_its_rules_is_a_bad_request(b2, locked, default):
    assert update(b2, locked, defaultRetention=default).refusal == (400, "bad_request")


def test_locking_a_bucket_and_seeing_its_lock_need_capabilities(b2, locked, new_name):
    blind = b2.restricted(["listBuckets", "writeBuckets"])
    assert update(blind, locked, defaultRetention={"mode": None}).refusal == (401, "unauthorized")
    seen = blind.call("b2_list_buckets", accountId=b2.account_id, bucketName=locked["bucketName"]).ok()["buckets"][0]
    assert seen["fileLockConfiguration"] == {"isClientAuthorizedToRead": False, "value": None}
    name = new_name("locked")
    refused = blind.call(
        "b2_create_bucket", accountId=b2.account_id, bucketName=name, bucketType="allPrivate", fileLockEnabled=True
    )
    assert refused.refusal == (401, "unauthorized")
    made = blind.create_bucket(name, fileLockEnabled=False)
    b2.call("b2_delete_bucket", accountId=b2.account_id, bucketId=made["bucketId"]).ok()


# -- New files --------------------------------------------------------------------------------------------------------
def test_a_timestamp_comes_back_to_the_millisecond_from_everywhere(b2, locked):
    wanted = governance(MS_OF_2100)
    shown = {"isClientAuthorizedToRead": True, "value": wanted}
    uploaded = b2.upload(locked["bucketId"], "n", b"data", headers_of(wanted))
    assert uploaded["fileRetention"] == shown
    copied = b2.call("b2_copy_file", sourceFileId=uploaded["fileId"], fileName="copy", fileRetention=wanted).ok()
    assert copied["fileRetention"] == shown
    started = b2.start(locked["bucketId"], "large", fileRetention=wanted, legalHold="on")
    assert (started["fileRetention"], started["legalHold"]["value"]) == (shown, "on")
    updated = retain(b2, uploaded, governance(MS_OF_2100 + 1)).ok()
    assert updated == {
        "fileId": uploaded["fileId"], "fileName": "n", "fileRetention": governance(MS_OF_2100 + 1),
    }  # fmt: skip
    info = b2.call("b2_get_file_info", fileId=uploaded["fileId"]).ok()
    assert info["fileRetention"]["value"] == governance(MS_OF_2100 + 1)
    for name in ("b2_list_file_names", "b2_list_file_versions"):
        rows = {row["fileName"]: row for row in b2.call(name, bucketId=locked["bucketId"]).ok()["files"]}
        assert rows["copy"]["fileRetention"] == shown
        assert rows["n"]["fileRetention"]["value"] == governance(MS_OF_2100 + 1)
    unfinished = b2.call("b2_list_unfinished_large_files", bucketId=locked["bucketId"]).ok()["files"]
    assert [(row["fileRetention"], row["legalHold"]["value"]) for row in unfinished] == [(shown, "on")]
    for file in (copied, uploaded):
        delete(b2, file, bypassGovernance=True).ok()


def test_the_default_retention_shows_in_the_answer_of_an_upload_and_is_not_copied_elsewhere(b2, locked, bucket):
    update(b2, locked, defaultRetention=WEEK).ok()
    uploaded = b2.upload(locked["bucketId"], "n", b"data")
    value = uploaded["fileRetention"]["value"]
    assert value == governance(uploaded["uploadTimestamp"] + 7 * 86_400_000)
    assert uploaded["legalHold"] == {"isClientAuthorizedToRead": True, "value": None}
    delete(b2, uploaded, bypassGovernance=True).ok()


def test_the_retention_of_a_source_is_not_copied(b2, locked):
    source = b2.upload(locked["bucketId"], "n", b"data", headers_of(governance()))
    copied = b2.call("b2_copy_file", sourceFileId=source["fileId"], fileName="copy").ok()
    assert copied["fileRetention"]["value"] == {"mode": None, "retainUntilTimestamp": None}
    delete(b2, source, bypassGovernance=True).ok()


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"X-Bz-File-Retention-Mode": "governance"}, (400, "bad_request")),
        ({"X-Bz-File-Retention-Retain-Until-Timestamp": str(YEAR_3000_MS)}, (400, "bad_request")),
        (headers_of({"mode": "none", "retainUntilTimestamp": YEAR_3000_MS}), (400, "bad_request")),
        (headers_of(governance("soon")), (400, "bad_request")),
        (headers_of(governance(1)), (400, "retain_until_timestamp_must_be_in_future")),
        ({"X-Bz-File-Legal-Hold": "maybe"}, (400, "bad_request")),
    ],
)
def test_an_upload_with_a_lock_outside_its_rules_is_refused_and_leaves_nothing(b2, locked, headers, refusal):
    assert b2.try_upload(locked["bucketId"], "n", b"data", headers).refusal == refusal
    assert b2.versions(locked["bucketId"]) == []


def test_a_lock_in_a_bucket_without_one_has_its_own_error_after_that_of_the_capability(b2, bucket):
    file = b2.upload(bucket["bucketId"], "n")
    missing = (400, "bucket_missing_file_lock", "The bucket is not file lock enabled")
    assert b2.try_upload(bucket["bucketId"], "m", b"", headers_of(governance())).error == missing
    copy = {"sourceFileId": file["fileId"], "fileName": "m"}
    assert b2.call("b2_copy_file", **copy, legalHold="on").error == missing
    assert retain(b2, file, governance()).error == missing
    assert hold(b2, file, "on").error == missing
    writer = b2.restricted(["writeFiles", "readFiles"])
    assert writer.try_upload(bucket["bucketId"], "m", b"", headers_of(governance())).refusal == (403, "access_denied")
    assert retain(writer, file, governance()).refusal == (403, "access_denied")
    assert hold(writer, file, "on").refusal == (403, "access_denied")


# -- Changing and deleting --------------------------------------------------------------------------------------------
def test_governance_is_shortened_only_with_bypass_and_its_capability(b2, locked):
    file = b2.upload(locked["bucketId"], "n", b"data", headers_of(governance()))
    shorter = governance(YEAR_3000_MS - 1)
    none = {"mode": None, "retainUntilTimestamp": None}
    without = b2.restricted(["writeFileRetentions", "deleteFiles"])
    for refused in (shorter, none):
        assert retain(b2, file, refused).error == (403, "access_denied", "Access Denied")
        assert retain(without, file, refused, bypassGovernance=True).refusal == (403, "access_denied")
    assert delete(b2, file).error == (401, "access_denied", "Access Denied")
    assert delete(without, file, bypassGovernance=True).refusal == (401, "unauthorized")
    assert retain(b2, file, shorter, bypassGovernance=True).ok()["fileRetention"] == shorter
    assert retain(b2, file, none, bypassGovernance=True).ok()["fileRetention"] == none
    delete(b2, file).ok()


def test_compliance_is_only_ever_extended(b2, locked):
    until_ms = int(time.time() * 1000) + 2500
    file = b2.upload(locked["bucketId"], "n", b"data", headers_of(compliance(until_ms)))
    for refused in (compliance(until_ms - 1), governance(until_ms + 1), {"mode": None, "retainUntilTimestamp": None}):
        assert retain(b2, file, refused, bypassGovernance=True).refusal == (403, "access_denied")
    assert delete(b2, file, bypassGovernance=True).refusal == (401, "access_denied")
    assert retain(b2, file, compliance(until_ms + 1)).ok()["fileRetention"] == compliance(until_ms + 1)
    while time.time() * 1000 <= until_ms + 1:
        time.sleep(0.05)
    delete(b2, file).ok()


def test_a_retention_in_the_past_has_its_own_error(b2, locked):
    file = b2.upload(locked["bucketId"], "n", b"data")
    assert retain(b2, file, governance(1)).error == (
        400, "retain_until_timestamp_must_be_in_future", "The retainUntilTimestamp must be in future",
    )  # fmt: skip
    assert retain(b2, file, {"mode": "governance"}).refusal == (400, "bad_request")


def test_a_legal_hold_stops_deletion_until_it_is_off(b2, locked):
    file = b2.upload(locked["bucketId"], "n", b"data", {"X-Bz-File-Legal-Hold": "on"})
    assert delete(b2, file, bypassGovernance=True).error == (401, "access_denied", "Access Denied")
    assert hold(b2, file, "off").ok() == {"fileId": file["fileId"], "fileName": "n", "legalHold": "off"}
    assert hold(b2, file, "maybe").refusal == (400, "bad_request")
    delete(b2, file).ok()


def test_locking_what_is_not_there_or_a_hide_marker_is_refused(b2, locked):
    file = b2.upload(locked["bucketId"], "n")
    marker = b2.call("b2_hide_file", bucketId=locked["bucketId"], fileName="n").ok()
    assert retain(b2, marker, governance()).refusal == (400, "bad_request")
    assert retain(b2, {**file, "fileName": "other"}, governance()).refusal == (400, "file_not_present")
    assert hold(b2, {**file, "fileId": "nonsense"}, "on").refusal == (400, "bad_request")


# -- Reading ----------------------------------------------------------------------------------------------------------
def test_a_download_tells_the_lock_to_who_may_read_it_and_what_is_withheld_to_others(b2, locked):
    file = b2.upload(
        locked["bucketId"], "n", b"data", {**headers_of(governance(MS_OF_2100)), "X-Bz-File-Legal-Hold": "on"}
    )
    told = b2.download(locked["bucketName"], "n", method="HEAD").headers
    assert told["x-bz-file-retention-mode"] == "governance"
    assert told["x-bz-file-retention-retain-until-timestamp"] == str(MS_OF_2100)
    assert told["x-bz-file-legal-hold"] == "on"
    assert "x-bz-client-unauthorized-to-read" not in told
    blind = b2.restricted(["readFiles", "listFiles"])
    withheld = blind.download(locked["bucketName"], "n").headers
    assert withheld["x-bz-client-unauthorized-to-read"] == (
        "X-Bz-File-Retention-Mode,X-Bz-File-Retention-Retain-Until-Timestamp,X-Bz-File-Legal-Hold"
    )
    assert not {name for name in withheld if name.startswith(("x-bz-file-retention", "x-bz-file-legal"))}
    row = blind.call("b2_list_file_names", bucketId=locked["bucketId"]).ok()["files"][0]
    hidden = {"isClientAuthorizedToRead": False, "value": None}
    assert (row["fileRetention"], row["legalHold"]) == (hidden, hidden)
    hold(b2, file, "off").ok()
    delete(b2, file, bypassGovernance=True).ok()


def test_p6_a_key_of_another_bucket_reads_a_public_file_and_not_its_lock(b2, bucket, new_name):
    public = b2.create_bucket(new_name("public"), "allPublic", fileLockEnabled=True)
    file = b2.upload(public["bucketId"], "n", b"data", {"X-Bz-File-Legal-Hold": "on"})
    elsewhere = b2.restricted(["readFiles", "readFileRetentions", "readFileLegalHolds"], bucketIds=[bucket["bucketId"]])
    told = elsewhere.download(public["bucketName"], "n").headers
    assert "x-bz-file-legal-hold" not in told
    assert "X-Bz-File-Legal-Hold" in told["x-bz-client-unauthorized-to-read"]
    hold(b2, file, "off").ok()
    discard(b2, public["bucketId"])


# -- The other face ---------------------------------------------------------------------------------------------------
def test_s3_deletes_no_locked_version_either_but_honours_its_own_bypass(b2, server, locked):
    held = b2.upload(locked["bucketId"], "held", b"data", {"X-Bz-File-Legal-Hold": "on"})
    governed = b2.upload(locked["bucketId"], "governed", b"data", headers_of(governance()))
    s3 = boto3_client(server)
    name = locked["bucketName"]
    for file in (held, governed):
        with pytest.raises(s3.exceptions.ClientError) as refused:
            s3.delete_object(Bucket=name, Key=file["fileName"], VersionId=file["fileId"])
        assert refused.value.response["Error"]["Code"] == "AccessDenied"
    objects = [{"Key": file["fileName"], "VersionId": file["fileId"]} for file in (held, governed)]
    answer = s3.delete_objects(Bucket=name, Delete={"Objects": objects}, BypassGovernanceRetention=True)
    assert [row["Key"] for row in answer["Deleted"]] == ["governed"]
    assert [(row["Key"], row["Code"]) for row in answer["Errors"]] == [("held", "AccessDenied")]
    assert b2.download(name, "held").body == b"data"
    hold(b2, held, "off").ok()
