"""GetBucketLocation, Get/PutBucketVersioning, the ACLs, and the answers of settings that are unset."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from undercroft.s3.facts import FACTS
from undercroft.s3.operations import OPERATIONS

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
S3_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def test_the_location_is_the_region_and_never_empty(s3, raw, bucket, server):
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == server.region
    answer = raw("GET", f"/{bucket}?location=")
    assert (answer.xml.tag, answer.xml.text) == (f"{S3_NAMESPACE}LocationConstraint", server.region)


def test_versioning_is_on_from_the_beginning(s3, bucket):
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_switching_versioning_on_changes_nothing(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled", "MFADelete": "Disabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_versioning_cannot_be_suspended(s3, bucket, refused):
    with refused("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_deleting_with_mfa_is_not_implemented(s3, bucket, refused):
    with refused("NotImplemented", 501):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<VersioningConfiguration/>",
        b"<VersioningConfiguration><Status>On</Status></VersioningConfiguration>",
        b"<VersioningConfiguration><Status>Enabled</Status><New/></VersioningConfiguration>",
    ],
)
def test_a_malformed_versioning_configuration_is_refused(raw, bucket, body):
    assert raw("PUT", f"/{bucket}?versioning", body=body).code == "MalformedXML"


def test_a_document_that_differs_from_its_checksum_is_refused(raw, bucket):
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    headers = {"x-amz-checksum-crc32": "AAAAAA=="}
    assert raw("PUT", f"/{bucket}?versioning", headers=headers, body=body).code == "BadDigest"


def test_the_acl_of_a_private_bucket_is_its_owners_alone(s3, bucket, server):
    acl = s3.get_bucket_acl(Bucket=bucket)
    assert acl["Owner"]["ID"] == server.account_id
    (grant,) = acl["Grants"]
    assert grant["Grantee"] == {"Type": "CanonicalUser", "ID": server.account_id, "DisplayName": ""}
    assert grant["Permission"] == "FULL_CONTROL"


def test_the_acl_of_a_public_bucket_lets_everybody_read(s3, public_bucket):
    s3.put_object(Bucket=public_bucket, Key="k", Body=b"")
    for acl in (s3.get_bucket_acl(Bucket=public_bucket), s3.get_object_acl(Bucket=public_bucket, Key="k")):
        assert (acl["Grants"][1]["Grantee"]["URI"], acl["Grants"][1]["Permission"]) == (ALL_USERS, "READ")


def test_the_acl_of_a_missing_object_is_not_found(s3, bucket, refused):
    with refused("NoSuchKey", 404):
        s3.get_object_acl(Bucket=bucket, Key="missing")


def test_a_bucket_is_made_public_and_private_again(s3, raw, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for acl, grants, status in (
        ("private", 1, 403),
        ("public-read", 2, 200),
        ("public-read", 2, 200),
        ("private", 1, 403),
    ):
        s3.put_bucket_acl(Bucket=bucket, ACL=acl)
        assert len(s3.get_bucket_acl(Bucket=bucket)["Grants"]) == grants
        assert raw("GET", f"/{bucket}/k", signed=False).status == status


def test_an_object_takes_the_acl_of_its_bucket_and_no_other(s3, bucket, public_bucket, refused):
    for name, own, other in ((bucket, "private", "public-read"), (public_bucket, "public-read", "private")):
        version = s3.put_object(Bucket=name, Key="k", Body=b"x")["VersionId"]
        s3.put_object_acl(Bucket=name, Key="k", ACL=own)
        s3.put_object_acl(Bucket=name, Key="k", VersionId=version, ACL=own)
        for acl in (other, "bucket-owner-full-control"):
            with refused("InvalidArgument", 400):
                s3.put_object_acl(Bucket=name, Key="k", ACL=acl)
        with refused("NoSuchKey", 404):
            s3.put_object_acl(Bucket=name, Key="missing", ACL=own)


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({}, b"", "MissingSecurityHeader"),
        ({}, b"<AccessControlPolicy/>", "NotImplemented"),
        ({"x-amz-acl": "private"}, b"<AccessControlPolicy/>", "UnexpectedContent"),
        ({"x-amz-acl": "public-read-write"}, b"", "InvalidArgument"),
        ({"x-amz-acl": ""}, b"", "InvalidArgument"),
        ({"x-amz-grant-read": "uri=http://acs.amazonaws.com/groups/global/AllUsers"}, b"", "NotImplemented"),
    ],
)
def test_p11_an_acl_that_is_not_canned_is_refused_and_changes_nothing(s3, raw, bucket, headers, body, code):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for target in (f"/{bucket}?acl", f"/{bucket}/k?acl"):
        assert raw("PUT", target, headers=headers, body=body).code == code
    assert len(s3.get_bucket_acl(Bucket=bucket)["Grants"]) == 1


EMPTY = {
    "accelerate": "AccelerateConfiguration",
    "analytics": "ListBucketAnalyticsConfigurationResult",
    "intelligent-tiering": "ListBucketIntelligentTieringConfigurationsOutput",
    "inventory": "ListInventoryConfigurationsResult",
    "logging": "BucketLoggingStatus",
    "metrics": "ListMetricsConfigurationsResult",
    "notification": "NotificationConfiguration",
    "requestPayment": "RequestPaymentConfiguration",
}
MISSING = {
    "analytics&id=1": "NoSuchConfiguration",
    "cors": "NoSuchCORSConfiguration",
    "intelligent-tiering&id=1": "NoSuchConfiguration",
    "inventory&id=1": "NoSuchConfiguration",
    "lifecycle": "NoSuchLifecycleConfiguration",
    "metrics&id=1": "NoSuchConfiguration",
    "object-lock": "ObjectLockConfigurationNotFoundError",
    "ownershipControls": "OwnershipControlsNotFoundError",
    "policy": "NoSuchBucketPolicy",
    "policyStatus": "NoSuchBucketPolicy",
    "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "replication": "ReplicationConfigurationNotFoundError",
    "tagging": "NoSuchTagSet",
    "website": "NoSuchWebsiteConfiguration",
}


@pytest.mark.parametrize(("mark", "root"), sorted(EMPTY.items()))
def test_a_setting_that_can_be_empty_is_empty(raw, bucket, mark, root):
    answer = raw("GET", f"/{bucket}?{mark}")
    assert answer.status == 200
    assert answer.xml.tag == f"{S3_NAMESPACE}{root}"


@pytest.mark.parametrize(("mark", "code"), sorted(MISSING.items()))
def test_a_setting_that_is_there_or_not_is_not(raw, bucket, mark, code):
    answer = raw("GET", f"/{bucket}?{mark}")
    assert (answer.status, answer.code) == (404, code)


@pytest.mark.parametrize("mark", sorted({**EMPTY, **MISSING}))
def test_the_settings_of_a_bucket_are_nobodys_business(raw, public_bucket, mark):
    assert raw("GET", f"/{public_bucket}?{mark}", signed=False).code == "AccessDenied"


def test_a_setting_that_only_the_native_face_can_show_is_not_called_unset(raw, native, server, bucket, public_bucket):
    ids = {
        one["bucketName"]: one["bucketId"]
        for one in native.call("b2_list_buckets", accountId=server.account_id)["buckets"]
    }
    rule = {
        "replicationRuleName": "all-of-it",
        "destinationBucketId": ids[public_bucket],
        "fileNamePrefix": "",
        "priority": 1,
    }
    rule |= {"isEnabled": True, "includeExistingFiles": False}
    source = {"sourceApplicationKeyId": server.key_id, "replicationRules": [rule]}
    native.call(
        "b2_update_bucket", accountId=server.account_id, bucketId=ids[bucket],
        replicationConfiguration={"asReplicationSource": source},
    )  # fmt: skip
    assert raw("GET", f"/{bucket}?replication").code == "NotImplemented"
    assert raw("GET", f"/{public_bucket}?replication").code == "ReplicationConfigurationNotFoundError"


def test_an_object_has_no_tags_and_no_lock(s3, bucket, refused):
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"")["VersionId"]
    assert s3.get_object_tagging(Bucket=bucket, Key="k") | {"ResponseMetadata": None} == {
        "TagSet": [],
        "VersionId": version,
        "ResponseMetadata": None,
    }
    for probe in (s3.get_object_retention, s3.get_object_legal_hold):
        with refused("InvalidRequest", 400):
            probe(Bucket=bucket, Key="k")
    with refused("NoSuchKey", 404):
        s3.get_object_tagging(Bucket=bucket, Key="missing")


@pytest.mark.parametrize("name", sorted(name for name in FACTS if OPERATIONS[name].handler is None))
def test_everything_else_is_not_implemented_in_correct_xml(raw, bucket, name):
    facts = FACTS[name]
    query = "&".join([*facts.marks, *(f"{one}=1" for one in facts.required if one in facts.query)])
    path = {"service": "/", "bucket": f"/{bucket}", "object": f"/{bucket}/{quote('a key')}"}[facts.scope]
    answer = raw(facts.method, f"{path}?{query}")
    if name == "ListDirectoryBuckets":
        assert answer.status == 200  # It has the form of ListBuckets.
    else:
        assert (answer.status, answer.code) == (501, "NotImplemented")
