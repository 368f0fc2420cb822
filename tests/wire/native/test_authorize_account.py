from __future__ import annotations

from base64 import b64encode
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

VERSIONS = ["v1", "v2", "v3", "v4"]
MULTI = ["listBuckets", "listFiles"]


def authorize_with(b2, header):
    connection = HTTPConnection(urlsplit(b2.url).netloc, timeout=10)
    connection.request(
        "GET", "/b2api/v4/b2_authorize_account", headers={} if header is None else {"Authorization": header}
    )
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_authorize_works_by_get_and_post_on_every_version(b2, version, method):
    answer = b2.authorize(version, method=method).ok()
    assert answer["accountId"] == b2.account_id
    assert b2.call("b2_list_buckets", token=answer["authorizationToken"], accountId=b2.account_id).status == 200


def test_version_4_puts_restrictions_under_allowed_and_null_buckets_for_none(b2):
    answer = b2.authorize("v4").ok()
    assert set(answer) == {"accountId", "apiInfo", "applicationKeyExpirationTimestamp", "authorizationToken"}
    assert answer["applicationKeyExpirationTimestamp"] is None
    storage = answer["apiInfo"]["storageApi"]
    assert set(storage) == {
        "absoluteMinimumPartSize", "allowed", "apiUrl", "downloadUrl", "recommendedPartSize", "s3ApiUrl",
    }  # fmt: skip
    assert set(storage["allowed"]) == {"buckets", "capabilities", "namePrefix"}
    assert storage["allowed"]["buckets"] is None
    assert storage["allowed"]["namePrefix"] is None


def test_version_4_names_the_buckets_of_a_restricted_key(b2, bucket):
    session = b2.restricted(MULTI, bucketIds=[bucket["bucketId"]], namePrefix="a/")
    allowed = session.authorize("v4").ok()["apiInfo"]["storageApi"]["allowed"]
    assert allowed["buckets"] == [{"id": bucket["bucketId"], "name": bucket["bucketName"]}]
    assert allowed["namePrefix"] == "a/"
    assert set(allowed["capabilities"]) == set(MULTI)


def test_version_4_keeps_a_deleted_bucket_of_a_key_with_a_null_name(b2, bucket):
    session = b2.restricted(MULTI, bucketIds=[bucket["bucketId"]])
    b2.call("b2_delete_bucket", accountId=b2.account_id, bucketId=bucket["bucketId"]).ok()
    allowed = session.authorize("v4").ok()["apiInfo"]["storageApi"]["allowed"]
    assert allowed["buckets"] == [{"id": bucket["bucketId"], "name": None}]


def test_version_3_flattens_restrictions_into_storage_api(b2, bucket):
    session = b2.restricted(MULTI, bucketIds=[bucket["bucketId"]], namePrefix="a/")
    storage = session.authorize("v3").ok()["apiInfo"]["storageApi"]
    assert "allowed" not in storage
    assert storage["infoType"] == "storageApi"
    assert (storage["bucketId"], storage["bucketName"]) == (bucket["bucketId"], bucket["bucketName"])
    assert storage["namePrefix"] == "a/"
    assert set(storage["capabilities"]) == set(MULTI)


def test_version_2_is_flat_with_a_bucket_name_and_no_minimum_part_size(b2):
    answer = b2.authorize("v2").ok()
    assert set(answer) == {
        "absoluteMinimumPartSize", "accountId", "allowed", "apiUrl", "authorizationToken", "downloadUrl",
        "recommendedPartSize", "s3ApiUrl",
    }  # fmt: skip
    assert set(answer["allowed"]) == {"bucketId", "bucketName", "capabilities", "namePrefix"}


def test_version_1_has_the_minimum_part_size_and_no_bucket_name(b2):
    answer = b2.authorize("v1").ok()
    assert answer["minimumPartSize"] == 100_000_000
    assert set(answer["allowed"]) == {"bucketId", "capabilities", "namePrefix"}


@pytest.mark.parametrize("version", VERSIONS)
def test_part_sizes_and_urls_are_what_clients_expect(b2, server, version):
    answer = b2.authorize(version).ok()
    values = answer.get("apiInfo", {}).get("storageApi", answer)
    assert values["absoluteMinimumPartSize"] == 5_000_000
    assert values["recommendedPartSize"] == 100_000_000
    assert values["apiUrl"] == values["downloadUrl"] == server.api_url
    assert values["s3ApiUrl"] == server.s3_endpoint


def test_the_master_key_authorizes_under_the_account_id(b2, server):
    session = type(b2)(b2.url, server.master_key_id, server.master_application_key)
    capabilities = session.authorize().ok()["apiInfo"]["storageApi"]["allowed"]["capabilities"]
    assert "writeKeys" in capabilities
    assert "bypassGovernance" in capabilities


@pytest.mark.parametrize("key", ["", "K000wrong", "é"])
def test_a_wrong_secret_is_unauthorized_with_an_empty_message(b2, key):
    assert b2.authorize(key=key).error == (401, "unauthorized", "")


def test_an_unknown_key_id_of_the_right_form_is_answered_as_a_wrong_secret_is(b2):
    unknown = type(b2)(b2.url, f"000{b2.account_id}00fffffff0", b2.key)
    assert unknown.authorize().error == (401, "unauthorized", "")


@pytest.mark.parametrize(
    "header",
    [None, "", "Basic", "Basic !!!", "Basic " + b64encode(b"nonsense:x").decode(), "Bearer x", "Basic /w=="],
)
def test_a_malformed_key_id_is_challenged(b2, header):
    response, body = authorize_with(b2, header)
    assert response.status == 401
    assert response.getheader("WWW-Authenticate") == 'BASIC realm="authorize_account"'
    assert b'"bad_auth_token"' in body


def test_a_key_of_several_buckets_is_unsupported_before_version_4(b2, bucket, public_bucket):
    session = b2.restricted(MULTI, bucketIds=[bucket["bucketId"], public_bucket["bucketId"]])
    for version in ("v1", "v2", "v3"):
        assert session.authorize(version).refusal == (401, "unsupported")
    assert len(session.authorize("v4").ok()["apiInfo"]["storageApi"]["allowed"]["buckets"]) == 2


def test_the_expiry_of_a_key_is_told_in_milliseconds(b2):
    made = b2.call(
        "b2_create_key", accountId=b2.account_id, keyName="expiring", capabilities=["listBuckets"],
        validDurationInSeconds=1000,
    ).ok()  # fmt: skip
    session = type(b2)(b2.url, made["applicationKeyId"], made["applicationKey"])
    assert session.authorize("v4").ok()["applicationKeyExpirationTimestamp"] == made["expirationTimestamp"]
    assert session.authorize("v3").ok()["applicationKeyExpirationTimestamp"] == made["expirationTimestamp"]
    assert made["expirationTimestamp"] > 1_700_000_000_000


def test_authorize_takes_no_other_method(b2):
    assert b2.authorize(method="PUT").refusal == (405, "method_not_allowed")


def test_every_authorization_gives_another_token(b2):
    tokens = [b2.authorize().ok()["authorizationToken"] for _ in range(3)]
    assert len(set(tokens)) == 3
    assert {b2.call("b2_list_buckets", token=token, accountId=b2.account_id).status for token in tokens} == {200}
