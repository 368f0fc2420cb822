"""Lines 145 to 154 and 167 of the checklist: Object Lock."""

from __future__ import annotations

import time

import pytest

DENIED = (403, "access_denied")
YEAR_MS = 365 * 86_400_000
UNTIL_MS = 4_102_444_800_123


@pytest.fixture
def locked(b2, bucket):
    """A bucket with Object Lock."""
    return update(b2, bucket, fileLockEnabled=True).ok()


@pytest.fixture
def made(b2, locked):
    return b2.upload(locked["bucketId"], "n", b"data")


def update(b2, bucket, **settings):
    return b2.call("b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"], **settings)


def retention(bucket):
    return bucket["fileLockConfiguration"]["value"]["defaultRetention"]


def retain(b2, made, mode, until_ms, **options):
    value = {"mode": mode, "retainUntilTimestamp": until_ms}
    return b2.call(
        "b2_update_file_retention", fileName=made["fileName"], fileId=made["fileId"], fileRetention=value, **options
    )


def hold(b2, made, value):
    return b2.call("b2_update_file_legal_hold", fileName=made["fileName"], fileId=made["fileId"], legalHold=value)


def delete(b2, made, **options):
    return b2.call("b2_delete_file_version", fileName=made["fileName"], fileId=made["fileId"], **options)


def soon_ms(milliseconds=2 * YEAR_MS):
    return int(time.time() * 1000) + milliseconds


def test_145_lock_cannot_be_switched_off_and_may_be_switched_on_twice(b2, locked):
    assert update(b2, locked, fileLockEnabled=False).refusal == (400, "file_lock_conflict")
    assert update(b2, locked, fileLockEnabled=True).ok()["fileLockConfiguration"]["value"]["isFileLockEnabled"] is True


def test_146_default_retention_needs_lock_and_may_come_with_it(b2, bucket):
    wanted = {"mode": "governance", "period": {"duration": 7, "unit": "days"}}
    assert update(b2, bucket, defaultRetention=wanted).refusal == (400, "bucket_missing_file_lock")
    assert retention(update(b2, bucket, fileLockEnabled=True, defaultRetention=wanted).ok()) == wanted


def test_147_default_retention_is_cleared_by_a_null_mode(b2, locked):
    update(b2, locked, defaultRetention={"mode": "governance", "period": {"duration": 1, "unit": "years"}}).ok()
    cleared = update(b2, locked, defaultRetention={"mode": None}).ok()
    assert retention(cleared) == {"mode": None, "period": None}


def test_148_governance_is_shortened_with_bypass_and_its_capability_alone(b2, made):
    until_ms = soon_ms()
    retain(b2, made, "governance", until_ms).ok()
    assert retain(b2, made, "governance", until_ms - 1000).refusal == DENIED
    weak = b2.restricted(["writeFileRetentions"])
    assert retain(weak, made, "governance", until_ms - 1000, bypassGovernance=True).status in {401, 403}
    assert retain(b2, made, "governance", until_ms - 1000, bypassGovernance=True).status == 200
    assert retain(b2, made, None, None, bypassGovernance=True).status == 200


def test_149_compliance_is_never_shortened_but_extended(b2, new_name):
    # What is locked so cannot be removed again, nor can its bucket: it stays with the server.
    bucket = b2.create_bucket(new_name("compliance"), fileLockEnabled=True)
    made = b2.upload(bucket["bucketId"], "n", b"data")
    until_ms = soon_ms()
    retain(b2, made, "compliance", until_ms).ok()
    for bypass in (False, True):
        assert retain(b2, made, "compliance", until_ms - 1000, bypassGovernance=bypass).refusal == DENIED
        assert retain(b2, made, None, None, bypassGovernance=bypass).refusal == DENIED
        assert retain(b2, made, "governance", until_ms + 1000, bypassGovernance=bypass).refusal == DENIED
    assert retain(b2, made, "compliance", until_ms + 1000).status == 200


def test_150_retention_in_the_past_has_its_own_code(b2, made):
    assert retain(b2, made, "governance", soon_ms(-1000)).error == (
        400, "retain_until_timestamp_must_be_in_future", "The retainUntilTimestamp must be in future",
    )  # fmt: skip


def test_151_a_file_under_hold_is_not_deleted(b2, made):
    hold(b2, made, "on").ok()
    status, _, message = delete(b2, made).error
    assert status == 401
    assert "Access Denied" in message
    hold(b2, made, "off").ok()
    assert delete(b2, made).status == 200


def test_152_bypass_without_its_capability_is_401(b2, made):
    retain(b2, made, "governance", soon_ms()).ok()
    weak = b2.restricted(["deleteFiles"])
    assert delete(weak, made, bypassGovernance=True).refusal == (401, "unauthorized")
    assert delete(b2, made, bypassGovernance=True).status == 200


def test_153_a_legal_hold_answers_three_members(b2, made):
    expected = {"fileId": made["fileId"], "fileName": "n", "legalHold": "on"}
    assert hold(b2, made, "on").ok() == expected
    assert hold(b2, made, "off").ok() == {**expected, "legalHold": "off"}


def test_154_a_retention_answers_the_bare_value(b2, made):
    until_ms = soon_ms()
    value = {"mode": "governance", "retainUntilTimestamp": until_ms}
    assert retain(b2, made, "governance", until_ms).ok() == {
        "fileId": made["fileId"],
        "fileName": "n",
        "fileRetention": value,
    }
    retain(b2, made, None, None, bypassGovernance=True).ok()


def test_167_a_far_timestamp_comes_back_unchanged_from_everywhere(b2, locked, made):
    value = {"mode": "governance", "retainUntilTimestamp": UNTIL_MS}
    headers = {
        "X-Bz-File-Retention-Mode": "governance",
        "X-Bz-File-Retention-Retain-Until-Timestamp": str(UNTIL_MS),
    }
    uploaded = b2.upload(locked["bucketId"], "uploaded", b"data", headers)
    assert retain(b2, made, "governance", UNTIL_MS).ok()["fileRetention"] == value
    copied = b2.call("b2_copy_file", sourceFileId=made["fileId"], fileName="copied", fileRetention=value).ok()
    rows = b2.call("b2_list_file_versions", bucketId=locked["bucketId"]).ok()["files"]
    infos = [b2.call("b2_get_file_info", fileId=row["fileId"]).ok() for row in rows]
    assert len(rows) == 3
    for version in (uploaded, copied, *rows, *infos):
        assert version["fileRetention"]["value"] == value
    for row in rows:
        delete(b2, row, bypassGovernance=True).ok()
