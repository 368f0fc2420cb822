"""Lines 1 to 20 of the checklist: authorization, tokens and the restrictions of keys."""

from __future__ import annotations

import json
import time
from base64 import b64encode

import pytest
from b2sdk._internal.b2http import HttpCallback

from harness.clients import b2_api, b2_client
from harness.native_session import send

VERSIONS = ("v1", "v2", "v3", "v4")
UNAUTHORIZED = (401, "unauthorized", "")
SOME = ["listBuckets", "listFiles"]


def storage(session, version="v4"):
    return session.authorize(version).ok()["apiInfo"]["storageApi"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_001_authorize_works_by_get_and_post_on_every_version(b2, version, method):
    assert b2.authorize(version, method=method).ok()["accountId"] == b2.account_id


def test_002_v4_has_null_buckets_for_an_unrestricted_key(b2):
    assert storage(b2)["allowed"]["buckets"] is None


def test_003_v4_names_the_buckets_of_a_restricted_key(b2, bucket):
    allowed = storage(b2.restricted(SOME, bucketIds=[bucket["bucketId"]]))["allowed"]
    assert allowed["buckets"] == [{"id": bucket["bucketId"], "name": bucket["bucketName"]}]


def test_004_v3_has_the_restrictions_flat_in_storage_api(b2, bucket):
    found = storage(b2.restricted(SOME, bucketIds=[bucket["bucketId"]], namePrefix="a/"), "v3")
    assert (found["bucketId"], found["bucketName"]) == (bucket["bucketId"], bucket["bucketName"])
    assert (set(found["capabilities"]), found["namePrefix"]) == (set(SOME), "a/")
    assert "allowed" not in found


def test_005_v2_has_a_flat_allowed_with_bucket_name_and_no_minimum_part_size(b2, bucket):
    answer = b2.restricted(SOME, bucketIds=[bucket["bucketId"]]).authorize("v2").ok()
    assert answer["allowed"]["bucketName"] == bucket["bucketName"]
    assert "minimumPartSize" not in answer


def test_006_v1_has_minimum_part_size(b2):
    assert b2.authorize("v1").ok()["minimumPartSize"] == 100_000_000


def test_007_part_sizes_are_those_of_the_service(b2):
    for version in VERSIONS:
        answer = b2.authorize(version).ok()
        found = answer.get("apiInfo", {}).get("storageApi", answer)
        assert (found["absoluteMinimumPartSize"], found["recommendedPartSize"]) == (5_000_000, 100_000_000)


def test_008_a_wrong_secret_is_401_with_a_string_message(b2):
    status, code, message = b2.authorize(key="K000" + "x" * 27).error
    assert (status, code) in {(401, "unauthorized"), (401, "bad_auth_token")}
    assert isinstance(message, str)


def test_009_a_malformed_key_id_is_challenged(b2):
    basic = b64encode(b"no-such-form:secret").decode()
    answer = send("GET", f"{b2.url}/b2api/v4/b2_authorize_account", {"Authorization": f"Basic {basic}"})
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'BASIC realm="authorize_account"'


def test_010_a_multi_bucket_key_is_unsupported_on_v2(b2, bucket, public_bucket):
    session = b2.restricted(SOME, bucketIds=[bucket["bucketId"], public_bucket["bucketId"]])
    assert session.authorize("v2").refusal == (401, "unsupported")


def test_011_the_s3_url_is_present(b2, server):
    for version in VERSIONS:
        answer = b2.authorize(version).ok()
        assert answer.get("apiInfo", {}).get("storageApi", answer)["s3ApiUrl"] == server.s3_endpoint


def test_012_the_command_line_authorizes_at_an_environment_url(server, home):
    client = b2_client(server, home)
    client.run("account", "authorize", "--environment", server.api_url, server.key_id, server.application_key)
    assert json.loads(client.out("account", "get"))["accountId"] == server.account_id


def test_013_a_token_of_a_deleted_key_is_401(b2):
    session = b2.restricted(SOME)
    token = session.token
    b2.call("b2_delete_key", applicationKeyId=session.key_id).ok()
    for _ in range(4):  # Every worker.
        assert session.call("b2_list_buckets", token=token, accountId=b2.account_id).status == 401


def test_014_an_expired_token_has_its_own_code_and_b2sdk_authorizes_again_once(b2, server):
    headers = {"Authorization": b2.token, "X-Bz-Test-Mode": "expired_auth_token"}
    body = json.dumps({"accountId": b2.account_id}).encode()
    answer = send("POST", f"{b2.url}/b2api/v4/b2_list_buckets", headers, body)
    assert answer.error == (401, "expired_auth_token", "Authorization token has expired")

    api = b2_api(server)
    before = api.account_info.get_account_auth_token()
    expiry = TokenExpires(before)
    api.session.raw_api.b2_http.add_callback(expiry)
    api.list_buckets()
    assert [call for call, _ in expiry.seen] == ["b2_list_buckets", "b2_authorize_account", "b2_list_buckets"]
    assert api.account_info.get_account_auth_token() != before


class TokenExpires(HttpCallback):
    """Asks the server to take requests with this token for requests with an expired one, and notes call and status."""

    def __init__(self, token):
        self.token = token
        self.seen = []

    def pre_request(self, method, url, headers):
        if headers["Authorization"] == self.token:
            headers["X-Bz-Test-Mode"] = "expired_auth_token"

    def post_request(self, method, url, headers, response):
        self.seen.append((url.rpartition("/")[2], response.status_code))


def test_015_a_missing_capability_is_unauthorized_with_an_empty_message(b2, bucket):
    session = b2.restricted(["listBuckets"])
    assert session.call("b2_list_file_names", bucketId=bucket["bucketId"]).error == UNAUTHORIZED


def test_016_a_key_of_one_bucket_is_401_for_a_file_id_of_another(b2, bucket, public_bucket):
    made = b2.upload(bucket["bucketId"], "n", b"data")
    session = b2.restricted(["readFiles"], bucketIds=[public_bucket["bucketId"]])
    assert session.call("b2_get_file_info", fileId=made["fileId"]).error == UNAUTHORIZED


def test_017_a_key_with_a_prefix_is_401_for_a_name_outside_it(b2, bucket):
    session = b2.restricted(["writeFiles"], bucketIds=[bucket["bucketId"]], namePrefix="in/")
    assert session.try_upload(bucket["bucketId"], "out/n", b"data").error == UNAUTHORIZED
    assert session.try_upload(bucket["bucketId"], "in/n", b"data").status == 200


def test_018_a_key_with_a_prefix_lists_below_it_alone(b2, bucket):
    b2.upload(bucket["bucketId"], "in/a/n", b"data")
    session = b2.restricted(["listFiles"], bucketIds=[bucket["bucketId"]], namePrefix="in/")
    assert session.names(bucket["bucketId"], prefix="in/a") == ["in/a/n"]
    assert session.call("b2_list_file_names", bucketId=bucket["bucketId"]).error == UNAUTHORIZED


def test_019_the_expiry_of_a_key_is_in_milliseconds_or_null(b2):
    assert b2.authorize().ok()["applicationKeyExpirationTimestamp"] is None
    expiring = b2.restricted(SOME, validDurationInSeconds=1000)
    told = expiring.authorize().ok()["applicationKeyExpirationTimestamp"]
    assert abs(told - (time.time() + 1000) * 1000) < 60_000


def test_020_json_calls_take_a_bare_token(b2):
    assert b2.call("b2_list_buckets", accountId=b2.account_id).status == 200
    assert b2.call("b2_list_buckets", token=f"Bearer {b2.token}", accountId=b2.account_id).status == 401
