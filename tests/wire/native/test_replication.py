"""Replication through the native face: the configuration, its errors, and what files say of it (reference, section 16)."""

from __future__ import annotations

import pytest

from harness.clients import boto3_client
from harness.processes import wait_until

PATIENCE_S = 60.0  # The steward looks every second, but the machine may be busy.
NONE = {"isClientAuthorizedToRead": True, "value": None}


def update(b2, bucket, **settings):
    return b2.call("b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"], **settings)


def rule_to(destination, **changes):
    rule = {
        "destinationBucketId": destination["bucketId"], "fileNamePrefix": "", "includeExistingFiles": False,
        "isEnabled": True, "priority": 1, "replicationRuleName": "rule-1",
    }  # fmt: skip
    return {**rule, **changes}


def source_half(key, *rules):
    return {"asReplicationSource": {"replicationRules": list(rules), "sourceApplicationKeyId": key.key_id}}


def destination_half(**mapping):
    return {"asReplicationDestination": {"sourceToDestinationKeyMapping": mapping}}


@pytest.fixture(scope="module")
def reader(b2):
    return b2.restricted(["readFiles", "readFileRetentions", "readFileLegalHolds"])


@pytest.fixture(scope="module")
def writer(b2):
    return b2.restricted(["writeFiles", "writeFileRetentions", "writeFileLegalHolds"])


@pytest.fixture
def replicated(b2, bucket, public_bucket, reader, writer):
    """A bucket that is replicated to a public one under `in/`."""
    update(b2, public_bucket, replicationConfiguration=destination_half(**{reader.key_id: writer.key_id})).ok()
    rule = rule_to(public_bucket, fileNamePrefix="in/")
    update(b2, bucket, replicationConfiguration=source_half(reader, rule)).ok()
    return bucket


def info(b2, file):
    return b2.call("b2_get_file_info", fileId=file["fileId"]).ok()


def versions(b2, bucket):
    return b2.call("b2_list_file_versions", bucketId=bucket["bucketId"], maxFileCount=1000).ok()["files"]


# -- The configuration ------------------------------------------------------------------------------------------------
def test_both_halves_are_stored_and_shown_to_holders_of_the_capability_alone(b2, bucket, public_bucket, reader, writer):
    halves = {
        **source_half(reader, rule_to(public_bucket), rule_to(public_bucket, replicationRuleName="B_2", priority=2)),
        **destination_half(**{"of-elsewhere": writer.key_id}),
    }
    stored = update(b2, bucket, replicationConfiguration=halves).ok()["replicationConfiguration"]
    assert stored == {"isClientAuthorizedToRead": True, "value": halves}
    for capabilities, expected in (
        (["listBuckets", "readBucketReplications"], stored),
        (["listBuckets"], {"isClientAuthorizedToRead": False, "value": None}),
    ):
        key = b2.restricted(capabilities)
        [listed] = key.call("b2_list_buckets", accountId=b2.account_id, bucketId=bucket["bucketId"]).ok()["buckets"]
        assert listed["replicationConfiguration"] == expected


def test_a_missing_half_reads_null_and_replaces_what_was_there(b2, bucket, public_bucket, reader, writer):
    source, destination = source_half(reader, rule_to(public_bucket)), destination_half(x=writer.key_id)
    for half in (source, destination):
        stored = update(b2, bucket, replicationConfiguration=half).ok()["replicationConfiguration"]["value"]
        assert stored == {"asReplicationSource": None, "asReplicationDestination": None, **half}
    assert update(b2, bucket, bucketInfo={"a": "b"}).ok()["replicationConfiguration"]["value"] == stored
    assert update(b2, bucket, replicationConfiguration={}).ok()["replicationConfiguration"] == NONE


def test_a_bucket_is_made_with_lock_and_replication_to_an_existing_one(b2, public_bucket, reader, new_name):
    half = source_half(reader, rule_to(public_bucket))
    made = b2.create_bucket(new_name("replicated"), fileLockEnabled=True, replicationConfiguration=half)
    assert made["replicationConfiguration"]["value"] == {"asReplicationDestination": None, **half}
    b2.call("b2_delete_bucket", accountId=b2.account_id, bucketId=made["bucketId"]).ok()


def test_a_source_without_rules_is_stored(b2, bucket, reader):
    half = source_half(reader)
    assert update(b2, bucket, replicationConfiguration=half).ok()["replicationConfiguration"]["value"] == {
        "asReplicationDestination": None, **half
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        [{"replicationRuleName": ""}],
        [{"replicationRuleName": "a" * 65}],
        [{"replicationRuleName": "a b"}],
        [{"replicationRuleName": "a\n"}],
        [{"priority": 0}],
        [{"priority": 2**31}],
        [{"priority": "first"}],
        [{"fileNamePrefix": "a" * 1025}],
        [{"fileNamePrefix": None}],
        [{"isEnabled": None}],
        [{"includeExistingFiles": 1}],
        [{"destinationBucketId": "nowhere"}],
        [{"bogus": 1}],
        [{}, {"priority": 2}],
        [{}, {"replicationRuleName": "rule-2"}],
        [{"replicationRuleName": f"rule-{number}", "priority": number} for number in range(1, 27)],
    ],
)
def test_a_rule_outside_of_the_rules_is_refused_and_changes_nothing(b2, bucket, public_bucket, reader, changes):
    half = source_half(reader, *(rule_to(public_bucket, **change) for change in changes))
    assert update(b2, bucket, bucketInfo={"a": "b"}, replicationConfiguration=half).refusal == (400, "bad_request")
    left = update(b2, bucket).ok()
    assert (left["bucketInfo"], left["replicationConfiguration"]) == ({}, NONE)


def test_the_limits_of_a_rule_are_accepted(b2, bucket, public_bucket, reader):
    least = rule_to(public_bucket, replicationRuleName="a", priority=1, fileNamePrefix="a" * 1024)
    most = rule_to(public_bucket, replicationRuleName="_-" * 32, priority=2**31 - 1)
    more = [rule_to(public_bucket, replicationRuleName=f"r{number}", priority=number) for number in range(2, 25)]
    update(b2, bucket, replicationConfiguration=source_half(reader, least, most, *more)).ok()


def test_keys_and_buckets_that_are_not_as_they_must_be_are_refused(b2, bucket, public_bucket, reader, second_account):
    rule = rule_to(public_bucket)
    blind = b2.restricted(["writeFiles"])
    for half in (
        source_half(blind, rule),
        source_half(second_account, rule),
        source_half(reader, rule_to(bucket)),
        {"asReplicationSource": {"replicationRules": [rule], "sourceApplicationKeyId": "nobody"}},
        {"asReplicationSource": {"replicationRules": [rule], "sourceApplicationKeyId": ""}},
        {"asReplicationSource": {"replicationRules": [rule]}},
        destination_half(x=reader.key_id),
        destination_half(x="nobody"),
        destination_half(x=""),
        {"asReplicationDestination": {}},
    ):
        assert update(b2, bucket, replicationConfiguration=half).refusal == (400, "bad_request"), half
    gone = source_half(reader, rule_to({"bucketId": "0" * 24}))
    assert update(b2, bucket, replicationConfiguration=gone).refusal == (400, "bad_bucket_id")


def test_a_configuration_outlives_its_keys_and_can_still_be_paused(b2, bucket, public_bucket):
    reader, writer = b2.restricted(["readFiles"]), b2.restricted(["writeFiles"])
    halves = {**source_half(reader, rule_to(public_bucket)), **destination_half(**{reader.key_id: writer.key_id})}
    update(b2, bucket, replicationConfiguration=halves).ok()
    for key in (reader, writer):
        b2.call("b2_delete_key", applicationKeyId=key.key_id).ok()
    halves["asReplicationSource"]["replicationRules"][0]["isEnabled"] = False
    assert update(b2, bucket, replicationConfiguration=halves).ok()["replicationConfiguration"]["value"] == halves


def test_replication_needs_its_own_capability_also_to_be_cleared(b2, bucket, public_bucket, reader, new_name):
    key = b2.restricted(["listBuckets", "writeBuckets"])
    half = source_half(reader, rule_to(public_bucket))
    for configuration in (half, {}):
        assert update(key, bucket, replicationConfiguration=configuration).refusal == (401, "unauthorized")
    refused = key.call(
        "b2_create_bucket", accountId=b2.account_id, bucketName=new_name(), bucketType="allPrivate",
        replicationConfiguration=half,
    )  # fmt: skip
    assert refused.refusal == (401, "unauthorized")
    update(
        b2.restricted(["listBuckets", "writeBuckets", "writeBucketReplications"]), bucket, replicationConfiguration=half
    ).ok()


def test_a_source_of_replication_gets_no_lock_later_on(b2, replicated, bucket):
    status, code, message = update(b2, bucket, fileLockEnabled=True).error
    assert (status, code) == (400, "source_replication_conflict")
    assert message == (
        "Turning on file lock for an existing bucket having source replication configuration is not allowed."
    )
    update(b2, bucket, fileLockEnabled=True, replicationConfiguration={}).ok()


# -- What files say ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4"])
def test_a_file_is_pending_then_completed_and_its_replica_says_so(b2, replicated, public_bucket, server, version):
    b2 = b2.at(version)
    file = b2.upload(replicated["bucketId"], "in/a", b"replicated", {"X-Bz-Info-colour": "blue"})
    assert file["replicationStatus"] == "PENDING"
    wait_until(lambda: info(b2, file)["replicationStatus"] == "COMPLETED", "it is not replicated", PATIENCE_S)
    [row] = versions(b2.at("v4"), public_bucket)
    for member in ("fileName", "contentSha1", "contentType", "fileInfo", "uploadTimestamp"):
        assert row[member] == file[member], member
    assert row["replicationStatus"] == "REPLICA"
    assert row["bucketId"] == public_bucket["bucketId"]
    for bucket, status in ((replicated, "COMPLETED"), (public_bucket, "REPLICA")):
        answer = b2.download(bucket["bucketName"], "in/a")
        assert (answer.body, answer.headers["x-bz-replication-status"]) == (b"replicated", status)
        seen = boto3_client(server).head_object(Bucket=bucket["bucketName"], Key="in/a")
        assert seen["ReplicationStatus"] == status


def test_what_no_rule_covers_says_nothing(b2, replicated, server):
    file = b2.upload(replicated["bucketId"], "out", b"data")
    for row in (file, info(b2, file), *versions(b2, replicated)):
        assert "replicationStatus" not in row
    assert "x-bz-replication-status" not in b2.download(replicated["bucketName"], "out").headers
    seen = boto3_client(server).head_object(Bucket=replicated["bucketName"], Key="out")
    assert "ReplicationStatus" not in seen


def test_hide_markers_follow_and_say_nothing(b2, replicated, public_bucket):
    b2.upload(replicated["bucketId"], "in/a", b"data")
    marker = b2.call("b2_hide_file", bucketId=replicated["bucketId"], fileName="in/a").ok()
    assert "replicationStatus" not in marker
    wait_until(lambda: len(versions(b2, public_bucket)) == 2, "the marker does not follow", PATIENCE_S)
    assert [row["action"] for row in versions(b2, public_bucket)] == ["hide", "upload"]
    assert b2.download(public_bucket["bucketName"], "in/a").status == 404


def test_a_large_file_has_its_status_from_its_finish_on(b2, replicated):
    started = b2.start(replicated["bucketId"], "in/unfinished")
    assert "replicationStatus" not in started
    finished = b2.large_file(replicated["bucketId"], "in/large", b"a" * 5_000_000, b"b")
    assert finished["replicationStatus"] == "PENDING"
