"""GetBucketCors, PutBucketCors, DeleteBucketCors, and what the rules do (reference, 1.13 and 2.24)."""

from __future__ import annotations

import dataclasses

import pytest

PAGE = "https://page.example"
OTHER = "https://other.example"


def rule(*methods, origins=(PAGE,), **settings):
    return {"AllowedOrigins": list(origins), "AllowedMethods": list(methods), **settings}


@pytest.fixture
def put(s3, bucket):
    """Sets the bucket's rules."""

    def set_rules(*rules):
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": list(rules)})

    return set_rules


@pytest.fixture
def rules_of(native, server):
    """A bucket's rules as the native face shows them; given rules, it sets them before."""

    def get(name, rules=None):
        found = native.call("b2_list_buckets", accountId=server.account_id, bucketName=name)["buckets"][0]
        if rules is None:
            return found["corsRules"]
        settings = {"accountId": server.account_id, "bucketId": found["bucketId"], "corsRules": rules}
        return native.call("b2_update_bucket", **settings)["corsRules"]

    return get


def ask(raw, method, target, origin=PAGE, *, signed=True, **headers):
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return raw(method, target, headers={"Origin": origin, **sent}, signed=signed)


def preflight(raw, target, method="GET", origin=PAGE, headers=None):
    sent = {"Access-Control-Request-Method": method} | ({"Access-Control-Request-Headers": headers} if headers else {})
    return ask(raw, "OPTIONS", target, origin, signed=False, **sent)


def allowed_origin(answer):
    return answer.headers.get("access-control-allow-origin")


def test_rules_come_back_as_they_were_set_until_they_are_deleted(s3, bucket, put, refused):
    rules = [
        rule("GET", "HEAD", ID="first-rule", AllowedHeaders=["*"], ExposeHeaders=["ETag"], MaxAgeSeconds=3000),
        rule("PUT", "POST", "DELETE", origins=["https://*.a.example", "http://localhost:8080"], ID="a b & c"),
        rule("GET", origins=["*"], MaxAgeSeconds=0),
    ]
    put(*rules)
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    put(rules[2])
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules[2:]
    for _ in range(2):
        assert s3.delete_bucket_cors(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
        with refused("NoSuchCORSConfiguration", 404):
            s3.get_bucket_cors(Bucket=bucket)


def test_each_face_sees_the_rules_of_the_other_where_it_has_words_for_them(s3, bucket, put, rules_of, refused):
    native = {
        "corsRuleName": "download-rule", "allowedOrigins": ["https"], "maxAgeSeconds": 60,
        "allowedOperations": ["b2_download_file_by_name", "s3_get"], "allowedHeaders": None, "exposeHeaders": ["x-a"],
    }  # fmt: skip
    upload = {**native, "corsRuleName": "upload-rule", "allowedOperations": ["b2_upload_file"]}
    rules_of(bucket, [native, upload])
    seen = rule("GET", origins=["https"], ID="download-rule", ExposeHeaders=["x-a"], MaxAgeSeconds=60)
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [seen]
    put(rule("PUT", ID="puts"), rule("HEAD", ID="heads-of-all"))
    left = [{**native, "allowedOperations": ["b2_download_file_by_name"]}, upload]
    of_s3 = {"allowedOrigins": [PAGE], "allowedHeaders": [], "exposeHeaders": [], "maxAgeSeconds": 0}
    assert rules_of(bucket) == [
        *left,
        {"corsRuleName": "s3-rule-1", "allowedOperations": ["s3_put"], **of_s3},
        {"corsRuleName": "heads-of-all", "allowedOperations": ["s3_head"], **of_s3},
    ]
    s3.delete_bucket_cors(Bucket=bucket)
    assert rules_of(bucket) == left
    with refused("NoSuchCORSConfiguration"):
        s3.get_bucket_cors(Bucket=bucket)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<CORSConfiguration/>", "MalformedXML"),
        ("<CORSConfiguration><CORSRule/></CORSConfiguration>", "MalformedXML"),
        ("<CORSConfiguration>{origin}</CORSConfiguration>", "MalformedXML"),
        ("<CORSRule>{origin}{method}</CORSRule>", "MalformedXML"),
        ("{method}", "MalformedXML"), ("{origin}", "MalformedXML"),
        ("{origin}{method}<MaxAgeSeconds>x</MaxAgeSeconds>", "MalformedXML"),
        ("{origin}{method}<MaxAgeSeconds>1</MaxAgeSeconds><MaxAgeSeconds>1</MaxAgeSeconds>", "MalformedXML"),
        ("{origin}{method}<Colour>red</Colour>", "MalformedXML"),
        ("{origin}<AllowedMethod><A/></AllowedMethod>", "MalformedXML"),
        ("{origin}<AllowedMethod>get</AllowedMethod>", "InvalidRequest"),
        ("{origin}<AllowedMethod>PATCH</AllowedMethod>", "InvalidRequest"),
        ("<AllowedOrigin>http://*.*</AllowedOrigin>{method}", "InvalidRequest"),
        ("<AllowedOrigin></AllowedOrigin>{method}", "InvalidRequest"),
        ("<AllowedOrigin>*.example</AllowedOrigin>{method}", "InvalidRequest"),  # AWS takes it; B2 has no such form.
        ("{origin}{method}<AllowedHeader>a b</AllowedHeader>", "InvalidRequest"),
        ("{origin}{method}<ExposeHeader>*</ExposeHeader>", "InvalidRequest"),
        ("{origin}{method}<MaxAgeSeconds>86401</MaxAgeSeconds>", "InvalidRequest"),
        ("{origin}{method}<MaxAgeSeconds>99999999999999999999999</MaxAgeSeconds>", "InvalidRequest"),
        ("{origin}{method}<ID>" + "i" * 256 + "</ID>", "InvalidArgument"),
        ("{origin}{method}<ExposeHeader>" + "x" * 1000 + "</ExposeHeader>", "InvalidRequest"),
        ("{origin}{method}<ID>a</ID></CORSRule><CORSRule>{origin}{method}<ID>a</ID>", "InvalidRequest"),
        ("{origin}{method}" + "</CORSRule><CORSRule>{origin}{method}" * 100, "InvalidRequest"),
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused_and_changes_nothing(s3, raw, bucket, put, body, code):
    put(rule("GET", ID="stays-there"))
    if "<CORSConfiguration" not in body and not body.startswith("<CORSRule"):
        body = f"<CORSConfiguration><CORSRule>{body}</CORSRule></CORSConfiguration>"
    parts = {"origin": "<AllowedOrigin>*</AllowedOrigin>", "method": "<AllowedMethod>PUT</AllowedMethod>"}
    answer = raw("PUT", f"/{bucket}?cors", body=body.format(**parts).encode())
    assert (answer.status, answer.code) == (400, code)
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [rule("GET", ID="stays-there")]


def test_a_hundred_rules_and_an_id_of_255_characters_are_taken(s3, bucket, put):
    rules = [rule("GET", ID="i" * 252 + f"{number:03}") for number in range(100)]
    put(*rules)
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules


def test_the_rules_are_nobodys_business_and_no_strangers(raw, stranger, public_bucket, refused):
    for method in ("GET", "PUT", "DELETE"):
        assert raw(method, f"/{public_bucket}?cors", signed=False).code == "AccessDenied"
    with refused("AccessDenied", 403):
        stranger.put_bucket_cors(Bucket=public_bucket, CORSConfiguration={"CORSRules": [rule("GET")]})
    with refused("AccessDenied", 403):
        stranger.delete_bucket_cors(Bucket=public_bucket)


def test_an_answer_is_shown_to_pages_of_the_origin_allowed_and_to_no_others(s3, raw, bucket, put):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    put(rule("GET", "PUT", ExposeHeaders=["ETag", "x-amz-version-id"], MaxAgeSeconds=9))
    answer = ask(raw, "GET", f"/{bucket}/k")
    assert (answer.status, answer.body) == (200, b"hello")
    told = {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}
    assert told == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "ETag, x-amz-version-id",
        "access-control-max-age": "9",
    }
    assert answer.headers["vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    assert allowed_origin(ask(raw, "PUT", f"/{bucket}/k")) == PAGE
    assert allowed_origin(ask(raw, "GET", f"/{bucket}?list-type=2")) == PAGE
    for answer in (ask(raw, "GET", f"/{bucket}/k", OTHER), ask(raw, "HEAD", f"/{bucket}/k"), ask(raw, "GET", "/")):
        assert answer.status == 200
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_rule_for_every_origin_names_none_and_takes_no_credentials(s3, raw, bucket, put):
    put(rule("GET", origins=["*"]))
    answer = ask(raw, "GET", f"/{bucket}?list-type=2")
    assert allowed_origin(answer) == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_a_request_may_repeat_the_method_of_its_preflight(raw, bucket, put):
    put(rule("PUT"))
    target = f"/{bucket}?list-type=2"
    assert allowed_origin(ask(raw, "GET", target)) is None
    assert allowed_origin(ask(raw, "GET", target, access_control_request_method="PUT")) == PAGE


@pytest.mark.parametrize(
    ("target", "code"),
    [("/none", "NoSuchKey"), ("/k?versionId=x", "InvalidArgument"), ("?no-such-thing", "NotImplemented")],
)
def test_an_error_is_shown_too(raw, bucket, put, target, code):
    put(rule("GET"))
    answer = ask(raw, "GET", f"/{bucket}{target}")
    assert (answer.code, allowed_origin(answer)) == (code, PAGE)
    answer = ask(raw, "GET", f"/{bucket}{target}", signed=False)
    assert (answer.status >= 400, allowed_origin(answer)) == (True, PAGE)
    wrong = dataclasses.replace(raw, secret="K000")
    answer = ask(wrong, "GET", f"/{bucket}/k")
    assert (answer.code, allowed_origin(answer)) == ("SignatureDoesNotMatch", PAGE)


@pytest.mark.parametrize("way", ["path", "host"])
def test_a_preflight_is_answered_by_the_rules_without_a_signature(server, raw, bucket, put, way):
    put(rule("GET"), rule("PUT", AllowedHeaders=["content-type", "x-amz-*"], MaxAgeSeconds=60))
    host = f"{bucket}.s3.{server.region}.localhost"
    target, where = (f"/{bucket}/k", {}) if way == "path" else ("/k", {"Host": host})

    def asking(method, headers=None, origin=PAGE):
        sent = {"Origin": origin, "Access-Control-Request-Method": method, **where}
        sent |= {"Access-Control-Request-Headers": headers} if headers else {}
        return raw.send("OPTIONS", target + "?X-Amz-Signature=00&X-Amz-Algorithm=x", sent)

    answer = asking("PUT", "Content-Type,X-Amz-Meta-A")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-headers"] == "content-type, x-amz-meta-a"
    assert answer.headers["access-control-allow-methods"] == "PUT"
    assert answer.headers["access-control-max-age"] == "60"
    for refused in (
        asking("PUT", "x-other"),
        asking("GET", "content-type"),
        asking("GET", None, OTHER),
        asking("DELETE"),
    ):
        assert (refused.status, refused.code) == (403, "AccessForbidden")
        assert refused.xml.findtext("ResourceType") == "OBJECT"
        assert allowed_origin(refused) is None


def test_a_preflight_says_what_is_wrong_with_it(raw, bucket, rules_of):
    refused = preflight(raw, f"/{bucket}")
    assert (refused.status, refused.code) == (403, "AccessForbidden")
    assert "not enabled" in refused.xml.findtext("Message")
    assert (refused.xml.findtext("Method"), refused.xml.findtext("ResourceType")) == ("GET", "BUCKET")
    native = {
        "corsRuleName": "native", "allowedOrigins": ["*"], "allowedOperations": ["b2_upload_file"], "maxAgeSeconds": 0,
    }  # fmt: skip
    rules_of(bucket, [native])
    assert "not enabled" in preflight(raw, f"/{bucket}/k", "POST").xml.findtext("Message")
    assert preflight(raw, "/no-such-bucket/k").code == "NoSuchBucket"
    assert preflight(raw, "/").code == "AccessForbidden"
    for headers in ({}, {"Access-Control-Request-Method": "GET"}):
        assert raw.send("OPTIONS", f"/{bucket}/k", headers).code == "BadRequest"
    for method in ("", "get", "PATCH", "OPTIONS"):
        answer = preflight(raw, f"/{bucket}/k", method)
        assert (answer.status, answer.code) == (400, "BadRequest")
    assert ask(raw, "OPTIONS", f"/{bucket}/k", signed=False).code == "BadRequest"


def test_caches_are_told_that_an_answer_depends_on_the_origin_where_there_are_rules(s3, raw, bucket, put):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"hello")["ETag"]
    unchanged = {"If-None-Match": etag}
    assert "vary" not in raw("GET", f"/{bucket}/k").headers
    put(rule("GET"))
    refused = {"Origin": "https://not.allowed.example"}
    for headers in ({}, unchanged, {"Origin": PAGE}, {"Origin": PAGE, **unchanged}, refused, {**refused, **unchanged}):
        answer = raw("GET", f"/{bucket}/k", headers=headers)
        assert answer.status == (304 if "If-None-Match" in headers else 200)
        assert answer.headers["vary"].startswith("Origin")
