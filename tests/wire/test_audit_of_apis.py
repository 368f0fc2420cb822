"""The audit log of what is managed through both APIs: who, with which key, from where, what it was and is, and what was refused."""

from __future__ import annotations

import csv
import io
import json
import re
import secrets

import pytest
from botocore.exceptions import ClientError

from harness.console_forms import Browser
from harness.native_session import Session, send
from harness.s3_raw import make_client
from harness.server import run_command
from undercroft import limits
from undercroft.native.calls import CALLS
from undercroft.s3.operations import OPERATIONS
from undercroft.store.operations import ALL_CAPABILITIES

YEAR_3000_MS = 32_503_680_000_000
GOVERNANCE = {"mode": "governance", "retainUntilTimestamp": YEAR_3000_MS}
RULE = {
    "eventTypes": ["b2:ObjectCreated:*"],
    "isEnabled": True,
    "name": "told-rule",
    "objectNamePrefix": "in/",
    "targetConfiguration": {"targetType": "webhook", "url": "https://hooks.example.com/hush"},
}


class Owner:
    """An account of its own with a session of its master key, one of a key with every capability, and its console."""

    def __init__(self, server, name):
        email = f"{name}@example.com"
        made = server.create_account(email)
        self.b2 = Session(server.api_url, made["keyId"], made["applicationKey"])
        self.key = self.b2.restricted(list(ALL_CAPABILITIES))
        self.s3 = make_client(server, self.key.key_id, self.key.key)
        self._browser = Browser(server)
        assert self._browser.sign_in(email).status_code == 303

    def told(self, query=""):
        """What the log has of calls with keys, the oldest first, as the console's CSV tells it."""
        text = self._browser.get("/audit.csv" + query).content.decode()
        rows = [row for row in csv.DictReader(io.StringIO(text, newline="")) if row["way"] in ("native", "s3")]
        return rows[::-1]

    def page(self, query=""):
        return self._browser.get("/audit" + query).text


@pytest.fixture
def owner(server):
    return Owner(server, f"managing-{secrets.token_hex(6)}")


def test_what_the_native_api_manages_is_told_with_what_it_was_and_is(owner, new_name):
    b2, name = owner.key, new_name("told")
    bucket = b2.create_bucket(name, fileLockEnabled=True)["bucketId"]
    about = {"accountId": b2.account_id, "bucketId": bucket}
    b2.call("b2_update_bucket", **about, bucketType="allPublic", bucketInfo={"api_token": "hush"}).ok()
    b2.call("b2_set_bucket_notification_rules", bucketId=bucket, eventNotificationRules=[RULE]).ok()
    file = b2.upload(bucket, "in/a.txt", b"data")
    b2.names(bucket)
    named = {"fileName": file["fileName"], "fileId": file["fileId"]}
    b2.call("b2_update_file_legal_hold", **named, legalHold="on").ok()
    b2.call("b2_update_file_legal_hold", **named, legalHold="off").ok()
    b2.call("b2_update_file_retention", **named, fileRetention=GOVERNANCE).ok()
    later = {**GOVERNANCE, "retainUntilTimestamp": YEAR_3000_MS - 1000}
    b2.call("b2_update_file_retention", **named, fileRetention=later, bypassGovernance=True).ok()
    b2.call("b2_delete_file_version", **named, bypassGovernance=True).ok()
    made = b2.restricted(["readFiles"], bucketIds=[bucket])
    b2.call("b2_delete_key", applicationKeyId=made.key_id).ok()
    b2.call("b2_delete_bucket", **about).ok()
    rows = owner.told()
    assert [(row["action"], row["target"], row["result"]) for row in rows[1:]] == [
        ("Create bucket", name, "done"),
        ("Change bucket settings", name, "done"),
        ("Change notification rules", name, "done"),
        ("Set legal hold", f"{name}/in/a.txt", "done"),
        ("Set legal hold", f"{name}/in/a.txt", "done"),
        ("Set retention", f"{name}/in/a.txt", "done"),
        ("Delete retained version", f"{name}/in/a.txt", "done"),
        ("Create key", f"restricted ({made.key_id})", "done"),
        ("Delete key", f"restricted ({made.key_id})", "done"),
        ("Delete bucket", name, "done"),
    ]
    assert {row["actor"] for row in rows[1:]} == {f"restricted ({b2.key_id})"}
    assert {(row["way"], row["address"], row["session"]) for row in rows} == {("native", "127.0.0.1", "")}
    changes = [row["changes"] for row in rows[1:]]
    assert changes[0] == "type: not set → allPrivate; Object Lock: not set → enabled"
    assert changes[1] == "type: allPrivate → allPublic; info api_token: not set → (not shown)"
    assert "told-rule events: not set → b2:ObjectCreated:*" in changes[2]
    assert changes[3] == "legal hold: not set → on"
    assert changes[5] == (
        "retention: governance until 3000-01-01 00:00:00 UTC → governance until 2999-12-31 23:59:59 UTC"
    )
    assert changes[6] == "retention: governance until 2999-12-31 23:59:59 UTC → not set"
    assert f"buckets: not set → {name}; capabilities: not set → readFiles" in changes[7]
    assert changes[9].startswith("type: allPublic → not set; Object Lock: enabled → not set")
    assert rows[2]["details"] == "call: b2_update_bucket"
    assert "hush" not in str(rows)


def test_what_s3_manages_is_told_with_what_it_was_and_is_and_nothing_of_objects(owner, new_name):
    s3, name, logs = owner.s3, new_name("told"), new_name("logs")
    for bucket in (name, logs):
        s3.create_bucket(Bucket=bucket)
    cors = {"CORSRules": [{"ID": "the-app", "AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"]}]}
    s3.put_bucket_cors(Bucket=name, CORSConfiguration=cors)
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=encryption)
    logging = {"LoggingEnabled": {"TargetBucket": logs, "TargetPrefix": "a/"}}
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus=logging)
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={})
    s3.put_object(Bucket=name, Key="a", Body=b"data")
    s3.get_object(Bucket=name, Key="a")["Body"].read()
    s3.list_objects_v2(Bucket=name)
    version = s3.list_object_versions(Bucket=name)["Versions"][0]["VersionId"]
    s3.delete_object(Bucket=name, Key="a", VersionId=version, BypassGovernanceRetention=True)  # Nothing retained it.
    for _ in range(2):  # The second time there is nothing to remove, and so nothing to tell.
        s3.delete_bucket_cors(Bucket=name)
        s3.delete_bucket_encryption(Bucket=name)
    s3.delete_bucket(Bucket=name)
    rows = [row for row in owner.told() if row["way"] == "s3" and row["target"] == name]
    assert [(row["action"], row["details"], row["changes"]) for row in rows] == [
        ("Create bucket", "call: CreateBucket", "type: not set → allPrivate"),
        ("Change CORS rules", "call: PutBucketCors",
         "CORS rule the-app: not set → origins https://a.example; operations s3_get; for 0 seconds"),
        ("Change default encryption", "call: PutBucketEncryption", "encryption: not set → SSE-B2"),
        ("Change access logging", "call: PutBucketLogging", f"access logs: not set → to {logs}, a/"),
        ("Change access logging", "call: PutBucketLogging", f"access logs: to {logs}, a/ → not set"),
        ("Change CORS rules", "call: DeleteBucketCors",
         "CORS rule the-app: origins https://a.example; operations s3_get; for 0 seconds → not set"),
        ("Change default encryption", "call: DeleteBucketEncryption", "encryption: SSE-B2 → not set"),
        ("Delete bucket", "call: DeleteBucket", "type: allPrivate → not set"),
    ]  # fmt: skip
    assert {row["actor"] for row in rows} == {f"restricted ({owner.key.key_id})"}


def test_the_lifecycle_and_the_acl_that_s3_sets_are_told(owner, new_name):
    s3, name = owner.s3, new_name("told-rules")
    s3.create_bucket(Bucket=name)
    rule = {"ID": "1", "Filter": {"Prefix": "a"}, "Status": "Enabled", "Expiration": {"Days": 3}}
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})
    for _ in range(2):  # The second time there is nothing to remove, and so nothing to tell.
        s3.delete_bucket_lifecycle(Bucket=name)
    s3.put_bucket_acl(Bucket=name, ACL="public-read")
    rows = [row for row in owner.told() if row["way"] == "s3" and row["target"] == name]
    assert [(row["action"], row["details"]) for row in rows[1:]] == [
        ("Change lifecycle rules", "call: PutBucketLifecycleConfiguration"),
        ("Change lifecycle rules", "call: DeleteBucketLifecycle"),
        ("Change bucket settings", "call: PutBucketAcl"),
    ]
    assert rows[3]["changes"] == "type: allPrivate → allPublic"


def test_locks_that_s3_sets_are_told(owner, new_name):
    s3, name = owner.s3, new_name("told-lock")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    s3.put_object(Bucket=name, Key="a", Body=b"data")
    s3.put_object_legal_hold(Bucket=name, Key="a", LegalHold={"Status": "ON"})
    s3.put_object_legal_hold(Bucket=name, Key="a", LegalHold={"Status": "OFF"})
    s3.put_object_retention(Bucket=name, Key="a", Retention={}, BypassGovernanceRetention=True)
    rows = [row for row in owner.told() if row["way"] == "s3" and row["target"].startswith(name)]
    assert [(row["action"], row["target"], row["details"].partition(";")[0]) for row in rows] == [
        ("Create bucket", name, "call: CreateBucket"),
        ("Change Object Lock", name, "call: PutObjectLockConfiguration"),
        ("Set legal hold", f"{name}/a", "call: PutObjectLegalHold"),
        ("Set legal hold", f"{name}/a", "call: PutObjectLegalHold"),
        ("Set retention", f"{name}/a", "call: PutObjectRetention"),
    ]
    assert rows[0]["changes"] == "type: not set → allPrivate; Object Lock: not set → enabled"
    assert rows[1]["changes"] == "default retention: not set → governance, 1 days"
    assert rows[2]["changes"] == "legal hold: not set → on"
    assert rows[4]["changes"].endswith("→ not set")


def test_what_a_key_may_not_do_is_told_with_the_capability_that_it_lacks(server, owner, new_name):
    name = new_name("kept")
    bucket = owner.b2.create_bucket(name, fileLockEnabled=True)["bucketId"]
    file = owner.b2.upload(bucket, "a", b"data")
    named = {"fileName": "a", "fileId": file["fileId"]}
    weak = owner.b2.restricted(["listBuckets", "listFiles", "readFiles", "writeFiles", "deleteFiles"])
    about = {"accountId": weak.account_id, "bucketId": bucket}
    s3 = make_client(server, weak.key_id, weak.key)
    refused = {
        "b2_create_bucket": {"accountId": weak.account_id, "bucketName": new_name(), "bucketType": "allPrivate"},
        "b2_update_bucket": {**about, "bucketType": "allPublic"},
        "b2_delete_bucket": about,
        "b2_set_bucket_notification_rules": {"bucketId": bucket, "eventNotificationRules": []},
        "b2_create_key": {"accountId": weak.account_id, "keyName": "more", "capabilities": ["writeKeys"]},
        "b2_delete_key": {"applicationKeyId": weak.key_id},
        "b2_create_group_member": {"adminAccountId": weak.account_id, "groupId": "1", "memberEmail": "m@example.com"},
        "b2_eject_group_member": {"adminAccountId": weak.account_id, "groupId": "1", "memberAccountId": "a"},
        "b2_update_file_legal_hold": {**named, "legalHold": "on"},
        "b2_update_file_retention": {**named, "fileRetention": GOVERNANCE},
        "b2_delete_file_version": {**named, "bypassGovernance": True},
    }
    assert set(refused) < set(CALLS)
    for call, body in refused.items():
        assert weak.call(call, **body).status in (401, 403), call
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_bucket_cors(Bucket=name)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_bucket(Bucket=name)
    told = {
        row["details"].removeprefix("call: "): row["result"]
        for row in owner.told("?outcome=refused")
        if row["actor"] == f"restricted ({weak.key_id})"
    }
    lacking = dict(
        zip(
            [*refused, "DeleteBucketCors", "DeleteBucket"],
            [
                "writeBuckets", "writeBuckets", "deleteBuckets", "writeBucketNotifications", "writeKeys", "deleteKeys",
                "writeKeys", "writeKeys", "writeFileLegalHolds", "writeFileRetentions", "bypassGovernance",
                "writeBuckets", "deleteBuckets",
            ],
            strict=True,
        )
    )  # fmt: skip
    assert told == {call: f"Not allowed: the key lacks {capability}." for call, capability in lacking.items()}


def order(partner, emails):
    """Have trial accounts made."""
    url = f"{partner.url}/b2api/v3/b2_reserve_trial_create_account"
    body = json.dumps([{"email": email, "term": 7, "storage": 1} for email in emails]).encode()
    return send("POST", url, {"Authorization": partner.token}, body).ok()


def test_each_of_the_most_trial_accounts_that_can_be_ordered_at_once_has_its_row(server, home, new_name):
    email = f"{new_name('partner')}@example.com"
    made = server.create_account(email)
    run_command("group", "create", "g", "--admin", email, "--data", str(server.data_dir), home=home)
    partner = Session(server.api_url, made["keyId"], made["applicationKey"], "v3")
    most = limits.TRIALS_AT_ONCE_MAX
    # As long as addresses can be: one entry has room for three of these at most.
    emails = [f"{new_name('trial')}.{'x' * 30}@{'y' * 60}.{'z' * 60}.example.com" for _ in range(most)]
    ordered = order(partner, emails)
    browser = Browser(server)
    browser.sign_in(email)
    text = browser.get("/audit.csv?action=trial").content.decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))[::-1]
    assert [row["target"] for row in rows] == emails
    assert [re.search(r"account: (\w+)", row["details"])[1] for row in rows] == [one["accountId"] for one in ordered]
    assert rows[-1]["details"].endswith(f"of the order: {most} of {most}")


def test_members_of_groups_are_told_and_the_console_shows_one_api_alone(owner, server, home, new_name):
    email, member = f"{new_name('partner')}@example.com", f"{new_name('member')}@example.com"
    made = server.create_account(email)
    group = run_command("group", "create", "g", "--admin", email, "--data", str(server.data_dir), home=home)["groupId"]
    partner = Session(server.api_url, made["keyId"], made["applicationKey"], "v3")
    about = {"adminAccountId": made["accountId"], "groupId": group}
    [created] = partner.call("b2_create_group_member", **about, memberEmail=member).json
    partner.call("b2_eject_group_member", **about, memberAccountId=created["groupMember"]["accountId"]).ok()
    trial = f"{new_name('trial')}@example.com"
    [ordered] = order(partner, [trial])
    browser = Browser(server)
    browser.sign_in(email)
    rows = list(csv.DictReader(io.StringIO(browser.get("/audit.csv?way=native").content.decode(), newline="")))
    assert f"account: {ordered['accountId']}; days: 7; terabytes: 1; of the order: 1 of 1" in rows[0]["details"]
    assert [(row["action"], row["target"], row["way"]) for row in rows] == [
        ("Create trial accounts", trial, "native"),
        ("Eject group member", member, "native"),
        ("Create group member", member, "native"),
    ]
    owner.s3.create_bucket(Bucket=new_name("shown"))
    assert "CreateBucket" in owner.page("?way=s3")
    assert "b2_create_key" not in owner.page("?way=s3")
    assert "b2_create_key" in owner.page("?way=native")
    assert "b2_create_key" in owner.page("?way=unheard-of")
    assert "Nothing matches" in owner.page("?way=command&action=" + secrets.token_hex(6))


def test_reads_and_lists_and_uploads_write_nothing(owner, new_name):
    bucket = owner.key.create_bucket(new_name("busy"))
    before = len(owner.told())
    for number in range(3):
        owner.key.upload(bucket["bucketId"], f"f{number}", b"data")
    owner.key.call("b2_list_buckets", accountId=owner.key.account_id).ok()
    owner.key.call("b2_list_keys", accountId=owner.key.account_id).ok()
    owner.key.large_file(bucket["bucketId"], "large", b"x" * 5_000_000, b"y")
    file = owner.key.upload(bucket["bucketId"], "gone", b"data")
    owner.key.call("b2_hide_file", bucketId=bucket["bucketId"], fileName="f0").ok()
    owner.key.call("b2_delete_file_version", fileName="gone", fileId=file["fileId"]).ok()
    assert owner.key.download(bucket["bucketName"], "f1").status == 200
    assert len(owner.told()) == before


# What each call of S3 that manages something is asked with; the rest concerns files' bytes, or reads.
S3_MANAGES = {
    "create_bucket": {},
    "delete_bucket": {},
    "delete_bucket_cors": {},
    "delete_bucket_encryption": {},
    "delete_bucket_lifecycle": {},
    "put_bucket_acl": {"ACL": "public-read"},
    "put_bucket_cors": {"CORSConfiguration": {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]}},
    "put_bucket_encryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        }
    },
    "put_bucket_lifecycle_configuration": {
        "LifecycleConfiguration": {
            "Rules": [{"Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 3}}]
        }
    },
    "put_bucket_logging": {"BucketLoggingStatus": {}},
    "put_bucket_versioning": {"VersioningConfiguration": {"Status": "Enabled"}},
    "put_object_acl": {"Key": "a", "ACL": "private"},
    "put_object_legal_hold": {"Key": "a", "LegalHold": {"Status": "ON"}},
    "put_object_lock_configuration": {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
    "put_object_retention": {"Key": "a", "Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": "3000-01-01T00:00:00Z"}},
}  # fmt: skip
S3_OF_BYTES = {
    "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "DeleteObject",
    "DeleteObjects", "PutObject", "UploadPart", "UploadPartCopy",
}  # fmt: skip
NATIVE_MANAGES = {
    "b2_create_bucket": {"bucketName": "made-by-another", "bucketType": "allPrivate"},
    "b2_update_bucket": {"bucketId": "BUCKET", "bucketType": "allPublic"},
    "b2_delete_bucket": {"bucketId": "BUCKET"},
    "b2_create_key": {"keyName": "more", "capabilities": ["readFiles"]},
    "b2_create_group_member": {"groupId": "1", "memberEmail": "m@example.com"},
    "b2_eject_group_member": {"groupId": "1", "memberAccountId": "a"},
}


def refusals(owner, key_id):
    """Calls and targets of what the log says was refused to a key."""
    rows = [row for row in owner.told("?outcome=refused") if row["actor"] == f"restricted ({key_id})"]
    return [(row["details"].partition(";")[0].removeprefix("call: "), row["target"], row["result"]) for row in rows]


def test_every_call_of_s3_that_manages_something_and_is_refused_has_one_row(server, owner, new_name):
    """Also those whose bucket or version is looked for before anything is changed."""
    calls = {"".join(word.title() for word in call.split("_")): call for call in S3_MANAGES}
    reads = ("Get", "Head", "List")
    changing = {name for name, operation in OPERATIONS.items() if operation.handler and not name.startswith(reads)}
    assert set(calls) == changing - S3_OF_BYTES
    name = new_name("kept")
    bucket = owner.b2.create_bucket(name, fileLockEnabled=True)["bucketId"]
    owner.b2.upload(bucket, "a", b"data")
    weak = owner.b2.restricted(["listBuckets", "listFiles", "readFiles"])
    s3 = make_client(server, weak.key_id, weak.key)
    assert len(calls) <= limits.AUDIT_REFUSALS_PER_HOUR
    for call, body in S3_MANAGES.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(s3, call)(Bucket=name, **body)
    assert refusals(owner, weak.key_id) == [
        (
            operation,
            f"{name}/a" if "Key" in S3_MANAGES[call] else name,
            f"Not allowed: the key lacks {OPERATIONS[operation].capability}.",
        )
        for operation, call in calls.items()
    ]


def test_a_call_that_names_another_account_is_told_to_the_account_of_the_key(owner):
    for call, body in NATIVE_MANAGES.items():
        whose = "adminAccountId" if "group" in call else "accountId"
        assert owner.key.call(call, **{whose: "0" * 12}, **body).status in (401, 403), call
    told = refusals(owner, owner.key.key_id)
    assert [(called, result) for called, _, result in told] == [
        (call, "The account is not the caller's.") for call in NATIVE_MANAGES
    ]
    assert told[0][1] == "made-by-another"


def test_the_rows_of_what_is_refused_before_anything_is_changed_are_bounded(server, owner, new_name):
    name = new_name("kept")
    owner.b2.create_bucket(name, fileLockEnabled=True)
    weak = owner.b2.restricted(["listBuckets"])
    s3 = make_client(server, weak.key_id, weak.key)
    for _ in range(3 * limits.AUDIT_REFUSALS_PER_HOUR):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_bucket_acl(Bucket=name, ACL="private")
    # Each worker has its own bound.
    assert 1 <= len(refusals(owner, weak.key_id)) <= 2 * limits.AUDIT_REFUSALS_PER_HOUR
