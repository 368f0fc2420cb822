from __future__ import annotations

import base64
import hashlib


def document(keys, quiet="false"):
    objects = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    return f"<Delete>{objects}<Quiet>{quiet}</Quiet></Delete>".encode()


def test_each_object_has_an_outcome_of_its_own(s3, bucket):
    version = s3.put_object(Bucket=bucket, Key="a", Body=b"x")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="b")["VersionId"]
    answer = s3.delete_objects(
        Bucket=bucket,
        Delete={
            "Objects": [
                {"Key": "a"},
                {"Key": "a", "VersionId": version},
                {"Key": "b", "VersionId": marker},
                {"Key": "never"},
                {"Key": "c", "VersionId": "junk"},
                {"Key": "d", "ETag": '"x"'},
            ]
        },
    )
    hidden, gone, shown, never = answer["Deleted"]
    assert (hidden["Key"], hidden["DeleteMarker"]) == ("a", True)
    assert "VersionId" not in hidden
    assert gone == {"Key": "a", "VersionId": version}
    assert shown == {"Key": "b", "VersionId": marker, "DeleteMarker": True, "DeleteMarkerVersionId": marker}
    assert never["DeleteMarker"] is True
    assert [(error["Key"], error["Code"]) for error in answer["Errors"]] == [
        ("c", "InvalidArgument"),
        ("d", "NotImplemented"),
    ]


def test_a_quiet_request_is_told_of_errors_alone(s3, bucket):
    objects = [{"Key": "a"}, {"Key": "b", "VersionId": "junk"}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    assert "Deleted" not in answer
    assert [error["Key"] for error in answer["Errors"]] == ["b"]


def test_a_thousand_objects_go_at_once_and_one_more_is_refused(s3, raw, bucket):
    keys = [f"k{number:04}" for number in range(1000)]
    answer = raw("POST", f"/{bucket}?delete", body=document(keys))
    assert len(answer.xml.findall("{*}Deleted")) == 1000
    assert len(s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]) == 1000
    assert raw("POST", f"/{bucket}?delete", body=document([*keys, "more"])).code == "MalformedXML"


def test_any_integrity_header_or_none_is_accepted_and_a_wrong_one_is_not(raw, bucket):
    body = document(["k"])
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
    for headers in ({}, {"content-md5": md5}, {"content-md5": md5, "x-amz-checksum-sha256": sha256}):
        assert raw("POST", f"/{bucket}?delete", headers=headers, body=body).status == 200
    assert raw("POST", f"/{bucket}?delete", headers={"content-md5": md5}, body=document(["x"])).code == "BadDigest"


def test_a_streaming_body_is_refused(raw, bucket):
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}
    assert raw("POST", f"/{bucket}?delete", headers=headers, body=document(["k"])).status == 400


def test_keys_with_line_breaks_and_markup_are_deleted_as_they_are(s3, bucket):
    for key in ("a\r\nb", " <&> "):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
        version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key, "VersionId": version}]})
        assert answer["Deleted"][0]["Key"] == key
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_nobody_deletes_at_all(raw, public_bucket):
    assert raw("POST", f"/{public_bucket}?delete", body=document(["k"]), signed=False).code == "AccessDenied"


def test_a_body_beyond_the_limit_is_refused(raw, bucket):
    answer = raw("POST", f"/{bucket}?delete", body=b"<Delete>" + b" " * (2 * 1024 * 1024) + b"</Delete>")
    assert (answer.status, answer.code) == (400, "MaxMessageLengthExceeded")
