"""Server-side encryption through the native face (reference, section 15)."""

from __future__ import annotations

import pytest

from harness.customer_keys import KEY, OTHER_KEY
from harness.native_session import sha1

BAD_REQUEST = (400, "bad_request")
DENIED = (403, "access_denied", "Access Denied")
NEEDS_KEY = (
    400,
    "bad_request",
    "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve"
    " the object.",
)
SSE_B2 = {"algorithm": "AES256", "mode": "SSE-B2"}
SSE_C = {"algorithm": "AES256", "customerKeyMd5": KEY.md5, "mode": "SSE-C"}
SMALL, LARGE = b"small enough for the catalog", bytes(range(256)) * 700  # 179,200 bytes: a blob of three frames.
ASKED = {"X-Bz-Server-Side-Encryption": "AES256"}


def got(b2, bucket, name, key=None, **headers):
    own = {"Authorization": b2.token, **(key.native if key else {}), **headers}
    return b2.download(bucket["bucketName"], name, headers=own)


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["inline", "blob"])
def test_a_file_under_the_services_key_reads_as_any_other(b2, bucket, data):
    made = b2.upload(bucket["bucketId"], "n", data, ASKED)
    assert made["serverSideEncryption"] == SSE_B2
    assert made["contentSha1"] == sha1(data)
    answer = got(b2, bucket, "n")
    assert answer.body == data
    assert answer.headers["x-bz-server-side-encryption"] == "AES256"
    assert got(b2, bucket, "n", Range="bytes=7-20").body == data[7:21]


@pytest.mark.parametrize("data", [b"", SMALL, LARGE], ids=["empty", "inline", "blob"])
def test_a_file_under_a_customers_key_opens_with_that_key_alone(b2, bucket, data):
    made = b2.upload(bucket["bucketId"], "n", data, KEY.native)
    assert made["serverSideEncryption"] == SSE_C
    answer = got(b2, bucket, "n", KEY)
    assert answer.body == data
    assert answer.headers["x-bz-server-side-encryption-customer-algorithm"] == "AES256"
    assert answer.headers["x-bz-server-side-encryption-customer-key-md5"] == KEY.md5
    assert "x-bz-server-side-encryption" not in answer.headers
    assert got(b2, bucket, "n").error == NEEDS_KEY
    assert got(b2, bucket, "n", OTHER_KEY).error == DENIED
    url = f"{b2.url}/b2api/v4/b2_download_file_by_id?fileId={made['fileId']}"
    assert b2.fetch(url, {"Authorization": b2.token, **KEY.native}).body == data
    assert b2.fetch(url, {"Authorization": b2.token}).error == NEEDS_KEY


def test_asking_for_the_head_of_a_file_under_a_customers_key_takes_the_key(b2, bucket):
    b2.upload(bucket["bucketId"], "n", SMALL, KEY.native)
    heads = {
        key: b2.download(
            bucket["bucketName"], "n", method="HEAD", headers={"Authorization": b2.token, **(key.native if key else {})}
        ).status
        for key in (None, KEY, OTHER_KEY)
    }
    assert heads == {None: 400, KEY: 200, OTHER_KEY: 403}


@pytest.mark.parametrize("asked", [{}, ASKED], ids=["default", "asked"])
def test_a_customers_key_for_a_file_that_needs_none_is_refused(b2, bucket, asked):
    b2.upload(bucket["bucketId"], "n", SMALL, asked)
    assert got(b2, bucket, "n", KEY).refusal == BAD_REQUEST


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Bz-Server-Side-Encryption": "NONE"},
        {"X-Bz-Server-Side-Encryption": "aes256"},
        {**ASKED, **KEY.native},
        {**KEY.native, "X-Bz-Server-Side-Encryption-Customer-Algorithm": "AES128"},
        {**KEY.native, "X-Bz-Server-Side-Encryption-Customer-Algorithm": ""},
        {**KEY.native, "X-Bz-Server-Side-Encryption-Customer-Key": ""},
        {**KEY.native, "X-Bz-Server-Side-Encryption-Customer-Key-Md5": ""},
        {**KEY.native, "X-Bz-Server-Side-Encryption-Customer-Key-Md5": OTHER_KEY.md5},
        {**KEY.native, "X-Bz-Server-Side-Encryption-Customer-Key": "not base64!"},
        {**KEY.native, "X-Bz-Server-Side-Encryption-Customer-Key": KEY.text[:40]},
        {**KEY.native, "X-Bz-Server-Side-Encryption-Customer-Key": "A" * 60_000},
    ],
    ids=range(11),
)
def test_encryption_outside_the_rules_is_refused_and_nothing_is_stored(b2, bucket, headers):
    answer = b2.try_upload(bucket["bucketId"], "n", SMALL, headers)
    assert answer.refusal == BAD_REQUEST
    assert KEY.text.encode() not in answer.body
    assert b2.versions(bucket["bucketId"]) == []


def test_lists_and_info_tell_the_mode_and_need_no_key(b2, bucket):
    made = {
        "default": b2.upload(bucket["bucketId"], "default", SMALL),
        "customer": b2.upload(bucket["bucketId"], "customer", SMALL, KEY.native),
    }
    for call in ("b2_list_file_names", "b2_list_file_versions"):
        rows = b2.call(call, bucketId=bucket["bucketId"]).ok()["files"]
        assert {row["fileName"]: row["serverSideEncryption"] for row in rows} == {"default": SSE_B2, "customer": SSE_C}
    info = b2.call("b2_get_file_info", fileId=made["customer"]["fileId"]).ok()
    assert info == made["customer"]
    gone = b2.call("b2_delete_file_version", fileName="customer", fileId=info["fileId"])
    assert gone.status == 200


# -- Large files ------------------------------------------------------------------------------------------------------
PARTS = (b"a" * 5_000_000, LARGE)


@pytest.mark.parametrize("key", [None, KEY], ids=["SSE-B2", "SSE-C"])
def test_a_large_file_is_encrypted_as_it_was_started(b2, bucket, key):
    started = b2.start(bucket["bucketId"], "n", serverSideEncryption=key.body if key else SSE_B2)
    expected = SSE_C if key else SSE_B2
    assert started["serverSideEncryption"] == expected
    for number, data in enumerate(PARTS, 1):
        part = b2.try_part(started["fileId"], number, data, key.native if key else {}).ok()
        assert part["serverSideEncryption"] == expected
        assert part["contentSha1"] == sha1(data)
    listed = b2.call("b2_list_parts", fileId=started["fileId"]).ok()["parts"]
    assert [part["serverSideEncryption"] for part in listed] == [expected] * 2
    sha1s = [sha1(data) for data in PARTS]
    made = b2.call("b2_finish_large_file", fileId=started["fileId"], partSha1Array=sha1s).ok()
    assert made["serverSideEncryption"] == expected
    whole = b"".join(PARTS)
    assert got(b2, bucket, "n", key).body == whole
    edge = got(b2, bucket, "n", key, Range="bytes=4999990-5070000").body
    assert edge == whole[4_999_990:5_070_001]


def test_a_part_must_bring_the_key_that_its_file_was_started_with(b2, bucket):
    secret = b2.start(bucket["bucketId"], "secret", serverSideEncryption=KEY.body)["fileId"]
    plain = b2.start(bucket["bucketId"], "plain")["fileId"]
    for file_id, headers in ((secret, {}), (secret, OTHER_KEY.native), (secret, ASKED), (plain, KEY.native)):
        assert b2.try_part(file_id, 1, SMALL, headers).refusal == BAD_REQUEST
    assert b2.try_part(plain, 1, SMALL, ASKED).status == 200
    assert b2.call("b2_list_parts", fileId=secret).ok()["parts"] == []


# -- Copies -----------------------------------------------------------------------------------------------------------
MODES = {"default": None, "SSE-B2": SSE_B2, "SSE-C": KEY.body, "another SSE-C": OTHER_KEY.body}


def key_of(mode):
    return {"SSE-C": KEY, "another SSE-C": OTHER_KEY}.get(mode)


@pytest.mark.parametrize("target", sorted(MODES))
@pytest.mark.parametrize("source", ["SSE-B2", "SSE-C"])
def test_a_copy_is_encrypted_as_it_asks_whatever_its_source_is(b2, bucket, source, target):
    key, own = key_of(source), key_of(target)
    made = b2.upload(bucket["bucketId"], "source", LARGE, key.native if key else ASKED)
    asked = {"sourceServerSideEncryption": key.body} if key else {}
    if MODES[target]:
        asked["destinationServerSideEncryption"] = MODES[target]
    copied = b2.call("b2_copy_file", sourceFileId=made["fileId"], fileName="copy", **asked).ok()
    expected = {"algorithm": "AES256", "customerKeyMd5": own.md5, "mode": "SSE-C"} if own else SSE_B2
    assert copied["serverSideEncryption"] == expected
    assert copied["contentSha1"] == made["contentSha1"]
    assert copied["contentMd5"] == made["contentMd5"]
    assert got(b2, bucket, "copy", own).body == LARGE
    ranged = b2.call(
        "b2_copy_file", sourceFileId=made["fileId"], fileName="range", range="bytes=65530-140000", **asked
    ).ok()
    assert ranged["contentSha1"] == sha1(LARGE[65_530:140_001])
    assert got(b2, bucket, "range", own).body == LARGE[65_530:140_001]


def test_a_copy_from_under_a_customers_key_takes_that_key(b2, bucket):
    source = b2.upload(bucket["bucketId"], "source", SMALL, KEY.native)["fileId"]
    plain = b2.upload(bucket["bucketId"], "plain", SMALL)["fileId"]
    large = b2.start(bucket["bucketId"], "large")["fileId"]
    for call, target in (
        ("b2_copy_file", {"fileName": "copy"}),
        ("b2_copy_part", {"largeFileId": large, "partNumber": 1}),
    ):
        assert b2.call(call, sourceFileId=source, **target).error == NEEDS_KEY
        wrong = b2.call(call, sourceFileId=source, sourceServerSideEncryption=OTHER_KEY.body, **target)
        assert wrong.error == DENIED
        needless = b2.call(call, sourceFileId=plain, sourceServerSideEncryption=KEY.body, **target)
        assert needless.refusal == BAD_REQUEST
    assert "copy" not in b2.names(bucket["bucketId"])
    assert b2.call("b2_list_parts", fileId=large).ok()["parts"] == []


@pytest.mark.parametrize("target", ["default", "SSE-C"])
@pytest.mark.parametrize("source", ["SSE-B2", "SSE-C"])
def test_a_copied_part_is_encrypted_as_its_large_file(b2, bucket, source, target):
    key, own = key_of(source), key_of(target)
    made = b2.upload(bucket["bucketId"], "source", PARTS[0] + LARGE, key.native if key else ASKED)
    start = {"serverSideEncryption": own.body} if own else {}
    large = b2.start(bucket["bucketId"], "large", **start)["fileId"]
    asked = {"sourceServerSideEncryption": key.body} if key else {}
    if own:
        refused = b2.call("b2_copy_part", sourceFileId=made["fileId"], largeFileId=large, partNumber=1, **asked)
        assert refused.refusal == BAD_REQUEST
        asked["destinationServerSideEncryption"] = own.body
    sha1s = []
    for number, span in enumerate(("bytes=0-4999999", "bytes=5000000-5179199"), 1):
        part = b2.call(
            "b2_copy_part", sourceFileId=made["fileId"], largeFileId=large, partNumber=number, range=span, **asked
        ).ok()
        sha1s.append(part["contentSha1"])
    b2.call("b2_finish_large_file", fileId=large, partSha1Array=sha1s).ok()
    assert got(b2, bucket, "large", own).body == PARTS[0] + LARGE


@pytest.mark.parametrize(
    "setting",
    [
        {"mode": "SSE-B2"},
        {"mode": "SSE-B2", "algorithm": "AES128"},
        {"mode": "SSE-X", "algorithm": "AES256"},
        {"mode": None, "algorithm": "AES256"},
        {"mode": "none"},
        {**SSE_B2, "customerKey": KEY.text},
        {**KEY.body, "algorithm": None},
        {**KEY.body, "customerKey": None},
        {**KEY.body, "customerKeyMd5": OTHER_KEY.md5},
        {**KEY.body, "customerKey": "x"},
    ],
    ids=range(10),
)
def test_a_setting_outside_the_rules_is_refused_wherever_it_stands(b2, bucket, setting):
    source = b2.upload(bucket["bucketId"], "source", SMALL)["fileId"]
    answers = [
        b2.call("b2_start_large_file", bucketId=bucket["bucketId"], fileName="n", contentType="t/t", serverSideEncryption=setting),
        b2.call("b2_copy_file", sourceFileId=source, fileName="n", destinationServerSideEncryption=setting),
        b2.call("b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"], defaultServerSideEncryption=setting),
    ]  # fmt: skip
    assert [answer.refusal for answer in answers] == [BAD_REQUEST] * 3
    assert not any(KEY.text.encode() in answer.body for answer in answers)
    assert b2.versions(bucket["bucketId"]) == [("source", "upload")]


# -- Buckets ----------------------------------------------------------------------------------------------------------
def default_of(answer):
    return answer.ok()["defaultServerSideEncryption"]


def test_naming_the_default_takes_its_own_capability(b2, bucket, new_name):
    session = b2.restricted(["writeBuckets", "readBucketEncryption", "listBuckets"])
    where = {"accountId": b2.account_id, "bucketId": bucket["bucketId"]}
    for setting in (SSE_B2, {"mode": None}):
        answer = session.call("b2_update_bucket", **where, defaultServerSideEncryption=setting)
        assert answer.refusal == (401, "unauthorized")
        name = new_name("refused")
        answer = session.call(
            "b2_create_bucket", accountId=b2.account_id, bucketName=name, bucketType="allPrivate",
            defaultServerSideEncryption=setting,
        )  # fmt: skip
        assert answer.refusal == (401, "unauthorized")
    assert default_of(session.call("b2_update_bucket", **where, bucketInfo={})) == {
        "isClientAuthorizedToRead": True,
        "value": SSE_B2,
    }


def test_a_bucket_cannot_default_to_a_customers_key(b2, bucket):
    answer = b2.call(
        "b2_update_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"], defaultServerSideEncryption=KEY.body
    )
    assert answer.refusal == BAD_REQUEST
    assert KEY.text.encode() not in answer.body


@pytest.mark.parametrize(("over", "status"), [(-1, 200), (0, 200), (1, 400)])
def test_name_and_info_of_an_encrypted_file_have_2048_bytes(b2, bucket, over, status):
    headers = {**KEY.native, "X-Bz-Info-key": "v" * (2048 - len("n") - len("key") + over)}
    assert b2.try_upload(bucket["bucketId"], "n", SMALL, headers).status == status
