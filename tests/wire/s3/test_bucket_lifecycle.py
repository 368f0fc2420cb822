"""GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration and DeleteBucketLifecycle (reference, 1.12)."""

from __future__ import annotations

import pytest

from harness.s3_raw import RawS3

HIDE, DELETE, CANCEL = (
    "daysFromUploadingToHiding",
    "daysFromHidingToDeleting",
    "daysFromStartingToCancelingUnfinishedLargeFiles",
)


def rule(prefix="", **actions):
    return {"Filter": {"Prefix": prefix}, "Status": "Enabled", **actions}


def hides(days):
    return {"Expiration": {"Days": days}}


def deletes(days):
    return {"NoncurrentVersionExpiration": {"NoncurrentDays": days}}


def cancels(days):
    return {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days}}


MARKERS = {"Expiration": {"ExpiredObjectDeleteMarker": True}}


@pytest.fixture
def put(s3, bucket):
    def put(*rules):
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)})

    return put


@pytest.fixture
def shown(s3, bucket):
    """The rules that S3 shows, without their ids, which are all different."""

    def shown():
        rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        ids = [rule.pop("ID") for rule in rules]
        assert len(set(ids)) == len(ids)
        return rules

    return shown


@pytest.fixture
def native_rules(native, server, bucket):
    """What the native face shows, or with rules given sets."""

    def rules(new=None):
        (found,) = native.call("b2_list_buckets", accountId=server.account_id, bucketName=bucket)["buckets"]
        if new is not None:
            native.call("b2_update_bucket", accountId=server.account_id, bucketId=found["bucketId"], lifecycleRules=new)
        return found["lifecycleRules"]

    return rules


def test_p10_rules_are_those_of_both_faces(put, shown, native_rules):
    put(rule("a/", **hides(3), **deletes(2), **cancels(1)), rule("b/", **deletes(1)))
    assert native_rules() == [
        {"fileNamePrefix": "a/", HIDE: 3, DELETE: 2, CANCEL: 1},
        {"fileNamePrefix": "b/", DELETE: 1},
    ]
    assert shown() == [
        rule("a/", **hides(3), **deletes(2), **cancels(1)),
        rule("a/", **MARKERS),
        rule("b/", **deletes(1)),
    ]
    native_rules([{"fileNamePrefix": "", HIDE: None, DELETE: 7, CANCEL: None}])
    assert shown() == [rule("", **deletes(7))]


def test_what_is_shown_can_be_put_again_and_changes_nothing(s3, bucket, put, native_rules):
    put(rule("ü <&> ", **hides(30), **deletes(1)), rule("b", **cancels(7)))
    before = native_rules()
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    put(*rules)
    assert (native_rules(), s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]) == (before, rules)


def test_rules_of_one_prefix_become_one(put, native_rules):
    put(rule("a", **hides(1)), rule("a", **deletes(2)), rule("a", **MARKERS), rule("b", **cancels(3)))
    assert native_rules() == [{"fileNamePrefix": "a", HIDE: 1, DELETE: 2}, {"fileNamePrefix": "b", CANCEL: 3}]


def test_the_old_form_of_a_prefix_and_an_empty_filter_are_taken(raw, bucket, native_rules):
    for where, prefix in (("<Prefix>x</Prefix>", "x"), ("<Filter/>", ""), ("<Filter><Prefix/></Filter>", "")):
        actions = "<Expiration><Days>1</Days></Expiration>"
        assert raw("PUT", f"/{bucket}?lifecycle", body=document(f"{where}{STATUS}{actions}")).status == 200
        assert native_rules() == [{"fileNamePrefix": prefix, HIDE: 1}]


def test_rules_are_deleted_whether_there_are_any_or_not(s3, bucket, put, refused, native_rules):
    put(rule("", **hides(1)))
    for _ in range(2):
        s3.delete_bucket_lifecycle(Bucket=bucket)
        assert native_rules() == []
        with refused("NoSuchLifecycleConfiguration", 404):
            s3.get_bucket_lifecycle_configuration(Bucket=bucket)


STATUS = "<Status>Enabled</Status>"
EXPIRES = "<Expiration><Days>1</Days></Expiration>"


def document(*rules):
    inside = "".join(f"<Rule>{content}</Rule>" for content in rules)
    return f"<LifecycleConfiguration>{inside}</LifecycleConfiguration>".encode()


def expires(content, action="Expiration"):
    return [f"<Filter/>{STATUS}<{action}>{content}</{action}>"]


@pytest.mark.parametrize(
    ("code", "rules"),
    [
        ("MalformedXML", []),
        ("MalformedXML", [f"{STATUS}{EXPIRES}"]),
        ("MalformedXML", [f"<Filter/><Prefix/>{STATUS}{EXPIRES}"]),
        ("MalformedXML", [f"<Filter/>{EXPIRES}"]),
        ("MalformedXML", [f"<Filter/><Status>enabled</Status>{EXPIRES}"]),
        ("MalformedXML", [f"<Filter/>{STATUS}{EXPIRES * 2}"]),
        ("MalformedXML", [f"<Filter/>{STATUS}{EXPIRES}<New/>"]),
        ("MalformedXML", expires("")),
        ("MalformedXML", expires("<Days>x</Days>")),
        ("MalformedXML", expires("<Days>1</Days><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>")),
        ("InvalidArgument", expires("<Days>0</Days>")),
        ("InvalidArgument", expires("<Days>-1</Days>")),
        ("InvalidRequest", expires(f"<Days>{'9' * 5000}</Days>")),
        ("InvalidRequest", [f"<Filter/>{STATUS}"]),
        ("InvalidRequest", [f"<Filter/><Status>Disabled</Status>{EXPIRES}"]),
        ("InvalidRequest", expires("<ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>")),
        ("InvalidRequest", [f"<Prefix>a</Prefix>{STATUS}{EXPIRES}"] * 2),
        ("InvalidRequest", [f"<Prefix>{prefix}</Prefix>{STATUS}{EXPIRES}" for prefix in ("a", "ab")]),
        ("InvalidRequest", [f"<Prefix>{number:03}</Prefix>{STATUS}{EXPIRES}" for number in range(101)]),
        ("InvalidArgument", [f"<ID>1</ID><Prefix>{prefix}</Prefix>{STATUS}{EXPIRES}" for prefix in "ab"]),
        ("InvalidArgument", [f"<ID>{'i' * 256}</ID><Filter/>{STATUS}{EXPIRES}"]),
        ("NotImplemented", expires("<Date>2030-01-01T00:00:00Z</Date>")),
        ("NotImplemented", expires("<Days>1</Days><StorageClass>GLACIER</StorageClass>", "Transition")),
        ("NotImplemented", [f"<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>{STATUS}{EXPIRES}"]),
        ("NotImplemented", [f"<Filter><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan></Filter>{STATUS}{EXPIRES}"]),
        (
            "NotImplemented",
            expires(
                "<NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>1</NewerNoncurrentVersions>",
                "NoncurrentVersionExpiration",
            ),
        ),
    ],
)
def test_p11_what_is_malformed_or_not_there_to_be_set_is_refused_and_changes_nothing(
    raw, bucket, put, native_rules, code, rules
):
    put(rule("kept", **deletes(9)))
    assert raw("PUT", f"/{bucket}?lifecycle", body=document(*rules)).code == code
    assert native_rules() == [{"fileNamePrefix": "kept", DELETE: 9}]


def test_p6_rules_take_a_right_of_their_own_and_all_names_of_the_bucket(native, server, bucket):
    def key(**restrictions):
        made = native.call(
            "b2_create_key", accountId=server.account_id, keyName="lifecycle",
            capabilities=["readBucketLifecycleRules", "writeBucketLifecycleRules"], **restrictions,
        )  # fmt: skip
        return RawS3(server.s3_endpoint, server.region, made["applicationKeyId"], made["applicationKey"])

    body = document(f"<Filter/>{STATUS}{EXPIRES}")
    assert key(namePrefix="in/")("PUT", f"/{bucket}?lifecycle", body=body).code == "AccessDenied"
    assert key(namePrefix="in/")("DELETE", f"/{bucket}?lifecycle").code == "AccessDenied"
    assert key()("PUT", f"/{bucket}?lifecycle", body=body).status == 200
    assert key()("GET", f"/{bucket}?lifecycle").text("Rule/Expiration/Days") == "1"
